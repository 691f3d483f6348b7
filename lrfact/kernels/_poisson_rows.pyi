import numpy as np
from numpy.typing import NDArray

def fit_poisson_rows(
    data: NDArray[np.floating],
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: NDArray[np.floating],
    reach: NDArray[np.floating],
    rows: NDArray[np.floating],
    at_rest: NDArray[np.uint8],
    l1: float,
    l2: float,
    floor: float,
    tol: float,
    most_passes: int,
    n_threads: int,
) -> None: ...
