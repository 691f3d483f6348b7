"""What is known of rows beside their entries, as a few features of a common scale."""

import numpy as np
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from lrfact._typing import Array
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.gibbs.orthogonal_features import orthogonal_turn
from lrfact.solvers.svd.truncated_svd import truncated_svd

_ACCURACY = 1e-2  # of the singular values: features are read, not reported


def with_side_features(
    features: Array, told: Array | sparse.csr_array, n_components: int, *, n_threads: int
) -> Array:
    """Return features joined by the principal components of what else is told.

    Parameters
    ----------
    features : ndarray of shape (n, r)
        Rows of length 1 or so.

    told : ndarray or csr_array of shape (n, q)
        In any units: each column counts as much as any other. In the dtype of `features`.

    n_components : int
        Maximum number of components of the side information.

    n_threads : int
        Threads of the products.

    Returns
    -------
    ndarray of shape (n, s)
        Combined features with orthogonal columns.
    """
    scaler = StandardScaler(with_mean=False)
    scaled = scaler.fit_transform(told)
    varying = int(np.count_nonzero(scaler.var_))
    k = min(n_components, varying, len(features))
    if not k:
        return features
    A = as_operator(scaled, n_threads=n_threads)
    found = truncated_svd(
        A.centered(A.column_means()),
        k,
        tol=_ACCURACY,
        rng=np.random.RandomState(0),
        n_threads=n_threads,
    )
    # Of variance 1 in all, as each row of a pattern is of length 1 before its mean is taken off.
    components = found.U * (found.s / np.sqrt(varying))
    joined = np.hstack([features, components.astype(features.dtype)])
    joined = np.ascontiguousarray(joined @ orthogonal_turn(joined))
    # One sign each, whatever rounding led to, or a chain would go another way.
    fix_signs(None, joined.T)
    return joined
