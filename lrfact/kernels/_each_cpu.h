/* One source, compiled for several instruction sets.
 *
 * On x86-64 Linux the compiler emits each function so marked for several instruction sets and
 * the loader picks one, so that a wheel built for any CPU uses wide vectors where the machine
 * has them. Elsewhere the baseline version runs.
 */
#ifndef LRFACT_EACH_CPU_H
#define LRFACT_EACH_CPU_H

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && \
    ((defined(__clang__) && __clang_major__ >= 17) || (!defined(__clang__) && __GNUC__ >= 12))
/* By level, not by name: a CPU name would leave out every other maker's CPUs. */
#define LRFACT_EACH_CPU \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LRFACT_EACH_CPU
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LRFACT_PREFETCH(address) __builtin_prefetch(address)
#define LRFACT_RESTRICT __restrict__
/* Into callers that are compiled once for each CPU. */
#define LRFACT_INLINE static inline __attribute__((always_inline))
#else
#define LRFACT_PREFETCH(address) ((void)0)
#define LRFACT_INLINE static inline
#if defined(_MSC_VER)
#define LRFACT_RESTRICT __restrict
#else
#define LRFACT_RESTRICT
#endif
#endif

#define LRFACT_CACHE_LINE 64

#endif
