/* Included by _masked_rows.h once for each type of value, so without an include guard.
 *
 * All matrices are `lead` entries from row to row, a multiple of LANES and at least the number of
 * columns rounded up to LRFACT_TILE_ROWS; what lies beyond the last column is zero.
 */

#define LANES (LRFACT_VECTOR_BYTES / (ptrdiff_t)sizeof(VALUE))

#ifdef LRFACT_VECTOR_TYPES
typedef VALUE NAME(vector) __attribute__((vector_size(LRFACT_VECTOR_BYTES), aligned(sizeof(VALUE))));
#else
typedef struct { VALUE lane[LRFACT_VECTOR_BYTES / sizeof(VALUE)]; } NAME(vector);
#endif

/* sum[a][v] = sum_r left[r, a] right[r, v], for a tile of rows a and some vectors v */
LRFACT_INLINE void NAME(multiply_tile)(const VALUE *left, const VALUE *right, ptrdiff_t n,
                                       ptrdiff_t lead, const int n_vectors,
                                       NAME(vector) sum[LRFACT_TILE_ROWS][2])
{
#ifdef LRFACT_VECTOR_TYPES
    for (int a = 0; a < LRFACT_TILE_ROWS; a++)
        for (int v = 0; v < n_vectors; v++)
            sum[a][v] = (NAME(vector)){0};
    for (ptrdiff_t r = 0; r < n; r++) {
        NAME(vector) b[2];
        for (int v = 0; v < n_vectors; v++)
            b[v] = *(const NAME(vector) *)(right + r * lead + v * LANES);
        for (int a = 0; a < LRFACT_TILE_ROWS; a++) {
            const VALUE s = left[r * lead + a];
            for (int v = 0; v < n_vectors; v++)
                sum[a][v] += s * b[v];
        }
    }
#else
    for (int a = 0; a < LRFACT_TILE_ROWS; a++)
        for (int v = 0; v < n_vectors; v++)
            for (ptrdiff_t l = 0; l < LANES; l++)
                sum[a][v].lane[l] = 0;
    for (ptrdiff_t r = 0; r < n; r++)
        for (int a = 0; a < LRFACT_TILE_ROWS; a++)
            for (int v = 0; v < n_vectors; v++)
                for (ptrdiff_t l = 0; l < LANES; l++)
                    sum[a][v].lane[l] += left[r * lead + a] * right[r * lead + v * LANES + l];
#endif
}

#ifdef LRFACT_VECTOR_TYPES
#define LANE(vector, l) (vector)[l]
#else
#define LANE(vector, l) (vector).lane[l]
#endif

LRFACT_INLINE void NAME(gram_tile)(const VALUE *left, const VALUE *right, ptrdiff_t n,
                                   ptrdiff_t lead, const int n_vectors, int first,
                                   double *LRFACT_RESTRICT out)
{
    NAME(vector) sum[LRFACT_TILE_ROWS][2];
    NAME(multiply_tile)(left, right, n, lead, n_vectors, sum);
    for (int a = 0; a < LRFACT_TILE_ROWS; a++)
        for (int v = 0; v < n_vectors; v++)
            for (ptrdiff_t l = 0; l < LANES; l++) {
                double *o = out + a * lead + v * LANES + l;
                *o = (first ? 0.0 : *o) + (double)LANE(sum[a][v], l);
            }
}

/* Ask for the lines of rows that lie anywhere in memory. */
LRFACT_INLINE void NAME(prefetch_rows)(const uintptr_t *rows, ptrdiff_t n, uintptr_t row_bytes)
{
    for (ptrdiff_t r = 0; r < n; r++) {
        for (uintptr_t b = 0; b < row_bytes; b += LRFACT_CACHE_LINE)
            LRFACT_PREFETCH((const void *)(rows[r] + b));
        LRFACT_PREFETCH((const void *)(rows[r] + row_bytes - 1));
        (void)rows; /* where prefetching expands to nothing */
    }
}

/* gram (+)= panel' panel, upper triangle; the sums over panels are in double. Meanwhile the rows
 * that come next are fetched, a few with each tile: more at once would have to wait in line. */
