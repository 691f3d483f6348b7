"""Kernels with random and damaged arrays: compiled code compared with the NumPy fallback.

Each call ends in the numbers of the fallback or in an exception; nothing beside an output is
written. ``LRFACT_HYPOTHESIS=searching`` looks for new calls, and for longer.
"""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lrfact import kernels
from reference.kernel_calls import FAMILIES, OUTPUTS, sound_call
from reference.mistaken_arrays import GUARD, UNTOUCHED, unharmed

pytestmark = pytest.mark.skipif(
    kernels.IMPLEMENTATION != "compiled", reason="nothing to compare the fallback with"
)

# Fixed fraction of the number of examples of the profile, for each kernel.
N_CALLS = max(1, settings.default.max_examples // 4)

REFUSED = (ValueError, TypeError, OverflowError)
# Sums of some tens of terms, and a few steps of descent on them.
TOLERANCES = {np.float32: 2e-3, np.float64: 1e-8}

INTEGERS = [-1, 0, 1, 2, 8, 9, 10, 2**31 - 1, -(2**31), 2**62, -(2**62)]
FLOATS = [np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-40, 3e38, 1e300]
SCALARS = [-1, 0, 1, 2.5, np.nan, np.inf, -np.inf, 1e300, None, "1"]
N_THREADS = [1, 2, 3, 0, -1, 100_000, 2**31 - 1, 2**40, None]
DTYPES = ["f4", "f8", "i4", "i8", "i1", "u8", "f2", "c16", "O", ">f8", ">i4", "M8[s]"]


def strided(array, rng):
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), dtype=array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def with_a_value(array, rng):
    """Replace one entry by another value, mostly an extreme one."""
    array = array.copy()
    if array.size and array.dtype.kind in "iuf":
        values = FLOATS if array.dtype.kind == "f" else INTEGERS
        with np.errstate(over="ignore"):
            value = np.array(values[rng.integers(len(values))]).astype(array.dtype)
        array.flat[rng.integers(array.size)] = value
    return array


def shuffled(array, rng):
    return rng.permutation(array.flatten()).reshape(array.shape)


def with_a_repetition(array, rng):
    array = array.copy()
    if array.size:
        array.flat[rng.integers(array.size)] = array.flat[rng.integers(array.size)]
    return array


def of_another_type(array, rng):
    dtype = np.dtype(DTYPES[rng.integers(len(DTYPES))])
    if array.dtype.kind not in "iuf":
        return array  # it is of another type already
    return np.zeros(array.shape, dtype) if dtype.kind == "M" else array.astype(dtype)


def read_only(array, rng):
    view = array.view()
    view.setflags(write=False)
    return view


def of_zero_strides(array, rng):
    return np.broadcast_to(array.dtype.type(1), array.shape)


