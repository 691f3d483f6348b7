"""Ridge regression of each row of a sparse matrix on the design of its stored columns.

One routine for both halves of a sweep of alternating least squares: the rows of the matrix given
the columns, and, on the transpose, the columns given the rows. With ``d_j`` the design row of
column j, ``y_j`` the value less what the model says without the row's own unknowns, and
``x`` these unknowns,

    minimize over x:  sum_j weight_j (y_j - d_j' x)^2 + scale sum_f penalty_f (x_f - center_f)^2

The center is zero unless given. With noise z the row gets ``x + inv(U) z``, where ``U'U`` is the
matrix of its equations: for z of variance s^2 that is a draw from a normal distribution with mean
x and covariance ``s^2 inv(U'U)``.

The digits do not depend on the number of threads: rows are independent, and the Gram matrix of a
long row is summed over segments that depend on its length alone.
"""

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.math cimport fabs, isfinite, sqrt
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from lrfact.kernels._row_bounds cimport index_t, row_is_sound

import numpy as np

from lrfact.kernels._aligned_buffers import aligned, next_multiple
from lrfact.kernels._thread_count import granted_threads

DEF SEGMENT = 8192  # entries of a long row that one thread sums
DEF MOST_PASSES = 10000  # of coordinate descent
DEF MOST_BOOSTS = 60

cdef extern from "_masked_rows.h" nogil:
    enum: LRFACT_TILE_ROWS
    enum: LRFACT_VECTOR_BYTES
    enum: LRFACT_PANEL_ROWS
    void set_system_f32(
        const double*, const double*, Py_ssize_t, Py_ssize_t, double, float*, float*) noexcept
    void set_system_f64(
        const double*, const double*, Py_ssize_t, Py_ssize_t, double, double*, double*) noexcept
    void sum_gram_f32_i32(
        const float*, const float*, const int32_t*, int64_t, int64_t, int64_t, const float*,
        Py_ssize_t, double, int, Py_ssize_t, float*, double*) noexcept
    void fill_panel_f32_i32(
        const float*, const float*, const int32_t*, int64_t, int64_t, const float*,
        Py_ssize_t, double, int, Py_ssize_t, float*) noexcept
    void sum_gram_f32_i64(
        const float*, const float*, const int64_t*, int64_t, int64_t, int64_t, const float*,
        Py_ssize_t, double, int, Py_ssize_t, float*, double*) noexcept
    void fill_panel_f32_i64(
        const float*, const float*, const int64_t*, int64_t, int64_t, const float*,
        Py_ssize_t, double, int, Py_ssize_t, float*) noexcept
    void sum_gram_f64_i32(
        const double*, const double*, const int32_t*, int64_t, int64_t, int64_t, const double*,
        Py_ssize_t, double, int, Py_ssize_t, double*, double*) noexcept
    void fill_panel_f64_i32(
        const double*, const double*, const int32_t*, int64_t, int64_t, const double*,
        Py_ssize_t, double, int, Py_ssize_t, double*) noexcept
    void sum_gram_f64_i64(
        const double*, const double*, const int64_t*, int64_t, int64_t, int64_t, const double*,
        Py_ssize_t, double, int, Py_ssize_t, double*, double*) noexcept
    void fill_panel_f64_i64(
        const double*, const double*, const int64_t*, int64_t, int64_t, const double*,
        Py_ssize_t, double, int, Py_ssize_t, double*) noexcept
    Py_ssize_t cholesky_f32(float*, Py_ssize_t, Py_ssize_t, const float*) noexcept
    Py_ssize_t cholesky_f64(double*, Py_ssize_t, Py_ssize_t, const double*) noexcept
    void back_substitute_f32(const float*, Py_ssize_t, Py_ssize_t, float*) noexcept
    void back_substitute_f64(const double*, Py_ssize_t, Py_ssize_t, double*) noexcept
    void invert_factor_f32(const float*, Py_ssize_t, Py_ssize_t, float*) noexcept
    void invert_factor_f64(const double*, Py_ssize_t, Py_ssize_t, double*) noexcept
    float leverage_f32(const float*, const float*, Py_ssize_t, Py_ssize_t, float*) noexcept
    double leverage_f64(const double*, const double*, Py_ssize_t, Py_ssize_t, double*) noexcept
    double dot_f64(const double*, const double*, Py_ssize_t) noexcept


