"""The sparse products against dense ones: every storage, every thread count, no byte outside."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.kernels import _csr_product_numpy as fallback
from reference.naive_products import naive_dense

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _csr_product as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

GUARD = 64
WIDTHS = [*range(1, 41), 100]


def arrays(name):
    """Arrays of a small matrix, and its number of columns; values are whole numbers.

    Sums of whole numbers are exact in any order: results can be compared bit for bit.
    """
    rng = np.random.default_rng(7)
    if name == "no entries":
        return [], [], [0] * 6, 4
    if name == "no rows":
        return [], [], [0], 4
    if name == "one entry":
        return [3], [2], [0, 0, 1, 1], 4
    if name == "one column":
        return [1, 2, 3], [0, 0, 0], [0, 1, 1, 3], 1
    if name == "does not start at zero":
        return [9, 1, 2, 3, 9], [0, 3, 1, 0, 2], [1, 2, 4], 4
    if name == "sorted":
        dense = rng.integers(-4, 5, size=(23, 19)) * (rng.random((23, 19)) < 0.3)
        dense[[0, 7, 22]] = 0  # empty rows
        dense[:, [0, 5, 18]] = 0  # empty columns
        rows, columns = np.nonzero(dense)
        return dense[rows, columns], columns, np.searchsorted(rows, range(24)), 19
    if name == "full rows":
        return rng.integers(-4, 5, size=70), list(range(7)) * 10, range(0, 71, 7), 7
    # Unsorted, with duplicates and explicit zeros, rows of 0 to 13 entries.
    lengths = rng.integers(0, 14, size=31)
    indptr = np.concatenate([[0], lengths.cumsum()])
    data = rng.integers(-4, 5, size=indptr[-1])
    return data, rng.integers(0, 11, size=indptr[-1]), indptr, 11


MATRICES = [
    "no entries",
    "no rows",
    "one entry",
    "one column",
    "does not start at zero",
    "sorted",
    "full rows",
    "unsorted with duplicates and zeros",
]


def typed(name, dtype, index_dtype):
    data, indices, indptr, n_columns = arrays(name)
    return (
        np.array(data, dtype=dtype),
        np.array(indices, dtype=index_dtype),
        np.array(indptr, dtype=index_dtype),
        n_columns,
    )


def guarded(shape, dtype):
    """A C-contiguous array filled with NaN, and the buffer that has a guard on both sides of it."""
    size = shape[0] * shape[1]
    buffer = np.full(size + 2 * GUARD, 12345, dtype=dtype)
    out = buffer[GUARD : GUARD + size].reshape(shape)
    out[...] = np.nan
    return out, buffer


def assert_guards_are_intact(buffer):
    assert (buffer[:GUARD] == 12345).all()
    assert (buffer[-GUARD:] == 12345).all()


def bounds_of(n_columns, *inner):
    return np.array([0, *inner, n_columns], dtype=np.int64)


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("face", FACES)
def test_products_equal_dense_ones(face, matrix, dtype, index_dtype):
    data, indices, indptr, n_columns = typed(matrix, dtype, index_dtype)
    dense = naive_dense(data, indices, indptr, n_columns)
    rng = np.random.default_rng(0)
    for width in WIDTHS:
        block = rng.integers(-9, 10, size=(n_columns, width)).astype(dtype)
        out, buffer = guarded((len(dense), width), dtype)
        assert FACES[face].csr_matmat(data, indices, indptr, block, out, 1) is None
        assert_array_equal(out, dense @ block, err_msg=f"width {width}")
        assert_guards_are_intact(buffer)

        block = rng.integers(-9, 10, size=(len(dense), width)).astype(dtype)
        out, buffer = guarded((n_columns, width), dtype)
        bounds = bounds_of(n_columns)
        assert FACES[face].csr_rmatmat(data, indices, indptr, block, bounds, out, 1) is None
        assert_array_equal(out, dense.T @ block, err_msg=f"width {width}, transposed")
        assert_guards_are_intact(buffer)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_width_zero_and_no_columns(face, dtype):
    data, indices, indptr, n_columns = typed("sorted", dtype, np.int32)
    n_rows = len(indptr) - 1
    FACES[face].csr_matmat(
        data, indices, indptr, np.empty((n_columns, 0), dtype), np.empty((n_rows, 0), dtype), 1
    )
    nothing = np.array([], dtype=dtype), np.array([], dtype=np.int32), np.zeros(4, dtype=np.int32)
    out = np.full((3, 2), np.nan, dtype=dtype)
    FACES[face].csr_matmat(*nothing, np.empty((0, 2), dtype), out, 1)
    assert_array_equal(out, 0)
    bounds = np.array([0, 0], dtype=np.int64)
    FACES[face].csr_rmatmat(*nothing, np.empty((3, 2), dtype), bounds, np.empty((0, 2), dtype), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_real_values_within_rounding(face, dtype, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    dense = rng.standard_normal((60, 45)) * (rng.random((60, 45)) < 0.4)
    rows, columns = np.nonzero(dense)
    data = dense[rows, columns].astype(dtype)
    indices, indptr = columns.astype(np.int32), np.searchsorted(rows, range(61)).astype(np.int32)
    # Sums of at most 60 products: each rounds once or twice.
    rounding = 100 * np.finfo(dtype).eps
    dense = naive_dense(data, indices, indptr, 45)
    for width in (1, 3, 17):
        block = rng.standard_normal((45, width)).astype(dtype)
        out = np.empty((60, width), dtype=dtype)
        FACES[face].csr_matmat(data, indices, indptr, block, out, 1)
        atol = rounding * (np.abs(dense) @ np.abs(block)).max()
        assert_allclose(out, dense @ block, rtol=0, atol=atol)
        block = rng.standard_normal((60, width)).astype(dtype)
        out = np.empty((45, width), dtype=dtype)
        FACES[face].csr_rmatmat(data, indices, indptr, block, bounds_of(45), out, 1)
        atol = rounding * (np.abs(dense).T @ np.abs(block)).max()
        assert_allclose(out, dense.T @ block, rtol=0, atol=atol)


def larger_matrix(dtype, index_dtype, seed=3):
    """Real values, enough rows for every thread to get several shares of them."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 30, size=1500)
    lengths[::11] = 0
    indptr = np.concatenate([[0], lengths.cumsum()]).astype(index_dtype)
    indices = rng.integers(0, 200, size=indptr[-1]).astype(index_dtype)
    return rng.standard_normal(indptr[-1]).astype(dtype), indices, indptr, 200


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("face", FACES)
def test_bits_do_not_depend_on_threads_or_bounds(face, dtype, index_dtype):
    data, indices, indptr, n_columns = larger_matrix(dtype, index_dtype)
    n_rows = len(indptr) - 1
    rng = np.random.default_rng(0)
    for width in (1, 3, 8, 17):
        block = rng.standard_normal((n_columns, width)).astype(dtype)
        results = []
        for n_threads in (1, 2, 4, 1):
            out = np.empty((n_rows, width), dtype=dtype)
            FACES[face].csr_matmat(data, indices, indptr, block, out, n_threads)
            results.append(out.tobytes())
        assert len(set(results)) == 1

        block = rng.standard_normal((n_rows, width)).astype(dtype)
        results = []
        for bounds in (
            bounds_of(n_columns),
            bounds_of(n_columns, 100),
            bounds_of(n_columns, 3, 3, 3, 150),
            bounds_of(n_columns, 0, 200, 200),
            np.arange(n_columns + 1),
        ):
            for n_threads in (1, 2, 4):
                out = np.empty((n_columns, width), dtype=dtype)
                FACES[face].csr_rmatmat(data, indices, indptr, block, bounds, out, n_threads)
                results.append(out.tobytes())
        assert len(set(results)) == 1


