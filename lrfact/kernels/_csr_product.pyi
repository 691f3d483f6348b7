import numpy as np
from numpy.typing import NDArray

def csr_matmat(
    data: NDArray[np.floating],
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    block: NDArray[np.floating],
    out: NDArray[np.floating],
    n_threads: int,
) -> None: ...
def csr_rmatmat(
    data: NDArray[np.floating],
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    block: NDArray[np.floating],
    bounds: NDArray[np.int64],
    out: NDArray[np.floating],
    n_threads: int,
) -> None: ...
def csr_gram(
    data: NDArray[np.floating],
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    out: NDArray[np.float64],
    n_threads: int,
) -> None: ...
