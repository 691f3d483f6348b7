"""Rows of least Kullback-Leibler divergence on given components: Poisson regressions, one a row.

For each row x, with ``s_j = x' d_j``,

    minimize over x >= 0:  sum_f (reach_if + l1) x_f + l2 x_f^2 / 2 - sum_j value_ij log s_j

where the first sum stands for the approximation of all entries that the row shows, and the last
is over stored entries, where ``s_j`` counts as ``floor value_ij`` at least. The digits do not
depend on the number of threads: rows are independent.
"""

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.math cimport frexp, isfinite, ldexp
from libc.stdint cimport int32_t, int64_t, uint8_t

from lrfact.kernels._row_bounds cimport index_t, row_is_sound

import numpy as np

from lrfact.kernels._thread_count import granted_threads
from lrfact.kernels._argument_checks import check_row_pointers

cdef extern from "_poisson_rows.h" nogil:
    int poisson_row_f32(
        const float*, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, const float*,
        double, double, double, double, int64_t, double*, float*, double*, Py_ssize_t*) noexcept
    int poisson_row_f64(
        const double*, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t, const double*,
        double, double, double, double, int64_t, double*, double*, double*, Py_ssize_t*) noexcept


# Of a start and of penalties in the units of a row: beyond, sums of them are infinite.
cdef double LARGEST = 1e150

cdef inline double _unit_of(double size, bint narrow) noexcept nogil:
    """Return the power of two above a size, as far as the inverse has one too; of 0 it is 1."""
    cdef:
        int exponent = 0
        int most = 120 if narrow else 1000

    if size > 0 and isfinite(size):
        frexp(size, &exponent)
    return ldexp(1, min(max(exponent, -most), most))


cdef bint _fit_row(
    const floating* values, const index_t* columns, Py_ssize_t n_stored, const floating* design,
    Py_ssize_t width, const floating* reach, double l1, double l2, double floor, double tol,
    int64_t most_passes, Py_ssize_t longest, floating* row, floating* panel, double* x,
    Py_ssize_t* free_ones,
) noexcept nogil:
    """Gather the design of a row's positive entries, component by component, and regress.

    In units of the size of the largest entry and of the design, so that rows of any size are solved
    alike on a design of any size.
    """
    cdef:
        Py_ssize_t p, f, n = 0
        floating* kept = panel + width * longest
        floating* model = kept + longest
        floating* own_reach = model + 4 * longest
        double* work = x + width
        const floating* d
        floating to_panel
        double total = 0, largest = 0, most_reach = 0, unit, of_design, of_row
        bint at_rest

    for p in range(n_stored):
        largest = max(largest, <double> values[p])
    for f in range(width):
        most_reach = max(most_reach, <double> reach[f])
    unit = _unit_of(largest, floating is float)
    of_design = _unit_of(most_reach, floating is float)
    of_row = unit / of_design
    l1 = min(l1 / of_design, LARGEST)
    l2 = min(l2 * of_row / of_design, LARGEST)
    to_panel = <floating> (1 / of_design)
    for p in range(n_stored):
        if not values[p] > 0:
            continue
        d = design + columns[p] * width
        kept[n] = <floating> (<double> values[p] / unit)
        for f in range(width):
            panel[f * longest + n] = d[f] * to_panel
        n = n + 1
    for f in range(width):
        x[f] = min(<double> row[f] / of_row, LARGEST)
        own_reach[f] = reach[f] * to_panel
    if floating is float:
        at_rest = poisson_row_f32(
            kept, n, panel, longest, width, own_reach, l1, l2, floor, tol, most_passes, x, model,
            work, free_ones)
    else:
        at_rest = poisson_row_f64(
            kept, n, panel, longest, width, own_reach, l1, l2, floor, tol, most_passes, x, model,
            work, free_ones)
    for f in range(width):
        row[f] = <floating> (x[f] * of_row)
        total += row[f]
    return at_rest and isfinite(total)


def fit_poisson_rows(
    const floating[::1] data not None,       # IN   (nnz,)
    const index_t[::1] indices not None,     # IN   (nnz,)
    const index_t[::1] indptr not None,      # IN   (n_rows + 1,)
    const floating[:, ::1] design not None,  # IN   (n_columns, width)
    const floating[:, ::1] reach not None,   # IN   (n_rows, width)  sums of design rows shown
    floating[:, ::1] rows not None,          # INOUT (n_rows, width)  positive
    uint8_t[::1] at_rest not None,           # OUT  (n_rows,)  whether a row stopped by itself
    double l1,
    double l2,
    double floor,                            # positive; share of its entry that s counts as
    double tol,                              # a row rests when a pass moves no more than this share
    int64_t most_passes,
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = rows.shape[0]
        Py_ssize_t width = rows.shape[1]
        Py_ssize_t n_columns = design.shape[0]
        Py_ssize_t i, longest
        int64_t n_stored = indices.shape[0]
        const floating* values
        const index_t* columns
        const floating* first_design
        floating[:, ::1] work
        double[:, ::1] wide
        Py_ssize_t[:, ::1] free_ones
        uint8_t[::1] sound

    for name, shape, wanted in (
        ("data", (data.shape[0],), (n_stored,)),
        ("indptr", (indptr.shape[0],), (n_rows + 1,)),
        ("design", (design.shape[0], design.shape[1]), (n_columns, width)),
        ("reach", (reach.shape[0], reach.shape[1]), (n_rows, width)),
        ("at_rest", (at_rest.shape[0],), (n_rows,)),
    ):
        if shape != wanted:
            raise ValueError(f"{name} has shape {shape}; it must have {wanted}")
    if not floor > 0:
        raise ValueError(f"floor={floor} must be positive")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    if n_rows == 0 or width == 0:
        check_row_pointers(np.asarray(indptr), n_stored)
        np.asarray(at_rest)[...] = 1
        return
    longest = max(1, min(n_stored, int(np.diff(indptr).max())))
    dtype = np.float32 if floating is float else np.float64
    n_threads = granted_threads(n_threads)
    work = np.empty((n_threads, (width + 5) * longest + width), dtype=dtype)
    wide = np.empty((n_threads, (width + 3) * width))
    free_ones = np.empty((n_threads, width), dtype=np.intp)
    sound = np.ones(n_rows, dtype=np.uint8)
    values = &data[0] if n_stored else NULL
    columns = &indices[0] if n_stored else NULL
    first_design = &design[0, 0] if n_columns else NULL
    for i in prange(n_rows, nogil=True, schedule="dynamic", chunksize=16, num_threads=n_threads):
        sound[i] = indptr[i + 1] - indptr[i] <= longest and row_is_sound(
            columns, indptr[i], indptr[i + 1], n_stored, n_columns
        )
        if sound[i]:
            at_rest[i] = _fit_row(
                values + indptr[i], columns + indptr[i], indptr[i + 1] - indptr[i],
                first_design, width, &reach[i, 0], l1, l2, floor, tol, most_passes, longest,
                &rows[i, 0], &work[threadid(), 0], &wide[threadid(), 0], &free_ones[threadid(), 0],
            )
    if not np.asarray(sound).all():
        raise ValueError(
            f"row {int(np.argmin(sound))} of the sparse matrix is damaged: indptr must rise from 0 "
            "to the number of stored entries, and indices must lie inside the matrix"
        )
