"""A forked process, without the threads of its parent, does not hang and gives the same results."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lrfact import kernels

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="libraries of other systems do not all allow forks"
)

# Everything below is run in a process of its own, with a limit on its time: a child that waits for
# a thread which it does not have would wait for ever.
EVERY_ESTIMATOR = """
import multiprocessing
import os
import signal
import warnings
from concurrent.futures import ProcessPoolExecutor

warnings.simplefilter("ignore")  # Python 3.12 warns of forks where there are threads
import numpy as np

from lrfact import kernels
from reference.fits_with_threads import DENSE, FITS, are_equal, results_of

if kernels.IMPLEMENTATION == "numpy":  # which is slow where it loops over entries
    FITS = {name: fit for name, fit in FITS.items() if "sgd" not in name}
fork = multiprocessing.get_context("fork")
expected = {name: results_of(name, 2) for name in FITS}
np.linalg.svd(DENSE[:300] @ DENSE[:300].T)  # BLAS has its threads awake, too


def different(names=tuple(FITS)):
    signal.alarm(120)  # a child that hangs is not left behind
    return [name for name in names if not are_equal(results_of(name, 2), expected[name])]


with ProcessPoolExecutor(1, mp_context=fork) as pool:
    assert pool.submit(different).result() == []
    assert pool.submit(different, ["MaskedMF"]).result() == []  # and again in the same worker


def work(answers):
    answers.put(different())


answers = fork.Queue()
process = fork.Process(target=work, args=(answers,))
process.start()
assert answers.get() == []
process.join()
assert process.exitcode == 0

# As a preloading server does: forked without a module for it, and forking again.
reader, writer = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        found = different(["MaskedMF", "PCAFromSVD dense"])
        os.write(writer, b"different" if found else b"same")
        os._exit(0)
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
assert os.read(reader, 9) == b"same"
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
assert different(["BayesianMF", "NMFTopics"]) == []  # the parent goes on with its threads
"""

BESIDE_A_THREAD = """
import os
import signal
import threading

# While another thread is inside BLAS's limit and holds its lock now and then.
from threadpoolctl import threadpool_info
from lrfact._threads import _BLASLimit, single_threaded_blas

done = threading.Event()


def stay_inside():
    while not done.is_set():
        with single_threaded_blas():
            done.wait(0.001)


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


before = blas_threads()
thread = threading.Thread(target=stay_inside)
thread.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        if _BLASLimit._n_threads_inside or blas_threads() != before:
            os._exit(1)
        with single_threaded_blas():
            pass
        os._exit(0 if blas_threads() == before else 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
done.set()
thread.join()
assert blas_threads() == before
assert _BLASLimit._n_threads_inside == 0
"""


@pytest.mark.parametrize(
    "script", [EVERY_ESTIMATOR, BESIDE_A_THREAD], ids=["every estimator", "beside a thread"]
)
def test_a_forked_child_equals_its_parent(script, tmp_path):
    tests = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": str(tests), "OPENBLAS_NUM_THREADS": "2"}
    environment.pop("OMP_NUM_THREADS", None)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=environment, cwd=tmp_path, timeout=300, check=True,
    )  # fmt: skip


@pytest.mark.skipif(not kernels.openmp_enabled(), reason="built without OpenMP")
@pytest.mark.parametrize("woken", [False, True])
def test_only_what_was_awake_is_lost(woken, tmp_path):
    script = f"""
import os
from lrfact._threads import effective_n_threads
from lrfact.kernels._thread_count import granted_threads

if {woken}:
    assert granted_threads(2) == 2
if os.fork() == 0:
    os._exit(effective_n_threads(3))
assert os.waitstatus_to_exitcode(os.wait()[1]) == {1 if woken else 3}
assert effective_n_threads(3) == 3
"""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=tmp_path, timeout=60, check=True
    )
