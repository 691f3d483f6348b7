/* Included by _poisson_rows.h once for each type of value, so without an include guard. */

#define LANES (LRFACT_VECTOR_BYTES / (ptrdiff_t)sizeof(VALUE))

/* first = sum_p values[p] h[p] / s[p],  second = sum_p values[p] (h[p] / s[p])^2,
 * given 1 / s[p] and values[p] / s[p]. */
LRFACT_INLINE void NAME(ratio_sums)(const VALUE *h, const VALUE *inverse, const VALUE *ratio,
                                    ptrdiff_t n, double *first, double *second)
{
    double sum_a = 0, sum_b = 0;
    ptrdiff_t p = 0;
#ifdef LRFACT_VECTOR_TYPES
    typedef VALUE vector __attribute__((vector_size(LRFACT_VECTOR_BYTES), aligned(sizeof(VALUE))));
    vector a[2] = {{0}, {0}}, b[2] = {{0}, {0}};
    for (; p + 2 * LANES <= n; p += 2 * LANES)
        for (int v = 0; v < 2; v++) {
            const ptrdiff_t at = p + v * LANES;
            const vector line = *(const vector *)(h + at);
            const vector q = *(const vector *)(ratio + at) * line;
            a[v] += q;
            b[v] += q * (*(const vector *)(inverse + at) * line);
        }
    a[0] += a[1];
    b[0] += b[1];
    for (int i = 0; i < LANES; i++) {
        sum_a += (double)a[0][i];
        sum_b += (double)b[0][i];
    }
#endif
    for (; p < n; p++) {
        const VALUE q = ratio[p] * h[p];
        sum_a += (double)q;
        sum_b += (double)(q * (inverse[p] * h[p]));
    }
    *first = sum_a;
    *second = sum_b;
}

/* Largest part of the model that a component has in an entry, at a coordinate of 1. */
LRFACT_INLINE double NAME(largest_part)(const VALUE *h, const VALUE *inverse, ptrdiff_t n)
{
    VALUE largest[8] = {0}; /* several, so that one comparison need not wait for the last */
    ptrdiff_t p = 0;
    for (; p + 8 <= n; p += 8)
        for (int i = 0; i < 8; i++) {
            const VALUE part = h[p + i] * inverse[p + i];
            largest[i] = part > largest[i] ? part : largest[i];
        }
    for (; p < n; p++) {
        const VALUE part = h[p] * inverse[p];
        largest[0] = part > largest[0] ? part : largest[0];
    }
    for (int i = 1; i < 8; i++)
        largest[0] = largest[i] > largest[0] ? largest[i] : largest[0];
    return (double)largest[0];
}

/* model += change h, and what follows from it. An approximation counts as no less than `floor` of its
 * entry, nor so little that its inverse is infinite. */
LRFACT_INLINE void NAME(move_model)(const VALUE *values, const VALUE *h, VALUE change, VALUE floor,
                                    ptrdiff_t n, VALUE *LRFACT_RESTRICT model,
                                    VALUE *LRFACT_RESTRICT inverse, VALUE *LRFACT_RESTRICT ratio)
{
    for (ptrdiff_t p = 0; p < n; p++) {
        const VALUE s = model[p] + change * h[p], least = floor * values[p] + TINY;
        model[p] = s;
        inverse[p] = 1 / (s > least ? s : least);
        ratio[p] = values[p] * inverse[p];
    }
}

/* model = sum_f x[f] panel[f, :] */
LRFACT_INLINE void NAME(approximate)(const VALUE *panel, ptrdiff_t lead, ptrdiff_t n,
                                     ptrdiff_t width, const double *x,
                                     VALUE *LRFACT_RESTRICT model)
{
    for (ptrdiff_t p = 0; p < n; p++)
        model[p] = 0;
    for (ptrdiff_t f = 0; f < width; f++)
        for (ptrdiff_t p = 0; p < n; p++)
            model[p] += (VALUE)x[f] * panel[f * lead + p];
}

/* The objective of `poisson_row` at x; `model` is scratch. */
LRFACT_INLINE double NAME(poisson_objective)(const VALUE *values, ptrdiff_t n, const VALUE *panel,
                                             ptrdiff_t lead, ptrdiff_t width, const VALUE *reach,
                                             double l1, double l2, double floor, const double *x,
                                             VALUE *model)
{
    double sum = 0;
    NAME(approximate)(panel, lead, n, width, x, model);
    for (ptrdiff_t f = 0; f < width; f++)
        sum += ((double)reach[f] + l1 + 0.5 * l2 * x[f]) * x[f];
    for (ptrdiff_t p = 0; p < n; p++) {
        const VALUE least = (VALUE)floor * values[p] + TINY;
        sum -= (double)values[p] * log((double)(model[p] > least ? model[p] : least));
    }
    return sum;
}

