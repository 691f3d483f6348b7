/* Included by _bpr_sgd.h once for each type of value, so without an include guard. */

#include "_lanes_body.h"

/* w' (p - n) */
LRFACT_INLINE VALUE NAME(score_gap)(const VALUE *w, const VALUE *p, const VALUE *n, ptrdiff_t width)
{
    VALUE sum = 0;
    ptrdiff_t t = 0;
#if defined(__GNUC__) || defined(__clang__)
    NAME(lanes) sums = {0};
    for (; t + LANES <= width; t += LANES)
        sums += AT(w + t) * (AT(p + t) - AT(n + t));
    sum = NAME(sum_of_lanes)(&sums);
#endif
    for (; t < width; t++)
        sum += w[t] * (p[t] - n[t]);
    return sum;
}

LRFACT_INLINE void NAME(prefetch_factors)(const VALUE *factors, ptrdiff_t width)
{
    const char *ahead = (const char *)factors;
    for (ptrdiff_t b = 0; b < width * (ptrdiff_t)sizeof(VALUE); b += LRFACT_CACHE_LINE)
        LRFACT_PREFETCH(ahead + b);
    (void)ahead; /* where prefetching expands to nothing */
}

/* The step is 1 / (sqrt(squares) / learning_rate + penalty): with the last term, penalties lead
   towards zero and not beyond. The slope is cut where a step would add more than once what it
   multiplies. */
typedef struct { VALUE step, slope; } NAME(ranking_stride);

LRFACT_INLINE NAME(ranking_stride) NAME(ranking_stride_of)(VALUE squares, VALUE slope,
                                                           VALUE penalty, VALUE pace)
{
    const VALUE limit = ROOT(squares) * pace + penalty;
    const NAME(ranking_stride) s = {1 / limit, slope < limit ? slope : limit};
    return s;
}

/* One column's bias, `sign` telling whether it adds to the gap or takes from it. */
LRFACT_INLINE void NAME(step_column_bias)(VALUE *state, VALUE slope, VALUE sign, VALUE penalty,
                                          VALUE pace)
{
    const NAME(ranking_stride) s =
        NAME(ranking_stride_of)(state[BIAS_SQUARES], slope, penalty, pace);
    const VALUE gradient = penalty * state[BIAS] - sign * s.slope;
    state[BIAS] -= s.step * gradient;
    state[BIAS_SQUARES] += gradient * gradient;
}

/* Factors of the row, of the column that it has and of the other, each from the old ones. */
LRFACT_INLINE void NAME(step_triple)(VALUE *LRFACT_RESTRICT w, VALUE *LRFACT_RESTRICT p,
                                     VALUE *LRFACT_RESTRICT n, VALUE *row_squares, VALUE *of_p,
                                     VALUE *of_n, VALUE slope, VALUE penalty, VALUE pace,
                                     ptrdiff_t width, VALUE share)
{
    const NAME(ranking_stride) sw = NAME(ranking_stride_of)(*row_squares, slope, penalty, pace);
    const NAME(ranking_stride) sp =
        NAME(ranking_stride_of)(of_p[FACTOR_SQUARES], slope, penalty, pace);
    const NAME(ranking_stride) sn =
        NAME(ranking_stride_of)(of_n[FACTOR_SQUARES], slope, penalty, pace);
    VALUE w_sum = 0, p_sum = 0, n_sum = 0;
    ptrdiff_t t = 0;
#if defined(__GNUC__) || defined(__clang__)
    NAME(lanes) w_squares = {0}, p_squares = {0}, n_squares = {0};
    for (; t + LANES <= width; t += LANES) {
        const NAME(lanes) w_old = AT(w + t), p_old = AT(p + t), n_old = AT(n + t);
        const NAME(lanes) gw = penalty * w_old - sw.slope * (p_old - n_old);
        const NAME(lanes) gp = penalty * p_old - sp.slope * w_old;
        const NAME(lanes) gn = penalty * n_old + sn.slope * w_old;
        w_squares += gw * gw;
        p_squares += gp * gp;
        n_squares += gn * gn;
        *(NAME(lanes) *)(w + t) = w_old - sw.step * gw;
        *(NAME(lanes) *)(p + t) = p_old - sp.step * gp;
        *(NAME(lanes) *)(n + t) = n_old - sn.step * gn;
    }
    w_sum = NAME(sum_of_lanes)(&w_squares);
    p_sum = NAME(sum_of_lanes)(&p_squares);
    n_sum = NAME(sum_of_lanes)(&n_squares);
#endif
    for (; t < width; t++) {
        const VALUE w_old = w[t], p_old = p[t], n_old = n[t];
        const VALUE gw = penalty * w_old - sw.slope * (p_old - n_old);
        const VALUE gp = penalty * p_old - sp.slope * w_old;
        const VALUE gn = penalty * n_old + sn.slope * w_old;
        w_sum += gw * gw;
        p_sum += gp * gp;
        n_sum += gn * gn;
        w[t] = w_old - sw.step * gw;
        p[t] = p_old - sp.step * gp;
        n[t] = n_old - sn.step * gn;
    }
    *row_squares += w_sum * share;
    of_p[FACTOR_SQUARES] += p_sum * share;
    of_n[FACTOR_SQUARES] += n_sum * share;
}

