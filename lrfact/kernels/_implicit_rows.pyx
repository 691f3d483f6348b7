"""Rows of implicit feedback given the columns, over all entries, stored or not.

A stored entry is a preference of 1 with confidence ``1 + weight``; all others are preferences of 0
with confidence 1 (Hu, Koren and Volinsky, 2008, doi:10.1109/ICDM.2008.22). With ``v_j`` the design
row of column j, ``S = sum_j v_j v_j'`` over all columns, which has to be diagonal, and ``x`` the
factors of a row,

    minimize over x:  sum_j c_j (p_j - v_j' x)^2 + penalty |x|^2

The equations are as many as there are factors or entries in the row, whichever is less; a row that
takes too much work either way goes some steps of conjugate gradients from where it was.

The digits do not depend on the number of threads: rows are independent.
"""

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t, uintptr_t

from lrfact.kernels._row_bounds cimport index_t, row_is_sound

import numpy as np

from lrfact.kernels._aligned_buffers import aligned, next_multiple
from lrfact.kernels._thread_count import granted_threads

cdef extern from "_implicit_rows.h" nogil:
    enum: LRFACT_TILE_ROWS
    enum: LRFACT_VECTOR_BYTES
    enum: LRFACT_PANEL_ROWS
    int solve_implicit_row_f32(
        const float*, const uintptr_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, double,
        int, double, float*, float*, float*, double*, double*, float*, double*) noexcept
    int solve_implicit_row_f64(
        const double*, const uintptr_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, double,
        int, double, double*, double*, double*, double*, double*, double*, double*) noexcept


cdef inline bint _solve_row(
    const floating* weights, const uintptr_t* where, Py_ssize_t n_entries, Py_ssize_t n_ahead,
    Py_ssize_t width, const double* spectrum, double penalty, int most_steps, double tol,
    floating* panel, floating* system, floating* vectors, double* gram, double* diagonal,
    floating* x, double* loss,
) noexcept nogil:
    if floating is float:
        return solve_implicit_row_f32(
            weights, where, n_entries, n_ahead, width, spectrum, penalty, most_steps, tol,
            panel, system, vectors, gram, diagonal, x, loss)
    else:
        return solve_implicit_row_f64(
            weights, where, n_entries, n_ahead, width, spectrum, penalty, most_steps, tol,
            panel, system, vectors, gram, diagonal, x, loss)


cdef inline Py_ssize_t _find_rows(
    const index_t* columns, int64_t start, int64_t stop, int64_t n_stored,
    const floating* design, Py_ssize_t width, uintptr_t* where,
) noexcept nogil:
    """Addresses of the design of the entries, and of as many that come next; returns their number.

    Those are not checked yet: a prefetch of any address is harmless, and unsigned arithmetic keeps
    its computation defined.
    """
    cdef int64_t at, end = min(min(2 * stop - start, stop + LRFACT_PANEL_ROWS), n_stored)
    for at in range(start, end):
        where[at - start] = (
            <uintptr_t> design + <uintptr_t> columns[at] * <uintptr_t> width * sizeof(floating)
        )
    return end - stop


cdef enum:
    SOUND = 0
    OVERFLOWED = 1
    OUTSIDE = 2


def _check(columns, n_weights, n_columns, indptr, shape, lengths, int n_threads):
    if len(indptr) < 1:
        raise ValueError("indptr is empty; it must have n_rows + 1 entries")
    if n_weights != len(columns):
        raise ValueError(
            f"weights and columns have {n_weights} and {len(columns)} entries; they must agree"
        )
    if (indptr[0] < 0 or indptr[len(indptr) - 1] > len(columns)
            or (indptr[1:] < indptr[:-1]).any()):
        raise ValueError("indptr must rise, from 0 at least to the number of entries at most")
    n_rows, width = len(indptr) - 1, shape[1]
    if width < 1:
        raise ValueError("design has no columns; it must have a factor at least")
    if shape[0] != n_rows:
        raise ValueError(f"solution has {shape[0]} rows; it must have {n_rows}")
    for name, (length, wanted) in lengths.items():
        if length not in wanted:
            raise ValueError(f"{name} has length {length}; it must have {wanted[0]}")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")


