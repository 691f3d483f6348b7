"""Ratios of stored entries to their approximation, summed by row: half of a multiplicative update.

One routine for both halves of an update for the Kullback-Leibler divergence: the rows given the
components, and, on the transpose, the components given the rows. With ``s_ij = w_i' d_j`` and
``m_ij = max(s_ij, floor x_ij)``

    out_i = sum_j x_ij / m_ij d_j,    loss_i = sum_j x_ij log(x_ij / m_ij) - x_ij + m_ij,
    model_sum_i = sum_j s_ij

over the positive stored entries j of row i. The digits do not depend on the number of threads: rows are
independent.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t, uint8_t

from lrfact.kernels._row_bounds cimport index_t, row_is_sound

import numpy as np

from lrfact.kernels._thread_count import granted_threads
from lrfact.kernels._argument_checks import check_row_pointers

cdef extern from "_ratio_rows.h" nogil:
    void sum_ratios_f32_i32(
        const float*, const int32_t*, Py_ssize_t, const float*, Py_ssize_t, const float*,
        double, int, float*, double*, double*) noexcept
    void sum_ratios_f32_i64(
        const float*, const int64_t*, Py_ssize_t, const float*, Py_ssize_t, const float*,
        double, int, float*, double*, double*) noexcept
    void sum_ratios_f64_i32(
        const double*, const int32_t*, Py_ssize_t, const double*, Py_ssize_t, const double*,
        double, int, double*, double*, double*) noexcept
    void sum_ratios_f64_i64(
        const double*, const int64_t*, Py_ssize_t, const double*, Py_ssize_t, const double*,
        double, int, double*, double*, double*) noexcept


cdef inline void _sum_ratios(
    const floating* values, const index_t* columns, Py_ssize_t n_stored, const floating* design,
    Py_ssize_t width, const floating* row, double floor, bint wants_loss, floating* out,
    double* loss, double* model_sum,
) noexcept nogil:
    if floating is float:
        if index_t is int32_t:
            sum_ratios_f32_i32(
                values, columns, n_stored, design, width, row, floor, wants_loss, out, loss,
                model_sum)
        else:
            sum_ratios_f32_i64(
                values, columns, n_stored, design, width, row, floor, wants_loss, out, loss,
                model_sum)
    else:
        if index_t is int32_t:
            sum_ratios_f64_i32(
                values, columns, n_stored, design, width, row, floor, wants_loss, out, loss,
                model_sum)
        else:
            sum_ratios_f64_i64(
                values, columns, n_stored, design, width, row, floor, wants_loss, out, loss,
                model_sum)


def ratio_rows(
    const floating[::1] data not None,       # IN   (nnz,)  not negative
    const index_t[::1] indices not None,     # IN   (nnz,)
    const index_t[::1] indptr not None,      # IN   (n_rows + 1,)
    const floating[:, ::1] rows not None,    # IN   (n_rows, width)
    const floating[:, ::1] design not None,  # IN   (n_columns, width)
    floating[:, ::1] out not None,           # OUT  (n_rows, width)
    double[::1] loss not None,               # OUT  (n_rows,)  zeros unless wanted
    double[::1] model_sum not None,          # OUT  (n_rows,)  zeros unless the loss is wanted
    double floor,                            # positive; share of its entry that s counts as
    bint wants_loss,
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = rows.shape[0]
        Py_ssize_t width = rows.shape[1]
        Py_ssize_t n_columns = design.shape[0]
        Py_ssize_t i
        int64_t n_stored = indices.shape[0]
        uint8_t[::1] sound

    for name, shape, wanted in (
        ("data", (data.shape[0],), (n_stored,)),
        ("indptr", (indptr.shape[0],), (n_rows + 1,)),
        ("design", (design.shape[0], design.shape[1]), (n_columns, width)),
        ("out", (out.shape[0], out.shape[1]), (n_rows, width)),
        ("loss", (loss.shape[0],), (n_rows,)),
        ("model_sum", (model_sum.shape[0],), (n_rows,)),
    ):
        if shape != wanted:
            raise ValueError(f"{name} has shape {shape}; it must have {wanted}")
    if not floor > 0:
        raise ValueError(f"floor={floor} must be positive")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    sound = np.ones(n_rows, dtype=np.uint8)
    if n_rows == 0 or width == 0 or n_stored == 0 or n_columns == 0:
        check_row_pointers(np.asarray(indptr), n_stored)
        if n_stored and n_columns == 0:
            raise ValueError("indices must lie inside the matrix")
        np.asarray(out)[...] = 0
        np.asarray(loss)[...] = np.asarray(model_sum)[...] = 0
        return
    n_threads = granted_threads(n_threads)
    for i in prange(n_rows, nogil=True, schedule="dynamic", chunksize=64, num_threads=n_threads):
        sound[i] = row_is_sound(&indices[0], indptr[i], indptr[i + 1], n_stored, n_columns)
        if sound[i]:
            _sum_ratios(
                &data[0] + indptr[i], &indices[0] + indptr[i], indptr[i + 1] - indptr[i],
                &design[0, 0], width, &rows[i, 0], floor, wants_loss, &out[i, 0],
                &loss[i], &model_sum[i],
            )
    if not np.asarray(sound).all():
        raise ValueError(
            f"row {int(np.argmin(sound))} of the sparse matrix is damaged: indptr must rise from 0 "
            "to the number of stored entries, and indices must lie inside the matrix"
        )
