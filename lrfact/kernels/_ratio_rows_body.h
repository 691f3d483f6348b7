/* Included by _ratio_rows.h once for each pair of value and index type, so without an include
 * guard. */

/* The same in double precision: what a sum of many of these differs by from another must be seen. */
LRFACT_INLINE double NAME(wide_product)(const VALUE *a, const VALUE *b, ptrdiff_t width)
{
    double sums[LRFACT_CHAINS] = {0}, sum = 0;
    ptrdiff_t f = 0;
    for (; f + LRFACT_CHAINS <= width; f += LRFACT_CHAINS)
        for (int c = 0; c < LRFACT_CHAINS; c++)
            sums[c] += (double)a[f + c] * (double)b[f + c];
    for (; f < width; f++)
        sum += (double)a[f] * (double)b[f];
    for (int half = LRFACT_CHAINS / 2; half; half /= 2)
        for (int c = 0; c < half; c++)
            sums[c] += sums[c + half];
    return sum + sums[0];
}

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

/* With d_p the design row of entry p, s_p = row' d_p and m_p = max(s_p, floor values[p]):
 *     out = sum_p values[p] / m_p d_p,   loss = sum_p values[p] log(values[p] / m_p) - values[p] + m_p,
 *     model_sum = sum_p s_p
 * Entries of 0 add nothing. The last two are 0 unless the loss is wanted. */
LRFACT_EACH_CPU
static void NAME(sum_ratios)(const VALUE *values, const INDEX *columns, ptrdiff_t n_stored,
                             const VALUE *design, ptrdiff_t width, const VALUE *row,
                             double floor, int wants_loss, VALUE *LRFACT_RESTRICT out,
                             double *loss, double *model_sum)
{
    const double largest_ratio = 1 / floor;
    *loss = *model_sum = 0;
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
        const double quotient = (double)values[p] / (double)model;
        /* Infinity times 0 would be NaN. */
        const VALUE ratio = (VALUE)(quotient < largest_ratio ? quotient : largest_ratio);
        for (ptrdiff_t f = 0; f < width; f++)
            out[f] += ratio * d[f];
        if (wants_loss) {
            const double s = NAME(wide_product)(row, d, width);
            *model_sum += s;
            *loss += lrfact_poisson_divergence((double)values[p], s, floor);
        }
    }
}

#undef VALUE
#undef INDEX
#undef NAME
