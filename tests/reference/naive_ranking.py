"""Ranking metrics of one row, place by place, from the definitions."""

from math import log2


def relevant_columns(gains):
    return {column for column, gain in enumerate(gains) if gain > 0}


def n_hits(places, gains, k):
    return sum(column in relevant_columns(gains) for column in places[:k] if column >= 0)


def precision(places, gains, k):
    return n_hits(places, gains, k) / k


def recall(places, gains, k):
    return n_hits(places, gains, k) / len(relevant_columns(gains))


def hit_rate(places, gains, k):
    return float(n_hits(places, gains, k) > 0)


def average_precision(places, gains, k):
    total = 0.0
    for place, column in enumerate(places[:k], start=1):
        if column in relevant_columns(gains):
            total += n_hits(places, gains, place) / place
    return total / min(k, len(relevant_columns(gains)))


def reciprocal_rank(places, gains, k):
    for place, column in enumerate(places[:k], start=1):
        if column in relevant_columns(gains):
            return 1 / place
    return 0.0


def discounted(gains):
    return sum(gain / log2(place + 1) for place, gain in enumerate(gains, start=1))


def ndcg(places, gains, k):
    gained = [gains[column] if column >= 0 else 0.0 for column in places[:k]]
    return discounted(gained) / discounted(sorted(gains, reverse=True)[:k])


def mean_over_judged_rows(metric, ranking, truth, k):
    scores = [
        metric(list(places), list(gains), k)
        for places, gains in zip(ranking, truth, strict=True)
        if relevant_columns(gains)
    ]
    return sum(scores) / len(scores)
