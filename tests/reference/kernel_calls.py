"""A sound call of every kernel, of any size: arguments by name, in the order of the signature."""

import numpy as np

# What a kernel writes or updates; all else it must leave as it is.
OUTPUTS = {
    "csr_gram": ("out",),
    "csr_matmat": ("out",),
    "csr_rmatmat": ("out",),
    "dense_gram": ("out",),
    "dense_matmat": ("out",),
    "dense_rmatmat": ("out",),
    "descend_blocks": ("row_factors", "row_state", "column_factors", "column_state", "sums"),
    "descend_rows": ("rows", "violation", "at_rest"),
    "descend_rows_with_missing": ("rows", "violation", "energy", "at_rest"),
    "descend_bpr_triples": ("row_factors", "row_squares", "column_factors", "column_state", "sums"),
    "draw_bpr_triples": ("triples", "block_start"),
    "fit_poisson_rows": ("rows", "at_rest"),
    "fit_bpr_rows": ("rows", "at_rest"),
    "leave_one_out_rows": ("residual",),
    "ratio_rows": ("out", "loss", "model_sum"),
    "solve_implicit_rows": ("solution", "loss"),
    "solve_rows": ("solution", "loss", "residual_sum", "added_diagonal"),
    "top_k": ("scores", "indices"),
}

# The module of each, without `_numpy` of the fallback.
FAMILIES = {
    "csr_gram": "_csr_product",
    "csr_matmat": "_csr_product",
    "csr_rmatmat": "_csr_product",
    "dense_gram": "_dense_product",
    "dense_matmat": "_dense_product",
    "dense_rmatmat": "_dense_product",
    "descend_blocks": "_masked_sgd",
    "descend_rows": "_nonnegative_rows",
    "descend_rows_with_missing": "_nonnegative_rows",
    "descend_bpr_triples": "_bpr_sgd",
    "draw_bpr_triples": "_bpr_triples",
    "fit_poisson_rows": "_poisson_rows",
    "fit_bpr_rows": "_bpr_rows",
    "leave_one_out_rows": "_masked_rows",
    "ratio_rows": "_ratio_rows",
    "solve_implicit_rows": "_implicit_rows",
    "solve_rows": "_masked_rows",
    "top_k": "_top_k",
}


def sound_call(
    kernel, *, seed=0, shape=(12, 9), width=3, dtype=np.float64, itype=np.int32, n_threads=1
):
    """Arguments of a call that `kernel` must accept; `width` is 1 or more."""
    rng = np.random.default_rng(seed)
    arguments = _BUILDERS[kernel](rng, *shape, width, np.dtype(dtype).type, itype)
    return {**arguments, "n_threads": n_threads}


def _sparse(rng, n_rows, n_columns, itype, density=0.4):
    member = rng.random((n_rows, n_columns)) < density
    indptr = np.concatenate([[0], np.cumsum(member.sum(axis=1))])
    return np.nonzero(member)[1].astype(itype), indptr.astype(itype)


def _uniform(rng, shape, dtype):
    return rng.uniform(0.1, 2, shape).astype(dtype)


def _normal(rng, shape, dtype):
    return rng.standard_normal(shape).astype(dtype)


def _csr(rng, n_rows, n_columns, dtype, itype):
    indices, indptr = _sparse(rng, n_rows, n_columns, itype)
    return {"data": _normal(rng, len(indices), dtype), "indices": indices, "indptr": indptr}


def _csr_gram(rng, n_rows, n_columns, width, dtype, itype):
    return {**_csr(rng, n_rows, n_columns, dtype, itype), "out": np.ones((n_columns, n_columns))}


def _csr_matmat(rng, n_rows, n_columns, width, dtype, itype):
    return {
        **_csr(rng, n_rows, n_columns, dtype, itype),
        "block": _normal(rng, (n_columns, width), dtype),
        "out": np.ones((n_rows, width), dtype),
    }


def _csr_rmatmat(rng, n_rows, n_columns, width, dtype, itype):
    return {
        **_csr(rng, n_rows, n_columns, dtype, itype),
        "block": _normal(rng, (n_rows, width), dtype),
        "bounds": _bounds(rng, n_columns, 3),
        "out": np.ones((n_columns, width), dtype),
    }


def _bounds(rng, n, n_ranges):
    return np.array([0, *np.sort(rng.integers(0, n + 1, n_ranges - 1)), n], dtype=np.int64)


