"""A dense matrix times a narrow block, and its transpose times one, by BLAS on panels.

The panels depend on shapes alone and each is one call of BLAS on one thread, so the digits
do not depend on the number of threads. The caller keeps BLAS itself from starting any.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.limits cimport INT_MAX
from scipy.linalg.cython_blas cimport dgemm, sgemm

import numpy as np

DEF PANEL_BYTES = 1 << 20  # of the matrix: small beside the cache of a core
DEF NARROW_PANEL = 64  # columns
DEF WIDE_PANEL = 256
DEF MOST_GROUPS = 8  # of rows, each with a partial sum of its own
DEF GROUP_ROWS = 2048


cdef inline void _gemm(
    char transpose_a, char transpose_b, int m, int n, int k, floating alpha,
    const floating* a, int lda, const floating* b, int ldb,
    floating beta, floating* c, int ldc,
) noexcept nogil:
    """C = alpha op(A) op(B) + beta C, by columns."""
    if floating is float:
        sgemm(&transpose_a, &transpose_b, &m, &n, &k, &alpha, <float*> a, &lda, <float*> b, &ldb,
              &beta, c, &ldc)
    else:
        dgemm(&transpose_a, &transpose_b, &m, &n, &k, &alpha, <double*> a, &lda, <double*> b, &ldb,
              &beta, c, &ldc)


cdef class _Layout:
    """How a matrix lies in memory: by rows or by columns, `lead` entries from one to the next."""

    cdef bint by_rows
    cdef Py_ssize_t lead

    def __init__(self, shape, strides, Py_ssize_t itemsize):
        n_rows, n_columns = shape
        self.by_rows = n_columns == 1 or strides[1] == itemsize
        if not self.by_rows and n_rows > 1 and strides[0] != itemsize:
            raise ValueError("matrix must be contiguous along its rows or along its columns")
        long_stride = strides[0] if self.by_rows else strides[1]
        n_lines, line = (n_rows, n_columns) if self.by_rows else (n_columns, n_rows)
        self.lead = line if n_lines == 1 else long_stride // itemsize
        if self.lead < line or (n_lines > 1 and long_stride % itemsize):
            raise ValueError("rows or columns of the matrix overlap, or run backwards")
        if max(n_rows, n_columns, self.lead) > INT_MAX:
            raise ValueError("matrix has more than 2^31 - 1 rows or columns, which BLAS cannot count")


def _check(matrix_shape, block_rows, block_rows_wanted, out_shape, out_shape_wanted, n_threads):
    if block_rows != block_rows_wanted:
        raise ValueError(
            f"block has {block_rows} rows; with a matrix of shape {matrix_shape} it must have "
            f"{block_rows_wanted}"
        )
    if out_shape != out_shape_wanted:
        raise ValueError(f"out has shape {out_shape}; it must have {out_shape_wanted}")
    if max(out_shape) > INT_MAX:
        raise ValueError("out has more than 2^31 - 1 rows or columns, which BLAS cannot count")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")


def dense_matmat(
    const floating[:, :] matrix not None,    # IN      (n_rows, n_columns)
    const floating[:, ::1] block not None,   # IN      (n_columns, width)
    double factor,                           # IN
    floating[:, ::1] out not None,           # IN, OUT (n_rows, width)
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = matrix.shape[0]
        Py_ssize_t n_columns = matrix.shape[1]
        Py_ssize_t width = block.shape[1]
        Py_ssize_t itemsize = sizeof(floating)
        Py_ssize_t panel, n_panels, i, first, height, lead
        bint by_rows
        _Layout layout
        const floating* entries
        const floating* of_block
        floating* of_out

    _check(
        (n_rows, n_columns), block.shape[0], n_columns, (out.shape[0], out.shape[1]),
        (n_rows, width), n_threads,
    )
    if n_rows == 0 or n_columns == 0 or width == 0:
        return
    layout = _Layout((n_rows, n_columns), (matrix.strides[0], matrix.strides[1]), itemsize)
    by_rows, lead = layout.by_rows, layout.lead
    entries, of_block, of_out = &matrix[0, 0], &block[0, 0], &out[0, 0]
    panel = min(max(PANEL_BYTES // (n_columns * itemsize), 128), 4096)
    n_panels = (n_rows + panel - 1) // panel
    for i in prange(
        n_panels, nogil=True, schedule="dynamic", chunksize=1, num_threads=n_threads
    ):
        first = i * panel
        height = min(panel, n_rows - first)
        # What lies by rows is its own transpose by columns, so BLAS gets all factors transposed.
        if by_rows:
            _gemm[floating](
                b"N", b"N", <int> width, <int> height, <int> n_columns, <floating> factor,
                of_block, <int> width, entries + first * lead, <int> lead,
                1, of_out + first * width, <int> width,
            )
        else:
            _gemm[floating](
                b"N", b"T", <int> width, <int> height, <int> n_columns, <floating> factor,
                of_block, <int> width, entries + first, <int> lead,
                1, of_out + first * width, <int> width,
            )


def dense_rmatmat(
    const floating[:, :] matrix not None,    # IN   (n_rows, n_columns)
    const floating[:, ::1] block not None,   # IN   (n_rows, width)
    floating[:, ::1] out not None,           # OUT  (n_columns, width)
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = matrix.shape[0]
        Py_ssize_t n_columns = matrix.shape[1]
        Py_ssize_t width = block.shape[1]
        Py_ssize_t panel, n_panels, n_groups, i, row, column, height, n_wide, lead
        bint by_rows
        _Layout layout
        const floating* entries
        const floating* of_block
        floating[:, :, ::1] partial
        floating* of_partial

    _check(
        (n_rows, n_columns), block.shape[0], n_rows, (out.shape[0], out.shape[1]),
        (n_columns, width), n_threads,
    )
    sums = np.asarray(out)
    if n_rows == 0 or n_columns == 0 or width == 0:
        sums[...] = 0
        return
    layout = _Layout(
        (n_rows, n_columns), (matrix.strides[0], matrix.strides[1]), sizeof(floating)
    )
    by_rows, lead = layout.by_rows, layout.lead
    panel = NARROW_PANEL if n_columns <= 1024 else WIDE_PANEL
    n_panels = (n_columns + panel - 1) // panel
    n_groups = max(1, min(MOST_GROUPS // n_panels, n_rows // GROUP_ROWS))
    parts = sums[np.newaxis] if n_groups == 1 else np.empty((n_groups, *sums.shape), sums.dtype)
    partial = parts
    entries, of_block, of_partial = &matrix[0, 0], &block[0, 0], &partial[0, 0, 0]
    for i in prange(
        n_panels * n_groups, nogil=True, schedule="dynamic", chunksize=1, num_threads=n_threads
    ):
        column = (i % n_panels) * panel
        n_wide = min(panel, n_columns - column)
        row = (i // n_panels) * (n_rows // n_groups)
        height = n_rows - row if i // n_panels == n_groups - 1 else n_rows // n_groups
        if by_rows:
            _gemm[floating](
                b"N", b"T", <int> width, <int> n_wide, <int> height, 1,
                of_block + row * width, <int> width, entries + row * lead + column, <int> lead,
                0, of_partial + ((i // n_panels) * n_columns + column) * width, <int> width,
            )
        else:
            _gemm[floating](
                b"N", b"N", <int> width, <int> n_wide, <int> height, 1,
                of_block + row * width, <int> width, entries + column * lead + row, <int> lead,
                0, of_partial + ((i // n_panels) * n_columns + column) * width, <int> width,
            )
    if n_groups > 1:
        parts.sum(axis=0, out=sums)
