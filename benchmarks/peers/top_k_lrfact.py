"""lrfact's search by a fused kernel, as its estimators call it."""

from __future__ import annotations

from peers import missing

NAME = "lrfact"
TASKS = ("top_k",)
OURS = True


def available():
    reason = missing("lrfact")
    if reason is not None:
        return reason
    from lrfact import kernels

    if getattr(kernels, "IMPLEMENTATION", "compiled") != "compiled":
        return "lrfact runs on its NumPy twins here"
    return None


def searcher(candidates, n_threads):
    from lrfact.linalg.top_k_product import top_k_product

    return lambda queries, k: top_k_product(queries, candidates, k, n_threads=n_threads)[0]
