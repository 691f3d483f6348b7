/* One row of a sparse matrix times a dense block, and its transpose.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU: Cython cannot mark its functions.
 *
 * `_csr_rows_body.h` is included once for each pair of value and index type.
 */
#ifndef LRFACT_CSR_ROWS_H
#define LRFACT_CSR_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "_each_cpu.h"

/* Rows of the block are far apart in memory: ask for them this many entries ahead. */
#define LRFACT_AHEAD 4

#define VALUE float
#define INDEX int32_t
#define NAME(stem) stem##_f32_i32
#include "_csr_rows_body.h"

#define VALUE float
#define INDEX int64_t
#define NAME(stem) stem##_f32_i64
#include "_csr_rows_body.h"

#define VALUE double
#define INDEX int32_t
#define NAME(stem) stem##_f64_i32
#include "_csr_rows_body.h"

#define VALUE double
#define INDEX int64_t
#define NAME(stem) stem##_f64_i64
#include "_csr_rows_body.h"

#endif
