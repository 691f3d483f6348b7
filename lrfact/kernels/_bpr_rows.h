/* Rows of least pairwise logistic loss against columns that are fixed.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU: the loader picks the version for the
 * vectors that the machine has.
 *
 * `_bpr_rows_body.h` is included once for each type of value.
 */
#ifndef LRFACT_RANKING_ROWS_H
#define LRFACT_RANKING_ROWS_H

#include <float.h>
#include <math.h>
#include <stddef.h>

#include "_each_cpu.h"

#define LRFACT_LANES_BYTES 32
/* Changes of place and of gradient remembered (limited-memory BFGS). */
#define RANKING_MEMORY 6
/* A step is shortened while the slope at its end is steeper uphill than this share of the slope
   at its start, downhill; and at most so often. */
#define RANKING_UPHILL 0.5
#define RANKING_MOST_CUTS 20

#define VALUE float
#define NAME(stem) stem##_f32
#define EXP expf
#define LEAST FLT_MIN
#include "_bpr_rows_body.h"

#define VALUE double
#define NAME(stem) stem##_f64
#define EXP exp
#define LEAST DBL_MIN
#include "_bpr_rows_body.h"

#endif
