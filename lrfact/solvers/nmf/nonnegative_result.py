"""What the solvers of a non-negative factorization return."""

from dataclasses import dataclass

from lrfact._typing import Array


@dataclass(frozen=True)
class NonnegativeFactors:
    """Factors that approximate a matrix by ``rows @ columns.T``.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_components)
        Not negative.

    columns : ndarray of shape (n_columns, n_components)
        Not negative.

    objective : ndarray
        Loss and penalties as the iteration went on, float64: after each iteration, or where they
        cost as much as one, after every tenth.

    n_iter : int
        Number of iterations.

    converged : bool
        Whether the iteration stopped before it was cut off.
    """

    rows: Array
    columns: Array
    objective: Array
    n_iter: int
    converged: bool
