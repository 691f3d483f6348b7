"""What a Krylov space grown from one start cannot see: further copies of repeated eigenvalues."""

from lrfact.linalg.krylov_basis import KrylovBasis

_WIDTH = 8  # narrow, so cheap
_FEWEST_STEPS = 3
_MOST_STEPS = 12

SECOND_CHAIN_CAPACITY = _WIDTH * _MOST_STEPS


def add_restart_chain(basis: KrylovBasis, k: int, least: float) -> int:
    """Look for large eigenvalues outside of a basis, from a random start of their own.

    Until it is plain that the rest of the matrix has nothing as large as the `least` of the k
    eigenvalues found, or that it has. The eigenvalues of the basis then say which.

    Parameters
    ----------
    basis : KrylovBasis
        Holds the k eigenvectors found; extended.

    k : int
        Number of eigenvalues of interest.

    least : float
        The smallest of them.

    Returns
    -------
    int
        Steps taken, each of a product with a few vectors.
    """
    if not basis.has_room_for(SECOND_CHAIN_CAPACITY):
        basis.restart(k + (basis.capacity - k) // 4)
    start = basis.size
    for i in range(_MOST_STEPS):
        if basis.is_complete:
            return i
        if i >= _FEWEST_STEPS:
            largest, residual = basis.leading_eigenvalue_from(start)
            if largest + residual < least or largest > least:
                return i
        basis.extend(basis.next_block(newest_only=True) if i else basis.random_block(_WIDTH))
    return _MOST_STEPS
