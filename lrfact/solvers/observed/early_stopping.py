"""Stopping a factorization when entries held out of it are no longer predicted better."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.solvers.observed.masked_problem import MaskedModel, predict_entries


@dataclass
class HeldOutMonitor:
    """Watches the error on held-out entries and keeps the best model seen.

    Attributes
    ----------
    held_out : csr_array of shape (n_rows, n_columns)
        Entries that the solver does not see.

    weights : ndarray of shape (nnz,) or None
        Their weights; None for ones.

    bias : bool
        Whether the models have biases.

    patience : int
        Sweeps without a better error after which it says stop.

    errors : list of float
        Root mean square error after each sweep.

    best : MaskedModel or None
        A copy of the model with the least error.
    """

    held_out: sparse.csr_array
    weights: Array | None
    bias: bool
    patience: int
    errors: list[float] = field(default_factory=list)
    best: MaskedModel | None = None

    def __post_init__(self) -> None:
        rows = np.arange(self.held_out.shape[0])
        self._rows = np.repeat(rows, np.diff(self.held_out.indptr))

    def __call__(self, sweep: int, objective: float, model: MaskedModel) -> bool:
        """Look at the model after a sweep; True to stop. The first sweep begins anew."""
        if sweep == 1:
            self.errors.clear()
        predicted = predict_entries(model, self._rows, self.held_out.indices, bias=self.bias)
        residuals = self.held_out.data.astype(np.float64) - predicted
        self.errors.append(float(np.sqrt(np.average(residuals**2, weights=self.weights))))
        if self.errors[-1] <= min(self.errors):
            self.best = MaskedModel(model.rows.copy(), model.columns.copy(), model.intercept)
        return len(self.errors) - 1 - int(np.argmin(self.errors)) >= self.patience


def hold_out_entries(
    entries: sparse.csr_array,
    weights: Array | None,
    share: float,
    rng: np.random.RandomState,
) -> tuple[sparse.csr_array, Array | None, sparse.csr_array, Array | None]:
    """Split observed entries at random.

    Parameters
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        The observed entries.

    weights : ndarray of shape (nnz,) or None
        Weights of the entries.

    share : float
        Fraction of held-out entries, in (0, 1); at least one entry is held out, and at least one is
        kept.

    rng : RandomState
        Random number generator of the selection.

    Returns
    -------
    kept, weights, held_out, weights
        Entries to learn from and their weights, then the others and theirs.

    Raises
    ------
    ValueError
        If there are fewer than two entries.
    """
    if entries.nnz < 2:
        raise ValueError(
            "early_stopping=True holds out some of the observed entries, but there is only "
            f"{entries.nnz}; pass more data or early_stopping=False"
        )
    n_out = min(max(1, round(share * entries.nnz)), entries.nnz - 1)
    out = np.zeros(entries.nnz, dtype=bool)
    out[rng.choice(entries.nnz, n_out, replace=False)] = True
    kept, left = (None, None) if weights is None else (weights[~out], weights[out])
    return _chosen(entries, ~out), kept, _chosen(entries, out), left


def _chosen(entries: sparse.csr_array, chosen: NDArray[np.bool_]) -> sparse.csr_array:
    counts = np.concatenate([[0], np.cumsum(chosen)])
    indptr = counts[entries.indptr].astype(entries.indptr.dtype)
    return sparse.csr_array(
        (entries.data[chosen], entries.indices[chosen], indptr), shape=entries.shape
    )
