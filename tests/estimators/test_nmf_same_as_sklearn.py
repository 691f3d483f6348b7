"""A script moves from scikit-learn's NMF to NMFTopics by changing the name of the class."""

import inspect
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from lrfact import NMFTopics

LOSSES = {"frobenius": 2, "kullback-leibler": 1, "itakura-saito": 0}
CASES = [
    ("frobenius", "cd"),
    ("frobenius", "mu"),
    ("kullback-leibler", "mu"),
    ("itakura-saito", "mu"),
    (1.5, "mu"),
]
PENALTIES = [
    {},
    {"alpha_W": 0.003, "l1_ratio": 0.5},
    {"alpha_W": 0.001, "alpha_H": 0.01, "l1_ratio": 1.0},
    {"alpha_W": 0.002, "alpha_H": 0.0},
]
INITS = [None, "random", "nndsvd", "nndsvda", "nndsvdar", "custom"]
N, M, K = 30, 20, 3


def synthetic(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.gamma(0.5, size=(N, K)) @ rng.gamma(0.5, size=(K, M))
    return np.abs(X + 0.05 * rng.standard_normal((N, M))) + 1e-3


X = synthetic()
SPARSE = sparse.csr_array(X * (np.random.default_rng(1).random((N, M)) < 0.4))
RNG = np.random.default_rng(2)
START = {"W": RNG.random((N, K)), "H": RNG.random((K, M))}


def divergence(X, W, H, beta):
    """The loss, by the formula."""
    x, s = np.asarray(X.todense() if sparse.issparse(X) else X), np.maximum(W @ H, 1e-12)
    if beta == 0:
        return (x / s - np.log(x / s) - 1).sum()
    if beta == 1:
        return (x * np.log(np.where(x > 0, x / s, 1)) - x + s).sum()
    return (x**beta + (beta - 1) * s**beta - beta * x * s ** (beta - 1)).sum() / beta / (beta - 1)


def objective(X, W, H, loss, alpha_W=0.0, alpha_H="same", l1_ratio=0.0):
    """What scikit-learn minimises too, by the formula of both docstrings."""

    def penalty(A):
        return l1_ratio * np.abs(A).sum() + 0.5 * (1 - l1_ratio) * (A**2).sum()

    alpha_H = alpha_W if alpha_H == "same" else alpha_H
    n, m = X.shape
    return (
        divergence(X, W, H, LOSSES.get(loss, loss))
        + alpha_W * m * penalty(W)
        + alpha_H * n * penalty(H)
    )


def run(Class, X, init, **options):
    """The calls of a script."""
    options = {"tol": 1e-5, "max_iter": 500, "random_state": 0, **options}
    model = Class(n_components=K, init=init, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "init='nndsvd'|The multiplicative update", UserWarning)
        W = model.fit_transform(X, **(START if init == "custom" else {}))
    return model, W


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize(("loss", "solver"), CASES)
def test_objective_is_as_low(loss, solver, init):
    # Every loss meets every start and every penalty, not all at once.
    penalty = PENALTIES[(INITS.index(init) + CASES.index((loss, solver))) % len(PENALTIES)]
    options = {"beta_loss": loss, "solver": solver, **penalty}
    theirs, their_W = run(NMF, X, init, **options)
    ours, our_W = run(NMFTopics, X, init, **options)
    reached = objective(X, our_W, ours.components_, loss, **penalty)
    assert reached <= 1.001 * objective(X, their_W, theirs.components_, loss, **penalty)
    beta = LOSSES.get(loss, loss)
    root = np.sqrt(2 * divergence(X, our_W, ours.components_, beta))
    assert ours.reconstruction_err_ == pytest.approx(root, rel=1e-6)
    # Rows are solved for once more in the end.
    assert reached <= ours.objective_[-1] * (1 + 1e-6)
    assert ours.n_iter_ <= 500


@pytest.mark.parametrize("init", ["nndsvda", "custom"])
@pytest.mark.parametrize(("loss", "solver"), [c for c in CASES if c[0] != "itakura-saito"])
def test_objective_is_as_low_on_sparse_input(loss, solver, init):
    options = {"beta_loss": loss, "solver": solver, "alpha_W": 0.001}
    theirs, their_W = run(NMF, SPARSE, init, **options)
    ours, our_W = run(NMFTopics, SPARSE, init, **options)
    reached = objective(SPARSE, our_W, ours.components_, loss, alpha_W=0.001)
    assert reached <= 1.001 * objective(SPARSE, their_W, theirs.components_, loss, alpha_W=0.001)
    again, W = run(NMFTopics, SPARSE.toarray(), init, **options)
    dense = objective(SPARSE, W, again.components_, loss, alpha_W=0.001)
    # Two ways to round lead to two ends; both are minima.
    assert dense == pytest.approx(reached, rel=2e-3)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("loss", "solver"), CASES[:3])
