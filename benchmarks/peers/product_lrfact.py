"""lrfact's threaded product of a CSR matrix and a block, as its solvers call it."""

from __future__ import annotations

from peers import missing

NAME = "lrfact kernel"
TASKS = ("product",)
OURS = True
THREADED = True


def available():
    reason = missing("lrfact")
    if reason is not None:
        return reason
    from lrfact import kernels

    if getattr(kernels, "IMPLEMENTATION", "compiled") != "compiled":
        return "lrfact runs on its NumPy twins here"
    return None


def multiplier(X, transpose, n_threads):
    from lrfact.linalg.as_operator import as_operator

    operator = as_operator(X, n_threads=n_threads)
    return operator.rmatmat if transpose else operator.matmat
