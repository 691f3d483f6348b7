"""Sums of ratios against one entry at a time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.kernels import _ratio_rows_numpy as fallback
from reference.mistaken_arrays import (
    MISTAKES_OF_THREADS,
    REFUSED,
    guarded,
    mistakes_of_layout,
    mistakes_of_places,
    too_long,
    too_short,
    unharmed,
)
from reference.naive_nonnegative import naive_ratio_sums

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _ratio_rows as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

DTYPES = [np.float32, np.float64]
# Sums of up to 300 positive terms, each with a ratio of sums of up to 70.
RTOL = {np.float32: 2e-5, np.float64: 1e-12}


def problem(lengths, width, *, dtype=np.float64, index_dtype=np.int32, n_columns=40, seed=0):
    """Arguments but for outputs: sorted columns, some stored zeros, some zeros in the factors."""
    rng = np.random.default_rng(seed)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(index_dtype)
    columns = [np.sort(rng.permutation(n_columns)[:n]) for n in lengths]
    data = 3 * rng.random(indptr[-1]) * (rng.random(indptr[-1]) > 0.1)
    return {
        "data": data.astype(dtype),
        "indices": np.concatenate([np.empty(0), *columns]).astype(index_dtype),
        "indptr": indptr,
        "rows": (rng.random((len(lengths), width)) + 0.1).astype(dtype),
        "design": rng.random((n_columns, width)).astype(dtype),
    }


def arguments_of(given, floor=1e-3, wants_loss=True, n_threads=1):
    out, around_out = guarded(given["rows"], np.nan)
    loss, around_loss = guarded(np.empty(len(given["rows"])), np.nan)
    model_sum, around_model_sum = guarded(np.empty(len(given["rows"])), np.nan)
    rest = {"floor": floor, "wants_loss": wants_loss, "n_threads": n_threads}
    outputs = {"out": out, "loss": loss, "model_sum": model_sum}
    return {**given, **outputs, **rest}, [around_out, around_loss, around_model_sum]


def sums(face, given, **changes):
    arguments, buffers = arguments_of(given, **changes)
    assert FACES[face].ratio_rows(*arguments.values()) is None
    assert all(unharmed(buffer) for buffer in buffers)
    return arguments["out"], arguments["loss"], arguments["model_sum"]


def assert_as_naive(face, given, floor=1e-3):
    out, loss, model_sum = sums(face, given, floor=floor)
    starts = given["indptr"]
    rtol = RTOL[given["rows"].dtype.type]
    for i, row in enumerate(given["rows"]):
        at = slice(starts[i], starts[i + 1])
        values, columns = given["data"][at], given["indices"][at]
        expected, its_loss, its_sum = naive_ratio_sums(values, columns, row, given["design"], floor)
        assert_allclose(out[i], expected, rtol=rtol, atol=rtol * expected.max(initial=0))
        # In double precision, of float32 too.
        assert_allclose(loss[i], its_loss, rtol=1e-12, atol=1e-12 * 3 * len(values))
        assert_allclose(model_sum[i], its_sum, rtol=1e-12)
    without = sums(face, given, floor=floor, wants_loss=False)
    assert_array_equal(without[0], out)
    assert_array_equal(without[1], 0)
    assert_array_equal(without[2], 0)
    return out, loss


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_every_width(face, dtype, index_dtype):
    for width in range(1, 71):
        given = problem([3, 0, 9, 1], width, dtype=dtype, index_dtype=index_dtype, seed=width)
        out, loss = assert_as_naive(face, given)
        assert_array_equal(out[1], 0)
        assert loss[1] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_every_length_of_row(face, dtype):
    assert_as_naive(face, problem([*range(20), 300, 0, 0], 5, dtype=dtype, n_columns=300))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_a_share_of_the_entry_stands_for_smaller_approximations(face, dtype):
    given = problem([10, 20, 40], 4, dtype=dtype)
    given["rows"][1] = 0
    given["design"][::3] = 0
    for floor in (1e-6, 0.7):
        assert_as_naive(face, given, floor)
    values = given["data"][10:30].astype(np.float64)
    loss = sums(face, given, floor=0.25)[1][1]
    assert_allclose(loss, values.sum() * (np.log(4) - 0.75), rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_losses_of_good_approximations_keep_their_digits(face, dtype):
    """Where terms of the size of the entries leave a millionth of them."""
    given = problem([30], 3, dtype=dtype)
    S = given["rows"].astype(np.float64) @ given["design"].astype(np.float64).T
    given["data"] = (S[0][given["indices"]] * (1 + 1e-3 * np.cos(np.arange(30)))).astype(dtype)
    x, s = given["data"].astype(np.float64), S[0][given["indices"]]
    change = (s - x) / x
    assert np.abs(change).max() < 2e-3
    expected = x @ (change**2 / 2 - change**3 / 3 + change**4 / 4)  # of log(1 + change)
    assert_allclose(sums(face, given)[1][0], expected, rtol=1e-8)


@pytest.mark.parametrize("face", FACES)
def test_stored_zeros_add_nothing(face):
    given = problem([9, 30], 4)
    given["rows"][0] = 0
    kept = given["data"] > 0
    assert not kept.all()
    starts = np.concatenate([[0], np.cumsum(kept)])[given["indptr"]].astype(np.int32)
    without = {"data": given["data"][kept], "indices": given["indices"][kept], "indptr": starts}
    for its, other in zip(sums(face, given), sums(face, {**given, **without}), strict=True):
        assert_allclose(its, other, rtol=1e-13)


@pytest.mark.parametrize("face", FACES)
def test_indptr_above_zero_and_short_of_the_end(face):
    given = problem([4, 5, 6], 3)
    part = {**given, "indptr": given["indptr"][1:3].copy(), "rows": given["rows"][1:2]}
    for its, of_all in zip(sums(face, part), sums(face, given), strict=True):
        assert_allclose(its, of_all[1:2], rtol=1e-14)


@pytest.mark.parametrize("face", FACES)
def test_unsorted_and_repeated_columns_are_separate_entries(face):
    given = problem([6, 2], 3)
    given["indices"][:6] = [5, 1, 5, 39, 0, 0]
    assert_as_naive(face, given)


@pytest.mark.parametrize("face", FACES)
def test_no_rows_no_entries_no_columns_no_components(face):
    for lengths, n_columns, width in (
        ([], 4, 2), ([], 0, 2), ([0, 0], 4, 2), ([0, 0], 0, 2), ([0], 0, 0), ([2, 3], 5, 0),
    ):  # fmt: skip
        out, loss, model_sum = sums(face, problem(lengths, width, n_columns=n_columns))
        assert out.shape == (len(lengths), width)
        assert_array_equal(out, 0)
        assert_array_equal(loss, 0)
        assert_array_equal(model_sum, 0)


@pytest.mark.skipif(compiled is None, reason="the NumPy twin has one thread")
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_threads_nor_on_other_rows(dtype):
    lengths = np.random.default_rng(1).integers(0, 40, size=300)
    given = problem(lengths, 9, dtype=dtype)
    whole = sums("compiled", given)
    for n_threads in (2, 5, 1):
        for its, of_one in zip(sums("compiled", given, n_threads=n_threads), whole, strict=True):
            assert its.tobytes() == of_one.tobytes()
    for i in (0, 77, 299):
        alone = {**given, "indptr": given["indptr"][i : i + 2], "rows": given["rows"][i : i + 1]}
        for its, of_all in zip(sums("compiled", alone), whole, strict=True):
            assert_array_equal(its[0], of_all[i])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_units_change_nothing(face, dtype):
    given = problem([5, 20], 4, dtype=dtype)
    given["data"] += dtype(0.1)
    out, loss, model_sum = sums(face, given)
    factor = dtype(1e25 if dtype == np.float32 else 1e150)
    for of_rows, of_design in ((factor, 1), (1 / factor, 1), (factor, 1 / factor)):
        scaled = {
            **given,
            "data": given["data"] * dtype(of_rows * of_design),
            "rows": given["rows"] * dtype(of_rows),
            "design": given["design"] * dtype(of_design),
        }
        its_out, its_loss, its_sum = sums(face, scaled)
        assert_allclose(its_out / dtype(of_design), out, rtol=RTOL[dtype])
        total = float(of_rows) * float(of_design)
        assert_allclose(its_loss / total, loss, rtol=RTOL[dtype], atol=RTOL[dtype])
        assert_allclose(its_sum / total, model_sum, rtol=RTOL[dtype])


@pytest.mark.parametrize("value", ["huge", "tiny", "denormal", "zero"])
@pytest.mark.parametrize("what", ["data", "rows", "design", "rows and design", "data and design"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_sums_are_never_nan(face, dtype, what, value):
    """Though, where a ratio overflows, they may be infinite."""
    limits = np.finfo(dtype)
    size = {"huge": limits.max / 8, "tiny": limits.tiny, "denormal": limits.smallest_subnormal}
    given = problem([5, 40, 0], 4, dtype=dtype)
    for name in what.split(" and "):
        given[name] = np.full_like(given[name], size.get(value, 0))
    # Zeros beside what overflows, and an approximation of 0.
    given["design"][::2, 1] = 0
    given["rows"][0] = 0
    for floor in (1e-3, float(limits.tiny)):
        with np.errstate(all="ignore"):  # of the twin
            out, loss, _ = sums(face, given, floor=floor)
        assert (out >= 0).all()
        assert not np.isnan(loss).any()
        if value != "huge":
            assert np.isfinite(loss).all()


@pytest.mark.parametrize("face", FACES)
def test_read_only_input_is_taken_and_no_input_is_changed(face):
    given = problem([5, 0, 4], 4)
    before = {name: array.copy() for name, array in given.items()}
    for array in given.values():
        array.setflags(write=False)
    sums(face, given, n_threads=2)
    for name, copy in before.items():
        assert_array_equal(given[name], copy)


INPUTS = ["data", "indices", "indptr", "rows", "design"]
OUTPUTS = ["out", "loss", "model_sum"]
MISTAKES = {
    **mistakes_of_layout(INPUTS, OUTPUTS),
    **too_short([name for name in INPUTS + OUTPUTS if name != "design"]),
    # of the design a column more is no mistake
    **too_long([name for name in INPUTS + OUTPUTS if name != "design"]),
    **{f"{n} in Fortran order": (n, np.asfortranarray) for n in ("rows", "design", "out")},
    **{f"{n} of another width": (n, lambda a: a[:, :-1].copy()) for n in ("rows", "design", "out")},
    "design without columns": ("design", lambda a: a[:0]),
    "design ends before the last index": ("design", lambda a: a[:3]),
    **mistakes_of_places("indices", "indptr"),
    "no floor": ("floor", lambda x: 0.0),
    "negative floor": ("floor", lambda x: -1.0),
    "floor is NaN": ("floor", lambda x: np.nan),
    **MISTAKES_OF_THREADS,
}
# NumPy takes these, and does with them what is meant.
OF_TYPE = {
    **{
        f"{name} of the other float type": (name, lambda a: a.astype(np.float32))
        for name in ("data", "rows", "design", "out", "loss", "model_sum")
    },
    "indices int64 only": ("indices", lambda a: a.astype(np.int64)),
    "indptr int64 only": ("indptr", lambda a: a.astype(np.int64)),
    "data in swapped byte order": ("data", lambda a: a.astype(a.dtype.newbyteorder())),
}


def sound_call():
    given = problem([2, 0, 3], 2, n_columns=5)
    given["indices"][-1] = 4
    return arguments_of(given, n_threads=2)


@pytest.mark.parametrize(
    ("face", "mistake"),
    [
        (face, mistake)
        for face in FACES
        for mistake in {**MISTAKES, **(OF_TYPE if face == "compiled" else {})}
    ],
)
def test_mistakes_are_refused(face, mistake):
    arguments, buffers = sound_call()
    name, change = {**MISTAKES, **OF_TYPE}[mistake]
    arguments[name] = change(arguments[name])
    with pytest.raises(REFUSED):
        FACES[face].ratio_rows(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)


@pytest.mark.parametrize("face", FACES)
def test_the_call_that_mistakes_are_made_in_is_accepted(face):
    arguments, buffers = sound_call()
    FACES[face].ratio_rows(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)


@pytest.mark.parametrize("face", FACES)
def test_messages_name_the_argument_and_the_rule(face):
    def message(**changes):
        arguments, _ = sound_call()
        with pytest.raises(REFUSED) as caught:
            FACES[face].ratio_rows(*{**arguments, **changes}.values())
        return str(caught.value)

    assert "out has shape (2, 2); it must have (3, 2)" in message(out=np.empty((2, 2)))
    assert "loss has shape (2,); it must have (3,)" in message(loss=np.empty(2))
    assert "data has shape (4,); it must have (5,)" in message(data=np.ones(4))
    assert "floor=0.0 must be positive" in message(floor=0.0)
    assert "n_threads=0 must be at least 1" in message(n_threads=0)
    assert "indptr must rise" in message(indptr=np.array([0, 3, 2, 5], dtype=np.int32))
    outside = message(indices=np.array([0, 1, 2, 3, 5], dtype=np.int32))
    assert "indices must lie inside the matrix" in outside