def test_float32(loss, solver, container):
    options = {"beta_loss": loss, "solver": solver}
    theirs, their_W = run(NMF, container(X.astype(np.float32)), "nndsvda", **options)
    ours, our_W = run(NMFTopics, container(X.astype(np.float32)), "nndsvda", **options)
    assert our_W.dtype == their_W.dtype == ours.components_.dtype == np.float32
    reached = objective(X, our_W.astype(float), ours.components_, loss)
    assert reached <= 1.001 * objective(X, their_W.astype(float), theirs.components_, loss)


@pytest.mark.parametrize("penalty", [PENALTIES[0], PENALTIES[2]], ids=str)
@pytest.mark.parametrize(("loss", "solver"), CASES)
def test_rows_on_their_components(loss, solver, penalty):
    """Theirs stop somewhere on the way; ours are solved for."""
    options = {"beta_loss": loss, "solver": solver, **penalty}
    theirs, _ = run(NMF, X, "nndsvda", **options)
    ours, _ = run(NMFTopics, X, "nndsvda", **options)
    ours.components_ = theirs.components_
    new = synthetic(seed=0)[::-1] * 1.3
    reached = objective(new, ours.transform(new), theirs.components_, loss, **penalty)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        W = theirs.transform(new)
    assert reached <= objective(new, W, theirs.components_, loss, **penalty) * (1 + 1e-6)


def test_same_local_minimum_from_the_same_start():
    """Up to the order, where the start leaves little choice."""
    start = {"W": np.abs(RNG.normal(size=(N, K))), "H": np.abs(RNG.normal(size=(K, M)))}
    ours = NMFTopics(K, init="custom", tol=1e-9, max_iter=20_000)
    theirs = NMF(K, init="custom", tol=1e-9, max_iter=20_000)
    W, their_W = (
        model.fit_transform(X, W=start["W"].copy(), H=start["H"].copy()) for model in (ours, theirs)
    )
    assert_allclose(W @ ours.components_, their_W @ theirs.components_, atol=1e-3)
    assert ours.reconstruction_err_ == pytest.approx(theirs.reconstruction_err_, rel=1e-6)


def test_a_seed_draws_the_same_start():
    """Random, so that there is nothing else to go by."""
    with pytest.warns(ConvergenceWarning):
        theirs = NMF(K, init="random", random_state=5, max_iter=1, tol=1e-9).fit(X)
    with pytest.warns(ConvergenceWarning):
        ours = NMFTopics(K, init="random", solver="mu", random_state=5, max_iter=1).fit(X)
    rng = np.random.RandomState(5)
    scale = np.sqrt(X.mean() / K)
    H = scale * np.abs(rng.standard_normal((K, M)))
    W = scale * np.abs(rng.standard_normal((N, K)))
    assert ours.objective_[0] == pytest.approx(objective(X, W, H, "frobenius"))
    with pytest.warns(ConvergenceWarning):
        again = NMF(K, init="custom", max_iter=1, tol=1e-9).fit(X, W=W, H=H)
    assert_allclose(again.components_, theirs.components_)


def test_every_parameter_is_there():
    """With the same defaults, where these are not names of algorithms."""
    theirs = inspect.signature(NMF).parameters
    ours = inspect.signature(NMFTopics).parameters
    assert set(theirs) <= set(ours)
    assert {n for n in theirs if theirs[n].default != ours[n].default} == {"solver"}
    assert next(iter(ours)) == next(iter(theirs)) == "n_components"
    assert {n for n in dir(NMF) if not n.startswith("_")} <= set(dir(NMFTopics))


def test_every_attribute_is_there():
    theirs, _ = run(NMF, X, None)
    ours, _ = run(NMFTopics, X, None)
    for name in [n for n in vars(theirs) if n.endswith("_") and not n.startswith("_")]:
        assert np.shape(getattr(ours, name)) == np.shape(getattr(theirs, name)), name
    assert type(ours.reconstruction_err_) is float
    assert type(ours.n_iter_) is int


