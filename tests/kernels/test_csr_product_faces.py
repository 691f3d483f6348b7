"""Wrong arguments to the sparse products: an exception from either face, and no byte written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lrfact.kernels import _csr_product_numpy as fallback
from reference.mistaken_arrays import REFUSED, read_only, strided
from reference.naive_products import are_sound_bounds, is_sound_matrix, naive_dense

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _csr_product as compiled
except ImportError:
    pass
else:
    FACES["compiled"] = compiled

GUARD = 256
HUGE = np.iinfo(np.int64).max


def guarded(shape, dtype=np.float64):
    size = shape[0] * shape[1]
    buffer = np.full(size + 2 * GUARD, 12345, dtype=dtype)
    return buffer[GUARD : GUARD + size].reshape(shape), buffer


def sound_call(kernel):
    """Keyword arguments of a call that is accepted, and the buffer around `out`."""
    arguments = {
        "data": np.array([1.0, 2, 3, 4]),
        "indices": np.array([0, 2, 1, 2], dtype=np.int32),
        "indptr": np.array([0, 2, 2, 4], dtype=np.int32),
        "block": np.arange(6.0).reshape(3, 2),
    }
    out, buffer = guarded((3, 2))
    if kernel == "csr_rmatmat":
        arguments["bounds"] = np.array([0, 1, 3], dtype=np.int64)
    return {**arguments, "out": out, "n_threads": 2}, buffer


def sound_gram_call():
    """The same for the Gram matrix, which takes no block."""
    arguments, _ = sound_call("csr_matmat")
    out, buffer = guarded((3, 3))
    del arguments["block"]
    return {**arguments, "out": out}, buffer


def changed(name, change):
    def apply(arguments):
        arguments[name] = change(arguments[name])

    return apply


def put(name, index, value):
    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return changed(name, change)


def everything(*changes):
    def apply(arguments):
        for change in changes:
            change(arguments)

    return apply


MISTAKES = {
    # shapes
    "data shorter than indices": changed("data", lambda a: a[:-1]),
    "data longer than indices": changed("data", lambda a: np.append(a, 1.0)),
    "indptr empty": changed("indptr", lambda a: a[:0]),
    "a row too few": changed("indptr", lambda a: a[:-1]),
    "a row too many": changed("indptr", lambda a: np.append(a, a[-1:])),
    "block with a row too few": changed("block", lambda a: a[:-1]),
    "block with a column too many": changed("block", lambda a: np.hstack([a, a[:, :1]]).copy()),
    "out too small": changed("out", lambda a: a[:-1]),
    "out too wide": changed("out", lambda a: np.empty((len(a), 3))),
    "out transposed": changed("out", lambda a: np.empty(a.shape[::-1])),
    # dimensions
    "data in two dimensions": changed("data", lambda a: a[:, np.newaxis]),
    "indices in two dimensions": changed("indices", lambda a: a[np.newaxis]),
    "indptr in two dimensions": changed("indptr", lambda a: a[np.newaxis]),
    "block in one dimension": changed("block", np.ravel),
    "block in three dimensions": changed("block", lambda a: a[np.newaxis]),
    "out in one dimension": changed("out", np.ravel),
    "zero dimensions": changed("data", lambda a: np.array(1.0)),
    # orders
    "block in Fortran order": changed("block", np.asfortranarray),
    "out in Fortran order": changed("out", np.asfortranarray),
    "data strided": changed("data", strided),
    "indices strided": changed("indices", strided),
    "indptr strided": changed("indptr", strided),
    "block strided": changed("block", strided),
    "out strided": changed("out", strided),
    "data backwards": changed("data", lambda a: a[::-1]),
    "out backwards": changed("out", lambda a: a[::-1]),
    # dtypes
    "data float32, the rest float64": changed("data", lambda a: a.astype(np.float32)),
    "block float32, the rest float64": changed("block", lambda a: a.astype(np.float32)),
    "out float32, the rest float64": changed("out", lambda a: a.astype(np.float32)),
    "data of integers": changed("data", lambda a: a.astype(np.int64)),
    "data complex": changed("data", lambda a: a.astype(complex)),
    "data of objects": changed("data", lambda a: a.astype(object)),
    "data bool": changed("data", lambda a: a.astype(bool)),
    "all float16": everything(
        *(changed(n, lambda a: a.astype(np.float16)) for n in ("data", "block", "out"))
    ),
    "all longdouble": everything(
        *(changed(n, lambda a: a.astype(np.clongdouble)) for n in ("data", "block", "out"))
    ),
    "byte order swapped": changed("block", lambda a: a.astype(a.dtype.newbyteorder())),
    "indices of another width than indptr": changed("indices", lambda a: a.astype(np.int64)),
    "indptr of another width than indices": changed("indptr", lambda a: a.astype(np.int64)),
    "indices unsigned": changed("indices", lambda a: a.astype(np.uint32)),
    "indices int16": everything(
        *(changed(n, lambda a: a.astype(np.int16)) for n in ("indices", "indptr"))
    ),
    "indices of floats": changed("indices", lambda a: a.astype(float)),
    # None and what is no array
    **{
        f"{name} is None": changed(name, lambda a: None)
        for name in ("data", "indices", "indptr", "block", "out", "n_threads")
    },
    **{
        f"{name} is a list": changed(name, lambda a: a.tolist())
        for name in ("data", "indices", "indptr", "block", "out")
    },
    # indices and pointers
    "negative index": put("indices", 1, -1),
    "least index": put("indices", 1, np.iinfo(np.int32).min),
    "index equal to the number of columns": put("indices", 3, 3),
    "greatest index": put("indices", 0, np.iinfo(np.int32).max),
    "decreasing indptr": put("indptr", 1, 3),
    "negative indptr": put("indptr", 0, -1),
    "indptr beyond the entries": put("indptr", -1, 5),
    "indptr far beyond the entries": put("indptr", -1, np.iinfo(np.int32).max),
    "indptr beyond the entries in the middle": put("indptr", 1, 1000),
    # Differences of neighbors overflow, and look as if they rose.
    "indptr that wraps around": changed(
        "indptr", lambda a: np.array([0, 2**31 - 1, -(2**31), 4], dtype=np.int32)
    ),
    "indices of 64 bits, out of range": everything(
        changed("indices", lambda a: np.array([0, HUGE, 1, 2])),
        changed("indptr", lambda a: a.astype(np.int64)),
    ),
    "indptr of 64 bits, out of range": everything(
        changed("indices", lambda a: a.astype(np.int64)),
        changed("indptr", lambda a: np.array([0, 2, HUGE, 4])),
    ),
    # threads and out
    "no thread": changed("n_threads", lambda n: 0),
    "negative threads": changed("n_threads", lambda n: -1),
    "threads as text": changed("n_threads", lambda n: "2"),
    "out read-only": changed("out", read_only),
}

WRONG_BOUNDS = {
    "do not start at 0": np.array([1, 3]),
    "stop short": np.array([0, 2]),
    "go beyond": np.array([0, 4]),
    "fall": np.array([0, 2, 1, 3]),
    "negative": np.array([0, -1, 3]),
    "beyond in the middle": np.array([0, 9, 3]),
    "wrap around": np.array([0, HUGE, -HUGE - 1, -(2**62), 0, 3]),
    "one only": np.array([0]),
    "none": np.array([], dtype=np.int64),
    "int32": np.array([0, 3], dtype=np.int32),
    "floats": np.array([0.0, 3.0]),
    "two dimensions": np.array([[0, 3]]),
    "strided": np.array([0, 9, 3])[::2],
    "a list": [0, 3],
    "missing": None,
}


@pytest.mark.parametrize("kernel", ["csr_matmat", "csr_rmatmat"])
@pytest.mark.parametrize("face", FACES)
def test_the_call_that_mistakes_are_made_in_is_accepted(face, kernel):
    arguments, _ = sound_call(kernel)
    getattr(FACES[face], kernel)(*arguments.values())
    dense = np.array([[1.0, 0, 2], [0, 0, 0], [0, 3, 4]])
    expected = (dense if kernel == "csr_matmat" else dense.T) @ arguments["block"]
    assert_array_equal(arguments["out"], expected)


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("kernel", ["csr_matmat", "csr_rmatmat"])
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused(face, kernel, mistake):
    arguments, buffer = sound_call(kernel)
    MISTAKES[mistake](arguments)
    with pytest.raises(REFUSED):
        getattr(FACES[face], kernel)(*arguments.values())
    assert (buffer[:GUARD] == 12345).all()
    assert (buffer[-GUARD:] == 12345).all()


# Nothing says how many rows there are, the result is 3 x 3 either way, and always float64.
NO_MISTAKES_WITHOUT_BLOCK = {
    "a row too few",
    "a row too many",
    "byte order swapped",
    "out too wide",
    "out transposed",
    "data float32, the rest float64",
}
# What the block has no part in; "all" also changes it.
MISTAKES_WITHOUT_BLOCK = [
    mistake
    for mistake in MISTAKES
    if "block" not in mistake and "all " not in mistake and mistake not in NO_MISTAKES_WITHOUT_BLOCK
]


@pytest.mark.parametrize("mistake", MISTAKES_WITHOUT_BLOCK)
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused_by_the_gram_matrix(face, mistake):
    arguments, buffer = sound_gram_call()
    MISTAKES[mistake](arguments)
    with pytest.raises(REFUSED):
        FACES[face].csr_gram(*arguments.values())
    assert (buffer[:GUARD] == 12345).all()
    assert (buffer[-GUARD:] == 12345).all()


@pytest.mark.parametrize("bounds", WRONG_BOUNDS)
@pytest.mark.parametrize("face", FACES)
def test_wrong_bounds_are_refused(face, bounds):
    arguments, buffer = sound_call("csr_rmatmat")
    arguments["bounds"] = WRONG_BOUNDS[bounds]
    with pytest.raises(REFUSED):
        FACES[face].csr_rmatmat(*arguments.values())
    assert (buffer[:GUARD] == 12345).all()
    assert (buffer[-GUARD:] == 12345).all()


@pytest.mark.parametrize("face", FACES)
def test_messages_name_the_argument_and_the_rule(face):
    def message(kernel, **changes):
        arguments, _ = sound_call(kernel)
        with pytest.raises(REFUSED) as caught:
            getattr(FACES[face], kernel)(*{**arguments, **changes}.values())
        return str(caught.value)

    out = np.empty((2, 2))
    assert "out has shape (2, 2); it must have (3, 2)" in message("csr_matmat", out=out)
    assert "out has shape (3, 1); it must" in message("csr_rmatmat", out=np.empty((3, 1)))
    assert "n_threads=0 must be at least 1" in message("csr_matmat", n_threads=0)
    damaged = np.array([0, 2, 1, 4], dtype=np.int32)
    assert "indptr must rise from 0" in message("csr_matmat", indptr=damaged)
    bounds = np.array([0, 2], dtype=np.int64)
    assert "bounds must rise from 0 to the number of columns, 3" in message(
        "csr_rmatmat", bounds=bounds
    )


def small_integers(draw, size, low, high, dtype, extremes):
    values = st.one_of(st.integers(low, high), st.sampled_from(extremes))
    return np.array(draw(st.lists(values, min_size=size, max_size=size)), dtype=dtype)


@st.composite
def calls(draw):
    """Arguments of which some are sound, some nearly, and some far off."""
    index_dtype = draw(st.sampled_from([np.int32, np.int64]))
    info = np.iinfo(index_dtype)
    extremes = [int(info.min), -1, 0, 1, 7, int(info.max)]
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    n_rows, n_columns, width = (draw(st.integers(0, 4)) for _ in range(3))
    n_stored = draw(st.integers(0, 6))

    indices = np.array(
        draw(st.lists(st.integers(0, max(0, n_columns - 1)), min_size=n_stored, max_size=n_stored)),
        dtype=index_dtype,
    )
    cuts = draw(st.lists(st.integers(0, n_stored), min_size=n_rows + 1, max_size=n_rows + 1))
    indptr = np.array(sorted(cuts), dtype=index_dtype)
    inner = draw(st.lists(st.integers(0, n_columns), max_size=3))
    bounds = np.array([0, *sorted(inner), n_columns], dtype=np.int64)

    if draw(st.booleans()):
        broken = draw(st.sampled_from(["indices", "indptr", "bounds", "shapes"]))
        if broken == "indices":
            indices = small_integers(draw, n_stored, -1, n_columns, index_dtype, extremes)
        elif broken == "indptr":
            indptr = small_integers(draw, n_rows + 1, -1, n_stored + 1, index_dtype, extremes)
        elif broken == "bounds":
            wide = [int(np.iinfo(np.int64).min), -1, 0, int(np.iinfo(np.int64).max)]
            bounds = small_integers(
                draw, draw(st.integers(0, 5)), -1, n_columns + 1, np.int64, wide
            )
        else:
            n_columns = draw(st.integers(0, 6))
    data = np.arange(1, n_stored + 1).astype(dtype)
    if draw(st.integers(0, 9)) == 0:
        data = data[:-1]
    return data, indices, indptr, bounds, n_rows, n_columns, width


def outcome(face, kernel, *arguments):
    """The bytes that came out, or None where the call was refused; never a byte outside of out."""
    *inputs, shape, n_threads = arguments
    dtype = inputs[0].dtype
    out, buffer = guarded(shape, dtype)
    try:
        getattr(face, kernel)(*inputs, out, n_threads)
    except REFUSED:
        accepted = False
    else:
        accepted = True
    assert (buffer[:GUARD] == 12345).all()
    assert (buffer[len(buffer) - GUARD :] == 12345).all()
    return out.copy() if accepted else None


@pytest.mark.parametrize("face", FACES)
@given(call=calls(), n_threads=st.sampled_from([1, 3]))
def test_accepts_what_is_sound_and_nothing_else(face, call, n_threads):
    data, indices, indptr, bounds, n_rows, n_columns, width = call
    sound = is_sound_matrix(data, indices, indptr, n_columns)
    dense = naive_dense(data, indices, indptr, n_columns) if sound else None
    kernels = FACES[face]

    block = np.arange(n_columns * width).reshape(n_columns, width).astype(data.dtype)
    out = outcome(kernels, "csr_matmat", data, indices, indptr, block, (n_rows, width), n_threads)
    assert (out is not None) == sound
    if sound:
        assert_array_equal(out, dense @ block)

    block = np.arange(n_rows * width).reshape(n_rows, width).astype(data.dtype)
    out = outcome(
        kernels, "csr_rmatmat", data, indices, indptr, block, bounds, (n_columns, width), n_threads
    )
    sound = sound and are_sound_bounds(bounds, n_columns)
    assert (out is not None) == sound
    if sound:
        assert_array_equal(out, dense.T @ block)


@st.composite
def rubbish(draw):
    """Any array or none, of a shape and dtype that may or may not fit."""
    if draw(st.integers(0, 7)) == 0:
        return draw(st.sampled_from([None, 1, 2.5, "text", [1, 2], (), b"bytes", {}]))
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    dtype = draw(
        st.sampled_from(["f4", "f8", "i4", "i8", "u4", "f2", "c16", "?", "O", ">f8", ">i4"])
    )
    array = np.zeros(shape, dtype=dtype) if dtype == "O" else np.ones(shape, dtype=dtype)
    view = draw(st.sampled_from(["as is", "fortran", "strided", "read-only"]))
    if view == "fortran":
        array = np.asfortranarray(array)
    elif view == "strided" and array.ndim:
        array = strided(array)
    elif view == "read-only":
        array.setflags(write=False)
    return array


@given(arguments=st.lists(rubbish(), min_size=7, max_size=7), n_threads=st.integers(-2, 3))
def test_faces_agree_on_rubbish(arguments, n_threads):
    """Neither crashes, both take or refuse it; what is not refused must have fitted by chance."""
    for kernel, n_arrays in (("csr_matmat", 5), ("csr_rmatmat", 6)):
        accepted = set()
        for face in FACES.values():
            copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments[:n_arrays]]
            for copy, original in zip(copies, arguments, strict=False):
                if isinstance(original, np.ndarray) and not original.flags.writeable:
                    copy.setflags(write=False)
            try:
                getattr(face, kernel)(*copies, n_threads)
            except REFUSED:
                accepted.add(False)
            else:
                accepted.add(True)
        assert len(accepted) == 1