def solve_implicit_rows(
    const floating[::1] weights not None,      # IN      (nnz,)        above 0
    const index_t[::1] columns not None,       # IN      (nnz,)
    const index_t[::1] indptr not None,     # IN      (n_rows + 1,)
    const floating[:, ::1] design not None,    # IN      (n_columns, width)  Gram matrix diagonal
    const double[::1] spectrum not None,       # IN      (width,)      its diagonal
    const double[::1] penalty not None,        # IN      (n_rows,)
    int most_steps,                            # IN      of conjugate gradients; 0: exact only
    double tol,                                # IN      relative residual that ends them
    floating[:, ::1] solution not None,        # IN, OUT (n_rows, width)
    double[::1] loss not None,                 # OUT     (n_rows,)     or (0,): not computed
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = indptr.shape[0] - 1
        Py_ssize_t n_columns = design.shape[0]
        Py_ssize_t width = design.shape[1]
        int64_t n_stored = weights.shape[0]
        Py_ssize_t i, f, t, lead, whole, n_ahead
        floating[:, ::1] panels, systems, vectors
        double[:, ::1] grams, diagonals
        uintptr_t[:, ::1] places
        char[::1] state
        bint with_loss = loss.shape[0] > 0
        const floating* of_weights = NULL
        const index_t* of_columns = NULL
        const floating* of_design = NULL

    _check(
        np.asarray(columns), n_stored, n_columns, np.asarray(indptr),
        (solution.shape[0], width),
        {
            "spectrum": (spectrum.shape[0], (width,)),
            "penalty": (penalty.shape[0], (n_rows,)),
            "the second axis of solution": (solution.shape[1], (width,)),
            "loss": (loss.shape[0], (n_rows, 0)),
        },
        n_threads,
    )
    if n_rows == 0:
        return
    if n_stored:
        of_weights, of_columns = &weights[0], &columns[0]
    if n_columns:
        of_design = &design[0, 0]
    dtype = np.asarray(design).dtype
    whole = next_multiple(width + 1, LRFACT_TILE_ROWS)
    lead = next_multiple(whole, LRFACT_VECTOR_BYTES // dtype.itemsize)
    n_threads = granted_threads(n_threads)
    panels = aligned(n_threads, LRFACT_PANEL_ROWS * lead, dtype)
    systems = aligned(n_threads, lead * lead, dtype)
    vectors = aligned(n_threads, 6 * lead, dtype)
    grams = aligned(n_threads, lead * lead, np.dtype(np.float64))
    diagonals = aligned(n_threads, lead, np.dtype(np.float64))
    longest = int(np.diff(indptr).max())
    places = aligned(n_threads, longest + LRFACT_PANEL_ROWS, np.dtype(np.uintp))
    state = np.zeros(n_rows, dtype=np.int8)
    for i in prange(n_rows, nogil=True, schedule="dynamic", chunksize=16, num_threads=n_threads):
        if indptr[i] == indptr[i + 1]:
            for f in range(width):
                solution[i, f] = 0
            if with_loss:
                loss[i] = 0
        elif not row_is_sound(of_columns, indptr[i], indptr[i + 1], n_stored, n_columns):
            state[i] = OUTSIDE
        else:
            t = threadid()
            n_ahead = _find_rows(
                of_columns, indptr[i], indptr[i + 1], n_stored, of_design, width,
                &places[t, 0],
            )
            if not _solve_row(
                of_weights + indptr[i], &places[t, 0], indptr[i + 1] - indptr[i],
                n_ahead, width, &spectrum[0], penalty[i], most_steps, tol,
                &panels[t, 0], &systems[t, 0], &vectors[t, 0], &grams[t, 0], &diagonals[t, 0],
                &solution[i, 0], &loss[i] if with_loss else NULL,
            ):
                state[i] = OVERFLOWED
    states = np.asarray(state)
    for found, what in (
        (OUTSIDE, "has columns outside of the design"),
        (
            OVERFLOWED,
            "has no finite solution: weights or columns are too large, or the penalty (reg) is "
            "too small beside them",
        ),
    ):
        if (states == found).any():
            raise ValueError(f"row {np.flatnonzero(states == found)[0]} {what}")
