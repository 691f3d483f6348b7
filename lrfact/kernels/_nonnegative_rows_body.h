/* Included by _nonnegative_rows.h once for each type of value, so without an include guard. */

#define LANES (LRFACT_VECTOR_BYTES / (ptrdiff_t)sizeof(VALUE))
#define LINE (LRFACT_LINE_BYTES / (ptrdiff_t)sizeof(VALUE))

/* line[r] = sum_s gram[s] x[s, r] over the rows r of a block */
LRFACT_INLINE void NAME(multiply_line)(const VALUE *gram, const VALUE *x, ptrdiff_t width,
                                       VALUE *LRFACT_RESTRICT line)
{
#ifdef LRFACT_VECTOR_TYPES
    typedef VALUE vector __attribute__((vector_size(LRFACT_VECTOR_BYTES), aligned(sizeof(VALUE))));
    vector sum[LRFACT_LINE_VECTORS];
    for (int v = 0; v < LRFACT_LINE_VECTORS; v++)
        sum[v] = (vector){0};
    for (ptrdiff_t s = 0; s < width; s++) {
        const VALUE g = gram[s];
        for (int v = 0; v < LRFACT_LINE_VECTORS; v++)
            sum[v] += g * *(const vector *)(x + s * LINE + v * LANES);
    }
    for (int v = 0; v < LRFACT_LINE_VECTORS; v++)
        *(vector *)(line + v * LANES) = sum[v];
#else
    for (ptrdiff_t r = 0; r < LINE; r++)
        line[r] = 0;
    for (ptrdiff_t s = 0; s < width; s++)
        for (ptrdiff_t r = 0; r < LINE; r++)
            line[r] += gram[s] * x[s * LINE + r];
#endif
}

/* At most `most_passes` passes of coordinate descent over a block of rows,
 *
 *     minimize over x >= 0:  x' gram x / 2 - (cross - shift)' x,
 *
 * `x` (width x LINE) is the start and the result, `target` is cross - shift, both of a size at
 * which squares neither overflow nor vanish. A row stays as it is
 * once a pass has moved it by no more than `tol` of its own length, or, if `tol_is_of_first`, of
 * what the first pass moved it by; lengths are in the norm of the diagonal of `gram`.
 * violation[r]: sum of the sizes of the projected gradient in the first pass, each times the
 * `weight` of its coordinate;
 * at_rest[r]: whether the row came to rest. */
LRFACT_EACH_CPU
static void NAME(descend_block)(const VALUE *gram, ptrdiff_t width, const int64_t *order,
                                const VALUE *weight, const VALUE *target, double tol,
                                int tol_is_of_first, int64_t most_passes,
                                VALUE *LRFACT_RESTRICT x, VALUE *violation, VALUE *at_rest)
{
    VALUE gradient[LINE], moved[LINE], first[LINE], length[LINE];
    const VALUE bound = (VALUE)(tol * tol);
    VALUE largest = 0;
    for (ptrdiff_t f = 0; f < width; f++)
        largest = gram[f * width + f] > largest ? gram[f * width + f] : largest;
    for (ptrdiff_t r = 0; r < LINE; r++)
        violation[r] = at_rest[r] = first[r] = 0;
    for (int64_t pass = 0; pass < most_passes; pass++) {
        for (ptrdiff_t r = 0; r < LINE; r++)
            moved[r] = length[r] = 0;
        for (ptrdiff_t o = 0; o < width; o++) {
            const ptrdiff_t f = (ptrdiff_t)order[o];
            const VALUE curvature = gram[f * width + f];
            VALUE *LRFACT_RESTRICT line = x + f * LINE;
            if (!(curvature > 0)) {
                /* Linear: the minimum is at 0, or nowhere. */
                for (ptrdiff_t r = 0; r < LINE; r++)
                    line[r] = target[f * LINE + r] < 0 ? 0 : line[r];
                continue;
            }
            const VALUE share = curvature / largest;
            NAME(multiply_line)(gram + f * width, x, width, gradient);
            for (ptrdiff_t r = 0; r < LINE; r++)
                gradient[r] -= target[f * LINE + r];
            if (pass == 0)
                for (ptrdiff_t r = 0; r < LINE; r++) {
                    const VALUE size = gradient[r] < 0 ? -gradient[r] : gradient[r];
                    violation[r] += line[r] > 0 || gradient[r] < 0 ? weight[f] * size : 0;
                }
            for (ptrdiff_t r = 0; r < LINE; r++) {
                const VALUE before = line[r];
                const VALUE best = before - gradient[r] / curvature;
                VALUE after = best > 0 ? best : 0;
                after = at_rest[r] > 0 ? before : after;
                moved[r] += share * (after - before) * (after - before);
                length[r] += share * after * after;
                line[r] = after;
            }
        }
        if (pass == 0 && tol_is_of_first)
            for (ptrdiff_t r = 0; r < LINE; r++)
                first[r] = moved[r];
        VALUE n_at_rest = 0;
        for (ptrdiff_t r = 0; r < LINE; r++) {
            const VALUE scale = tol_is_of_first ? first[r] : length[r];
            at_rest[r] = moved[r] <= bound * scale ? 1 : 0;
            n_at_rest += at_rest[r];
        }
        if (n_at_rest == (VALUE)LINE)
            break;
    }
}

/* gram = the squares of the columns that a row has not hidden, upper triangle and diagonal.
 *
 * Taken from those of all columns, `total`, or summed anew, whichever is less work: `hidden` rises.
 * Where little is left of the total, rounding errors may be all of it, and it is summed anew. */
LRFACT_EACH_CPU
static void NAME(gram_of_shown)(const double *total, const VALUE *design, ptrdiff_t n_columns,
                                ptrdiff_t width, const int64_t *hidden, ptrdiff_t n_hidden,
                                double *LRFACT_RESTRICT gram)
{
    for (int subtract = 2 * n_hidden <= n_columns;; subtract = 0) {
        const double sign = subtract ? -1.0 : 1.0;
        int little = 0;
        ptrdiff_t at = 0;
        for (ptrdiff_t f = 0; f < width * width; f++)
            gram[f] = subtract ? total[f] : 0.0;
        for (ptrdiff_t j = 0; j < n_columns; j++) {
            if (subtract) {
                if (at == n_hidden)
                    break;
                j = (ptrdiff_t)hidden[at++];
            } else if (at < n_hidden && hidden[at] == j) {
                at++;
                continue;
            }
            const VALUE *d = design + j * width;
            for (ptrdiff_t f = 0; f < width; f++) {
                const double a = sign * (double)d[f];
                double *LRFACT_RESTRICT line = gram + f * width;
                for (ptrdiff_t g = f; g < width; g++)
                    line[g] += a * (double)d[g];
            }
        }
        if (!subtract)
            return;
        for (ptrdiff_t f = 0; f < width; f++)
            little |= gram[f * width + f] < LRFACT_LITTLE_LEFT * total[f * width + f];
        if (!little)
            return;
    }
}

#undef LANES
#undef LINE
#undef VALUE
#undef NAME
