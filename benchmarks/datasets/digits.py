"""Handwritten digits shipped with scikit-learn: 1,797 x 64, dense and tiny."""

from __future__ import annotations

TASKS = ("svd", "pca")
N_COMPONENTS = {"full": 10, "quick": 5}
DTYPES = ("float64",)


def load(*, data_dir, quick):
    from sklearn.datasets import load_digits

    return load_digits().data[:: 4 if quick else 1]
