"""Every verb of every storage, centered or not, against the dense matrix that it stands for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator

from lrfact.linalg import matrix_operator
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.residual_operator import ResidualOperator
from lrfact.linalg.stacked_operator import StackedOperator
from reference.spectra import STORAGES

SHAPES = [(13, 7), (7, 13), (1, 5), (5, 1)]
FORMS = [
    *("plain", "centered", "transposed", "centered and transposed"),
    *("stacked", "stack transposed", "residual", "residual transposed"),
]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks per matrix, as large matrices have."""
    monkeypatch.setattr(matrix_operator, "_BLOCK_BYTES", 64)


def matrix(shape, dtype, seed=0):
    """About half zeros, means of about the size of the spread, one empty row and column."""
    rng = np.random.default_rng(seed)
    dense = (rng.standard_normal(shape) + 1) * (rng.random(shape) < 0.5)
    dense[shape[0] // 2] = 0
    dense[:, shape[1] // 2] = 0
    return dense.astype(dtype)


def build(form, storage, shape, dtype):
    """An operator of some form, and the dense float64 matrix that it should equal."""
    X = matrix(shape, dtype)
    operator = as_operator(STORAGES[storage](X))
    explicit = X.astype(np.float64)
    if form.startswith("stack"):
        lower = matrix((4, shape[1]), dtype, seed=1)
        mean = lower.mean(axis=0)
        operator = StackedOperator(
            [operator, as_operator(lower).centered(mean), as_operator(lower[:1])]
        )
        explicit = np.vstack([explicit, lower.astype(np.float64) - mean, lower[:1]])
    if form.startswith("residual"):
        rng = np.random.default_rng(3)
        u, v = rng.random(shape[0]), rng.random(shape[1])
        operator, explicit = ResidualOperator(operator, u, v), explicit - np.outer(u, v)
    if "centered" in form:
        mean = explicit.mean(axis=0)
        operator, explicit = operator.centered(mean), explicit - mean
    if "transposed" in form:
        operator, explicit = operator.T, explicit.T
    return operator, explicit


def assert_close(result, expected, dtype, *, size=1.0):
    # Sums of at most 20 products of entries of order `size`.
    assert_allclose(result, expected, rtol=0, atol=50 * np.finfo(dtype).eps * max(size, 1.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("form", FORMS)
class TestVerbs:
    def test_products(self, form, storage, dtype):
        rng = np.random.default_rng(2)
        for shape in SHAPES:
            A, explicit = build(form, storage, shape, dtype)
            n, m = explicit.shape
            for width in (1, 3):
                for order in "CF":
                    right = np.asarray(rng.standard_normal((m, width)), dtype=dtype, order=order)
                    left = np.asarray(rng.standard_normal((n, width)), dtype=dtype, order=order)
                    before = right.copy(), left.copy()
                    forward, back = A.matmat(right), A.rmatmat(left)
                    assert forward.dtype == back.dtype == dtype
                    assert_close(forward, explicit @ right, dtype, size=np.abs(explicit).max())
                    assert_close(back, explicit.T @ left, dtype, size=np.abs(explicit).max())
                    assert_array_equal(A @ right, forward)
                    assert_array_equal(right, before[0])
                    assert_array_equal(left, before[1])

    def test_blocks(self, form, storage, dtype):
        for shape in SHAPES:
            A, explicit = build(form, storage, shape, dtype)
            n, m = explicit.shape
            assert A.shape == (n, m)
            assert A.dtype == dtype
            assert A.ndim == 2
            size = np.abs(explicit).max()
            for start, stop in {(0, n), (n // 2, n), (0, 1), (n - 1, n)}:
                rows = A.row_block(start, stop)
                assert rows.dtype == dtype
                assert_close(rows, explicit[start:stop], dtype, size=size)
            for start, stop in {(0, m), (m // 2, m), (0, 1), (m - 1, m)}:
                assert_close(A.column_block(start, stop), explicit[:, start:stop], dtype, size=size)
            assert_close(np.vstack(list(A.row_blocks())), explicit, dtype, size=size)
            assert_close(np.hstack(list(A.column_blocks())), explicit, dtype, size=size)

    def test_sums(self, form, storage, dtype):
        for shape in SHAPES:
            A, explicit = build(form, storage, shape, dtype)
            squares = explicit**2
            size = squares.max()
            for result, expected in (
                (A.column_energies(), squares.sum(axis=0)),
                (A.row_energies(), squares.sum(axis=1)),
            ):
                assert result.dtype == np.float64
                assert_close(result, expected, dtype, size=size)
            assert_allclose(A.squared_norm(), squares.sum(), rtol=50 * np.finfo(dtype).eps)
            if form == "centered":
                explicit = matrix(shape, np.float64)  # means of X, whatever was subtracted
            means = A.column_means()
            assert means.dtype == np.float64
            assert_close(means, explicit.mean(axis=0), dtype)

    def test_transpose_is_shared_and_undone(self, form, storage, dtype):
        A, explicit = build(form, storage, SHAPES[0], dtype)
        assert A.T.shape == explicit.shape[::-1]
        ones = np.ones((explicit.shape[1], 1), dtype=dtype)
        assert_array_equal(A.T.T.matmat(ones), A.matmat(ones))
        if "transposed" not in form:
            assert A.T.T is A
        assert A.T.product_flops == A.product_flops > 0

    def test_as_scipy_sees_it(self, form, storage, dtype):
        A, explicit = build(form, storage, SHAPES[0], dtype)
        operator = A.as_linear_operator()
        n, m = explicit.shape
        assert operator.shape == (n, m)
        assert operator.dtype == dtype
        size = np.abs(explicit).max()
        x, y = np.arange(m, dtype=dtype) / m, np.arange(n, dtype=dtype) / n
        assert_close(operator.matvec(x), explicit @ x, dtype, size=size)
        assert_close(operator.rmatvec(y), explicit.T @ y, dtype, size=size)
        assert_close(operator @ x[:, np.newaxis], (explicit @ x)[:, np.newaxis], dtype, size=size)
        assert_close(operator.T @ y, explicit.T @ y, dtype, size=size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("storage", [s for s in STORAGES if s != "LinearOperator"])
def test_no_verb_changes_the_matrix(storage, dtype):
    X = STORAGES[storage](matrix((13, 7), dtype))
    arrays = [X] if isinstance(X, np.ndarray) else [X.data]
    if hasattr(X, "indptr"):
        arrays += [X.indices, X.indptr]
    before = [array.copy() for array in arrays]
    A = as_operator(X)
    for operator in (A, A.centered(A.column_means()), A.T):
        operator.prepare_products(2**20)
        operator.matmat(np.ones((operator.shape[1], 2), dtype=dtype))
        operator.rmatmat(np.ones((operator.shape[0], 2), dtype=dtype))
        operator.column_energies(), operator.row_energies(), operator.squared_norm()
        list(operator.row_blocks()), list(operator.column_blocks())
    for array, copy in zip(arrays, before, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize("storage", STORAGES)
def test_centring_again_replaces_the_mean(storage):
    X = matrix((13, 7), np.float64)
    A = as_operator(STORAGES[storage](X))
    first, second = np.full(7, 3.0), X.mean(axis=0)
    assert_allclose(A.centered(first).centered(second).row_block(0, 13), X - second, atol=1e-14)
    assert_allclose(A.centered(first).centered(None).row_block(0, 13), X, atol=1e-14)
    assert_allclose(A.row_block(0, 13), X)  # the one asked is not changed


@pytest.mark.parametrize("derived", [lambda A: A.T, lambda A: StackedOperator([A, A])])
def test_only_plain_matrices_are_centred(derived):
    A = derived(as_operator(np.eye(3)))
    with pytest.raises(NotImplementedError, match="before"):
        A.centered(np.zeros(3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("prepared", [False, True])
def test_transposed_products_with_and_without_a_second_copy(prepared, dtype):
    """Products announced before may store a sparse matrix by columns; digits hardly change."""
    X = matrix((50, 30), dtype)
    A = as_operator(sparse.csr_array(X), n_threads=2)
    if prepared:
        A.prepare_products(2**30)
    for width in (1, 3, 4, 40):
        block = np.random.default_rng(0).standard_normal((50, width)).astype(dtype)
        assert_close(A.rmatmat(block), X.T.astype(np.float64) @ block, dtype, size=10)


class TestLargeMeans:
    """A mean a million times the spread costs no digits of a dense matrix."""

    @staticmethod
    def data(dtype, mean=1e6):
        rng = np.random.default_rng(5)
        X = (mean * (1 + rng.random(8)) + rng.standard_normal((400, 8))).astype(dtype)
        exact_mean = X.astype(np.longdouble).mean(axis=0)
        centered = (X.astype(np.longdouble) - exact_mean).astype(np.float64)
        return X, exact_mean.astype(np.float64), centered

    @pytest.mark.parametrize("order", ["C order", "Fortran order", "strided"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_dense(self, dtype, order):
        X, exact_mean, centered = self.data(dtype)
        A = as_operator(STORAGES[order](X))
        mean = A.column_means()
        # float64: sums of 400 numbers of 1e6 to 2e6; float32: eps times the spread of one.
        assert_allclose(mean, exact_mean, rtol=0, atol=1e-8 if dtype == np.float64 else 1e-6)
        A = A.centered(mean)
        # The entries are known to eps of 2e6 / 400 in float64; in float32 they are as given.
        atol = 1e-8 if dtype == np.float64 else 1e-5
        assert_allclose(np.vstack(list(A.row_blocks())), centered, rtol=0, atol=atol)
        assert_allclose(np.hstack(list(A.column_blocks())), centered, rtol=0, atol=atol)
        block = np.eye(8, 3, dtype=dtype)
        assert_allclose(A.matmat(block), centered[:, :3], rtol=0, atol=atol)
        rows = np.random.default_rng(0).standard_normal((400, 3)).astype(dtype)
        rows[:, 0] += 1  # what a wrong mean would be multiplied with
        assert_allclose(A.rmatmat(rows), centered.T @ rows, rtol=0, atol=1000 * atol)
        assert_allclose(A.column_energies(), (centered**2).sum(axis=0), rtol=10 * atol)
        assert_allclose(A.row_energies(), (centered**2).sum(axis=1), rtol=0, atol=100 * atol)
        assert_allclose(A.squared_norm(), (centered**2).sum(), rtol=10 * atol)

    def test_sparse_loses_what_the_means_exceed_the_spread_by(self):
        """Centered by a correction: eps times the mean is lost, and not more."""
        X, _, centered = self.data(np.float64)
        A = as_operator(sparse.csr_array(X))
        A = A.centered(A.column_means())
        lost = 1e-9  # 2e6 * eps, a few times over
        assert_allclose(A.matmat(np.eye(8, 3)), centered[:, :3], rtol=0, atol=10 * lost)
        assert_allclose(A.column_energies(), (centered**2).sum(axis=0), rtol=1e-8)
        # Squares of 2e6 are subtracted from each other: 8 * 4e12 * eps.
        assert_allclose(A.row_energies(), (centered**2).sum(axis=1), rtol=0, atol=0.1)


class TestAsOperator:
    def test_operators_are_taken_as_they_are(self):
        A = as_operator(np.eye(3))
        assert as_operator(A) is A

    @pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float16, np.longdouble, bool])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_other_numbers_become_float64(self, container, dtype):
        if container is sparse.csr_array and dtype is np.float16:
            pytest.skip("SciPy has no sparse float16")
        X = np.array([[1, 0], [1, 1]], dtype=dtype)
        A = as_operator(container(X))
        assert A.dtype == np.float64
        assert_array_equal(A.row_block(0, 2), X)

    def test_lists_are_matrices(self):
        assert_array_equal(as_operator([[1, 2], [3, 4]]).row_block(0, 2), [[1, 2], [3, 4]])

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_no_copy_of_what_fits(self, dtype):
        X = np.ones((3, 2), dtype=dtype)
        assert np.shares_memory(as_operator(X).row_block(0, 3), X)

    @pytest.mark.parametrize("shape", [(3,), (2, 2, 2), ()])
    def test_only_two_dimensions(self, shape):
        with pytest.raises(ValueError, match=f"A has {len(shape)} dimensions; a matrix has 2"):
            as_operator(np.ones(shape))

    def test_linear_operators_keep_float32(self):
        assert as_operator(aslinearoperator(np.eye(2, dtype=np.float32))).dtype == np.float32
        assert as_operator(aslinearoperator(np.eye(2, dtype=np.int64))).dtype == np.float64


def test_stacked_parts_may_differ_in_storage():
    top, middle, bottom = (matrix((n, 6), np.float64, seed=n) for n in (4, 1, 9))
    A = StackedOperator(
        [
            as_operator(sparse.csr_array(top)),
            as_operator(middle),
            as_operator(sparse.csr_array(bottom)),
        ]
    )
    explicit = np.vstack([top, middle, bottom])
    assert A.shape == (14, 6)
    assert_allclose(A.row_block(3, 6), explicit[3:6])
    assert_allclose(A.rmatmat(np.ones((14, 2))), explicit.T @ np.ones((14, 2)))
    assert_allclose(A.column_means(), explicit.mean(axis=0))
