"""The dense products against einsum: every layout, every thread count, no byte outside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lrfact._threads import single_threaded_blas
from lrfact.kernels import _dense_product_numpy as fallback
from reference.mistaken_arrays import REFUSED

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _dense_product as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

GUARD = 64
LAYOUTS = ["by rows", "by columns", "rows apart", "columns apart", "read-only"]
SHAPES = [(1, 1), (1, 7), (7, 1), (5, 3), (130, 4), (300, 70), (70, 300), (5000, 9), (4100, 130)]


def laid_out(values, layout):
    """The same matrix, stored another way."""
    n_rows, n_columns = values.shape
    if layout == "by columns":
        return np.asfortranarray(values)
    if layout == "rows apart":
        wide = np.full((n_rows, n_columns + 5), np.nan, dtype=values.dtype)
        wide[:, 2:-3] = values
        return wide[:, 2:-3]
    if layout == "columns apart":
        high = np.full((n_rows + 5, n_columns), np.nan, dtype=values.dtype, order="F")
        high[2:-3] = values
        return high[2:-3]
    values = np.ascontiguousarray(values)
    if layout == "read-only":
        values.setflags(write=False)
    return values


def guarded(values):
    """A copy in the middle of a longer buffer, and the buffer."""
    buffer = np.full(values.size + 2 * GUARD, 12345, dtype=values.dtype)
    view = buffer[GUARD : GUARD + values.size].reshape(values.shape)
    view[...] = values
    return view, buffer


def whole_numbers(shape, dtype, seed):
    """Sums of small whole numbers are exact in any order."""
    return np.random.default_rng(seed).integers(-4, 5, size=shape).astype(dtype)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("face", FACES)
def test_products_of_whole_numbers_are_exact(face, shape, layout, dtype, n_threads):
    values = whole_numbers(shape, dtype, 0)
    matrix = laid_out(values, layout)
    for width in (1, 3, 24):
        for kernel, factor in (("dense_matmat", -2.0), ("dense_rmatmat", None)):
            transposed = kernel == "dense_rmatmat"
            n_in, n_out = shape if transposed else shape[::-1]
            block = whole_numbers((n_in, width), dtype, 1)
            before = whole_numbers((n_out, width), dtype, 2)
            out, buffer = guarded(before)
            with single_threaded_blas():
                if transposed:
                    FACES[face].dense_rmatmat(matrix, block, out, n_threads)
                    expected = np.einsum("ij,ik->jk", values, block)
                else:
                    FACES[face].dense_matmat(matrix, block, factor, out, n_threads)
                    expected = before - 2 * np.einsum("ij,jk->ik", values, block)
            assert_array_equal(out, expected)
            assert (buffer[:GUARD] == 12345).all()
            assert (buffer[-GUARD:] == 12345).all()


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [*SHAPES, (30, 256), (30, 257), (4200, 600)])
@pytest.mark.parametrize("face", FACES)
def test_gram_matrices_of_whole_numbers_are_exact(face, shape, layout, dtype, n_threads):
    values = whole_numbers(shape, dtype, 0)
    out, buffer = guarded(np.full((shape[1], shape[1]), np.nan))
    with single_threaded_blas():
        FACES[face].dense_gram(laid_out(values, layout), out, n_threads)
    assert_array_equal(out, values.T.astype(float) @ values.astype(float))
    assert (buffer[:GUARD] == 12345).all()
    assert (buffer[-GUARD:] == 12345).all()


@pytest.mark.parametrize("face", FACES)
def test_gram_matrices_sum_many_rows_in_float64(face):
    matrix = np.full((200_000, 1), 1 / 3, dtype=np.float32)
    out = np.empty((1, 1))
    with single_threaded_blas():
        FACES[face].dense_gram(matrix, out, 1)
    # Panels of some thousand rows are summed in float32; all rows would be off by more than 1e-3.
    assert_allclose(out[0, 0], 200_000 * float(matrix[0, 0]) ** 2, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(4100, 130), (9000, 9), (9000, 300), (300, 1500)])
def test_digits_do_not_depend_on_the_number_of_threads(shape, layout, dtype):
    if compiled is None:
        pytest.skip("the NumPy twin leaves threads to BLAS")
    rng = np.random.default_rng(3)
    matrix = laid_out(rng.standard_normal(shape).astype(dtype), layout)
    right, left = (rng.standard_normal((n, 24)).astype(dtype) for n in shape[::-1])
    results = []
    with single_threaded_blas():
        for n_threads in (1, 2, 3, 8):
            product, transposed = np.ones((shape[0], 24), dtype), np.empty((shape[1], 24), dtype)
            compiled.dense_matmat(matrix, right, 0.3, product, n_threads)
            compiled.dense_rmatmat(matrix, left, transposed, n_threads)
            gram = np.empty((shape[1], shape[1]))
            compiled.dense_gram(matrix, gram, n_threads)
            results.append((product, transposed, gram))
    eps = np.finfo(dtype).eps
    assert_allclose(results[0][0], 1 + 0.3 * (matrix @ right), atol=1000 * eps)
    assert_allclose(results[0][1], matrix.T @ left, atol=3000 * eps)
    assert_allclose(results[0][2], matrix.T @ matrix, atol=20000 * eps)
    for others in results[1:]:
        for found, expected in zip(others, results[0], strict=True):
            assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("face", FACES)
def test_empty_matrices(face, shape):
    out = np.ones((shape[0], 2))
    FACES[face].dense_matmat(np.zeros(shape), np.ones((shape[1], 2)), 1.0, out, 1)
    assert (out == 1).all()
    out = np.ones((shape[1], 2))
    FACES[face].dense_rmatmat(np.zeros(shape), np.ones((shape[0], 2)), out, 1)
    assert (out == 0).all()
    gram = np.ones((shape[1], shape[1]))
    FACES[face].dense_gram(np.zeros(shape), gram, 1)
    assert (gram == 0).all()
    nothing = np.ones((4, 0))
    FACES[face].dense_matmat(np.ones((4, 3)), np.ones((3, 0)), 1.0, nothing, 1)


def sound_call(kernel):
    matrix = whole_numbers((4, 3), np.float64, 0)
    if kernel == "dense_gram":
        out, buffer = guarded(np.zeros((3, 3)))
        return {"matrix": matrix, "out": out, "n_threads": 2}, buffer
    rows, columns = (4, 3) if kernel == "dense_rmatmat" else (3, 4)
    out, buffer = guarded(np.zeros((columns, 2)))
    arguments = {"matrix": matrix, "block": whole_numbers((rows, 2), np.float64, 1)}
    if kernel == "dense_matmat":
        arguments["factor"] = 1.0
    return {**arguments, "out": out, "n_threads": 2}, buffer


MISTAKES = {
    "block with a row too few": ("block", lambda a: a[:-1]),
    "block with a column too many": ("block", lambda a: np.ones((len(a), 3))),
    "block in one dimension": ("block", np.ravel),
    "block by columns": ("block", np.asfortranarray),
    "block of another precision": ("block", lambda a: a.astype(np.float32)),
    "block of integers": ("block", lambda a: a.astype(int)),
    "block is None": ("block", lambda a: None),
    "out too small": ("out", lambda a: a[:-1]),
    "out too wide": ("out", lambda a: np.zeros((len(a), 4))),
    "out by columns": ("out", np.asfortranarray),
    "out of another precision": ("out", lambda a: a.astype(np.float32)),
    "out read-only": ("out", lambda a: np.broadcast_to(a, a.shape)),
    "out is None": ("out", lambda a: None),
    "matrix in one dimension": ("matrix", np.ravel),
    "matrix in three dimensions": ("matrix", lambda a: a[np.newaxis]),
    "matrix with gaps both ways": ("matrix", lambda a: np.zeros((8, 6))[::2, ::2]),
    "matrix backwards": ("matrix", lambda a: a[::-1]),
    "matrix mirrored": ("matrix", lambda a: a[:, ::-1]),
    "matrix with one row repeated": ("matrix", lambda a: np.broadcast_to(a[:1], a.shape)),
    "matrix whose rows overlap": (
        "matrix",
        lambda a: np.lib.stride_tricks.as_strided(a, shape=a.shape, strides=(8, 8)),
    ),
    "matrix of integers": ("matrix", lambda a: a.astype(int)),
    "matrix is a list": ("matrix", lambda a: a.tolist()),
    "matrix is None": ("matrix", lambda a: None),
    "no thread": ("n_threads", lambda n: 0),
    "threads are None": ("n_threads", lambda n: None),
}


# A Gram matrix takes no block, and is symmetric: its order makes no difference.
CALLS_WITH_MISTAKES = [
    (kernel, mistake)
    for kernel in ("dense_matmat", "dense_rmatmat", "dense_gram")
    for mistake in MISTAKES
    if kernel != "dense_gram" or not (mistake.startswith("block") or mistake == "out by columns")
]


@pytest.mark.parametrize(("kernel", "mistake"), CALLS_WITH_MISTAKES)
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused(face, kernel, mistake):
    arguments, buffer = sound_call(kernel)
    name, change = MISTAKES[mistake]
    arguments[name] = change(arguments[name])
    with pytest.raises(REFUSED):
        getattr(FACES[face], kernel)(*arguments.values())
    assert (buffer[:GUARD] == 12345).all()
    assert (buffer[-GUARD:] == 12345).all()


@pytest.mark.parametrize("face", FACES)
def test_messages_name_the_argument_and_the_rule(face):
    out = np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"block has 2 rows.*\(4, 3\) it must have 3"):
        FACES[face].dense_matmat(np.ones((4, 3)), np.ones((2, 2)), 1.0, out, 1)
    with pytest.raises(ValueError, match=r"out has shape \(4, 2\); it must have \(3, 2\)"):
        FACES[face].dense_rmatmat(np.ones((4, 3)), np.ones((4, 2)), out, 1)
    with pytest.raises(ValueError, match="n_threads=-3 must be at least 1"):
        FACES[face].dense_rmatmat(np.ones((4, 3)), np.ones((4, 2)), np.zeros((3, 2)), -3)


@given(
    shape=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    strides=st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    width=st.integers(0, 3),
    n_threads=st.integers(-1, 3),
)
@pytest.mark.parametrize("kernel", ["dense_matmat", "dense_rmatmat", "dense_gram"])
@pytest.mark.parametrize("face", FACES)
def test_any_strides_are_refused_or_right(face, kernel, shape, strides, width, n_threads):
    buffer = np.arange(201.0)
    matrix = np.lib.stride_tricks.as_strided(
        buffer[100:], shape=shape, strides=tuple(8 * s for s in strides)
    )
    n_in, n_out = shape[::-1] if kernel == "dense_matmat" else shape
    block = matrix.copy() if kernel == "dense_gram" else np.ones((n_in, width))
    out = np.zeros((n_out, block.shape[1]))
    between = {"dense_matmat": [block, 1.0], "dense_rmatmat": [block], "dense_gram": []}
    try:
        getattr(FACES[face], kernel)(matrix, *between[kernel], out, n_threads)
    except ValueError:
        assert not out.any()
        return
    factor = matrix if kernel == "dense_matmat" else matrix.T
    assert_array_equal(out, np.einsum("ij,jk->ik", factor.copy(), block))
