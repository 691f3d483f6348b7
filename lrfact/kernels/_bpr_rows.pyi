import numpy as np
from numpy.typing import NDArray

def fit_bpr_rows(
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    columns: NDArray[np.floating],
    offsets: NDArray[np.floating],
    sample: NDArray[np.int32],
    preconditioner: NDArray[np.floating],
    rows: NDArray[np.floating],
    at_rest: NDArray[np.uint8],
    reg: float,
    tol: float,
    max_iter: int,
    n_threads: int,
) -> None: ...
