"""A matrix times its own transpose, in tiles at which no BLAS fails."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.linalg import symmetric_product as module
from lrfact.linalg.symmetric_product import symmetric_product


@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 7, 14, 15])
def test_tiles_make_the_whole(width, dtype, order, monkeypatch):
    monkeypatch.setattr(module, "_TILE", 7)
    rows = np.random.default_rng(0).standard_normal((11, width)).astype(dtype)
    given = np.repeat(rows, 2, axis=1)[:, ::2] if order == "strided" else rows.copy(order=order)
    product = symmetric_product(given)
    assert product.dtype == np.float64
    assert_array_equal(product, product.T)
    assert_allclose(product, rows.T.astype(float) @ rows, rtol=0, atol=30 * np.finfo(dtype).eps)


def test_no_call_exceeds_a_tile(monkeypatch):
    """`syrk` of OpenBLAS 0.3.30 ends the process from about 16 400 rows on, on two threads."""
    sizes = []
    original = module.get_blas_funcs

    def recorded(names, arrays):
        syrk, gemm = original(names, arrays)

        def syrk_of_known_size(alpha, a, trans=0):
            sizes.append(a.shape[1] if trans else a.shape[0])
            return syrk(alpha, a, trans=trans)

        return syrk_of_known_size, gemm

    assert module._TILE <= 8192
    monkeypatch.setattr(module, "get_blas_funcs", recorded)
    monkeypatch.setattr(module, "_TILE", 64)
    for order in "CF":
        symmetric_product(np.ones((3, 300), order=order))
    assert sizes == [64, 64, 64, 64, 44] * 2


_DANGEROUS = """
import numpy as np, scipy.sparse as sp
from lrfact import TruncatedSVDReducer
from lrfact.linalg.symmetric_product import symmetric_product
places = np.random.default_rng(0).integers(17000, size=(2, 6000))
X = sp.csr_array((np.ones(6000), places), shape=(17000, 18000))
X = sp.vstack([sp.csr_array(np.ones((1, 18000))), X[1:]]).tocsr()
fitted = TruncatedSVDReducer(1, solver="gram", tol=1e-2, random_state=0).fit(X)
assert fitted.solver_ == "randomized", fitted.solver_
rows = np.random.default_rng(0).standard_normal((256, 18846))
product = symmetric_product(rows)
assert abs(product[1, -1] - rows[:, 1] @ rows[:, -1]) < 1e-9
"""


def _free_memory():
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0


@pytest.mark.skipif(
    "LRFACT_TEST_LARGE" not in os.environ, reason="needs 8 GB and 20 s: set LRFACT_TEST_LARGE=1"
)
@pytest.mark.skipif(_free_memory() < 8e9, reason="needs 8 GB of free memory")
def test_sizes_at_which_blas_fails():
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    run = subprocess.run(
        [sys.executable, "-c", _DANGEROUS], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, (run.returncode, run.stderr)
