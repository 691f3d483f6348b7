import numpy as np
from numpy.typing import NDArray

def descend_bpr_triples(
    triples: NDArray[np.int32],
    block_start: NDArray[np.int64],
    row_range: NDArray[np.uint8],
    column_range: NDArray[np.uint8],
    rounds: NDArray[np.int64],
    row_factors: NDArray[np.floating],
    row_squares: NDArray[np.floating],
    column_factors: NDArray[np.floating],
    column_state: NDArray[np.floating],
    sums: NDArray[np.float64],
    learning_rate: float,
    reg: float,
    bias: bool,
    n_threads: int,
) -> None: ...
