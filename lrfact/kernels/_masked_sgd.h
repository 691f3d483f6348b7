/* Stochastic gradient descent over the entries of one block of a masked matrix.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU: the loader picks the version for the
 * vectors that the machine has.
 *
 * `_masked_sgd_body.h` is included once for each type of value.
 */
#ifndef LRFACT_MASKED_SGD_H
#define LRFACT_MASKED_SGD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "_block_schedule.h"
#include "_each_cpu.h"

/* What is kept of each row and each column beside its factors. */
enum { BIAS, FACTOR_SQUARES, BIAS_SQUARES, RATE, N_STATES };

/* Columns lie far apart in memory: asked for so many entries before. */
#define SGD_AHEAD 3
/* Not the widest vectors there are: three sums then take a dozen registers at most. */
#define LRFACT_LANES_BYTES 32

/* All entries inside their block? Those below the first become huge when unsigned. */
LRFACT_EACH_CPU
static int indices_inside(const int32_t *indices, ptrdiff_t n, int64_t first, int64_t last)
{
    uint32_t outside = 0;
    const uint32_t start = (uint32_t)first, length = (uint32_t)(last - first);
    for (ptrdiff_t e = 0; e < n; e++)
        outside |= (uint32_t)((uint32_t)indices[e] - start >= length);
    return outside == 0;
}

#define VALUE float
#define NAME(stem) stem##_f32
#define ROOT sqrtf
#include "_masked_sgd_body.h"

#define VALUE double
#define NAME(stem) stem##_f64
#define ROOT sqrt
#include "_masked_sgd_body.h"

#endif