def misaligned(array, rng):
    raw = np.zeros(array.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


DAMAGES = {
    "shorter": lambda a, rng: a[:-1].copy(),
    "longer": lambda a, rng: np.concatenate([a, a[-1:]]),
    "empty": lambda a, rng: a[:0].copy(),
    "narrower": lambda a, rng: a[..., :-1].copy(),
    "deeper": lambda a, rng: a[np.newaxis],
    "flat": lambda a, rng: a.ravel(),
    "strided": strided,
    "backwards": lambda a, rng: a[::-1],
    "by columns": lambda a, rng: np.asfortranarray(a),
    "transposed": lambda a, rng: np.ascontiguousarray(a.T),
    "read-only": read_only,
    "of zero strides": of_zero_strides,
    "misaligned": misaligned,
    "of another type": of_another_type,
    "with a value": with_a_value,
    "with a repetition": with_a_repetition,
    "shuffled": shuffled,
    "a list": lambda a, rng: a.tolist(),
    "None": lambda a, rng: None,
}
# After these, numbers may be so large, or equations so singular, that the two need not agree.
WILD = {"with a value", "with a repetition", "shuffled", "of zero strides"}


# The Gram matrix must be that of the design, and no kernel can see whether it is.
RELATED = {"gram", "design", "hidden", "indptr"}


def damaged(arguments, damages, rng):
    """Return arguments with some of them changed, and whether results can be compared."""
    arguments, comparable = dict(arguments), True
    for damage in damages:
        names = list(arguments)[:-1]
        name = names[rng.integers(len(names))]
        value = arguments[name]
        if isinstance(value, np.ndarray):
            if value.ndim == 0 or value.dtype == object:
                continue
            arguments[name] = DAMAGES[damage](value, rng)
            comparable = comparable and not (damage in WILD and value.dtype.kind == "f")
            comparable = comparable and not ("hidden" in arguments and name in RELATED)
        elif isinstance(value, bool | int | float):
            arguments[name] = SCALARS[rng.integers(len(SCALARS))]
            comparable = False
    return arguments, comparable


def guarded_copy(array):
    """Return a copy inside a larger buffer whose margins are checked."""
    if array.dtype == object or not array.flags.c_contiguous or not array.flags.aligned:
        return array.copy() if array.flags.writeable else array, None
    buffer = np.full(array.size + 2 * GUARD, UNTOUCHED).astype(array.dtype)
    inside = buffer[GUARD : GUARD + array.size].reshape(array.shape)
    inside[...] = array
    inside.setflags(write=array.flags.writeable)
    return inside, buffer


def outcome(module, kernel, arguments):
    """Return the outputs of a call, or None if it was rejected; inputs must be unchanged."""
    given, buffers = {}, []
    for name, value in arguments.items():
        given[name] = value
        # Arrays with an unusual memory layout are passed unchanged.
        if isinstance(value, np.ndarray) and (name in OUTPUTS[kernel] or value.flags.c_contiguous):
            given[name], buffer = guarded_copy(value)
            if buffer is not None and buffer.dtype.kind in "iuf":
                buffers.append(buffer)
    try:
        with np.errstate(all="ignore"):
            getattr(module, kernel)(*given.values())
    except REFUSED:
        given = None
    else:
        for name, value in arguments.items():
            if isinstance(value, np.ndarray) and name not in OUTPUTS[kernel]:
                assert_array_equal(given[name], value, err_msg=f"the input {name} has changed")
    assert all(unharmed(buffer) for buffer in buffers), "written beside an array"
    return given and {name: given[name] for name in OUTPUTS[kernel]}


CALLS = {
    "seed": st.integers(0, 2**32 - 1),
    "shape": st.tuples(st.integers(0, 12), st.integers(0, 12)),
    "width": st.integers(1, 9),
    "dtype": st.sampled_from([np.float32, np.float64]),
    "itype": st.sampled_from([np.int32, np.int64]),
}


@pytest.mark.parametrize("kernel", FAMILIES)
@settings(max_examples=N_CALLS)
@given(**CALLS, damages=st.lists(st.sampled_from(sorted(DAMAGES)), max_size=3))
def test_a_call_ends_as_that_of_the_fallback(kernel, seed, dtype, damages, **call):
    rng = np.random.default_rng(seed)
    arguments = sound_call(kernel, seed=seed, dtype=dtype, **call)
    arguments, comparable = damaged(arguments, damages, rng)
    arguments["n_threads"] = [1, 2, 3][rng.integers(3)]
    module = import_module(f"lrfact.kernels.{FAMILIES[kernel]}")
    fallback = import_module(f"lrfact.kernels.{FAMILIES[kernel]}_numpy")
    found = outcome(module, kernel, arguments)
    expected = outcome(fallback, kernel, arguments)
    if not comparable:
        return
    assert (found is None) == (expected is None), "one is refused, the other is not"
    for name in found or {}:
        tol = TOLERANCES[dtype]
        assert_allclose(found[name], expected[name], rtol=tol, atol=tol, err_msg=name)


@pytest.mark.parametrize("kernel", FAMILIES)
@settings(max_examples=max(1, N_CALLS // 3))
@given(**CALLS, n_threads=st.sampled_from(N_THREADS))
def test_any_number_of_threads_gives_the_same_bits_or_is_refused(kernel, n_threads, **call):
    module = import_module(f"lrfact.kernels.{FAMILIES[kernel]}")
    arguments = sound_call(kernel, **call)
    alone = outcome(module, kernel, arguments)
    found = outcome(module, kernel, {**arguments, "n_threads": n_threads})
    sound = isinstance(n_threads, int) and 1 <= n_threads < 2**31
    assert (found is not None) == sound
    for name in found or {}:
        assert_array_equal(found[name], alone[name], err_msg=name)
