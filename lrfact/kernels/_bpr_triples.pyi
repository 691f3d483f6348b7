import numpy as np
from numpy.typing import NDArray

def draw_bpr_triples(
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    row_order: NDArray[np.int32],
    row_bounds: NDArray[np.int64],
    column_order: NDArray[np.int32],
    column_bounds: NDArray[np.int64],
    triples: NDArray[np.int32],
    block_start: NDArray[np.int64],
    seed: int,
    n_threads: int,
) -> None: ...
