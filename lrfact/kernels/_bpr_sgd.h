/* Stochastic gradient descent on pairwise logistic losses, over the triples of one block.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU: the loader picks the version for the
 * vectors that the machine has.
 *
 * `_bpr_sgd_body.h` is included once for each type of value.
 */
#ifndef LRFACT_RANKING_SGD_H
#define LRFACT_RANKING_SGD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "_block_schedule.h"
#include "_each_cpu.h"

/* What is kept of each column beside its factors. */
enum { BIAS, FACTOR_SQUARES, BIAS_SQUARES, N_COLUMN_STATES };

/* Rows and columns lie far apart in memory: asked for so many triples before. */
#define RANKING_AHEAD 8
/* Not the widest vectors there are, as in _masked_sgd.h. */
#define LRFACT_LANES_BYTES 32
/* Factors of 1 to 2 that a double takes up before the logarithm of their product is due. */
#define RANKING_MOST_FACTORS 1000

/* Rows and columns all there and in their block? A negative of -1 stands for none. */
static int triples_inside(const int32_t *rows, const int32_t *positives, const int32_t *negatives,
                          ptrdiff_t n, const uint8_t *row_range, const uint8_t *column_range,
                          uint32_t n_rows, uint32_t n_columns, uint8_t a, uint8_t b)
{
    for (ptrdiff_t e = 0; e < n; e++) {
        if ((uint32_t)rows[e] >= n_rows || row_range[rows[e]] != a)
            return 0;
        if ((uint32_t)positives[e] >= n_columns || column_range[positives[e]] != b)
            return 0;
        if (negatives[e] == -1)
            continue;
        if ((uint32_t)negatives[e] >= n_columns || column_range[negatives[e]] != b ||
            negatives[e] == positives[e])
            return 0;
    }
    return 1;
}

#define VALUE float
#define NAME(stem) stem##_f32
#define ROOT sqrtf
#define EXP expf
#define MAGNITUDE fabsf
#include "_bpr_sgd_body.h"

#define VALUE double
#define NAME(stem) stem##_f64
#define ROOT sqrt
#define EXP exp
#define MAGNITUDE fabs
#include "_bpr_sgd_body.h"

#endif
