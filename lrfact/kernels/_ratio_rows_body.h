/* Included by _ratio_rows.h once for each pair of value and index type, so without an include
 * guard. */

LRFACT_INLINE VALUE NAME(row_product)(const VALUE *a, const VALUE *b, ptrdiff_t width)
{
    VALUE sums[LRFACT_CHAINS] = {0}, sum = 0;
    ptrdiff_t f = 0;
    for (; f + LRFACT_CHAINS <= width; f += LRFACT_CHAINS)
        for (int c = 0; c < LRFACT_CHAINS; c++)
            sums[c] += a[f + c] * b[f + c];
    for (; f < width; f++)
        sum += a[f] * b[f];
    for (int half = LRFACT_CHAINS / 2; half; half /= 2)
        for (int c = 0; c < half; c++)
            sums[c] += sums[c + half];
    return sum + sums[0];
}

/* With d_p the design row of entry p and s_p = max(row' d_p, floor):
 *     out = sum_p values[p] / s_p d_p,   loss = sum_p values[p] log(values[p] / s_p)
 * Entries of 0 add nothing. Returns the loss, or 0 unless it is wanted. */
LRFACT_EACH_CPU
static double NAME(sum_ratios)(const VALUE *values, const INDEX *columns, ptrdiff_t n_stored,
                               const VALUE *design, ptrdiff_t width, const VALUE *row,
                               double floor, int wants_loss, VALUE *LRFACT_RESTRICT out)
{
    double loss = 0;
    for (ptrdiff_t f = 0; f < width; f++)
        out[f] = 0;
    for (ptrdiff_t p = 0; p < n_stored; p++) {
        const VALUE *d = design + (ptrdiff_t)columns[p] * width;
        if (p + LRFACT_RATIOS_AHEAD < n_stored) {
            const VALUE *next = design + (ptrdiff_t)columns[p + LRFACT_RATIOS_AHEAD] * width;
            for (ptrdiff_t b = 0; b < width; b += LRFACT_CACHE_LINE / (ptrdiff_t)sizeof(VALUE))
                LRFACT_PREFETCH((const void *)(next + b));
            (void)next; /* where prefetching expands to nothing */
        }
        if (!(values[p] > 0))
            continue;
        const VALUE model = NAME(row_product)(row, d, width);
        const double bounded = (double)model > floor ? (double)model : floor;
        const double quotient = (double)values[p] / bounded;
        /* Infinity times 0 would be NaN. */
        const VALUE ratio = (VALUE)(quotient < (double)LARGEST ? quotient : (double)LARGEST);
        for (ptrdiff_t f = 0; f < width; f++)
            out[f] += ratio * d[f];
        if (wants_loss && quotient > 0)
            loss += (double)values[p] * log(quotient);
    }
    return loss;
}

#undef VALUE
#undef LARGEST
#undef INDEX
#undef NAME
