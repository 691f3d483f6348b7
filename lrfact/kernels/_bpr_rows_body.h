/* Included by _bpr_rows.h once for each type of value, so without an include guard. */

#include "_lanes_body.h"

/* y += a x */
LRFACT_INLINE void NAME(add_multiple)(VALUE *LRFACT_RESTRICT y, VALUE a,
                                      const VALUE *LRFACT_RESTRICT x, ptrdiff_t n)
{
    ptrdiff_t t = 0;
#if defined(__GNUC__) || defined(__clang__)
    for (; t + LANES <= n; t += LANES)
        *(NAME(lanes) *)(y + t) = AT(y + t) + a * AT(x + t);
#endif
    for (; t < n; t++)
        y[t] += a * x[t];
}

/* What a row is made of. Scores and weights: of positives, then of negatives. */
typedef struct {
    ptrdiff_t n_positives, n_negatives, width;
    const VALUE *positives, *positive_offsets; /* (n_positives, width), (n_positives,) */
    const VALUE *negatives, *negative_offsets; /* (n_negatives, width), (n_negatives,) */
    const unsigned char *taken;                /* (n_negatives,)  those that the row has */
    ptrdiff_t n_free;                          /* negatives that it has not */
    double penalty;
    const VALUE *preconditioner; /* (width, width), positive definite */
    VALUE *scores, *weights;
} NAME(ranking_row);

/* e^score of each positive and negative, over that of the largest. */
LRFACT_INLINE void NAME(exponentials)(const NAME(ranking_row) *row, const VALUE *x)
{
    const ptrdiff_t n_scores = row->n_positives + row->n_negatives;
    VALUE *of_negatives = row->scores + row->n_positives;
    for (ptrdiff_t j = 0; j < row->n_positives; j++)
        row->scores[j] = NAME(inner_product)(x, row->positives + j * row->width, row->width) +
                         row->positive_offsets[j];
    for (ptrdiff_t l = 0; l < row->n_negatives; l++)
        of_negatives[l] = NAME(inner_product)(x, row->negatives + l * row->width, row->width) +
                          row->negative_offsets[l];
    VALUE largest = row->scores[0];
    for (ptrdiff_t s = 1; s < n_scores; s++)
        largest = row->scores[s] > largest ? row->scores[s] : largest;
    for (ptrdiff_t s = 0; s < n_scores; s++)
        row->scores[s] = EXP(row->scores[s] - largest);
    for (ptrdiff_t l = 0; l < row->n_negatives; l++)
        of_negatives[l] = row->taken[l] ? 0 : of_negatives[l];
}

/* sigma(s_l - s_j) = e_l / (e_j + e_l), added to what each negative has; returned is the sum over
   them. Positive sums: no quotient is without a number. */
LRFACT_INLINE VALUE NAME(weigh_pairs)(VALUE of_positive, const VALUE *LRFACT_RESTRICT of_negatives,
                                      VALUE *LRFACT_RESTRICT weights, ptrdiff_t n)
{
    VALUE sum = 0;
    ptrdiff_t l = 0;
    of_positive = of_positive > LEAST ? of_positive : LEAST;
#if defined(__GNUC__) || defined(__clang__)
    NAME(lanes) sums = {0};
    for (; l + LANES <= n; l += LANES) {
        const NAME(lanes) e = AT(of_negatives + l);
        const NAME(lanes) share = e / (of_positive + e);
        sums += share;
        *(NAME(lanes) *)(weights + l) = AT(weights + l) + share;
    }
    sum = NAME(sum_of_lanes)(&sums);
#endif
    for (; l < n; l++) {
        const VALUE share = of_negatives[l] / (of_positive + of_negatives[l]);
        sum += share;
        weights[l] += share;
    }
    return sum;
}

LRFACT_INLINE void NAME(gradient_of_row)(const NAME(ranking_row) *row, const VALUE *x,
                                         VALUE *gradient)
{
    const VALUE share = 1 / (VALUE)row->n_free;
    const VALUE penalty = (VALUE)row->penalty * (VALUE)row->n_positives;
    VALUE *of_negatives = row->weights + row->n_positives;
    NAME(exponentials)(row, x);
    for (ptrdiff_t l = 0; l < row->n_negatives; l++)
        of_negatives[l] = 0;
    for (ptrdiff_t t = 0; t < row->width; t++)
        gradient[t] = penalty * x[t];
    for (ptrdiff_t j = 0; j < row->n_positives; j++)
        row->weights[j] = NAME(weigh_pairs)(row->scores[j], row->scores + row->n_positives,
                                            of_negatives, row->n_negatives);
    for (ptrdiff_t j = 0; j < row->n_positives; j++)
        NAME(add_multiple)(gradient, -share * row->weights[j], row->positives + j * row->width,
                           row->width);
    for (ptrdiff_t l = 0; l < row->n_negatives; l++)
        NAME(add_multiple)(gradient, share * of_negatives[l], row->negatives + l * row->width,
                           row->width);
}

/* The preconditioner times a vector. */
LRFACT_INLINE void NAME(precondition)(const NAME(ranking_row) *row, const VALUE *vector,
                                      VALUE *product)
{
    for (ptrdiff_t t = 0; t < row->width; t++)
        product[t] = NAME(inner_product)(row->preconditioner + t * row->width, vector, row->width);
}