class TestNames:
    def test_of_columns_of_the_output(self):
        ours, theirs = NMFTopics(K).fit(X), NMF(K, max_iter=1000).fit(X)
        assert list(ours.get_feature_names_out()) == [f"nmftopics{t}" for t in range(K)]
        assert len(theirs.get_feature_names_out()) == K

    def test_set_output(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=[f"c{j}" for j in range(M)])
        ours, theirs = NMFTopics(K), NMF(K, max_iter=1000)
        for model in (ours, theirs):
            out = model.set_output(transform="pandas").fit_transform(frame)
            assert out.shape == model.transform(frame).shape == (N, K)
            assert list(out.columns) == list(model.get_feature_names_out())
            assert model.inverse_transform(out).shape == (N, M)
        assert list(ours.feature_names_in_) == list(theirs.feature_names_in_)


@pytest.mark.parametrize("n_components", ["auto", None])
def test_automatic_number_of_components(n_components):
    for Class in (NMF, NMFTopics):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            its = Class(n_components, max_iter=5).fit(X).n_components_
        # One for each feature would not end on texts, and is there for those who ask for it.
        assert its == (10 if Class is NMFTopics and n_components == "auto" else M)
    ours = NMFTopics(init="custom").fit(X, **START)
    assert ours.n_components_ == NMF(init="custom", max_iter=1000).fit(X, **START).n_components_


def test_inverse_transform():
    ours, W = run(NMFTopics, X, None)
    assert_allclose(ours.inverse_transform(W), W @ ours.components_)
    assert_allclose(ours.inverse_transform(sparse.csr_array(W)), W @ ours.components_)
    with pytest.raises(ValueError, match="X has 2 columns, but inverse_transform needs factors"):
        ours.inverse_transform(W[:, :2])


class TestWarnings:
    """At the line of the script, of the same category."""

    @pytest.mark.parametrize("method", ["fit", "fit_transform"])
    def test_zeros_that_cannot_change(self, method):
        for Class in (NMF, NMFTopics):
            model = Class(K, solver="mu", init="nndsvd", max_iter=1000)
            with pytest.warns(UserWarning, match="'?mu'?.*cannot|cannot.*mu") as record:
                getattr(model, method)(X)
            assert len(record) == 1
        if method == "fit":
            assert record[0].filename == __file__

    def test_start_that_is_not_read(self):
        for Class in (NMF, NMFTopics):
            with pytest.warns(RuntimeWarning, match="custom") as record:
                Class(K, init="random", max_iter=1000).fit(X, **START)
            assert len(record) == 1
        assert record[0].filename == __file__

    @pytest.mark.parametrize("solver", ["cd", "mu"])
    def test_too_few_iterations(self, solver):
        for Class in (NMF, NMFTopics):
            # "mu" looks every ten iterations.
            model = Class(K, solver=solver, init="random", random_state=0, max_iter=2, tol=1e-6)
            with pytest.warns(ConvergenceWarning, match=r"Maximum number|max_iter=2") as record:
                model.fit(X)
            assert len(record) == 1
            assert model.n_iter_ == 2
        assert record[0].filename == __file__

    def test_tol_zero_runs_to_the_end_in_silence(self):
        for solver in ("cd", "mu"):
            model = NMFTopics(K, solver=solver, tol=0, max_iter=23, random_state=0).fit(X)
            assert model.n_iter_ == 23


@pytest.mark.parametrize("options", [{"solver": "cd", "beta_loss": 1}, {"init": "wrong"}])
def test_refused_alike(options):
    for Class in (NMF, NMFTopics):
        with pytest.raises(ValueError, match=r"Invalid beta_loss parameter|The 'init' parameter"):
            Class(K, **options).fit(X)


def test_shuffle_and_seeds():
    one, other = (NMFTopics(K, shuffle=True, random_state=seed).fit(X) for seed in (0, 1))
    again = NMFTopics(K, shuffle=True, random_state=0).fit(X)
    assert_allclose(one.components_, again.components_, rtol=0, atol=0)
    assert (one.objective_[:5] != other.objective_[:5]).any()
    assert one.reconstruction_err_ == pytest.approx(other.reconstruction_err_, rel=1e-2)


def test_itakura_saito_of_entries_over_many_decades():
    """Small entries count as much as large ones: nothing may be rounded up to the mean."""
    rng = np.random.default_rng(0)
    parts = np.exp(4 * rng.normal(size=(60, 3))) @ np.exp(4 * rng.normal(size=(3, 80)))
    X = parts * rng.exponential(size=parts.shape)
    assert X.max() / X.min() > 1e13
    options = {"beta_loss": "itakura-saito", "init": "random", "max_iter": 1000, "random_state": 0}
    theirs = NMF(3, solver="mu", **options).fit(X)
    ours = NMFTopics(3, **options).fit(X)
    assert ours.reconstruction_err_ < 1.01 * theirs.reconstruction_err_