LRFACT_EACH_CPU
static void NAME(add_gram)(const VALUE *panel, ptrdiff_t n, ptrdiff_t n_columns, ptrdiff_t lead,
                           int first, const uintptr_t *next, ptrdiff_t n_next,
                           uintptr_t row_bytes, double *LRFACT_RESTRICT gram)
{
    ptrdiff_t n_tiles = 0, fetched = 0, done = 0;
    for (ptrdiff_t i = 0; i < n_columns; i += LRFACT_TILE_ROWS)
        n_tiles += ((lead - i / LANES * LANES) / LANES + 1) / 2;
    for (ptrdiff_t i = 0; i < n_columns; i += LRFACT_TILE_ROWS)
        for (ptrdiff_t j = i / LANES * LANES; j < lead; j += 2 * LANES) {
            const ptrdiff_t until = n_next * ++done / n_tiles;
            NAME(prefetch_rows)(next + fetched, until - fetched, row_bytes);
            fetched = until;
            if (j + LANES < lead)
                NAME(gram_tile)(panel + i, panel + j, n, lead, 2, first, gram + i * lead + j);
            else
                NAME(gram_tile)(panel + i, panel + j, n, lead, 1, first, gram + i * lead + j);
        }
}

LRFACT_INLINE void NAME(eliminate_tile)(const VALUE *left, const VALUE *right, ptrdiff_t n,
                                        ptrdiff_t lead, const int n_vectors, VALUE *out)
{
    NAME(vector) sum[LRFACT_TILE_ROWS][2];
    NAME(multiply_tile)(left, right, n, lead, n_vectors, sum);
    for (int a = 0; a < LRFACT_TILE_ROWS; a++)
        for (int v = 0; v < n_vectors; v++)
            for (ptrdiff_t l = 0; l < LANES; l++)
                out[a * lead + v * LANES + l] -= LANE(sum[a][v], l);
}

/* A = gram with `diagonal` in the place of its own, least_pivot = rounding * diagonal */
LRFACT_EACH_CPU
static void NAME(set_system)(const double *gram, const double *diagonal, ptrdiff_t n_unknowns,
                             ptrdiff_t lead, double rounding, VALUE *LRFACT_RESTRICT A,
                             VALUE *LRFACT_RESTRICT least_pivot)
{
    for (ptrdiff_t i = 0; i < n_unknowns; i++) {
        for (ptrdiff_t j = i / LANES * LANES; j < lead; j++)
            A[i * lead + j] = (VALUE)gram[i * lead + j];
        A[i * lead + i] = (VALUE)diagonal[i];
        least_pivot[i] = (VALUE)(rounding * diagonal[i]);
    }
    for (ptrdiff_t i = n_unknowns * lead; i < lead * lead; i++)
        A[i] = 0;
}

/* Upper factor U of the leading n_unknowns x n_unknowns block, A = U'U, in place; the same row
 * operations are applied to the columns to the right, so that one that holds the right-hand side
 * b becomes inv(U') b. Below the diagonal A is scratch.
 * Returns 0, or the number, from 1, of the first pivot that is not above its least value. */
LRFACT_EACH_CPU
static ptrdiff_t NAME(cholesky)(VALUE *A, ptrdiff_t n_unknowns, ptrdiff_t lead,
                                const VALUE *least_pivot)
{
    for (ptrdiff_t i0 = 0; i0 < n_unknowns; i0 += LRFACT_TILE_ROWS) {
        ptrdiff_t j = i0 / LANES * LANES;
        if (i0 > 0) {
            for (; j + 2 * LANES <= lead; j += 2 * LANES)
                NAME(eliminate_tile)(A + i0, A + j, i0, lead, 2, A + i0 * lead + j);
            for (; j < lead; j += LANES)
                NAME(eliminate_tile)(A + i0, A + j, i0, lead, 1, A + i0 * lead + j);
        }
        for (ptrdiff_t i = i0; i < i0 + LRFACT_TILE_ROWS && i < n_unknowns; i++) {
            VALUE *row = A + i * lead;
            for (ptrdiff_t r = i0; r < i; r++) {
                const VALUE *above = A + r * lead;
                const VALUE s = above[i];
                for (j = i / LANES * LANES; j < lead; j++)
                    row[j] -= s * above[j];
            }
            /* False for NaN, too. */
            if (!(row[i] > least_pivot[i] && row[i] <= (VALUE)HUGE_PIVOT))
                return i + 1;
            const VALUE s = 1 / (VALUE)sqrt((double)row[i]);
            for (j = i; j < lead; j++)
                row[j] *= s;
        }
    }
    return 0;
}

