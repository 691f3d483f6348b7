/* Included by _bpr_triples.h once for each type of index, so without an include guard. */

/* All blocks of one range of rows. `starts`: where each of them starts, the first given, the end of
   the last not written. stamps: one for each column, none of a row of the range. */
static int NAME(triples_of_range)(const INDEX *indices, const INDEX *indptr,
                                  const int32_t *range_rows, ptrdiff_t n_range_rows,
                                  const int32_t *column_order, const int64_t *column_bounds,
                                  const uint8_t *column_range, INDEX n_columns, ptrdiff_t n_ranges,
                                  uint64_t seed, uint64_t first_block, int64_t *starts,
                                  int32_t *rows, int32_t *positives, int32_t *negatives,
                                  int32_t *stamps)
{
    int64_t next[TRIPLES_MOST_RANGES] = {0};
    for (ptrdiff_t r = 0; r < n_range_rows; r++) {
        INDEX before = -1;
        for (INDEX p = indptr[range_rows[r]]; p < indptr[range_rows[r] + 1]; p++) {
            const INDEX column = indices[p];
            if (column < 0 || column >= n_columns)
                return RANGE_COLUMN_OUTSIDE;
            if (column <= before)
                return RANGE_UNSORTED;
            before = column;
            next[column_range[column]]++;
        }
    }
    int64_t sum = starts[0];
    for (ptrdiff_t b = 0; b < n_ranges; b++) {
        const int64_t count = next[b];
        starts[b] = next[b] = sum;
        sum += count;
    }
    for (ptrdiff_t r = 0; r < n_range_rows; r++)
        for (INDEX p = indptr[range_rows[r]]; p < indptr[range_rows[r] + 1]; p++) {
            const INDEX column = indices[p];
            const int64_t place = next[column_range[column]]++;
            rows[place] = range_rows[r];
            positives[place] = (int32_t)column;
        }
    for (ptrdiff_t b = 0; b < n_ranges; b++)
        triples_of_block(rows + starts[b], positives + starts[b], negatives + starts[b],
                         (ptrdiff_t)(next[b] - starts[b]), column_order + column_bounds[b],
                         (uint32_t)(column_bounds[b + 1] - column_bounds[b]),
                         triples_state(seed, first_block + (uint64_t)b), stamps);
    return RANGE_SOUND;
}

#undef INDEX
#undef NAME