/* What is kept between steps; of changes the latest, in rows that go round. */
typedef struct {
    VALUE *moves, *bends;     /* (RANKING_MEMORY, width)  of the place, and of the gradient */
    VALUE curvatures[RANKING_MEMORY];
    ptrdiff_t n_changes;
    VALUE scale;              /* of the preconditioner */
} NAME(ranking_memory);

/* direction = -H gradient, H being the scaled preconditioner with what the changes teach. */
LRFACT_INLINE void NAME(downhill)(const NAME(ranking_row) *row, const NAME(ranking_memory) *memory,
                                  const VALUE *gradient, VALUE *spare, VALUE *direction)
{
    const ptrdiff_t width = row->width, n_changes = memory->n_changes;
    const ptrdiff_t oldest = n_changes > RANKING_MEMORY ? n_changes - RANKING_MEMORY : 0;
    VALUE shares[RANKING_MEMORY];
    for (ptrdiff_t t = 0; t < width; t++)
        spare[t] = -gradient[t];
    for (ptrdiff_t c = n_changes - 1; c >= oldest; c--) {
        const ptrdiff_t at = c % RANKING_MEMORY;
        shares[at] = NAME(inner_product)(memory->moves + at * width, spare, width) /
                     memory->curvatures[at];
        NAME(add_multiple)(spare, -shares[at], memory->bends + at * width, width);
    }
    NAME(precondition)(row, spare, direction);
    for (ptrdiff_t t = 0; t < width; t++)
        direction[t] *= memory->scale;
    for (ptrdiff_t c = oldest; c < n_changes; c++) {
        const ptrdiff_t at = c % RANKING_MEMORY;
        const VALUE back = NAME(inner_product)(memory->bends + at * width, direction, width) /
                           memory->curvatures[at];
        NAME(add_multiple)(direction, shares[at] - back, memory->moves + at * width, width);
    }
}

/* Along the direction to where the slope is no longer far uphill; returns whether it came there.
   For a convex function the slopes tell enough: it falls as long as they are negative. */
LRFACT_INLINE int NAME(search_line)(const NAME(ranking_row) *row, const VALUE *x,
                                    const VALUE *direction, VALUE slope, VALUE *place,
                                    VALUE *gradient)
{
    VALUE length = 1;
    for (int cut = 0; cut <= RANKING_MOST_CUTS; cut++) {
        for (ptrdiff_t t = 0; t < row->width; t++)
            place[t] = x[t] + length * direction[t];
        NAME(gradient_of_row)(row, place, gradient);
        const VALUE slope_there = NAME(inner_product)(gradient, direction, row->width);
        if (slope_there <= -(VALUE)RANKING_UPHILL * slope)
            return 1;
        /* Where a straight slope would cross zero, and not all of the way back. */
        const VALUE crossing = slope / (slope - slope_there);
        length *= crossing > (VALUE)0.1 ? crossing : (VALUE)0.1;
    }
    return 0;
}

/* From x = 0 to where the gradient, in the norm of the preconditioner, is `tol` of what it was
   there. Returns whether it came there. work: (2 RANKING_MEMORY + 5) width */
LRFACT_EACH_CPU
static int NAME(fit_ranking_row)(const NAME(ranking_row) *row, double tol, ptrdiff_t max_iter,
                                 VALUE *x, VALUE *work)
{
    const ptrdiff_t width = row->width;
    NAME(ranking_memory) memory = {work, work + RANKING_MEMORY * width, {0}, 0,
                                   1 / (VALUE)row->n_positives};
    VALUE *gradient = work + 2 * RANKING_MEMORY * width, *direction = gradient + width;
    VALUE *place = direction + width, *gradient_there = place + width;
    VALUE *spare = gradient_there + width;
    double goal = -1;
    for (ptrdiff_t t = 0; t < width; t++)
        x[t] = 0;
    NAME(gradient_of_row)(row, x, gradient);
    for (ptrdiff_t iteration = 0;; iteration++) {
        NAME(precondition)(row, gradient, spare);
        const double left = (double)NAME(inner_product)(gradient, spare, width);
        if (goal < 0)
            goal = tol * tol * left;
        if (left <= goal)
            return 1;
        if (iteration == max_iter)
            return 0;
        NAME(downhill)(row, &memory, gradient, spare, direction);
        const VALUE slope = NAME(inner_product)(gradient, direction, width);
        /* Otherwise nothing is left but rounding errors. */
        if (!(slope < 0) || !NAME(search_line)(row, x, direction, slope, place, gradient_there))
            return 0;
        const ptrdiff_t at = memory.n_changes % RANKING_MEMORY;
        VALUE *move = memory.moves + at * width, *bend = memory.bends + at * width;
        for (ptrdiff_t t = 0; t < width; t++) {
            move[t] = place[t] - x[t];
            bend[t] = gradient_there[t] - gradient[t];
            x[t] = place[t];
            gradient[t] = gradient_there[t];
        }
        memory.curvatures[at] = NAME(inner_product)(move, bend, width);
        NAME(precondition)(row, bend, spare);
        const VALUE bent = NAME(inner_product)(bend, spare, width);
        if (!(memory.curvatures[at] > 0 && bent > 0))
            return 0;
        memory.scale = memory.curvatures[at] / bent;
        memory.n_changes++;
    }
}

#undef AT
#undef LANES
#undef VALUE
#undef NAME
#undef EXP
#undef LEAST
