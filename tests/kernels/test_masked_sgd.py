"""Stochastic gradient descent on blocks against its definition, entry by entry."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.kernels import _masked_sgd_numpy as fallback
from reference.mistaken_arrays import REFUSED

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _masked_sgd as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

GUARD = 64
BIAS, FACTOR_SQUARES, BIAS_SQUARES, RATE = range(4)


def call_of(
    seed=0, *, shape=(23, 17), n_ranges=3, width=5, dtype=np.float64, weighted=False, bias=True,
    nonnegative=False, density=0.4, n_rounds=None, learning_rate=0.1,
):  # fmt: skip
    """Arguments by name: random entries in a grid of which rows and columns are cut evenly."""
    rng = np.random.default_rng(seed)
    bounds = [np.linspace(0, n, n_ranges + 1).astype(np.int64) for n in shape]
    rows, columns = np.nonzero(rng.random(shape) < density)
    ranges = [
        np.searchsorted(of_side[1:], places, side="right")
        for of_side, places in zip(bounds, (rows, columns), strict=True)
    ]
    block = ranges[0] * n_ranges + ranges[1]
    order = np.argsort(block, kind="stable")
    counts = np.bincount(block, minlength=n_ranges**2)
    first = rng.permutation(n_ranges)
    arguments = {
        "entry_rows": rows[order].astype(np.int32),
        "entry_columns": columns[order].astype(np.int32),
        "values": rng.standard_normal(len(rows)).astype(dtype),
        "weights": rng.uniform(0.5, 2, len(rows) if weighted else 0).astype(dtype),
        "block_start": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "row_bounds": bounds[0],
        "column_bounds": bounds[1],
        "rounds": (first + np.arange(n_rounds or n_ranges)[:, np.newaxis]) % n_ranges,
        "intercept": 0.2,
        "learning_rate": learning_rate,
        "bias": bias,
        "nonnegative": nonnegative,
        "row_penalty": rng.uniform(0, 0.3, width + 1).astype(dtype),
        "column_penalty": rng.uniform(0, 0.3, width + 1).astype(dtype),
    }
    for side, n in zip(("row", "column"), shape, strict=True):
        arguments[f"{side}_factors"] = rng.uniform(0, 1, (n, width)).astype(dtype)
        state = rng.uniform(0.5, 1.5, (n, 4))
        state[:, BIAS] -= 1
        arguments[f"{side}_state"] = state.astype(dtype)
    arguments["sums"] = np.full((n_ranges**2, 2), np.nan)
    arguments["n_threads"] = 2
    return arguments


UPDATED = ("row_factors", "row_state", "column_factors", "column_state", "sums")


def run(face, arguments, **changes):
    """The updated arrays after a call, which leaves `arguments` as they are."""
    arguments = {**arguments, **changes}
    arguments |= {name: arguments[name].copy() for name in UPDATED}
    FACES[face].descend_blocks(*arguments.values())
    return {name: arguments[name] for name in UPDATED}


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("width", [1, 3, 4, 8, 13, 16, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_epoch_is_that_of_the_fallback(dtype, width, bias, weighted, nonnegative):
    if compiled is None:
        pytest.skip("nothing to compare")
    arguments = call_of(
        width=width, dtype=dtype, bias=bias, weighted=weighted, nonnegative=nonnegative
    )
    found, expected = run("compiled", arguments), run("fallback", arguments)
    # Rounding errors of some thirty steps per row follow one another.
    rtol = 2e-4 if dtype == np.float32 else 1e-12
    for name in UPDATED:
        assert_allclose(found[name], expected[name], rtol=rtol, atol=rtol, err_msg=name)
    moved = np.abs(expected["row_factors"] - arguments["row_factors"]).max()
    assert moved > 0.01


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("face", FACES)
def test_one_step_is_what_the_formula_says(face, weighted):
    arguments = call_of(shape=(1, 1), n_ranges=1, width=9, density=1.1, weighted=weighted)
    after = run(face, arguments)
    w, v = arguments["row_factors"][0], arguments["column_factors"][0]
    of_row, of_column = arguments["row_state"][0], arguments["column_state"][0]
    weight = arguments["weights"][0] if weighted else 1.0
    e = arguments["values"][0] - 0.2 - of_row[BIAS] - of_column[BIAS] - w @ v
    assert_allclose(after["sums"], [[weight * e**2, weight * e]], rtol=1e-12)
    for side, own, other, state in (("row", w, v, of_row), ("column", v, w, of_column)):
        penalty = arguments[f"{side}_penalty"]
        gradient = state[RATE] * penalty[:-1] * own - weight * e * other
        step = 1 / (10 * np.sqrt(state[FACTOR_SQUARES]) + state[RATE] * penalty[:-1].max())
        assert_allclose(after[f"{side}_factors"][0], own - step * gradient, rtol=1e-12)
        of_bias = state[RATE] * penalty[-1] * state[BIAS] - weight * e
        step_of_bias = 1 / (10 * np.sqrt(state[BIAS_SQUARES]) + state[RATE] * penalty[-1])
        expected = [
            state[BIAS] - step_of_bias * of_bias,
            state[FACTOR_SQUARES] + np.mean(gradient**2),
            state[BIAS_SQUARES] + of_bias**2,
            state[RATE],
        ]
        assert_allclose(after[f"{side}_state"][0], expected, rtol=1e-12)


@pytest.mark.parametrize("face", FACES)
def test_the_direction_is_that_of_the_objective(face):
    """The gradient by finite differences of the penalized squared residual of an entry."""
    arguments = call_of(3, shape=(1, 1), n_ranges=1, width=4, density=1.1, weighted=True)
    after = run(face, arguments, learning_rate=1e-6)

    def loss(w, b):
        residual = (
            arguments["values"][0] - 0.2 - b - arguments["column_state"][0, BIAS]
            - w @ arguments["column_factors"][0]
        )  # fmt: skip
        penalty = np.append(w, b) ** 2 @ arguments["row_penalty"]
        return arguments["weights"][0] * residual**2 + penalty * arguments["row_state"][0, RATE]

    w, b = arguments["row_factors"][0], arguments["row_state"][0, BIAS]
    h = 1e-5
    slope = [(loss(w + h * unit, b) - loss(w - h * unit, b)) / (4 * h) for unit in np.eye(4)]
    slope_of_bias = (loss(w, b + h) - loss(w, b - h)) / (4 * h)
    moved = (after["row_factors"][0] - w) / 1e-6
    moved *= np.sqrt(arguments["row_state"][0, FACTOR_SQUARES])
    assert_allclose(moved, -np.array(slope), rtol=1e-5, atol=1e-8)
    moved = (after["row_state"][0, BIAS] - b) / 1e-6
    moved *= np.sqrt(arguments["row_state"][0, BIAS_SQUARES])
    assert_allclose(moved, -slope_of_bias, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits_do_not_depend_on_the_number_of_threads(dtype):
    if compiled is None:
        pytest.skip("the NumPy twin has one thread")
    arguments = call_of(
        shape=(900, 400), n_ranges=7, width=20, dtype=dtype, density=0.2, weighted=True
    )
    expected = run("compiled", arguments, n_threads=1)
    for n_threads in (2, 5, 16):
        for name, found in run("compiled", arguments, n_threads=n_threads).items():
            assert_array_equal(found, expected[name], err_msg=name)


@pytest.mark.parametrize("face", FACES)
def test_the_order_of_blocks_in_a_round_does_not_matter(face):
    """What makes threads harmless, on the twin too: blocks of a round share no parameter."""
    arguments = call_of(n_ranges=3, n_rounds=1)
    expected = run(face, arguments)
    by_blocks = {name: arguments[name].copy() for name in UPDATED}
    rows, columns = arguments["row_bounds"], arguments["column_bounds"]
    for a in (2, 0, 1):
        block = 3 * a + arguments["rounds"][0, a]
        starts = arguments["block_start"].copy()
        # All other blocks empty.
        entries = slice(starts[block], starts[block + 1])
        starts[:] = 0
        starts[block + 1 :] = entries.stop - entries.start
        alone = {**arguments, **by_blocks, "block_start": starts}
        for name in ("entry_rows", "entry_columns", "values"):
            alone[name] = arguments[name][entries]
        by_blocks = run(face, alone)
    assert rows[1] > 0
    assert columns[1] > 0
    for name in UPDATED[:-1]:
        assert_array_equal(by_blocks[name], expected[name], err_msg=name)


@pytest.mark.parametrize("face", FACES)
def test_blocks_not_visited_are_left_alone(face):
    arguments = call_of(n_ranges=3, n_rounds=1)
    after = run(face, arguments)
    visited = [3 * a + b for a, b in enumerate(arguments["rounds"][0])]
    others = np.setdiff1d(np.arange(9), visited)
    assert (after["sums"][others] == 0).all()
    assert (after["sums"][visited, 0] > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_rows_and_columns_without_entries_stay(face, dtype):
    arguments = call_of(density=0.05, dtype=dtype)
    for side in ("row", "column"):
        empty = np.setdiff1d(
            np.arange(len(arguments[f"{side}_factors"])), arguments[f"entry_{side}s"]
        )
        assert len(empty) > 0
        after = run(face, arguments)
        for name in (f"{side}_factors", f"{side}_state"):
            assert_array_equal(after[name][empty], arguments[name][empty])


@pytest.mark.parametrize("face", FACES)
def test_biases_stay_where_there_are_none(face):
    arguments = call_of(bias=False)
    after = run(face, arguments)
    for name in ("row_state", "column_state"):
        kept = [BIAS, BIAS_SQUARES, RATE]
        assert_array_equal(after[name][:, kept], arguments[name][:, kept])


@pytest.mark.parametrize("width", [2, 8, 11])
@pytest.mark.parametrize("face", FACES)
def test_nonnegative_factors(face, width):
    arguments = call_of(width=width, nonnegative=True)
    arguments["values"] -= 3
    after = run(face, arguments)
    free = run(face, arguments, nonnegative=False)
    for name in ("row_factors", "column_factors"):
        assert (after[name] >= 0).all()
        assert (after[name] == 0).any()
        assert (free[name] < 0).any()
    assert (after["row_state"][:, BIAS] < 0).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("name", "size"),
    [("values", 1e6), ("weights", 1e6), ("row_penalty", 1e12), ("learning_rate", 1e3)],
)
def test_outsized_input_gives_no_nan(face, name, size, dtype):
    arguments = call_of(weighted=True, dtype=dtype)
    # One entry out of all proportion, or all steps too long.
    if name == "learning_rate":
        arguments[name] = size
    else:
        arguments[name][arguments[name].size // 2] = size
    for _ in range(3):
        arguments |= run(face, arguments)
    for updated in UPDATED:
        assert np.isfinite(arguments[updated]).all(), updated


@pytest.mark.parametrize("face", FACES)
def test_a_penalty_alone_leads_to_zero_not_beyond(face):
    arguments = call_of(shape=(1, 1), n_ranges=1, density=1.1, width=3)
    arguments["row_penalty"][:] = 1e9
    arguments["column_factors"][:] = 0
    after = run(face, arguments)
    assert (after["row_factors"] >= 0).all()
    assert_allclose(after["row_factors"], 0, atol=1e-7)  # the step divides by 1e9 and a little more


@pytest.mark.parametrize("face", FACES)
def test_nothing_to_do(face):
    arguments = call_of(density=-1)
    assert len(arguments["values"]) == 0
    after = run(face, arguments)
    assert (after["sums"] == 0).all()
    assert_array_equal(after["row_factors"], arguments["row_factors"])
    for shape in ((0, 4), (4, 0), (0, 0)):
        arguments = call_of(density=-1, shape=shape, n_ranges=1)
        assert (run(face, arguments)["sums"] == 0).all()


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


MISTAKES = {
    "a row outside": ("entry_rows", lambda a: changed(a, -1, 23)),
    "a negative row": ("entry_rows", lambda a: changed(a, 0, -1)),
    "a row of another block": ("entry_rows", lambda a: changed(a, 0, 22)),
    "a column outside": ("entry_columns", lambda a: changed(a, -1, 2**31 - 1)),
    "a negative column": ("entry_columns", lambda a: changed(a, 0, -(2**31))),
    "a column of another block": ("entry_columns", lambda a: changed(a, 0, 16)),
    "rows of another type": ("entry_rows", lambda a: a.astype(np.int64)),
    "a row too few": ("entry_rows", lambda a: a[:-1]),
    "a column too few": ("entry_columns", lambda a: a[:-1]),
    "values of another precision": ("values", lambda a: a.astype(np.float32)),
    "integers": ("values", lambda a: a.astype(int)),
    "values in two dimensions": ("values", lambda a: a[np.newaxis]),
    "no values": ("values", lambda a: None),
    "a weight only": ("weights", lambda a: np.ones(1)),
    "blocks that fall": ("block_start", lambda a: changed(a, 3, 10**9)),
    "blocks that end too late": ("block_start", lambda a: changed(a, -1, a[-1] + 1)),
    "blocks that start late": ("block_start", lambda a: changed(a, 0, 1)),
    "a block too few": ("block_start", lambda a: a[:-1]),
    "row bounds beyond the end": ("row_bounds", lambda a: changed(a, -1, 24)),
    "row bounds that fall": ("row_bounds", lambda a: changed(a, 1, 22)),
    "row bounds missing": ("row_bounds", lambda a: a[:0]),
    "column bounds beyond the end": ("column_bounds", lambda a: changed(a, -1, 10**12)),
    "a range twice": ("rounds", lambda a: changed(a, (0, 0), a[0, 1])),
    "a range outside": ("rounds", lambda a: a + 1),
    "a negative range": ("rounds", lambda a: a - 1),
    "no ranges": ("rounds", lambda a: a[:, :0]),
    "too few ranges": ("rounds", lambda a: np.zeros((1, 1), dtype=np.int64)),
    "no step": ("learning_rate", lambda a: 0.0),
    "a step of no length": ("learning_rate", lambda a: np.nan),
    "a penalty missing": ("row_penalty", lambda a: a[:-1]),
    "a penalty too many": ("column_penalty", lambda a: np.ones(7)),
    "factors missing": ("column_factors", lambda a: a[:, :-1].copy()),
    "factors of a row missing": ("row_factors", lambda a: a[:-1]),
    "factors by columns": ("row_factors", np.asfortranarray),
    "no factors": ("row_factors", lambda a: a[:, :0].copy()),
    "factors read-only": ("row_factors", lambda a: np.broadcast_to(a, a.shape)),
    "a state missing": ("row_state", lambda a: a[:, :3].copy()),
    "the state of a column missing": ("column_state", lambda a: a[1:]),
    "a sum of squares of zero": ("column_state", lambda a: changed(a, (0, FACTOR_SQUARES), 0)),
    "sums of a block missing": ("sums", lambda a: a[1:]),
    "sums in single precision": ("sums", lambda a: a.astype(np.float32)),
    "no thread": ("n_threads", lambda a: 0),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused(face, mistake):
    arguments = call_of()
    name, change = MISTAKES[mistake]
    arguments[name] = change(arguments[name])
    buffers = {}
    for updated in UPDATED:
        if updated != name:
            array = arguments[updated]
            buffers[updated] = np.full(array.size + 2 * GUARD, 12345, dtype=array.dtype)
            view = buffers[updated][GUARD:-GUARD].reshape(array.shape)
            view[...] = array
            arguments[updated] = view
    with pytest.raises(REFUSED):
        FACES[face].descend_blocks(*arguments.values())
    for buffer in buffers.values():
        assert (buffer[:GUARD] == 12345).all()
        assert (buffer[-GUARD:] == 12345).all()


@pytest.mark.parametrize("face", FACES)
def test_messages_name_the_argument_and_the_rule(face):
    arguments = call_of()
    arguments["entry_rows"][0] = 22
    with pytest.raises(ValueError, match="block 0 has entries outside of its rows or columns"):
        FACES[face].descend_blocks(*arguments.values())
    arguments = call_of(learning_rate=-1.0)
    with pytest.raises(ValueError, match=r"learning_rate=-1.0 must be positive"):
        FACES[face].descend_blocks(*arguments.values())


def test_read_only_input():
    for face in FACES:
        arguments = call_of(weighted=True)
        expected = run(face, arguments)
        for name, value in arguments.items():
            if isinstance(value, np.ndarray) and name not in UPDATED:
                value.setflags(write=False)
        found = run(face, arguments)
        for name in UPDATED:
            assert_array_equal(found[name], expected[name])
