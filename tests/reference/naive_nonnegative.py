"""Non-negative factorization by the definitions: one row, one coordinate, one entry at a time."""

import numpy as np
from scipy.special import xlogy


def naive_descent(gram, target, x, order, weight, tol, tol_is_of_first, most_passes):
    """Coordinate descent on ``x' gram x / 2 - target' x``: x, violation, whether it rests."""
    x, violation = x.astype(np.float64), 0.0
    for n_passes in range(most_passes):
        before = x.copy()
        for f in order:
            if gram[f, f] <= 0:
                x[f] = 0 if target[f] < 0 else x[f]
                continue
            gradient = gram[f] @ x - target[f]
            if n_passes == 0 and (x[f] > 0 or gradient < 0):
                violation += weight[f] * abs(gradient)
            x[f] = max(x[f] - gradient / gram[f, f], 0.0)
        moved = np.diagonal(gram) @ (x - before) ** 2
        if n_passes == 0:
            first = moved
        if moved <= tol**2 * (first if tol_is_of_first else np.diagonal(gram) @ x**2):
            return x, violation, True
    return x, violation, False


def naive_ratio_sums(values, columns, row, design, floor):
    """What one row adds up: ``sum x / m d``, ``sum x log(x / m) - x + m`` and ``sum s``.

    Of positive entries, with ``m = max(s, floor x)``.
    """
    total, loss, model_sum = np.zeros(len(row)), 0.0, 0.0
    for x, j in zip(values.astype(np.float64), columns, strict=True):
        if x == 0:
            continue
        s = float(row.astype(np.float64) @ design[j].astype(np.float64))
        m = max(s, floor * x)
        total += x / m * design[j].astype(np.float64)
        loss += float(naive_divergence(x, m, 1))
        model_sum += s
    return total, loss, model_sum


def naive_divergence(x, s, beta):
    """The beta-divergence of two arrays, entry by entry."""
    x, s = np.asarray(x, dtype=np.float64), np.asarray(s, dtype=np.float64)
    if beta == 2:
        return (x - s) ** 2 / 2
    if beta == 1:
        return xlogy(x, x / s) - x + s
    if beta == 0:
        return x / s - np.log(x / s) - 1
    return (x**beta + (beta - 1) * s**beta - beta * x * s ** (beta - 1)) / (beta * (beta - 1))


def naive_objective(X, W, V, beta, penalties=((0, 0), (0, 0)), floor=0.0):
    """Divergence of what is not NaN in X from W V', and (l1, l2) penalties of W and of V."""
    shown = ~np.isnan(X)
    S = np.maximum(W.astype(np.float64) @ V.astype(np.float64).T, floor)  # of all, or of each
    total = naive_divergence(X[shown], S[shown], beta).sum()
    for (l1, l2), factors in zip(penalties, (W, V), strict=True):
        factors = factors.astype(np.float64)
        total += l1 * factors.sum() + l2 * np.sum(factors**2) / 2
    return float(total)


def naive_gradient(X, W, V, beta, penalty=(0, 0)):
    """Gradient by W of the same, with the (l1, l2) penalty of W."""
    W, V = W.astype(np.float64), V.astype(np.float64)
    S = W @ V.T
    slope = np.where(np.isnan(X), 0, S ** (beta - 1) - np.nan_to_num(X) * S ** (beta - 2))
    return slope @ V + penalty[0] + penalty[1] * W
