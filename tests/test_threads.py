"""n_jobs to threads, and the BLAS limit: entered, nested, overlapping, always lifted."""

import multiprocessing
import os
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from lrfact import _threads, kernels
from lrfact._threads import (
    effective_n_threads,
    limit_threads,
    single_threaded_blas,
)

needs_openmp = pytest.mark.skipif(not kernels.openmp_enabled(), reason="built without OpenMP")


@pytest.fixture
def four_processors(monkeypatch):
    """A machine with four processors, with OpenMP and no limit of any kind."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(kernels, "openmp_enabled", lambda: True)
    monkeypatch.setattr(kernels, "max_threads", lambda: 4)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)


@pytest.mark.usefixtures("four_processors")
class TestEffectiveNThreads:
    @pytest.mark.parametrize(
        ("n_jobs", "expected"),
        [(None, 4), (-1, 4), (-2, 3), (-4, 1), (-99, 1), (1, 1), (7, 7), (np.int64(3), 3)],
    )
    def test_counts_as_joblib_does(self, n_jobs, expected):
        n_threads = effective_n_threads(n_jobs)
        assert n_threads == expected
        assert type(n_threads) is int

    def test_absurd_numbers_are_cut(self):
        """OpenMP would end the interpreter when it gets no thread more."""
        assert effective_n_threads(2**40) == 1024

    def test_zero_is_refused(self):
        with pytest.raises(ValueError, match="n_jobs=0 has no meaning; give None, -1 or a pos"):
            effective_n_threads(0)

    def test_fraction_is_refused(self):
        with pytest.raises(TypeError, match="float"):
            effective_n_threads(1.5)  # type: ignore[arg-type]

    def test_container_quota_limits(self, monkeypatch):
        monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
        assert effective_n_threads(None) == effective_n_threads(-1) == 2

    def test_openmp_limit_limits(self, monkeypatch):
        monkeypatch.setattr(kernels, "max_threads", lambda: 3)
        assert effective_n_threads(None) == 3

    def test_omp_num_threads_may_exceed_the_processors(self, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "16")
        monkeypatch.setattr(kernels, "max_threads", lambda: 16)
        assert effective_n_threads(None) == 16

    def test_one_thread_in_each_thread_of_a_pool(self):
        def both():
            return effective_n_threads(None), effective_n_threads(2)

        pool = joblib.Parallel(n_jobs=2, backend="threading")
        assert pool(joblib.delayed(both)() for _ in range(2)) == [(1, 2), (1, 2)]
        assert effective_n_threads(None) == 4

    def test_one_thread_in_daemonic_processes(self, monkeypatch):
        monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
        assert effective_n_threads(None) == effective_n_threads(3) == 1

    def test_one_thread_without_openmp(self, monkeypatch):
        monkeypatch.setattr(kernels, "openmp_enabled", lambda: False)
        assert effective_n_threads(None) == effective_n_threads(8) == 1


@needs_openmp
@pytest.mark.parametrize("limit", [1, 3])
def test_omp_num_threads_is_honoured_by_the_kernels(limit, tmp_path):
    script = "from lrfact._threads import effective_n_threads as n; print(n(None), n(-1), n(5))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "OMP_NUM_THREADS": str(limit)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(limit), str(limit), "5"]


@needs_openmp
def test_joblib_processes_share_the_processors(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # joblib leaves what the user has set
    pool = joblib.Parallel(n_jobs=2, backend="loky")
    counts = pool(joblib.delayed(effective_n_threads)(None) for _ in range(2))
    assert all(1 <= count <= max(1, joblib.cpu_count() // 2) for count in counts)


@needs_openmp
def test_limit_set_at_run_time_is_honoured():
    with threadpool_limits(1, user_api="openmp"):
        assert effective_n_threads(None) == 1


def blas_threads() -> set[int]:
    """Threads of the BLAS of NumPy and SciPy; other packages may have loaded their own since."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    ours = [pool for pool in pools if "faiss" not in pool["filepath"]]
    return {pool["num_threads"] for pool in ours}


class TestSingleThreadedBLAS:
    @pytest.fixture(autouse=True)
    def two_threads_before_and_after(self):
        with threadpool_limits(2, user_api="blas"):
            before = blas_threads()
            if before != {2}:
                pytest.skip("this BLAS has no thread limit that we could see")
            yield
            assert blas_threads() == before

    def test_limits_and_restores(self):
        with single_threaded_blas():
            assert blas_threads() == {1}

    def test_restores_after_an_error(self):
        def fail():
            with single_threaded_blas():
                raise KeyError("inside")

        with pytest.raises(KeyError):
            fail()
        assert blas_threads() == {2}

    def test_may_be_nested(self):
        with single_threaded_blas():
            with single_threaded_blas():
                pass
            assert blas_threads() == {1}

    def test_as_a_decorator(self):
        assert single_threaded_blas()(blas_threads)() == {1}

    @pytest.mark.parametrize("first_to_leave", ["main", "other"])
    def test_overlapping_threads_leave_no_limit_behind(self, first_to_leave):
        """The one that came second saw a limit of 1, and must not restore that."""
        other_is_in, other_may_leave = threading.Event(), threading.Event()

        def other():
            with single_threaded_blas():
                other_is_in.set()
                other_may_leave.wait(30)

        thread = threading.Thread(target=other)
        with single_threaded_blas():
            thread.start()
            assert other_is_in.wait(30)
            if first_to_leave == "other":
                other_may_leave.set()
                thread.join(30)
        other_may_leave.set()
        thread.join(30)
        assert blas_threads() == {2}

    def test_leaves_openmp_alone(self):
        with threadpool_limits(1, user_api="openmp"), single_threaded_blas():
            inside = kernels.max_threads()
        assert inside == 1

    def test_no_thread_is_left_counted(self):
        assert _threads._BLASLimit._n_threads_inside == 0


def test_worker_threads_alone_leave_no_limit_behind(tmp_path):
    """Without a thread that holds BLAS all the time, as the main thread does above."""
    script = """
import threading
from threadpoolctl import threadpool_info
from lrfact._threads import single_threaded_blas

def limits():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

def enter_often():
    for _ in range(100):
        with single_threaded_blas():
            pass

before = limits()
threads = [threading.Thread(target=enter_often) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert limits() == before, (limits(), before)
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"}
    subprocess.run([sys.executable, "-c", script], env=environment, cwd=tmp_path, check=True)


def test_threads_are_not_woken_for_little_work():
    assert limit_threads(8, 0.01) == 1
    assert limit_threads(8, 100.0) == 8
    assert limit_threads(1, 100.0) == 1
