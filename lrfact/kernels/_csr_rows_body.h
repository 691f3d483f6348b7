/* Included by _csr_rows.h once per value and index type, so without an include guard. */

/* All indices inside [0, n_columns)? Negative ones become huge when unsigned. */
LRFACT_EACH_CPU
static int NAME(indices_in_range)(const INDEX *columns, ptrdiff_t n_stored, ptrdiff_t n_columns)
{
    uint64_t outside = 0;
    for (ptrdiff_t p = 0; p < n_stored; p++)
        outside |= (uint64_t)((uint64_t)(int64_t)columns[p] >= (uint64_t)n_columns);
    return outside == 0;
}

/* The row may belong to an index not yet checked: a prefetch of any address is harmless,
   and unsigned arithmetic keeps its computation defined. */
static inline void NAME(prefetch_row)(const VALUE *block, INDEX row, ptrdiff_t width)
{
    const uintptr_t row_bytes = (uintptr_t)width * sizeof(VALUE);
    const uintptr_t first = (uintptr_t)block + (uintptr_t)row * row_bytes;
    for (uintptr_t b = 0; b < row_bytes; b += LRFACT_CACHE_LINE)
        LRFACT_PREFETCH((const void *)(first + b));
    (void)first; /* where prefetching expands to nothing */
}

/* out[0:width] = sum_p values[p] * block[columns[p], 0:width]
   `n_readable` counts the indices to the end of the matrix: rows are short, so the prefetch
   looks into the next one. */
LRFACT_EACH_CPU
static void NAME(gather_row)(const VALUE *values, const INDEX *columns, ptrdiff_t n_stored,
                             ptrdiff_t n_readable, const VALUE *block, ptrdiff_t width,
                             VALUE *LRFACT_RESTRICT out)
{
    ptrdiff_t p = 0;
    if (width == 1) {
        /* A matrix-vector product: four chains hide the latency of the additions. */
        VALUE s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (; p + 4 <= n_stored; p += 4) {
            s0 += values[p] * block[columns[p]];
            s1 += values[p + 1] * block[columns[p + 1]];
            s2 += values[p + 2] * block[columns[p + 2]];
            s3 += values[p + 3] * block[columns[p + 3]];
        }
        for (; p < n_stored; p++)
            s0 += values[p] * block[columns[p]];
        out[0] = (s0 + s1) + (s2 + s3);
        return;
    }
    for (ptrdiff_t t = 0; t < width; t++)
        out[t] = 0;
    /* Four rows at a time: `out` is then loaded and stored a quarter as often. */
    for (; p + 4 <= n_stored; p += 4) {
        const VALUE a0 = values[p], a1 = values[p + 1], a2 = values[p + 2], a3 = values[p + 3];
        const VALUE *b0 = block + (ptrdiff_t)columns[p] * width;
        const VALUE *b1 = block + (ptrdiff_t)columns[p + 1] * width;
        const VALUE *b2 = block + (ptrdiff_t)columns[p + 2] * width;
        const VALUE *b3 = block + (ptrdiff_t)columns[p + 3] * width;
        for (ptrdiff_t q = p + LRFACT_AHEAD; q < n_readable && q < p + LRFACT_AHEAD + 4; q++)
            NAME(prefetch_row)(block, columns[q], width);
        for (ptrdiff_t t = 0; t < width; t++)
            out[t] += (a0 * b0[t] + a1 * b1[t]) + (a2 * b2[t] + a3 * b3[t]);
    }
    for (; p < n_stored; p++) {
        const VALUE a = values[p];
        const VALUE *b = block + (ptrdiff_t)columns[p] * width;
        if (p + LRFACT_AHEAD < n_readable)
            NAME(prefetch_row)(block, columns[p + LRFACT_AHEAD], width);
        for (ptrdiff_t t = 0; t < width; t++)
            out[t] += a * b[t];
    }
}

/* out[columns[p], 0:width] += values[p] * row[0:width], for columns inside [first, last) only */
LRFACT_EACH_CPU
static void NAME(scatter_row)(const VALUE *values, const INDEX *columns, ptrdiff_t n_stored,
                              ptrdiff_t first, ptrdiff_t last, const VALUE *LRFACT_RESTRICT row,
                              ptrdiff_t width, VALUE *LRFACT_RESTRICT out)
{
    if (width == 1) {
        for (ptrdiff_t p = 0; p < n_stored; p++) {
            const ptrdiff_t column = (ptrdiff_t)columns[p];
            if (column >= first && column < last)
                out[column] += values[p] * row[0];
        }
        return;
    }
    for (ptrdiff_t p = 0; p < n_stored; p++) {
        const ptrdiff_t column = (ptrdiff_t)columns[p];
        if (p + LRFACT_AHEAD < n_stored) {
            const ptrdiff_t next = (ptrdiff_t)columns[p + LRFACT_AHEAD];
            if (next >= first && next < last)
                NAME(prefetch_row)(out, columns[p + LRFACT_AHEAD], width);
        }
        if (column < first || column >= last)
            continue;
        const VALUE a = values[p];
        VALUE *LRFACT_RESTRICT o = out + column * width;
        for (ptrdiff_t t = 0; t < width; t++)
            o[t] += a * row[t];
    }
}

#undef VALUE
#undef INDEX
#undef NAME
