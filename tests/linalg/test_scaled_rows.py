import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from lrfact.linalg.scaled_rows import scaled_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_keep_their_proportions_exactly(dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5, 6)).astype(dtype)
    X[rng.random((5, 6)) < 0.4] = 0
    X[3] = 0
    of_rows = np.array([1e-36, 1e30, 1, 1, 1e18], dtype=dtype)
    exact = 2.0 ** np.rint(np.log2(of_rows.astype(float)))
    rows = csr_array((X * exact[:, np.newaxis]).astype(dtype))
    before = rows.data.copy()
    found = scaled_rows(rows)
    assert found.dtype == dtype
    assert_array_equal(rows.data, before)
    largest = np.abs(found.toarray()).max(axis=1)
    assert ((largest >= 0.5) & (largest < 1) | (largest == 0)).all()
    factors = np.divide(found.toarray(), X, out=np.ones_like(X), where=X != 0)
    for row, nonzero in zip(factors, X != 0, strict=True):
        assert len(set(row[nonzero].tolist())) <= 1
        assert (np.frexp(row)[0] == 0.5).all()


def test_rows_of_usual_size_are_not_copied():
    rows = csr_array(np.array([[1e-9, 0, 3e8], [0, 0, 0]]))
    assert scaled_rows(rows) is rows


def test_numbers_at_the_ends_of_their_dtype():
    tiny = csr_array(np.array([[5e-324, 1e-323], [1.7e308, 8.5e307]]))
    assert_array_equal(scaled_rows(tiny).toarray()[0], [0.25, 0.5])
    assert np.isfinite(scaled_rows(tiny).data).all()
