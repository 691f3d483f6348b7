"""Refusal of negative values, with the first of them and what to do."""

from typing import Any

import numpy as np
from scipy import sparse


def refuse_negative(X: Any, estimator: Any, advice: str) -> None:
    """Raise if a matrix has a negative entry.

    Parameters
    ----------
    X : {ndarray, csr_array or csr_matrix} of shape (n_samples, n_features)
        Without repeated entries if sparse.

    estimator : estimator
        Estimator whose name is in the message.

    advice : str
        Why negative values make no sense, and what to do.

    Raises
    ------
    ValueError
        If an entry is below 0.
    """
    stored = X.data if sparse.issparse(X) else X
    if not stored.size or not stored.min() < 0:
        return
    if sparse.issparse(X):
        at = int(np.argmax(stored < 0))
        row, column = int(np.searchsorted(X.indptr, at, side="right")) - 1, int(X.indices[at])
        value = stored[at]
    else:
        row, column = (int(place) for place in np.unravel_index(np.argmax(X < 0), X.shape))
        value = X[row, column]
    raise ValueError(
        f"Negative values in data passed to {type(estimator).__name__}: X[{row}, {column}] is "
        f"{value}, and {advice}"
    )
