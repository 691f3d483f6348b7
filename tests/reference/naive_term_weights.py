"""Weights of the terms of documents, entry by entry of a table of counts."""

import numpy as np


def weigh(counts, collection, scheme, k1=1.2, b=0.5):
    """Term weights of documents, with global weights from `collection`; both are counts."""
    n, m = collection.shape
    mean_length = collection.sum() / n
    weights = np.zeros(counts.shape)
    for i, document in enumerate(counts):
        for j in range(m):
            f = document[j]
            if f == 0:
                continue
            n_with = sum(collection[k, j] > 0 for k in range(n))
            if scheme == "bm25":
                damping = k1 * (1 - b + b * document.sum() / mean_length)
                rarity = np.log(1 + (n - n_with + 0.5) / (n_with + 0.5))
                weights[i, j] = (k1 + 1) * f / (f + damping) * rarity
            elif scheme == "log-entropy":
                p = [c / collection[:, j].sum() for c in collection[:, j] if c > 0]
                weights[i, j] = np.log(1 + f) * (1 + sum(q * np.log(q) for q in p) / np.log(n))
            else:
                weights[i, j] = f * (1 + np.log((1 + n) / (1 + n_with)))
    return weights
