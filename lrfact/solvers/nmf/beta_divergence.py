"""The beta-divergence of a matrix from a product of factors, and the sums of its gradient."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact import kernels
from lrfact._threads import single_threaded_blas
from lrfact._typing import Array
from lrfact.kernels._thread_count import usable_threads
from lrfact.solvers.nmf.nonnegative_problem import Side

# Of a block of the approximation: it, its ratio and its powers stay in the cache of a core.
_BLOCK_BYTES = 2**19

# Of a block: what lies next to each other in a matrix by columns fills lines of the cache.
_FEWEST_ROWS = 32

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
    return side.shown_sums(design).astype(design.dtype)


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

    losses = np.empty(len(rows))

    def losses_of(part: slice, model: Array) -> None:
        values, gone = _block_of(side, part)
        _approximate(side, rows[part], design, values, model)
        losses[part] = _losses(values, model, side.beta, gone, exact=True).sum(axis=1)

    _on_blocks(side, losses_of)
    return max(float(losses.sum()), 0.0)


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
    loss, model_sum = np.empty(len(rows)), np.empty(len(rows))
    kernels.ratio_rows(
        X.data,
        X.indices,
        X.indptr,
        rows,
        np.ascontiguousarray(design),
        numerator,
        loss,
        model_sum,
        side.floor,
        wants_loss,
        side.n_threads,
    )
    reach = side.shown_sums(design)
    if wants_loss:
        # Of entries that are 0 the approximation itself.
        all_entries = np.einsum("ij,ij->i", rows, np.broadcast_to(reach, rows.shape))
        loss += np.maximum(all_entries - model_sum, 0)
    return DivergenceSums(numerator, reach.astype(design.dtype), loss)


def _by_blocks(side: Side, rows: Array, design: Array, wants_loss: bool) -> DivergenceSums:
    """Form the approximation block by block."""
    beta = side.beta
    numerator = np.empty_like(rows)
    denominator = shown_sums(side, design) if beta == 1 else np.empty_like(rows)
    loss = np.zeros(len(rows))

    def sum_over(part: slice, model: Array) -> None:
        values, gone = _block_of(side, part)
        _approximate(side, rows[part], design, values, model)
        if wants_loss:
            loss[part] = _losses(values, model, beta, gone).sum(axis=1)
        # Where entries are hidden, values are 0.
        if beta == 1:
            ratios = np.divide(values, model, out=model)
        else:
            power = model ** (beta - 1)
            ratios = values if beta == 2 else values / model * power
            if gone is not None:
                power[gone] = 0
            denominator[part] = power @ design
        numerator[part] = ratios @ design

    _on_blocks(side, sum_over)
    return DivergenceSums(numerator, denominator, loss)


def _on_blocks(side: Side, work: Callable[[slice, Array], None]) -> None:
    """Call for blocks of rows, whatever the number of threads, with room for an approximation."""
    matrix, (n_rows, n_columns) = side.matrix, side.matrix.shape
    by_columns = not sparse.issparse(matrix) and matrix.strides[0] < matrix.strides[1]
    dtype = matrix.dtype
    in_a_block = _BLOCK_BYTES // max(1, n_columns * dtype.itemsize)
    step = max(_FEWEST_ROWS if by_columns else 1, in_a_block)
    starts = range(0, n_rows, step)
    n_threads = min(side.n_threads, max(1, len(starts)))

    @np.errstate(all="ignore")  # what overflows is raised in the end
    def work_on(starts: range) -> None:
        # Of a thread: memory that is given back and taken again costs more than the products.
        room = np.empty(min(step, n_rows) * n_columns, dtype=dtype)
        for start in starts:
            n = min(step, n_rows - start)
            model = room[: n * n_columns]
            shaped = model.reshape(n_columns, n).T if by_columns else model.reshape(n, n_columns)
            work(slice(start, start + n), shaped)

    n_threads = usable_threads(n_threads, calls_blas=True)
    with single_threaded_blas(), ThreadPoolExecutor(n_threads) as pool:
        others = [pool.submit(work_on, starts[i::n_threads]) for i in range(1, n_threads)]
        work_on(starts[::n_threads])
        for other in others:
            other.result()


def _block_of(side: Side, part: slice) -> tuple[Array, NDArray[np.bool_] | None]:
    """Return some rows, dense, and which of their entries are hidden."""
    block = side.matrix[part]
    if sparse.issparse(block):
        block = block.toarray()
    if side.hidden is None:
        return block, None
    gone = np.zeros(block.shape, dtype=bool)
    lines = side.hidden[part]
    gone[np.repeat(np.arange(len(block)), np.diff(lines.indptr)), lines.indices] = True
    return block, gone


def _approximate(side: Side, rows: Array, design: Array, values: Array, model: Array) -> None:
    """Write the approximation of a block, no less than what can be divided by."""
    np.matmul(rows, design.T, out=model)
    if side.beta == 2:
        return
    tiny = np.finfo(model.dtype).tiny
    # One pass where nothing is that small, as is usual.
    if not model.min(initial=np.inf) >= side.floor * side.largest + tiny:
        floors = model.dtype.type(side.floor) * values
        floors += tiny
        np.maximum(model, floors, out=model)


def _losses(
    values: Array,
    model: Array,
    beta: float,
    gone: NDArray[np.bool_] | None,
    *,
    exact: bool = False,
) -> NDArray[np.float64]:
    """Divergence of each entry that is not hidden, in float64."""
    x, s = values.astype(np.float64, copy=False), model.astype(np.float64, copy=False)
    losses = _poisson_divergences(x, s) if exact and beta == 1 else _divergences(x, s, beta)
    if gone is not None:
        losses[gone] = 0
    return losses


def _poisson_divergences(x: NDArray[np.float64], s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the same as `_divergences`, in three times the time, where `s` is near `x` exactly."""
    change = np.divide(s - x, x, out=np.full_like(s, np.inf), where=x > 0)
    near = np.abs(change) < 0.5
    change[~near] = 0
    return np.where(near, x * (change - np.log1p(change)), _divergences(x, s, 1))


def _divergences(
    x: NDArray[np.float64], s: NDArray[np.float64], beta: float
) -> NDArray[np.float64]:
    if beta == 2:
        return 0.5 * (x - s) ** 2
    if beta == 1:
        terms = x / s
        np.maximum(terms, np.finfo(np.float64).tiny, out=terms)  # 0 log 0 = 0
        np.log(terms, out=terms)
        terms *= x
        terms -= x
        terms += s
        return terms
    if beta <= 0:
        # Entries of 0, which only missing ones are, have no divergence.
        x = np.where(x > 0, x, s)
    if beta == 0:
        ratio = x / s
        return ratio - np.log(ratio) - 1
    return (x**beta + (beta - 1) * s**beta - beta * x * s ** (beta - 1)) / (beta * (beta - 1))
