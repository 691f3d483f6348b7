"""Factorization of observed entries, row by row and entry by entry as its definition says."""

import numpy as np
from scipy.optimize import lsq_linear


def naive_row(D, y, weights, penalty, n_confined=0):
    """Minimize sum_j w_j (y_j - D_j x)^2 + sum_f penalty_f x_f^2, the first unknowns from 0.

    As least squares of a longer system, whose condition is not squared; the shortest of the
    solutions if there are several.
    """
    D, y = np.asarray(D, dtype=np.float64), np.asarray(y, dtype=np.float64)
    roots = np.sqrt(np.asarray(weights, dtype=np.float64))
    A = np.vstack([roots[:, np.newaxis] * D, np.diag(np.sqrt(penalty))])
    b = np.concatenate([roots * y, np.zeros(len(penalty))])
    if not n_confined:
        return np.linalg.lstsq(A, b, rcond=None)[0]
    lowest = np.where(np.arange(D.shape[1]) < n_confined, 0, -np.inf)
    return lsq_linear(A, b, bounds=(lowest, np.inf), method="bvls", tol=1e-14).x


def naive_design(design, intercept, bias, values, columns):
    """Design and targets of the entries of a row: with a bias the last unknown meets a one."""
    D = np.asarray(design, dtype=np.float64)[columns]
    y = np.asarray(values, dtype=np.float64) - intercept
    if bias:
        y, D = y - D[:, -1], np.column_stack([D[:, :-1], np.ones(len(D))])
    return D, y


def naive_rows(
    values, weights, columns, indptr, design, intercept, bias, penalty, row_scale, nonnegative
):
    """Solution, weighted loss and sum of weighted residuals of each row."""
    solutions, losses, sums = [], [], []
    width = np.shape(design)[1]
    for i in range(len(indptr) - 1):
        at = slice(indptr[i], indptr[i + 1])
        D, y = naive_design(design, intercept, bias, values[at], columns[at])
        w = np.asarray(weights[at], dtype=np.float64) if len(weights) else np.ones(len(y))
        x = np.zeros(width)
        if len(y):
            scaled = float(row_scale[i]) * np.asarray(penalty, dtype=np.float64)
            x = naive_row(D, y, w, scaled, (width - bias) * nonnegative)
        e = y - D @ x
        solutions.append(x)
        losses.append(np.sum(w * e**2))
        sums.append(np.sum(w * e) if bias else 0.0)
    return np.array(solutions).reshape(-1, width), np.array(losses), np.array(sums)


def naive_moved_rows(
    values,
    weights,
    columns,
    indptr,
    design,
    intercept,
    bias,
    penalty,
    row_scale,
    nonnegative,
    *,
    center=None,
    noise=None,
):
    """Rows that a penalty draws to a center, moved by inv(U) e, and their losses.

    U'U is the matrix of the row's equations.
    """
    width = np.shape(design)[1]
    solutions, losses = np.zeros((len(indptr) - 1, width)), []
    for i in range(len(solutions)):
        at = slice(indptr[i], indptr[i + 1])
        D, y = naive_design(design, intercept, bias, values[at], columns[at])
        w = np.asarray(weights[at], dtype=np.float64) if len(weights) else np.ones(len(y))
        P = np.diag(float(row_scale[i]) * penalty.astype(np.float64))
        A, b = D.T @ (w[:, np.newaxis] * D) + P, D.T @ (w * y)
        if center is not None:
            b += P @ center[i]
        solutions[i] = np.linalg.solve(A, b)
        if noise is not None:
            solutions[i] += np.linalg.inv(np.linalg.cholesky(A).T) @ noise[i]
        losses.append(np.sum(w * (y - D @ solutions[i]) ** 2))
    return solutions, np.array(losses)


