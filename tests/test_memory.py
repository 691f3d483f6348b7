"""Memory is asked for before a long computation begins, and limits end in a MemoryError."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from lrfact import (
    BayesianMF,
    ImplicitMF,
    MaskedMF,
    NMFTopics,
    PCAFromSVD,
    SoftImpute,
    TruncatedSVDReducer,
    _memory,
)
from lrfact._memory import available_memory, require_dense, require_memory
from lrfact.kernels import _address_space, _thread_count

GIB = 2**30
X = np.random.default_rng(0).random((30, 20))
LINUX = sys.platform.startswith("linux")


@pytest.fixture
def no_memory(monkeypatch):
    """A machine that has a kilobyte left, and is asked even for small arrays."""
    monkeypatch.setattr(_memory, "_SMALL", 0)
    monkeypatch.setattr(_memory, "available_memory", lambda: 1024.0)


def test_the_message_has_the_numbers_and_the_advice(monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda: 2.5 * GIB)
    message = (
        r"2 times a dense matrix of shape \(100000, 20000\) in float64 needs 30 GiB of memory, "
        r"and 2.5 GiB are available; pass fewer rows at a time"
    )
    with pytest.raises(MemoryError, match=message):
        require_dense((100_000, 20_000), np.float64, "pass fewer rows at a time", n_copies=2)


def test_what_fits_is_let_through(monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda: 2.5 * GIB)
    require_dense((1000, 100_000), np.float32, "")
    require_memory(2.5 * GIB, "", "")


def test_shapes_do_not_overflow():
    with pytest.raises(MemoryError, match="needs 549,755,813,376 GiB"):
        require_dense((np.int32(2**31 - 1), np.int32(2**31 - 1), np.int32(16)), np.float64, "")


def cached_gibibytes(n):
    return f"anon 5\ninactive_file {n * GIB}\ntotal_inactive_file {n * GIB}\n"


def test_the_limits_of_all_groups_above_count(tmp_path):
    """Of version 2: the group of the process has no limit, the one above it has."""
    proc, root = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "cgroup").write_text("0::/batch/job\n", encoding="utf-8")
    (root / "batch" / "job").mkdir(parents=True)
    (root / "batch" / "job" / "memory.max").write_text("max\n", encoding="ascii")
    (root / "batch" / "job" / "memory.current").write_text(f"{GIB}\n", encoding="ascii")
    (root / "batch" / "memory.max").write_text(f"{4 * GIB}\n", encoding="ascii")
    (root / "batch" / "memory.current").write_text(f"{3 * GIB}\n", encoding="ascii")
    assert _memory._control_group_memory(str(proc), str(root)) == GIB
    (root / "batch" / "memory.stat").write_text(cached_gibibytes(2), encoding="ascii")
    assert _memory._control_group_memory(str(proc), str(root)) == 3 * GIB


def test_groups_of_version_1_count(tmp_path):
    """Inside a container, where only the top is mounted."""
    proc, root = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    lines = "12:cpu,cpuacct:/docker/1f\n5:memory:/docker/1f\n"
    (proc / "self" / "cgroup").write_text(lines, encoding="utf-8")
    (root / "memory").mkdir(parents=True)
    (root / "memory" / "memory.limit_in_bytes").write_text(str(2 * GIB), encoding="ascii")
    (root / "memory" / "memory.usage_in_bytes").write_text(str(GIB), encoding="ascii")
    assert _memory._control_group_memory(str(proc), str(root)) == GIB


def test_without_anything_to_read_nobody_is_stopped(tmp_path):
    assert _memory._free_memory(str(tmp_path)) == math.inf
    assert _memory._control_group_memory(str(tmp_path), str(tmp_path)) == math.inf


@pytest.mark.skipif(not LINUX, reason="other systems do not tell")
def test_this_machine_has_memory():
    assert 2**20 < available_memory() < 2**50


@pytest.mark.usefixtures("no_memory")
class TestEstimators:
    @pytest.mark.parametrize(
        "model",
        [
            TruncatedSVDReducer(3, solver="gram"),
            TruncatedSVDReducer(3, solver="exact"),
            PCAFromSVD(3, svd_solver="full"),
            MaskedMF(3),
            BayesianMF(3),
            ImplicitMF(3),
            NMFTopics(3),
        ],
        ids=repr,
    )
    def test_a_fit_is_refused_and_leaves_nothing_behind(self, model):
        with pytest.raises(MemoryError, match=r"GiB are available; (take|lower) "):
            model.fit(np.repeat(X, 10, axis=0))
        assert not [name for name in vars(model) if name.endswith("_")]

    @pytest.mark.parametrize(
        "model",
        [
            TruncatedSVDReducer(3),
            PCAFromSVD(3),
            MaskedMF(3, max_iter=100),
            ImplicitMF(3, max_iter=100),
            NMFTopics(3, max_iter=2000),
        ],
        ids=repr,
    )
    def test_a_dense_result_is_refused(self, model, monkeypatch):
        with monkeypatch.context() as enough:
            enough.setattr(_memory, "available_memory", lambda: math.inf)
            W = model.fit(X).transform(X)
        with pytest.raises(MemoryError, match=r"shape \(30, 20\) in float64 needs .* fewer rows"):
            model.inverse_transform(W)

    @pytest.mark.parametrize("model", [SoftImpute(), BayesianMF(2, n_draws=2, n_burn_in=2)])
    def test_a_completed_matrix_is_refused(self, model, monkeypatch):
        observed = sparse.random(300, 20, density=0.5, random_state=0)
        with monkeypatch.context() as enough:
            enough.setattr(_memory, "available_memory", lambda: math.inf)
            model.fit(observed.tocsr())
        complete = model.transform if isinstance(model, SoftImpute) else model.predict
        with pytest.raises(MemoryError, match=r"shape \(300, 20\) .* fewer rows"):
            complete(observed.tocsr())


class TestAddressSpace:
    def test_threads_are_those_that_there_is_room_for(self, monkeypatch):
        room = 3 * (_thread_count._STACK + _thread_count._BLAS_BUFFER)
        monkeypatch.setattr(_thread_count, "_team", _thread_count._Team())
        monkeypatch.setattr(_thread_count, "address_space_left", lambda: float(room))
        assert _thread_count.usable_threads(8, calls_blas=True) == 4
        assert _thread_count.usable_threads(2, calls_blas=True) == 2
        monkeypatch.setattr(_thread_count, "address_space_left", lambda: 0.0)
        assert _thread_count.usable_threads(8) == 1

    def test_threads_that_the_system_does_not_start_are_not_woken(self, monkeypatch):
        started = []

        class Thread(_thread_count.threading.Thread):
            def start(self):
                if len(started) == 20:
                    raise RuntimeError("can't start new thread")
                started.append(self)
                super().start()

        monkeypatch.setattr(_thread_count.threading, "Thread", Thread)
        monkeypatch.setattr(_thread_count, "_n_startable", 16)
        assert _thread_count._start(64) == 10
        assert not any(thread.is_alive() for thread in started)

    @pytest.mark.skipif(not LINUX, reason="other systems do not tell")
    def test_the_limit_is_read(self, monkeypatch):
        assert _address_space.address_space_left() > 0
        limits = {_address_space.resource.RLIMIT_AS: 2**50}
        infinity = (_address_space.resource.RLIM_INFINITY,) * 2
        monkeypatch.setattr(
            _address_space.resource,
            "getrlimit",
            lambda which: (limits.get(which, infinity[0]),) * 2,
        )
        assert 2**49 < _address_space.address_space_left() < 2**50
        limits.clear()
        assert _address_space.address_space_left() == math.inf


UNDER_A_LIMIT = """
import resource
import sys