cdef inline void _set_system(
    const double* gram, const double* diagonal, Py_ssize_t n_unknowns, Py_ssize_t lead,
    double rounding, floating* A, floating* least_pivot,
) noexcept nogil:
    if floating is float:
        set_system_f32(gram, diagonal, n_unknowns, lead, rounding, A, least_pivot)
    else:
        set_system_f64(gram, diagonal, n_unknowns, lead, rounding, A, least_pivot)


cdef inline Py_ssize_t _cholesky(
    floating* A, Py_ssize_t n_unknowns, Py_ssize_t lead, const floating* least_pivot,
) noexcept nogil:
    if floating is float:
        return cholesky_f32(A, n_unknowns, lead, least_pivot)
    else:
        return cholesky_f64(A, n_unknowns, lead, least_pivot)


cdef inline void _back_substitute(
    const floating* A, Py_ssize_t n_unknowns, Py_ssize_t lead, floating* x,
) noexcept nogil:
    if floating is float:
        back_substitute_f32(A, n_unknowns, lead, x)
    else:
        back_substitute_f64(A, n_unknowns, lead, x)


cdef inline void _invert_factor(
    const floating* A, Py_ssize_t n_unknowns, Py_ssize_t lead, floating* out,
) noexcept nogil:
    if floating is float:
        invert_factor_f32(A, n_unknowns, lead, out)
    else:
        invert_factor_f64(A, n_unknowns, lead, out)


cdef inline floating _leverage(
    const floating* inverse_factor, const floating* d, Py_ssize_t n_unknowns, Py_ssize_t lead,
    floating* work,
) noexcept nogil:
    if floating is float:
        return leverage_f32(inverse_factor, d, n_unknowns, lead, work)
    else:
        return leverage_f64(inverse_factor, d, n_unknowns, lead, work)


cdef inline void _fill_panel(
    const floating* values, const floating* weights, const index_t* columns,
    int64_t start, int64_t stop, const floating* design, Py_ssize_t width,
    double intercept, bint bias, Py_ssize_t lead, floating* panel,
) noexcept nogil:
    """One line for each entry: its design row, then what that has to explain."""
    if floating is float:
        if index_t is int32_t:
            fill_panel_f32_i32(
                values, weights, columns, start, stop, design, width, intercept, bias,
                lead, panel,
            )
        else:
            fill_panel_f32_i64(
                values, weights, columns, start, stop, design, width, intercept, bias,
                lead, panel,
            )
    else:
        if index_t is int32_t:
            fill_panel_f64_i32(
                values, weights, columns, start, stop, design, width, intercept, bias,
                lead, panel,
            )
        else:
            fill_panel_f64_i64(
                values, weights, columns, start, stop, design, width, intercept, bias,
                lead, panel,
            )


cdef inline void _sum_gram(
    const floating* values, const floating* weights, const index_t* columns,
    int64_t start, int64_t stop, int64_t n_stored,
    const floating* design, Py_ssize_t width, double intercept, bint bias,
    Py_ssize_t lead, floating* panel, double* gram,
) noexcept nogil:
    """Gram matrix of the panel lines of some entries, at least one."""
    if floating is float:
        if index_t is int32_t:
            sum_gram_f32_i32(
                values, weights, columns, start, stop, n_stored, design, width, intercept,
                bias, lead, panel, gram,
            )
        else:
            sum_gram_f32_i64(
                values, weights, columns, start, stop, n_stored, design, width, intercept,
                bias, lead, panel, gram,
            )
    else:
        if index_t is int32_t:
            sum_gram_f64_i32(
                values, weights, columns, start, stop, n_stored, design, width, intercept,
                bias, lead, panel, gram,
            )
        else:
            sum_gram_f64_i64(
                values, weights, columns, start, stop, n_stored, design, width, intercept,
                bias, lead, panel, gram,
            )


