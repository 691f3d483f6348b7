/* Included by _masked_rows.h once for each pair of value and index type, so without an include
 * guard: from the entries of a row to the Gram matrix of its equations. */

/* One line of a panel: the design of a column, then what it has to explain of the value. */
LRFACT_INLINE void NAME(fill_line)(VALUE value, const VALUE *design, ptrdiff_t width,
                                   double intercept, int bias, VALUE *LRFACT_RESTRICT line)
{
    const ptrdiff_t n_factors = width - (bias ? 1 : 0);
    VALUE target = (VALUE)((double)value - intercept);
    for (ptrdiff_t f = 0; f < n_factors; f++)
        line[f] = design[f];
    if (bias) {
        target -= design[n_factors];
        line[n_factors] = 1;
    }
    line[width] = target;
}

/* Lines of the entries start to stop, times the roots of their weights if there are any. */
LRFACT_EACH_CPU
static void NAME(fill_panel)(const VALUE *values, const VALUE *weights, const INDEX *columns,
                             int64_t start, int64_t stop, const VALUE *design, ptrdiff_t width,
                             double intercept, int bias, ptrdiff_t lead,
                             VALUE *LRFACT_RESTRICT panel)
{
    for (int64_t at = start; at < stop; at++, panel += lead) {
        NAME(fill_line)(values[at], design + (ptrdiff_t)columns[at] * width, width, intercept,
                        bias, panel);
        if (weights) {
            const VALUE root = (VALUE)sqrt((double)weights[at]);
            for (ptrdiff_t f = 0; f <= width; f++)
                panel[f] *= root;
        }
    }
}

/* gram = sum of d d' over the lines d of the entries start to stop, at least one; `n_readable`
 * is where the indices of the matrix end. `panel` holds LRFACT_PANEL_ROWS lines. */
LRFACT_EACH_CPU
static void NAME(sum_gram)(const VALUE *values, const VALUE *weights, const INDEX *columns,
                           int64_t start, int64_t stop, int64_t n_readable, const VALUE *design,
                           ptrdiff_t width, double intercept, int bias, ptrdiff_t lead,
                           VALUE *LRFACT_RESTRICT panel, double *LRFACT_RESTRICT gram)
{
    const uintptr_t row_bytes = (uintptr_t)width * sizeof(VALUE);
    uintptr_t next[LRFACT_PANEL_ROWS];
    /* Panels of about one height: a short one costs nearly as much as a full one. */
    const int64_t n_panels = (stop - start + LRFACT_PANEL_ROWS - 1) / LRFACT_PANEL_ROWS;
    const int64_t height = (stop - start + n_panels - 1) / n_panels;
    for (int64_t first = start; first < stop; first += height) {
        const int64_t n = stop - first < height ? stop - first : height;
        NAME(fill_panel)(values, weights, columns, first, first + n, design, width, intercept,
                         bias, lead, panel);
        /* The next panel, or the first of the next row. Its indices need not be checked yet: a
           prefetch of any address is harmless, and unsigned arithmetic keeps its computation
           defined. */
        const int64_t n_left = n_readable - (first + n);
        const int64_t n_next = n_left < LRFACT_PANEL_ROWS ? n_left : LRFACT_PANEL_ROWS;
        for (int64_t r = 0; r < n_next; r++)
            next[r] = (uintptr_t)design + (uintptr_t)columns[first + n + r] * row_bytes;
        NAME(add_gram)(panel, n, width + 1, lead, first == start, next, n_next, row_bytes, gram);
    }
}

#undef VALUE
#undef INDEX
#undef NAME