import numpy as np
from lrfact import MaskedMF, PCAFromSVD

R = np.random.default_rng(0).random((1500, 500))
R[R < 0.4] = np.nan
with open("/proc/self/statm") as counts:
    in_use = int(counts.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + int(sys.argv[1]) * 2**20,) * 2)
for model, X in (
    (MaskedMF(5, n_jobs=8, max_iter=100, random_state=0), R),
    (PCAFromSVD(5, n_jobs=8, random_state=0), np.nan_to_num(R)),
):
    try:
        model.fit(X)
        print("fitted")
    except MemoryError:
        print("refused")
"""


@pytest.mark.skipif(not LINUX, reason="other systems have no such limit")
@pytest.mark.parametrize(
    ("megabytes", "endings"), [(30, {"refused"}), (110, {"fitted", "refused"})]
)
def test_a_limit_on_the_address_space_ends_in_a_fit_or_a_memory_error(megabytes, endings, tmp_path):
    """BLAS would try for ever, or end the process; OpenMP would end the process."""
    done = subprocess.run(
        [sys.executable, "-c", UNDER_A_LIMIT, str(megabytes)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        cwd=tmp_path, timeout=60, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert set(done.stdout.split()) <= endings, done.stdout
    assert len(done.stdout.split()) == 2