@pytest.mark.parametrize("face", FACES)
def test_read_only_input_is_taken_and_no_input_is_changed(face):
    data, indices, indptr, n_columns = typed(MATRICES[-1], np.float64, np.int32)
    n_rows = len(indptr) - 1
    rng = np.random.default_rng(0)
    wide, tall = rng.standard_normal((n_columns, 5)), rng.standard_normal((n_rows, 5))
    bounds = bounds_of(n_columns, 4)
    inputs = (data, indices, indptr, wide, tall, bounds)
    before = [array.copy() for array in inputs]
    for array in inputs:
        array.setflags(write=False)
    FACES[face].csr_matmat(data, indices, indptr, wide, np.empty((n_rows, 5)), 2)
    FACES[face].csr_rmatmat(data, indices, indptr, tall, bounds, np.empty((n_columns, 5)), 2)
    for array, copy in zip(inputs, before, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("face", FACES)
def test_not_a_number_and_infinity_pass_through(face, value):
    """They reach the entries they are multiplied into, and no other."""
    dense = np.array([[1.0, 0, 2], [0, 3, 0], [0, 0, 0], [4, 0, 5]])
    rows, columns = np.nonzero(dense)
    indices, indptr = columns.astype(np.int32), np.array([0, 2, 3, 3, 5], dtype=np.int32)
    for width in (1, 3, 9):
        # In the matrix ...
        data = dense[rows, columns].copy()
        data[2] = value  # entry (1, 1)
        block, out = np.ones((3, width)), np.empty((4, width))
        FACES[face].csr_matmat(data, indices, indptr, block, out, 1)
        assert_array_equal(out[:, 0], [3, value, 0, 9])
        block, out = np.ones((4, width)), np.empty((3, width))
        FACES[face].csr_rmatmat(data, indices, indptr, block, bounds_of(3), out, 1)
        assert_array_equal(out[:, 0], [5, value, 7])
        # ... and in the block: absent entries multiply nothing.
        block, out = np.ones((3, width)), np.empty((4, width))
        block[1, -1] = value
        FACES[face].csr_matmat(dense[rows, columns], indices, indptr, block, out, 1)
        assert_array_equal(out[:, -1], [3, value, 0, 9])
        block, out = np.ones((4, width)), np.empty((3, width))
        block[2, -1] = value  # meets an empty row
        FACES[face].csr_rmatmat(dense[rows, columns], indices, indptr, block, bounds_of(3), out, 1)
        assert_array_equal(out[:, -1], [5, 3, 7])


@pytest.mark.skipif(compiled is None, reason="built without kernels")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_faces_agree_within_rounding(dtype):
    data, indices, indptr, n_columns = larger_matrix(dtype, np.int32)
    n_rows = len(indptr) - 1
    rng = np.random.default_rng(1)
    for width in (1, 4, 33):
        results = []
        wide = rng.standard_normal((n_columns, width)).astype(dtype)
        tall = rng.standard_normal((n_rows, width)).astype(dtype)
        for face in (compiled, fallback):
            forward = np.empty((n_rows, width), dtype=dtype)
            back = np.empty((n_columns, width), dtype=dtype)
            face.csr_matmat(data, indices, indptr, wide, forward, 2)
            face.csr_rmatmat(data, indices, indptr, tall, bounds_of(n_columns), back, 2)
            results.append((forward, back))
        for ours, theirs in zip(*results, strict=True):
            # Up to 300 terms of order one, summed in another order.
            assert_allclose(ours, theirs, rtol=0, atol=1000 * np.finfo(dtype).eps)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("face", FACES)
def test_gram_matrices(face, name, dtype, index_dtype, n_threads):
    """Exact, as the entries are whole numbers; duplicates count as their sum."""
    data, indices, indptr, n_columns = arrays(name)
    data = np.array(data, dtype=dtype)
    indices, indptr = (np.array(a, dtype=index_dtype) for a in (indices, indptr))
    for array in (data, indices, indptr):
        array.setflags(write=False)
    buffer = np.full(n_columns**2 + 2 * GUARD, 12345.0)
    out = buffer[GUARD:-GUARD].reshape(n_columns, n_columns)
    FACES[face].csr_gram(data, indices, indptr, out, n_threads)
    dense = naive_dense(data, indices, indptr, n_columns).astype(np.float64)
    assert_array_equal(out, dense.T @ dense)
    assert (buffer[:GUARD] == 12345).all()
    assert (buffer[-GUARD:] == 12345).all()


def test_gram_digits_do_not_depend_on_the_number_of_threads():
    if compiled is None:
        pytest.skip("the NumPy twin has one thread")
    rng = np.random.default_rng(0)
    indices = np.sort(rng.random((300, 40)).argsort(axis=1)[:, :9], axis=1).ravel()
    data, indptr = rng.standard_normal(2700), np.arange(0, 2701, 9)
    results = [np.empty((40, 40)) for _ in range(3)]
    for n_threads, out in zip((1, 2, 7), results, strict=True):
        compiled.csr_gram(data, indices, indptr, out, n_threads)
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])
