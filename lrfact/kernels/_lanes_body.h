/* Vectors of values, and inner products with them. Included by kernel bodies, once for each type of
   value, so without an include guard; they undefine LANES and AT at their end. */

#define LANES (LRFACT_LANES_BYTES / (ptrdiff_t)sizeof(VALUE))

#if defined(__GNUC__) || defined(__clang__)
typedef VALUE NAME(lanes) __attribute__((vector_size(LRFACT_LANES_BYTES), aligned(sizeof(VALUE))));
#define AT(address) (*(const NAME(lanes) *)(address))

/* Halves added to halves: the order in which vector units add. */
LRFACT_INLINE VALUE NAME(sum_of_lanes)(const NAME(lanes) *v)
{
    typedef VALUE half_lanes __attribute__((vector_size(LRFACT_LANES_BYTES / 2)));
    union { NAME(lanes) whole; half_lanes half[2]; } parts = {*v};
    half_lanes sums = parts.half[0] + parts.half[1];
    for (ptrdiff_t n = LANES / 4; n > 0; n /= 2)
        for (ptrdiff_t l = 0; l < n; l++)
            sums[l] += sums[l + n];
    return sums[0];
}
#endif

LRFACT_INLINE VALUE NAME(inner_product)(const VALUE *a, const VALUE *b, ptrdiff_t n)
{
    VALUE sum = 0;
    ptrdiff_t t = 0;
#if defined(__GNUC__) || defined(__clang__)
    NAME(lanes) sums = {0};
    for (; t + LANES <= n; t += LANES)
        sums += AT(a + t) * AT(b + t);
    sum = NAME(sum_of_lanes)(&sums);
#endif
    for (; t < n; t++)
        sum += a[t] * b[t];
    return sum;
}
