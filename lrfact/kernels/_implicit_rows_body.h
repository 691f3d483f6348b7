/* Included by _implicit_rows.h once for each type of value, so without an include guard.
 *
 * `where` has the address of the design of each of a row's n entries, and of n_ahead that come after
 * them, which are only prefetched. A thread's scratch:
 *
 *     panel    LRFACT_PANEL_ROWS lines of `lead`
 *     system   lead x lead
 *     vectors  6 of `lead`
 *     gram     lead x lead, in double
 *     diagonal lead, in double
 *
 * with `lead` above the number of factors and a multiple of what tiles and vectors want.
 */

#define DESIGN(j) ((const VALUE *)where[j])
#define LANES (LRFACT_VECTOR_BYTES / (ptrdiff_t)sizeof(VALUE))

/* Space from line to line of a matrix of n columns and a right-hand side. */
LRFACT_INLINE ptrdiff_t NAME(lead_of)(ptrdiff_t n)
{
    const ptrdiff_t whole = (n + LRFACT_TILE_ROWS) / LRFACT_TILE_ROWS * LRFACT_TILE_ROWS;
    return (whole + LANES - 1) / LANES * LANES;
}

/* d = D^(-1/2), 0 where nothing is left of a factor */
LRFACT_INLINE void NAME(fill_scale)(const double *spectrum, double penalty, ptrdiff_t width,
                                    VALUE *LRFACT_RESTRICT d)
{
    /* Without branches, and in the type of the values, many are done at a time. */
    int fits = 1;
    for (ptrdiff_t f = 0; f < width; f++) {
        const double D = spectrum[f] + penalty;
        const VALUE root = ROOT((VALUE)(D > 0 ? D : 1));
        d[f] = D > 0 ? 1 / root : 0;
        fits &= (D <= 0) | ((D >= LEAST_SQUARE) & (D <= MOST_SQUARE));
    }
    for (ptrdiff_t f = 0; f < width && !fits; f++) {
        const double D = spectrum[f] + penalty;
        d[f] = D > 0 ? (VALUE)(1 / sqrt(D)) : 0;
    }
}

/* x = d y with (I + P'P) y = P'g: the matrix has as many rows as there are factors. */
LRFACT_INLINE int NAME(solve_by_factors)(const VALUE *weights, const uintptr_t *where,
                                         ptrdiff_t n_entries, ptrdiff_t n_ahead, ptrdiff_t width,
                                         const VALUE *d, VALUE *panel,
                                         VALUE *system, VALUE *vectors, double *gram,
                                         double *diagonal, VALUE *x)
{
    const ptrdiff_t lead = NAME(lead_of)(width);
    VALUE *b = vectors, *least_pivot = vectors + lead, *y = vectors + 2 * lead;
    const ptrdiff_t n_panels = (n_entries + LRFACT_PANEL_ROWS - 1) / LRFACT_PANEL_ROWS;
    const ptrdiff_t height = (n_entries + n_panels - 1) / n_panels;
    for (ptrdiff_t f = 0; f < lead; f++)
        b[f] = 0;
    for (ptrdiff_t first = 0; first < n_entries; first += height) {
        const ptrdiff_t n = n_entries - first < height ? n_entries - first : height;
        const ptrdiff_t n_left = n_entries + n_ahead - (first + n);
        for (ptrdiff_t r = 0; r < n; r++) {
            const VALUE a = weights[first + r];
            const VALUE root = ROOT(a), share = 1 + a;
            const VALUE *v = DESIGN(first + r);
            VALUE *line = panel + r * lead;
            for (ptrdiff_t f = 0; f < width; f++) {
                const VALUE scaled = d[f] * v[f];
                line[f] = root * scaled;
                b[f] += share * scaled;
            }
            for (ptrdiff_t f = width; f < lead; f++)
                line[f] = 0;
        }
        NAME(add_gram)(panel, n, width, lead, first == 0, where + first + n,
                       n_left < height ? n_left : height, (uintptr_t)width * sizeof(VALUE), gram);
    }
    for (ptrdiff_t f = 0; f < width; f++)
        diagonal[f] = gram[f * lead + f] + 1;
    NAME(set_system)(gram, diagonal, width, lead, ROUNDING, system, least_pivot);
    for (ptrdiff_t f = 0; f < width; f++)
        system[f * lead + width] = b[f];
    if (NAME(cholesky)(system, width, lead, least_pivot) != 0)
        return 0;
    NAME(back_substitute)(system, width, lead, y);
    for (ptrdiff_t f = 0; f < width; f++)
        x[f] = d[f] * y[f];
    return 1;
}

