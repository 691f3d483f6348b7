"""The steps that solvers share: Gram matrix, new directions, triplets from a basis, signs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.linalg import matrix_operator
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.gram_matrix import gram_matrix
from lrfact.linalg.orthonormal_block import orthonormal_block, project_out
from lrfact.linalg.rayleigh_ritz import residual_norms, triplets_from_left, triplets_from_right
from lrfact.linalg.sign_convention import fix_signs
from reference.naive_svd import naive_signs
from reference.spectra import STORAGES, synthetic_matrix

EPS = {np.float32: 1.2e-7, np.float64: 2.3e-16}


def orthonormal(n, k, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return np.linalg.qr(rng.standard_normal((n, k)))[0].astype(dtype)


def departure_from_orthonormality(Q):
    return np.abs(Q.T.astype(np.float64) @ Q - np.eye(Q.shape[1])).max()


class TestGramMatrix:
    @pytest.fixture(autouse=True)
    def several_blocks(self, monkeypatch):
        monkeypatch.setattr(matrix_operator, "_BLOCK_BYTES", 256)

    @pytest.mark.parametrize("precision", [np.float32, np.float64])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("storage", STORAGES)
    @pytest.mark.parametrize("shape", [(700, 5), (5, 700), (6, 6), (1, 4), (4, 1)])
    def test_against_the_product(self, shape, storage, dtype, precision):
        rng = np.random.default_rng(0)
        X = ((rng.standard_normal(shape) + 1) * (rng.random(shape) < 0.6)).astype(dtype)
        for mean in (None, X.mean(axis=0)):
            A = as_operator(STORAGES[storage](X))
            explicit = X.astype(np.float64)
            if mean is not None:
                A, explicit = A.centered(mean), explicit - mean
            if shape[0] < shape[1]:
                explicit = explicit.T
            G = gram_matrix(A, dtype=precision)
            assert G.dtype == np.float64
            expected = explicit.T @ explicit
            # Relative to the norms of the columns, of which up to 100 times goes and comes back
            # where the mean is subtracted afterwards.
            eps = max(EPS[precision], EPS[dtype])
            scale = expected.diagonal().max()
            assert_allclose(np.tril(G), np.tril(expected), rtol=0, atol=200 * eps * scale)

    @pytest.mark.parametrize("shape", [(500, 4), (4, 500)])
    def test_large_means_cost_no_digits(self, shape):
        """Whatever way of centering is taken, it is one that keeps them."""
        rng = np.random.default_rng(0)
        for mean in (0.1, 1.0, 10.0, 1e3, 1e6):
            X = mean + rng.standard_normal(shape)
            explicit = X - X.mean(axis=0)
            explicit = explicit.T if shape[0] < shape[1] else explicit
            G = gram_matrix(as_operator(X).centered(X.mean(axis=0)), dtype=np.float64)
            expected = explicit.T @ explicit
            # Entries of 1e6 are themselves known to 1e-10 only.
            atol = (1e-13 + 1e-15 * mean) * expected.diagonal().max()
            assert_allclose(np.tril(G), np.tril(expected), rtol=0, atol=atol)


class TestProjectOut:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_remainder_is_orthogonal_even_if_nearly_nothing_is_left(self, dtype):
        Q = orthonormal(60, 10, dtype=dtype)
        rng = np.random.default_rng(1)
        inside = rng.standard_normal((10, 4))
        # One part in 100 of what is there already lies outside.
        block = (Q @ inside + 0.01 * rng.standard_normal((60, 4))).astype(dtype)
        remainder, coefficients = project_out(block.copy(), Q)
        assert np.abs(Q.T @ remainder).max() < 10 * EPS[dtype]
        assert_allclose(Q @ coefficients + remainder, block, rtol=0, atol=50 * EPS[dtype])

    def test_works_in_place(self):
        block = np.random.default_rng(0).standard_normal((20, 3))
        remainder, _ = project_out(block, orthonormal(20, 5))
        assert remainder is block

    def test_a_head_start_changes_nothing_where_it_is_justified(self):
        Q = orthonormal(60, 10)
        block = np.random.default_rng(1).standard_normal((60, 4))
        block -= Q[:, :6] @ (Q[:, :6].T @ block)  # nothing along the first six
        full = project_out(block.copy(), Q)
        short = project_out(block.copy(), Q, expected=6)
        for a, b in zip(full, short, strict=True):
            assert_allclose(a, b, rtol=0, atol=1e-14)


class TestOrthonormalBlock:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("rank", [0, 1, 3, 5])
    @pytest.mark.parametrize("width", [1, 3, 5])
    def test_any_rank_gives_a_full_block(self, rank, width, dtype):
        rng = np.random.RandomState(0)
        basis = orthonormal(40, 7, dtype=dtype)
        block = (rng.standard_normal((40, rank)) @ rng.standard_normal((rank, 5))).astype(dtype)
        block, _ = project_out(block, basis)
        Q = orthonormal_block(block, basis, width, 100 * EPS[dtype], rng)
        assert Q.shape == (40, width)
        assert Q.dtype == dtype
        both = np.hstack([basis, Q])
        assert departure_from_orthonormality(both) < 100 * EPS[dtype]
        if rank <= width:  # what was there is kept, whatever was added
            assert_allclose(Q @ (Q.T @ block), block, rtol=0, atol=200 * EPS[dtype])

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_what_is_barely_above_the_floor_becomes_orthogonal_too(self, dtype):
        """Normalised, a short remainder must not show the rounding errors it consists of."""
        rng = np.random.RandomState(0)
        basis = orthonormal(200, 50, dtype=dtype)
        for exponent in range(1, 5):
            # A product of norm one that lies in the span but for a few rounding errors.
            block = basis @ rng.standard_normal((50, 6)).astype(dtype)
            block += (10.0**exponent * EPS[dtype] * rng.standard_normal((200, 6))).astype(dtype)
            remainder, _ = project_out(block, basis)
            Q = orthonormal_block(remainder, basis, 6, 10 * EPS[dtype], rng)
            both = np.hstack([basis, Q])
            assert departure_from_orthonormality(both) < 100 * EPS[dtype], exponent

    def test_up_to_the_whole_space(self):
        basis = orthonormal(8, 5)
        block, _ = project_out(np.zeros((8, 5)), basis)
        Q = orthonormal_block(block, basis, 3, 1e-14, np.random.RandomState(0))
        assert departure_from_orthonormality(np.hstack([basis, Q])) < 1e-14

    def test_fresh_directions_follow_the_generator(self):
        basis = orthonormal(30, 3)
        one, same, other = (
            orthonormal_block(np.zeros((30, 4)), basis, 4, 1e-14, np.random.RandomState(seed))
            for seed in (0, 0, 1)
        )
        assert_array_equal(one, same)
        assert np.abs(one - other).max() > 0.1


class TestTriplets:
    @pytest.mark.parametrize("shape", [(30, 12), (12, 30), (12, 12)])
    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize("k", [1, 5, 12])
    def test_of_the_projected_matrix(self, shape, side, k):
        X = synthetic_matrix(shape, np.linspace(3, 1, 12), seed=0)
        basis = orthonormal(shape[side == "right"], k)
        projected = basis @ basis.T @ X if side == "left" else X @ basis @ basis.T
        make = triplets_from_left if side == "left" else triplets_from_right
        U, s, Vt = make(as_operator(X), basis)
        assert U.shape == (shape[0], k)
        assert Vt.shape == (k, shape[1])
        assert_allclose((U * s) @ Vt, projected, atol=1e-14)
        assert_allclose(s, np.linalg.svd(projected, compute_uv=False)[:k], rtol=1e-13)
        assert departure_from_orthonormality(U) < 1e-14
        assert departure_from_orthonormality(Vt.T) < 1e-14

    @pytest.mark.parametrize("make", [triplets_from_left, triplets_from_right])
    def test_vanishing_values_have_orthonormal_vectors(self, make):
        X = synthetic_matrix((20, 20), [2.0, 1.0], seed=0)
        U, s, Vt = make(as_operator(X), orthonormal(20, 6))
        assert departure_from_orthonormality(U) < 1e-14
        assert departure_from_orthonormality(Vt.T) < 1e-14
        assert (s[2:] < 1e-14).all()

    def test_small_values_keep_their_digits(self):
        """Errors of eps times the largest value, not of its square."""
        s_true = 10.0 ** -np.arange(12)
        X = synthetic_matrix((40, 12), s_true, seed=0)
        U, s, _ = triplets_from_left(as_operator(X), np.linalg.qr(X)[0])
        assert_allclose(s, s_true, rtol=0, atol=1e-15)
        assert departure_from_orthonormality(U) < 1e-14


class TestResidualNorms:
    def test_vanish_for_triplets(self):
        X = synthetic_matrix((30, 10), np.linspace(3, 1, 10), seed=0)
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        assert (residual_norms(as_operator(X), U, s, Vt) < 1e-14).all()

    def test_are_the_larger_of_both_sides(self):
        X = np.diag([3.0, 2.0, 1.0])
        U, Vt = np.eye(3)[:, :2], np.eye(3)[:2]
        right = np.array([[1, 0, 0], [0, 0.6, 0.8]])  # wrong on the right side only
        residuals = residual_norms(as_operator(X), U, np.array([3.0, 2.0]), right)
        by_hand = max(
            np.linalg.norm(X @ right[1] - 2 * U[:, 1]), np.linalg.norm(X.T @ U[:, 1] - 2 * right[1])
        )
        assert_allclose(residuals, [0, by_hand])
        assert residual_norms(as_operator(X), U, np.array([3.5, 2.0]), Vt)[0] == 0.5

    def test_hold_a_singular_value(self, global_random_seed):
        X = synthetic_matrix((30, 10), np.linspace(3, 1, 10), seed=global_random_seed)
        true = np.linspace(3, 1, 10)
        U, s, Vt = triplets_from_left(as_operator(X), orthonormal(30, 4, seed=1))
        for value, radius in zip(s, residual_norms(as_operator(X), U, s, Vt), strict=True):
            assert np.abs(true - value).min() <= radius * (1 + 1e-12)


class TestFixSigns:
    def test_against_the_definition(self, global_random_seed):
        rng = np.random.default_rng(global_random_seed)
        U, Vt = rng.standard_normal((9, 6)), rng.standard_normal((6, 20))
        product = U @ Vt
        expected = naive_signs(Vt)
        left, right = fix_signs(U.copy(), Vt.copy())
        assert_array_equal(right, expected)
        assert_allclose(left @ right, product, atol=1e-14)

    def test_the_same_whatever_came_in(self):
        rng = np.random.default_rng(0)
        Vt = rng.standard_normal((4, 7))
        for signs in ([1, 1, 1, 1], [-1, 1, -1, 1], [-1, -1, -1, -1]):
            flipped = np.array(signs)[:, np.newaxis] * Vt
            assert_array_equal(fix_signs(None, flipped)[1], naive_signs(Vt))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_dtype_none_and_zeros(self, dtype):
        left, right = fix_signs(None, np.array([[0, 0], [-2, 1]], dtype=dtype))
        assert left is None
        assert right.dtype == dtype
        assert_array_equal(right, [[0, 0], [2, -1]])

    @pytest.mark.parametrize("shape", [(0, 5), (3, 0)])
    def test_nothing_has_no_sign(self, shape):
        assert fix_signs(None, np.empty(shape))[1].shape == shape
