import numpy as np
from numpy.typing import NDArray

def dense_matmat(
    matrix: NDArray[np.floating],
    block: NDArray[np.floating],
    factor: float,
    out: NDArray[np.floating],
    n_threads: int,
) -> None: ...
def dense_rmatmat(
    matrix: NDArray[np.floating],
    block: NDArray[np.floating],
    out: NDArray[np.floating],
    n_threads: int,
) -> None: ...
def dense_gram(matrix: NDArray[np.floating], out: NDArray[np.float64], n_threads: int) -> None: ...