/* sums[k] = sum_p scaled[p] h[k][p]. Four at a time, so that what is loaded of `scaled` counts four
 * times. */
LRFACT_INLINE void NAME(four_products)(const VALUE *scaled, const VALUE *const *h, ptrdiff_t n,
                                       double *sums)
{
    ptrdiff_t p = 0;
    for (int k = 0; k < 4; k++)
        sums[k] = 0;
#ifdef LRFACT_VECTOR_TYPES
    typedef VALUE vector __attribute__((vector_size(LRFACT_VECTOR_BYTES), aligned(sizeof(VALUE))));
    vector sum[8] = {{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}};
    for (; p + 2 * LANES <= n; p += 2 * LANES) {
        const vector s_0 = *(const vector *)(scaled + p);
        const vector s_1 = *(const vector *)(scaled + p + LANES);
        for (int k = 0; k < 4; k++) {
            sum[2 * k] += s_0 * *(const vector *)(h[k] + p);
            sum[2 * k + 1] += s_1 * *(const vector *)(h[k] + p + LANES);
        }
    }
    for (int k = 0; k < 4; k++) {
        sum[2 * k] += sum[2 * k + 1];
        for (int i = 0; i < LANES; i++)
            sums[k] += (double)sum[2 * k][i];
    }
#endif
    for (; p < n; p++)
        for (int k = 0; k < 4; k++)
            sums[k] += (double)(scaled[p] * h[k][p]);
}

/* Fill the lower half of the Hessian of the `n_free` coordinates, and `step` with the gradient;
 * `scaled` is scratch of length n. */
LRFACT_INLINE void NAME(curvature_of)(ptrdiff_t n, const VALUE *panel, ptrdiff_t lead,
                                      const VALUE *reach, double l1, double l2, const double *x,
                                      const ptrdiff_t *free_ones, ptrdiff_t n_free,
                                      const VALUE *inverse, const VALUE *ratio,
                                      VALUE *LRFACT_RESTRICT scaled, double *hessian, double *step)
{
    for (ptrdiff_t a = 0; a < n_free; a++) {
        const ptrdiff_t f = free_ones[a];
        const VALUE *h = panel + f * lead;
        double first, second;
        NAME(ratio_sums)(h, inverse, ratio, n, &first, &second);
        step[a] = (double)reach[f] + l1 + l2 * x[f] - first;
        for (ptrdiff_t p = 0; p < n; p++)
            scaled[p] = ratio[p] * (inverse[p] * h[p]);
        for (ptrdiff_t b = 0; b <= a; b += 4) {
            double sums[4];
            const VALUE *others[4];
            for (ptrdiff_t k = 0; k < 4; k++) /* beyond the diagonal, once more the last */
                others[k] = panel + free_ones[b + k <= a ? b + k : a] * lead;
            NAME(four_products)(scaled, others, n, sums);
            for (ptrdiff_t k = 0; k < 4 && b + k <= a; k++)
                hessian[a * n_free + b + k] = sums[k] + (b + k == a ? l2 : 0);
        }
    }
}

/* One step of Newton's method on all coordinates that are not 0, cut off at 0, and halved until it
 * is downhill. `model` is followed by 1 / s, values / s and scratch, each `lead` long. Returns
 * whether x has moved. */
LRFACT_INLINE int NAME(newton_step)(const VALUE *values, ptrdiff_t n, const VALUE *panel, ptrdiff_t lead,
                             ptrdiff_t width, const VALUE *reach, double l1, double l2,
                             double floor, double *x, VALUE *model, double *work,
                             ptrdiff_t *free_ones)
{
    VALUE *inverse = model + lead, *ratio = inverse + lead, *scaled = ratio + lead;
    double *hessian = work, *step = work + width * width, *tried = step + width;
    const double now =
        NAME(poisson_objective)(values, n, panel, lead, width, reach, l1, l2, floor, x, model);
    ptrdiff_t n_free = 0;
    for (ptrdiff_t f = 0; f < width; f++)
        if (x[f] > 0)
            free_ones[n_free++] = f;
    NAME(curvature_of)(n, panel, lead, reach, l1, l2, x, free_ones, n_free, inverse, ratio, scaled,
                       hessian, step);
    if (!lrfact_solve_positive(hessian, step, n_free, EPSILON))
        return 0;
    for (int halvings = 0; halvings <= LRFACT_MOST_HALVINGS; halvings++) {
        const double length = ldexp(1, -halvings);
        double value;
        for (ptrdiff_t f = 0; f < width; f++)
            tried[f] = x[f];
        for (ptrdiff_t a = 0; a < n_free; a++) {
            const double after = x[free_ones[a]] - length * step[a];
            tried[free_ones[a]] = after > 0 ? after : 0;
        }
        value = NAME(poisson_objective)(values, n, panel, lead, width, reach, l1, l2, floor, tried,
                                        model);
        if (value < now) {
            for (ptrdiff_t f = 0; f < width; f++)
                x[f] = tried[f];
            return 1;
        }
    }
    return 0;
}