def _dense_gram(rng, n_rows, n_columns, width, dtype, itype):
    return {
        "matrix": _normal(rng, (n_rows, n_columns), dtype),
        "out": np.ones((n_columns, n_columns)),
    }


def _dense_matmat(rng, n_rows, n_columns, width, dtype, itype):
    return {
        "matrix": _normal(rng, (n_rows, n_columns), dtype),
        "block": _normal(rng, (n_columns, width), dtype),
        "factor": -0.5,
        "out": np.ones((n_rows, width), dtype),
    }


def _dense_rmatmat(rng, n_rows, n_columns, width, dtype, itype):
    return {
        "matrix": _normal(rng, (n_rows, n_columns), dtype),
        "block": _normal(rng, (n_rows, width), dtype),
        "out": np.ones((n_columns, width), dtype),
    }


def _grid(rng, shape, n_ranges):
    """Of each side, the range of each row or column, rising, and where the ranges begin."""
    bounds = [_bounds(rng, n, n_ranges) for n in shape]
    ranges = [np.repeat(np.arange(n_ranges), np.diff(of_side)) for of_side in bounds]
    rounds = (rng.permutation(n_ranges) + np.arange(n_ranges)[:, np.newaxis]) % n_ranges
    return bounds, ranges, rounds.astype(np.int64)


def _block_start(block, n_ranges):
    counts = np.bincount(block, minlength=n_ranges**2)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _state(rng, n, n_states, dtype):
    state = _uniform(rng, (n, n_states), dtype)
    state[:, 0] -= 1  # the bias
    return state


def _descend_blocks(rng, n_rows, n_columns, width, dtype, itype):
    n_ranges = int(rng.integers(1, 4))
    bounds, ranges, rounds = _grid(rng, (n_rows, n_columns), n_ranges)
    rows, columns = np.nonzero(rng.random((n_rows, n_columns)) < 0.4)
    block = ranges[0][rows] * n_ranges + ranges[1][columns]
    order = np.argsort(block, kind="stable")
    return {
        "entry_rows": rows[order].astype(np.int32),
        "entry_columns": columns[order].astype(np.int32),
        "values": _normal(rng, len(rows), dtype),
        "weights": _uniform(rng, len(rows) * rng.integers(2), dtype),
        "block_start": _block_start(block, n_ranges),
        "row_bounds": bounds[0],
        "column_bounds": bounds[1],
        "rounds": rounds,
        "intercept": 0.2,
        "learning_rate": 0.1,
        "bias": bool(rng.integers(2)),
        "nonnegative": bool(rng.integers(2)),
        "row_penalty": _uniform(rng, width + 1, dtype),
        "column_penalty": _uniform(rng, width + 1, dtype),
        "row_factors": _uniform(rng, (n_rows, width), dtype),
        "row_state": _state(rng, n_rows, 4, dtype),
        "column_factors": _uniform(rng, (n_columns, width), dtype),
        "column_state": _state(rng, n_columns, 4, dtype),
        "sums": np.ones((n_ranges**2, 2)),
    }


def _descend_rows(rng, n_rows, n_columns, width, dtype, itype):
    design = rng.random((n_columns + width, width))
    return {
        "gram": (design.T @ design + np.eye(width)).astype(dtype),
        "cross": _normal(rng, (n_rows, width), dtype),
        "order": rng.permutation(width).astype(np.int64),
        "weight": _uniform(rng, width, dtype),
        "rows": _uniform(rng, (n_rows, width), dtype),
        "violation": np.ones(n_rows),
        "at_rest": np.full(n_rows, 7, dtype=np.uint8),
        "shift": 0.25,
        "tol": 0.1,
        "tol_is_of_first": bool(rng.integers(2)),
        "most_passes": 3,
    }


def _descend_rows_with_missing(rng, n_rows, n_columns, width, dtype, itype):
    design = rng.random((n_columns, width)).astype(dtype)
    hidden, indptr = _sparse(rng, n_rows, n_columns, np.int64)
    wide = design.astype(np.float64)
    return {
        "gram": wide.T @ wide,
        "cross": _normal(rng, (n_rows, width), dtype),
        "design": design,
        "hidden": hidden,
        "indptr": indptr,
        "order": rng.permutation(width).astype(np.int64),
        "weight": _uniform(rng, width, dtype),
        "rows": _uniform(rng, (n_rows, width), dtype),
        "violation": np.ones(n_rows),
        "energy": np.ones(n_rows),
        "at_rest": np.full(n_rows, 7, dtype=np.uint8),
        "shift": 0.25,
        "ridge": 0.5,
        "tol": 0.1,
        "tol_is_of_first": bool(rng.integers(2)),
        "most_passes": 3,
    }


