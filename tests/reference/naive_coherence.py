"""Coherence of one topic, window by window and pair by pair, from the definitions."""

from itertools import combinations
from math import log, sqrt

EPSILON = 1e-12


def windows_of(documents, width):
    """The set of tokens in each window; None is the whole document."""
    windows = []
    for tokens in documents:
        if not tokens:
            continue
        n_windows = 1 if width is None else max(1, len(tokens) - width + 1)
        for start in range(n_windows):
            windows.append(set(tokens if n_windows == 1 else tokens[start : start + width]))
    return windows


def count(windows, *terms):
    return sum(all(term in window for term in terms) for window in windows)


def u_mass(topic, windows):
    values = []
    for earlier, later in combinations(topic, 2):
        divisor = count(windows, earlier) or len(windows)
        values.append(log((count(windows, later, earlier) + 1) / divisor))
    return sum(values) / len(values)


def normalized_information(a, b, windows, absent):
    """NPMI of two terms."""
    p_a, p_b = count(windows, a) / len(windows), count(windows, b) / len(windows)
    if p_a == 0 or p_b == 0:
        return absent
    if p_a == p_b == 1:
        return 0.0
    joint = count(windows, a, b) / len(windows) + EPSILON
    return log(joint / (p_a * p_b)) / -log(joint)


def npmi(topic, windows):
    values = [normalized_information(a, b, windows, -1.0) for a, b in combinations(topic, 2)]
    return sum(values) / len(values)


def cosine(x, y):
    lengths = sqrt(sum(a * a for a in x)) * sqrt(sum(b * b for b in y))
    return sum(a * b for a, b in zip(x, y, strict=True)) / lengths if lengths else 0.0


def c_v(topic, windows):
    vectors = [[normalized_information(a, b, windows, 0.0) for b in topic] for a in topic]
    whole = [sum(column) for column in zip(*vectors, strict=True)]
    return sum(cosine(vector, whole) for vector in vectors) / len(topic)