/* x = d P't with (I + P P') t = g: as many rows as the row has entries. */
LRFACT_INLINE int NAME(solve_by_entries)(const VALUE *weights, const uintptr_t *where,
                                         ptrdiff_t n_entries, ptrdiff_t n_ahead, ptrdiff_t width,
                                         const VALUE *d, VALUE *panel,
                                         VALUE *system, VALUE *vectors, double *gram,
                                         double *diagonal, VALUE *x)
{
    const ptrdiff_t n = n_entries, lead = NAME(lead_of)(n);
    VALUE *root = vectors, *least_pivot = vectors + lead, *t = vectors + 2 * lead;
    for (ptrdiff_t j = 0; j < n; j++)
        root[j] = ROOT(weights[j]);
    for (ptrdiff_t f0 = 0; f0 < width; f0 += LRFACT_PANEL_ROWS) {
        const ptrdiff_t height
            = width - f0 < LRFACT_PANEL_ROWS ? width - f0 : LRFACT_PANEL_ROWS;
        ptrdiff_t j = 0;
        /* Lines of P become columns: eight at a time are written side by side. */
        for (; j + 8 <= n; j += 8) {
            const VALUE *v[8];
            for (int l = 0; l < 8; l++)
                v[l] = DESIGN(j + l) + f0;
            for (ptrdiff_t f = 0; f < height; f++)
                for (int l = 0; l < 8; l++)
                    panel[f * lead + j + l] = root[j + l] * d[f0 + f] * v[l][f];
        }
        for (; j < n; j++) {
            const VALUE *v = DESIGN(j) + f0;
            for (ptrdiff_t f = 0; f < height; f++)
                panel[f * lead + j] = root[j] * d[f0 + f] * v[f];
        }
        for (ptrdiff_t f = 0; f < height; f++)
            for (j = n; j < lead; j++)
                panel[f * lead + j] = 0;
        NAME(add_gram)(panel, height, n, lead, f0 == 0, where + n, f0 == 0 ? n_ahead : 0,
                       (uintptr_t)width * sizeof(VALUE), gram);
    }
    for (ptrdiff_t j = 0; j < n; j++)
        diagonal[j] = gram[j * lead + j] + 1;
    NAME(set_system)(gram, diagonal, n, lead, ROUNDING, system, least_pivot);
    for (ptrdiff_t j = 0; j < n; j++)
        system[j * lead + n] = (1 + weights[j]) / root[j];
    if (NAME(cholesky)(system, n, lead, least_pivot) != 0)
        return 0;
    NAME(back_substitute)(system, n, lead, t);
    for (ptrdiff_t f = 0; f < width; f++)
        x[f] = 0;
    for (ptrdiff_t j = 0; j < n; j++) {
        const VALUE s = root[j] * t[j];
        const VALUE *v = DESIGN(j);
        for (ptrdiff_t f = 0; f < width; f++)
            x[f] += s * v[f];
    }
    for (ptrdiff_t f = 0; f < width; f++)
        x[f] = d[f] * (d[f] * x[f]); /* the square alone may overflow */
    return 1;
}

/* Conjugate gradients on (I + P'P) y = P'g from the x given, at most so many steps. */
LRFACT_INLINE int NAME(solve_by_gradients)(const VALUE *weights, const uintptr_t *where,
                                           ptrdiff_t n_entries, ptrdiff_t n_ahead,
                                           ptrdiff_t width, const VALUE *d, int most_steps, double tol, VALUE *vectors, VALUE *x)
{
    const ptrdiff_t lead = NAME(lead_of)(width);
    VALUE *y = vectors, *r = vectors + lead, *p = vectors + 2 * lead, *u = vectors + 3 * lead;
    VALUE *sum = vectors + 4 * lead;
    double size = 0, length = 0;
    for (ptrdiff_t f = 0; f < width; f++) {
        y[f] = d[f] > 0 ? x[f] / d[f] : 0;
        u[f] = d[f] * y[f];
        r[f] = sum[f] = 0;
    }
    for (ptrdiff_t at = 0; at < n_entries; at++) {
        const VALUE a = weights[at], share = 1 + a;
        const VALUE *v = DESIGN(at);
        if (at + 2 < n_entries + n_ahead)
            NAME(prefetch_rows)(where + at + 2, 1, (uintptr_t)width * sizeof(VALUE));
        const VALUE s = a * NAME(dot)(v, u, width);
        for (ptrdiff_t f = 0; f < width; f++) {
            r[f] += share * v[f];
            sum[f] += s * v[f];
        }
    }
    for (ptrdiff_t f = 0; f < width; f++) {
        const VALUE b = d[f] * r[f];
        r[f] = p[f] = b - y[f] - d[f] * sum[f];
        size += (double)b * b;
        length += (double)r[f] * r[f];
    }
    for (int step = 0; step < most_steps && length > tol * tol * size; step++) {
        double curvature = 0, before = length;
        for (ptrdiff_t f = 0; f < width; f++) {
            u[f] = d[f] * p[f];
            sum[f] = 0;
        }
        for (ptrdiff_t at = 0; at < n_entries; at++) {
            const VALUE *v = DESIGN(at);
            const VALUE s = weights[at] * NAME(dot)(v, u, width);
            for (ptrdiff_t f = 0; f < width; f++)
                sum[f] += s * v[f];
        }
        for (ptrdiff_t f = 0; f < width; f++) {
            sum[f] = p[f] + d[f] * sum[f];
            curvature += (double)p[f] * sum[f];
        }
        const VALUE way = (VALUE)(length / curvature);
        length = 0;
        for (ptrdiff_t f = 0; f < width; f++) {
            y[f] += way * p[f];
            r[f] -= way * sum[f];
            length += (double)r[f] * r[f];
        }
        const VALUE turn = (VALUE)(length / before);
        for (ptrdiff_t f = 0; f < width; f++)
            p[f] = r[f] + turn * p[f];
    }
    for (ptrdiff_t f = 0; f < width; f++)
        x[f] = d[f] * y[f];
    return 1;
}

