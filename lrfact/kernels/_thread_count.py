"""How many threads a kernel gets of those requested: what the system grants, one after a fork.

OpenMP does not fail: where it gets no thread more it ends the process, and in a forked child it
waits for threads that only the parent has. So the number is checked before.
"""

import operator
import os
import threading

from lrfact.kernels._address_space import address_space_left

MOST_THREADS = 1024

# So many start on any system, unless a limit on the memory is in the way.
_FEW_THREADS = 16

_STACK = 8 * 2**20
_BLAS_BUFFER = 40 * 2**20  # OpenBLAS: 33 MB for each thread that is inside


class _Team(threading.local):
    """What this thread has woken: each thread that calls a kernel has a team of its own."""

    n_awake = 1
    n_awake_in_blas = 1


_team = _Team()
_some_team_was_woken = False
_team_was_lost = False
_n_startable = _FEW_THREADS


def usable_threads(n_threads: int, *, calls_blas: bool = False) -> int:
    """Return how many of the threads requested this process can have.

    Parameters
    ----------
    n_threads : int
        Threads requested; results never depend on it.

    calls_blas : bool, default=False
        Whether the threads call BLAS, which maps a buffer for each.

    Returns
    -------
    int
        Number of threads from 1 to 1024. It is 1 in a forked process whose parent has used threads,
        and limited by the available address space.

    Raises
    ------
    ValueError
        If `n_threads` is less than 1.
    """
    n_threads = operator.index(n_threads)
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    if n_threads == 1 or _team_was_lost:
        return 1
    n_threads = min(n_threads, MOST_THREADS)
    n_awake = _team.n_awake_in_blas if calls_blas else _team.n_awake
    if n_threads > n_awake:
        per_thread = _STACK + (_BLAS_BUFFER if calls_blas else 0)
        n_threads = int(min(n_threads, n_awake + address_space_left() // per_thread))
    return n_threads


def granted_threads(n_threads: int, *, calls_blas: bool = False) -> int:
    """Return how many threads a kernel may wake now, as `usable_threads` does, and note it.

    Parameters
    ----------
    n_threads : int
        Threads requested.

    calls_blas : bool, default=False
        Whether the threads call BLAS.

    Returns
    -------
    int
        Number of threads from 1 to 1024, and not more than the system is known to start.

    Raises
    ------
    ValueError
        If `n_threads` is less than 1.
    """
    global _some_team_was_woken
    n_threads = usable_threads(n_threads, calls_blas=calls_blas)
    if n_threads > _n_startable:
        n_threads = min(n_threads, _start(n_threads))
    if n_threads > 1:
        _some_team_was_woken = True
        _team.n_awake = max(_team.n_awake, n_threads)
        if calls_blas:
            _team.n_awake_in_blas = max(_team.n_awake_in_blas, n_threads)
    return n_threads


def _start(n_threads: int) -> int:
    """Start so many threads at once, and return how many there were."""
    global _n_startable
    may_leave = threading.Event()
    threads = []
    try:
        for _ in range(n_threads):
            thread = threading.Thread(target=may_leave.wait, daemon=True)
            thread.start()
            threads.append(thread)
    except (RuntimeError, MemoryError):  # "can't start new thread"
        # Room for those that others start at the same moment.
        n_threads = max(1, len(threads) // 2)
    finally:
        may_leave.set()
        for thread in threads:
            thread.join()
    _n_startable = max(_n_startable, n_threads)
    return n_threads


def _after_fork() -> None:
    global _team_was_lost
    _team_was_lost = _some_team_was_woken


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
