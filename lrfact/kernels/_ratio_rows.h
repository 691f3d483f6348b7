/* Ratios of stored entries to their approximation, summed by row.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU (see _csr_rows.h).
 *
 * `_ratio_rows_body.h` is included once for each pair of value and index type.
 */
#ifndef LRFACT_RATIO_ROWS_H
#define LRFACT_RATIO_ROWS_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "_each_cpu.h"

/* Rows of the design are far apart in memory: ask for them this many entries ahead. */
#define LRFACT_RATIOS_AHEAD 4
/* Sums side by side in a product of two rows. */
#define LRFACT_CHAINS 16

/* x log(x / s) - x + s with s at least `floor` of x. Where s is near x the terms cancel, and what is
 * left of them is a function of the small difference. */
static double lrfact_poisson_divergence(double x, double s, double floor)
{
    double change, quotient;
    if (!(s > floor * x))
        return floor * x - x - x * log(floor);
    if (!(s <= DBL_MAX))
        return s;
    change = (s - x) / x;
    if (change > -0.5 && change < 0.5)
        return x * (change - log1p(change));
    quotient = x / s;
    return (quotient > 0 ? x * log(quotient) : 0) - x + s;
}

#define VALUE float
#define INDEX int32_t
#define NAME(stem) stem##_f32_i32
#include "_ratio_rows_body.h"

#define VALUE float
#define INDEX int64_t
#define NAME(stem) stem##_f32_i64
#include "_ratio_rows_body.h"

#define VALUE double
#define INDEX int32_t
#define NAME(stem) stem##_f64_i32
#include "_ratio_rows_body.h"

#define VALUE double
#define INDEX int64_t
#define NAME(stem) stem##_f64_i64
#include "_ratio_rows_body.h"

#endif
