"""Rows over all entries against dense weighted least squares: every way to the equations."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.kernels import _implicit_rows_numpy as fallback
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
from reference.naive_implicit import naive_implicit_loss, naive_implicit_rows

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _implicit_rows as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

RTOL = {np.float32: 3e-4, np.float64: 1e-10}
PANEL = 96
# Every place in tiles of 6 and vectors of 4 and 8.
WIDTHS = [*range(1, 20), 31, 32, 33, 47, 63, 64, 65, 100]
# Fewer entries than factors, about as many, more; within a panel of 96 and beyond it.
LENGTHS = [0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 40, 63, 64, 65, 95, 96, 97, 150, 193, 0]


def problem(lengths, width, *, dtype=np.float64, index_dtype=np.int32, n_columns=200, seed=0):
    """Arguments of the kernel up to `penalty`."""
    rng = np.random.default_rng(seed)
    lengths = np.asarray(lengths)
    columns = [np.sort(rng.permutation(n_columns)[:n]) for n in lengths]
    raw = rng.standard_normal((n_columns, width))
    energies, turn = np.linalg.eigh(raw.T @ raw)
    return {
        "weights": (0.05 + 3 * rng.random(int(lengths.sum()))).astype(dtype),
        "columns": np.concatenate([np.empty(0, int), *columns]).astype(index_dtype),
        "indptr": np.concatenate([[0], lengths.cumsum()]).astype(index_dtype),
        "design": np.ascontiguousarray(raw @ turn, dtype=dtype),
        "spectrum": np.maximum(energies, 0),
        "penalty": 0.5 + rng.random(len(lengths)),
    }


def solve(face, given, *, n_threads=1, most_steps=0, tol=0.0, start=None, with_loss=True):
    """Solution and loss, with guards looked at."""
    n_rows, width = len(given["indptr"]) - 1, given["design"].shape[1]
    dtype = given["design"].dtype
    solution, of_solution = guarded(np.empty((n_rows, width), dtype), 0)
    if start is not None:
        solution[...] = start
    loss, of_loss = guarded(np.empty(n_rows if with_loss else 0), np.nan)
    arguments = (*given.values(), most_steps, tol, solution, loss, n_threads)
    assert FACES[face].solve_implicit_rows(*arguments) is None
    assert unharmed(of_solution)
    assert unharmed(of_loss)
    return solution, loss


def dense_weights(given):
    shape = (len(given["indptr"]) - 1, len(given["design"]))
    parts = (given["weights"].astype(float), given["columns"], given["indptr"])
    return sparse.csr_array(parts, shape).toarray()


def assert_solves(face, given, **options):
    dtype = given["weights"].dtype.type
    solution, loss = solve(face, given, **options)
    weights, V = dense_weights(given), given["design"].astype(float)
    expected = naive_implicit_rows(weights, V, given["penalty"])
    assert_allclose(solution, expected, rtol=0, atol=RTOL[dtype] * np.abs(expected).max(initial=1))
    told = naive_implicit_loss(weights, solution.astype(float), V)
    told[np.diff(given["indptr"]) == 0] = 0
    assert_allclose(loss, told, rtol=RTOL[dtype], atol=1e-9)


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_rows_are_those_of_dense_least_squares(face, dtype, index_dtype):
    for width in WIDTHS:
        given = problem(LENGTHS, width, dtype=dtype, index_dtype=index_dtype)
        assert_solves(face, given, n_threads=1 + width % 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_enough_steps_of_conjugate_gradients_lead_to_the_same(face, dtype):
    for width in (7, 64, 200):
        given = problem(LENGTHS, width, dtype=dtype)
        start = np.random.default_rng(1).standard_normal((len(LENGTHS), width))
        assert_solves(face, given, most_steps=1000, tol=1e-12, start=start)


@pytest.mark.skipif(compiled is None, reason="the twin solves exactly")
def test_steps_lower_the_objective():
    """From any start, and a solution stays where it is."""
    given = problem([150, 180, 190], 200)
    weights, V = dense_weights(given), given["design"]

    def objective(W):
        return naive_implicit_loss(weights, W, V) + given["penalty"] * np.sum(W**2, axis=1)

    W = np.random.default_rng(1).standard_normal((3, 200))
    exact, _ = solve("compiled", given)
    before = objective(W)
    for _ in range(4):
        W, _ = solve("compiled", given, most_steps=2, start=W)
        assert (objective(W) < before).all()
        before = objective(W)
    assert (objective(exact) < before).all()
    assert_allclose(solve("compiled", given, most_steps=2, start=exact)[0], exact, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_any_weight_and_penalty(face, dtype):
    """Confidence from next to nothing to nearly all, with penalties likewise."""
    largest = 1e4 if dtype == np.float32 else 1e8
    for width in (4, 40):
        for weight in (1e-30, 1e-7, 1e-3, 1, largest):
            for penalty in (1e-6, 1.0, 1e6):
                given = problem([1, 3, 30, 60], width, dtype=dtype)
                given["weights"][:] = weight
                given["penalty"][:] = penalty
                solution, _ = solve(face, given)
                V = given["design"].astype(float)
                expected = naive_implicit_rows(dense_weights(given), V, given["penalty"])
                limit = 2e-2 if dtype == np.float32 else 1e-6
                assert_allclose(solution, expected, rtol=0, atol=limit * np.abs(expected).max())


@pytest.mark.parametrize("scale", [1e-24, 1e18])
@pytest.mark.parametrize("face", FACES)
def test_units_of_the_design_are_those_of_the_solution(face, scale):
    """Also where squares of its entries are no numbers of the dtype."""
    given = problem([1, 3, 30, 60], 20, dtype=np.float32)
    expected, loss = solve(face, given)
    given["design"] *= np.float32(scale)
    given["spectrum"] *= scale**2
    given["penalty"] *= scale**2
    solution, same_loss = solve(face, given)
    assert_allclose(solution * scale, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert_allclose(same_loss, loss, rtol=1e-4)


@pytest.mark.parametrize("face", FACES)
def test_factors_that_no_column_has_stay_zero(face):
    given = problem([2, 30], 6)
    given["design"][:, 4:] = 0
    given["spectrum"][4:] = 0
    given["penalty"][:] = 0
    solution, _ = solve(face, given)
    assert_array_equal(solution[:, 4:], 0)
    expected = naive_implicit_rows(dense_weights(given), given["design"], given["penalty"])
    assert_allclose(solution, expected, atol=1e-10)


@pytest.mark.parametrize("face", FACES)
def test_numbers_that_overflow_are_refused(face):
    given = problem([2, 30], 3, dtype=np.float32)
    given["weights"][5] = 3e38
    with pytest.raises(ValueError, match="row 1 has no finite solution"):
        solve(face, given)


@pytest.mark.skipif(compiled is None, reason="the NumPy twin has one thread")
def test_threads_and_neighbours_change_no_bit():
    given = problem([7, 40, 3, 97, 120] * 20, 33, dtype=np.float32)
    for most_steps in (0, 2):
        whole = solve("compiled", given, n_threads=4, most_steps=most_steps)
        for out, its in zip(solve("compiled", given, most_steps=most_steps), whole, strict=True):
            assert_array_equal(out, its)
        for i in range(5):
            alone = {**given, "indptr": given["indptr"][i : i + 2].copy()}
            alone["penalty"] = given["penalty"][i : i + 1].copy()
            told = solve("compiled", alone, most_steps=most_steps)
            assert_array_equal(told[0], whole[0][i : i + 1])
            assert_array_equal(told[1], whole[1][i : i + 1])


@pytest.mark.parametrize("face", FACES)
def test_loss_only_where_asked_for(face):
    given = problem([2, 30], 3)
    solution, loss = solve(face, given, with_loss=False)
    assert loss.shape == (0,)
    assert_array_equal(solution, solve(face, given)[0])


@pytest.mark.parametrize("face", FACES)
def test_read_only_input_is_taken_and_no_input_is_changed(face):
    given = problem([3, 0, 8], 4)
    before = {name: value.copy() for name, value in given.items()}
    for value in given.values():
        value.setflags(write=False)
    solve(face, given, n_threads=2)
    for name, copy in before.items():
        assert_array_equal(given[name], copy)


INPUTS = ["weights", "columns", "indptr", "design", "spectrum", "penalty"]
OUTPUTS = ["solution", "loss"]
MISTAKES = {
    **mistakes_of_layout(INPUTS, OUTPUTS),
    **too_short(INPUTS + OUTPUTS),
    # of the design a column more is no mistake
    **too_long([name for name in INPUTS + OUTPUTS if name != "design"]),
    **{
        f"{name} of the other float type": (name, lambda a: a.astype(np.float32))
        for name in INPUTS + OUTPUTS
        if name not in ("columns", "indptr")
    },
    "columns int64 only": ("columns", lambda a: a.astype(np.int64)),
    "indptr int64 only": ("indptr", lambda a: a.astype(np.int64)),
    "columns of floats": ("columns", lambda a: a.astype(float)),
    "design in Fortran order": ("design", np.asfortranarray),
    "design of another width": ("design", lambda a: a[:, :-1].copy()),
    "design without columns": ("design", lambda a: a[:, :0].copy()),
    **mistakes_of_places("columns", "indptr"),
    **MISTAKES_OF_THREADS,
}


def sound_call():
    given = problem([2, 0, 3], 2, n_columns=5)
    solution, of_solution = guarded(np.zeros((3, 2)))
    loss, of_loss = guarded(np.zeros(3))
    more = {"most_steps": 0, "tol": 0.0, "solution": solution, "loss": loss, "n_threads": 2}
    return {**given, **more}, (of_solution, of_loss)


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused(face, mistake):
    arguments, buffers = sound_call()
    name, change = MISTAKES[mistake]
    arguments[name] = change(arguments[name])
    with pytest.raises(REFUSED):
        FACES[face].solve_implicit_rows(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)


@pytest.mark.parametrize("face", FACES)
def test_the_call_that_mistakes_are_made_in_is_accepted(face):
    arguments, _ = sound_call()
    FACES[face].solve_implicit_rows(*arguments.values())


@pytest.mark.parametrize("face", FACES)
def test_nothing_to_do(face):
    given = problem([], 3)
    assert solve(face, given)[0].shape == (0, 3)
    given = problem([0, 0], 3)
    given["design"] = given["design"][:0].copy()
    assert_array_equal(solve(face, given)[0], 0)
