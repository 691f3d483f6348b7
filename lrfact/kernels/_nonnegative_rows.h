/* Coordinate descent on non-negative least squares, many rows side by side.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU (see _csr_rows.h).
 *
 * All rows have the same Gram matrix. A block of them is turned round, so that one vector
 * holds the same coordinate of several rows: each entry of the Gram matrix then serves a whole
 * line of rows, and no sum runs across a vector.
 *
 * `_nonnegative_rows_body.h` is included once for each type of value.
 */
#ifndef LRFACT_NONNEGATIVE_ROWS_H
#define LRFACT_NONNEGATIVE_ROWS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "_each_cpu.h"

#if (defined(__GNUC__) || defined(__clang__)) && !defined(LRFACT_PLAIN_LOOPS)
#define LRFACT_VECTOR_TYPES
#endif
#define LRFACT_VECTOR_BYTES 32
/* Eight sums hide the latency of the additions. */
#define LRFACT_LINE_VECTORS 8
#define LRFACT_LINE_BYTES (LRFACT_LINE_VECTORS * LRFACT_VECTOR_BYTES)

/* Of a sum after subtraction: less of it has lost too many digits. */
#define LRFACT_LITTLE_LEFT 1e-6

/* Four chains hide the latency of the additions. */
LRFACT_EACH_CPU
static double coordinate_product(const double *a, const double *b, ptrdiff_t n)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    ptrdiff_t f = 0;
    for (; f + 4 <= n; f += 4) {
        s0 += a[f] * b[f];
        s1 += a[f + 1] * b[f + 1];
        s2 += a[f + 2] * b[f + 2];
        s3 += a[f + 3] * b[f + 3];
    }
    for (; f < n; f++)
        s0 += a[f] * b[f];
    return (s0 + s1) + (s2 + s3);
}

#define VALUE float
#define NAME(stem) stem##_f32
#include "_nonnegative_rows_body.h"

#define VALUE double
#define NAME(stem) stem##_f64
#include "_nonnegative_rows_body.h"

#endif
