"""Missing entries of NMFTopics: how they are given, that they do not matter, what fills them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact import NMFTopics, cross_val_score_entries, holdout_scorer

LOSSES = ["frobenius", "kullback-leibler", "itakura-saito"]
RNG = np.random.default_rng(0)
TRUTH = RNG.gamma(0.7, size=(50, 3)) @ RNG.gamma(0.7, size=(3, 20)) + 0.01
LOST = RNG.random(TRUTH.shape) < 0.3
X = np.where(LOST, np.nan, TRUTH)


def make(n_components=3, **options):
    return NMFTopics(n_components, **{"random_state": 0, "max_iter": 2000, **options})


def briefly(loss, **options):
    """For comparisons of bits, which any number of iterations will do for."""
    return make(beta_loss=loss, tol=0, max_iter=20, **options)


def assert_same(one, other, **tolerance):
    assert_allclose(one.components_, other.components_, **tolerance)
    assert_allclose(one.reconstruction_err_, other.reconstruction_err_, **tolerance)


@pytest.mark.parametrize("loss", LOSSES)
class TestWaysToSayIt:
    def test_nan_mask_masked_array_and_value(self, loss):
        model = briefly(loss)
        W = model.fit_transform(X)
        zeros = np.where(LOST, 0, TRUTH)
        ways = {
            "mask": (briefly(loss), zeros, {"mask": LOST}),
            "sparse mask": (briefly(loss), zeros, {"mask": sparse.csc_array(LOST)}),
            "mask as a list": (briefly(loss), zeros, {"mask": LOST.tolist()}),
            "masked array": (briefly(loss), np.ma.array(zeros, mask=LOST), {}),
            "masked array of NaN": (briefly(loss), np.ma.array(X, mask=LOST), {}),
            "value": (briefly(loss, missing_values=0), zeros, {}),
            "negative value": (
                briefly(loss, missing_values=-1),
                np.where(LOST, -1, TRUTH),
                {},
            ),
            "both": (
                briefly(loss),
                np.where(LOST & (zeros.cumsum(axis=1) < 5), np.nan, zeros),
                {"mask": LOST},
            ),
        }
        for name, (other, values, fit_params) in ways.items():
            together = other.fit_transform(values, **fit_params)
            assert_array_equal(other.components_, model.components_, err_msg=name)
            assert_array_equal(together, W, err_msg=name)
        given = np.where(LOST, 0, TRUTH)[:10]
        assert_array_equal(other.transform(given, mask=LOST[:10]), model.transform(X[:10]))
        assert other.score(given, mask=LOST[:10]) == model.score(X[:10])

    def test_values_there_never_matter(self, loss):
        model = briefly(loss)
        reference = model.fit_transform(X)
        for value in (1e5, -3.0, 1e-30):
            filled = np.where(LOST, value, TRUTH)
            other = briefly(loss)
            W = other.fit_transform(filled, mask=LOST)
            assert_array_equal(other.components_, model.components_)
            assert_array_equal(W, reference)

    def test_sparse_with_stored_nan(self, loss):
        """Zeros that are not stored are data; a beta of 0 does not take them."""
        if loss == "itakura-saito":
            given, dense = sparse.csr_array(X), X
        else:
            dense = np.where(~LOST & (TRUTH < 0.5), 0, X)
            given = sparse.csr_array(dense)
        options = {"beta_loss": loss, "init": "random", "tol": 1e-6}
        ours, reference = make(**options).fit(given), make(**options).fit(dense)
        assert_allclose(ours.reconstruction_err_, reference.reconstruction_err_, rtol=1e-3)
        assert_allclose(
            ours.inverse_transform(ours.transform(given)),
            ours.inverse_transform(ours.transform(dense)),
            atol=1e-3,
        )
        assert ours.score(given) == pytest.approx(ours.score(dense), rel=1e-4)
        by_mask = make(**options).fit(sparse.csr_array(np.nan_to_num(dense)), mask=LOST)
        assert_array_equal(by_mask.components_, ours.components_)

    def test_rows_and_columns_without_entries(self, loss):
        given = X[:25].copy()
        given[4], given[:, 7] = np.nan, np.nan
        model = make(beta_loss=loss)
        W = model.fit_transform(given)
        assert_array_equal(W[4], 0)
        assert_array_equal(model.components_[:, 7], 0)
        assert np.isfinite(W).all()
        assert model.predict(given)[4] == -1
        assert np.isfinite(model.score(given))
        nothing = np.full((2, 20), np.nan)
        assert_array_equal(model.transform(nothing), 0)
        assert_array_equal(model.predict(nothing), -1)
        # Without them the rest is fitted alike.
        rest = make(beta_loss=loss, init="random", tol=1e-7, max_iter=5000)
        small = rest.fit(np.delete(np.delete(given, 4, 0), 7, 1)).reconstruction_err_
        assert rest.fit(given).reconstruction_err_ == pytest.approx(small, rel=2e-2)

    def test_nothing_at_all(self, loss):
        model = make(beta_loss=loss, init="random").fit(np.full((5, 4), np.nan))
        assert_array_equal(model.components_, 0)
        assert model.reconstruction_err_ == 0
        assert_allclose(model.topic_share_, 1 / 3)

    def test_batches(self, loss):
        model = make(beta_loss=loss)
        filled = np.where(LOST, 7.0, TRUTH)
        by_mask = make(beta_loss=loss)
        for start in (0, 10):
            part = slice(start, start + 10)
            model.partial_fit(X[part])
            by_mask.partial_fit(filled[part], mask=LOST[part])
        assert_array_equal(model.components_, by_mask.components_)

    def test_completion_beats_column_means(self, loss):
        model = make(beta_loss=loss).fit(X)
        filled = model.inverse_transform(model.transform(X))
        means = np.broadcast_to(np.nanmean(X, axis=0), X.shape)
        assert np.abs(filled - TRUTH)[LOST].mean() < 0.2 * np.abs(means - TRUTH)[LOST].mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_objective_is_that_of_the_entries_shown(dtype):
    given = (X + 0.1 * RNG.random(X.shape)).astype(dtype)
    model = make()
    W = model.fit_transform(given)
    residual = np.where(LOST, 0, np.nan_to_num(given) - W @ model.components_)
    assert model.reconstruction_err_ == pytest.approx(np.linalg.norm(residual), rel=1e-3)
    assert W.dtype == model.components_.dtype == dtype


def test_fit_does_not_change_its_input():
    for given in (X.copy(), sparse.csr_array(X), np.ma.array(TRUTH, mask=LOST)):
        before = given.copy()
        mask = LOST.copy()
        make().fit(given, mask=mask).transform(given, mask=mask)
        for one, other in ((given, before), (mask, LOST)):
            parts = (one.data, other.data) if sparse.issparse(one) else (one, other)
            assert_array_equal(*map(np.asarray, parts))


class TestEntries:
    """Hidden entries predicted from the others, for cross-validation over entries."""

    def test_predict_entries(self):
        model = make().fit(X)
        rows, columns = np.nonzero(LOST)
        W = model.transform(X)
        expected = (W @ model.components_)[LOST]
        assert_allclose(model.predict_entries(rows, columns, X), expected, rtol=1e-10)
        assert model.predict_entries([], [], X).shape == (0,)

    @pytest.mark.parametrize(
        ("rows", "columns", "message"),
        [
            ([50], [0], "rows must hold indices from 0 to 49"),
            ([-1], [0], "rows must hold indices from 0 to 49"),
            ([0], [-1], "columns must hold indices from 0 to"),
            ([0, 1], [2], "rows has 2 entries and columns 1; they must be as many"),
            ([0.5], [0], "rows must be a one-dimensional array of integers"),
            ([[0]], [[0]], "rows must be a one-dimensional array of integers"),
        ],
    )
    def test_entries_outside_of_the_matrix_are_refused(self, rows, columns, message):
        with pytest.raises(ValueError, match=message):
            make().fit(X).predict_entries(rows, columns, X)

    def test_cross_val_score_entries_finds_the_number(self):
        rng = np.random.default_rng(0)
        truth = rng.gamma(1.0, size=(80, 3)) @ rng.gamma(1.0, size=(3, 40))
        noisy = truth * np.exp(0.1 * rng.standard_normal(truth.shape))
        noisy[rng.random(truth.shape) < 0.2] = np.nan
        scores = {
            k: np.mean(cross_val_score_entries(make(k, max_iter=5000), noisy, cv=3))
            for k in (1, 2, 3, 4, 5)
        }
        assert max(scores, key=scores.get) == 3

    def test_holdout_scorer(self):
        noisy = np.abs(X + 0.05 * RNG.standard_normal(X.shape))
        scorer = holdout_scorer(random_state=0)
        scores = [scorer(make(n_components=k).fit(noisy[:40]), noisy[40:]) for k in (1, 3)]
        assert scores[0] < scores[1] < 0

    @pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
    def test_what_is_not_stored_cannot_be_hidden(self, container):
        given = container(np.nan_to_num(X))
        with pytest.raises(ValueError, match="treats entries that a sparse matrix does not store"):
            cross_val_score_entries(make(), given)
        with pytest.raises(ValueError, match="pass a dense array with NaN"):
            holdout_scorer(random_state=0)(make().fit(given), given)


def test_zeros_that_a_sparse_matrix_does_not_store_are_not_missing():
    """Dense zeros are; the same call must not mean another model."""
    zeros = np.where(LOST, 0, TRUTH)
    with pytest.raises(ValueError, match=r"missing_values=0, .* stores no zero: .* X.toarray\(\)"):
        make(missing_values=0).fit(sparse.csr_array(zeros))
    rows, columns = np.nonzero(np.ones_like(zeros))
    stored = sparse.csr_array((zeros.ravel(), (rows, columns)), shape=zeros.shape)
    one, other = (briefly("frobenius", missing_values=0).fit(given) for given in (zeros, stored))
    assert_allclose(one.components_, other.components_, rtol=1e-6)
