"""Descent on triples against its definition, triple by triple."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.kernels import _bpr_sgd_numpy as fallback
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
    from lrfact.kernels import _bpr_sgd as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

BIAS, FACTOR_SQUARES, BIAS_SQUARES = range(3)
INPUTS = ("triples", "block_start", "row_range", "column_range", "rounds")
UPDATED = ("row_factors", "row_squares", "column_factors", "column_state", "sums")


def call_of(
    seed=0, *, shape=(23, 17), n_ranges=3, width=5, dtype=np.float64, n_triples=150, bias=True,
    n_rounds=None, learning_rate=0.1, reg=0.05,
):  # fmt: skip
    """Arguments by name: random triples, both columns of a range, some without a negative."""
    rng = np.random.default_rng(seed)
    ranges = [(rng.permutation(n) % n_ranges).astype(np.uint8) for n in shape]
    rows = rng.integers(shape[0], size=n_triples)
    positives = rng.integers(shape[1], size=n_triples)
    negatives = np.array(
        [
            rng.choice(np.flatnonzero((ranges[1] == ranges[1][j]) & (np.arange(shape[1]) != j)))
            if (ranges[1] == ranges[1][j]).sum() > 1
            else -1
            for j in positives
        ],
        dtype=np.int32,
    )
    negatives[::7] = -1
    block = ranges[0][rows].astype(int) * n_ranges + ranges[1][positives]
    order = np.argsort(block, kind="stable")
    counts = np.bincount(block, minlength=n_ranges**2)
    first = rng.permutation(n_ranges)
    column_state = rng.uniform(0.5, 1.5, (shape[1], 3))
    column_state[:, BIAS] -= 1
    return {
        "triples": np.stack([rows[order], positives[order], negatives[order]]).astype(np.int32),
        "block_start": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "row_range": ranges[0],
        "column_range": ranges[1],
        "rounds": (first + np.arange(n_rounds or n_ranges)[:, np.newaxis]) % n_ranges,
        "row_factors": rng.standard_normal((shape[0], width)).astype(dtype),
        "row_squares": rng.uniform(0.5, 1.5, shape[0]).astype(dtype),
        "column_factors": rng.standard_normal((shape[1], width)).astype(dtype),
        "column_state": column_state.astype(dtype),
        "sums": np.full((n_ranges**2, 2), np.nan),
        "learning_rate": learning_rate,
        "reg": reg,
        "bias": bias,
        "n_threads": 2,
    }


def run(face, arguments, **changes):
    """The updated arrays after a call, which leaves `arguments` as they are."""
    arguments = {**arguments, **changes}
    arguments |= {name: arguments[name].copy() for name in UPDATED}
    FACES[face].descend_bpr_triples(*arguments.values())
    return {name: arguments[name] for name in UPDATED}


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("width", [1, 3, 4, 8, 13, 16, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_epoch_is_that_of_the_fallback(dtype, width, bias):
    if compiled is None:
        pytest.skip("nothing to compare")
    arguments = call_of(width=width, dtype=dtype, bias=bias)
    found, expected = run("compiled", arguments), run("fallback", arguments)
    # Rounding errors of some thirty steps per column follow one another.
    rtol = 2e-4 if dtype == np.float32 else 1e-12
    for name in UPDATED:
        assert_allclose(found[name], expected[name], rtol=rtol, atol=rtol, err_msg=name)
    assert np.abs(expected["row_factors"] - arguments["row_factors"]).max() > 0.01


@pytest.mark.parametrize("face", FACES)
def test_one_step_is_what_the_formula_says(face):
    arguments = call_of(shape=(1, 2), n_ranges=1, width=9)
    arguments |= {"triples": np.array([[0], [1], [0]], dtype=np.int32)}
    arguments |= {"block_start": np.array([0, 1])}
    after = run(face, arguments)
    w, (n, p) = arguments["row_factors"][0], arguments["column_factors"]
    of_n, of_p = arguments["column_state"]
    gap = w @ (p - n) + of_p[BIAS] - of_n[BIAS]
    slope = 1 / (1 + np.exp(gap))
    assert_allclose(after["sums"], [[-np.log(1 - slope), 1]], rtol=1e-12)
    for name, place, old, squares, direction in (
        ("row_factors", 0, w, arguments["row_squares"][0], p - n),
        ("column_factors", 1, p, of_p[FACTOR_SQUARES], w),
        ("column_factors", 0, n, of_n[FACTOR_SQUARES], -w),
    ):
        gradient = 0.05 * old - slope * direction
        step = 1 / (10 * np.sqrt(squares) + 0.05)
        assert_allclose(after[name][place], old - step * gradient, rtol=1e-12)
        grown = squares + np.mean(gradient**2)
        of_state = after["row_squares"] if name == "row_factors" else after["column_state"][:, 1]
        assert_allclose(of_state[place], grown, rtol=1e-12)
    for place, state, sign in ((1, of_p, 1), (0, of_n, -1)):
        gradient = 0.05 * state[BIAS] - sign * slope
        step = 1 / (10 * np.sqrt(state[BIAS_SQUARES]) + 0.05)
        expected = [state[BIAS] - step * gradient, state[BIAS_SQUARES] + gradient**2]
        assert_allclose(after["column_state"][place, [BIAS, BIAS_SQUARES]], expected, rtol=1e-12)


@pytest.mark.parametrize("face", FACES)
def test_the_direction_is_that_of_the_objective(face):
    """The gradient by finite differences of the penalized loss of a triple."""
    arguments = call_of(3, shape=(1, 2), n_ranges=1, width=4)
    arguments |= {"triples": np.array([[0], [1], [0]], dtype=np.int32)}
    arguments |= {"block_start": np.array([0, 1])}
    after = run(face, arguments, learning_rate=1e-6)

    def loss(w, V, c):
        gap = w @ (V[1] - V[0]) + c[1] - c[0]
        return np.logaddexp(0, -gap) + 0.025 * (w @ w + (V * V).sum() + c @ c)

    place = [arguments["row_factors"][0], arguments["column_factors"]]
    place.append(arguments["column_state"][:, BIAS])
    roots = [np.sqrt(arguments["row_squares"][0]), np.sqrt(arguments["column_state"][:, 1:2])]
    roots.append(np.sqrt(arguments["column_state"][:, 2]))
    moved = [after["row_factors"][0], after["column_factors"], after["column_state"][:, BIAS]]
    for which in range(3):
        slopes = np.empty_like(place[which])
        for at in np.ndindex(slopes.shape):
            ends = []
            for h in (1e-5, -1e-5):
                there = [each.copy() for each in place]
                there[which][at] += h
                ends.append(loss(*there))
            slopes[at] = (ends[0] - ends[1]) / 2e-5
        steps = (moved[which] - place[which]) / 1e-6 * roots[which]
        assert_allclose(steps, -slopes, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits_do_not_depend_on_the_number_of_threads(dtype):
    if compiled is None:
        pytest.skip("the NumPy twin has one thread")
    arguments = call_of(shape=(300, 200), n_ranges=7, width=20, dtype=dtype, n_triples=8000)
    expected = run("compiled", arguments, n_threads=1)
    for n_threads in (2, 4, 16):
        for name, found in run("compiled", arguments, n_threads=n_threads).items():
            assert_array_equal(found, expected[name], err_msg=name)


@pytest.mark.parametrize("face", FACES)
def test_blocks_not_visited_are_left_alone(face):
    arguments = call_of(n_ranges=3, n_rounds=1)
    after = run(face, arguments)
    visited = [3 * a + b for a, b in enumerate(arguments["rounds"][0])]
    others = np.setdiff1d(np.arange(9), visited)
    assert (after["sums"][others] == 0).all()
    assert (after["sums"][visited, 0] > 0).all()


@pytest.mark.parametrize("face", FACES)
def test_without_a_negative_nothing_moves(face):
    arguments = call_of()
    arguments["triples"][2] = -1
    after = run(face, arguments)
    assert (after["sums"] == 0).all()
    for name in UPDATED[:-1]:
        assert_array_equal(after[name], arguments[name])


@pytest.mark.parametrize("face", FACES)
def test_biases_stay_where_there_are_none(face):
    arguments = call_of(bias=False)
    after = run(face, arguments)
    kept = [BIAS, BIAS_SQUARES]
    assert_array_equal(after["column_state"][:, kept], arguments["column_state"][:, kept])
    arguments["column_state"][:, BIAS] = 5
    assert_array_equal(run(face, arguments)["row_factors"], after["row_factors"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("name", "size"), [("row_factors", 1e3), ("reg", 1e12)])
def test_outsized_input_gives_no_nan(face, name, size, dtype):
    arguments = call_of(dtype=dtype)
    if name == "reg":
        arguments[name] = size
    else:
        arguments[name] *= dtype(size)
    for _ in range(3):
        arguments |= run(face, arguments)
    for updated in UPDATED:
        assert np.isfinite(arguments[updated]).all(), updated


@pytest.mark.parametrize("face", FACES)
def test_the_loss_of_many_triples_and_of_large_gaps(face):
    """Logarithms are taken of products: more factors than a product takes, and both signs."""
    n = 3000
    arguments = call_of(shape=(1, 2), n_ranges=1, width=1, bias=False, reg=0.0)
    arguments |= {
        "triples": np.repeat([[0], [1], [0]], n, axis=1).astype(np.int32),
        "block_start": np.array([0, n]),
        "column_factors": np.array([[0.0], [1.0]]),
        "row_factors": np.zeros((1, 1)),
        # No step to speak of.
        "row_squares": np.full(1, 1e200),
        "column_state": np.full((2, 3), 1e200),
    }
    for gap in (0.0, 1e-3, 30.0, -30.0, 800.0, -800.0):
        arguments["row_factors"][0, 0] = gap
        sums = run(face, arguments)["sums"]
        assert_allclose(sums, [[n * np.logaddexp(0, -gap), n]], rtol=1e-10, atol=n * 1e-15)


@pytest.mark.parametrize("face", FACES)
def test_nothing_to_do(face):
    for shape in ((5, 4), (0, 4), (4, 0), (0, 0)):
        arguments = call_of(shape=(5, 4), n_ranges=1)
        arguments["triples"] = np.empty((3, 0), dtype=np.int32)
        arguments["block_start"] = np.zeros(2, dtype=np.int64)
        for name in ("row_range", "row_factors", "row_squares"):
            arguments[name] = arguments[name][: shape[0]]
        for name in ("column_range", "column_factors", "column_state"):
            arguments[name] = arguments[name][: shape[1]]
        assert (run(face, arguments)["sums"] == 0).all()
        arguments["triples"] = np.array([[0], [9], [-1]], dtype=np.int32)
        arguments["block_start"] = np.array([0, 1])
        with pytest.raises(ValueError, match=r"inside of the matrix|outside of its"):
            run(face, arguments)


@pytest.mark.parametrize("face", FACES)
def test_read_only_input(face):
    arguments = call_of()
    expected = run(face, arguments)
    for name in INPUTS:
        arguments[name].setflags(write=False)
    found = run(face, arguments)
    for name in UPDATED:
        assert_array_equal(found[name], expected[name])


MISTAKES = {
    **mistakes_of_layout(INPUTS, UPDATED),
    **too_short([*INPUTS[1:4], *UPDATED]),
    **too_long([*INPUTS[1:4], "row_squares", "column_state", "sums"]),
    "a row outside": ("triples", put((0, -1), 23)),
    "a negative row": ("triples", put((0, 0), -1)),
    "a column outside": ("triples", put((1, -1), 2**31 - 1)),
    "a negative column": ("triples", put((1, 0), -1)),
    "a negative outside": ("triples", put((2, 3), 17)),
    "a negative below none": ("triples", put((2, 3), -2)),
    "a row of another block": ("triples", lambda a: a[:, ::-1].copy()),
    "the same column twice": ("triples", lambda a: put((2, 5), a[1, 5])(a)),
    "triples of another type": ("triples", lambda a: a.astype(np.int64)),
    "a line of triples missing": ("triples", lambda a: a[:2].copy()),
    "blocks that fall": ("block_start", put(3, 10**9)),
    "blocks that end too late": ("block_start", put(-1, 151)),
    "blocks that start late": ("block_start", put(0, 1)),
    "ranges of another type": ("row_range", lambda a: a.astype(int)),
    "rows of other ranges": ("row_range", lambda a: (a + 1) % 3),
    "columns of other ranges": ("column_range", lambda a: (a + 1) % 3),
    "a range twice": ("rounds", lambda a: put((0, 0), a[0, 1])(a)),
    "a range outside": ("rounds", lambda a: a + 1),
    "a negative range": ("rounds", lambda a: a - 1),
    "no ranges": ("rounds", lambda a: a[:, :0].copy()),
    "too few ranges": ("rounds", lambda a: np.zeros((1, 1), dtype=np.int64)),
    "no step": ("learning_rate", lambda a: 0.0),
    "a step of no length": ("learning_rate", lambda a: np.nan),
    "a negative penalty": ("reg", lambda a: -0.1),
    "a penalty of no size": ("reg", lambda a: np.nan),
    "integers": ("row_factors", lambda a: a.astype(int)),
    "factors of another precision": ("column_factors", lambda a: a.astype(np.float32)),
    "factors missing": ("column_factors", lambda a: a[:, :-1].copy()),
    "factors by columns": ("row_factors", np.asfortranarray),
    "no factors": ("row_factors", lambda a: a[:, :0].copy()),
    "a state missing": ("column_state", lambda a: a[:, :2].copy()),
    "a sum of squares of zero": ("column_state", put((0, FACTOR_SQUARES), 0)),
    "a bias's sum of squares of zero": ("column_state", put((0, BIAS_SQUARES), 0)),
    "a row's sum of squares of zero": ("row_squares", put(0, 0)),
    "sums in single precision": ("sums", lambda a: a.astype(np.float32)),
    **MISTAKES_OF_THREADS,
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused(face, mistake):
    arguments = call_of()
    name, change = MISTAKES[mistake]
    arguments[name] = change(arguments[name])
    buffers = []
    for updated in UPDATED:
        if updated != name:
            arguments[updated], buffer = guarded(arguments[updated])
            buffers.append(buffer)
    with pytest.raises(REFUSED):
        FACES[face].descend_bpr_triples(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)
