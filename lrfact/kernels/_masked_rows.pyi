import numpy as np
from numpy.typing import NDArray

def solve_rows(
    values: NDArray[np.floating],
    weights: NDArray[np.floating],
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: NDArray[np.floating],
    intercept: float,
    bias: bool,
    penalty: NDArray[np.floating],
    row_scale: NDArray[np.floating],
    nonnegative: bool,
    center: NDArray[np.floating],
    noise: NDArray[np.floating],
    solution: NDArray[np.floating],
    loss: NDArray[np.float64],
    residual_sum: NDArray[np.float64],
    added_diagonal: NDArray[np.float64],
    n_threads: int,
) -> None: ...
def leave_one_out_rows(
    values: NDArray[np.floating],
    weights: NDArray[np.floating],
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: NDArray[np.floating],
    intercept: float,
    bias: bool,
    penalty: NDArray[np.floating],
    row_scale: NDArray[np.floating],
    nonnegative: bool,
    solution: NDArray[np.floating],
    residual: NDArray[np.floating],
    n_threads: int,
) -> None: ...