def _descend_bpr_triples(rng, n_rows, n_columns, width, dtype, itype):
    n_ranges = int(rng.integers(1, 4))
    _, ranges, rounds = _grid(rng, (n_rows, n_columns), n_ranges)
    n_triples = 4 * n_rows if n_rows and n_columns else 0
    rows = rng.integers(max(1, n_rows), size=n_triples)
    positives = rng.integers(max(1, n_columns), size=n_triples)
    others = rng.integers(max(1, n_columns), size=n_triples)
    apart = ranges[1][others] != ranges[1][positives] if n_triples else np.empty(0, dtype=bool)
    others[apart | (others == positives)] = -1
    block = ranges[0][rows] * n_ranges + ranges[1][positives] if n_triples else rows
    order = np.argsort(block, kind="stable")
    return {
        "triples": np.stack([rows[order], positives[order], others[order]]).astype(np.int32),
        "block_start": _block_start(block, n_ranges),
        "row_range": ranges[0].astype(np.uint8),
        "column_range": ranges[1].astype(np.uint8),
        "rounds": rounds,
        "row_factors": _normal(rng, (n_rows, width), dtype),
        "row_squares": _uniform(rng, n_rows, dtype),
        "column_factors": _normal(rng, (n_columns, width), dtype),
        "column_state": _state(rng, n_columns, 3, dtype),
        "sums": np.ones((n_ranges**2, 2)),
        "learning_rate": 0.1,
        "reg": 0.05,
        "bias": bool(rng.integers(2)),
    }


def _draw_bpr_triples(rng, n_rows, n_columns, width, dtype, itype):
    indices, indptr = _sparse(rng, n_rows, n_columns, itype)
    n_ranges = int(rng.integers(1, 4))
    return {
        "indices": indices,
        "indptr": indptr,
        "row_order": rng.permutation(n_rows).astype(np.int32),
        "row_bounds": _bounds(rng, n_rows, n_ranges),
        "column_order": rng.permutation(n_columns).astype(np.int32),
        "column_bounds": _bounds(rng, n_columns, n_ranges),
        "triples": np.full((3, len(indices)), -77, dtype=np.int32),
        "block_start": np.full(n_ranges**2 + 1, -77, dtype=np.int64),
        "seed": int(rng.integers(2**40)),
    }


def _fit_poisson_rows(rng, n_rows, n_columns, width, dtype, itype):
    indices, indptr = _sparse(rng, n_rows, n_columns, itype)
    design = _uniform(rng, (n_columns, width), dtype)
    return {
        "data": _uniform(rng, len(indices), dtype),
        "indices": indices,
        "indptr": indptr,
        "design": design,
        "reach": np.repeat(design.sum(axis=0)[np.newaxis], n_rows, axis=0),
        "rows": _uniform(rng, (n_rows, width), dtype),
        "at_rest": np.full(n_rows, 7, dtype=np.uint8),
        "l1": 0.1,
        "l2": 0.1,
        "floor": 1e-6,
        "tol": 1e-3,
        "most_passes": 5,
    }


