"""Dense, tall: 100,000 x 200, singular values falling as 1/i into noise."""

from __future__ import annotations

from datasets._decaying_spectrum import decaying_matrix

TASKS = ("svd", "pca", "memory")
N_COMPONENTS = {"full": 20, "quick": 10}
DTYPES = ("float64", "float32")


def load(*, data_dir, quick):
    shape = (3_000, 60) if quick else (100_000, 200)
    return decaying_matrix(*shape, rank=min(shape) // 2, noise=0.02, seed=0)