/* The triples of a block in their order. Added to sums: -ln sigma of the gaps before each step, and how
   many triples there were. */
LRFACT_EACH_CPU
static void NAME(descend_bpr_triples)(const int32_t *rows, const int32_t *positives,
                                  const int32_t *negatives, ptrdiff_t n_entries,
                                  double learning_rate, double reg, int bias, ptrdiff_t width,
                                  VALUE *row_factors, VALUE *row_squares, VALUE *column_factors,
                                  VALUE *column_state, double *sums)
{
    const VALUE penalty = (VALUE)reg, pace = 1 / (VALUE)learning_rate, share = 1 / (VALUE)width;
    double loss = 0, product = 1;
    ptrdiff_t n_triples = 0;
    for (ptrdiff_t e = 0; e < n_entries; e++) {
        if (e + RANKING_AHEAD < n_entries) {
            const ptrdiff_t next = e + RANKING_AHEAD;
            NAME(prefetch_factors)(row_factors + (ptrdiff_t)rows[next] * width, width);
            NAME(prefetch_factors)(column_factors + (ptrdiff_t)positives[next] * width, width);
            if (negatives[next] >= 0)
                NAME(prefetch_factors)(column_factors + (ptrdiff_t)negatives[next] * width, width);
        }
        if (negatives[e] < 0)
            continue;
        const ptrdiff_t i = rows[e], j = positives[e], l = negatives[e];
        VALUE *w = row_factors + i * width;
        VALUE *p = column_factors + j * width, *n = column_factors + l * width;
        VALUE *of_p = column_state + j * N_COLUMN_STATES;
        VALUE *of_n = column_state + l * N_COLUMN_STATES;
        VALUE gap = NAME(score_gap)(w, p, n, width);
        if (bias)
            gap += of_p[BIAS] - of_n[BIAS];
        /* -ln sigma(gap) = max(-gap, 0) + ln(1 + small): the logarithms of many at once. */
        const VALUE small = EXP(-MAGNITUDE(gap));
        const VALUE slope = (gap < 0 ? 1 : small) / (1 + small);
        loss += gap < 0 ? -(double)gap : 0;
        product *= 1 + (double)small;
        if (++n_triples % RANKING_MOST_FACTORS == 0) {
            loss += log(product);
            product = 1;
        }
        NAME(step_triple)(w, p, n, row_squares + i, of_p, of_n, slope, penalty, pace, width, share);
        if (bias) {
            NAME(step_column_bias)(of_p, slope, 1, penalty, pace);
            NAME(step_column_bias)(of_n, slope, -1, penalty, pace);
        }
    }
    sums[0] += loss + log(product);
    sums[1] += (double)n_triples;
}

#undef AT
#undef LANES
#undef VALUE
#undef NAME
#undef ROOT
#undef EXP
#undef MAGNITUDE
