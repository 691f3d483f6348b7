import numpy as np
from numpy.typing import NDArray

def descend_blocks(
    entry_rows: NDArray[np.int32],
    entry_columns: NDArray[np.int32],
    values: NDArray[np.floating],
    weights: NDArray[np.floating],
    block_start: NDArray[np.int64],
    row_bounds: NDArray[np.int64],
    column_bounds: NDArray[np.int64],
    rounds: NDArray[np.int64],
    intercept: float,
    learning_rate: float,
    bias: bool,
    nonnegative: bool,
    row_penalty: NDArray[np.floating],
    column_penalty: NDArray[np.floating],
    row_factors: NDArray[np.floating],
    row_state: NDArray[np.floating],
    column_factors: NDArray[np.floating],
    column_state: NDArray[np.floating],
    sums: NDArray[np.float64],
    n_threads: int,
) -> None: ...
