"""NMFTopics: entries that are missing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.model_selection import GridSearchCV

from lrfact import NMFTopics, cross_val_score_entries, holdout_scorer

RNG = np.random.default_rng(0)
TRUTH = RNG.gamma(0.7, size=(80, 3)) @ RNG.gamma(0.7, size=(3, 30))
LOST = RNG.random(TRUTH.shape) < 0.3
X = TRUTH * RNG.gamma(50, 1 / 50, size=TRUTH.shape)
HOLES = np.where(LOST, np.nan, X)
LOSSES = ["frobenius", "kullback-leibler", 1.5]


def model(loss="frobenius", **changes):
    return NMFTopics(3, beta_loss=loss, random_state=0, max_iter=2000, tol=1e-3, **changes)


@pytest.mark.parametrize("loss", LOSSES)
def test_completion_finds_what_was_lost(loss):
    W = (topics := model(loss)).fit_transform(HOLES)
    error = np.linalg.norm((W @ topics.components_ - TRUTH)[LOST])
    means = np.broadcast_to(np.nanmean(HOLES, axis=0), X.shape)
    assert error < 0.15 * np.linalg.norm((means - TRUTH)[LOST])


@pytest.mark.parametrize("loss", LOSSES)
def test_every_way_to_say_that_an_entry_is_missing(loss):
    expected = model(loss).fit(HOLES)
    W = expected.transform(HOLES)
    nan_stored = sparse.csr_array(HOLES)
    for data, mask in (
        (np.ma.masked_array(X, LOST), None),
        (X, LOST),
        (X, sparse.csr_array(LOST)),
        (np.where(LOST, 1e9, X), LOST),
        (np.where(np.arange(80)[:, None] < 40, HOLES, X), LOST),
    ):
        other = model(loss).fit(data, mask=mask)
        assert_array_equal(other.components_, expected.components_)
        assert_array_equal(other.transform(data, mask=mask), W)
    marked = model(loss, missing_values=-1).fit(np.where(LOST, -1, X))
    assert_array_equal(marked.components_, expected.components_)
    # Singular vectors of the sparse matrix, where zeros stand for what is missing: another start.
    starts = {"init": "random"}
    dense = model(loss, **starts).fit(HOLES)
    for data, mask in ((nan_stored, None), (sparse.csr_array(X), LOST)):
        scarce = model(loss, **starts).fit(data, mask=mask)
        assert_allclose(scarce.reconstruction_err_, dense.reconstruction_err_, rtol=0.02)
        error = (scarce.transform(data, mask=mask) @ scarce.components_ - TRUTH)[LOST]
        assert np.linalg.norm(error) < 0.15 * np.linalg.norm(TRUTH[LOST])


def test_input_with_holes_is_left_as_it_is():
    for data in (HOLES.copy(), sparse.csr_array(HOLES)):
        before = data.copy()
        model().fit(data).transform(data)
        raw = (data, before) if isinstance(data, np.ndarray) else (data.data, before.data)
        assert_array_equal(*raw)


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_and_columns_without_entries(loss):
    data = HOLES.copy()
    data[4], data[:, 7] = np.nan, np.nan
    topics = model(loss).fit(data)
    W = topics.transform(data)
    assert_array_equal(W[4], 0)
    assert_array_equal(topics.components_[:, 7], 0)
    assert np.isfinite(W).all()
    assert np.isfinite(topics.components_).all()
    assert np.isfinite(topics.score(data))


def test_scores_of_hidden_entries_find_the_number_of_components():
    ranks = {"n_components": [2, 3, 5]}
    for scoring in (None, holdout_scorer("rmse", test_size=0.3)):
        search = GridSearchCV(model(), ranks, scoring=scoring, cv=3).fit(HOLES)
        assert search.best_params_ == {"n_components": 3}
    few = cross_val_score_entries(NMFTopics(1, random_state=0), HOLES).mean()
    assert cross_val_score_entries(model(), HOLES).mean() > few


def test_entries_cannot_be_hidden_by_not_storing_them():
    with pytest.raises(ValueError, match="reads what a sparse matrix does not store as 0"):
        cross_val_score_entries(model(), sparse.csr_array(X))
    with pytest.raises(ValueError, match="use the score of the estimator"):
        holdout_scorer()(model().fit(X), sparse.csr_array(X))


def test_batches_with_holes():
    topics = model()
    for _ in range(3):
        for start in (0, 40):
            topics.partial_fit(HOLES[start : start + 40])
    error = (topics.transform(HOLES) @ topics.components_ - TRUTH)[LOST]
    assert np.linalg.norm(error) < 0.3 * np.linalg.norm(TRUTH[LOST])


def test_mask_of_another_shape():
    with pytest.raises(ValueError, match=r"mask has shape \(80, 29\); it must have the shape"):
        model().fit(X, mask=LOST[:, :-1])
    with pytest.raises(ValueError, match="NaN"):
        model(missing_values=0).fit(HOLES)
