"""Non-negative least squares of many rows, by coordinate descent on their normal equations.

One routine for both halves of an iteration of hierarchical alternating least squares: the rows
given the components, and, on the transpose, the components given the rows. Of each row x

    minimize over x >= 0:  x' (G + ridge I) x / 2 - (cross_i - shift)' x,

G the Gram matrix of the components, or, where a row hides some columns, of what it shows of
them. The digits do not depend on the number of threads: rows are independent.
"""

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.math cimport fabs, frexp, isfinite, ldexp
from libc.stdint cimport int64_t, uint8_t

import numpy as np

from lrfact.kernels._thread_count import granted_threads

cdef extern from "_nonnegative_rows.h" nogil:
    enum: LRFACT_LINE_BYTES
    double coordinate_product(const double*, const double*, Py_ssize_t) noexcept
    void descend_block_f32(
        const float*, Py_ssize_t, const int64_t*, const float*, const float*, double, int,
        int64_t, float*, float*, float*) noexcept
    void descend_block_f64(
        const double*, Py_ssize_t, const int64_t*, const double*, const double*, double, int,
        int64_t, double*, double*, double*) noexcept
    void gram_of_shown_f32(
        const double*, const float*, Py_ssize_t, Py_ssize_t, const int64_t*, Py_ssize_t,
        double*) noexcept
    void gram_of_shown_f64(
        const double*, const double*, Py_ssize_t, Py_ssize_t, const int64_t*, Py_ssize_t,
        double*) noexcept


cdef inline double _unit_of(
    const floating* cross, double shift, const floating* row, Py_ssize_t width,
    double largest_curvature,
) noexcept nogil:
    """Return a power of two, of the size of a row: in it no square overflows or vanishes."""
    cdef:
        Py_ssize_t f
        double largest = 0
        int exponent

    for f in range(width):
        largest = max(largest, fabs(<double> cross[f] - shift))
    largest = largest / largest_curvature if largest_curvature > 0 else 0
    for f in range(width):
        largest = max(largest, <double> row[f])
    if largest == 0 or not isfinite(largest):
        return 1
    frexp(largest, &exponent)
    return ldexp(1, min(max(exponent, -1000), 1000))


cdef void _descend_block(
    const floating* gram, Py_ssize_t width, const int64_t* order, const floating* weight,
    const floating* cross, double shift, double tol, bint tol_is_of_first, int64_t most_passes,
    Py_ssize_t n_rows, floating* rows, double* violation, uint8_t* at_rest, floating* work,
) noexcept nogil:
    """Descend on some rows, as many as a block holds or fewer."""
    cdef:
        Py_ssize_t line = LRFACT_LINE_BYTES // sizeof(floating)
        Py_ssize_t i, f
        floating* target = work
        floating* x = target + width * line
        floating* row_violation = x + width * line
        floating* row_at_rest = row_violation + line
        double scale, largest_curvature = 0

    for f in range(width):
        largest_curvature = max(largest_curvature, <double> gram[f * width + f])
    for i in range(n_rows):
        # Kept where the violation will be.
        violation[i] = _unit_of(
            &cross[i * width], shift, &rows[i * width], width, largest_curvature
        )
        scale = 1 / violation[i]
        for f in range(width):
            target[f * line + i] = <floating> ((<double> cross[i * width + f] - shift) * scale)
            x[f * line + i] = <floating> (<double> rows[i * width + f] * scale)
    for f in range(width):
        for i in range(n_rows, line):
            target[f * line + i] = x[f * line + i] = 0
    if floating is float:
        descend_block_f32(
            gram, width, order, weight, target, tol, tol_is_of_first, most_passes,
            x, row_violation, row_at_rest,
        )
    else:
        descend_block_f64(
            gram, width, order, weight, target, tol, tol_is_of_first, most_passes,
            x, row_violation, row_at_rest,
        )
    for i in range(n_rows):
        for f in range(width):
            rows[i * width + f] = <floating> (<double> x[f * line + i] * violation[i])
        violation[i] *= row_violation[i]
        at_rest[i] = row_at_rest[i] > 0


def _check_rows(width, n_rows, gram, cross, order, weight, violation, at_rest, n_threads):
    for name, shape, wanted in (
        ("gram", gram, (width, width)),
        ("cross", cross, (n_rows, width)),
        ("weight", weight, (width,)),
        ("violation", violation, (n_rows,)),
        ("at_rest", at_rest, (n_rows,)),
    ):
        if shape != wanted:
            raise ValueError(f"{name} has shape {shape}; it must have {wanted}")
    if sorted(order) != list(range(width)):
        raise ValueError(f"order must hold each of 0 to {width - 1} once")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")


