"""How many threads a kernel may use, and BLAS kept to one thread while it runs."""

import functools
import math
import multiprocessing
import operator
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import joblib
import numpy as np
import scipy.linalg  # (loads SciPy's BLAS, too, so that the controller below sees it)
from joblib.parallel import LokyBackend, get_active_backend
from threadpoolctl import ThreadpoolController

from lrfact import kernels
from lrfact.kernels._address_space import address_space_left
from lrfact.kernels._thread_count import usable_threads

# OpenBLAS maps 33 MB for each thread inside it, and ends the process, or tries for ever, where
# these are not to be had.
_BLAS_BUFFER = 40 * 2**20


def effective_n_threads(n_jobs: int | None = None) -> int:
    """Turn `n_jobs` into the number of threads that a kernel is given.

    Parameters
    ----------
    n_jobs : int or None, default=None
        None takes every thread available, or one where a pool of threads calls
        us already (joblib's threading backend). -1 takes every thread available,
        -2 all but one, and so on; a positive number is taken as it is, up to 1024.

    Returns
    -------
    int
        At least 1. Always 1 in kernels built without OpenMP, in daemonic processes
        (those of `multiprocessing.Pool`), and in a forked process whose parent had woken
        threads, as OpenMP would wait for these forever. Under a limit on the address
        space (``ulimit -v``) no more than it has room for.

    Raises
    ------
    ValueError
        If `n_jobs` is 0.

    MemoryError
        If a limit on the address space leaves no room for the working memory of BLAS.

    Notes
    -----
    Available are as many threads as ``OMP_NUM_THREADS`` says (joblib's process
    backends set it in their workers); without it the processors that affinity and
    container quotas leave, but never more than OpenMP's own limit.
    """
    if n_jobs is not None:
        n_jobs = operator.index(n_jobs)
        if n_jobs == 0:
            raise ValueError("n_jobs=0 has no meaning; give None, -1 or a positive number")
    _require_room_for_blas()
    if not kernels.openmp_enabled() or multiprocessing.current_process().daemon:
        return 1
    if n_jobs is not None and n_jobs > 0:
        return usable_threads(n_jobs, calls_blas=True)
    if n_jobs is None and _called_by_thread_pool():
        return 1
    available = _available_threads()
    wanted = max(1, available if n_jobs is None else available + 1 + n_jobs)
    return usable_threads(wanted, calls_blas=True)


def limit_threads(n_threads: int, n_milliseconds: float) -> int:
    """Return `n_threads`, or 1 for work that is done before a second thread would have begun.

    Parameters
    ----------
    n_threads : int
        Maximum number.

    n_milliseconds : float
        Approximate time that one thread needs.

    Returns
    -------
    int
        At least 1.
    """
    # On a busy machine a thread may be kept waiting for as long as a time slice.
    return n_threads if n_milliseconds > 0.5 else 1


def _available_threads() -> int:
    if os.environ.get("OMP_NUM_THREADS"):
        return kernels.max_threads()  # the user's word, even above the processor count
    return min(kernels.max_threads(), joblib.cpu_count())


def _called_by_thread_pool() -> bool:
    """Whether this runs in a worker thread of joblib, beside other workers."""
    backend, _ = get_active_backend()
    nested = (getattr(backend, "nesting_level", 0) or 0) > 0
    # In a worker *process* joblib has set OMP_NUM_THREADS, which is limit enough.
    return nested and multiprocessing.parent_process() is None


_blas_has_room = False


def _require_room_for_blas() -> None:
    """Let BLAS map what it needs while there is room, where the address space is limited."""
    global _blas_has_room
    if _blas_has_room:
        return
    left = address_space_left()
    if math.isinf(left):
        return
    needed = 2 * _BLAS_BUFFER  # of NumPy's and SciPy's
    if left < needed:
        raise MemoryError(
            f"BLAS needs {needed >> 20} MiB of working memory, and the limit on the address space "
            f"of this process (ulimit -v) leaves {int(left) >> 20} MiB; raise the limit"
        )
    # Large enough for what BLAS does not compute without a buffer; it keeps that from now on.
    block = np.ones((256, 256))
    scipy.linalg.blas.dgemm(1.0, block, block @ block)
    _blas_has_room = True


class _BLASLimit(threading.local):
    """BLAS on one thread, whichever Python threads come and go.

    Most BLAS libraries know one limit for the process. Were each caller to restore
    what it saw when it came, two overlapping callers could leave BLAS on one thread
    for good; so every caller restores what the first of them saw.
    """

    # Reentrant, as a handler of signals may fork while its thread is inside.
    _lock = threading.RLock()  # these three belong to the class: shared by all threads
    _n_threads_inside = 0
    _first: Any = None

    depth = 0  # nested calls of this thread

    def enter(self) -> None:
        self.depth += 1
        if self.depth > 1:
            return
        cls = type(self)
        with cls._lock:
            limiter = _blas_libraries().limit(limits=1)
            limiter.__enter__()
            if cls._n_threads_inside == 0:
                cls._first = limiter
            cls._n_threads_inside += 1

    def leave(self) -> None:
        self.depth -= 1
        if self.depth > 0:
            return
        cls = type(self)
        with cls._lock:
            cls._n_threads_inside -= 1
            cls._first.__exit__(None, None, None)

    def after_fork(self) -> None:
        """Forget the threads that only the parent has."""
        cls = type(self)
        cls._lock = threading.RLock()
        if cls._n_threads_inside == 0:
            return
        cls._n_threads_inside = int(self.depth > 0)
        if self.depth == 0:
            cls._first.__exit__(None, None, None)


_blas_limit = _BLASLimit()


_is_forked = False


def _after_fork() -> None:
    global _blas_has_room, _is_forked
    _is_forked = True
    _blas_has_room = False  # the buffers of BLAS's threads are gone with these
    _blas_limit.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _BLASLimit._lock.acquire(),
        after_in_parent=lambda: _BLASLimit._lock.release(),
        after_in_child=_after_fork,
    )


@functools.cache
def _blas_libraries() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds: once per process. OpenMP
    # stays out of it, as a limiter restores whatever its controller holds.
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep BLAS on one thread, for kernels that call it from a parallel loop.

    May be nested, and entered from several threads at once: the limit of before is back
    when all have left. (Who stays in while another thread leaves may run with several
    BLAS threads until it enters again: slower, never wrong.)

    Yields
    ------
    None
    """
    _require_room_for_blas()
    _blas_limit.enter()
    try:
        yield
    finally:
        _blas_limit.leave()


@contextmanager
def workers_that_start() -> Iterator[None]:
    """Let joblib's workers be threads in a forked process, where its default ones may hang.

    loky keeps its workers for the next call, and a forked child waits for those of its parent.

    Yields
    ------
    None
    """
    if _is_forked and isinstance(get_active_backend()[0], LokyBackend):
        with joblib.parallel_config(backend="threading"):
            yield
    else:
        yield
