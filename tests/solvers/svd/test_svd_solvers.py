"""Every solver on every kind of matrix against LAPACK, and with each other's signs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.stacked_operator import StackedOperator
from lrfact.solvers.svd import truncated_svd as module
from lrfact.solvers.svd.truncated_svd import SVD_SOLVERS, truncated_svd
from reference.naive_svd import naive_svd
from reference.spectra import STORAGES, spectrum, synthetic_matrix

# "sketch" is the randomized solver with a fixed number of power iterations.
ALL = ["auto", *SVD_SOLVERS, "sketch"]
EPS = {np.float32: 1.2e-7, np.float64: 2.3e-16}


def solve(A, k, solver, *, seed=0, **options):
    if solver == "sketch":
        options = {"n_iter": 6, **options}
        solver = "randomized"
    return truncated_svd(A, k, solver=solver, rng=np.random.RandomState(seed), **options)


def operator_and_explicit(X, storage="C order", centered=False):
    A, explicit = as_operator(STORAGES[storage](X)), X.astype(np.float64)
    if centered:
        A, explicit = A.centered(A.column_means()), explicit - explicit.mean(axis=0)
    return A, explicit


def assert_orthonormal(U, Vt, dtype):
    for Q in (U, Vt.T):
        Q = Q.astype(np.float64)
        assert_allclose(Q.T @ Q, np.eye(Q.shape[1]), atol=100 * EPS[dtype])


@pytest.mark.parametrize("centered", [False, True], ids=["", "centered"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(70, 30), (30, 70), (40, 40)], ids=["tall", "wide", "square"])
@pytest.mark.parametrize("solver", ALL)
def test_against_lapack(solver, shape, dtype, centered):
    X = synthetic_matrix(shape, 0.7 ** np.arange(min(shape)), seed=0, dtype=dtype)
    X += dtype(0.01)  # centering changes something
    tol = 1e-5 if dtype == np.float32 else 1e-10
    for storage in ("C order", "Fortran order", "csr_array", "long indices", "LinearOperator"):
        A, explicit = operator_and_explicit(X, storage, centered)
        U_true, s_true, Vt_true = naive_svd(explicit, 5)
        result = solve(A, 5, solver, tol=tol)
        assert result.U.dtype == result.s.dtype == result.Vt.dtype == dtype
        assert result.converged
        # The matrix is known to eps only, and sums over it round as often as it has rows.
        assert_allclose(result.s, s_true, rtol=2 * tol)
        # Neighbours differ by 30 %, so vectors are known to about the residual.
        atol = 10 * np.sqrt(tol)
        assert_allclose(result.Vt, Vt_true, rtol=0, atol=atol)
        assert_allclose(result.U, U_true, rtol=0, atol=atol)
        assert_orthonormal(result.U, result.Vt, dtype)
        assert (np.diff(result.s) <= 0).all()


@pytest.mark.parametrize("shape", [(70, 30), (30, 70)])
@pytest.mark.parametrize("solver", ALL)
def test_left_vectors_on_request_only(solver, shape):
    X = synthetic_matrix(shape, 0.7 ** np.arange(30), seed=0)
    full, short = solve(X, 4, solver), solve(X, 4, solver, want_left=False)
    assert short.U is None
    assert_allclose(short.s, full.s, rtol=1e-12)
    assert_allclose(short.Vt, full.Vt, atol=1e-12)


def test_signs_are_the_same_from_every_solver(global_random_seed):
    X = synthetic_matrix((60, 25), 0.6 ** np.arange(25), seed=global_random_seed)
    reference = solve(X, 6, "exact")
    assert (reference.Vt.max(axis=1) >= -reference.Vt.min(axis=1)).all()
    for solver in ALL:
        result = solve(X, 6, solver, tol=1e-8)
        assert (np.sum(result.Vt * reference.Vt, axis=1) > 0.999).all(), solver
        assert (np.sum(result.U * reference.U, axis=0) > 0.999).all(), solver
        # The transpose has the same triplets, with signs of its own.
        flipped = solve(X.T, 6, solver, tol=1e-8)
        assert_allclose(np.abs(np.sum(flipped.Vt.T * reference.U, axis=0)), 1, rtol=1e-3)


def test_names_what_ran():
    X = synthetic_matrix((60, 25), 0.6 ** np.arange(25), seed=0)
    for solver in SVD_SOLVERS:
        assert solve(X, 3, solver).solver == solver
    assert solve(X, 3, "auto").solver in SVD_SOLVERS
    assert solve(X, 3, "sketch").solver == "randomized"
    assert solve(X, 3, "sketch").n_iter == 6


class TestSpecialMatrices:
    """Whatever the rank, triplets are finite, orthonormal and reproduce the matrix."""

    MATRICES = {
        "zero, tall": np.zeros((9, 4)),
        "zero, wide": np.zeros((4, 9)),
        "constant": np.ones((8, 5)),
        "constant columns": np.tile([1.0, 2.0, 0.0, 3.0], (8, 1)),
        "identity": np.eye(7),
        "single entry": np.array([[-2.0]]),
        "single zero": np.array([[0.0]]),
        "one row": np.array([[3.0, 0.0, -4.0]]),
        "one column": np.array([[3.0], [0.0], [-4.0]]),
        "rank one": np.outer(np.arange(1.0, 9), np.arange(1.0, 7)),
        "rank two, wide": synthetic_matrix((6, 12), [2.0, 1.0], seed=0),
        "columns twice": np.repeat(synthetic_matrix((10, 3), [3.0, 2.0, 1.0], seed=0), 2, axis=1),
        "zero column": np.hstack(
            [synthetic_matrix((10, 3), [3.0, 2.0, 1.0], seed=0), np.zeros((10, 1))]
        ),
        "zero rows": np.vstack(
            [synthetic_matrix((5, 4), [4.0, 3, 2, 1], seed=0), np.zeros((5, 4))]
        ),
        "repeated values": synthetic_matrix((12, 8), [3.0, 3, 3, 1, 1, 1, 1, 1], seed=0),
        "permutation": np.eye(6)[[3, 1, 5, 0, 2, 4]],
    }

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("storage", ["C order", "csr_array"])
    @pytest.mark.parametrize("matrix", MATRICES)
    @pytest.mark.parametrize("solver", ALL)
    def test_every_rank(self, solver, matrix, storage, dtype):
        X = self.MATRICES[matrix].astype(dtype)
        for centered in (False, True):
            A, explicit = operator_and_explicit(X, storage, centered)
            _, s_true, _ = naive_svd(explicit, min(X.shape))
            for k in sorted({1, 2, min(X.shape)}):
                if k > min(X.shape) - (solver == "lanczos"):
                    continue
                atol = 200 * EPS[dtype] * max(1.0, np.abs(X).max() * np.sqrt(X.size))
                vanishes = s_true[k - 1] < atol / 100
                if solver == "gram" and vanishes and s_true[0] > 0:
                    continue  # refused, see TestGram
                result = solve(A, k, solver, tol=1e-6)
                assert_allclose(result.s, s_true[:k], rtol=1e-6, atol=atol)
                assert_orthonormal(result.U, result.Vt, dtype)
                # Right vectors belong to left ones, whatever basis was taken.
                assert_allclose(explicit @ result.Vt.T, result.U * result.s, atol=2e-3)
                if k == min(X.shape):
                    assert_allclose((result.U * result.s) @ result.Vt, explicit, atol=atol)
                assert not np.isnan(result.error).any()

    @pytest.mark.parametrize("solver", ["auto", "exact", "gram", "randomized", "sketch"])
    @pytest.mark.parametrize("shape", [(30, 12), (12, 30)])
    def test_all_triplets(self, solver, shape):
        X = synthetic_matrix(shape, np.linspace(2, 1, 12), seed=0)
        result = solve(X, 12, solver, tol=1e-9)
        assert_allclose((result.U * result.s) @ result.Vt, X, atol=1e-9)

    @pytest.mark.parametrize("solver", ["auto", "exact", "randomized", "sketch", "lanczos"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("rank", [1, 5, 25, 39])
    def test_more_triplets_than_the_rank(self, rank, dtype, solver, global_random_seed):
        """The directions of nothing are random, and the others as good as ever."""
        s_true = np.zeros(40)
        s_true[:rank] = 1 / np.arange(1, rank + 1)
        X = synthetic_matrix((400, 300), s_true[:rank], seed=global_random_seed, dtype=dtype)
        result = solve(X, 40, solver, tol=1e-4)
        assert_allclose(result.s, s_true, rtol=1e-4, atol=20 * EPS[dtype])
        assert_orthonormal(result.U, result.Vt, dtype)
        product = (result.U[:, :rank] * result.s[:rank]) @ result.Vt[:rank]
        assert_allclose(product, X, rtol=0, atol=100 * EPS[dtype])


class TestFlatSpectra:
    """White noise: no direction stands out, and iterations that hope for one go wrong."""

    @pytest.mark.parametrize("solver", ALL)
    def test_tall_noise(self, solver):
        X = np.random.default_rng(0).standard_normal((20_000, 20))
        s_true = np.linalg.svd(X, compute_uv=False)
        result = solve(X, 10, solver, tol=1e-4)
        bound = 1e-4 if solver != "sketch" else 1e-2  # asked for work, not for accuracy
        assert_allclose(result.s, s_true[:10], rtol=bound)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("solver", ["auto", "randomized", "lanczos"])
    @pytest.mark.parametrize("k", [1, 10, 60])
    def test_noise(self, k, solver, dtype, global_random_seed):
        X = np.random.default_rng(global_random_seed).standard_normal((400, 300)).astype(dtype)
        s_true = np.linalg.svd(X.astype(np.float64), compute_uv=False)[:k]
        result = solve(X, k, solver, tol=1e-4)
        assert result.converged
        assert_allclose(result.s, s_true, rtol=1e-4)

    @pytest.mark.parametrize("solver", ["auto", "exact", "gram", "randomized"])
    @pytest.mark.parametrize("k", [5, 20, 79])
    def test_all_singular_values_equal(self, k, solver):
        """An orthogonal matrix: every direction is as good, and none may be missing."""
        X = synthetic_matrix((200, 80), np.ones(80), seed=0)
        for A in (X, X.T, sparse.csr_array(X)):
            result = solve(A, k, solver, tol=1e-4)
            assert result.s.shape == (k,)
            assert_allclose(result.s, 1, rtol=1e-10)
            assert_orthonormal(result.U, result.Vt, np.float64)

    @pytest.mark.parametrize("solver", ["auto", "exact", "gram", "randomized", "sketch"])
    @pytest.mark.parametrize("multiplicity", [2, 9, 20])
    @pytest.mark.parametrize("below", ["equal", "spread"])
    def test_repeated_values_are_all_found(self, below, multiplicity, solver, global_random_seed):
        """A block finds no more copies of a value than it has columns, and must notice."""
        n = 150
        rest = np.ones(n) if below == "equal" else np.linspace(1, 0.2, n)
        s_true = np.concatenate([np.full(multiplicity, 3.0), rest[multiplicity:]])
        X = synthetic_matrix((200, n), s_true, seed=global_random_seed)
        for tol in (1e-2, 1e-4, 1e-10 if solver == "gram" else 0):
            result = solve(X, multiplicity + 4, solver, tol=tol, n_oversamples=30)
            assert_allclose(result.s[:multiplicity], 3, rtol=2 * tol + 1e-9)
            assert_allclose(result.s, s_true[: multiplicity + 4], rtol=0.05 + tol)

    def test_each_value_ten_times(self, global_random_seed):
        s_true = np.repeat(0.8 ** np.arange(15), 10)
        X = synthetic_matrix((200, 150), s_true, seed=global_random_seed)
        result = solve(X, 35, "randomized", tol=1e-6)
        assert_allclose(result.s, s_true[:35], rtol=1e-6)

    def test_one_hot_groups(self):
        """The usual way to repeated values: a table of categories of equal size."""
        labels = np.repeat(np.arange(60), 5)
        X = sparse.csr_array(np.eye(60)[labels])
        for solver in ("auto", "exact", "gram", "randomized"):
            for k in (12, 59):
                assert_allclose(solve(X, k, solver).s, np.sqrt(5), rtol=1e-10)


class TestDeterminism:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("solver", ALL)
    def test_threads_do_not_change_a_bit(self, solver, dtype):
        dense = synthetic_matrix((300, 120), 0.6 ** np.arange(120), seed=0, dtype=dtype)
        dense *= np.random.default_rng(0).random(dense.shape) < 0.2
        X = sparse.csr_array(dense)
        for centered in (False, True):
            results = []
            for n_threads in (1, 2, 4):
                A = as_operator(X, n_threads=n_threads)
                A = A.centered(A.column_means()) if centered else A
                result = solve(A, 3, solver, seed=3, tol=1e-2)
                results.append((result.U.tobytes(), result.s.tobytes(), result.Vt.tobytes()))
            assert len(set(results)) == 1

    @pytest.mark.parametrize("solver", ["randomized", "sketch", "lanczos"])
    def test_seeds_matter(self, solver):
        X = np.random.default_rng(0).standard_normal((90, 60))
        once, again, other = (solve(X, 4, solver, seed=seed, tol=1e-2) for seed in (0, 0, 1))
        assert_array_equal(once.Vt, again.Vt)
        assert (once.Vt != other.Vt).any()

    def test_the_global_generator_is_left_alone(self):
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        truncated_svd(np.eye(30) + 0.1, 2, solver="randomized")
        assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


class TestRange:
    """Values too large or too small for their squares: the truth, in the units of the matrix."""

    @pytest.mark.parametrize("storage", ["C order", "csr_array", "LinearOperator"])
    @pytest.mark.parametrize("shape", [(9, 5), (5, 9)])
    @pytest.mark.parametrize("solver", ALL)
    def test_huge_entries(self, solver, shape, storage, capfd):
        for dtype, scale in ((np.float64, 1e200), (np.float64, 1.7e308), (np.float32, 3e38)):
            X = np.full(shape, scale, dtype=dtype)
            X[0, 0] = 0
            for k in (1, 3):
                true = np.linalg.svd(X / np.abs(X).max(), compute_uv=False)[:k]
                try:
                    result = solve(STORAGES[storage](X), k, solver)
                except ValueError as error:
                    # Larger than a number of the dtype; products of an operator are its own.
                    too_large = true[0] > np.finfo(dtype).max / np.abs(X).max()
                    if "overflow" not in str(error) or not (
                        too_large or storage == "LinearOperator"
                    ):
                        raise
                else:
                    assert_allclose(result.s[:1] / np.abs(X).max(), true[:1], rtol=1e-4)
                    assert np.isfinite(result.Vt).all()
        assert capfd.readouterr() == ("", "")  # LAPACK prints its complaints

    @pytest.mark.parametrize("storage", ["C order", "csr_array"])
    @pytest.mark.parametrize("shape", [(9, 5), (5, 9)])
    @pytest.mark.parametrize("solver", ALL)
    def test_tiny_entries(self, solver, shape, storage):
        for dtype, scale in (
            (np.float64, 1e-140),
            (np.float64, 1e-165),
            (np.float64, 1e-200),
            (np.float32, 1e-16),
            (np.float32, 1e-21),
            (np.float32, 1e-30),
            (np.float32, 1e-38),
        ):
            base = synthetic_matrix(shape, 0.5 ** np.arange(5), seed=0)
            X = (base * scale).astype(dtype)
            result = solve(STORAGES[storage](X), 3, solver, tol=1e-4)
            true = np.linalg.svd(X.astype(np.float64) / scale, compute_uv=False)[:3]
            assert_allclose(result.s.astype(np.float64) / scale, true, rtol=1e-4)
            assert_orthonormal(result.U, result.Vt, dtype)

    def test_wide_range_of_scales(self):
        X = np.diag([1e100, 1.0, 1e-100])
        assert_allclose(solve(X, 3, "exact").s, [1e100, 1, 1e-100])
        assert_allclose(solve(X, 2, "auto").s, [1e100, 1])


class TestGram:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("shape", [(40, 12), (12, 40)])
    def test_exact_takes_over_where_digits_are_lost(self, shape, dtype):
        X = synthetic_matrix(shape, 10.0 ** -np.arange(12), seed=0, dtype=dtype)
        result = solve(X, 12, "gram", tol=1e-4)
        assert result.solver == "exact"
        assert_array_equal(result.s, solve(X, 12, "exact").s)
        # The leading ones are known, and what is loosely asked for is.
        leading = solve(X, 3, "gram", tol=1e-4)
        assert leading.solver == "gram"
        assert_allclose(leading.s, [1, 0.1, 0.01], rtol=1e-4)

    def test_all_triplets_of_a_rank_deficient_matrix(self):
        result = solve(np.ones((8, 5)), 5, "gram")
        assert result.solver == "exact"
        assert_allclose(result.s, [np.sqrt(40), 0, 0, 0, 0], atol=1e-14)
        assert_orthonormal(result.U, result.Vt, np.float64)

    @pytest.mark.parametrize("centered", [False, True])
    @pytest.mark.parametrize("storage", ["C order", "csr_array"])
    def test_randomized_takes_over_where_the_gram_matrix_is_large(
        self, storage, centered, monkeypatch
    ):
        monkeypatch.setattr(module, "LARGEST_GRAM", 20)
        X = synthetic_matrix((90, 40), 0.8 ** np.arange(40), seed=0)
        A, explicit = operator_and_explicit(X, storage, centered)
        true = np.linalg.svd(explicit, compute_uv=False)
        few = solve(A, 4, "gram", tol=1e-8)
        assert few.solver == "randomized"
        assert_allclose(few.s, true[:4], rtol=1e-8)
        # The Krylov space of many triplets would be most of the whole space.
        many = solve(A, 6, "gram", tol=1e-8)
        assert many.solver == "gram"
        assert_allclose(many.s, true[:6], rtol=1e-8)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_auto_then_takes_exact(self, dtype):
        s_true = 10.0 ** -np.arange(6)
        X = synthetic_matrix((400, 6), s_true, seed=0, dtype=dtype)
        result = solve(X, 6, "auto", tol=1e-3 if dtype == np.float32 else 1e-8)
        assert result.solver == ("gram" if dtype == np.float32 else "exact")
        assert_allclose(result.s, np.linalg.svd(X, compute_uv=False), rtol=1e-2)
        well_conditioned = synthetic_matrix((400, 6), np.linspace(2, 1, 6), seed=0, dtype=dtype)
        assert solve(well_conditioned, 6, "auto").solver == "gram"

    def test_float32_is_tried_in_float64(self):
        """A Gram matrix in float32 would lose the third value altogether."""
        X = synthetic_matrix((400, 6), 10.0 ** -np.arange(6), seed=0, dtype=np.float32)
        result = solve(X, 4, "gram", tol=1e-4)
        assert result.s.dtype == np.float32
        assert_allclose(
            result.s, np.linalg.svd(X.astype(np.float64), compute_uv=False)[:4], rtol=1e-4
        )


class TestLanczos:
    @pytest.mark.parametrize("k", [5, 6])
    def test_cannot_find_the_last_triplet(self, k):
        with pytest.raises(ValueError, match=f"at most .* - 1 = 4 triplets, not {k}; take solver"):
            truncated_svd(np.eye(5, 9), k, solver="lanczos")

    def test_gives_up_with_advice(self):
        X = np.random.default_rng(0).standard_normal((300, 200))
        with pytest.raises(RuntimeError, match=r"found \d+ of n_components=10 .*raise max_iter"):
            solve(X, 10, "lanczos", tol=0, max_iter=1)


class TestConvergence:
    @pytest.mark.parametrize("solver", ["randomized"])
    @pytest.mark.parametrize("max_iter", [1, 2, 3])
    def test_limit_is_kept_and_told(self, solver, max_iter):
        X = np.random.default_rng(0).standard_normal((300, 200))
        with pytest.warns(ConvergenceWarning, match=r"known to .* only, not tol=1e-06.*max_iter"):
            result = solve(X, 5, solver, tol=1e-6, max_iter=max_iter)
        assert not result.converged
        assert result.n_iter == max_iter
        assert result.s.shape == (5,)
        assert (result.s <= np.linalg.svd(X, compute_uv=False)[:5] * (1 + 1e-12)).all()
        assert (result.error > 1e-6).any()

    def test_warning_points_at_the_caller(self):
        X = np.random.default_rng(0).standard_normal((300, 200))
        with pytest.warns(ConvergenceWarning) as caught:
            truncated_svd(X, 5, solver="randomized", max_iter=1, rng=np.random.RandomState(0))
        assert caught[0].filename == __file__

    @pytest.mark.parametrize("solver", ["exact", "randomized", "lanczos"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("kind", ["exponential", "1/i", "line"])
    def test_tolerance_zero_is_machine_precision(self, kind, dtype, solver):
        """And counts as reached: no more can be had."""
        s_true = spectrum(kind, 80)
        X = synthetic_matrix((120, 80), s_true, seed=0, dtype=dtype)
        result = solve(X, 10, solver, tol=0)
        true = np.linalg.svd(X.astype(np.float64), compute_uv=False)[:10]
        assert_allclose(result.s, true, rtol=0, atol=30 * EPS[dtype] * true[0])
        assert result.converged

    @pytest.mark.parametrize("k", [20, 40])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("base", [0.5, 0.7, "1/i^2"])
    def test_small_values_keep_what_digits_there_are(self, base, dtype, k, global_random_seed):
        """Squares of them vanish beside that of the largest; they themselves do not."""
        i = np.arange(300)
        s_true = 1 / (1.0 + i) ** 2 if base == "1/i^2" else base**i
        X = synthetic_matrix((400, 300), s_true, seed=global_random_seed, dtype=dtype)
        result = solve(X, k, "randomized", tol=1e-4)
        assert result.converged
        true = np.linalg.svd(X.astype(np.float64), compute_uv=False)[:k]
        wrong = np.abs(result.s - true)
        assert (wrong <= np.maximum(1e-4 * true, 100 * EPS[dtype])).all()
        assert (wrong <= np.maximum(result.error * true, 10 * EPS[dtype])).all()
        for Q in (result.U, result.Vt.T):
            assert_allclose(Q.T.astype(np.float64) @ Q, np.eye(k), atol=1e-5)  # tol / 10

    @pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-6, 1e-9])
    def test_tighter_costs_more_and_gives_more(self, tol):
        X = synthetic_matrix((300, 200), spectrum("1/sqrt(i)", 200), seed=0)
        true = np.linalg.svd(X, compute_uv=False)[:10]
        result = solve(X, 10, "randomized", tol=tol)
        assert_allclose(result.s, true, rtol=tol)
        assert (result.error <= tol).all()
        if tol < 1e-1:
            assert result.n_iter >= solve(X, 10, "randomized", tol=10 * tol).n_iter

    def test_progress_is_told_and_may_stop(self):
        X = np.random.default_rng(0).standard_normal((300, 200))
        told = []

        def watch(step, error):
            told.append((step, error))
            return False

        result = solve(X, 5, "randomized", tol=1e-6, progress=watch)
        steps, errors = zip(*told, strict=True)
        assert list(steps) == sorted(set(steps))
        assert steps[-1] == result.n_iter
        assert errors[-1] <= 1e-6 < errors[0]

        with pytest.warns(ConvergenceWarning):
            stopped = solve(X, 5, "randomized", tol=1e-6, progress=lambda step, error: True)
        assert stopped.n_iter == steps[0]
        assert not stopped.converged


class TestRestarts:
    """A basis that reaches its limit goes on from its best vectors."""

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("k", [1, 3, 8])
    def test_hard_spectrum(self, k, dtype, global_random_seed):
        # Neighbours differ by so little that many more steps are needed than the basis holds.
        n, gap = 600, 1e-4 if dtype == np.float64 else 1e-3
        s_true = 1 - gap * np.arange(n) * (1 + 0.4 * np.arange(n) / n)
        X = synthetic_matrix((n, n), s_true, seed=global_random_seed, dtype=dtype)
        tol = 1e-9 if dtype == np.float64 else 1e-6
        result = solve(X, k, "randomized", tol=tol)
        assert result.n_iter > 12  # else nothing was restarted
        assert result.converged
        true = np.linalg.svd(X.astype(np.float64), compute_uv=False)[:k]
        assert_allclose(result.s, true, rtol=10 * tol)
        assert_orthonormal(result.U, result.Vt, dtype)

    def test_wide_and_sparse_and_centred(self):
        rng = np.random.default_rng(0)
        dense = rng.standard_normal((300, 900)) * (rng.random((300, 900)) < 0.05)
        A, explicit = operator_and_explicit(dense, "csr_array", centered=True)
        result = solve(A, 2, "randomized", tol=1e-12)
        assert_allclose(result.s, naive_svd(explicit, 2)[1], rtol=1e-12)
        assert_allclose(result.Vt, naive_svd(explicit, 2)[2], atol=1e-5)


def test_stacked_and_transposed_operators():
    rng = np.random.default_rng(0)
    top, bottom = rng.standard_normal((30, 12)), rng.standard_normal((5, 12))
    A = StackedOperator([as_operator(sparse.csr_array(top)), as_operator(bottom)])
    explicit = np.vstack([top, bottom])
    for solver in ALL:
        for matrix, dense in ((A, explicit), (A.T, explicit.T)):
            _, s_true, Vt_true = naive_svd(dense, 3)
            result = solve(matrix, 3, solver, tol=1e-10, n_iter=30 if solver == "sketch" else None)
            assert_allclose(result.s, s_true, rtol=1e-9)
            assert_allclose(np.abs(np.sum(result.Vt * Vt_true, axis=1)), 1, rtol=1e-6)


@pytest.mark.parametrize("solver", ALL)
def test_input_is_not_changed(solver):
    X = synthetic_matrix((40, 15), 0.7 ** np.arange(15), seed=0)
    for storage in ("C order", "Fortran order", "read-only"):
        given = STORAGES[storage](X)
        solve(given, 4, solver)
        assert_array_equal(given, X)
