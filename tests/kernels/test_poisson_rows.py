"""Poisson regressions of rows against the conditions of their minimum, and SciPy's minimizer."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from lrfact.kernels import _poisson_rows_numpy as fallback
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

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _poisson_rows as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

DTYPES = [np.float32, np.float64]
# Sums of up to 100 ratios, which themselves are of sums.
RTOL = {np.float32: 1e-4, np.float64: 1e-10}


def problem(lengths, width, *, dtype=np.float64, index_dtype=np.int32, n_columns=40, seed=0):
    """Arguments up to `rows`: sorted columns, some stored zeros, zeros in the design."""
    rng = np.random.default_rng(seed)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(index_dtype)
    columns = [np.sort(rng.permutation(n_columns)[:n]) for n in lengths]
    data = 3 * rng.random(indptr[-1]) * (rng.random(indptr[-1]) > 0.1)
    # No entry is without a component that explains it.
    design = rng.random((n_columns, width)) * (rng.random((n_columns, width)) > 0.3) + 1e-2
    return {
        "data": data.astype(dtype),
        "indices": np.concatenate([np.empty(0), *columns]).astype(index_dtype),
        "indptr": indptr,
        "design": design.astype(dtype),
        "reach": np.repeat(design.sum(axis=0)[np.newaxis], len(lengths), axis=0).astype(dtype),
        "rows": (0.1 + rng.random((len(lengths), width))).astype(dtype),
    }


def arguments_of(given, *, l1=0.0, l2=0.0, floor=1e-9, tol=1e-6, most_passes=20000, n_threads=1):
    rows, around_rows = guarded(given["rows"])
    at_rest, around_at_rest = guarded(np.empty(len(rows), dtype=np.uint8), 9)
    rest = {"l1": l1, "l2": l2, "floor": floor, "tol": tol, "most_passes": most_passes}
    arguments = {**given, "rows": rows, "at_rest": at_rest, **rest, "n_threads": n_threads}
    return arguments, [around_rows, around_at_rest]


def fit(face, given, **changes):
    arguments, buffers = arguments_of(given, **changes)
    assert FACES[face].fit_poisson_rows(*arguments.values()) is None
    assert all(unharmed(buffer) for buffer in buffers)
    return arguments["rows"], arguments["at_rest"]


def entries_of(given, i):
    at = slice(given["indptr"][i], given["indptr"][i + 1])
    kept = given["data"][at] > 0
    values = given["data"][at][kept].astype(np.float64)
    return values, given["design"][given["indices"][at][kept]].astype(np.float64)


def objective(x, values, panel, weight, l2):
    return weight @ x + l2 * x @ x / 2 - values @ np.log(panel @ x)


def gradient(x, values, panel, weight, l2):
    return weight + l2 * x - (values / (panel @ x)) @ panel


def assert_minimal(given, rows, l1, l2, atol):
    """The conditions of Karush, Kuhn and Tucker; `atol` is a share of the gradient's terms."""
    n_bound = 0
    for i, x in enumerate(rows.astype(np.float64)):
        values, panel = entries_of(given, i)
        weight = given["reach"][i].astype(np.float64) + l1
        if not len(values):
            assert_array_equal(x, 0)
            continue
        slope = gradient(x, values, panel, weight, l2) / weight
        assert_allclose(slope[x > 0], 0, atol=atol)
        assert (slope[x == 0] >= -atol).all()
        n_bound += (x == 0).sum()
    return n_bound


@pytest.mark.parametrize(("l1", "l2"), [(0, 0), (0.7, 0), (0, 0.4), (2.0, 3.0)])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_conditions_of_the_minimum(face, dtype, l1, l2):
    n_bound = 0
    widths = (1, 2, 3, 7, 20) if face == "compiled" else (1, 3, 7)
    for width in widths:
        given = problem([0, 1, 5, 30, 40, 40], width, dtype=dtype, seed=width)
        tol = 1e-6 if dtype == np.float32 else 1e-10
        rows, at_rest = fit(face, given, l1=l1, l2=l2, tol=tol)
        if dtype == np.float64:
            assert at_rest.all()
        # What goes to zero slowly ends within `tol` of it, where its slope is small as well.
        n_bound += assert_minimal(given, rows, l1, l2, 1e-3 if dtype == np.float32 else 1e-6)
    assert n_bound > 0


@pytest.mark.parametrize("face", FACES)
def test_minimum_is_that_of_scipy(face):
    given = problem([3, 20, 40], 3)
    rows = fit(face, given, l1=0.2, l2=0.3, tol=1e-12)[0]
    for i, x in enumerate(rows):
        values, panel = entries_of(given, i)
        the_rest = (values, panel, given["reach"][i] + 0.2, 0.3)
        best = minimize(
            objective,
            np.full(3, 0.3),
            args=the_rest,
            jac=gradient,
            bounds=[(1e-12, None)] * 3,
            method="L-BFGS-B",
            options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000},
        )
        assert_allclose(x, best.x, atol=1e-5)
        assert objective(x, *the_rest) <= best.fun + 1e-12


