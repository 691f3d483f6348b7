/* Stochastic gradient descent over the entries of one block of a masked matrix.
 *
 * Plain C rather than Cython because of LRFACT_EACH_CPU: the loader picks the version for the
 * vectors that the machine has.
 *
 * `_masked_sgd_body.h` is included once for each type of value.
 */
#ifndef LRFACT_MASKED_SGD_H
#define LRFACT_MASKED_SGD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "_each_cpu.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sched.h>
#define LRFACT_YIELD() ((void)sched_yield())
#else
#define LRFACT_YIELD() ((void)0)
#endif

/* What is kept of each row and each column beside its factors. */
enum { BIAS, FACTOR_SQUARES, BIAS_SQUARES, RATE, N_STATES };

/* Columns lie far apart in memory: asked for so many entries before. */
#define SGD_AHEAD 3
/* Not the widest vectors there are: three sums then take a dozen registers at most. */
#define SGD_VECTOR_BYTES 32

/* All entries inside their block? Those below the first become huge when unsigned. */
LRFACT_EACH_CPU
static int indices_inside(const int32_t *indices, ptrdiff_t n, int64_t first, int64_t last)
{
    uint32_t outside = 0;
    const uint32_t start = (uint32_t)first, length = (uint32_t)(last - first);
    for (ptrdiff_t e = 0; e < n; e++)
        outside |= (uint32_t)((uint32_t)indices[e] - start >= length);
    return outside == 0;
}

/* Which blocks are under way. Of each range: rounds started and finished with the rows, and
   finished with the columns. */
typedef struct {
    ptrdiff_t n_rounds, n_ranges;
    const int64_t *rounds;
    int64_t *started, *finished, *of_columns;
} block_schedule;

enum { ALL_TAKEN = -1, NONE_READY = -2 };

/* Take a block of the earliest round possible and return its range of rows. A block is ready once
   the rounds before are through with its rows and its columns: each range is so visited in the
   order of the rounds, whoever runs ahead, and no thread waits for the end of a round. */
static ptrdiff_t take_block(block_schedule *schedule)
{
    const ptrdiff_t n = schedule->n_ranges;
    ptrdiff_t taken = ALL_TAKEN;
#ifdef _OPENMP
#pragma omp critical(lrfact_block_schedule)
#endif
    {
        for (ptrdiff_t a = 0; a < n; a++) {
            const int64_t round = schedule->started[a];
            if (round == schedule->n_rounds)
                continue;
            if (taken == ALL_TAKEN)
                taken = NONE_READY;
            if (schedule->finished[a] < round ||
                schedule->of_columns[schedule->rounds[round * n + a]] < round)
                continue;
            if (taken < 0 || round < schedule->started[taken])
                taken = a;
        }
        if (taken >= 0)
            schedule->started[taken]++;
    }
    if (taken == NONE_READY)
        LRFACT_YIELD();
    return taken;
}

/* The round that a range of rows is in, once taken. */
static int64_t round_of(const block_schedule *schedule, ptrdiff_t a)
{
    return schedule->started[a] - 1;
}

static void finish_block(block_schedule *schedule, ptrdiff_t a)
{
#ifdef _OPENMP
#pragma omp critical(lrfact_block_schedule)
#endif
    {
        schedule->of_columns[schedule->rounds[schedule->finished[a] * schedule->n_ranges + a]]++;
        schedule->finished[a]++;
    }
}

#define VALUE float
#define NAME(stem) stem##_f32
#define ROOT sqrtf
#include "_masked_sgd_body.h"

#define VALUE double
#define NAME(stem) stem##_f64
#define ROOT sqrt
#include "_masked_sgd_body.h"

#endif
