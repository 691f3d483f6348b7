/* Stored entries of a sparse matrix sorted into a grid of blocks, each with a column that its row
 * does not have.
 *
 * `_bpr_triples_body.h` is included once for each type of index.
 */
#ifndef LRFACT_RANKING_TRIPLES_H
#define LRFACT_RANKING_TRIPLES_H

#include <stddef.h>
#include <stdint.h>

/* Draws that may fail before the columns that a row does not have are counted out. */
#define TRIPLES_MOST_DRAWS 32
/* Range numbers are bytes. */
#define TRIPLES_MOST_RANGES 256

enum { RANGE_SOUND, RANGE_COLUMN_OUTSIDE, RANGE_UNSORTED };

/* SplitMix64 (Steele, Lea and Flood, 2014, doi:10.1145/2660193.2660195). */
static inline uint64_t triples_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* One of 0 to n - 1, from the upper half of a random number: nothing is divided. */
static inline uint32_t triples_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(((triples_random(state) >> 32) * (uint64_t)n) >> 32);
}

/* Each block has a generator of its own, so that no order of visits matters. */
static inline uint64_t triples_state(uint64_t seed, uint64_t block)
{
    uint64_t state = seed ^ (block * UINT64_C(0xD1342543DE82EF95));
    return triples_random(&state);
}

/* A column of the range that does not bear the stamp, which `n_stamped` of them do, fewer than
   `size`; each of the others with the same chance. */
static int32_t triples_negative(const int32_t *range, uint32_t size, const int32_t *stamps,
                                int32_t stamp, ptrdiff_t n_stamped, uint64_t *state)
{
    for (int draw = 0; draw < TRIPLES_MOST_DRAWS; draw++) {
        const int32_t column = range[triples_below(state, size)];
        if (stamps[column] != stamp)
            return column;
    }
    uint32_t before = triples_below(state, size - (uint32_t)n_stamped);
    for (uint32_t p = 0;; p++)
        if (stamps[range[p]] != stamp && before-- == 0)
            return range[p];
}

/* Negatives of one block, whose entries lie row after row: those of a row are all that it has of
   the range. -1 where it has the whole range. stamps: the last row that had a column; rows come
   once for each range, so that none has to be taken away. */
static void triples_of_block(const int32_t *rows, const int32_t *positives, int32_t *negatives,
                             ptrdiff_t n_entries, const int32_t *range, uint32_t size,
                             uint64_t state, int32_t *stamps)
{
    for (ptrdiff_t first = 0, last; first < n_entries; first = last) {
        const int32_t row = rows[first];
        for (last = first; last < n_entries && rows[last] == row; last++)
            stamps[positives[last]] = row;
        for (ptrdiff_t e = first; e < last; e++)
            negatives[e] = last - first >= (ptrdiff_t)size
                ? -1
                : triples_negative(range, size, stamps, row, last - first, &state);
    }
}

#define INDEX int32_t
#define NAME(stem) stem##_i32
#include "_bpr_triples_body.h"

#define INDEX int64_t
#define NAME(stem) stem##_i64
#include "_bpr_triples_body.h"

#endif
