"""Which of the SVD solvers reaches the asked accuracy at the least cost."""

from typing import Literal

from lrfact.linalg.matrix_operator import MatrixOperator

Solver = Literal["exact", "gram", "randomized", "lanczos"]

# Rates relative to a large matrix product in BLAS, measured with OpenBLAS on two cores.
_TRIDIAGONALIZATION = 2.0  # flops of eigh, many of them memory-bound
_THIN_PRODUCT = 2.5  # products with a block of some 20 columns
_SPARSE_PRODUCT = 10.0  # the same with a sparse matrix
_BIDIAGONALIZATION = 6.0


def choose_svd_solver(A: MatrixOperator, k: int, *, tol: float) -> Solver:
    """Return the solver to try first.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix.

    k : int
        Number of triplets.

    tol : float
        Relative error asked of the singular values.

    Returns
    -------
    {"exact", "gram", "randomized"}
        "gram" may turn out to lose the digits asked for; "exact" is then next.

    Notes
    -----
    Compares flops, weighted by the speed at which they run. The basis of the randomized solver
    is taken to end at about 4 k + 60 vectors, which slowly decaying spectra need; faster decay
    only makes it cheaper. "lanczos" is left to those who ask for it: where it wins at all, it
    wins little.
    """
    p, q = min(A.shape), max(A.shape)
    exact = 2.0 * q * p * p + _BIDIAGONALIZATION * 20.0 * p**3
    sparse = A.product_flops < 0.5 * p * q
    rate = _SPARSE_PRODUCT if sparse else _THIN_PRODUCT
    vectors = (rate if sparse else 1.0) * A.product_flops * k
    gram = A.gram_flops + _TRIDIAGONALIZATION * 4 / 3 * p**3 + vectors
    basis = 4.0 * k + 60.0
    digits = 1.0 if tol >= 1e-6 else 2.0  # high accuracy takes about twice the basis
    basis *= digits
    randomized = 2 * rate * A.product_flops * basis + _THIN_PRODUCT * 4.0 * p * basis**2
    if basis > 0.5 * p:
        randomized = float("inf")  # the space would be most of the whole one
    costs: dict[Solver, float] = {"gram": gram, "exact": exact, "randomized": randomized}
    if tol < 1e-12:
        # A Gram matrix keeps this many digits only when the condition number is about one.
        del costs["gram"]
    return min(costs, key=costs.__getitem__)