def _fit_bpr_rows(rng, n_rows, n_columns, width, dtype, itype):
    indices, indptr = _sparse(rng, n_rows, n_columns, itype)
    return {
        "indices": indices,
        "indptr": indptr,
        "columns": _normal(rng, (n_columns, width), dtype),
        "offsets": _normal(rng, n_columns, dtype),
        "sample": np.sort(rng.permutation(n_columns)[: n_columns // 2]).astype(np.int32),
        "preconditioner": np.eye(width, dtype=dtype),
        "rows": np.ones((n_rows, width), dtype),
        "at_rest": np.full(n_rows, 7, dtype=np.uint8),
        "reg": 0.5,
        "tol": 0.1,
        "max_iter": 3,
    }


def _masked(rng, n_rows, n_columns, width, dtype, itype):
    columns, indptr = _sparse(rng, n_rows, n_columns, itype)
    bias = bool(rng.integers(2)) and width > 1
    return {
        "values": _normal(rng, len(columns), dtype),
        "weights": _uniform(rng, len(columns) * rng.integers(2), dtype),
        "columns": columns,
        "indptr": indptr,
        "design": _normal(rng, (n_columns, width), dtype),
        "intercept": 0.25,
        "bias": bias,
        "penalty": _uniform(rng, width, dtype),
        "row_scale": _uniform(rng, n_rows, dtype),
        "nonnegative": bool(rng.integers(2)),
    }


def _solve_rows(rng, n_rows, n_columns, width, dtype, itype):
    given = _masked(rng, n_rows, n_columns, width, dtype, itype)
    n_centers, n_noises = n_rows * rng.integers(2, size=2) * (not given["nonnegative"])
    return {
        **given,
        "center": _normal(rng, (n_centers, width), dtype),
        "noise": _normal(rng, (n_noises, width), dtype),
        "solution": np.zeros((n_rows, width), dtype),
        "loss": np.ones(n_rows),
        "residual_sum": np.ones(n_rows),
        "added_diagonal": np.ones(n_rows),
    }


def _leave_one_out_rows(rng, n_rows, n_columns, width, dtype, itype):
    given = _masked(rng, n_rows, n_columns, width, dtype, itype)
    return {
        **given,
        "solution": _uniform(rng, (n_rows, width), dtype),
        "residual": np.zeros(len(given["values"]), dtype),
    }


def _ratio_rows(rng, n_rows, n_columns, width, dtype, itype):
    indices, indptr = _sparse(rng, n_rows, n_columns, itype)
    return {
        "data": _uniform(rng, len(indices), dtype),
        "indices": indices,
        "indptr": indptr,
        "rows": _uniform(rng, (n_rows, width), dtype),
        "design": _uniform(rng, (n_columns, width), dtype),
        "out": np.ones((n_rows, width), dtype),
        "loss": np.ones(n_rows),
        "model_sum": np.ones(n_rows),
        "floor": 1e-6,
        "wants_loss": True,
    }


def _solve_implicit_rows(rng, n_rows, n_columns, width, dtype, itype):
    columns, indptr = _sparse(rng, n_rows, n_columns, itype)
    raw = rng.standard_normal((n_columns, width))
    energies, turn = np.linalg.eigh(raw.T @ raw)
    return {
        "weights": _uniform(rng, len(columns), dtype),
        "columns": columns,
        "indptr": indptr,
        "design": np.ascontiguousarray(raw @ turn, dtype=dtype),
        "spectrum": np.maximum(energies, 0),
        "penalty": _uniform(rng, n_rows, np.float64),
        "most_steps": 0,
        "tol": 0.0,
        "solution": np.zeros((n_rows, width), dtype),
        "loss": np.ones(n_rows),
    }


def _top_k(rng, n_rows, n_columns, width, dtype, itype):
    excluded, indptr = _sparse(rng, n_rows, n_columns, itype)
    offset = _normal(rng, n_columns, dtype) if rng.integers(2) else None
    allowed = None
    if rng.integers(2):
        allowed = np.flatnonzero(rng.random(n_columns) < 0.6).astype(np.int64)
    k = int(rng.integers(1, 6))
    return {
        "queries": _normal(rng, (n_rows, width), dtype),
        "candidates": _normal(rng, (n_columns, width), dtype),
        "offset": offset,
        "excluded": excluded,
        "indptr": indptr,
        "allowed": allowed,
        "scores": np.ones((n_rows, k), dtype),
        "indices": np.full((n_rows, k), -77, dtype=np.intp),
    }


_BUILDERS = {
    "csr_gram": _csr_gram,
    "csr_matmat": _csr_matmat,
    "csr_rmatmat": _csr_rmatmat,
    "dense_gram": _dense_gram,
    "dense_matmat": _dense_matmat,
    "dense_rmatmat": _dense_rmatmat,
    "descend_blocks": _descend_blocks,
    "descend_rows": _descend_rows,
    "descend_rows_with_missing": _descend_rows_with_missing,
    "descend_bpr_triples": _descend_bpr_triples,
    "draw_bpr_triples": _draw_bpr_triples,
    "fit_poisson_rows": _fit_poisson_rows,
    "fit_bpr_rows": _fit_bpr_rows,
    "leave_one_out_rows": _leave_one_out_rows,
    "ratio_rows": _ratio_rows,
    "solve_implicit_rows": _solve_implicit_rows,
    "solve_rows": _solve_rows,
    "top_k": _top_k,
}