cdef double _factorize(
    const double* gram, Py_ssize_t width, Py_ssize_t lead, const floating* penalty, double scale,
    const floating* center, const floating* solution, bint nonnegative, bint bias,
    floating* system, floating* least_pivot, double* diagonal,
) noexcept nogil:
    """Cholesky factor of the normal equations; the diagonal added for it, or -1 if none did.

    With `nonnegative` the equations of unknowns at zero in `solution` are replaced by x_f = 0.
    """
    cdef:
        Py_ssize_t i, j
        int attempt
        double largest = 0, boost = 0
        double rounding = 1e-6 if floating is float else 1e-14

    for i in range(width):
        diagonal[i] = gram[i * lead + i] + scale * penalty[i]
        if not isfinite(diagonal[i]):
            return -1
        largest = max(largest, diagonal[i])
    if largest == 0:
        largest = 1
    for attempt in range(MOST_BOOSTS):
        _set_system(gram, diagonal, width, lead, rounding, system, least_pivot)
        if center != NULL:
            for i in range(width):
                system[i * lead + width] += <floating> (scale * penalty[i] * center[i])
        if nonnegative:
            for i in range(width - bias):
                if solution[i] > 0:
                    continue
                for j in range(i):
                    system[j * lead + i] = 0
                for j in range(i, lead):
                    system[i * lead + j] = 0
                system[i * lead + i] = 1
                least_pivot[i] = 0
        if _cholesky(system, width, lead, least_pivot) == 0:
            return boost
        for i in range(width):
            diagonal[i] += (rounding * largest if boost == 0 else 9 * boost)
        boost = rounding * largest if boost == 0 else 10 * boost
    return -1


cdef bint _descend(
    const double* gram, Py_ssize_t width, Py_ssize_t lead, const floating* penalty, double scale,
    bint bias, double* full, double* x,
) noexcept nogil:
    """Minimize over x, the factors in it not negative, by coordinates; x is the start.

    Returns whether it came to rest.
    """
    cdef:
        Py_ssize_t i, j
        int n_passes
        double gradient, moved, size, before

    for i in range(width):
        for j in range(i, width):
            full[i * lead + j] = gram[i * lead + j]
            full[j * lead + i] = gram[i * lead + j]
        full[i * lead + i] = full[i * lead + i] + scale * penalty[i]
    for n_passes in range(MOST_PASSES):
        moved = size = 0
        for i in range(width):
            if not full[i * lead + i] > 0:
                x[i] = 0
                continue
            gradient = dot_f64(full + i * lead, x, width) - gram[i * lead + width]
            before = x[i]
            x[i] = before - gradient / full[i * lead + i]
            if x[i] < 0 and (i < width - 1 or not bias):
                x[i] = 0
            moved = max(moved, fabs(x[i] - before) * sqrt(full[i * lead + i]))
            size = max(size, fabs(x[i]) * sqrt(full[i * lead + i]))
        if not moved > 1e-10 * size:
            break
    for i in range(width):
        if not isfinite(x[i]):
            return False
    return True


cdef void _weigh_up(
    const double* gram, Py_ssize_t width, Py_ssize_t lead, const double* x,
    bint bias, double* loss, double* residual_sum,
) noexcept nogil:
    """Weighted sum of squared residuals, and with a bias their sum, from the Gram matrix."""
    cdef:
        Py_ssize_t i
        double total = gram[width * lead + width]

    for i in range(width):
        total += x[i] * (
            gram[i * lead + i] * x[i]
            + 2 * dot_f64(gram + i * lead + i + 1, x + i + 1, width - i - 1)
            - 2 * gram[i * lead + width]
        )
    loss[0] = max(total, 0)
    residual_sum[0] = 0
    if bias:
        # The bias multiplies a constant: its line of the equations sums the residuals.
        total = gram[(width - 1) * lead + width]
        for i in range(width):
            total -= gram[i * lead + width - 1] * x[i]
        residual_sum[0] = total


