"""The loss of entries that are predicted from the other columns of their row."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.solvers.nmf.beta_divergence import loss_of
from lrfact.solvers.nmf.nonnegative_fold_in import fold_in
from lrfact.solvers.nmf.nonnegative_problem import Side, hidden_places

_GROUPS = 5

# Added to predictions, in mean entries: a single count that was thought impossible would weigh as
# much as many others.
_SMOOTHING = 2.0**-7

# Of a block of dense rows, whose columns are copied.
_BLOCK_BYTES = 2**25


def heldout_column_loss(side: Side, columns: Array, typical_entry: float) -> float:
    """Hide every fifth column, predict it from the others, and do so for each fifth.

    Parameters
    ----------
    side : Side
        Rows, new to the components if the loss is to be honest.

    columns : ndarray of shape (n_columns, n_components)
        The components.

    typical_entry : float
        Result of `typical_entry` for the training rows.

    Returns
    -------
    float
        The divergence of all entries, each from its prediction, to which 1/128 of the typical entry
        is added where the divergence is another than half the squared error.

    Notes
    -----
    Five folds in, on four fifths of the columns each. No row is copied as a whole if it is sparse.

    References
    ----------
    Owen and Perry (2009), arXiv:0908.2062, for leaving out rows and columns at once.
    """
    n_rows, n_columns = side.matrix.shape
    step = n_rows
    if not sparse.issparse(side.matrix):
        step = max(1, _BLOCK_BYTES // max(1, n_columns * side.matrix.dtype.itemsize))
    group = np.arange(n_columns) % _GROUPS
    total = 0.0
    for start in range(0, n_rows, step):
        part = side.some_rows(slice(start, min(start + step, n_rows)))
        for held_out in range(min(_GROUPS, n_columns)):
            shown, asked = group != held_out, group == held_out
            rows = fold_in(_some_columns(part, shown), columns[shown])
            judged = columns[asked]
            if side.beta != 2:
                rows, judged = (
                    _with_constant(rows, typical_entry * _SMOOTHING),
                    _with_constant(judged, 1),
                )
            total += loss_of(_some_columns(part, asked), rows, judged)
    return total


def typical_entry(matrix: Any, n_shown: int, beta: float) -> float:
    """Return the mean entry, or, where all entries count alike, the least.

    Parameters
    ----------
    matrix : {ndarray, csr_array}
        Not negative; 0 where missing.

    n_shown : int
        Number of entries that are not missing.

    beta : float
        Parameter of the divergence. If it is at most 0, no entry is 0, and all are used.

    Returns
    -------
    float
        Positive value.
    """
    stored = matrix.data if sparse.issparse(matrix) else matrix
    if beta <= 0:
        typical = float(stored.min(where=stored > 0, initial=np.inf))
    else:
        typical = float(stored.sum(dtype=np.float64)) / max(n_shown, 1)
    return typical if 0 < typical < np.inf else 1.0


def _with_constant(factors: Array, value: float) -> Array:
    """Append a component that is the same everywhere."""
    return np.column_stack([factors, np.full(len(factors), value, dtype=factors.dtype)])


def _some_columns(side: Side, columns: NDArray[np.bool_]) -> Side:
    places = np.flatnonzero(columns)
    hidden = None if side.hidden is None else hidden_places(side.hidden[:, places])
    matrix = side.matrix[:, places]
    if not sparse.issparse(matrix):
        matrix = np.ascontiguousarray(matrix)
    return replace(side, matrix=matrix, hidden=hidden)
