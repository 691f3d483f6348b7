"""
Scale: what a full SVD of a million rows would cost, and what replaces it
=========================================================================

Consider a matrix of clicks, 1 000 000 users by 100 000 items, with 20 clicks per user. Its full SVD
is infeasible for two reasons. The first is memory: the dense matrix and the left singular vectors
take 400 GB each in float32. The second is time: about 6 m n^2 + 20 n^3 operations, months on one
core.

The full SVD is not needed. The leading singular vectors are computed from products of the sparse
matrix with a few vectors, in time and memory proportional to the clicks and the rows and columns.
An iteration of alternating least squares (ALS) takes 4 (m + n) k^2 operations, and for a row or
column of p clicks at most 8 p k for a few steps of conjugate gradients. Both are measured here, and
so is the full SVD, at sizes that finish within seconds.

Such measurements must be extrapolated with care. The fitted slopes are too low: small sizes have
costs that do not grow, and larger ones use the processor better. Extrapolated over two or three
powers of ten, they would underestimate the time of the full SVD many times. According to the
formulas, the number of columns has power 3 in time and 2 in memory, with ten rows per column, and
power 1 for the other methods. So the dashed lines extend from the largest measured size with these
powers. They are estimates, too: they assume the same number of iterations, and ignore caches. But
the difference between months and a minute leaves room for this.
"""

import sys
import time
import tracemalloc
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from lrfact import ImplicitMF, TruncatedSVDReducer
from lrfact.datasets import make_ratings

RANK = 16
ROWS_PER_COLUMN = 10
PER_ROW = 20  # entries stored in a row, on average
GOAL = 100_000  # columns
FULL = (100, 200, 400, 600)  # columns
SPARSE = (1000, 3000, 10_000)


@cache
def make_clicks(n_columns):
    """Sparse, float32, with long tails: ratings above the mean are what was chosen."""
    n_rows = ROWS_PER_COLUMN * n_columns
    n_ratings = 2 * PER_ROW * n_rows
    ratings = make_ratings(n_rows, n_columns, n_ratings=n_ratings, random_state=0).ratings
    ratings.data = (ratings.data > ratings.data.mean()).astype(np.float32)
    ratings.eliminate_zeros()
    return ratings


def full_svd(X):
    return np.linalg.svd(X.toarray(), full_matrices=False)


def truncated_svd(X):
    return TruncatedSVDReducer(RANK, random_state=0).fit(X)


def als(X):
    return ImplicitMF(RANK, random_state=0).fit(X)


# Name: what it does, sizes, and the powers of their columns that seconds and bytes should grow by.
WAYS = {
    "full SVD": (full_svd, FULL, (3, 2)),
    f"truncated SVD, {RANK} directions": (truncated_svd, SPARSE, (1, 1)),
    f"ALS, {RANK} factors": (als, SPARSE, (1, 1)),
}


@cache
def measured(name):
    """Seconds, and peak of the memory of arrays in bytes, at each size."""
    way, sizes, _ = WAYS[name]
    seconds, memory = [], []
    for n_columns in sizes:
        X = make_clicks(n_columns)
        tracemalloc.start()
        start = time.perf_counter()
        way(X)
        seconds.append(time.perf_counter() - start)
        memory.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return np.array(sizes), np.array(seconds), np.array(memory)


def fitted_powers(name):
    """Slopes of seconds and of bytes in logarithms."""
    sizes, *both = measured(name)
    return [np.polyfit(np.log(sizes), np.log(values), 1)[0] for values in both]


def at_goal(name):
    """Seconds and bytes, from the largest size by the powers that they should grow by."""
    sizes, *both = measured(name)
    times_larger = GOAL / sizes[-1]
    return [
        values[-1] * times_larger**power for values, power in zip(both, WAYS[name][2], strict=True)
    ]


def by_formula():
    """Bytes that the goal takes at least, in float32, and operations of a full SVD."""
    m, n = ROWS_PER_COLUMN * GOAL, GOAL
    return {
        "full SVD: matrix, left and right vectors": 4 * (2 * m * n + n * n),
        "sparse matrix": (4 + 4) * PER_ROW * m,
        f"{RANK} factors of all rows and columns": 4 * RANK * (m + n),
    }, 6 * m * n**2 + 20 * n**3


def in_words(seconds):
    """A duration in the largest unit that it has one of."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:.1f} seconds"


def in_bytes(number):
    """An amount of memory, in the largest unit that it has one of."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e3:.0f} kB"


def main():
    als(make_clicks(SPARSE[0]))  # the first call also loads libraries
    for name in WAYS:
        print(f"{name}:")
        sizes, seconds, memory = measured(name)
        for n, time_taken, peak in zip(sizes, seconds, memory, strict=True):
            shape = f"{ROWS_PER_COLUMN * n:7,d} x {n:6,d}"
            print(f"  {shape}: {time_taken:6.2f} s, {in_bytes(peak):>8}")
        print("  fitted: seconds as columns^{:.1f}, bytes ^{:.1f}".format(*fitted_powers(name)))
        print("  at the largest of these they grow by ^{} and ^{}:".format(*WAYS[name][2]))
        seconds, peak = at_goal(name)
        goal = f"{ROWS_PER_COLUMN * GOAL:,d} x {GOAL:,d}"
        print(f"  {goal}: {in_words(seconds)}, {in_bytes(peak)}")
    sizes, operations = by_formula()
    print("by formula, in float32:")
    for what, size in sizes.items():
        print(f"  {what}: {in_bytes(size)}")
    print(f"  full SVD: {operations:.0e} operations")

    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name in WAYS:
        sizes, *both = measured(name)
        for ax, values, there in zip(axes, both, at_goal(name), strict=True):
            (line,) = ax.loglog(sizes, values, "o-", label=name)
            ax.loglog([sizes[-1], GOAL], [values[-1], there], "--", color=line.get_color())
    axes[0].set(title="time", ylabel="seconds")
    axes[1].set(title="memory", ylabel="bytes")
    for seconds, name in ((60, "minute"), (3600, "hour"), (86400, "day"), (86400 * 30, "month")):
        axes[0].axhline(seconds, color="lightgray", lw=0.8, zorder=0)
        axes[0].text(60, seconds * 1.15, name, color="gray", fontsize="small")
    for ax in axes:
        ax.set_xlim(50, 2 * GOAL)
        ax.set_xlabel(f"columns, with {ROWS_PER_COLUMN} times as many rows")
    axes[1].legend()
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
