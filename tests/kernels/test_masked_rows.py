"""Row regressions against plain least squares: every width, length, storage and thread count."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.kernels import _masked_rows_numpy as fallback
from reference.mistaken_arrays import (
    MISTAKES_OF_THREADS,
    REFUSED,
    mistakes_of_layout,
    mistakes_of_places,
    too_long,
    too_short,
)
from reference.naive_masked import (
    naive_design,
    naive_left_out,
    naive_moved_rows,
    naive_rows,
)

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _masked_rows as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

OF_ROWS = ["center", "noise"]
GUARD = 64
# Every place in tiles of 6 and vectors of 4 and 8, with and without the columns added to them.
WIDTHS = [*range(1, 27), 31, 32, 33, 35, 36, 37, 47, 48, 49, 63, 64, 65, 70]
SEGMENT, PANEL = 8192, 96
# The solution of a system of condition 1e3 or less, whose Gram matrix is summed in panels of the
# dtype of the values.
RTOL = {np.float32: 2e-3, np.float64: 1e-9}


def problem(
    lengths,
    width,
    *,
    dtype=np.float64,
    index_dtype=np.int32,
    bias=False,
    weighted=False,
    nonnegative=False,
    penalty=0.3,
    n_columns=None,
    seed=0,
):
    """Arguments of the kernels up to `solution`, for rows of the given lengths."""
    rng = np.random.default_rng(seed)
    lengths = np.asarray(lengths, dtype=np.int64)
    indptr = np.concatenate([[0], lengths.cumsum()]).astype(index_dtype)
    nnz = int(indptr[-1])
    n_columns = max(1, *lengths, 30) if n_columns is None else n_columns
    if lengths.max(initial=0) > n_columns:
        columns = rng.integers(0, n_columns, size=nnz)
    else:
        columns = np.concatenate(
            [np.empty(0, int), *(np.sort(rng.permutation(n_columns)[:n]) for n in lengths)]
        )
    return {
        "values": rng.standard_normal(nnz).astype(dtype) + dtype(2),
        "weights": (0.1 + rng.random(nnz) if weighted else np.empty(0)).astype(dtype),
        "columns": columns.astype(index_dtype),
        "indptr": indptr,
        "design": rng.standard_normal((n_columns, width)).astype(dtype),
        "intercept": 1.25,
        "bias": bias,
        "penalty": (penalty * (1 + rng.random(width))).astype(dtype),
        "row_scale": np.sqrt(1 + lengths).astype(dtype),
        "nonnegative": nonnegative,
    }


def nothing(given):
    """No center, no noise."""
    return np.empty((0, given["design"].shape[1]), given["design"].dtype)


def guarded(shape, dtype, fill=np.nan):
    size = int(np.prod(shape))
    buffer = np.full(size + 2 * GUARD, 12345, dtype=dtype)
    out = buffer[GUARD : GUARD + size].reshape(shape)
    out[...] = fill
    return out, buffer


def solve(face, given, n_threads=1, center=None, noise=None):
    """Solution, loss, sum of residuals and what was added, with guards looked at."""
    n_rows, width = len(given["indptr"]) - 1, given["design"].shape[1]
    center = nothing(given) if center is None else center
    noise = nothing(given) if noise is None else noise
    fill = 0 if given["nonnegative"] else np.nan  # where coordinate descent starts
    shapes = {
        "solution": ((n_rows, width), given["design"].dtype, fill),
        "loss": ((n_rows,), np.float64, np.nan),
        "residual_sum": ((n_rows,), np.float64, np.nan),
        "added_diagonal": ((n_rows,), np.float64, np.nan),
    }
    outs, buffers = {}, []
    for name, (shape, dtype, start) in shapes.items():
        outs[name], buffer = guarded(shape, dtype, start)
        buffers.append(buffer)
    arguments = (*given.values(), center, noise, *outs.values(), n_threads)
    assert FACES[face].solve_rows(*arguments) is None
    for buffer in buffers:
        assert (buffer[:GUARD] == 12345).all()
        assert (buffer[len(buffer) - GUARD :] == 12345).all()
    return tuple(outs.values())


def leave_out(face, given, solution, n_threads=1):
    residual, buffer = guarded((len(given["values"]),), given["values"].dtype)
    arguments = (*given.values(), solution, residual, n_threads)
    assert FACES[face].leave_one_out_rows(*arguments) is None
    assert (buffer[:GUARD] == 12345).all()
    assert (buffer[len(buffer) - GUARD :] == 12345).all()
    return residual


def assert_solves(face, given, n_threads=1):
    dtype = given["values"].dtype.type
    solution, loss, residual_sum, added = solve(face, given, n_threads)
    expected, its_loss, its_sum = naive_rows(*given.values())
    size = np.abs(expected).max(initial=1)
    assert_allclose(solution, expected, rtol=0, atol=RTOL[dtype] * size)
    squares = np.square(given["values"].astype(np.float64)).sum(initial=1)
    # float32: a loss is the small difference of large sums.
    assert_allclose(loss, its_loss, rtol=0, atol=RTOL[dtype] * squares * 0.1)
    assert_allclose(residual_sum, its_sum, rtol=0, atol=RTOL[dtype] * squares * 0.1)
    assert_array_equal(added, 0)
    return solution


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("face", FACES)
def test_ridge_regressions_of_rows(face, bias, weighted, dtype, index_dtype):
    lengths = [0, 1, 3, 0, 0, 12, 30, 2, 0]
    for width in WIDTHS:
        if width > bias:
            given = problem(
                lengths, width, dtype=dtype, index_dtype=index_dtype, bias=bias, weighted=weighted
            )
            solution = assert_solves(face, given)
            assert_array_equal(solution[[0, 3, 4, 8]], 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("face", FACES)
def test_rows_around_the_panel(face, bias, dtype):
    lengths = [PANEL - 1, PANEL, PANEL + 1, 2 * PANEL - 1, 2 * PANEL, 2 * PANEL + 1, 5 * PANEL]
    for width in (2, 7, 24):
        assert_solves(face, problem(lengths, width, dtype=dtype, bias=bias, weighted=True))


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_rows_longer_than_a_segment(face, dtype, index_dtype, n_threads):
    """Among short ones, and more than one of them."""
    lengths = [3, SEGMENT + 1, 0, SEGMENT, 5, 2 * SEGMENT, 3 * SEGMENT + 7, 1]
    for bias, weighted, width in ((False, False, 1), (True, True, 9)):
        given = problem(
            lengths,
            width,
            dtype=dtype,
            index_dtype=index_dtype,
            bias=bias,
            weighted=weighted,
            n_columns=40000,
        )
        assert_solves(face, given, n_threads)


@pytest.mark.parametrize("face", FACES)
def test_row_start_above_zero_and_short_of_the_end(face):
    given = problem([4, 5, 6], 3, bias=True, weighted=True)
    whole = solve(face, given)
    left = leave_out(face, given, whole[0])
    part = {**given, "indptr": given["indptr"][1:3].copy()}
    part["row_scale"] = given["row_scale"][1:2]
    outs = solve(face, part)
    for its, of_all in zip(outs, whole, strict=True):
        assert_array_equal(its, of_all[1:2])
    residual = leave_out(face, part, outs[0])
    assert_array_equal(residual[4:9], left[4:9])
    assert np.isnan(residual[:4]).all()  # not of any row: not written
    assert np.isnan(residual[9:]).all()


@pytest.mark.parametrize("face", FACES)
def test_no_rows_no_entries_no_columns(face):
    for n_rows in (0, 3):
        for n_columns in (0, 4):
            given = problem([0] * n_rows, 2, n_columns=n_columns)
            solution, loss, residual_sum, added = solve(face, given)
            for out in (solution, loss, residual_sum, added):
                assert_array_equal(out, 0)
            assert leave_out(face, given, solution).shape == (0,)


def assert_optimal_from_zero(given, solution, atol):
    """The conditions of Karush, Kuhn and Tucker, for each row."""
    n_factors = given["design"].shape[1] - given["bias"]
    assert (solution[:, :n_factors] >= 0).all()
    n_bound = 0
    for i, x in enumerate(solution.astype(np.float64)):
        at = slice(given["indptr"][i], given["indptr"][i + 1])
        D, y = naive_design(
            given["design"], given["intercept"], given["bias"], given["values"][at],
            given["columns"][at],
        )  # fmt: skip
        w = given["weights"][at] if len(given["weights"]) else np.ones(len(y))
        penalty = float(given["row_scale"][i]) * given["penalty"].astype(np.float64)
        gradient = penalty * x - D.T @ (w * (y - D @ x))
        bound = (x == 0) & (np.arange(len(x)) < n_factors) & (len(y) > 0)
        n_bound += bound.sum()
        assert_allclose(gradient[~bound], 0, atol=atol * max(1, len(y)))
        assert (gradient[bound] >= -atol * max(1, len(y))).all()
    return n_bound


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("face", FACES)
def test_nonnegative(face, bias, weighted, dtype):
    widths = (2, 3, 6, 7, 13, 33) if face == "compiled" else (2, 7)
    for width in widths:
        given = problem(
            [0, 1, 4, 40, 97], width, dtype=dtype, bias=bias, weighted=weighted, nonnegative=True
        )
        solution = assert_solves(face, given)
        # Sums of float32 products carry an error of eps for each of up to 97 terms.
        atol = 100 * np.finfo(dtype).eps if dtype == np.float32 else 1e-8
        assert assert_optimal_from_zero(given, solution, atol * width) > 0


@pytest.mark.parametrize("face", FACES)
def test_nonnegative_from_any_start(face):
    """The minimum does not depend on it; of long rows neither."""
    given = problem([5, SEGMENT + 5, 20], 4, bias=True, nonnegative=True, n_columns=10000)
    rows = [np.empty((3, 4)) for _ in range(3)]
    for start, solution in zip((0.0, 7.0, -3.0), rows, strict=True):
        solution[...] = start
        outs = (np.empty(3), np.empty(3), np.empty(3))
        FACES[face].solve_rows(*given.values(), nothing(given), nothing(given), solution, *outs, 2)
    assert_allclose(rows[1], rows[0], atol=1e-8)
    assert_allclose(rows[2], rows[0], atol=1e-8)
    assert_allclose(rows[0], naive_rows(*given.values())[0], atol=1e-8)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_singular_systems_without_penalty(face, dtype, nonnegative):
    """Fewer entries than unknowns, and unknowns that are multiples of each other."""
    rng = np.random.default_rng(0)
    for width in (2, 7, 13):
        given = problem([1, width - 1, 40], width, dtype=dtype, penalty=0, nonnegative=nonnegative)
        given["design"] = rng.standard_normal(given["design"].shape).astype(dtype)
        given["design"][:, -1] = 2 * given["design"][:, 0]
        solution, loss, _, added = solve(face, given)
        assert np.isfinite(solution).all()
        if not nonnegative:  # coordinate descent needs no factorization
            assert (added > 0).all()
        best = naive_rows(*given.values())[1]
        squares = np.array(
            [
                np.sum((given["values"][a:b].astype(np.float64) - 1.25) ** 2)
                for a, b in zip(given["indptr"][:-1], given["indptr"][1:], strict=True)
            ]
        )
        # What is added is a small share of the diagonal; its effect on the fit is of that order.
        assert_allclose(loss, best, atol=1e-3 * squares.max() if dtype == np.float32 else 1e-7)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_design_of_zeros(face, dtype, bias, nonnegative):
    for penalty in (0.0, 1.0):
        given = problem([1, 5, 0], 3, dtype=dtype, penalty=penalty, bias=bias)
        given["nonnegative"] = nonnegative
        given["design"][...] = 0
        solution, loss, _, added = solve(face, given)
        assert_array_equal(solution[:, : 3 - bias], 0)
        assert_allclose(loss, naive_rows(*given.values())[1], rtol=1e-5, atol=1e-5)
        assert np.isfinite(added).all()
        assert (added >= 0).all()
        assert np.isfinite(leave_out(face, given, solution)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_systems_that_rounding_makes_indefinite(face, dtype):
    """Directions so nearly alike that their Gram matrix has eigenvalues of either sign."""
    rng = np.random.default_rng(5)
    n_indefinite = 0
    for width in (2, 5, 9, 20):
        given = problem([60, 60, 60], width, dtype=dtype, penalty=0)
        common = rng.standard_normal((len(given["design"]), 1))
        spread = 3 * np.finfo(dtype).eps * rng.standard_normal(given["design"].shape)
        given["design"] = (common + spread).astype(dtype)
        D = given["design"]
        n_indefinite += (np.linalg.eigvalsh(D.T @ D) < 0).any()
        solution, loss, _, added = solve(face, given)
        assert np.isfinite(solution).all()
        assert (added > 0).all()
        # All columns are one: the fit is that of one unknown, or a little better.
        one = {**given, "design": common.astype(dtype), "penalty": np.zeros(1, dtype)}
        assert (loss <= naive_rows(*one.values())[1] * (1 + 1e-3)).all()
        assert np.isfinite(leave_out(face, given, solution)).all()
    assert n_indefinite >= 2


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("what", ["values", "design", "both", "weights", "penalty"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_overflow_is_reported_and_gives_no_nan(face, dtype, what, bias, nonnegative):
    given = problem(
        [3, 4, SEGMENT + 3], 3, dtype=dtype, weighted=True, bias=bias, n_columns=SEGMENT + 3
    )
    given["nonnegative"] = nonnegative
    huge = dtype(np.finfo(dtype).max / 8)
    for name in ("values", "design") if what == "both" else (what,):
        given[name] = np.full_like(given[name], huge)
    with np.errstate(all="ignore"):  # of the twin
        outs = solve(face, given)
        residual = leave_out(face, given, outs[0])
    for out in outs:
        assert np.isfinite(out).all()
    assert not np.isnan(residual).any()
    failed = outs[3] == -1
    assert (outs[3][~failed] >= 0).all()
    for out in outs[:3]:
        assert_array_equal(out[failed], 0)
    if dtype == np.float64 and what in ("design", "both"):  # squares of these, in any order
        assert failed.all()


@pytest.mark.parametrize("face", FACES)
def test_float64_has_room_for_large_and_small_values(face):
    """Squares up to 1e300 and down to 1e-300 are no overflow."""
    for factor in (1e-140, 1e-60, 1e25, 1e60, 1e140):
        given = problem([4, 9, 30], 3)
        expected = solve(face, given)[0]
        given["design"] = given["design"] * factor
        given["penalty"] = given["penalty"] * factor**2
        solution, _, _, added = solve(face, given)
        assert_allclose(solution * factor, expected, rtol=1e-9)
        assert_array_equal(added, 0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_left_out_entries(face, dtype, bias, weighted):
    """The closed form is what refitting each row without each of its entries gives."""
    for width in (2, 3, 6, 12, 17, 26):
        given = problem(
            [1, 0, 2, 5, 30, PANEL + 3], width, dtype=dtype, bias=bias, weighted=weighted
        )
        solution = solve(face, given)[0]
        residual = leave_out(face, given, solution)
        expected = naive_left_out(*given.values())
        assert_allclose(residual, expected, rtol=0, atol=RTOL[dtype] * np.abs(expected).max())
        # The only entry of a row is predicted by what holds for all rows.
        D = given["design"].astype(np.float64)[given["columns"][0]]
        alone = given["values"][0] - 1.25 - (D[-1] if bias else 0)
        assert_allclose(residual[0], alone, rtol=RTOL[dtype])


@pytest.mark.parametrize("face", FACES)
def test_left_out_entries_nonnegative(face):
    """Exact where leaving out frees and binds nothing; else factors at zero are held there."""
    given = problem([12, 30, 50], 3, bias=True, nonnegative=True)
    solution = solve(face, given)[0]
    residual = leave_out(face, given, solution)
    for i in range(3):
        free = np.append(solution[i, :2] > 0, True)
        at = slice(given["indptr"][i], given["indptr"][i + 1])
        part = {
            **given,
            "values": given["values"][at],
            "columns": given["columns"][at],
            "indptr": np.array([0, at.stop - at.start]),
            "design": given["design"][:, free],
            "penalty": given["penalty"][free],
            "row_scale": given["row_scale"][i : i + 1],
            "nonnegative": False,
        }
        assert_allclose(residual[at], naive_left_out(*part.values()), atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_left_out_entries_that_nothing_else_tells_of(face, dtype):
    """Leverage one: what holds for all rows remains."""
    given = problem([2, 3], 3, dtype=dtype, penalty=0, bias=False)
    given["design"] = np.eye(len(given["design"]), 3).astype(dtype)
    given["columns"] = np.array([0, 1, 0, 1, 2], dtype=np.int32)
    solution = solve(face, given)[0]
    residual = leave_out(face, given, solution)
    assert_allclose(residual, given["values"] - dtype(1.25), rtol=1e-5)


@pytest.mark.skipif(compiled is None, reason="the NumPy twin has one thread")
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_threads(dtype, nonnegative):
    lengths = [*np.random.default_rng(0).integers(0, 60, size=300), 20000, 9000, 0, 40]
    given = problem(
        lengths, 7, dtype=dtype, bias=True, weighted=True, nonnegative=nonnegative, n_columns=30000
    )
    results = set()
    for n_threads in (1, 2, 5, 1):
        outs = solve("compiled", given, n_threads)
        residual = leave_out("compiled", given, outs[0], n_threads)
        results.add(b"".join(out.tobytes() for out in (*outs, residual)))
    assert len(results) == 1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_center_and_noise(face, dtype, weighted):
    for width in (1, 2, 5, 12, 33):
        given = problem([0, 1, 4, 40, 97], width, dtype=dtype, weighted=weighted)
        center, noise = np.random.default_rng(1).standard_normal((2, 5, width)).astype(dtype)
        for of_rows in ({"center": center}, {"noise": noise}, {"center": center, "noise": noise}):
            solution, loss, _, added = solve(face, given, **of_rows)
            expected, its_loss = naive_moved_rows(*given.values(), **of_rows)
            size = max(1, np.abs(expected).max())
            assert_allclose(solution, expected, rtol=0, atol=RTOL[dtype] * size)
            assert_allclose(loss, its_loss, rtol=0, atol=RTOL[dtype] * its_loss.max())
            assert_array_equal(added, 0)


@pytest.mark.parametrize("face", FACES)
def test_center_and_noise_of_a_long_row(face):
    given = problem([5, SEGMENT + 5, 20], 4, n_columns=10000)
    center, noise = np.random.default_rng(1).standard_normal((2, 3, 4))
    expected, _ = naive_moved_rows(*given.values(), center=center, noise=noise)
    found = solve(face, given, 2, center, noise)[0]
    assert_allclose(found, expected, rtol=1e-9)
    assert_array_equal(solve(face, given, 1, center, noise)[0], found)


@pytest.mark.parametrize("name", OF_ROWS)
@pytest.mark.parametrize("face", FACES)
def test_nonnegative_rows_take_neither(face, name):
    given = problem([2, 3], 2, nonnegative=True)
    with pytest.raises(ValueError, match=f"rows with {name} cannot be non-negative"):
        solve(face, given, **{name: np.zeros((2, 2))})


@pytest.mark.skipif(compiled is None, reason="the NumPy twin has one thread")
def test_a_row_does_not_depend_on_its_neighbours():
    """Nor on what a thread has solved before."""
    given = problem([7, 40, 3, 200, 96], 11, dtype=np.float32, bias=True)
    whole = solve("compiled", given)
    for i in range(5):
        alone = {**given, "indptr": given["indptr"][i : i + 2].copy()}
        alone["row_scale"] = given["row_scale"][i : i + 1]
        for out, of_all in zip(solve("compiled", alone), whole, strict=True):
            assert_array_equal(out, of_all[i : i + 1])


@pytest.mark.parametrize("face", FACES)
def test_read_only_input_is_taken_and_no_input_is_changed(face):
    given = problem([3, 0, 8], 4, weighted=True, bias=True)
    before = {k: v.copy() for k, v in given.items() if isinstance(v, np.ndarray)}
    for name in before:
        given[name].setflags(write=False)
    solution = solve(face, given, 2)[0]
    solution.setflags(write=False)
    leave_out(face, given, solution, 2)
    for name, copy in before.items():
        assert_array_equal(given[name], copy)


INPUTS = ["values", "weights", "columns", "indptr", "design", "penalty", "row_scale"]
OUTPUTS = ["solution", "loss", "residual_sum", "added_diagonal", "residual"]
HUGE = np.iinfo(np.int64).max
MISTAKES = {
    **mistakes_of_layout(INPUTS + OF_ROWS, OUTPUTS),
    **too_short(INPUTS + OF_ROWS + OUTPUTS),
    # of the design a column more is no mistake
    **too_long([name for name in INPUTS + OF_ROWS + OUTPUTS if name != "design"]),
    **{
        f"{name} of the other float type": (name, lambda a: a.astype(np.float32))
        for name in [*INPUTS, *OF_ROWS, *OUTPUTS]
        if name not in ("columns", "indptr")
    },
    **{
        f"{name} in swapped byte order": (name, lambda a: a.astype(a.dtype.newbyteorder()))
        for name in ("values", "design", "solution")
    },
    "columns int64 only": ("columns", lambda a: a.astype(np.int64)),
    "indptr int64 only": ("indptr", lambda a: a.astype(np.int64)),
    "columns of floats": ("columns", lambda a: a.astype(float)),
    "columns unsigned": ("columns", lambda a: a.astype(np.uint32)),
    "design in Fortran order": ("design", np.asfortranarray),
    "design of another width": ("design", lambda a: a[:, :-1].copy()),
    "design without columns": ("design", lambda a: a[:, :0].copy()),
    **{f"{name} of another width": (name, lambda a: a[:, :-1].copy()) for name in OF_ROWS},
    **mistakes_of_places("columns", "indptr"),
    **MISTAKES_OF_THREADS,
}


def sound_call(kernel):
    given = problem([2, 0, 3], 2, bias=True, weighted=True, n_columns=5)
    outs = {"solution": guarded((3, 2), np.float64, 0)}
    if kernel == "solve_rows":
        given["center"], given["noise"] = np.ones((2, 3, 2))
        for name in ("loss", "residual_sum", "added_diagonal"):
            outs[name] = guarded((3,), np.float64)
    else:
        outs["residual"] = guarded((5,), np.float64)
    buffers = [buffer for _, buffer in outs.values()]
    return {**given, **{name: out for name, (out, _) in outs.items()}, "n_threads": 2}, buffers


def mistakes_in_calls():
    for kernel in ("solve_rows", "leave_one_out_rows"):
        arguments, _ = sound_call(kernel)
        for mistake, (name, _) in MISTAKES.items():
            only_read = mistake == "solution read-only" and kernel != "solve_rows"
            if name in arguments and not only_read:
                yield pytest.param(kernel, mistake, id=f"{kernel}-{mistake}")


@pytest.mark.parametrize(("kernel", "mistake"), list(mistakes_in_calls()))
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused(face, kernel, mistake):
    arguments, buffers = sound_call(kernel)
    name, change = MISTAKES[mistake]
    arguments[name] = change(arguments[name])
    with pytest.raises(REFUSED):
        getattr(FACES[face], kernel)(*arguments.values())
    for buffer in buffers:
        assert (buffer[:GUARD] == 12345).all()
        assert (buffer[-GUARD:] == 12345).all()


@pytest.mark.parametrize("kernel", ["solve_rows", "leave_one_out_rows"])
@pytest.mark.parametrize("face", FACES)
def test_the_call_that_mistakes_are_made_in_is_accepted(face, kernel):
    arguments, _ = sound_call(kernel)
    getattr(FACES[face], kernel)(*arguments.values())


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("face", FACES)
def test_there_must_be_a_factor(face, bias):
    given = problem([2, 3], 1, bias=True)
    given["bias"] = bias
    if bias:
        with pytest.raises(ValueError, match=r"design has 1 columns; it must have a factor"):
            solve(face, given)
    else:
        assert np.isfinite(solve(face, given)[0]).all()


@pytest.mark.parametrize("face", FACES)
def test_messages_name_the_argument_and_the_rule(face):
    def message(**changes):
        arguments, _ = sound_call("solve_rows")
        with pytest.raises(REFUSED) as caught:
            FACES[face].solve_rows(*{**arguments, **changes}.values())
        return str(caught.value)

    assert "solution has shape (2, 2); it must have (3, 2)" in message(solution=np.empty((2, 2)))
    assert "n_threads=0 must be at least 1" in message(n_threads=0)
    fallen = np.array([0, 3, 2, 5], dtype=np.int32)
    assert "indptr must rise" in message(indptr=fallen)
    outside = np.array([0, 1, 2, 3, 5], dtype=np.int32)
    assert "columns outside of the design" in message(columns=outside)
    assert "penalty" in message(penalty=np.ones(3))
    assert "loss" in message(loss=np.empty(2))
