import numpy as np
from numpy.typing import NDArray

def descend_rows(
    gram: NDArray[np.floating],
    cross: NDArray[np.floating],
    order: NDArray[np.int64],
    weight: NDArray[np.floating],
    rows: NDArray[np.floating],
    violation: NDArray[np.float64],
    at_rest: NDArray[np.uint8],
    shift: float,
    tol: float,
    tol_is_of_first: bool,
    most_passes: int,
    n_threads: int,
) -> None: ...
def descend_rows_with_missing(
    gram: NDArray[np.float64],
    cross: NDArray[np.floating],
    design: NDArray[np.floating],
    hidden: NDArray[np.int64],
    indptr: NDArray[np.int64],
    order: NDArray[np.int64],
    weight: NDArray[np.floating],
    rows: NDArray[np.floating],
    violation: NDArray[np.float64],
    energy: NDArray[np.float64],
    at_rest: NDArray[np.uint8],
    shift: float,
    ridge: float,
    tol: float,
    tol_is_of_first: bool,
    most_passes: int,
    n_threads: int,
) -> None: ...
