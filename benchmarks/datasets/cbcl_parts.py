"""CBCL faces: 2,429 gray images of 19 x 19, as rows; 49 parts."""

from __future__ import annotations

from datasets import cbcl_faces

TASKS = ("nmf",)
N_COMPONENTS = {"full": 49, "quick": 10}
DTYPES = ("float64",)
LOSSES = ("frobenius", "kullback-leibler")


def load(*, data_dir, quick):
    return cbcl_faces.load(data_dir=data_dir, quick=quick)
