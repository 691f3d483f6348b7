/* Normal equations of one row of a masked matrix: gather, Gram matrix, Cholesky factor.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU (see _csr_rows.h): the loader picks the
 * version for the vectors that the machine has.
 *
 * The matrices are small, tens of columns, and there is one for each row: too small for a BLAS,
 * whose packing and call cost as much as the arithmetic. A panel of gathered rows lies just as a
 * micro-kernel wants it, so it is multiplied where it is, upper triangle only.
 *
 * `_masked_rows_body.h` is included once for each type of value, `_masked_panel_body.h` for each
 * pair of value and index type.
 */
#ifndef LRFACT_MASKED_ROWS_H
#define LRFACT_MASKED_ROWS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "_each_cpu.h"

/* Compilers without them run plain loops, which some turn into vectors. */
#if (defined(__GNUC__) || defined(__clang__)) && !defined(LRFACT_PLAIN_LOOPS)
#define LRFACT_VECTOR_TYPES
#endif
/* Not the widest vectors there are: a finer grain wastes less of a triangle. */
#define LRFACT_VECTOR_BYTES 32
/* Times two vectors makes twelve sums, which fit sixteen registers. */
#define LRFACT_TILE_ROWS 6
/* Of some fifty columns in float32: half of the fastest cache. */
#define LRFACT_PANEL_ROWS 96

#define VALUE float
/* A pivot beyond this has a factor whose products may overflow. */
#define HUGE_PIVOT 1e37
#define NAME(stem) stem##_f32
#include "_masked_rows_body.h"

#define VALUE double
#define HUGE_PIVOT 1e300
#define NAME(stem) stem##_f64
#include "_masked_rows_body.h"

#define VALUE float
#define INDEX int32_t
#define NAME(stem) stem##_f32_i32
#define add_gram_f32_i32 add_gram_f32
#include "_masked_panel_body.h"

#define VALUE float
#define INDEX int64_t
#define NAME(stem) stem##_f32_i64
#define add_gram_f32_i64 add_gram_f32
#include "_masked_panel_body.h"

#define VALUE double
#define INDEX int32_t
#define NAME(stem) stem##_f64_i32
#define add_gram_f64_i32 add_gram_f64
#include "_masked_panel_body.h"

#define VALUE double
#define INDEX int64_t
#define NAME(stem) stem##_f64_i64
#define add_gram_f64_i64 add_gram_f64
#include "_masked_panel_body.h"

#endif
