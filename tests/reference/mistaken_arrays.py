"""Arrays that a kernel has to refuse, and buffers that tell whether it wrote beside one.

A table of mistakes holds, by what is wrong, the name of an argument and what to do to it.
"""

import numpy as np

REFUSED = (ValueError, TypeError)
GUARD, UNTOUCHED = 64, 77


def guarded(array, fill=None):
    """A copy of the array, and the buffer that it lies in the middle of."""
    buffer = np.full(array.size + 2 * GUARD, UNTOUCHED, dtype=array.dtype)
    inside = buffer[GUARD : GUARD + array.size].reshape(array.shape)
    inside[...] = array if fill is None else fill
    return inside, buffer


def unharmed(buffer):
    guards = np.concatenate([buffer[:GUARD], buffer[len(buffer) - GUARD :]])
    return (guards == UNTOUCHED).all()


def strided(array):
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), dtype=array.dtype)
    view = wide[..., ::2]
    view[...] = array
    return view


def put(index, value):
    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return change


def read_only(array):
    view = array.view()
    view.setflags(write=False)
    return view


def mistakes_of_layout(inputs, outputs):
    names = [*inputs, *outputs]
    return {
        **{f"{name} one dimension more": (name, lambda a: a[np.newaxis]) for name in names},
        **{f"{name} is None": (name, lambda a: None) for name in names},
        **{f"{name} is a list": (name, lambda a: a.tolist()) for name in names},
        **{f"{name} strided": (name, strided) for name in names},
        **{f"{name} read-only": (name, read_only) for name in outputs},
    }


def too_short(names):
    return {f"{name} too short": (name, lambda a: a[:-1].copy()) for name in names}


def too_long(names):
    return {f"{name} too long": (name, lambda a: np.concatenate([a, a[-1:]])) for name in names}


def mistakes_of_places(indices, indptr):
    """Of two rows, or more, with five entries in five columns; int32."""
    return {
        "negative index": (indices, put(2, -1)),
        "index beyond the design": (indices, put(-1, 5)),
        "greatest index": (indices, put(0, np.iinfo(np.int32).max)),
        f"{indptr} empty": (indptr, lambda a: a[:0]),
        f"{indptr} falls": (indptr, put(1, 4)),
        f"{indptr} negative": (indptr, put(0, -1)),
        f"{indptr} beyond the entries": (indptr, put(-1, 6)),
        f"{indptr} far beyond in the middle": (indptr, put(1, np.iinfo(np.int32).max)),
        f"{indptr} wraps around": (
            indptr,
            lambda a: np.array([0, 2**31 - 1, -(2**31), 5], dtype=np.int32),
        ),
    }


MISTAKES_OF_THREADS = {
    "no thread": ("n_threads", lambda n: 0),
    "negative threads": ("n_threads", lambda n: -3),
    "threads as text": ("n_threads", lambda n: "1"),
}
