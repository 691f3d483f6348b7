"""faiss, the exact flat index for inner products. It holds a copy of the candidates."""

from __future__ import annotations

from peers import missing

NAME = "faiss IndexFlatIP"
TASKS = ("top_k",)


def available():
    return missing("faiss")


def searcher(candidates, n_threads):
    import faiss

    faiss.omp_set_num_threads(n_threads)
    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(candidates)
    return lambda queries, k: index.search(queries, k)[1]
