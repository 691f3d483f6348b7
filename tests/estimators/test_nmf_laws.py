"""NMFTopics in any unit, storage, dtype and order: the same parts."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from lrfact import NMFTopics

RNG = np.random.default_rng(0)
LOSSES = ["frobenius", "kullback-leibler"]
INITS = [None, "random", "nndsvd", "nndsvda", "nndsvdar", "custom"]
BETA = {"frobenius": 2, "kullback-leibler": 1, "itakura-saito": 0}
START = {"W": RNG.random((40, 3)) + 0.1, "H": RNG.random((3, 15)) + 0.1}


def counts(shape=(40, 15), seed=1):
    rng = np.random.default_rng(seed)
    parts = rng.gamma(0.5, size=(shape[0], 3)) @ rng.gamma(0.5, size=(3, shape[1]))
    X = rng.poisson(3 * parts).astype(float)
    X[0, :3] += 1
    return X


X = counts()
HOLES = np.where(RNG.random(X.shape) < 0.2, np.nan, X)


def fitted(X, *, unit=1.0, n_components=3, **options):
    model = NMFTopics(n_components, **{"random_state": 0, "tol": 0, "max_iter": 20, **options})
    start = {}
    if model.init == "custom":
        start = {name: np.sqrt(unit) * factors for name, factors in START.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "init='nndsvd' has zeros", UserWarning)
        return model, model.fit_transform(X, **start)


def divergence(X, S, beta):
    """By the formula, of positive approximations where X is positive."""
    if beta == 2:
        return 0.5 * np.sum((X - S) ** 2)
    logarithm = np.log(np.divide(X, S, out=np.ones_like(S), where=X > 0))
    return np.sum(X * logarithm - X + S)


class TestUnits:
    @pytest.mark.parametrize("init", INITS)
    @pytest.mark.parametrize("loss", LOSSES)
    @pytest.mark.parametrize(
        ("dtype", "power"),
        [(np.float64, -30), (np.float64, 30), (np.float32, -30), (np.float32, 30)],
    )
    def test_a_fit_in_any_unit(self, dtype, power, loss, init):
        """A power of ten rounds the entries, so that digits differ, but no step does."""
        given = X.astype(dtype)
        one, W = fitted(given, beta_loss=loss, init=init, max_iter=10)
        unit = 10.0**power
        other, its = fitted(
            (given * dtype(unit)).astype(dtype), unit=unit, beta_loss=loss, init=init, max_iter=10
        )
        rtol = 1e-8 if dtype == np.float64 else 1e-2
        root = 10.0 ** (power // 2)
        assert its.dtype == dtype
        for got, expected in ((its, W), (other.components_, one.components_)):
            expected = expected.astype(np.float64)
            assert_allclose(got / root, expected, rtol=rtol, atol=rtol * expected.max())
        beta = BETA[loss]
        error = one.reconstruction_err_ * unit ** (beta / 2)
        assert other.reconstruction_err_ == pytest.approx(error, rel=rtol)
        assert_allclose(other.objective_, one.objective_ * unit**beta, rtol=rtol)
        score = one.score(given) * unit**beta
        assert other.score((given * dtype(unit)).astype(dtype)) == pytest.approx(score, rel=rtol)

    @pytest.mark.parametrize("exponent", [-1000, -400, -100, -20, 20, 100, 400])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("loss", LOSSES)
    @pytest.mark.parametrize("given", [X, HOLES], ids=["full", "holes"])
    def test_powers_of_two_change_no_bit(self, given, loss, container, exponent):
        if given is HOLES and container is sparse.csr_array:
            return
        unit = 2.0**exponent
        one, W = fitted(container(given), beta_loss=loss)
        other, its = fitted(container(given * unit), beta_loss=loss)
        assert_array_equal(other.components_, one.components_ * np.sqrt(unit))
        assert_array_equal(its, W * np.sqrt(unit))
        assert_array_equal(other.transform(container(given * unit)), its)
        assert other.reconstruction_err_ == one.reconstruction_err_ * unit ** (BETA[loss] / 2)
        assert_array_equal(
            other.partial_fit(container(given[:9] * unit)).components_,
            one.partial_fit(container(given[:9])).components_ * np.sqrt(unit),
        )

    @pytest.mark.parametrize("loss", ["itakura-saito", 0.5, 1.5, 3.0])
    @pytest.mark.parametrize("unit", [1e-30, 1e30])
    def test_other_divergences(self, loss, unit):
        given = X + 0.1
        one, W = fitted(given, beta_loss=loss)
        other, its = fitted(given * unit, beta_loss=loss)
        assert_allclose(its / 1e15 ** np.sign(np.log(unit)), W, rtol=1e-6, atol=1e-9)
        beta = BETA.get(loss, loss)
        error = one.reconstruction_err_ * unit ** (beta / 2)
        assert other.reconstruction_err_ == pytest.approx(error, rel=1e-6)

    @pytest.mark.parametrize("loss", LOSSES)
    def test_penalties_follow_the_unit(self, loss):
        """They are of factors, so that another unit of the matrix is another penalty."""
        beta, unit = BETA[loss], 1e-30
        W = fitted(X, beta_loss=loss, alpha_W=0.01, alpha_H=0.02, l1_ratio=1.0)[1]
        root = np.sqrt(unit)
        penalties = {"alpha_W": 0.01 * unit**beta / root, "alpha_H": 0.02 * unit**beta / root}
        its = fitted(X * unit, beta_loss=loss, l1_ratio=1.0, **penalties)[1]
        assert_allclose(its / root, W, rtol=1e-6, atol=1e-8)
        # One that is huge beside squares leaves nothing.
        assert fitted(X * unit, beta_loss=loss, alpha_W=0.01)[1].any() == (beta == 1)

    @pytest.mark.parametrize("loss", [*LOSSES, 1.5])
    @pytest.mark.parametrize(("dtype", "unit"), [(np.float64, 1e-30), (np.float32, 1e30)])
    def test_batches(self, dtype, unit, loss):
        given, scaled = X.astype(dtype), (X * unit).astype(dtype)
        one, other = (NMFTopics(3, beta_loss=loss, random_state=0) for _ in range(2))
        for start in (0, 15, 30):
            one.partial_fit(given[start : start + 15])
            other.partial_fit(scaled[start : start + 15])
        expected = one.components_ * np.sqrt(unit)
        rtol = 1e-6 if dtype == np.float64 else 0.05
        assert_allclose(other.components_, expected, rtol=rtol, atol=rtol * expected.max())

    @pytest.mark.parametrize("loss", LOSSES)
    def test_batches_of_sizes_far_apart(self, loss):
        """What was learnt from small entries does not stop large ones, nor the other way round."""
        model = NMFTopics(2, beta_loss=loss, random_state=0)
        for unit in (1e-30, 1e30, 1e-30):
            model.partial_fit((X * unit).astype(np.float32))
            assert np.isfinite(model.components_).all()
            assert (model.components_ > 0).any(axis=1).all()

    @pytest.mark.parametrize("power", [160, 300])
    def test_squares_that_no_number_holds(self, power):
        with pytest.raises(ValueError, match="divide X by its largest"):
            NMFTopics(2).fit(X * 10.0**power)
        model, W = fitted(X * 10.0**power, beta_loss="kullback-leibler")
        assert_allclose((W @ model.components_).sum(), X.sum() * 10.0**power, rtol=1e-6)


class TestWeakRows:
    """Beside an entry that is huge."""

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("huge", [1e4, 1e8, 1e10, 1e13])
    def test_a_block_of_small_entries(self, huge, container):
        given = np.array([[huge, 0, 0], [0, 2, 1], [0, 1, 3.0]])
        model = NMFTopics(2, beta_loss="kullback-leibler", random_state=0)
        W = model.fit_transform(container(given))
        loss = divergence(given, W @ model.components_, 1)
        # That of the block and its own sums of rows and columns.
        block = given[1:, 1:]
        least = divergence(block, np.outer(block.sum(axis=1), block.sum(axis=0)) / 7, 1)
        assert loss == pytest.approx(least, rel=0.01, abs=1e-12 * huge)
        assert model.reconstruction_err_**2 / 2 == pytest.approx(loss, rel=1e-3, abs=1e-14 * huge)
        assert (W.sum(axis=1) > 0).all()

    @pytest.mark.parametrize("init", [None, "random"])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_no_row_is_wiped_out(self, container, init):
        given = counts((30, 12), seed=3)
        given = given[given.sum(axis=1) > 0]
        given[4, 5] = 1e10
        model = NMFTopics(4, beta_loss="kullback-leibler", random_state=0, init=init)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            W = model.fit_transform(container(given))
        S = W @ model.components_
        assert_allclose(S.sum(axis=1), given.sum(axis=1), rtol=1e-4)
        loss = divergence(given, S, 1)
        assert model.reconstruction_err_**2 / 2 == pytest.approx(loss, rel=1e-5)
        if init is None:
            without, V = fitted(
                np.delete(given, 4, axis=0), beta_loss="kullback-leibler", max_iter=300
            )
            rest = np.delete(given, 4, axis=0)
            assert loss < 1.1 * divergence(rest, V @ without.components_, 1) + 30

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_one_component_follows_the_sums(self, container):
        """Approximations of 1e-10 of the entry are right here, and no floor lifts them."""
        given = np.array([[1e10, 0, 0], [0, 2, 1], [0, 1, 3.0]])
        model = NMFTopics(1, beta_loss="kullback-leibler", random_state=0, tol=1e-9, max_iter=1000)
        S = model.fit_transform(container(given)) @ model.components_
        sums = np.outer(given.sum(axis=1), given.sum(axis=0)) / given.sum()
        assert_allclose(S, sums, rtol=1e-4)
        assert model.reconstruction_err_**2 / 2 == pytest.approx(divergence(given, S, 1), rel=1e-6)

    def test_zeros_beside_the_largest_entries(self):
        for huge in (4e8, 1e300):
            model = NMFTopics(1, beta_loss="kullback-leibler", random_state=0)
            S = model.fit_transform([[huge, 0], [0, 0]]) @ model.components_
            assert_allclose(S, [[huge, 0], [0, 0]], rtol=1e-6)


class TestStorage:
    @pytest.mark.parametrize("init", INITS)
    @pytest.mark.parametrize(
        ("loss", "solver"), [("frobenius", "hals"), ("frobenius", "mu"), ("kullback-leibler", "mu")]
    )
    def test_dense_and_sparse_end_in_the_same_factors(self, loss, solver, init):
        options = {"beta_loss": loss, "solver": solver, "init": init, "max_iter": 30}
        one, W = fitted(X, **options)
        by_columns, _ = fitted(np.asfortranarray(X), **options)
        other, its = fitted(sparse.csr_array(X), **options)
        for got, expected in (
            (its, W),
            (other.components_, one.components_),
            (by_columns.components_, one.components_),
        ):
            assert_allclose(got, expected, rtol=1e-8, atol=1e-10 * expected.max())
        assert other.reconstruction_err_ == pytest.approx(one.reconstruction_err_, rel=1e-10)
        assert other.score(sparse.csr_array(X)) == pytest.approx(one.score(X), rel=1e-7)

    @pytest.mark.parametrize("loss", LOSSES)
    def test_of_a_matrix_that_is_mostly_zeros(self, loss):
        """Where a pass takes longer than a product, and singular vectors are those of a part."""
        given = RNG.poisson(counts((300, 250), seed=5) * (RNG.random((300, 250)) < 0.1)).astype(
            float
        )
        one, W = fitted(given, n_components=12, beta_loss=loss)
        other, its = fitted(sparse.csr_array(given), n_components=12, beta_loss=loss)
        assert_allclose(its, W, rtol=1e-8, atol=1e-9 * W.max())
        assert_allclose(
            other.components_, one.components_, rtol=1e-8, atol=1e-9 * one.components_.max()
        )

    @pytest.mark.parametrize("loss", LOSSES)
    def test_with_missing_entries(self, loss):
        mask = np.isnan(HOLES)
        one, W = fitted(HOLES, beta_loss=loss)
        stored = sparse.csr_array(np.where(mask, np.nan, np.where(X > 0, X, 0)))
        other, its = fitted(stored, beta_loss=loss)
        assert_allclose(its, W, rtol=1e-7, atol=1e-9 * W.max())
        assert_allclose(other.components_, one.components_, rtol=1e-7, atol=1e-9)

    @pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int32, np.int64, np.uint64])
    @pytest.mark.parametrize("container", [np.asarray, sparse.coo_array, sparse.csr_array])
    def test_numbers_are_added_up_as_floating_point_numbers(self, container, dtype):
        """Whatever repeated entries sum to."""
        given = (X > 1) if dtype is bool else X.astype(dtype)
        expected, _ = fitted(given.astype(float))
        assert_allclose(fitted(container(given))[0].components_, expected.components_, rtol=1e-9)
        if container is np.asarray:
            return
        rows, columns = np.nonzero(given)
        values = np.full(len(rows), 1 if dtype is bool else 127, dtype=dtype)
        order = np.random.default_rng(0).permutation(3 * len(rows))
        parts = [np.tile(part, 3)[order] for part in (values, rows, columns)]
        if container is sparse.coo_array:
            repeated = sparse.coo_array((parts[0], (parts[1], parts[2])), shape=X.shape)
        else:
            by_row = np.argsort(parts[1], kind="stable")
            indptr = np.concatenate([[0], np.cumsum(np.bincount(parts[1], minlength=len(X)))])
            repeated = sparse.csr_array((parts[0][by_row], parts[2][by_row], indptr), shape=X.shape)
        data = repeated.data.copy()
        summed = np.zeros(X.shape)
        np.add.at(summed, (rows, columns), 3.0 * values)
        its, W = fitted(repeated)
        assert_allclose(its.components_, fitted(summed)[0].components_, rtol=1e-7, atol=1e-9)
        assert_allclose(its.transform(repeated), W)
        assert_array_equal(repeated.data, data)

    def test_stored_zeros_are_zeros(self):
        given = sparse.csr_array(X + 1)
        given.data -= 1
        for loss in LOSSES:
            expected, _ = fitted(X, beta_loss=loss)
            assert_allclose(
                fitted(given, beta_loss=loss)[0].components_,
                expected.components_,
                rtol=1e-8,
                atol=1e-10,
            )

    def test_half_precision_and_frames(self):
        expected, _ = fitted(X)
        assert_allclose(
            fitted(X.astype(np.float16))[0].components_, expected.components_, rtol=1e-9
        )
        pandas = pytest.importorskip("pandas")
        of_bools, _ = fitted((X > 1).astype(float))
        frame = pandas.DataFrame(X > 1, columns=[f"c{j}" for j in range(15)])
        for given in (frame, frame.astype(pandas.SparseDtype(bool, False))):
            assert_allclose(fitted(given)[0].components_, of_bools.components_, rtol=1e-8)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("loss", LOSSES)
def test_permuted_rows_and_columns_permute_the_factors(loss, container):
    """From a start that is not drawn."""
    rows, columns = RNG.permutation(40), RNG.permutation(15)
    one, W = fitted(container(X), beta_loss=loss)
    other, its = fitted(container(X[rows][:, columns]), beta_loss=loss)
    assert_allclose(its, W[rows], rtol=1e-7, atol=1e-9)
    assert_allclose(other.components_, one.components_[:, columns], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_row_that_hides_a_huge_column_is_fitted(loss):
    """What is left of a sum without its largest part keeps its digits."""
    model, _ = fitted(X, beta_loss=loss, max_iter=100)
    model.components_[:, 3] = 1e13
    given = X.copy()
    given[:, 3] = np.nan
    others, _ = fitted(X, beta_loss=loss, max_iter=100)
    others.components_ = np.delete(others.components_, 3, axis=1)
    others.n_features_in_ = 14
    expected = others.transform(np.delete(X, 3, axis=1))
    if loss == "frobenius":
        # Squares have twice the digits; what they leave is taken for nothing.
        model.components_[:, 3] = 1e5
    assert_allclose(model.transform(given), expected, rtol=1e-4, atol=1e-5)


def test_scales_of_the_two_factors_do_not_grow_apart():
    """Without a penalty nothing determines them; they used to drift until one overflowed."""
    X = np.array(
        [[1.661, 0.19, 0.168, 0.015], [0, 0.594, 1.436, 165.244], [0.065, 1.076, 6.279, 0.436]]
    )
    model = NMFTopics(2, random_state=0, max_iter=600, tol=0)
    with pytest.warns(ConvergenceWarning):
        W = model.fit_transform(X)
    sizes = [np.linalg.norm(model.components_, axis=1), np.linalg.norm(W, axis=0)]
    assert np.all(np.abs(np.log2(sizes)) < 40)
    assert model.reconstruction_err_ < 710
