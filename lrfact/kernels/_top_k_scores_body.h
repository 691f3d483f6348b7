/* Included by _top_k_scores.h once per instruction set and value type, so without an include
   guard. */

#define NAME(stem) LRFACT_NAME(stem, SUFFIX)
#define LANES ((ptrdiff_t)(VECTOR_BYTES / sizeof(VALUE)))
#define PANEL ((ptrdiff_t)(LRFACT_PANEL_BYTES / sizeof(VALUE)))

#if LRFACT_VECTORS
typedef VALUE NAME(vector)
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(VALUE)), may_alias));
typedef MASK NAME(mask) __attribute__((vector_size(VECTOR_BYTES)));
#define ZERO(type) ((type){0})
#define NOT_UP_TO(score, floor) (~((score) <= (floor))) /* true for NaN as well */
#else
typedef VALUE NAME(vector);
typedef int NAME(mask);
#define ZERO(type) ((type)0)
#define NOT_UP_TO(score, floor) (!((score) <= (floor)))
#endif

LRFACT_INLINE TARGET int NAME(any_of)(const NAME(mask) *mask)
{
    uint64_t words[(sizeof(*mask) + 7) / 8] = {0}, any = 0;
    memcpy(words, mask, sizeof(*mask));
    for (size_t w = 0; w < sizeof(words) / 8; w++)
        any |= words[w];
    return any != 0;
}

/* `n_rows` rows times `n_vectors` vectors of queries, both known where this is inlined. */
LRFACT_INLINE TARGET ptrdiff_t NAME(tile_scores_above)(
    const VALUE *panel, ptrdiff_t n_queries, const VALUE *floors, const VALUE *rows,
    const int n_rows, const int n_vectors, ptrdiff_t width, const VALUE *offset,
    ptrdiff_t first_place, VALUE *scores, int32_t *places, ptrdiff_t n_found)
{
    NAME(vector) sums[TILE_ROWS][2], entries[2];
    NAME(mask) found = ZERO(NAME(mask));

    for (int r = 0; r < n_rows; r++)
        for (int v = 0; v < n_vectors; v++)
            sums[r][v] = ZERO(NAME(vector));
    for (ptrdiff_t f = 0; f < width; f++) {
        for (int v = 0; v < n_vectors; v++)
            entries[v] = *(const NAME(vector) *)(panel + f * PANEL + v * LANES);
        LRFACT_UNROLL
        for (int r = 0; r < n_rows; r++) {
            const VALUE entry = rows[r * width + f];
            for (int v = 0; v < n_vectors; v++)
                sums[r][v] += entries[v] * entry;
        }
    }
    LRFACT_UNROLL
    for (int r = 0; r < n_rows; r++) {
        for (int v = 0; v < n_vectors; v++) {
            if (offset != NULL)
                sums[r][v] += offset[r];
            found |= NOT_UP_TO(sums[r][v], *(const NAME(vector) *)(floors + v * LANES));
        }
    }
    if (!NAME(any_of)(&found))
        return n_found;
    for (int r = 0; r < n_rows; r++) {
        VALUE row_scores[2 * VECTOR_BYTES / sizeof(VALUE)];
        memcpy(row_scores, sums[r], n_vectors * VECTOR_BYTES);
        for (ptrdiff_t q = 0; q < n_vectors * LANES && q < n_queries; q++) {
            if (!(row_scores[q] <= floors[q])) {
                scores[n_found] = row_scores[q];
                places[n_found++] = (int32_t)(first_place + r * PANEL + q);
            }
        }
    }
    return n_found;
}

TARGET static ptrdiff_t NAME(panel_scores_above)(
    const VALUE *panel, ptrdiff_t n_queries, const VALUE *floors, const VALUE *rows,
    ptrdiff_t n_rows, ptrdiff_t width, const VALUE *offset, VALUE *scores, int32_t *places)
{
    ptrdiff_t n_found = 0;

#define TILE(n_tile_rows, n_vectors)                                                           \
    n_found = NAME(tile_scores_above)(                                                         \
        panel + first, n_queries - first, floors + first, rows + i * width, n_tile_rows,       \
        n_vectors, width, offset == NULL ? NULL : offset + i, i * PANEL + first, scores,       \
        places, n_found)

    for (ptrdiff_t first = 0; first < n_queries; first += 2 * LANES) {
        ptrdiff_t i = 0;
        if (n_queries - first > LANES) {
            for (; i + TILE_ROWS <= n_rows; i += TILE_ROWS)
                TILE(TILE_ROWS, 2);
            for (; i < n_rows; i++)
                TILE(1, 2);
        } else {
            for (; i + TILE_ROWS <= n_rows; i += TILE_ROWS)
                TILE(TILE_ROWS, 1);
            for (; i < n_rows; i++)
                TILE(1, 1);
        }
    }
    return n_found;
#undef TILE
}

/* Products of a query and `n_rows` rows: entries by vectors, then what is left of the row. */
LRFACT_INLINE TARGET void NAME(dot_rows)(const VALUE *query, const VALUE *rows, const int n_rows,
                                         ptrdiff_t width, VALUE *products)
{
    NAME(vector) sums[LRFACT_DOT_ROWS];
    ptrdiff_t f = 0;

    for (int r = 0; r < n_rows; r++)
        sums[r] = ZERO(NAME(vector));
    for (; f + LANES <= width; f += LANES) {
        const NAME(vector) entries = *(const NAME(vector) *)(query + f);
        LRFACT_UNROLL
        for (int r = 0; r < n_rows; r++)
            sums[r] += entries * *(const NAME(vector) *)(rows + r * width + f);
    }
    for (int r = 0; r < n_rows; r++) {
        VALUE lanes[VECTOR_BYTES / sizeof(VALUE)], rest = 0;
        memcpy(lanes, &sums[r], VECTOR_BYTES);
        for (ptrdiff_t half = LANES / 2; half > 0; half /= 2)
            for (ptrdiff_t q = 0; q < half; q++)
                lanes[q] += lanes[q + half];
        for (ptrdiff_t g = f; g < width; g++)
            rest += query[g] * rows[r * width + g];
        products[r] = lanes[0] + rest;
    }
}

TARGET static ptrdiff_t NAME(row_scores_above)(const VALUE *query, VALUE floor, const VALUE *rows,
                                               ptrdiff_t n_rows, ptrdiff_t width,
                                               const VALUE *offset, VALUE *scores, int32_t *places)
{
    ptrdiff_t n_found = 0, i = 0, n_done;

    for (; i < n_rows; i += n_done) {
        VALUE products[LRFACT_DOT_ROWS];
        n_done = n_rows - i < LRFACT_DOT_ROWS ? 1 : LRFACT_DOT_ROWS;
        if (n_done == 1)
            NAME(dot_rows)(query, rows + i * width, 1, width, products);
        else
            NAME(dot_rows)(query, rows + i * width, LRFACT_DOT_ROWS, width, products);
        for (ptrdiff_t r = 0; r < n_done; r++) {
            const VALUE score = offset == NULL ? products[r] : products[r] + offset[i + r];
            if (!(score <= floor)) {
                scores[n_found] = score;
                places[n_found++] = (int32_t)(i + r);
            }
        }
    }
    return n_found;
}

#undef ZERO
#undef NOT_UP_TO
#undef LANES
#undef PANEL
#undef NAME
#undef VALUE
#undef MASK
#undef SUFFIX
