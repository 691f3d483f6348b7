"""NMFTopics in batches: near the fit of all rows, and what else partial_fit promises."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact import NMFTopics

LOSSES = ["frobenius", "kullback-leibler"]
RNG = np.random.default_rng(0)
X = RNG.gamma(0.6, size=(300, 3)) @ RNG.gamma(0.6, size=(3, 20)) + 0.05 * RNG.random((300, 20))


def learn(batches, **options):
    model = NMFTopics(3, random_state=0, **options)
    for batch in batches:
        assert model.partial_fit(batch) is model
    return model


def loss_on(model, X):
    rest = X - model.inverse_transform(model.transform(X))
    return np.linalg.norm(rest)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", [20, 75, 300])
def test_batches_come_near_the_fit_of_all_rows(size, loss, container):
    parts = [container(X[start : start + size]) for start in range(0, 300, size)]
    model = learn(parts, beta_loss=loss)
    whole = NMFTopics(3, random_state=0, beta_loss=loss, max_iter=1000).fit(X)
    assert loss_on(model, X) < 1.25 * loss_on(whole, X)
    assert loss_on(model, X) < 0.2 * np.linalg.norm(X - X.mean(axis=0))
    assert model.n_iter_ == len(parts)
    assert model.topic_share_.sum() == pytest.approx(1)
    assert (model.components_ >= 0).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_small_first_batch(loss):
    """Fewer rows than components, and then the others."""
    model = learn([X[:1], X[1:3], X[3:60], X[60:]], beta_loss=loss)
    assert model.components_.shape == (3, 20)
    assert loss_on(model, X) < 0.4 * np.linalg.norm(X - X.mean(axis=0))


@pytest.mark.parametrize("loss", LOSSES)
def test_goes_on_from_a_fit(loss):
    model = NMFTopics(3, random_state=0, beta_loss=loss, max_iter=1000).fit(X[:150])
    for name in ("reconstruction_err_", "objective_"):
        assert hasattr(model, name)
    n_iter, before = model.n_iter_, loss_on(model, X)
    model.partial_fit(X[150:])
    # By squares, which only one of the two minimises.
    assert loss_on(model, X) <= (1.02 if loss == "frobenius" else 1.1) * before
    assert model.n_iter_ == n_iter + 1
    for name in ("reconstruction_err_", "objective_"):
        assert not hasattr(model, name)
    # The rows of the fit count: a few strange ones do not carry the components away.
    strange = np.zeros((2, 20))
    strange[:, 3] = 1
    assert loss_on(model.partial_fit(strange), X) < 2 * before


@pytest.mark.parametrize("loss", LOSSES)
def test_same_rows_change_little(loss):
    model = NMFTopics(3, random_state=0, beta_loss=loss, tol=1e-6, max_iter=3000).fit(X)
    before = model.components_.copy()
    model.partial_fit(X)
    assert_allclose(model.components_, before, atol=0.02 * before.max())


def test_fit_after_batches_forgets_them():
    model = learn([X[:100], X[100:]])
    fresh = NMFTopics(3, random_state=0)
    assert_array_equal(model.fit(X).components_, fresh.fit(X).components_)
    assert set(vars(model)) == set(vars(fresh))
    one, other = model.partial_fit(X[:9]), fresh.partial_fit(X[:9])
    assert_array_equal(one.components_, other.components_)


@pytest.mark.parametrize("loss", LOSSES)
def test_bits(loss):
    """The same from every number of threads, and after pickling in between."""
    parts = [X[:100], X[100:]]
    one, other = (learn(parts, beta_loss=loss, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(one.components_, other.components_)
    half = pickle.loads(pickle.dumps(learn(parts[:1], beta_loss=loss)))
    assert_array_equal(half.partial_fit(parts[1]).components_, one.components_)


@pytest.mark.parametrize("loss", LOSSES)
def test_float32(loss):
    # Each column belongs to one component, so that both precisions find the same minimum.
    rng = np.random.default_rng(3)
    components = np.kron(np.eye(3), rng.uniform(0.5, 1.5, size=7))
    X = rng.gamma(0.6, size=(300, 3)) @ components + 0.05 * rng.random((300, 21))
    parts = [X[:100].astype(np.float32), X[100:].astype(np.float32)]
    model = learn(parts, beta_loss=loss)
    assert model.components_.dtype == np.float32
    assert model.transform(parts[0]).dtype == np.float32
    reference = learn([X[:100], X[100:]], beta_loss=loss)
    # Their length is determined less than their direction.
    ours, its = (
        topics.components_ / topics.components_.sum(axis=1)[:, np.newaxis]
        for topics in (model, reference)
    )
    assert_allclose(ours, its, rtol=0, atol=0.005)
    assert loss_on(model, X) == pytest.approx(loss_on(reference, X), rel=0.05)


def test_penalties_hold_in_batches():
    free = learn([X[:150], X[150:]])
    # On both factors: one alone is evaded by the scale of the other.
    sparser = learn([X[:150], X[150:]], alpha_W=0.05, alpha_H=0.05, l1_ratio=1.0)
    assert (sparser.components_ == 0).sum() > (free.components_ == 0).sum()


def test_memory_does_not_grow():
    sizes = [len(pickle.dumps(learn([X[:60]] * n))) for n in (2, 6)]
    assert abs(sizes[0] - sizes[1]) < 50


class TestRefusals:
    def test_another_number_of_columns(self):
        model = learn([X[:50]])
        before = model.components_.copy()
        with pytest.raises(ValueError, match="X has 19 features"):
            model.partial_fit(X[:, 1:])
        with pytest.raises(ValueError, match="Negative values"):
            model.partial_fit(-X)
        assert_array_equal(model.components_, before)  # what was learnt stays
        assert model.n_iter_ == 1

    def test_custom_start(self):
        with pytest.raises(ValueError, match="init='custom' belongs to fit"):
            NMFTopics(3, init="custom").partial_fit(X)

    def test_a_failed_first_batch_leaves_nothing(self):
        model = NMFTopics(3)
        with pytest.raises(ValueError, match="Negative values"):
            model.partial_fit(-X)
        assert not [n for n in vars(model) if n.endswith("_") or n.startswith("_fitted")]

    @pytest.mark.parametrize("loss", [*LOSSES, 1.5])
    def test_empty_batches_are_no_harm(self, loss):
        model = learn([X[:100]], beta_loss=loss)
        model.partial_fit(np.zeros((3, 20)))
        assert np.isfinite(model.components_).all()
        assert loss_on(model, X) < 0.3 * np.linalg.norm(X)
        first = learn([np.zeros((4, 20)), X], beta_loss=loss, init="random")
        assert np.isfinite(first.components_).all()
        assert loss_on(first, X) < 0.3 * np.linalg.norm(X)
