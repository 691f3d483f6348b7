"""Results do not depend on the number of threads, and nested workers do not multiply them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest

from lrfact import _threads, kernels
from reference.fits_with_threads import FITS, are_equal, results_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
needs_openmp = pytest.mark.skipif(not kernels.openmp_enabled(), reason="built without OpenMP")

SOME = ["MaskedMF", "BayesianMF", "ImplicitMF", "NMFTopics dense", "PCAFromSVD", "LSASearch"]


@needs_openmp
@pytest.mark.parametrize("name", FITS)
def test_results_are_bitwise_equal_for_any_number_of_threads(name):
    alone = results_of(name, 1)
    for n_jobs in (2, 4, None):
        assert are_equal(results_of(name, n_jobs), alone), n_jobs


@pytest.mark.parametrize("name", SOME)
def test_fits_side_by_side_are_those_one_after_another(name):
    alone = results_of(name, 1)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(results_of, [name] * 3, [2] * 3))
    assert all(are_equal(results, alone) for results in found)


@needs_openmp
@pytest.mark.parametrize("name", SOME)
def test_workers_of_joblib_do_not_wake_more_threads(name, monkeypatch):
    """Check the default; an explicit number of threads is respected."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(kernels, "max_threads", lambda: 8)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    given = {}

    def watched(n_jobs=None, usual=_threads.usable_threads, **how):
        n_threads = usual(n_jobs, **how)
        given.setdefault(threading.get_ident(), set()).add(n_threads)
        return n_threads

    monkeypatch.setattr(_threads, "usable_threads", watched)
    pool = joblib.Parallel(n_jobs=2, backend="threading")
    alone = results_of(name, 1)
    given.clear()
    found = pool(joblib.delayed(results_of)(name, None) for _ in range(2))
    assert all(are_equal(results, alone) for results in found)
    assert set().union(*given.values()) <= {1}
