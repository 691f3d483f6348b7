"""The door to the SVD solvers: any matrix in, leading singular triplets out."""

import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lrfact._threads import single_threaded_blas
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.foreign_operator import ForeignOperator
from lrfact.linalg.matrix_operator import MatrixOperator
from lrfact.linalg.require_finite import require_finite
from lrfact.linalg.scaling_exponent import scaling_exponent
from lrfact.solvers.svd._result import SVDResult, nothing
from lrfact.solvers.svd.block_krylov_svd import Progress, block_krylov_svd
from lrfact.solvers.svd.choose_svd_solver import choose_svd_solver
from lrfact.solvers.svd.exact_svd import exact_svd
from lrfact.solvers.svd.gram_eigh import gram_eigh
from lrfact.solvers.svd.lanczos_svd import lanczos_svd
from lrfact.solvers.svd.sketched_svd import sketched_svd

SVD_SOLVERS = ("exact", "gram", "randomized", "lanczos")

# Rows of the largest Gram matrix that is formed for few triplets: 512 MiB, and minutes for its
# eigenvalues. Beyond, a block Krylov space takes a small part of that.
LARGEST_GRAM = 8192

# Squares of smaller numbers keep no digits beside one another.
_LEAST = {
    np.dtype(dtype): float(np.sqrt(np.finfo(dtype).tiny)) / float(np.finfo(dtype).eps)
    for dtype in (np.float32, np.float64)
}


def truncated_svd(
    A: Any,
    k: int,
    *,
    solver: str = "auto",
    tol: float = 1e-4,
    max_iter: int | None = None,
    n_iter: int | None = None,
    n_oversamples: int = 10,
    power_iteration_normalizer: str = "auto",
    rng: np.random.RandomState | None = None,
    n_threads: int = 1,
    want_left: bool = True,
    progress: Progress | None = None,
) -> SVDResult:
    """Compute the k leading singular triplets of a matrix.

    Parameters
    ----------
    A : ndarray, sparse matrix, LinearOperator or MatrixOperator of shape (n_rows, n_columns)
        The matrix; a MatrixOperator may be centered.

    k : int
        Number of triplets, 1 to min(n_rows, n_columns).

    solver : {"auto", "exact", "gram", "randomized", "lanczos"}, default="auto"
        "auto" takes the cheapest that reaches `tol`. "gram", chosen or requested, leaves to
        "exact" what a Gram matrix cannot give to `tol` (small singular values beside large ones),
        and few triplets of a matrix of more than 8192 rows and columns to "randomized". Where
        "lanczos" has failed, or missed copies of a repeated singular value, "randomized" takes
        over. The result names the solver that ran.

    tol : float, default=1e-4
        Relative error asked of each singular value; 0 asks for machine precision.

    max_iter : int or None, default=None
        Limit on the steps of "randomized" (None: 1000) or the restarts of "lanczos".

    n_iter : int or None, default=None
        Power iterations of "randomized"; None iterates until `tol` is reached.

    n_oversamples : int, default=10
        Columns of the sketch beyond k, where `n_iter` is given.

    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Normalization between power iterations, if `n_iter` is given.

    rng : RandomState or None, default=None
        Source of random starts; None for one seeded by the system.

    n_threads : int, default=1
        Threads of the sparse products. The result does not depend on it.

    want_left : bool, default=True
        Whether `U` is needed.

    progress : callable or None, default=None
        Called by the randomized solver as ``progress(step, error)``; returns True to stop.

    Returns
    -------
    SVDResult
        Triplets, the solver that ran and the accuracy reached.

    Raises
    ------
    ValueError
        If a singular value is too large for the dtype of the matrix, or if "lanczos" is asked
        for all triplets.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` ended the iteration before `tol` was reached.

    Notes
    -----
    Entries so large or small that their squares leave the range of the dtype are scaled by a power
    of two, in a copy, and the singular values scaled back: triplets do not depend on units.

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact.solvers.svd.truncated_svd import truncated_svd
    >>> result = truncated_svd(np.array([[4.0, 0.0], [3.0, -5.0]]), 2)
    >>> result.s.round(3)
    array([6.325, 3.162])
    """
    operator = as_operator(A, n_threads=n_threads)
    exponent = scaling_exponent(operator)
    if exponent:
        operator = operator.scaled(-exponent)
    rng = np.random.RandomState() if rng is None else rng
    # An overflow shows in the result, which is checked below.
    with np.errstate(over="ignore", invalid="ignore"):
        if solver == "auto":
            result = _cheapest(
                operator,
                k,
                tol=tol,
                max_iter=max_iter,
                rng=rng,
                want_left=want_left,
                progress=progress,
            )
        elif solver == "exact":
            result = exact_svd(operator, k, want_left=want_left)
        elif solver == "gram":
            result = _from_gram(
                operator,
                k,
                tol=tol,
                max_iter=max_iter,
                rng=rng,
                want_left=want_left,
                progress=progress,
            )
        elif solver == "randomized" and n_iter is not None:
            result = sketched_svd(
                operator,
                k,
                n_iter=n_iter,
                n_oversamples=n_oversamples,
                power_iteration_normalizer=power_iteration_normalizer,
                rng=rng,
                want_left=want_left,
            )
        elif solver == "randomized":
            result = _krylov(
                operator,
                k,
                tol=tol,
                max_iter=max_iter,
                rng=rng,
                want_left=want_left,
                progress=progress,
            )
        else:
            if k >= min(operator.shape):
                raise ValueError(
                    f"solver='lanczos' finds at most min(n_rows, n_columns) - 1 = "
                    f"{min(operator.shape) - 1} triplets, not {k}; take solver='exact'"
                )
            with _blas_of_narrow_products(operator):
                found = lanczos_svd(
                    operator, k, tol=tol, max_iter=max_iter, rng=rng, want_left=want_left
                )
            if found is None or not found.converged:
                found = _krylov(
                    operator,
                    k,
                    tol=tol,
                    max_iter=max_iter,
                    rng=rng,
                    want_left=want_left,
                    progress=progress,
                )
            result = found
    require_finite(result.s, result.Vt)
    if result.solver != "exact" and result.s[0] < _LEAST[operator.dtype]:
        # Nothing but zeros, or squares too small for floating-point numbers.
        probe = operator.matmat(rng.standard_normal((operator.shape[1], 1)).astype(operator.dtype))
        if not probe.any():
            return nothing(operator.shape, k, operator.dtype, result.solver, want_left=want_left)
        result = exact_svd(operator, k, want_left=want_left)
    if exponent:
        result = _scaled_back(result, exponent)
    if not result.converged:
        warnings.warn(
            f"singular values are known to {result.error.max():.1g} only, not tol={tol}, after "
            f"{result.n_iter} steps; raise max_iter or tol, or take solver='exact'",
            ConvergenceWarning,
            stacklevel=2,
        )
    return result