@pytest.mark.parametrize("face", FACES)
def test_the_minimum_does_not_depend_on_the_start(face):
    given = problem([5, 20, 40, 1], 4)
    rows = fit(face, given, l2=0.1, tol=1e-12)[0]
    for start in (1e-4, 1.0, 1e6):
        other = {**given, "rows": np.full_like(given["rows"], start)}
        its, at_rest = fit(face, other, l2=0.1, tol=1e-12)
        assert at_rest.all()
        assert_allclose(its, rows, atol=1e-7)


@pytest.mark.parametrize("face", FACES)
def test_nearly_dependent_components_take_few_passes(face):
    """Of all coordinates at once; one after the other, 10000 passes are too few."""
    given = problem([40, 40, 40], 6)
    rng = np.random.default_rng(0)
    common = rng.random((40, 1))
    given["design"] = common + 0.02 * rng.random((40, 6))
    given["reach"] = np.repeat(given["design"].sum(axis=0)[np.newaxis], 3, axis=0)
    truth = rng.random((3, 6)) * [0, 1, 1, 0, 1, 1]
    given["data"] = (truth @ given["design"].T).ravel()
    rows, at_rest = fit(face, given, most_passes=30)
    assert at_rest.all()
    for i, x in enumerate(rows):
        values, panel = entries_of(given, i)
        least = objective(truth[i], values, panel, given["reach"][i], 0)
        assert objective(x, values, panel, given["reach"][i], 0) == pytest.approx(least, rel=1e-7)