cdef void _solve(
    const double* gram, Py_ssize_t width, Py_ssize_t lead, const floating* penalty, double scale,
    bint nonnegative, bint bias, const floating* center, const floating* noise,
    floating* system, floating* work, double* wide,
    floating* solution, double* loss, double* residual_sum, double* added,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef double* x = wide + lead * lead
    if nonnegative:
        for i in range(width):
            x[i] = max(<double> solution[i], 0) if i < width - bias else solution[i]
        added[0] = 0 if _descend(gram, width, lead, penalty, scale, bias, wide, x) else -1
        for i in range(width):
            solution[i] = <floating> x[i]
    else:
        added[0] = _factorize(
            gram, width, lead, penalty, scale, center, solution, False, bias, system, work, x
        )
        if added[0] >= 0:
            if noise != NULL:
                for i in range(width):
                    system[i * lead + width] += noise[i]
            _back_substitute(system, width, lead, work)
            for i in range(width):
                solution[i] = work[i]
    for i in range(width):
        x[i] = solution[i]
        if not isfinite(x[i]):
            added[0] = -1
    if added[0] >= 0:
        _weigh_up(gram, width, lead, x, bias, loss, residual_sum)
        if not isfinite(loss[0]):
            added[0] = -1
    if added[0] < 0:
        loss[0] = residual_sum[0] = 0
        for i in range(width):
            solution[i] = 0


def _check(
    Py_ssize_t n_values, Py_ssize_t n_weights, Py_ssize_t n_columns, Py_ssize_t n_pointers,
    Py_ssize_t width, bint bias, Py_ssize_t n_penalties, lengths, solution_shape, int n_threads,
):
    if n_pointers < 1:
        raise ValueError("indptr is empty; it must have n_rows + 1 entries")
    n_rows = n_pointers - 1
    if n_values != n_columns or n_weights not in (0, n_values):
        raise ValueError(
            f"values, weights and columns have {n_values}, {n_weights} and {n_columns} entries; "
            "they must agree, or weights be empty"
        )
    if width < 1 + bias:
        raise ValueError(f"design has {width} columns; it must have a factor, and the bias if any")
    if n_penalties != width:
        raise ValueError(f"penalty has {n_penalties} entries; it must have {width}")
    for name, length in lengths.items():
        if length != n_rows:
            raise ValueError(f"{name} has {length} entries; it must have {n_rows}")
    if solution_shape != (n_rows, width):
        raise ValueError(f"solution has shape {solution_shape}; it must have {(n_rows, width)}")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")


def _check_rows(columns, indptr, Py_ssize_t n_columns):
    starts = np.asarray(indptr)
    if (starts[0] < 0 or starts[len(starts) - 1] > len(columns)
            or (starts[1:] < starts[:-1]).any()):
        raise ValueError("indptr must rise, from 0 at least to the number of entries at most")


def _check_of_rows(name, shape, Py_ssize_t n_rows, Py_ssize_t width, bint nonnegative):
    if shape not in ((0, width), (n_rows, width)):
        raise ValueError(f"{name} has shape {shape}; it must have {(n_rows, width)}, or no rows")
    if shape[0] and nonnegative:
        raise ValueError(f"rows with {name} cannot be non-negative")


def _check_columns(unsound):
    rows = np.flatnonzero(unsound)
    if len(rows):
        raise ValueError(f"row {rows[0]} has columns outside of the design")


cdef class _Scratch:
    """Memory of the threads, each in cache lines of its own."""

    cdef Py_ssize_t lead, panel_size, system_size, wide_size
    cdef object panels, systems, works, grams, wides

    def __init__(self, Py_ssize_t width, int n_threads, dtype):
        itemsize = dtype.itemsize
        lanes = LRFACT_VECTOR_BYTES // itemsize
        whole = next_multiple(width + 1, LRFACT_TILE_ROWS)
        self.lead = next_multiple(whole, lanes)
        # The lines beyond the last column of a panel stay zero, as nobody writes there.
        self.panels = aligned(n_threads, LRFACT_PANEL_ROWS * self.lead, dtype)
        self.systems = aligned(n_threads, self.lead * self.lead, dtype)
        self.works = aligned(n_threads, 2 * self.lead, dtype)
        self.grams = aligned(n_threads, self.lead * (self.lead + 1), np.dtype(np.float64))
        self.wides = aligned(n_threads, self.lead * (self.lead + 1), np.dtype(np.float64))


def solve_rows(
    const floating[::1] values not None,      # IN      (nnz,)        in the order of rows
    const floating[::1] weights not None,     # IN      (nnz,)        or empty: all are one
    const index_t[::1] columns not None,      # IN      (nnz,)
    const index_t[::1] indptr not None,    # IN      (n_rows + 1,)
    const floating[:, ::1] design not None,   # IN      (n_columns, width)  factors, then bias
    double intercept,                         # IN
    bint bias,                                # IN      the last column of design is a bias
    const floating[::1] penalty not None,     # IN      (width,)
    const floating[::1] row_scale not None,   # IN      (n_rows,)     of the penalty
    bint nonnegative,                         # IN      factors, not biases
    const floating[:, ::1] center not None,   # IN      (n_rows, width)  or (0, width): zero
    const floating[:, ::1] noise not None,    # IN      (n_rows, width)  or (0, width): none
    floating[:, ::1] solution not None,       # IN, OUT (n_rows, width)  start if nonnegative
    double[::1] loss not None,                # OUT     (n_rows,)     weighted squared residuals
    double[::1] residual_sum not None,        # OUT     (n_rows,)     with a bias, else 0
    double[::1] added_diagonal not None,      # OUT     (n_rows,)     0 if well posed, -1: overflow
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = indptr.shape[0] - 1
        Py_ssize_t n_columns = design.shape[0]
        Py_ssize_t width = design.shape[1]
        Py_ssize_t i, f, segment, n_segments, lead, s
        int64_t n_stored = values.shape[0], start, stop
        int t
        const floating* of_values
        const floating* of_weights = NULL
        const floating* of_center = NULL
        const floating* of_noise = NULL
        const index_t* of_columns
        const floating* of_design
        floating[:, ::1] panels, systems, works
        double[:, ::1] grams, wides, parts
        char[::1] unsound
        int64_t[::1] long_rows
        double* total

    _check(
        n_stored, weights.shape[0], columns.shape[0], indptr.shape[0], width, bias,
        penalty.shape[0],
        {"row_scale": row_scale.shape[0], "loss": loss.shape[0],
         "residual_sum": residual_sum.shape[0], "added_diagonal": added_diagonal.shape[0]},
        (solution.shape[0], solution.shape[1]), n_threads,
    )
    _check_rows(columns, indptr, n_columns)
    _check_of_rows("center", (center.shape[0], center.shape[1]), n_rows, width, nonnegative)
    _check_of_rows("noise", (noise.shape[0], noise.shape[1]), n_rows, width, nonnegative)
    if n_rows == 0:
        return
    if center.shape[0]:
        of_center = &center[0, 0]
    if noise.shape[0]:
        of_noise = &noise[0, 0]
    dtype = np.asarray(design).dtype
    n_threads = granted_threads(n_threads)
    scratch = _Scratch(width, n_threads, dtype)
    lead = scratch.lead
    panels, systems, works = scratch.panels, scratch.systems, scratch.works
    grams, wides = scratch.grams, scratch.wides
    of_values = &values[0] if n_stored else NULL
    of_columns = &columns[0] if n_stored else NULL
    of_design = &design[0, 0] if n_columns else NULL
    if weights.shape[0]:
        of_weights = &weights[0]

    flags = np.zeros(n_rows, dtype=np.int8)
    unsound = flags
    lengths = np.diff(np.asarray(indptr))
    long_rows = np.flatnonzero(lengths > SEGMENT).astype(np.int64)
    if len(long_rows):
        longest = int(lengths.max())
        most = (longest + SEGMENT - 1) // SEGMENT
        partial = aligned(most, lead * lead, np.dtype(np.float64))
        parts = partial

    # A row that would keep one thread busy for long is shared by all.
    for s in range(long_rows.shape[0]):
        i = long_rows[s]
        start, stop = indptr[i], indptr[i + 1]
        unsound[i] = not row_is_sound(of_columns, start, stop, n_stored, n_columns)
        if unsound[i]:
            continue
        n_segments = (stop - start + SEGMENT - 1) // SEGMENT
        for segment in prange(
            n_segments, nogil=True, schedule="dynamic", chunksize=1, num_threads=n_threads
        ):
            _sum_gram(
                of_values, of_weights, of_columns, start + segment * SEGMENT,
                min(start + (segment + 1) * SEGMENT, stop), n_stored,
                of_design, width, intercept, bias, lead,
                &panels[threadid(), 0], &parts[segment, 0],
            )
        total = &parts[0, 0]
        with nogil:
            for segment in range(1, n_segments):
                for f in range(lead * lead):
                    total[f] += parts[segment, f]
            _solve(
                total, width, lead, &penalty[0], row_scale[i], nonnegative, bias,
                of_center + i * width if of_center != NULL else NULL,
                of_noise + i * width if of_noise != NULL else NULL,
                &systems[0, 0], &works[0, 0], &wides[0, 0],
                &solution[i, 0], &loss[i], &residual_sum[i], &added_diagonal[i],
            )

    for i in prange(n_rows, nogil=True, schedule="dynamic", chunksize=16, num_threads=n_threads):
        _solve_short(
            of_values, of_weights, of_columns, indptr[i], indptr[i + 1], n_stored,
            of_design, n_columns, width, intercept, bias, &penalty[0], row_scale[i], nonnegative,
            of_center + i * width if of_center != NULL else NULL,
            of_noise + i * width if of_noise != NULL else NULL,
            lead, &panels[threadid(), 0], &systems[threadid(), 0], &works[threadid(), 0],
            &grams[threadid(), 0], &wides[threadid(), 0],
            &solution[i, 0], &loss[i], &residual_sum[i], &added_diagonal[i], &unsound[i],
        )
    _check_columns(flags)


cdef void _solve_short(
    const floating* values, const floating* weights, const index_t* columns,
    int64_t start, int64_t stop, int64_t n_stored,
    const floating* design, Py_ssize_t n_columns, Py_ssize_t width, double intercept, bint bias,
    const floating* penalty, double scale, bint nonnegative,
    const floating* center, const floating* noise,
    Py_ssize_t lead, floating* panel, floating* system, floating* work,
    double* gram, double* wide,
    floating* solution, double* loss, double* residual_sum, double* added, char* unsound,
) noexcept nogil:
    """One row that is not among the long ones."""
    cdef Py_ssize_t f
    if stop - start > SEGMENT:
        return
    if start == stop and noise == NULL and center == NULL:
        for f in range(width):
            solution[f] = 0
        loss[0] = residual_sum[0] = added[0] = 0
        return
    unsound[0] = not row_is_sound(columns, start, stop, n_stored, n_columns)
    if unsound[0]:
        return
    if start == stop:
        memset(gram, 0, lead * lead * sizeof(double))
    else:
        _sum_gram(
            values, weights, columns, start, stop, n_stored, design, width, intercept, bias,
            lead, panel, gram,
        )
    _solve(
        gram, width, lead, penalty, scale, nonnegative, bias, center, noise, system, work, wide,
        solution, loss, residual_sum, added,
    )


def leave_one_out_rows(
    const floating[::1] values not None,      # IN   (nnz,)
    const floating[::1] weights not None,     # IN   (nnz,)  or empty
    const index_t[::1] columns not None,      # IN   (nnz,)
    const index_t[::1] indptr not None,    # IN   (n_rows + 1,)
    const floating[:, ::1] design not None,   # IN   (n_columns, width)
    double intercept,                         # IN
    bint bias,                                # IN
    const floating[::1] penalty not None,     # IN   (width,)
    const floating[::1] row_scale not None,   # IN   (n_rows,)
    bint nonnegative,                         # IN
    const floating[:, ::1] solution not None, # IN   (n_rows, width)  of solve_rows
    floating[::1] residual not None,          # OUT  (nnz,)  each entry less its prediction from
                                              #              the others of its row
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = indptr.shape[0] - 1
        Py_ssize_t n_columns = design.shape[0]
        Py_ssize_t width = design.shape[1]
        Py_ssize_t i, lead
        int64_t n_stored = values.shape[0]
        const floating* of_weights = NULL
        floating[:, ::1] panels, systems, works, inverses
        double[:, ::1] grams
        char[::1] unsound

    _check(
        n_stored, weights.shape[0], columns.shape[0], indptr.shape[0], width, bias,
        penalty.shape[0], {"row_scale": row_scale.shape[0]},
        (solution.shape[0], solution.shape[1]), n_threads,
    )
    if residual.shape[0] != n_stored:
        raise ValueError(f"residual has {residual.shape[0]} entries; it must have {n_stored}")
    _check_rows(columns, indptr, n_columns)
    if n_rows == 0 or n_stored == 0:
        return
    if n_columns == 0:
        raise ValueError("row 0 has columns outside of the design")
    dtype = np.asarray(design).dtype
    n_threads = granted_threads(n_threads)
    scratch = _Scratch(width, n_threads, dtype)
    lead = scratch.lead
    panels, systems, works = scratch.panels, scratch.systems, scratch.works
    grams = scratch.grams
    inverses = aligned(n_threads, lead * lead, dtype)
    if weights.shape[0]:
        of_weights = &weights[0]
    flags = np.zeros(n_rows, dtype=np.int8)
    unsound = flags
    for i in prange(n_rows, nogil=True, schedule="dynamic", chunksize=16, num_threads=n_threads):
        _leave_one_out(
            &values[0], of_weights, &columns[0], indptr[i], indptr[i + 1], n_stored,
            &design[0, 0], n_columns, width, intercept, bias, &penalty[0], row_scale[i],
            nonnegative, lead, &panels[threadid(), 0], &systems[threadid(), 0],
            &inverses[threadid(), 0], &works[threadid(), 0], &grams[threadid(), 0],
            &solution[i, 0], &residual[0], &unsound[i],
        )
    _check_columns(flags)


cdef void _leave_one_out(
    const floating* values, const floating* weights, const index_t* columns,
    int64_t start, int64_t stop, int64_t n_stored,
    const floating* design, Py_ssize_t n_columns, Py_ssize_t width, double intercept, bint bias,
    const floating* penalty, double scale, bint nonnegative,
    Py_ssize_t lead, floating* panel, floating* system, floating* inverse, floating* work,
    double* gram, const floating* solution, floating* residual, char* unsound,
) noexcept nogil:
    """Residuals of one row, e_j / (1 - h_j)."""
    cdef:
        int64_t first = start, last, at
        Py_ssize_t f
        floating* line
        double error, spared
        double rounding = 1e-5 if floating is float else 1e-12

    if start == stop:
        return
    unsound[0] = not row_is_sound(columns, start, stop, n_stored, n_columns)
    if unsound[0]:
        return
    _sum_gram(
        values, weights, columns, start, stop, n_stored, design, width, intercept, bias,
        lead, panel, gram,
    )
    if _factorize(
        gram, width, lead, penalty, scale, <const floating*> NULL, solution, nonnegative, bias,
        system, work, gram + lead * lead,
    ) < 0:
        for at in range(start, stop):
            residual[at] = values[at]
        return
    _invert_factor(system, width, lead, inverse)
    while first < stop:
        last = min(first + LRFACT_PANEL_ROWS, stop)
        # Without weights: a residual is asked for in the units of the values.
        _fill_panel(
            values, <const floating*> NULL, columns, first, last, design, width, intercept, bias,
            lead, panel,
        )
        for at in range(first, last):
            line = panel + (at - first) * lead
            error = line[width]
            for f in range(width):
                error -= <double> line[f] * solution[f]
            if nonnegative:
                for f in range(width - bias):
                    if not solution[f] > 0:
                        line[f] = 0
            spared = <double> _leverage(inverse, line, width, lead, work)
            if weights != NULL:
                spared *= weights[at]
            spared = 1 - spared
            # Where the others say nothing of an entry they leave what holds for any row.
            residual[at] = <floating> (error / spared) if spared > rounding else line[width]
        first = last