def _cheapest(
    A: MatrixOperator,
    k: int,
    *,
    tol: float,
    max_iter: int | None,
    rng: np.random.RandomState,
    want_left: bool,
    progress: Progress | None,
) -> SVDResult:
    choice = choose_svd_solver(A, k, tol=tol)
    if choice == "randomized":
        return _krylov(
            A, k, tol=tol, max_iter=max_iter, rng=rng, want_left=want_left, progress=progress
        )
    if choice == "gram":
        result = gram_eigh(A, k, tol=tol, want_left=want_left)
        if result.converged:
            return result
    return exact_svd(A, k, want_left=want_left)


def _from_gram(
    A: MatrixOperator,
    k: int,
    *,
    tol: float,
    max_iter: int | None,
    rng: np.random.RandomState,
    want_left: bool,
    progress: Progress | None,
) -> SVDResult:
    """Take the Gram matrix where it is the way to go and has the digits asked for."""
    if min(A.shape) > max(LARGEST_GRAM, 8 * k):
        return _krylov(
            A, k, tol=tol, max_iter=max_iter, rng=rng, want_left=want_left, progress=progress
        )
    result = gram_eigh(A, k, tol=tol, want_left=want_left)
    return result if result.converged else exact_svd(A, k, want_left=want_left)


def _scaled_back(result: SVDResult, exponent: int) -> SVDResult:
    """Return the triplets of a matrix from those of the same in other units."""
    with np.errstate(over="ignore", under="ignore"):
        s = np.ldexp(result.s, exponent)
    require_finite(s)
    return replace(result, s=s)


def _krylov(
    A: MatrixOperator,
    k: int,
    *,
    tol: float,
    max_iter: int | None,
    rng: np.random.RandomState,
    want_left: bool,
    progress: Progress | None,
) -> SVDResult:
    limit = 1000 if max_iter is None else max_iter
    with _blas_of_narrow_products(A):
        return block_krylov_svd(
            A, k, tol=tol, max_iter=limit, rng=rng, want_left=want_left, progress=progress
        )


def _blas_of_narrow_products(A: MatrixOperator) -> AbstractContextManager[None]:
    """Return a context in which narrow products with `A` are fast.

    On narrow blocks the threads of BLAS (NumPy and SciPy have a pool each, waiting by spinning)
    take longer to take turns than to compute. A foreign operator may need them.
    """
    return nullcontext() if isinstance(A, ForeignOperator) else single_threaded_blas()
