/* Non-negative rows of least Kullback-Leibler divergence, coordinate by coordinate.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU (see _csr_rows.h).
 *
 * `_poisson_rows_body.h` is included once for each type of value.
 */
#ifndef LRFACT_POISSON_ROWS_H
#define LRFACT_POISSON_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "_each_cpu.h"

/* Sums side by side. */
#define LRFACT_CHAINS 8
/* At most this share of a coordinate is taken off it at once: Newton's step down overshoots. */
#define LRFACT_MOST_DECREASE 0.9

#define VALUE float
#define NAME(stem) stem##_f32
#include "_poisson_rows_body.h"

#define VALUE double
#define NAME(stem) stem##_f64
#include "_poisson_rows_body.h"

#endif
