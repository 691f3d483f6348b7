"""Nothing of the size of a dense copy of a sparse matrix is ever allocated."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from lrfact import NMFTopics
from lrfact.kernels import IMPLEMENTATION

pytestmark = pytest.mark.skipif(
    IMPLEMENTATION == "numpy", reason="half a minute where the twins' Python code is traced"
)

N_SAMPLES, N_FEATURES, N_COMPONENTS = 2000, 20_000, 3
DENSE_BYTES = 8 * N_SAMPLES * N_FEATURES
# Some twenty arrays of the size of both factors, and the matrix a few times: about 20 MB.
LIMIT = DENSE_BYTES // 10


def peak_of(call):
    """Bytes allocated at the same time by NumPy and Python while `call` runs."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning")
@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
@pytest.mark.parametrize("with_missing", [False, True])
def test_sparse_matrix_stays_sparse(loss, with_missing):
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, N_SAMPLES, 20_000), rng.integers(0, N_FEATURES, 20_000)
    values = 0.5 + rng.random(20_000)
    if with_missing:
        values[::50] = np.nan
    X = sparse.csr_array((values, (rows, columns)), shape=(N_SAMPLES, N_FEATURES))
    model = NMFTopics(N_COMPONENTS, beta_loss=loss, init="random", max_iter=2, random_state=0)
    assert peak_of(lambda: model.fit(X)) < LIMIT
    assert peak_of(lambda: model.transform(X[:100])) < LIMIT
    assert peak_of(lambda: model.score(X[:100])) < LIMIT
    assert peak_of(lambda: model.partial_fit(X[:100])) < LIMIT
