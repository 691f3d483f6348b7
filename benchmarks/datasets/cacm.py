"""CACM: 3,204 titles of which half have an abstract, 52 judged queries."""

from __future__ import annotations

from datasets._judged_collections import read_collection

TASKS = ("retrieval",)


def judged(*, data_dir, quick):
    return read_collection("cacm", data_dir, quick, title=True)