/* sum_j a[j] b[j]: vectors are written out, as compilers add plain loops' terms one by one. */
LRFACT_INLINE VALUE NAME(dot)(const VALUE *a, const VALUE *b, ptrdiff_t n)
{
    VALUE lanes[LRFACT_VECTOR_BYTES / sizeof(VALUE)] = {0};
    ptrdiff_t j = 0;
#ifdef LRFACT_VECTOR_TYPES
    NAME(vector) sum = {0}, other = {0};
    for (; j + 2 * LANES <= n; j += 2 * LANES) {
        sum += *(const NAME(vector) *)(a + j) * *(const NAME(vector) *)(b + j);
        other += *(const NAME(vector) *)(a + j + LANES) * *(const NAME(vector) *)(b + j + LANES);
    }
    sum += other;
    for (ptrdiff_t l = 0; l < LANES; l++)
        lanes[l] = sum[l];
#endif
    for (; j + LANES <= n; j += LANES)
        for (ptrdiff_t l = 0; l < LANES; l++)
            lanes[l] += a[j + l] * b[j + l];
    for (; j < n; j++)
        lanes[0] += a[j] * b[j];
    for (ptrdiff_t half = LANES / 2; half > 0; half /= 2)
        for (ptrdiff_t l = 0; l < half; l++)
            lanes[l] += lanes[l + half];
    return lanes[0];
}

/* Solve U x = column n_unknowns of A, which cholesky has left there; x is `lead` long. */
LRFACT_EACH_CPU
static void NAME(back_substitute)(const VALUE *A, ptrdiff_t n_unknowns, ptrdiff_t lead, VALUE *x)
{
    for (ptrdiff_t j = 0; j < lead; j++)
        x[j] = 0;
    /* Block by block of rows, so that a vector of x is not read right after one of its entries
       was written. */
    for (ptrdiff_t i0 = (n_unknowns - 1) / LANES * LANES; i0 >= 0; i0 -= LANES) {
        const ptrdiff_t i1 = i0 + LANES < n_unknowns ? i0 + LANES : n_unknowns;
        for (ptrdiff_t i = i1 - 1; i >= i0; i--) {
            const VALUE *row = A + i * lead;
            VALUE s[LRFACT_VECTOR_BYTES / sizeof(VALUE)] = {0};
            for (ptrdiff_t j = i0 + LANES; j < lead; j += LANES)
                for (ptrdiff_t l = 0; l < LANES; l++)
                    s[l] += row[j + l] * x[j + l];
            for (ptrdiff_t l = LANES / 2; l > 0; l /= 2)
                for (ptrdiff_t m = 0; m < l; m++)
                    s[m] += s[m + l];
            VALUE left = row[n_unknowns] - s[0];
            for (ptrdiff_t j = i + 1; j < i1; j++)
                left -= row[j] * x[j];
            x[i] = left / row[i];
        }
    }
}

/* out = inv(U), upper, zero below the diagonal */
LRFACT_EACH_CPU
static void NAME(invert_factor)(const VALUE *A, ptrdiff_t n_unknowns, ptrdiff_t lead,
                                VALUE *LRFACT_RESTRICT out)
{
    /* Row i of inv(U): (e_i - sum_{r > i} U[i, r] inv(U)[r]) / U[i, i], from the last row up. */
    for (ptrdiff_t i = n_unknowns - 1; i >= 0; i--) {
        VALUE *row = out + i * lead;
        for (ptrdiff_t j = 0; j < lead; j++)
            row[j] = 0;
        row[i] = 1;
        for (ptrdiff_t r = i + 1; r < n_unknowns; r++) {
            const VALUE s = A[i * lead + r];
            const VALUE *below = out + r * lead;
            for (ptrdiff_t j = i + 1; j < lead; j++)
                row[j] -= s * below[j];
        }
        const VALUE s = 1 / A[i * lead + i];
        for (ptrdiff_t j = i; j < lead; j++)
            row[j] *= s;
    }
}

/* d' inv(A) d = |inv(U') d|^2; `work` holds n_unknowns entries */
LRFACT_EACH_CPU
static VALUE NAME(leverage)(const VALUE *inverse_factor, const VALUE *d, ptrdiff_t n_unknowns,
                            ptrdiff_t lead, VALUE *LRFACT_RESTRICT work)
{
    for (ptrdiff_t j = 0; j < n_unknowns; j++)
        work[j] = 0;
    for (ptrdiff_t i = 0; i < n_unknowns; i++) {
        const VALUE s = d[i];
        const VALUE *row = inverse_factor + i * lead;
        for (ptrdiff_t j = i; j < n_unknowns; j++)
            work[j] += s * row[j];
    }
    return NAME(dot)(work, work, n_unknowns);
}

#undef LANE
#undef LANES
#undef VALUE
#undef HUGE_PIVOT
#undef NAME
