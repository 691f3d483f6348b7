"""Gram matrices keep the digits of float32, however many rows are summed."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lrfact.linalg import gram_matrix as module
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.gram_matrix import gram_matrix


@pytest.mark.parametrize("few_columns", [0, 512])
@pytest.mark.parametrize("wide", [False, True])
def test_rows_are_summed_in_float64(wide, few_columns, monkeypatch):
    """By BLAS, for many columns, and by the kernel for few."""
    monkeypatch.setattr(module, "_FEW_COLUMNS", few_columns)
    X = np.random.default_rng(0).random((6_000_000, 2), dtype=np.float32) + 1
    exact = X.T.astype(np.float64) @ X.astype(np.float64)
    A = as_operator(np.ascontiguousarray(X.T) if wide else X)
    assert_allclose(gram_matrix(A, dtype=np.float32), exact, rtol=5e-7)
