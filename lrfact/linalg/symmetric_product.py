"""The product of a matrix with its own transpose, by BLAS, at any size.

OpenBLAS 0.3.30 and 0.3.31, which SciPy's and NumPy's wheels bring along, end the process in `syrk`
and `potrf` on several threads from about 16 400 rows on, also behind ``X.T @ X`` of NumPy. Here
`syrk` meets small tiles only, and `gemm` does the rest.
"""

import numpy as np
from scipy.linalg import get_blas_funcs

from lrfact._typing import Array

# Rows and columns of a tile: far from where `syrk` fails, and enough for it to run at full speed.
_TILE = 4096


def symmetric_product(rows: Array) -> Array:
    """Return ``rows.T @ rows``.

    Parameters
    ----------
    rows : ndarray of shape (n, p)
        float32 or float64.

    Returns
    -------
    ndarray of shape (p, p)
        float64, symmetric; sums are those of BLAS, in the dtype of `rows`.
    """
    # SciPy's BLAS, as the eigenvalues will be: NumPy's has threads of its own, which would be
    # waiting for more work, by spinning, while those compute.
    syrk, gemm = get_blas_funcs(("syrk", "gemm"), (rows,))
    p = rows.shape[1]
    tiles = [slice(start, min(start + _TILE, p)) for start in range(0, p, _TILE)]
    G = np.empty((p, p))
    by_rows = rows.strides[0] >= rows.strides[1]
    for i, tile in enumerate(tiles):
        left = rows[:, tile]
        left = np.ascontiguousarray(left).T if by_rows else np.asfortranarray(left)
        upper = np.triu(syrk(1.0, left) if by_rows else syrk(1.0, left, trans=1))
        G[tile, tile] = upper
        G[tile, tile] += np.triu(upper, 1).T
        for other in tiles[i + 1 :]:
            right = rows[:, other]
            if by_rows:
                product = gemm(1.0, left, np.ascontiguousarray(right).T, trans_b=1)
            else:
                product = gemm(1.0, left, np.asfortranarray(right), trans_a=1)
            G[tile, other] = product
            G[other, tile] = product.T
    return G
