"""Triples against what they have to be, and the negatives in them against a uniform draw."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lrfact.kernels import _bpr_triples_numpy as fallback
from reference.mistaken_arrays import (
    MISTAKES_OF_THREADS,
    REFUSED,
    guarded,
    mistakes_of_layout,
    put,
    too_long,
    too_short,
    unharmed,
)

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _bpr_triples as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

INPUTS = ("indices", "indptr", "row_order", "row_bounds", "column_order", "column_bounds")
OUTPUTS = ("triples", "block_start")


def call_of(seed=0, *, shape=(12, 15), n_ranges=3, density=0.4, itype=np.int32, member=None):
    """Arguments by name, for a random matrix cut at random."""
    rng = np.random.default_rng(seed)
    member = rng.random(shape) < density if member is None else member
    n_entries = int(member.sum())
    arguments = {
        "indices": np.nonzero(member)[1].astype(itype),
        "indptr": np.concatenate([[0], np.cumsum(member.sum(axis=1))]).astype(itype),
    }
    for side, n in zip(("row", "column"), member.shape, strict=True):
        arguments[f"{side}_order"] = rng.permutation(n).astype(np.int32)
        inner = np.sort(rng.integers(0, n + 1, n_ranges - 1))
        arguments[f"{side}_bounds"] = np.array([0, *inner, n], dtype=np.int64)
    return arguments | {
        "triples": np.full((3, n_entries), -77, dtype=np.int32),
        "block_start": np.full(n_ranges**2 + 1, -77, dtype=np.int64),
        "seed": seed + 2**40,
        "n_threads": 2,
    }


def run(face, arguments, **changes):
    arguments = {**arguments, **changes}
    arguments |= {name: arguments[name].copy() for name in OUTPUTS}
    FACES[face].draw_bpr_triples(*arguments.values())
    return arguments["triples"], arguments["block_start"]


def member_of(arguments):
    member = np.zeros((len(arguments["row_order"]), len(arguments["column_order"])), dtype=bool)
    rows = np.repeat(np.arange(len(member)), np.diff(arguments["indptr"]))
    member[rows, arguments["indices"]] = True
    return member


def range_of(arguments, side):
    order, bounds = arguments[f"{side}_order"], arguments[f"{side}_bounds"]
    ranges = np.empty(len(order), dtype=int)
    ranges[order] = np.searchsorted(bounds[1:], np.arange(len(order)), side="right")
    return ranges


@pytest.mark.parametrize("density", [0.05, 0.4, 0.95])
@pytest.mark.parametrize("n_ranges", [1, 2, 5])
@pytest.mark.parametrize("itype", [np.int32, np.int64])
def test_triples_are_those_of_the_fallback(itype, n_ranges, density):
    if compiled is None:
        pytest.skip("nothing to compare")
    for seed in range(5):
        arguments = call_of(seed, n_ranges=n_ranges, density=density, itype=itype)
        for found, expected in zip(
            run("compiled", arguments), run("fallback", arguments), strict=True
        ):
            assert_array_equal(found, expected)


@pytest.mark.parametrize("face", FACES)
def test_each_entry_comes_once_in_its_block(face):
    arguments = call_of(1, shape=(30, 25), density=0.6)
    (rows, positives, negatives), block_start = run(face, arguments)
    member = member_of(arguments)
    seen = np.zeros(member.shape, dtype=int)
    np.add.at(seen, (rows, positives), 1)
    assert_array_equal(seen, member)
    row_range, column_range = range_of(arguments, "row"), range_of(arguments, "column")
    blocks = np.repeat(np.arange(9), np.diff(block_start))
    assert_array_equal(blocks, 3 * row_range[rows] + column_range[positives])
    drawn = negatives >= 0
    assert drawn.any()
    assert not member[rows[drawn], negatives[drawn]].any()
    assert_array_equal(column_range[negatives[drawn]], column_range[positives[drawn]])
    # None is drawn only where there is none to draw.
    for i, j in zip(rows[~drawn], positives[~drawn], strict=True):
        assert member[i, column_range == column_range[j]].all()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("n_taken", [1, 10, 39])
def test_negatives_are_uniform_over_what_a_row_has_not(face, n_taken):
    """One range; with 39 of 40 taken, most draws fail and the rest is counted out."""
    taken = np.random.default_rng(n_taken).permutation(40)[:n_taken]
    member = np.zeros((4000 // n_taken, 40), dtype=bool)
    member[:, taken] = True
    negatives = run(face, call_of(member=member, n_ranges=1))[0][2]
    counts = np.bincount(negatives, minlength=40)
    assert (counts[member[0]] == 0).all()
    free = counts[~member[0]]
    expected = free.sum() / len(free)
    chi_square = ((free - expected) ** 2 / expected).sum()
    # Degrees of freedom are its mean, and twice that its variance.
    freedom = len(free) - 1
    assert chi_square <= freedom + 4 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("n_ranges", [1, 2, 4])
def test_over_epochs_all_pairs_are_as_likely(n_ranges):
    """Ranges of equal width, drawn anew in each epoch: what each positive is compared with."""
    face = "compiled" if compiled else "fallback"
    n_epochs, n_copies = (3000 if compiled else 100), 4
    rng = np.random.default_rng(3)
    member = rng.random((6, 32)) < [[0.1], [0.2], [0.3], [0.5], [0.05], [0.4]]
    member[:, 0] = True
    arguments = call_of(0, member=np.tile(member, (n_copies, 1)), n_ranges=n_ranges)
    arguments["row_bounds"] = np.array([0] * n_ranges + [6 * n_copies], dtype=np.int64)
    arguments["column_bounds"] = np.arange(n_ranges + 1, dtype=np.int64) * 32 // n_ranges
    counts = np.zeros((6, 32, 32), dtype=int)
    for epoch in range(n_epochs):
        arguments["column_order"] = rng.permutation(32).astype(np.int32)
        rows, positives, negatives = run(face, arguments, seed=epoch, n_threads=1)[0]
        drawn = negatives >= 0
        np.add.at(counts, (rows[drawn] % 6, positives[drawn], negatives[drawn]), 1)
    for has, of_row in zip(counts, member, strict=True):
        assert (has[:, of_row] == 0).all()
        pairs = has[of_row][:, ~of_row]
        n_free = pairs.shape[1]
        # Squared, relative: copies of a row share the ranges of an epoch, not the draws.
        variance = (n_free / n_copies + n_ranges) / n_epochs
        shares = pairs / pairs.sum(axis=1, keepdims=True)
        assert np.abs(n_free * shares - 1).max() < 5 * variance**0.5
        if n_ranges == 1:
            assert (pairs.sum(axis=1) == n_epochs * n_copies).all()


@pytest.mark.parametrize("face", FACES)
def test_seeds_and_blocks_draw_apart(face):
    arguments = call_of(shape=(40, 60), density=0.3)
    first = run(face, arguments)[0]
    assert_array_equal(run(face, arguments)[0], first)
    other = run(face, arguments, seed=-1)[0]
    assert_array_equal(other[:2], first[:2])
    assert (other[2] != first[2]).mean() > 0.7


def test_triples_do_not_depend_on_the_number_of_threads():
    if compiled is None:
        pytest.skip("the NumPy twin has one thread")
    arguments = call_of(shape=(500, 300), n_ranges=7, density=0.2)
    expected = run("compiled", arguments, n_threads=1)
    for n_threads in (2, 4, 16):
        for found, wanted in zip(
            run("compiled", arguments, n_threads=n_threads), expected, strict=True
        ):
            assert_array_equal(found, wanted)


@pytest.mark.parametrize("itype", [np.int32, np.int64])
@pytest.mark.parametrize("face", FACES)
def test_empty_rows_one_column_and_nothing(face, itype):
    member = np.zeros((4, 6), dtype=bool)
    member[2, [1, 5]] = True
    triples, block_start = run(face, call_of(member=member, itype=itype))
    assert_array_equal(triples[0], 2)
    assert block_start[-1] == 2
    triples, _ = run(face, call_of(member=np.ones((3, 1), dtype=bool), n_ranges=1, itype=itype))
    assert_array_equal(triples[1:], [[0] * 3, [-1] * 3])
    for shape in ((0, 4), (4, 0), (0, 0), (3, 3)):
        triples, block_start = run(face, call_of(shape=shape, density=-1, itype=itype))
        assert triples.shape == (3, 0)
        assert (block_start == 0).all()


@pytest.mark.parametrize("face", FACES)
def test_read_only_input(face):
    arguments = call_of()
    expected = run(face, arguments)
    for name in INPUTS:
        arguments[name].setflags(write=False)
    for found, wanted in zip(run(face, arguments), expected, strict=True):
        assert_array_equal(found, wanted)


MISTAKES = {
    **mistakes_of_layout(INPUTS, OUTPUTS),
    **too_short([*INPUTS[1:], "block_start"]),
    **too_long(["indptr", "row_order", "row_bounds", "column_bounds", "block_start"]),
    "a column outside": ("indices", put(-1, 15)),
    "a negative column": ("indices", put(0, -1)),
    "a column twice": ("indices", lambda a: np.repeat(a[::2], 2)[: len(a)]),
    "columns that fall": ("indices", lambda a: a[::-1].copy()),
    "real columns": ("indices", lambda a: a.astype(float)),
    "indptr of another type": ("indptr", lambda a: a.astype(np.int64)),
    "indptr falls": ("indptr", put(3, 10**6)),
    "indptr starts late": ("indptr", put(0, 1)),
    "indptr ends late": ("indptr", put(-1, 10**6)),
    "a row twice": ("row_order", lambda a: put(0, a[1])(a)),
    "a row outside": ("row_order", put(0, 12)),
    "a negative row": ("row_order", put(0, -1)),
    "rows of another type": ("row_order", lambda a: a.astype(np.int64)),
    "a column twice in the order": ("column_order", lambda a: put(0, a[1])(a)),
    "a column outside in the order": ("column_order", put(0, 2**31 - 1)),
    "a column too few": ("column_order", lambda a: np.arange(14, dtype=np.int32)),
    "bounds that fall": ("column_bounds", put(1, 10**9)),
    "bounds that end late": ("row_bounds", put(-1, 13)),
    "bounds that start late": ("row_bounds", put(0, 1)),
    "no bounds": ("row_bounds", lambda a: a[:0]),
    "no ranges": ("row_bounds", lambda a: a[:1]),
    "too many ranges": ("row_bounds", lambda a: np.full(300, 12) * (np.arange(300) > 0)),
    "triples missing": ("triples", lambda a: a[:, :-1].copy()),
    "a line of triples missing": ("triples", lambda a: a[:2].copy()),
    "wide triples": ("triples", lambda a: a.astype(np.int64)),
    "a seed too large": ("seed", lambda seed: 2**63),
    **MISTAKES_OF_THREADS,
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused(face, mistake):
    arguments = call_of()
    name, change = MISTAKES[mistake]
    arguments[name] = change(arguments[name])
    buffers = []
    for output in OUTPUTS:
        if output != name:
            arguments[output], buffer = guarded(arguments[output])
            buffers.append(buffer)
    with pytest.raises((*REFUSED, OverflowError)):
        FACES[face].draw_bpr_triples(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)
