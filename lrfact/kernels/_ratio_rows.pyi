import numpy as np
from numpy.typing import NDArray

def ratio_rows(
    data: NDArray[np.floating],
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    rows: NDArray[np.floating],
    design: NDArray[np.floating],
    out: NDArray[np.floating],
    loss: NDArray[np.float64],
    model_sum: NDArray[np.float64],
    floor: float,
    wants_loss: bool,
    n_threads: int,
) -> None: ...
