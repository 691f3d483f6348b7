"""ADI: 82 documents, 35 queries."""

from __future__ import annotations

from datasets._judged_collections import read_collection

TASKS = ("retrieval",)


def judged(*, data_dir, quick):
    return read_collection("adi", data_dir, quick, title=True)