/* The way that takes the least work; `most_steps` is 0 where only the exact ones are wanted. */
LRFACT_INLINE int NAME(choose_way)(const VALUE *weights, ptrdiff_t n_entries, ptrdiff_t width,
                                   int most_steps)
{
    const double n = (double)n_entries, k = (double)width;
    int way = BY_FACTORS;
    double work = n * k * (k / 2 + STREAMED) + k * k * (k / 6 + STREAMED);
    if (n < k) {
        VALUE least = weights[0];
        for (ptrdiff_t at = 1; at < n_entries; at++)
            least = weights[at] < least ? weights[at] : least;
        if (least >= (VALUE)LEAST_DUAL_WEIGHT) {
            way = BY_ENTRIES;
            work = n * k * (n / 2 + 2 * STREAMED) + n * n * (n / 6 + STREAMED);
        }
    }
    if (most_steps > 0 && n * k * 2 * STREAMED * (most_steps + 1) < work)
        way = BY_GRADIENTS;
    return way;
}

/* Solve for x, which is the start of conjugate gradients; returns 0 if numbers overflowed. The
 * loss is that of all columns, weighted, without the penalty; not computed if there is no place
 * for it. */
LRFACT_EACH_CPU
static int NAME(solve_implicit_row)(const VALUE *weights, const uintptr_t *where,
                                    ptrdiff_t n_entries, ptrdiff_t n_ahead, ptrdiff_t width,
                                    const double *spectrum, double penalty, int most_steps,
                                    double tol, VALUE *panel, VALUE *system, VALUE *vectors,
                                    double *gram, double *diagonal, VALUE *x, double *loss)
{
    VALUE *d = vectors + 5 * NAME(lead_of)(width);
    int sound;
    NAME(fill_scale)(spectrum, penalty, width, d);
    switch (NAME(choose_way)(weights, n_entries, width, most_steps)) {
    case BY_ENTRIES:
        sound = NAME(solve_by_entries)(weights, where, n_entries, n_ahead, width, d, panel, system,
                                       vectors, gram, diagonal, x);
        break;
    case BY_GRADIENTS:
        sound = NAME(solve_by_gradients)(weights, where, n_entries, n_ahead, width, d, most_steps,
                                         tol, vectors, x);
        break;
    default:
        sound = NAME(solve_by_factors)(weights, where, n_entries, n_ahead, width, d, panel, system,
                                       vectors, gram, diagonal, x);
    }
    for (ptrdiff_t f = 0; f < width && sound; f++)
        sound = isfinite(x[f]);
    if (!sound)
        return 0;
    if (loss) {
        double total = 0;
        for (ptrdiff_t f = 0; f < width; f++)
            total += spectrum[f] * x[f] * x[f];
        for (ptrdiff_t at = 0; at < n_entries; at++) {
            const double s = NAME(dot)(DESIGN(at), x, width);
            total += (1 + (double)weights[at]) * (1 - s) * (1 - s) - s * s;
        }
        *loss = total;
        return isfinite(total);
    }
    return 1;
}

#undef DESIGN
#undef LANES
#undef LEAST_SQUARE
#undef MOST_SQUARE
#undef ROOT
#undef ROUNDING
#undef VALUE
#undef NAME
