/* Included by _poisson_rows.h once for each type of value, so without an include guard. */

/* first = sum_p values[p] h[p] / s[p],  second = sum_p values[p] (h[p] / s[p])^2 */
LRFACT_INLINE void NAME(ratio_sums)(const VALUE *values, const VALUE *h, const VALUE *model,
                                    ptrdiff_t n, VALUE floor, double *first, double *second)
{
    VALUE a[LRFACT_CHAINS] = {0}, b[LRFACT_CHAINS] = {0};
    ptrdiff_t p = 0;
    for (; p + LRFACT_CHAINS <= n; p += LRFACT_CHAINS)
        for (int c = 0; c < LRFACT_CHAINS; c++) {
            const VALUE s = model[p + c] > floor ? model[p + c] : floor;
            const VALUE q = h[p + c] / s;
            a[c] += values[p + c] * q;
            b[c] += values[p + c] * q * q;
        }
    for (int c = 0; p < n; p++, c++) {
        const VALUE s = model[p] > floor ? model[p] : floor;
        const VALUE q = h[p] / s;
        a[c] += values[p] * q;
        b[c] += values[p] * q * q;
    }
    double sum_a = 0, sum_b = 0;
    for (int c = 0; c < LRFACT_CHAINS; c++) {
        sum_a += (double)a[c];
        sum_b += (double)b[c];
    }
    *first = sum_a;
    *second = sum_b;
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

/* Minimize over x >= 0, by Newton's method on one coordinate at a time,
 *
 *     sum_f (reach[f] + l1) x[f] + l2 x[f]^2 / 2 - sum_p values[p] log(s[p]),
 *     s[p] = sum_f x[f] panel[f, p],
 *
 * with values[p] > 0. `x` is the start, positive, and the result; `model` is scratch of length n.
 * Ends once a pass has moved no coordinate by more than `tol` of the total, both times `reach`;
 * returns whether it did. */
LRFACT_EACH_CPU
static int NAME(poisson_row)(const VALUE *values, ptrdiff_t n, const VALUE *panel, ptrdiff_t lead,
                             ptrdiff_t width, const VALUE *reach, double l1, double l2,
                             double floor, double tol, int64_t most_passes, double *x,
                             VALUE *model)
{
    double total = 0;
    for (ptrdiff_t f = 0; f < width; f++)
        total += ((double)reach[f] + l1) * x[f];
    for (int64_t pass = 0; pass < most_passes; pass++) {
        const double nothing = tol * total;
        double moved = 0;
        total = 0;
        /* Anew in each pass, so that rounding errors of updates do not add up. */
        NAME(approximate)(panel, lead, n, width, x, model);
        for (ptrdiff_t f = 0; f < width; f++) {
            const VALUE *h = panel + f * lead;
            const double before = x[f], weight = (double)reach[f] + l1;
            double first, second, after;
            NAME(ratio_sums)(values, h, model, n, (VALUE)floor, &first, &second);
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
            /* Decreasing, and nothing beside the others: it is on its way to 0. */
            if (gradient > 0 && weight * after < nothing)
                after = 0;
            total += weight * after;
            if (after == before)
                continue;
            const double change = after - before;
            const double size = weight * (change < 0 ? -change : change);
            moved = size > moved ? size : moved;
            x[f] = after;
            for (ptrdiff_t p = 0; p < n; p++)
                model[p] += (VALUE)change * h[p];
        }
        if (moved <= tol * total)
            return 1;
    }
    return 0;
}

#undef VALUE
#undef NAME
