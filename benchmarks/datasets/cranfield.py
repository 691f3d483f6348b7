"""Cranfield: 1,400 abstracts of aerodynamics, 225 queries; grades above 0 are relevant."""

from __future__ import annotations

from datasets._judged_collections import read_collection

TASKS = ("retrieval",)


def judged(*, data_dir, quick):
    # The text begins with the title.
    return read_collection("cranfield", data_dir, quick, title=False, graded=True)
