"""Two OpenMP runtimes in one process: that of scikit-learn's wheel and that of the kernels."""

import subprocess
import sys

import pytest

from lrfact import kernels

pytestmark = pytest.mark.skipif(not kernels.openmp_enabled(), reason="needs OpenMP")

# Fits of both packages by turns, from one Python thread and from two at once.
SCRIPT = """
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

def ours(X):
    from lrfact import MaskedMF
    model = MaskedMF(2, reg=0.1, max_iter=5, tol=0.0, random_state=0, n_jobs=2)
    return model.fit(X).components_.tobytes()

def its(X):
    from sklearn.cluster import KMeans
    return KMeans(3, n_init=1, random_state=0).fit(X).cluster_centers_.round(8).tobytes()

import warnings
warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(4000, 20))
first, second = (ours, its) if sys.argv[1] == "ours" else (its, ours)
expected = first(X), second(X)
for _ in range(3):
    assert (first(X), second(X)) == expected, "by turns"
with ThreadPoolExecutor(2) as pool:
    for _ in range(3):
        both = pool.submit(first, X), pool.submit(second, X)
        assert tuple(result.result() for result in both) == expected, "at once"

from threadpoolctl import threadpool_info
runtimes = {pool["filepath"] for pool in threadpool_info() if pool["user_api"] == "openmp"}
print(len(runtimes))
"""


@pytest.mark.parametrize("first", ["ours", "its"])
def test_two_runtimes_neither_hang_nor_change_results(first, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, first],
        cwd=tmp_path,  # away from the source folder
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # One where all packages come from one distribution, two with wheels.
    assert int(done.stdout) >= 1
