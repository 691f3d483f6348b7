/* Non-negative rows of least Kullback-Leibler divergence.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU (see _csr_rows.h).
 *
 * `_poisson_rows_body.h` is included once for each type of value.
 */
#ifndef LRFACT_POISSON_ROWS_H
#define LRFACT_POISSON_ROWS_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "_each_cpu.h"

#if (defined(__GNUC__) || defined(__clang__)) && !defined(LRFACT_PLAIN_LOOPS)
#define LRFACT_VECTOR_TYPES
#endif
#define LRFACT_VECTOR_BYTES 32
/* At most this share of a coordinate is taken off it at once: Newton's step down overshoots. */
#define LRFACT_MOST_DECREASE 0.9

/* Steps of all coordinates at once: none before so many passes, then one every so many. */
#define LRFACT_PASSES_BEFORE 8
#define LRFACT_PASSES_BETWEEN 2
#define LRFACT_MOST_HALVINGS 4

/* Solve for a right side in place, given the lower half of a matrix, to whose diagonal `epsilon` of
 * its sum is added. Returns 0 if it is not positive definite. */
static int lrfact_solve_positive(double *matrix, double *right, ptrdiff_t n, double epsilon)
{
    double ridge = 0;
    for (ptrdiff_t a = 0; a < n; a++)
        ridge += epsilon * matrix[a * n + a];
    for (ptrdiff_t a = 0; a < n; a++) {
        double *row = matrix + a * n;
        for (ptrdiff_t b = 0; b <= a; b++) {
            const double *other = matrix + b * n;
            double sum = row[b] + (a == b ? ridge : 0);
            for (ptrdiff_t c = 0; c < b; c++)
                sum -= row[c] * other[c];
            if (b < a) {
                row[b] = sum / other[b];
            } else {
                if (!(sum > 0 && sum <= DBL_MAX))
                    return 0;
                row[a] = sqrt(sum);
            }
        }
        for (ptrdiff_t c = 0; c < a; c++)
            right[a] -= row[c] * right[c];
        right[a] /= row[a];
    }
    for (ptrdiff_t a = n - 1; a >= 0; a--) {
        right[a] /= matrix[a * n + a];
        for (ptrdiff_t c = 0; c < a; c++)
            right[c] -= matrix[a * n + c] * right[a];
    }
    return 1;
}

#define VALUE float
#define EPSILON FLT_EPSILON
#define TINY FLT_MIN
#define NAME(stem) stem##_f32
#include "_poisson_rows_body.h"

#define VALUE double
#define EPSILON DBL_EPSILON
#define TINY DBL_MIN
#define NAME(stem) stem##_f64
#include "_poisson_rows_body.h"

#endif
