/* One row of a sparse matrix times a dense block, and its transpose.
 *
 * Plain C rather than Cython because of the function attribute below: on x86-64
 * Linux the compiler emits each row function for several instruction sets and
 * the loader picks one, so that a wheel built for any CPU uses wide vectors
 * where the machine has them. Elsewhere the baseline version runs.
 *
 * `_csr_rows_body.h` is included once for each pair of value and index type.
 */
#ifndef LRFACT_CSR_ROWS_H
#define LRFACT_CSR_ROWS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && \
    ((defined(__clang__) && __clang_major__ >= 17) || (!defined(__clang__) && __GNUC__ >= 12))
/* By level, not by name: a CPU name would leave out every other maker's CPUs. */
#define LRFACT_EACH_CPU \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LRFACT_EACH_CPU
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LRFACT_PREFETCH(address) __builtin_prefetch(address)
#define LRFACT_RESTRICT __restrict__
#elif defined(_MSC_VER)
#define LRFACT_PREFETCH(address) ((void)0)
#define LRFACT_RESTRICT __restrict
#else
#define LRFACT_PREFETCH(address) ((void)0)
#define LRFACT_RESTRICT
#endif

#define LRFACT_CACHE_LINE 64
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
