"""Common code of the three solvers of scipy.sparse.linalg.svds."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import svds

from peers import Factors


def svds_factors(X, k, solver, setting, random_state):
    # v0 rather than the keyword for the generator, whose name differs between SciPy releases.
    rng = np.random.default_rng(random_state)
    v0 = rng.standard_normal(X.shape[0] if solver == "propack" else min(X.shape))
    return Factors(*svds(X, k=k, solver=solver, v0=v0.astype(X.dtype), **setting))