/* Minimize over x >= 0, by Newton's method on one coordinate at a time,
 *
 *     sum_f (reach[f] + l1) x[f] + l2 x[f]^2 / 2 - sum_p values[p] log(s[p]),
 *     s[p] = sum_f x[f] panel[f, p],
 *
 * with values[p] > 0. `x` is the start, positive, and the result; `model` is scratch of length
 * 4 lead, `work` of width^2 + 2 width, `free_ones` of width. Passes over nearly dependent
 * coordinates would go on for hundreds, so now and then all move at once. Ends once a pass has
 * moved no coordinate by more than `tol` of the total, both times `reach`, nor the approximation
 * of any entry, however small beside others, by more than the root of `tol`, whose square counts in
 * the objective; returns whether it did.
 */
LRFACT_EACH_CPU
static int NAME(poisson_row)(const VALUE *values, ptrdiff_t n, const VALUE *panel, ptrdiff_t lead,
                             ptrdiff_t width, const VALUE *reach, double l1, double l2,
                             double floor, double tol, int64_t most_passes, double *x,
                             VALUE *model, double *work, ptrdiff_t *free_ones)
{
    VALUE *inverse = model + lead, *ratio = inverse + lead;
    double *sizes = work; /* of changes; Newton's method has another use for `work` */
    const double of_entries = sqrt(tol);
    double total = 0;
    for (ptrdiff_t f = 0; f < width; f++)
        total += ((double)reach[f] + l1) * x[f];
    for (int64_t pass = 0; pass < most_passes; pass++) {
        const double nothing = tol * total;
        double moved = 0;
        total = 0;
        /* Anew in each pass, so that rounding errors of updates do not add up. */
        NAME(approximate)(panel, lead, n, width, x, model);
        NAME(move_model)(values, panel, 0, (VALUE)floor, n, model, inverse, ratio);
        for (ptrdiff_t f = 0; f < width; f++) {
            const VALUE *h = panel + f * lead;
            const double before = x[f], weight = (double)reach[f] + l1;
            double first, second, after;
            NAME(ratio_sums)(h, inverse, ratio, n, &first, &second);
            const double gradient = weight + l2 * before - first;
            const double curvature = second + l2;
            if (!(curvature > 0)) {
                after = 0; /* nothing asks for it */
            } else {
                after = before - gradient / curvature;
                const double least = before * (1 - LRFACT_MOST_DECREASE);
                if (!(after > least))
                    after = least;
            }
            /* Decreasing, and nothing beside the others in any entry: it is on its way to 0. */
            if (gradient > 0 && weight * after < nothing &&
                (!(curvature > 0) || after * NAME(largest_part)(h, inverse, n) < tol))
                after = 0;
            total += weight * after;
            sizes[f] = 0;
            if (after == before)
                continue;
            const double change = after - before;
            sizes[f] = change < 0 ? -change : change;
            moved = weight * sizes[f] > moved ? weight * sizes[f] : moved;
            x[f] = after;
            NAME(move_model)(values, h, (VALUE)change, (VALUE)floor, n, model, inverse, ratio);
        }
        if (moved <= tol * total) {
            ptrdiff_t f = 0;
            for (; f < width; f++) {
                const VALUE *h = panel + f * lead;
                if (sizes[f] > 0 && sizes[f] * NAME(largest_part)(h, inverse, n) > of_entries)
                    break;
            }
            if (f == width)
                return 1;
        }
        if (pass + 1 >= LRFACT_PASSES_BEFORE && (pass + 1) % LRFACT_PASSES_BETWEEN == 0 &&
            NAME(newton_step)(values, n, panel, lead, width, reach, l1, l2, floor, x, model, work,
                              free_ones)) {
            total = 0;
            for (ptrdiff_t f = 0; f < width; f++)
                total += ((double)reach[f] + l1) * x[f];
        }
    }
    return 0;
}

#undef VALUE
#undef NAME
#undef EPSILON
#undef TINY
#undef LANES
