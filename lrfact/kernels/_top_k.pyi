import numpy as np
from numpy.typing import NDArray

def top_k(
    queries: NDArray[np.floating],
    candidates: NDArray[np.floating],
    offset: NDArray[np.floating] | None,
    excluded: NDArray[np.integer],
    indptr: NDArray[np.integer],
    allowed: NDArray[np.int64] | None,
    scores: NDArray[np.floating],
    indices: NDArray[np.intp],
    n_threads: int,
) -> None: ...
