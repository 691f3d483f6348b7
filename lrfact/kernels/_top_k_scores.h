/* Scores of blocks of candidate rows, of which only those above a floor are kept.
 *
 * Nearly all scores are below the k-th best so far, so a score is compared while it still is in a
 * register, and one that fails is never stored. A product by BLAS would write all of them, and
 * might sum the last rows of a block in another order: here each score is the same sum wherever
 * its row lies, so that equal rows tie.
 *
 * Plain C, and one version for each instruction set, chosen at run time: the number of rows
 * handled together follows from the number and the width of the registers.
 * `_top_k_scores_body.h` is included once for each version and value type.
 */
#ifndef LRFACT_TOP_K_SCORES_H
#define LRFACT_TOP_K_SCORES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LRFACT_PANEL_BYTES 128 /* one entry of each query of a panel */
#define LRFACT_DOT_ROWS 4

#define LRFACT_PASTE(stem, suffix) stem##suffix
#define LRFACT_NAME(stem, suffix) LRFACT_PASTE(stem, suffix)

#if defined(__GNUC__) || defined(__clang__)
#define LRFACT_VECTORS 1
#define LRFACT_INLINE static inline __attribute__((always_inline))
#define LRFACT_BASE_BYTES 16
#else
/* Without the vectors of GCC and Clang: the same code, one number at a time. */
#define LRFACT_VECTORS 0
#define LRFACT_INLINE static inline
#define LRFACT_BASE_BYTES sizeof(VALUE)
#endif

#if defined(__GNUC__) && !defined(__clang__)
#define LRFACT_UNROLL _Pragma("GCC unroll 16")
#else
#define LRFACT_UNROLL /* Clang does by itself */
#endif

#define TARGET
#define VECTOR_BYTES LRFACT_BASE_BYTES
#define TILE_ROWS 6 /* times two vectors: of 16 registers, four are left */
#define VALUE float
#define MASK int32_t
#define SUFFIX _f32_base
#include "_top_k_scores_body.h"
#define VALUE double
#define MASK int64_t
#define SUFFIX _f64_base
#include "_top_k_scores_body.h"
#undef TARGET
#undef VECTOR_BYTES
#undef TILE_ROWS

#if LRFACT_VECTORS && defined(__x86_64__) && !defined(_MSC_VER)

#define TARGET __attribute__((target("avx2,fma")))
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define VALUE float
#define MASK int32_t
#define SUFFIX _f32_avx2
#include "_top_k_scores_body.h"
#define VALUE double
#define MASK int64_t
#define SUFFIX _f64_avx2
#include "_top_k_scores_body.h"
#undef TARGET
#undef VECTOR_BYTES
#undef TILE_ROWS

#define TARGET __attribute__((target("avx512f")))
#define VECTOR_BYTES 64
#define TILE_ROWS 12 /* of 32 registers */
#define VALUE float
#define MASK int32_t
#define SUFFIX _f32_avx512
#include "_top_k_scores_body.h"
#define VALUE double
#define MASK int64_t
#define SUFFIX _f64_avx512
#include "_top_k_scores_body.h"
#undef TARGET
#undef VECTOR_BYTES
#undef TILE_ROWS

#define LRFACT_BEST_VERSION(stem)                                         \
    (__builtin_cpu_supports("avx512f") ? stem##_avx512                    \
     : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")    \
         ? stem##_avx2                                                    \
         : stem##_base)
#else
#define LRFACT_BEST_VERSION(stem) stem##_base
#endif

/* Both write the scores that are not at or below their query's floor (so a floor of NaN lets all
   of them pass), and beside each its place, row * (queries of a panel) + query; they return how
   many. `offset` is NULL or has one entry a row, added to its scores.

   `panel`: entry f of query q at panel[f * (queries of a panel) + q]. */
static ptrdiff_t panel_scores_above_f32(const float *panel, ptrdiff_t n_queries,
                                        const float *floors, const float *rows, ptrdiff_t n_rows,
                                        ptrdiff_t width, const float *offset, float *scores,
                                        int32_t *places)
{
    return LRFACT_BEST_VERSION(panel_scores_above_f32)(panel, n_queries, floors, rows, n_rows,
                                                       width, offset, scores, places);
}

static ptrdiff_t panel_scores_above_f64(const double *panel, ptrdiff_t n_queries,
                                        const double *floors, const double *rows, ptrdiff_t n_rows,
                                        ptrdiff_t width, const double *offset, double *scores,
                                        int32_t *places)
{
    return LRFACT_BEST_VERSION(panel_scores_above_f64)(panel, n_queries, floors, rows, n_rows,
                                                       width, offset, scores, places);
}

/* A single query: its place is the row. */
static ptrdiff_t row_scores_above_f32(const float *query, float floor, const float *rows,
                                      ptrdiff_t n_rows, ptrdiff_t width, const float *offset,
                                      float *scores, int32_t *places)
{
    return LRFACT_BEST_VERSION(row_scores_above_f32)(query, floor, rows, n_rows, width, offset,
                                                     scores, places);
}

static ptrdiff_t row_scores_above_f64(const double *query, double floor, const double *rows,
                                      ptrdiff_t n_rows, ptrdiff_t width, const double *offset,
                                      double *scores, int32_t *places)
{
    return LRFACT_BEST_VERSION(row_scores_above_f64)(query, floor, rows, n_rows, width, offset,
                                                     scores, places);
}

#endif
