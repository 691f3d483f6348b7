/* Included by _masked_sgd.h once for each type of value, so without an include guard. */

#include "_lanes_body.h"

LRFACT_INLINE void NAME(raise_to_zero)(VALUE *values, ptrdiff_t n)
{
    for (ptrdiff_t t = 0; t < n; t++)
        values[t] = values[t] < 0 ? 0 : values[t];
}

LRFACT_INLINE VALUE NAME(clip)(VALUE value, VALUE limit)
{
    return value > limit ? limit : (value < -limit ? -limit : value);
}

/* How far one side goes, and the residual that it follows. */
typedef struct { VALUE step, residual; } NAME(stride);

/* The step is 1 / (sqrt(squares) / learning_rate + rate penalty): with the last term, penalties
   lead towards zero and not beyond, however strong. The residual is cut where a step would add
   more than once what it multiplies. Together they keep long steps, and entries out of all
   proportion, from making numbers explode. */
LRFACT_INLINE NAME(stride) NAME(stride_of)(VALUE squares, VALUE residual, VALUE rate,
                                           VALUE largest_penalty, VALUE inverse_learning_rate)
{
    const VALUE limit = ROOT(squares) * inverse_learning_rate + rate * largest_penalty;
    const NAME(stride) s = {1 / limit, NAME(clip)(residual, limit)};
    return s;
}

/* One side's bias: a gradient step with its own sum of squares. */
LRFACT_INLINE void NAME(step_bias)(VALUE *state, VALUE residual, VALUE penalty,
                                   VALUE inverse_learning_rate)
{
    const NAME(stride) s = NAME(stride_of)(state[BIAS_SQUARES], residual, state[RATE], penalty,
                                           inverse_learning_rate);
    const VALUE gradient = state[RATE] * penalty * state[BIAS] - s.residual;
    state[BIAS] -= s.step * gradient;
    state[BIAS_SQUARES] += gradient * gradient;
}

/* Both sides' factors, each from the other's old ones. */
LRFACT_INLINE void NAME(step_factors)(VALUE *LRFACT_RESTRICT w, VALUE *LRFACT_RESTRICT v,
                                      VALUE *row_state, VALUE *column_state,
                                      const VALUE *row_penalty, const VALUE *column_penalty,
                                      NAME(stride) r, NAME(stride) c, int nonnegative,
                                      ptrdiff_t width, VALUE share)
{
    const VALUE row_rate = row_state[RATE], column_rate = column_state[RATE];
    VALUE row_sum = 0, column_sum = 0;
    ptrdiff_t t = 0;
#if defined(__GNUC__) || defined(__clang__)
    NAME(lanes) row_squares = {0}, column_squares = {0};
    for (; t + LANES <= width; t += LANES) {
        const NAME(lanes) w_old = AT(w + t), v_old = AT(v + t);
        const NAME(lanes) gw = row_rate * AT(row_penalty + t) * w_old - r.residual * v_old;
        const NAME(lanes) gv = column_rate * AT(column_penalty + t) * v_old - c.residual * w_old;
        row_squares += gw * gw;
        column_squares += gv * gv;
        *(NAME(lanes) *)(w + t) = w_old - r.step * gw;
        *(NAME(lanes) *)(v + t) = v_old - c.step * gv;
    }
    row_sum = NAME(sum_of_lanes)(&row_squares);
    column_sum = NAME(sum_of_lanes)(&column_squares);
#endif
    for (; t < width; t++) {
        const VALUE w_old = w[t], v_old = v[t];
        const VALUE gw = row_rate * row_penalty[t] * w_old - r.residual * v_old;
        const VALUE gv = column_rate * column_penalty[t] * v_old - c.residual * w_old;
        row_sum += gw * gw;
        column_sum += gv * gv;
        w[t] = w_old - r.step * gw;
        v[t] = v_old - c.step * gv;
    }
    if (nonnegative) {
        NAME(raise_to_zero)(w, width);
        NAME(raise_to_zero)(v, width);
    }
    row_state[FACTOR_SQUARES] += row_sum * share;
    column_state[FACTOR_SQUARES] += column_sum * share;
}

LRFACT_INLINE VALUE NAME(largest_of)(const VALUE *penalty, ptrdiff_t n)
{
    VALUE largest = 0;
    for (ptrdiff_t t = 0; t < n; t++)
        largest = penalty[t] > largest ? penalty[t] : largest;
    return largest;
}

/* The entries of a block in their order. The last penalty is the bias's. Added to sums: weighted
   squares of the residuals before each step, and weighted residuals. */
LRFACT_EACH_CPU
static void NAME(descend_block)(const int32_t *entry_rows, const int32_t *entry_columns,
                                const VALUE *values, const VALUE *weights, ptrdiff_t n_entries,
                                double intercept, double learning_rate, int bias,
                                int nonnegative, ptrdiff_t width, const VALUE *row_penalty,
                                const VALUE *column_penalty, VALUE *row_factors, VALUE *row_state,
                                VALUE *column_factors, VALUE *column_state, double *sums)
{
    const VALUE center = (VALUE)intercept, share = 1 / (VALUE)width;
    const VALUE pace = 1 / (VALUE)learning_rate;
    const VALUE largest_row_penalty = NAME(largest_of)(row_penalty, width);
    const VALUE largest_column_penalty = NAME(largest_of)(column_penalty, width);
    double squares = 0, residuals = 0;
    for (ptrdiff_t e = 0; e < n_entries; e++) {
        VALUE *of_row = row_state + (ptrdiff_t)entry_rows[e] * N_STATES;
        VALUE *of_column = column_state + (ptrdiff_t)entry_columns[e] * N_STATES;
        VALUE *w = row_factors + (ptrdiff_t)entry_rows[e] * width;
        VALUE *v = column_factors + (ptrdiff_t)entry_columns[e] * width;
        if (e + SGD_AHEAD < n_entries) {
            const ptrdiff_t next = (ptrdiff_t)entry_columns[e + SGD_AHEAD];
            const char *ahead = (const char *)(column_factors + next * width);
            for (ptrdiff_t b = 0; b < width * (ptrdiff_t)sizeof(VALUE); b += LRFACT_CACHE_LINE)
                LRFACT_PREFETCH(ahead + b);
            LRFACT_PREFETCH(column_state + next * N_STATES);
            (void)ahead; /* where prefetching expands to nothing */
        }
        VALUE residual = values[e] - center - NAME(inner_product)(w, v, width);
        if (bias)
            residual -= of_row[BIAS] + of_column[BIAS];
        const VALUE weighted = weights ? weights[e] * residual : residual;
        squares += (double)weighted * (double)residual;
        residuals += (double)weighted;
        NAME(step_factors)(
            w, v, of_row, of_column, row_penalty, column_penalty,
            NAME(stride_of)(of_row[FACTOR_SQUARES], weighted, of_row[RATE], largest_row_penalty,
                            pace),
            NAME(stride_of)(of_column[FACTOR_SQUARES], weighted, of_column[RATE],
                            largest_column_penalty, pace),
            nonnegative, width, share);
        if (bias) {
            NAME(step_bias)(of_row, weighted, row_penalty[width], pace);
            NAME(step_bias)(of_column, weighted, column_penalty[width], pace);
        }
    }
    sums[0] += squares;
    sums[1] += residuals;
}

#undef AT
#undef LANES
#undef VALUE
#undef NAME
#undef ROOT
