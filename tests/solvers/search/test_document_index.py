import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.solvers.search.document_index import document_index, float32_vectors


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e-200, 1e200])
def test_units_of_any_size(size):
    X = np.array([[3.0, 4.0], [0.0, 0.0], [-5.0, 0.0]])
    found = float32_vectors(X * size, unit=True)
    assert found.dtype == np.float32
    assert_allclose(found, [[0.6, 0.8], [0, 0], [-1, 0]], rtol=1e-6)


def test_lengths_that_float32_cannot_hold():
    assert_array_equal(float32_vectors(np.array([[2.5, 0]]), unit=False), [[2.5, 0]])
    with pytest.raises(ValueError, match=r"too large for the float32 .* set metric='cosine'"):
        float32_vectors(np.array([[1e300, 1.0]]), unit=False)


@pytest.mark.parametrize("with_words", [True, False])
def test_in_parts_as_at_once(with_words):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 3))
    X[[2, 9]] = 0
    words = sparse.csr_array(rng.poisson(0.3, size=(20, 7)).astype(float))
    words = words.multiply((np.arange(20) != 9)[:, np.newaxis]).tocsr()

    def index(rows):
        return document_index(X[rows], words[rows] if with_words else None, unit=True)

    whole, parts = index(slice(None)), index(slice(8)).extended(index(slice(8, None)))
    assert_array_equal(parts.vectors, whole.vectors)
    assert_array_equal(parts.says_anything, whole.says_anything)
    assert_allclose(parts.second_moment, whole.second_moment, rtol=1e-12)
    assert_allclose(
        whole.second_moment, whole.vectors.astype(float).T @ whole.vectors / 20, rtol=1e-6
    )
    assert not whole.says_anything[9]
    assert whole.says_anything[2] == (with_words and words[[2]].nnz > 0)
    if with_words:
        assert_allclose(whole.postings.toarray(), words.toarray().T)
        assert_array_equal(parts.postings.toarray(), whole.postings.toarray())
    else:
        assert whole.postings is parts.postings is None
