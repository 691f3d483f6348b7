"""Dense, square: 2,000 x 2,000, singular values falling as 1/i into noise."""

from __future__ import annotations

from datasets._decaying_spectrum import decaying_matrix

TASKS = ("svd", "pca", "memory")
N_COMPONENTS = {"full": 50, "quick": 10}
DTYPES = ("float64", "float32")


def load(*, data_dir, quick):
    shape = (300, 300) if quick else (2_000, 2_000)
    return decaying_matrix(*shape, rank=min(shape) // 2, noise=0.02, seed=2)
