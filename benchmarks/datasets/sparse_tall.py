"""Sparse, tall: 200,000 x 1,000 with 1% uniform random entries; one strong component, then flat."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

TASKS = ("svd", "pca", "memory")
N_COMPONENTS = {"full": 20, "quick": 5}
DTYPES = ("float64",)


def load(*, data_dir, quick):
    shape = (5_000, 100) if quick else (200_000, 1_000)
    rng = np.random.default_rng(4)
    return sp.csr_array(sp.random(*shape, density=0.01, format="csr", random_state=rng))
