"""Coordinate descent on non-negative rows against plain loops and SciPy's solver."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import nnls

from lrfact.kernels import _nonnegative_rows_numpy as fallback
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
from reference.naive_nonnegative import naive_descent

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _nonnegative_rows as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

DTYPES = [np.float32, np.float64]
# A few passes over systems of condition 1e2, in sums of up to 70 products.
RTOL = {np.float32: 1e-4, np.float64: 1e-11}
# Rows that the compiled kernel handles side by side.
LINE = {np.float32: 64, np.float64: 32}


def problem(n_rows, width, *, dtype=np.float64, seed=0, zeros=0.3, **changes):
    """Arguments of `descend_rows` but for outputs and threads, from a start that has zeros."""
    rng = np.random.default_rng(seed)
    design = rng.random((2 * width + 5, width))
    start = rng.random((n_rows, width)) * (rng.random((n_rows, width)) >= zeros)
    given = {
        "gram": (design.T @ design + np.eye(width)).astype(dtype),
        "cross": (rng.standard_normal((n_rows, width)) * width).astype(dtype),
        "order": rng.permutation(width),
        "weight": (0.5 + rng.random(width)).astype(dtype),
        "rows": start.astype(dtype),
        "shift": 0.25,
        "tol": 0.1,
        "tol_is_of_first": True,
        "most_passes": 3,
    }
    return {**given, **changes}


def with_missing(n_rows, n_columns, width, *, dtype=np.float64, seed=0, share=None, **changes):
    """Arguments of `descend_rows_with_missing`; each row hides another share of its columns."""
    rng = np.random.default_rng(seed)
    design = rng.random((n_columns, width)).astype(dtype)
    design[rng.random(design.shape) < 0.2] = 0
    shares = np.linspace(0, 1, n_rows) if share is None else np.full(n_rows, share)
    hides = [np.sort(rng.permutation(n_columns)[: round(s * n_columns)]) for s in shares]
    shown = np.ones((n_rows, n_columns))
    for i, hidden in enumerate(hides):
        shown[i, hidden] = 0
    wide = design.astype(np.float64)
    values = rng.random((n_rows, n_columns)) * shown
    given = {
        "gram": wide.T @ wide,
        "cross": (values @ wide).astype(dtype),
        "design": design,
        "hidden": np.concatenate([np.empty(0, dtype=np.int64), *hides]),
        "indptr": np.cumsum([0, *map(len, hides)]),
        "order": rng.permutation(width),
        "weight": (0.5 + rng.random(width)).astype(dtype),
        "rows": (rng.random((n_rows, width)) * (rng.random((n_rows, width)) > 0.3)).astype(dtype),
        "shift": 0.125,
        "ridge": 0.5,
        "tol": 0.1,
        "tol_is_of_first": True,
        "most_passes": 3,
    }
    return {**given, **changes}, shown


def arguments_of(given, n_threads=1):
    """All arguments by name, in order; and the buffers around what is written to."""
    n_rows = len(given["rows"])
    outs = {"rows": guarded(given["rows"]), "violation": guarded(np.empty(n_rows), np.nan)}
    if "design" in given:
        outs["energy"] = guarded(np.empty(n_rows), np.nan)
    outs["at_rest"] = guarded(np.empty(n_rows, dtype=np.uint8), 9)
    names = list(given)
    names[names.index("rows") + 1 : names.index("rows") + 1] = list(outs)[1:]
    inside = {name: out for name, (out, _) in outs.items()}
    arguments = {name: inside[name] if name in inside else given[name] for name in names}
    return {**arguments, "n_threads": n_threads}, [buffer for _, buffer in outs.values()]


def kernel_of(face, given):
    kernels = FACES[face]
    return kernels.descend_rows_with_missing if "design" in given else kernels.descend_rows


def solve(face, given, n_threads=1):
    """Rows, violation, at_rest and, with holes, energy."""
    arguments, buffers = arguments_of(given, n_threads)
    assert kernel_of(face, given)(*arguments.values()) is None
    assert all(unharmed(buffer) for buffer in buffers)
    outs = [arguments["rows"], arguments["violation"], arguments["at_rest"]]
    return (*outs, arguments["energy"]) if "energy" in arguments else tuple(outs)


def naive(given, shown=None):
    dtype = given["rows"].dtype
    outs = []
    for i, x in enumerate(given["rows"]):
        start = x.copy()
        if shown is None:
            own = gram = given["gram"].astype(np.float64)
        else:
            seen = given["design"][shown[i] > 0].astype(np.float64)
            own = seen.T @ seen
            gram = own + given["ridge"] * np.eye(len(own))
            if given["ridge"] == 0:
                start[(np.diagonal(own) == 0) & (np.diagonal(given["gram"]) > 0)] = 0
        x, violation, rests = naive_descent(
            gram,
            given["cross"][i].astype(np.float64) - given["shift"],
            start,
            given["order"],
            given["weight"].astype(np.float64),
            given["tol"],
            given["tol_is_of_first"],
            given["most_passes"],
        )
        outs.append((x, violation, rests, x @ own @ x))
    rows, violation, rests, energy = (np.array(out) for out in zip(*outs, strict=True))
    return rows.astype(dtype), violation, rests, energy


def assert_as_naive(face, given, shown=None, n_threads=1):
    rtol = RTOL[given["rows"].dtype.type]
    expected = naive(given, shown)
    rows, violation, at_rest, *energy = solve(face, given, n_threads)
    assert_allclose(rows, expected[0], rtol=0, atol=rtol * (1 + expected[0].max(initial=0)))
    assert_allclose(violation, expected[1], rtol=rtol)
    assert_array_equal(at_rest, expected[2])
    if energy:
        # 32-bit rows come from 64-bit sums: only the products that are given are narrow.
        assert_allclose(energy[0], expected[3], rtol=1e-9, atol=1e-9)
    return expected


class TestSinglePasses:
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("face", FACES)
    def test_every_width(self, face, dtype):
        n_resting = 0
        for width in range(1, 71):
            given = problem(4, width, dtype=dtype, seed=width, tol=0.2)
            n_resting += assert_as_naive(face, given)[2].sum()
        assert 20 < n_resting < 260  # tests both

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("face", FACES)
    def test_numbers_of_rows_around_the_line(self, face, dtype):
        line = LINE[dtype]
        for n_rows in (1, 2, line - 1, line, line + 1, 2 * line - 1, 2 * line + 3):
            assert_as_naive(face, problem(n_rows, 5, dtype=dtype, seed=n_rows))

    @pytest.mark.parametrize("most_passes", [0, 1, 2, 20])
    @pytest.mark.parametrize("tol_is_of_first", [False, True])
    @pytest.mark.parametrize("tol", [0.0, 0.05, 0.5, 2.0])
    @pytest.mark.parametrize("face", FACES)
    def test_rules_of_stopping(self, face, tol, tol_is_of_first, most_passes):
        given = problem(
            40, 4, tol=tol, tol_is_of_first=tol_is_of_first, most_passes=most_passes, seed=3
        )
        rows, _, rests, _ = assert_as_naive(face, given)
        if most_passes == 0:
            assert_array_equal(rows, given["rows"])
            assert not rests.any()
        elif tol == 2 and (tol_is_of_first or most_passes == 20):
            assert rests.all()
        elif tol == 0.05 and most_passes == 2:
            assert 0 < rests.sum() < 40

    @pytest.mark.parametrize("face", FACES)
    def test_a_resting_row_stays_while_others_move(self, face):
        """A row that is done is what it would be alone."""
        given = problem(30, 6, tol=1e-3, most_passes=50)
        given["rows"][3] = 0
        given["cross"][3] = -1
        rows, _, at_rest = solve(face, given)
        assert at_rest.all()
        assert_array_equal(rows[3], 0)
        for i in range(30):
            alone = {**given, "cross": given["cross"][i : i + 1], "rows": given["rows"][i : i + 1]}
            # BLAS, in the twin, rounds the products of one row in another way.
            atol = 0 if face == "compiled" else 1e-12
            assert_allclose(solve(face, alone)[0][0], rows[i], rtol=0, atol=atol)

    @pytest.mark.parametrize("face", FACES)
    def test_the_order_counts(self, face):
        given = problem(5, 6, most_passes=1)
        other = {**given, "order": given["order"][::-1].copy()}
        assert_as_naive(face, other)
        assert np.abs(solve(face, given)[0] - solve(face, other)[0]).max() > 1e-3

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("face", FACES)
    def test_coordinates_without_curvature(self, face, dtype):
        """They stay as they are, unless they cost something."""
        given = problem(7, 5, dtype=dtype, zeros=0)
        for f in (1, 4):
            given["gram"][f] = given["gram"][:, f] = 0
        costs = given["cross"] < 0.25
        rows = assert_as_naive(face, given)[0]
        for f in (1, 4):
            assert_array_equal(rows[:, f], np.where(costs[:, f], 0, given["rows"][:, f]))
        given["gram"][...] = 0
        rows, violation, at_rest = solve(face, given)
        assert_array_equal(rows, np.where(costs, 0, given["rows"]))
        assert costs.any()
        assert not costs.all()
        assert_array_equal(violation, 0)
        assert_array_equal(at_rest, 1)

    @pytest.mark.parametrize("face", FACES)
    def test_violation_vanishes_at_the_minimum_only(self, face):
        given = problem(9, 5, tol=0.0, most_passes=2000)
        rows, before, _ = solve(face, given)
        after = solve(face, {**given, "rows": rows})[1]
        assert (before > 0.1).all()
        assert_allclose(after, 0, atol=1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 2, 5, 17, 33])
@pytest.mark.parametrize("face", FACES)
def test_minimum_is_that_of_scipy(face, width, dtype):
    rng = np.random.default_rng(width)
    design = rng.random((width + 20, width))
    targets = rng.standard_normal((LINE[dtype] + 3, width + 20)) + 0.3
    given = problem(
        len(targets),
        width,
        gram=(design.T @ design).astype(dtype),
        cross=(targets @ design).astype(dtype),
        dtype=dtype,
        shift=0.0,
        tol=1e-7 if dtype == np.float32 else 1e-14,
        tol_is_of_first=False,
        most_passes=20000 if face == "compiled" or width < 17 else 2000,
    )
    rows, _, _ = solve(face, given)
    expected = np.array([nnls(design, target)[0] for target in targets])
    assert (expected == 0).any() or width == 1
    # float32: a Gram matrix of condition 1e2 to 1e3, rounded.
    assert_allclose(rows, expected, atol=3e-3 if dtype == np.float32 else 1e-8)


class TestHoles:
    @pytest.mark.parametrize("ridge", [0.0, 0.5])
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("face", FACES)
    def test_every_width(self, face, dtype, ridge):
        for width in (*range(1, 19), 31, 32, 33, 64, 65, 70):
            given, shown = with_missing(7, 23, width, dtype=dtype, seed=width, ridge=ridge, tol=0.3)
            assert_as_naive(face, given, shown)

    @pytest.mark.parametrize("face", FACES)
    def test_few_hidden_and_many(self, face):
        """On both sides of where one way to the Gram matrix is less work than the other."""
        for n_columns in (1, 2, 7, 8):
            for n_hidden in range(n_columns + 1):
                given, shown = with_missing(5, n_columns, 3, share=n_hidden / n_columns)
                assert_array_equal(shown.sum(axis=1), n_columns - n_hidden)
                assert_as_naive(face, given, shown)

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("face", FACES)
    def test_rows_that_show_nothing(self, face, dtype):
        given, _ = with_missing(4, 9, 3, dtype=dtype, share=1.0, ridge=0.0, shift=0.0)
        rows, violation, at_rest, energy = solve(face, given)
        for out in (rows, violation, energy):
            assert_array_equal(out, 0)
        assert_array_equal(at_rest, 1)
        # What draws a row to zero is the penalty then; nothing else does.
        rows = solve(face, {**given, "ridge": 0.5, "tol": 0.0, "most_passes": 50})[0]
        assert_array_equal(rows, 0)

    @pytest.mark.parametrize("face", FACES)
    def test_a_component_that_the_row_does_not_show(self, face):
        """Zero without a ridge; one that no column has stays as it was."""
        design = np.ascontiguousarray(np.eye(4)[:, :3])
        design[2, 2] = 0
        given, _ = with_missing(2, 4, 3, share=0.0, ridge=0.0, shift=0.0)
        given |= {
            "design": design,
            "gram": design.T @ design,
            "cross": np.array([[0, 2.0, 0], [3, 2, 0]]),
            "hidden": np.array([0]),
            "indptr": np.array([0, 1, 1]),
            "rows": np.full((2, 3), 5.0),
        }
        rows, _, _, energy = solve(face, given)
        assert_array_equal(rows, [[0, 2, 5], [3, 2, 5]])
        assert_array_equal(energy, [4, 13])

    @pytest.mark.parametrize("face", FACES)
    def test_no_hole_is_the_same_as_the_other_kernel(self, face):
        given, _ = with_missing(40, 30, 5, share=0.0, tol=1e-12, most_passes=3000)
        rows, violation, _, energy = solve(face, given)
        names = ("cross", "order", "weight", "rows", "shift", "tol", "tol_is_of_first")
        plain = {
            "gram": given["gram"] + 0.5 * np.eye(5),
            **{name: given[name] for name in names},
            "most_passes": 3000,
        }
        its_rows, its_violation, _ = solve(face, plain)
        assert_allclose(rows, its_rows, atol=1e-10)
        assert_allclose(violation, its_violation, rtol=1e-10)
        assert_allclose(energy, np.sum((rows @ given["design"].T) ** 2, axis=1), rtol=1e-10)

    @pytest.mark.parametrize("n_threads", [1, 3])
    @pytest.mark.parametrize("face", FACES)
    def test_a_row_is_the_same_alone(self, face, n_threads):
        given, _ = with_missing(50, 30, 6)
        whole = solve(face, given, n_threads)
        starts = given["indptr"]
        for i in range(50):
            alone = {
                **given,
                "cross": given["cross"][i : i + 1],
                "rows": given["rows"][i : i + 1],
                "hidden": given["hidden"][starts[i] : starts[i + 1]],
                "indptr": starts[i : i + 2] - starts[i],
            }
            for its, of_all in zip(solve(face, alone), whole, strict=True):
                assert_array_equal(its[0], of_all[i])


@pytest.mark.skipif(compiled is None, reason="the NumPy twin has one thread")
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_threads(dtype):
    plain = problem(5 * 64 + 7, 9, dtype=dtype, most_passes=20)
    holes, _ = with_missing(100, 40, 7, dtype=dtype)
    for given in (plain, holes):
        results = {
            b"".join(out.tobytes() for out in solve("compiled", given, n_threads))
            for n_threads in (1, 2, 5, 1)
        }
        assert len(results) == 1


@pytest.mark.parametrize("face", FACES)
def test_no_rows_no_columns_no_components(face):
    for n_rows, width in ((0, 3), (4, 0), (0, 0)):
        for out in solve(face, problem(n_rows, width))[:2]:
            assert_array_equal(out, np.zeros(out.shape))
        holes, _ = with_missing(n_rows, 6, width, share=0.5)
        rows, violation, at_rest, energy = solve(face, holes)
        assert rows.shape == (n_rows, width)
        assert_array_equal(at_rest, 1)
        for out in (violation, energy):
            assert_array_equal(out, 0)
    nothing, _ = with_missing(3, 0, 2, share=0.0, ridge=0.0, shift=0.0)
    rows, violation, at_rest, energy = solve(face, nothing)
    assert_array_equal(rows, nothing["rows"])  # no column speaks for or against it
    assert_array_equal(energy, 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_units_of_rows_and_design_change_nothing(face, dtype):
    """Squares of what is given may lie outside the range of the dtype."""
    for tol_is_of_first in (False, True):
        given = problem(
            6,
            4,
            dtype=dtype,
            shift=0.0,
            tol=1e-2,
            tol_is_of_first=tol_is_of_first,
            most_passes=40,
        )
        rows, violation, at_rest = solve(face, given)
        assert at_rest.all()
        small, rtol = (1e-25, 1e-5) if dtype == np.float32 else (1e-200, 1e-10)
        for of_row in (small, 1 / small):
            # Both ways at once, `cross` itself would leave the range.
            for of_gram in (1.0, 1 / of_row):
                scaled = {
                    **given,
                    "gram": given["gram"] * dtype(of_gram),
                    "cross": given["cross"] * dtype(of_gram * of_row),
                    "rows": given["rows"] * dtype(of_row),
                }
                its_rows, its_violation, its_rest = solve(face, scaled)
                assert_allclose(its_rows / of_row, rows, rtol=rtol, atol=rtol)
                assert_allclose(its_violation / (of_gram * of_row), violation, rtol=rtol)
                assert_array_equal(its_rest, at_rest)


EXTREMES = {
    "huge": lambda dtype: np.finfo(dtype).max / 8,
    "tiny": lambda dtype: np.finfo(dtype).tiny,
    "denormal": lambda dtype: np.finfo(dtype).smallest_subnormal,
    "zero": lambda dtype: 0,
}


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("what", ["gram", "cross", "rows", "design", "gram and rows", "all"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("face", FACES)
def test_never_nan_nor_negative(face, dtype, what, extreme):
    """Overflow makes infinite rows, which the solvers look for, and no others."""
    plain = problem(LINE[dtype] + 3, 4, dtype=dtype, most_passes=5)
    holes, _ = with_missing(9, 12, 4, dtype=dtype, most_passes=5)
    for given in (plain, holes):
        value = dtype(EXTREMES[extreme](dtype))
        names = list(given) if what == "all" else what.split(" and ")
        for name in {"gram", "cross", "rows", "design"} & set(names) & set(given):
            given[name] = np.full_like(given[name], value)
        with np.errstate(all="ignore"):  # of the twin
            rows, _, _, *energy = solve(face, given)
        assert (rows >= 0).all()  # NaN is not
        # A tiny curvature has its minimum far away, too far for the dtype.
        if extreme != "huge" and not what.startswith("gram"):
            assert np.isfinite(rows).all()
            for out in energy:
                assert np.isfinite(out).all()


@pytest.mark.parametrize("face", FACES)
def test_read_only_input_is_taken_and_no_input_is_changed(face):
    for given in (problem(5, 4), with_missing(5, 9, 4)[0]):
        inputs = {n: a for n, a in given.items() if isinstance(a, np.ndarray) and n != "rows"}
        before = {name: array.copy() for name, array in inputs.items()}
        for array in inputs.values():
            array.setflags(write=False)
        solve(face, given, 2)
        for name, copy in before.items():
            assert_array_equal(given[name], copy)


INPUTS = ["gram", "cross", "design", "hidden", "indptr", "order", "weight"]
OUTPUTS = ["rows", "violation", "energy", "at_rest"]
MISTAKES = {
    **mistakes_of_layout(INPUTS, OUTPUTS),
    **too_short(INPUTS + OUTPUTS),
    # of the design a column more is no mistake
    **too_long([name for name in INPUTS + OUTPUTS if name != "design"]),
    **{
        f"{name} in Fortran order": (name, np.asfortranarray)
        for name in ("gram", "cross", "design", "rows")
        if name != "gram"  # symmetric, but square arrays in either order differ in flags only
    },
    "gram of another width": ("gram", lambda a: a[:-1, :-1].copy()),
    "cross of another width": ("cross", lambda a: a[:, :-1].copy()),
    "design of another width": ("design", lambda a: a[:, :-1].copy()),
    "rows of another width": ("rows", lambda a: a[:, :-1].copy()),
    "order holds one twice": ("order", put(0, 1)),
    "order holds one beyond": ("order", put(0, 3)),
    "order holds one below": ("order", put(2, -1)),
    "order all far beyond": ("order", lambda a: a + 2**40),
    "negative hidden column": ("hidden", put(0, -1)),
    "hidden column beyond the design": ("hidden", put(-1, 9)),
    "hidden column far beyond": ("hidden", put(-1, 2**62)),
    "hidden falls within a row": ("hidden", lambda a: a[::-1].copy()),
    "hidden twice in a row": ("hidden", lambda a: np.repeat(a[::2], 2)[: len(a)]),
    "indptr empty": ("indptr", lambda a: a[:0]),
    "indptr falls": ("indptr", put(1, 11)),
    "indptr begins late": ("indptr", put(0, 1)),
    "indptr negative": ("indptr", put(0, -1)),
    "indptr beyond the end": ("indptr", put(-1, 13)),
    "indptr short of the end": ("indptr", put(-1, 9)),
    "indptr far beyond in the middle": ("indptr", put(1, 2**62)),
    **MISTAKES_OF_THREADS,
}
# NumPy takes these, and does with them what is meant.
OF_TYPE = {
    **{
        f"{name} of the other float type": (name, lambda a: a.astype(np.float32))
        for name in ("gram", "cross", "weight", "rows", "violation", "design", "energy")
    },
    "hidden int32": ("hidden", lambda a: a.astype(np.int32)),
    "indptr int32": ("indptr", lambda a: a.astype(np.int32)),
    "order int32": ("order", lambda a: a.astype(np.int32)),
    "rows in swapped byte order": ("rows", lambda a: a.astype(a.dtype.newbyteorder())),
}


def sound_call(kernel):
    plain = kernel == "descend_rows"
    given = problem(3, 3) if plain else with_missing(3, 9, 3, share=4 / 9)[0]
    return arguments_of(given, 2)


def mistakes_in_calls():
    for kernel in ("descend_rows", "descend_rows_with_missing"):
        arguments, _ = sound_call(kernel)
        for face in FACES:
            for mistake, (name, _) in {
                **MISTAKES,
                **(OF_TYPE if face == "compiled" else {}),
            }.items():
                if name in arguments:
                    yield pytest.param(face, kernel, mistake, id=f"{face}-{kernel}-{mistake}")


@pytest.mark.parametrize(("face", "kernel", "mistake"), list(mistakes_in_calls()))
def test_mistakes_are_refused(face, kernel, mistake):
    arguments, buffers = sound_call(kernel)
    name, change = {**MISTAKES, **OF_TYPE}[mistake]
    arguments[name] = change(arguments[name])
    with pytest.raises(REFUSED):
        getattr(FACES[face], kernel)(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)


@pytest.mark.parametrize("kernel", ["descend_rows", "descend_rows_with_missing"])
@pytest.mark.parametrize("face", FACES)
def test_the_call_that_mistakes_are_made_in_is_accepted(face, kernel):
    arguments, buffers = sound_call(kernel)
    getattr(FACES[face], kernel)(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)


@pytest.mark.parametrize("face", FACES)
def test_messages_name_the_argument_and_the_rule(face):
    def message(kernel, **changes):
        arguments, _ = sound_call(kernel)
        with pytest.raises(REFUSED) as caught:
            getattr(FACES[face], kernel)(*{**arguments, **changes}.values())
        return str(caught.value)

    plain, holes = "descend_rows", "descend_rows_with_missing"
    assert "cross has shape (2, 3); it must have (3, 3)" in message(plain, cross=np.ones((2, 3)))
    assert "weight has shape (2,); it must have (3,)" in message(plain, weight=np.ones(2))
    assert "order must hold each of 0 to 2 once" in message(plain, order=np.array([0, 1, 1]))
    assert "n_threads=0 must be at least 1" in message(plain, n_threads=0)
    assert "indptr must rise from 0" in message(holes, indptr=np.array([0, 9, 8, 12]))
    assert "hidden must rise within each row" in message(holes, hidden=np.full(12, 3))
    assert "energy has shape (2,); it must have (3,)" in message(holes, energy=np.empty(2))
