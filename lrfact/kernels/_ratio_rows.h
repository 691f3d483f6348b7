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

#define VALUE float
#define LARGEST FLT_MAX
#define INDEX int32_t
#define NAME(stem) stem##_f32_i32
#include "_ratio_rows_body.h"

#define VALUE float
#define LARGEST FLT_MAX
#define INDEX int64_t
#define NAME(stem) stem##_f32_i64
#include "_ratio_rows_body.h"

#define VALUE double
#define LARGEST DBL_MAX
#define INDEX int32_t
#define NAME(stem) stem##_f64_i32
#include "_ratio_rows_body.h"

#define VALUE double
#define LARGEST DBL_MAX
#define INDEX int64_t
#define NAME(stem) stem##_f64_i64
#include "_ratio_rows_body.h"

#endif
