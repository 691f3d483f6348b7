"""The objective of a factorization of observed entries, and its minimum by alternation."""

import numpy as np


def masked_objective(problem, rows, columns, intercept):
    """Entry by entry and row by row, as the formula says."""
    k = problem.n_components
    ratings = problem.ratings.tocoo()
    total = 0.0
    for n, (i, j, x) in enumerate(zip(ratings.row, ratings.col, ratings.data, strict=True)):
        predicted = intercept + float(rows[i, :k] @ columns[j, :k])
        if problem.bias:
            predicted += rows[i, k] + columns[j, k]
        weight = 1.0 if problem.weights is None else problem.weights[n]
        total += weight * (x - predicted) ** 2
    for i, row in enumerate(rows):
        total += problem.row_scale[i] * float(problem.row_penalty @ row**2)
    for j, column in enumerate(columns):
        total += problem.column_scale[j] * float(problem.column_penalty @ column**2)
    return total


def masked_least_squares(problem, columns, intercept, n_sweeps):
    """Rows given columns, columns given rows, intercept given both: (rows, columns, intercept)."""
    X = problem.ratings.toarray().astype(np.float64)
    pattern = problem.ratings.copy()
    pattern.data = np.ones_like(pattern.data) if problem.weights is None else problem.weights
    weights = pattern.toarray().astype(np.float64)
    columns = columns.astype(np.float64)
    sides = (problem.row_scale, problem.row_penalty), (problem.column_scale, problem.column_penalty)
    for _ in range(n_sweeps):
        rows = _solve(X - intercept, weights, columns, *sides[0], bias=problem.bias)
        columns = _solve(X.T - intercept, weights.T, rows, *sides[1], bias=problem.bias)
        if problem.bias:
            k = problem.n_components
            told = rows[:, :k] @ columns[:, :k].T + rows[:, k:] + columns[:, k:].T
            intercept = float(np.average(X - told, weights=weights))
    return rows, columns, intercept


def _solve(Y, weights, other, scale, penalty, *, bias):
    solution = np.zeros((len(Y), other.shape[1]))
    for i, (y, weight) in enumerate(zip(Y, weights, strict=True)):
        design = other.copy()
        if bias:
            y = y - other[:, -1]
            design[:, -1] = 1
        A = (design.T * weight) @ design + scale[i] * np.diag(penalty)
        if weight.any():
            solution[i] = np.linalg.solve(A, (design.T * weight) @ y)
    return solution
