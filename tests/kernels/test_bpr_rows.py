"""Rows of least pairwise loss against a general minimizer, and against their twin."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.kernels import _bpr_rows_numpy as fallback
from reference.mistaken_arrays import (
    MISTAKES_OF_THREADS,
    REFUSED,
    guarded,
    mistakes_of_layout,
    mistakes_of_places,
    put,
    too_long,
    too_short,
    unharmed,
)
from reference.naive_ranking_loss import best_bpr_row, bpr_row_loss

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _bpr_rows as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

INPUTS = ("indices", "indptr", "columns", "offsets", "sample", "preconditioner")
OUTPUTS = ("rows", "at_rest")


def call_of(
    seed=0, *, shape=(9, 20), width=4, n_sample=11, dtype=np.float64, itype=np.int32, member=None,
    reg=0.1, tol=1e-6, spread=1.0,
):  # fmt: skip
    rng = np.random.default_rng(seed)
    if member is None:
        member = rng.random(shape) < 0.3
        member[:1] = False
    n_rows, n_columns = member.shape
    columns = spread * rng.standard_normal((n_columns, width))
    cov = columns.T @ columns / max(1, n_columns)
    return {
        "indices": np.nonzero(member)[1].astype(itype),
        "indptr": np.concatenate([[0], np.cumsum(member.sum(axis=1))]).astype(itype),
        "columns": columns.astype(dtype),
        "offsets": rng.standard_normal(n_columns).astype(dtype),
        "sample": np.sort(rng.permutation(n_columns)[:n_sample]).astype(np.int32),
        "preconditioner": np.linalg.inv(cov / 4 + (reg + 1e-3) * np.eye(width)).astype(dtype),
        "rows": np.full((n_rows, width), np.nan, dtype=dtype),
        "at_rest": np.full(n_rows, 77, dtype=np.uint8),
        "reg": reg,
        "tol": tol,
        "max_iter": 100,
        "n_threads": 2,
    }


def run(face, arguments, **changes):
    arguments = {**arguments, **changes}
    arguments |= {name: arguments[name].copy() for name in OUTPUTS}
    FACES[face].fit_bpr_rows(*arguments.values())
    return arguments["rows"], arguments["at_rest"]


@pytest.mark.parametrize("reg", [0.01, 1.0])
@pytest.mark.parametrize("face", FACES)
def test_rows_are_those_of_a_general_minimizer(face, reg):
    arguments = call_of(shape=(6, 20), reg=reg)
    rows, at_rest = run(face, arguments)
    assert at_rest.all()
    assert_array_equal(rows[0], 0)
    for i in range(1, 6):
        own = arguments["indices"][slice(*arguments["indptr"][i : i + 2])]
        others = np.setdiff1d(arguments["sample"], own)
        of_row = (own, others, arguments["columns"], arguments["offsets"], reg)
        expected = best_bpr_row(*of_row)
        assert_allclose(rows[i], expected, rtol=1e-4, atol=1e-5)
        assert bpr_row_loss(rows[i], *of_row) <= bpr_row_loss(expected, *of_row) + 1e-10


@pytest.mark.parametrize("itype", [np.int32, np.int64])
@pytest.mark.parametrize("width", [1, 3, 8, 13, 40])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_those_of_the_fallback(dtype, width, itype):
    if compiled is None:
        pytest.skip("nothing to compare")
    tol = 1e-3 if dtype == np.float32 else 1e-9
    arguments = call_of(
        shape=(15, 60), n_sample=37, width=width, dtype=dtype, itype=itype, tol=tol, spread=0.5
    )
    found, expected = run("compiled", arguments), run("fallback", arguments)
    assert found[0].dtype == dtype
    assert_allclose(found[0], expected[0], rtol=20 * tol, atol=20 * tol)
    assert found[1].all()
    assert expected[1].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits_depend_neither_on_threads_nor_on_other_rows(dtype):
    if compiled is None:
        pytest.skip("the NumPy twin has one thread")
    arguments = call_of(shape=(200, 60), n_sample=40, width=12, dtype=dtype)
    expected = run("compiled", arguments, n_threads=1)
    for n_threads in (2, 4, 16):
        for found, wanted in zip(
            run("compiled", arguments, n_threads=n_threads), expected, strict=True
        ):
            assert_array_equal(found, wanted)
    for i in (1, 77, 199):
        start, stop = arguments["indptr"][i : i + 2]
        alone = {
            **arguments,
            "indices": arguments["indices"][start:stop].copy(),
            "indptr": np.array([0, stop - start], dtype=np.int32),
            "rows": arguments["rows"][:1],
            "at_rest": arguments["at_rest"][:1],
        }
        assert_array_equal(run("compiled", alone)[0][0], expected[0][i])


@pytest.mark.parametrize("face", FACES)
def test_columns_that_a_row_has_do_not_count_against_it(face):
    arguments = call_of()
    expected, _ = run(face, arguments)
    own = arguments["indices"][slice(*arguments["indptr"][3:5])]
    sample = np.setdiff1d(arguments["sample"], own).astype(np.int32)
    assert len(sample) < len(arguments["sample"])
    found, _ = run(face, arguments, sample=sample)
    assert_allclose(found[3], expected[3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("face", FACES)
def test_the_order_of_the_columns_of_a_row_does_not_matter(face):
    arguments = call_of()
    expected, _ = run(face, arguments)
    start, stop = arguments["indptr"][2:4]
    arguments["indices"][start:stop] = arguments["indices"][start:stop][::-1]
    assert_allclose(run(face, arguments)[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_rows_with_nothing_to_compare_are_zero(face, dtype):
    member = np.zeros((3, 5), dtype=bool)
    member[1] = True
    arguments = call_of(member=member, n_sample=4, dtype=dtype)
    rows, at_rest = run(face, arguments)
    assert_array_equal(rows, 0)
    assert at_rest.all()
    rows, at_rest = run(face, arguments, sample=np.empty(0, dtype=np.int32))
    assert_array_equal(rows, 0)
    for shape, width in (((0, 5), 2), ((3, 0), 2), ((3, 1), 1)):
        arguments = call_of(shape=shape, width=width, n_sample=1, dtype=dtype)
        rows, at_rest = run(face, arguments)
        assert np.isfinite(rows).all()
        assert at_rest.all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("size", [1e-12, 100.0, 1e6])
@pytest.mark.parametrize("reg", [0.0, 1e-3, 1e6])
def test_outsized_columns_give_no_nan(face, size, reg, dtype):
    """Scores out of the range of exponentials; rows that can be separated, without a penalty."""
    arguments = call_of(dtype=dtype, spread=size, reg=reg)
    rows, _ = run(face, arguments)
    assert np.isfinite(rows).all()
    arguments["offsets"] *= dtype(1e4)
    rows, _ = run(face, arguments)
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("face", FACES)
def test_a_row_that_is_not_done_says_so(face):
    arguments = call_of(tol=1e-12)
    assert not run(face, arguments, max_iter=1)[1][1:].any()
    assert run(face, arguments, max_iter=0)[1][0] == 1
    assert_array_equal(run(face, arguments, max_iter=0)[0], 0)


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
    **mistakes_of_places("indices", "indptr"),
    **too_short(["indptr", "offsets", "preconditioner", "at_rest"]),
    **too_long(["indptr", "offsets", "preconditioner", "at_rest"]),
    "real columns": ("indices", lambda a: a.astype(float)),
    "indptr of another type": ("indptr", lambda a: a.astype(np.int64)),
    "integers": ("columns", lambda a: a.astype(int)),
    "columns of another precision": ("columns", lambda a: a.astype(np.float32)),
    "columns too narrow": ("columns", lambda a: a[:, :-1].copy()),
    "a column too few": ("columns", lambda a: a[:-1].copy()),
    "columns by columns": ("columns", np.asfortranarray),
    "a preconditioner too narrow": ("preconditioner", lambda a: a[:, :-1].copy()),
    "a sample twice": ("sample", lambda a: np.repeat(a, 2)),
    "a sample that falls": ("sample", lambda a: a[::-1].copy()),
    "a sample outside": ("sample", put(-1, 5)),
    "a negative sample": ("sample", put(0, -1)),
    "a wide sample": ("sample", lambda a: a.astype(np.int64)),
    "at rest in another type": ("at_rest", lambda a: a.astype(int)),
    "a negative penalty": ("reg", lambda a: -1.0),
    "a penalty of no size": ("reg", lambda a: np.nan),
    **MISTAKES_OF_THREADS,
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused(face, mistake):
    member = np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 1], [0, 1, 0, 1, 0]], dtype=bool)
    arguments = call_of(member=member, n_sample=3)
    name, change = MISTAKES[mistake]
    arguments[name] = change(arguments[name])
    buffers = []
    for output in OUTPUTS:
        if output != name:
            arguments[output], buffer = guarded(arguments[output], fill=0)
            buffers.append(buffer)
    with pytest.raises(REFUSED):
        FACES[face].fit_bpr_rows(*arguments.values())
    assert all(unharmed(buffer) for buffer in buffers)
