"""The beta-divergence of a matrix from a product of factors, and the sums of its gradient."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact import kernels
from lrfact.linalg.narrow_product import narrow_product, transposed_narrow_product
from lrfact.solvers.nonnegative_problem import Side

Array = NDArray[np.floating]

# Of a block of the approximation: it, its ratio and its powers stay in the cache of a core.
_BLOCK_BYTES = 2**20

# Hidden entries handled at a time: their factors are gathered.
_CHUNK = 2**15


@dataclass(frozen=True)
class DivergenceSums:
    r"""Sums over the columns j that a row i shows, with :math:`s_{ij} = w_i' v_j`.

    Attributes
    ----------
    numerator : ndarray of shape (n_rows, n_components)
        :math:`\sum_j x_{ij} s_{ij}^{\beta-2} v_j`.

    denominator : ndarray of shape (n_rows, n_components) or (n_components,)
        :math:`\sum_j s_{ij}^{\beta-1} v_j`.

    loss : ndarray of shape (n_rows,)
        Divergence of each row, float64; zeros unless wanted.
    """

    numerator: Array
    denominator: Array
    loss: Array


def divergence_sums(
    side: Side, rows: Array, design: Array, *, wants_loss: bool = True
) -> DivergenceSums:
    r"""Compare a matrix with ``rows @ design.T``, without forming either as a whole.

    .. math:: d_\beta(x, s) = \frac{x^\beta + (\beta - 1) s^\beta - \beta x s^{\beta-1}}
                                   {\beta (\beta - 1)}, \quad
              d_1(x, s) = x \log \frac{x}{s} - x + s, \quad
              d_0(x, s) = \frac{x}{s} - \log \frac{x}{s} - 1

    Parameters
    ----------
    side : Side
        The matrix; its `beta` and `floor` count.

    rows : ndarray of shape (n_rows, n_components)
        Not negative.

    design : ndarray of shape (n_columns, n_components)
        Not negative.

    wants_loss : bool, default=True
        Whether the loss is needed.

    Returns
    -------
    DivergenceSums

    Notes
    -----
    Kullback-Leibler on a sparse matrix takes ``4 nnz k`` flops, the squared error a product with
    the matrix; all others ``4 n_rows n_columns k``, on blocks of a megabyte.

    References
    ----------
    Fevotte and Idier (2011), arXiv:1010.1763.
    """
    if side.beta == 2 and side.hidden is None:
        return _squared_error(side, rows, design)
    if side.beta == 1 and sparse.issparse(side.matrix):
        return _sparse_kullback_leibler(side, rows, design, wants_loss)
    return _by_blocks(side, rows, design, wants_loss)


def shown_sums(side: Side, design: Array) -> Array:
    """Return the sums of the design rows that each row shows.

    Parameters
    ----------
    side : Side
        The rows.

    design : ndarray of shape (n_columns, n_components)
        Not negative.

    Returns
    -------
    ndarray of shape (n_rows, n_components) or (n_components,)
        A single one where all rows show all columns.
    """
    sums = design.sum(axis=0, dtype=np.float64).astype(design.dtype)
    return sums if side.hidden is None else np.maximum(sums - side.hidden_sums(design), 0)


def loss_of(side: Side, rows: Array, design: Array) -> float:
    """Return the divergence of a matrix from ``rows @ design.T``, over entries that are not hidden.

    Parameters
    ----------
    side : Side
        The matrix.

    rows : ndarray of shape (n_rows, n_components)
        Not negative.

    design : ndarray of shape (n_columns, n_components)
        Not negative.

    Returns
    -------
    float
        Not negative, summed in float64.

    Notes
    -----
    Of a sparse matrix the squared error is a difference of sums of squares: where it is below
    1e-15 of these, its digits are lost.
    """
    if side.beta == 2 and sparse.issparse(side.matrix):
        shared = np.einsum("ij,ij->j", rows, side.operator.matmat(design), dtype=np.float64).sum()
        energy = float(np.sum(side.gram_of(rows) * side.gram_of(design)))
        energy -= _hidden_energy(side, rows, design)
        return max(0.5 * (side.squared_norm - 2 * float(shared) + energy), 0.0)
    if side.beta == 1 and sparse.issparse(side.matrix):
        return max(float(divergence_sums(side, rows, design).loss.sum()), 0.0)
    total = 0.0
    by_columns = not sparse.issparse(side.matrix) and _is_transposed(side.matrix)
    for part, block, gone in _blocks(side, by_columns):
        left, right = (design[part], rows) if by_columns else (rows[part], design)
        model = narrow_product(left, np.ascontiguousarray(right.T), side.n_threads)
        if side.beta != 2:
            np.maximum(model, model.dtype.type(side.floor), out=model)
        losses = _losses(block, model, side.beta)
        if gone is not None:
            losses[gone] = 0
        total += float(losses.sum())
    return max(total, 0.0)


def _hidden_energy(side: Side, rows: Array, design: Array) -> float:
    """Sum of the squares of the approximation of hidden entries."""
    if side.hidden is None:
        return 0.0
    hidden, total = side.hidden, 0.0
    row_of = np.repeat(np.arange(len(rows)), np.diff(hidden.indptr))
    for start in range(0, hidden.nnz, _CHUNK):
        part = slice(start, start + _CHUNK)
        model = np.einsum(
            "pf,pf->p", rows[row_of[part]], design[hidden.indices[part]], dtype=np.float64
        )
        total += float(model @ model)
    return total


def _squared_error(side: Side, rows: Array, design: Array) -> DivergenceSums:
    gram = side.gram_of(design)
    numerator = side.operator.matmat(design)
    denominator = rows @ gram.astype(rows.dtype)
    energy = side.operator.row_energies()
    shared = np.einsum("ij,ij->i", rows, numerator, dtype=np.float64)
    own = np.einsum("ij,ij->i", rows, denominator, dtype=np.float64)
    return DivergenceSums(
        numerator, denominator, np.maximum(0.5 * (energy - 2 * shared + own), 0.0)
    )


def _sparse_kullback_leibler(
    side: Side, rows: Array, design: Array, wants_loss: bool
) -> DivergenceSums:
    X = side.matrix
    numerator = np.empty_like(rows)
    loss = np.empty(len(rows))
    kernels.ratio_rows(
        X.data,
        X.indices,
        X.indptr,
        rows,
        np.ascontiguousarray(design),
        numerator,
        loss,
        side.floor,
        wants_loss,
        side.n_threads,
    )
    denominator = shown_sums(side, design)
    if wants_loss:
        loss -= side.operator.matmat(np.ones((X.shape[1], 1), dtype=X.dtype))[:, 0]
        loss += np.einsum("ij,ij->i", rows, np.broadcast_to(denominator, rows.shape))
    return DivergenceSums(numerator, denominator, loss)


def _by_blocks(side: Side, rows: Array, design: Array, wants_loss: bool) -> DivergenceSums:
    """Form the approximation block by block, along the lines that are stored next to each other."""
    by_columns = not sparse.issparse(side.matrix) and _is_transposed(side.matrix)
    beta = side.beta
    numerator = np.zeros_like(rows)
    denominator = shown_sums(side, design) if beta == 1 else np.zeros_like(rows)
    loss = np.zeros(len(rows))
    for part, block, gone in _blocks(side, by_columns):
        left, right = (design[part], rows) if by_columns else (rows[part], design)
        model = narrow_product(left, np.ascontiguousarray(right.T), side.n_threads)
        np.maximum(model, model.dtype.type(side.floor), out=model)
        if wants_loss:
            losses = _losses(block, model, beta)
            if gone is not None:
                losses[gone] = 0
            loss[slice(None) if by_columns else part] += losses.sum(axis=0 if by_columns else 1)
        for sums, terms in (
            (numerator, _ratios(block, model, beta)),
            (denominator, None if beta == 1 else model ** (beta - 1)),
        ):
            if terms is None:
                continue
            if gone is not None:
                terms[gone] = 0
            if by_columns:
                sums += transposed_narrow_product(terms, left, side.n_threads)
            else:
                sums[part] = narrow_product(terms, right, side.n_threads)
    return DivergenceSums(numerator, denominator, loss)


def _ratios(values: Array, model: Array, beta: float) -> Array:
    """Return ``x s^(beta - 2)``."""
    if beta == 2:
        return values.copy()
    ratios = values / model
    return ratios if beta == 1 else np.multiply(ratios, model ** (beta - 1), out=ratios)


def _is_transposed(matrix: Array) -> bool:
    return matrix.strides[0] < matrix.strides[1]


def _blocks(
    side: Side, by_columns: bool
) -> Iterator[tuple[slice, Array, NDArray[np.bool_] | None]]:
    """Yield lines of the matrix as dense blocks, and which of their entries are hidden."""
    matrix = side.matrix.T if by_columns else side.matrix
    hidden = side.hidden_by_columns if by_columns else side.hidden
    n_lines, length = matrix.shape
    step = max(1, _BLOCK_BYTES // max(1, length * matrix.dtype.itemsize))
    for start in range(0, n_lines, step):
        part = slice(start, min(start + step, n_lines))
        block = matrix[part]
        if sparse.issparse(block):
            block = block.toarray()
        gone = None
        if hidden is not None:
            gone = np.zeros(block.shape, dtype=bool)
            lines = hidden[part]
            rows = np.repeat(np.arange(len(block)), np.diff(lines.indptr))
            gone[rows, lines.indices] = True
        yield part, block, gone


def _losses(values: Array, model: Array, beta: float) -> Array:
    """Divergence of each entry, in float64."""
    x, s = values.astype(np.float64), model.astype(np.float64)
    if beta == 2:
        return 0.5 * (x - s) ** 2
    if beta == 1:
        ratio = np.divide(x, s, out=np.ones_like(x), where=x > 0)
        return x * np.log(ratio) - x + s
    if beta <= 0:
        # Entries of 0, which only missing ones are, have no divergence.
        x = np.where(x > 0, x, s)
    if beta == 0:
        ratio = x / s
        return ratio - np.log(ratio) - 1
    return (x**beta + (beta - 1) * s**beta - beta * x * s ** (beta - 1)) / (beta * (beta - 1))
