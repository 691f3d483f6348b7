/* One row of implicit feedback given the columns: three ways to the same equations.
 *
 * In a basis in which the Gram matrix of all columns is diagonal, S, and with D = S + penalty, a row
 * with the entries j of weight a_j has the equations
 *
 *     (D + sum_j a_j v_j v_j') x = sum_j (1 + a_j) v_j
 *
 * With x = d y, d = D^(-1/2), and the lines sqrt(a_j) d v_j of a matrix P, that is
 * (I + P'P) y = P' g, g_j = (1 + a_j) / sqrt(a_j), or y = P' t with (I + P P') t = g. Neither has an
 * eigenvalue below one, whatever the penalty, and nothing of the size of all columns is left.
 *
 * `_implicit_rows_body.h` is included once for each type of value.
 */
#ifndef LRFACT_IMPLICIT_ROWS_H
#define LRFACT_IMPLICIT_ROWS_H

#include "_masked_rows.h"

enum { BY_FACTORS, BY_ENTRIES, BY_GRADIENTS };

/* Rounding errors of t are multiplied with g, which grows beyond all bounds as weights vanish. */
#define LEAST_DUAL_WEIGHT 1e-6

/* What one multiplication and addition takes where vectors are read from memory for two of them,
   in units of what it takes inside a tile of a matrix product. */
#define STREAMED 4.0

/* Between LEAST_SQUARE and MOST_SQUARE a double is as well a value, to its last digit. */
#define VALUE float
#define LEAST_SQUARE 1e-37
#define MOST_SQUARE 1e38
#define NAME(stem) stem##_f32
#define ROOT sqrtf
#define ROUNDING 1e-6
#include "_implicit_rows_body.h"

#define VALUE double
#define LEAST_SQUARE 0
#define MOST_SQUARE HUGE_VAL
#define NAME(stem) stem##_f64
#define ROOT sqrt
#define ROUNDING 1e-14
#include "_implicit_rows_body.h"

#endif
