"""CBCL faces: 2,429 gray images of 19 x 19, as rows; for the rank search."""

from __future__ import annotations

import numpy as np

from datasets import data_file

TASKS = ("rank_search",)
N_COMPONENTS = {"full": 50, "quick": 10}
DTYPES = ("float64",)


def load(*, data_dir, quick):
    with np.load(data_file(data_dir, "cbcl-faces/faces.npz")) as stored:
        images = stored["images"]
    X = images.reshape(len(images), -1).astype(np.float64) / 255
    return X[::8] if quick else X
