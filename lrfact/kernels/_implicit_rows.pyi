import numpy as np
from numpy.typing import NDArray

def solve_implicit_rows(
    weights: NDArray[np.floating],
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: NDArray[np.floating],
    spectrum: NDArray[np.float64],
    penalty: NDArray[np.float64],
    most_steps: int,
    tol: float,
    solution: NDArray[np.floating],
    loss: NDArray[np.float64],
    n_threads: int,
) -> None: ...
