"""A dense matrix times a narrow block, its transpose times one, and times itself, by BLAS on panels.

The panels depend on shapes alone and each is one call of BLAS on one thread, so the digits
do not depend on the number of threads. The caller keeps BLAS itself from starting any.
"""

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.limits cimport INT_MAX
from scipy.linalg.cython_blas cimport dgemm, dsyrk, sgemm, ssyrk

import numpy as np

from lrfact.kernels._thread_count import granted_threads

DEF PANEL_BYTES = 1 << 20  # of the matrix: small beside the cache of a core
DEF NARROW_PANEL = 64  # columns
DEF WIDE_PANEL = 256
DEF MOST_GROUPS = 8  # of rows, each with a partial sum of its own
DEF GROUP_ROWS = 2048
DEF TILE = 256  # columns
DEF TILE_ROWS = 512  # at least, in a group
DEF PANEL_ROWS = 4096


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


cdef inline void _syrk(
    char transpose, int n, int k, const floating* a, int lda, floating* c, int ldc,
) noexcept nogil:
    """Upper triangle, by columns, of C = op(A) op(A)'."""
    cdef floating one = 1, zero = 0
    cdef char upper = b"U"
    if floating is float:
        ssyrk(&upper, &transpose, &n, &k, &one, <float*> a, &lda, &zero, c, &ldc)
    else:
        dsyrk(&upper, &transpose, &n, &k, &one, <double*> a, &lda, &zero, c, &ldc)


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


def _check(matrix_shape, block_rows, block_rows_requested, out_shape, required_shape, n_threads):
    if block_rows != block_rows_requested:
        raise ValueError(
            f"block has {block_rows} rows; with a matrix of shape {matrix_shape} it must have "
            f"{block_rows_requested}"
        )
    if out_shape != required_shape:
        raise ValueError(f"out has shape {out_shape}; it must have {required_shape}")
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
    n_threads = granted_threads(n_threads, calls_blas=True)
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
    n_threads = granted_threads(n_threads, calls_blas=True)
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


def dense_gram(
    const floating[:, :] matrix not None,    # IN   (n_rows, n_columns)
    double[:, ::1] out not None,             # OUT  (n_columns, n_columns)
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = matrix.shape[0]
        Py_ssize_t n_columns = matrix.shape[1]
        Py_ssize_t n_tiles, n_pairs, n_groups, i, pair, group, first, last, lead
        bint by_rows
        _Layout layout
        const floating* entries
        double[:, :, ::1] partial
        floating[:, :, ::1] scratch
        Py_ssize_t[::1] left_of, right_of

    if out.shape[0] != n_columns or out.shape[1] != n_columns:
        raise ValueError(
            f"out has shape {(out.shape[0], out.shape[1])}; it must have {(n_columns, n_columns)}"
        )
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    sums = np.asarray(out)
    if n_rows == 0 or n_columns == 0:
        sums[...] = 0
        return
    layout = _Layout(
        (n_rows, n_columns), (matrix.strides[0], matrix.strides[1]), sizeof(floating)
    )
    by_rows, lead = layout.by_rows, layout.lead
    n_tiles = (n_columns + TILE - 1) // TILE
    # The larger tiles of the last column first, so that no thread is left with much to do.
    lefts, rights = np.tril_indices(n_tiles)[::-1]
    left_of, right_of = lefts.astype(np.intp), rights.astype(np.intp)
    n_pairs = len(lefts)
    n_groups = max(1, min(MOST_GROUPS // n_pairs, n_rows // TILE_ROWS))
    parts = np.zeros((n_groups, n_columns, n_columns))
    partial = parts
    n_threads = granted_threads(n_threads, calls_blas=True)
    scratch = np.empty((n_threads, TILE, TILE), dtype=np.asarray(matrix).dtype)
    entries = &matrix[0, 0]
    for i in prange(
        n_pairs * n_groups, nogil=True, schedule="dynamic", chunksize=1, num_threads=n_threads
    ):
        pair, group = i % n_pairs, i // n_pairs
        first = group * (n_rows // n_groups)
        last = n_rows if group == n_groups - 1 else first + n_rows // n_groups
        _add_tile(
            entries, lead, by_rows, first, last, n_columns, left_of[pair], right_of[pair],
            &scratch[threadid(), 0, 0], &partial[group, 0, 0],
        )
    total = parts[0]
    for part in parts[1:]:
        total += part
    # The tiles lie below the diagonal.
    np.add(np.tril(total), np.tril(total, -1).T, out=sums)


cdef void _add_tile(
    const floating* entries, Py_ssize_t lead, bint by_rows, Py_ssize_t first, Py_ssize_t last,
    Py_ssize_t n_columns, Py_ssize_t left, Py_ssize_t right,
    floating* scratch, double* partial,
) noexcept nogil:
    """Add the products of the columns of two tiles, over some rows, to a sum in float64."""
    cdef:
        Py_ssize_t start, stop, i, j
        Py_ssize_t n_left = min(TILE, n_columns - left * TILE)
        Py_ssize_t n_right = min(TILE, n_columns - right * TILE)
        const floating* a
        const floating* b
        double* column

    start = first
    while start < last:
        # Short sums in the precision of the matrix keep its digits.
        stop = min(start + PANEL_ROWS, last)
        if by_rows:
            a, b = entries + start * lead + left * TILE, entries + start * lead + right * TILE
        else:
            a, b = entries + left * TILE * lead + start, entries + right * TILE * lead + start
        if left == right:
            _syrk[floating](
                b"N" if by_rows else b"T", <int> n_left, <int> (stop - start),
                a, <int> lead, scratch, TILE,
            )
        else:
            _gemm[floating](
                b"N" if by_rows else b"T", b"T" if by_rows else b"N",
                <int> n_left, <int> n_right, <int> (stop - start),
                1, a, <int> lead, b, <int> lead, 0, scratch, TILE,
            )
        for j in range(n_right):
            column = partial + (right * TILE + j) * n_columns + left * TILE
            for i in range(j + 1 if left == right else n_left):
                column[i] += scratch[j * TILE + i]
        start = stop