def descend_rows(
    const floating[:, ::1] gram not None,    # IN   (width, width)  symmetric, ridge included
    const floating[:, ::1] cross not None,   # IN   (n_rows, width)
    const int64_t[::1] order not None,       # IN   (width,)   of the coordinates in a pass
    const floating[::1] weight not None,     # IN   (width,)   of a coordinate in `violation`
    floating[:, ::1] rows not None,          # INOUT (n_rows, width)  not negative
    double[::1] violation not None,          # OUT  (n_rows,)  l1 norm, first projected gradient
    uint8_t[::1] at_rest not None,           # OUT  (n_rows,)  whether a row stopped by itself
    double shift,                            # subtracted from `cross`
    double tol,                              # a row rests when a pass moves it by no more than
    bint tol_is_of_first,                    #   this share of its first move, or of its length
    int64_t most_passes,
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = rows.shape[0]
        Py_ssize_t width = rows.shape[1]
        Py_ssize_t line = LRFACT_LINE_BYTES // sizeof(floating)
        Py_ssize_t n_blocks = (n_rows + line - 1) // line
        Py_ssize_t block, first
        floating[:, ::1] work

    _check_rows(
        width, n_rows, (gram.shape[0], gram.shape[1]), (cross.shape[0], cross.shape[1]),
        order, (weight.shape[0],), (violation.shape[0],), (at_rest.shape[0],), n_threads,
    )
    if n_rows == 0 or width == 0:
        np.asarray(violation)[...] = 0
        np.asarray(at_rest)[...] = 1
        return
    dtype = np.float32 if floating is float else np.float64
    n_threads = granted_threads(n_threads)
    work = np.empty((n_threads, 2 * (width + 1) * line), dtype=dtype)
    for block in prange(
        n_blocks, nogil=True, schedule="dynamic", chunksize=1, num_threads=n_threads
    ):
        first = block * line
        _descend_block(
            &gram[0, 0], width, &order[0], &weight[0], &cross[first, 0], shift, tol,
            tol_is_of_first, most_passes, min(line, n_rows - first), &rows[first, 0],
            &violation[first], &at_rest[first], &work[threadid(), 0],
        )


cdef inline void _gram_of_shown(
    const double* total, const floating* design, Py_ssize_t n_columns, Py_ssize_t width,
    const int64_t* hidden, Py_ssize_t n_hidden, double* gram,
) noexcept nogil:
    if floating is float:
        gram_of_shown_f32(total, design, n_columns, width, hidden, n_hidden, gram)
    else:
        gram_of_shown_f64(total, design, n_columns, width, hidden, n_hidden, gram)


cdef void _descend_row(
    const double* total, Py_ssize_t width, const int64_t* order, const floating* weight,
    const floating* cross, double shift, double ridge, double tol, bint tol_is_of_first,
    int64_t most_passes, floating* row, double* violation, double* energy, uint8_t* at_rest,
    double* gram, double* x,
) noexcept nogil:
    """Descend on one row with a Gram matrix of its own, of which the upper triangle is given."""
    cdef:
        Py_ssize_t f, g, o
        int64_t n_passes
        double* target = x + width
        double gradient, after, curvature, moved, length, unit, first = 0, largest_curvature = 0

    for f in range(width):
        x[f] = row[f]
        # Of a component that is nearly all hidden what is left would be multiplied by anything.
        if not gram[f * width + f] > 1e-12 * total[f * width + f]:
            for g in range(f, width):
                gram[f * width + g] = 0
            for g in range(f):
                gram[g * width + f] = 0
            if total[f * width + f] > 0 and ridge == 0:
                x[f] = 0  # nothing that the row shows speaks for it
        for g in range(f + 1, width):
            gram[g * width + f] = gram[f * width + g]
        largest_curvature = max(largest_curvature, gram[f * width + f] + ridge)
    unit = _unit_of(cross, shift, row, width, largest_curvature)
    for f in range(width):
        x[f] /= unit
        target[f] = (<double> cross[f] - shift) / unit
    violation[0] = at_rest[0] = 0
    for n_passes in range(most_passes):
        moved = length = 0
        for o in range(width):
            f = order[o]
            curvature = gram[f * width + f] + ridge
            if not curvature > 0:
                if target[f] < 0:
                    x[f] = 0  # linear: the minimum is there, or nowhere
                continue
            gradient = (
                coordinate_product(gram + f * width, x, width)
                + ridge * x[f] - target[f]
            )
            if n_passes == 0 and (x[f] > 0 or gradient < 0):
                violation[0] += weight[f] * fabs(gradient)
            after = x[f] - gradient / curvature
            if not after > 0:  # nor NaN, after an overflow
                after = 0
            curvature /= largest_curvature
            moved += curvature * (after - x[f]) * (after - x[f])
            length += curvature * after * after
            x[f] = after
        if n_passes == 0 and tol_is_of_first:
            first = moved
        if moved <= tol * tol * (first if tol_is_of_first else length):
            at_rest[0] = 1
            break
    violation[0] *= unit
    energy[0] = 0
    for f in range(width):
        x[f] *= unit
        row[f] = <floating> x[f]
    for f in range(width):
        energy[0] += x[f] * coordinate_product(gram + f * width, x, width)


def descend_rows_with_missing(
    const double[:, ::1] gram not None,      # IN   (width, width)  of `design`, without ridge
    const floating[:, ::1] cross not None,   # IN   (n_rows, width)  without hidden entries
    const floating[:, ::1] design not None,  # IN   (n_columns, width)
    const int64_t[::1] hidden not None,      # IN   (n_hidden,)    rising within a row
    const int64_t[::1] indptr not None,   # IN   (n_rows + 1,)
    const int64_t[::1] order not None,       # IN   (width,)   of the coordinates in a pass
    const floating[::1] weight not None,     # IN   (width,)   of a coordinate in `violation`
    floating[:, ::1] rows not None,          # INOUT (n_rows, width)  not negative
    double[::1] violation not None,          # OUT  (n_rows,)  l1 norm, first projected gradient
    double[::1] energy not None,             # OUT  (n_rows,)  sum of squares of what is shown
    uint8_t[::1] at_rest not None,           # OUT  (n_rows,)  whether a row stopped by itself
    double shift,                            # subtracted from `cross`
    double ridge,
    double tol,                              # a row rests when a pass moves it by no more than
    bint tol_is_of_first,                    #   this share of its first move, or of its length
    int64_t most_passes,
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = rows.shape[0]
        Py_ssize_t width = rows.shape[1]
        Py_ssize_t n_columns = design.shape[0]
        Py_ssize_t i
        const int64_t* first_hidden
        double[:, ::1] work

    _check_rows(
        width, n_rows, (gram.shape[0], gram.shape[1]), (cross.shape[0], cross.shape[1]),
        order, (weight.shape[0],), (violation.shape[0],), (at_rest.shape[0],), n_threads,
    )
    for name, shape, wanted in (
        ("design", (design.shape[0], design.shape[1]), (n_columns, width)),
        ("indptr", (indptr.shape[0],), (n_rows + 1,)),
        ("energy", (energy.shape[0],), (n_rows,)),
    ):
        if shape != wanted:
            raise ValueError(f"{name} has shape {shape}; it must have {wanted}")
    starts, columns = np.asarray(indptr), np.asarray(hidden)
    if (starts[0] != 0 or starts[len(starts) - 1] != len(columns)
            or (starts[1:] < starts[:-1]).any()):
        raise ValueError("indptr must rise from 0 to the number of hidden entries")
    falls = np.flatnonzero(columns[1:] <= columns[:-1]) + 1
    if len(columns) and (
        columns.min() < 0 or columns.max() >= n_columns or not np.isin(falls, starts).all()
    ):
        raise ValueError("hidden must rise within each row and lie inside the matrix")
    if n_rows == 0 or width == 0:
        np.asarray(violation)[...] = np.asarray(energy)[...] = 0
        np.asarray(at_rest)[...] = 1
        return
    first_hidden = &hidden[0] if hidden.shape[0] else NULL
    n_threads = granted_threads(n_threads)
    work = np.empty((n_threads, width * width + 2 * width))
    for i in prange(n_rows, nogil=True, schedule="dynamic", chunksize=16, num_threads=n_threads):
        _gram_of_shown(
            &gram[0, 0], &design[0, 0] if n_columns else NULL, n_columns, width,
            first_hidden + indptr[i], indptr[i + 1] - indptr[i], &work[threadid(), 0],
        )
        _descend_row(
            &gram[0, 0], width, &order[0], &weight[0], &cross[i, 0], shift, ridge, tol,
            tol_is_of_first, most_passes, &rows[i, 0], &violation[i], &energy[i], &at_rest[i],
            &work[threadid(), 0], &work[threadid(), width * width],
        )