def naive_left_out(
    values, weights, columns, indptr, design, intercept, bias, penalty, row_scale, nonnegative
):
    """Each entry less its prediction by the row refitted without it, under the same penalty."""
    residuals = []
    width = np.shape(design)[1]
    for i in range(len(indptr) - 1):
        at = slice(indptr[i], indptr[i + 1])
        D, y = naive_design(design, intercept, bias, values[at], columns[at])
        w = np.asarray(weights[at], dtype=np.float64) if len(weights) else np.ones(len(y))
        scaled = float(row_scale[i]) * np.asarray(penalty, dtype=np.float64)
        for j in range(len(y)):
            others = np.arange(len(y)) != j
            x = naive_row(D[others], y[others], w[others], scaled, (width - bias) * nonnegative)
            residuals.append(y[j] - D[j] @ x)
    return np.array(residuals)


def naive_predictions(rows, columns, intercept, bias):
    """The whole matrix, from parameters with the biases last."""
    n_factors = rows.shape[1] - bias
    predicted = np.empty((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            predicted[i, j] = intercept + sum(
                float(row[f]) * float(column[f]) for f in range(n_factors)
            )
            if bias:
                predicted[i, j] += float(row[-1]) + float(column[-1])
    return predicted


def naive_objective(X, W, reg, rows, columns, intercept, bias):
    """The objective of MaskedMF: X has NaN for holes, W the weights of all entries."""
    predicted = naive_predictions(rows, columns, intercept, bias)
    observed = ~np.isnan(X)
    n_rows, n_columns = X.shape
    n_factors = rows.shape[1] - bias
    row_counts, column_counts = np.zeros(n_rows), np.zeros(n_columns)
    loss = total = weighted = 0.0
    for i in range(n_rows):
        for j in range(n_columns):
            if observed[i, j]:
                loss += W[i, j] * (X[i, j] - predicted[i, j]) ** 2
                row_counts[i] += W[i, j]
                column_counts[j] += W[i, j]
                total += W[i, j]
                weighted += W[i, j] * X[i, j]
    center = weighted / total if bias else 0.0
    variance = sum(
        W[i, j] * (X[i, j] - center) ** 2
        for i in range(n_rows)
        for j in range(n_columns)
        if observed[i, j]
    )
    variance /= total
    for i in range(n_rows):
        loss += reg * np.sqrt(row_counts[i]) * sum(float(p) ** 2 for p in rows[i])
    for j in range(n_columns):
        length = sum(float(p) ** 2 for p in columns[j, :n_factors])
        loss += reg * np.sqrt(column_counts[j]) * variance * length
        if bias:
            loss += reg * np.sqrt(column_counts[j]) * float(columns[j, -1]) ** 2
    return loss


def naive_half_sweep(X, W, design, intercept, bias, row_scale, penalty, nonnegative=False):
    """The rows that fit X best, given the parameters of its columns."""
    solution = []
    for i, row in enumerate(X):
        (columns,) = np.nonzero(~np.isnan(row))
        if not len(columns):
            solution.append(np.zeros(design.shape[1]))
            continue
        D, y = naive_design(design, intercept, bias, row[columns], columns)
        n_confined = (design.shape[1] - bias) * nonnegative
        scaled = row_scale[i] * np.asarray(penalty)
        solution.append(naive_row(D, y, W[i, columns], scaled, n_confined))
    return np.array(solution)


def naive_sweep(X, W, columns, intercept, bias, problem, nonnegative=False):
    """Rows given columns, columns given these rows, then the mean residual into the intercept."""
    row_scale, column_scale, row_penalty, column_penalty = problem
    rows = naive_half_sweep(
        X, W, columns, intercept, bias, row_scale, row_penalty, nonnegative=nonnegative
    )
    columns = naive_half_sweep(
        X.T, W.T, rows, intercept, bias, column_scale, column_penalty, nonnegative=nonnegative
    )
    if bias:
        observed = ~np.isnan(X)
        left = (X - naive_predictions(rows, columns, intercept, bias))[observed]
        intercept = intercept + np.average(left, weights=W[observed])
    return rows, columns, intercept


def naive_recommend(scores, observed, n_items, allowed=None, exclude_observed=True):
    """The best columns of each row, of equals the lower index: a list for each row."""
    found = []
    for row in range(len(scores)):
        left = [
            j
            for j in range(scores.shape[1])
            if (allowed is None or j in allowed) and not (exclude_observed and observed[row, j])
        ]
        found.append(sorted(left, key=lambda j: (-scores[row, j], j))[:n_items])
    return found
