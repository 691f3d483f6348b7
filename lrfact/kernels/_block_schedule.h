/* Which blocks of a grid are under way, so that threads never meet in a range of rows or columns. */
#ifndef LRFACT_BLOCK_SCHEDULE_H
#define LRFACT_BLOCK_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__unix__) || defined(__APPLE__)
#include <sched.h>
#define LRFACT_YIELD() ((void)sched_yield())
#else
#define LRFACT_YIELD() ((void)0)
#endif

/* Of each range: rounds started and finished with the rows, and finished with the columns. */
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

#endif
