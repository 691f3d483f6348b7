"""Hybrid search, query by query and document by document."""

import numpy as np


def unit(v):
    length = np.sqrt(v @ v)
    return v / length if length > 0 else v


def scores(z, terms, vectors, lexical, lexical_weight):
    """Scores of all documents for a query z with the weights `terms` of its words."""
    latent = np.array([z @ d for d in vectors])
    words = np.array([terms @ row for row in lexical])
    scale = 0.0
    if words.any():
        scale = np.sqrt(np.sum(latent**2) / np.sum(words**2)) or 1 / np.abs(words).max()
    return (1 - lexical_weight) * latent + lexical_weight * scale * words


def ranking(found, allowed):
    """Positions of the allowed documents, best first, with ties in ascending order."""
    return sorted(allowed, key=lambda i: (-found[i], i))


def hybrid_search(z, terms, vectors, lexical, lexical_weight, n_feedback, allowed, beta=2.0):
    """All documents allowed, best first, and the scores of all."""
    if n_feedback:
        found = scores(z, terms, vectors, lexical, lexical_weight)
        first = [i for i in ranking(found, allowed)[:n_feedback] if found[i] > 0]
        towards = unit(sum((unit(vectors[i]) for i in first), np.zeros(len(z))))
        length = np.sqrt(z @ z) or 1.0
        z = unit(unit(z) + beta * towards) * length
    found = scores(z, terms, vectors, lexical, lexical_weight)
    return ranking(found, allowed), found


def bm25(counts, queries, k1, b):
    """Scores of documents for queries, both tables of counts."""
    n, m = counts.shape
    n_with = [sum(counts[i, j] > 0 for i in range(n)) for j in range(m)]
    mean_length = counts.sum() / n
    found = np.zeros((len(queries), n))
    for q in range(len(queries)):
        for i in range(n):
            damping = k1 * (1 - b + b * counts[i].sum() / mean_length)
            for j in range(m):
                if counts[i, j]:
                    rarity = np.log(1 + (n - n_with[j] + 0.5) / (n_with[j] + 0.5))
                    weight = counts[i, j] * (k1 + 1) / (counts[i, j] + damping) * rarity
                    found[q, i] += queries[q, j] * weight
    return found
