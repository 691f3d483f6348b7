"""Implicit feedback of rows that like some columns better than others."""

import numpy as np
from scipy import sparse


def synthetic_clicks(n_rows=60, n_columns=40, share=0.2, *, n_groups=3, dtype=np.float64, seed=0):
    """Counts of rows and columns in groups that like each other; row 3 and column 5 are empty."""
    rng = np.random.default_rng(seed)
    row_group, column_group = (
        rng.integers(0, n_groups, n_rows),
        rng.integers(0, n_groups, n_columns),
    )
    same = row_group[:, None] == column_group
    dense = (rng.random((n_rows, n_columns)) < np.where(same, 2.5 * share, share / 5)) * 1.0
    dense *= rng.integers(1, 4, dense.shape)
    dense[3], dense[:, 5] = 0, 0
    return sparse.csr_array(dense.astype(dtype))