@pytest.mark.parametrize("face", FACES)
def test_one_component_has_a_closed_form(face):
    """The sum of the row over the sum of the component, whatever the component."""
    given = problem([5, 20, 40], 1)
    rows = fit(face, given, tol=1e-13)[0]
    expected = [entries_of(given, i)[0].sum() / given["reach"][i, 0] for i in range(3)]
    assert_allclose(rows[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("face", FACES)
def test_passes_lower_the_objective(face):
    given = problem([5, 20, 40], 6)
    last = np.inf
    for most_passes in range(12):
        rows, at_rest = fit(face, given, tol=0.0, most_passes=most_passes)
        if most_passes == 0:
            assert_array_equal(rows, given["rows"])
        assert_array_equal(at_rest, 0)
        now = sum(
            objective(x, *entries_of(given, i), given["reach"][i], 0) for i, x in enumerate(rows)
        )
        assert now < last
        last = now


@pytest.mark.skipif(compiled is None, reason="compares two faces")
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", DTYPES)
def test_faces_agree_pass_by_pass(dtype, index_dtype):
    for width in (*range(1, 20), 31, 33, 64, 70):
        given = problem([*range(0, 18, 3), 40], width, dtype=dtype, index_dtype=index_dtype)
        for most_passes in (1, 3, 9):
            its, of_fallback = (
                fit(face, given, l1=0.1, l2=0.2, tol=0.05, most_passes=most_passes)
                for face in ("compiled", "fallback")
            )
            # From the eighth pass on a step is taken if it is downhill, of which rounding errors
            # decide where the objective is flat: within the root of what it is rounded to.
            rtol = RTOL[dtype] if most_passes < 8 else max(RTOL[dtype], 3e-8)
            assert_allclose(its[0], of_fallback[0], rtol=rtol, atol=rtol)
            assert_array_equal(its[1], of_fallback[1])


@pytest.mark.skipif(compiled is None, reason="compares two faces")
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_length_of_row(dtype):
    given = problem([*range(40)], 3, dtype=dtype)
    its, of_fallback = (
        fit(face, given, tol=0.0, most_passes=2)[0] for face in ("compiled", "fallback")
    )
    assert_allclose(its, of_fallback, rtol=RTOL[dtype], atol=RTOL[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_rows_without_positive_entries_are_zero(face, dtype):
    given = problem([0, 3, 5], 3, dtype=dtype)
    given["data"][:3] = 0
    for l1, l2 in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
        rows, at_rest = fit(face, given, l1=l1, l2=l2)
        assert_array_equal(rows[:2], 0)
        assert (rows[2] > 0).any()
        assert_array_equal(at_rest, 1)


@pytest.mark.parametrize("face", FACES)
def test_components_that_no_entry_asks_for_are_zero(face):
    given = problem([10, 40], 4)
    given["design"][given["indices"][:10], 2] = 0  # of the first row
    given["design"][:, 3] = 0
    given["reach"] = np.repeat(given["design"].sum(axis=0)[np.newaxis], 2, axis=0)
    for l2 in (0.0, 0.5):
        rows, at_rest = fit(face, given, l2=l2)
        assert rows[0, 2] == rows[0, 3] == rows[1, 3] == 0
        assert rows[1, 2] > 0
        assert at_rest.all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_units_change_nothing(face, dtype):
    given = problem([5, 20, 40], 4, dtype=dtype)
    tol = 1e-3 if dtype == np.float32 else 1e-8
    rows, at_rest = fit(face, given, tol=tol)
    assert at_rest.all()
    factor = 1e25 if dtype == np.float32 else 1e200
    # Rows of one size on a design of another: squares of their ratios have to fit.
    root = factor**0.5
    for of_rows, of_design in (
        *((factor, 1.0), (1 / factor, 1.0), (1.0, factor), (1.0, 1 / factor)),
        *((root, 1 / root), (1 / root, root)),
    ):
        scaled = {
            **given,
            "data": given["data"] * dtype(of_rows * of_design),
            "rows": given["rows"] * dtype(of_rows),
            "design": given["design"] * dtype(of_design),
            "reach": given["reach"] * dtype(of_design),
        }
        its, its_rest = fit(face, scaled, tol=tol)
        assert_allclose(its / of_rows, rows, rtol=2e-4 if dtype == np.float32 else 1e-6, atol=tol)
        assert_array_equal(its_rest, at_rest)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_a_row_is_solved_alike_in_any_unit_beside_any_other(face, dtype):
    """To the last bit where the unit is a power of two, with a floor and a ridge of its own."""
    given = problem([12, 12, 12], 4, dtype=dtype)
    for name in ("data", "indices"):
        given[name][12:24] = given[name][24:] = given[name][:12]
    given["rows"][:] = given["rows"][0]
    units = dtype(2) ** np.array([0, -60, 60], dtype=dtype)
    given["data"] *= np.repeat(units, 12)
    given["rows"] *= units[:, np.newaxis]
    rows, at_rest = fit(face, given, tol=1e-4)
    assert at_rest.all()
    for i in (1, 2):
        assert_array_equal(rows[i] / units[i], rows[0])


@pytest.mark.parametrize("value", ["huge", "tiny", "denormal", "zero"])
@pytest.mark.parametrize("what", ["data", "design", "reach", "rows", "data and design", "all"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_never_nan_nor_negative(face, dtype, what, value):
    """Rows that leave the range of the dtype do not pass as having come to rest."""
    limits = np.finfo(dtype)
    size = {"huge": limits.max / 8, "tiny": limits.tiny, "denormal": limits.smallest_subnormal}
    for floor in (1e-9, 1e-300):
        for l2 in (0.0, 0.5):
            given = problem([0, 5, 40], 4, dtype=dtype)
            names = ("data", "design", "reach", "rows") if what == "all" else what.split(" and ")
            for name in names:
                given[name] = np.full_like(given[name], size.get(value, 0))
            given["design"][::2, 1] = 0
            with np.errstate(all="ignore"):  # of the twin
                rows, at_rest = fit(face, given, l2=l2, floor=floor, most_passes=30)
            assert (rows >= 0).all()
            assert not at_rest[~np.isfinite(rows).all(axis=1)].any()


@pytest.mark.parametrize("face", FACES)
def test_unsorted_and_repeated_columns_are_separate_entries(face):
    given = problem([6, 2], 3)
    given["indices"][:6] = [5, 1, 5, 39, 0, 0]
    assert_minimal(given, fit(face, given, tol=1e-10)[0], 0, 0, 1e-6)


@pytest.mark.parametrize("face", FACES)
def test_indptr_above_zero_and_short_of_the_end(face):
    given = problem([4, 5, 6], 3)
    part = {name: given[name][1:2] for name in ("reach", "rows")}
    part = {**given, **part, "indptr": given["indptr"][1:3].copy()}
    assert_array_equal(fit(face, part)[0], fit(face, given)[0][1:2])


@pytest.mark.parametrize("face", FACES)
def test_no_rows_no_entries_no_columns_no_components(face):
    for lengths, n_columns, width in (
        ([], 4, 2), ([], 0, 2), ([0, 0], 4, 2), ([0, 0], 0, 2), ([2, 3], 5, 0), ([], 3, 0),
    ):  # fmt: skip
        rows, at_rest = fit(face, problem(lengths, width, n_columns=n_columns))
        assert rows.shape == (len(lengths), width)
        assert_array_equal(rows, 0)
        assert_array_equal(at_rest, 1)


@pytest.mark.skipif(compiled is None, reason="the NumPy twin has one thread")
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_threads_nor_on_other_rows(dtype):
    lengths = np.random.default_rng(1).integers(0, 40, size=100)
    given = problem(lengths, 5, dtype=dtype)
    whole = fit("compiled", given, tol=1e-4)
    for n_threads in (2, 5, 1):
        for its, of_one in zip(
            fit("compiled", given, tol=1e-4, n_threads=n_threads), whole, strict=True
        ):
            assert its.tobytes() == of_one.tobytes()
    for i in (0, 37, 99):
        part = {name: given[name][i : i + 1] for name in ("reach", "rows")}
        alone = {**given, **part, "indptr": given["indptr"][i : i + 2]}
        for its, of_all in zip(fit("compiled", alone, tol=1e-4), whole, strict=True):
            assert_array_equal(its[0], of_all[i])


@pytest.mark.parametrize("face", FACES)
def test_read_only_input_is_taken_and_no_input_is_changed(face):
    given = problem([5, 0, 4], 4)
    before = {name: array.copy() for name, array in given.items()}
    for array in given.values():
        array.setflags(write=False)
    fit(face, given, n_threads=2)
    for name, copy in before.items():
        assert_array_equal(given[name], copy)


INPUTS = ["data", "indices", "indptr", "design", "reach"]
OUTPUTS = ["rows", "at_rest"]
MISTAKES = {
    **mistakes_of_layout(INPUTS, OUTPUTS),
    **too_short([name for name in INPUTS + OUTPUTS if name != "design"]),
    # of the design a column more is no mistake
    **too_long([name for name in INPUTS + OUTPUTS if name != "design"]),
    **{f"{n} in Fortran order": (n, np.asfortranarray) for n in ("rows", "design", "reach")},
    **{
        f"{name} of another width": (name, lambda a: a[:, :-1].copy())
        for name in ("rows", "design", "reach")
    },
    "design without columns": ("design", lambda a: a[:0]),
    "design ends before the last index": ("design", lambda a: a[:3]),
    **mistakes_of_places("indices", "indptr"),
    "no floor": ("floor", lambda x: 0.0),
    "floor is NaN": ("floor", lambda x: np.nan),
    **MISTAKES_OF_THREADS,
}
# NumPy takes these, and does with them what is meant.
OF_TYPE = {
    **{
        f"{name} of the other float type": (name, lambda a: a.astype(np.float32))
        for name in ("data", "rows", "design", "reach", "at_rest")
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
        FACES[face].fit_poisson_rows(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)


@pytest.mark.parametrize("face", FACES)
def test_the_call_that_mistakes_are_made_in_is_accepted(face):
    arguments, buffers = sound_call()
    FACES[face].fit_poisson_rows(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)


@pytest.mark.parametrize("face", FACES)
def test_messages_name_the_argument_and_the_rule(face):
    def message(**changes):
        arguments, _ = sound_call()
        with pytest.raises(REFUSED) as caught:
            FACES[face].fit_poisson_rows(*{**arguments, **changes}.values())
        return str(caught.value)

    assert "reach has shape (2, 2); it must have (3, 2)" in message(reach=np.empty((2, 2)))
    assert "at_rest has shape (2,); it must have (3,)" in message(at_rest=np.empty(2, np.uint8))
    assert "data has shape (4,); it must have (5,)" in message(data=np.ones(4))
    assert "floor=0.0 must be positive" in message(floor=0.0)
    assert "n_threads=0 must be at least 1" in message(n_threads=0)
    assert "indptr must rise" in message(indptr=np.array([0, 3, 2, 5], dtype=np.int32))
    outside = message(indices=np.array([0, 1, 2, 3, 5], dtype=np.int32))
    assert "indices must lie inside the matrix" in outside


@pytest.mark.parametrize("heavy", [1e7, 1e14])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_small_entries_beside_a_huge_one_are_fitted_as_if_they_were_alone(face, dtype, heavy):
    """A component of a huge entry alone leaves the others a problem of their own."""
    light = problem([20, 40, 40], 4, dtype=dtype, seed=3)
    light["data"] += 1
    alone, at_rest = fit(face, light, tol=1e-5)
    assert at_rest.all()
    ends = light["indptr"][1:]
    both = {
        "data": np.insert(light["data"], ends, dtype(heavy)),
        "indices": np.insert(light["indices"], ends, light["indices"].dtype.type(40)),
        "indptr": light["indptr"] + np.arange(4, dtype=light["indptr"].dtype),
        "design": np.zeros((41, 5), dtype=dtype),
        "reach": np.insert(light["reach"], 4, dtype(1), axis=1),
        "rows": np.full((3, 5), dtype(heavy / 50)),
    }
    both["design"][:40, :4], both["design"][40, 4] = light["design"], 1
    rows, at_rest = fit(face, both, tol=1e-5)
    assert at_rest.all()
    assert_allclose(rows[:, 4], heavy, rtol=1e-5)
    assert_allclose(rows[:, :4] @ light["design"].T, alone @ light["design"].T, rtol=3e-2)
