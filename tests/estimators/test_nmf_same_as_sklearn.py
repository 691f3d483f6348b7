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


def planted(seed=0, shape=(60, 25), k=4, noise=0.05):
    rng = np.random.default_rng(seed)
    X = rng.gamma(0.6, size=(shape[0], k)) @ rng.gamma(0.6, size=(k, shape[1]))
    return X + noise * X.mean() * rng.random(shape)


def objective(model, X, W, beta):
    """Loss and penalties as scikit-learn documents them."""
    H, S = model.components_, W @ model.components_
    if beta == 2:
        loss = 0.5 * np.sum((X - S) ** 2)
    elif beta == 1:
        loss = np.sum(X * np.log(X / S) - X + S)
    else:
        loss = np.sum(X / S - np.log(X / S) - 1)
    alpha_W = model.alpha_W
    alpha_H = alpha_W if model.alpha_H == "same" else model.alpha_H
    r, (n, m) = model.l1_ratio, X.shape
    for alpha, size, factor in ((alpha_W, m, W), (alpha_H, n, H)):
        loss += alpha * size * (r * factor.sum() + (1 - r) / 2 * np.sum(factor**2))
    return loss


def fit_both(X, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = NMF(**{"solver": "mu" if parameters.get("beta_loss") else "cd", **parameters})
        return theirs, theirs.fit_transform(X), NMFTopics(**parameters)


def test_every_parameter_of_sklearn_is_there_and_has_its_default():
    theirs = inspect.signature(NMF).parameters
    ours = inspect.signature(NMFTopics).parameters
    differ = {name for name, parameter in theirs.items() if ours[name].default != parameter.default}
    assert differ == {"solver"}  # "auto": theirs is "cd", for one loss alone


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("init", ["random", "nndsvd", "nndsvda", "nndsvdar", None])
@pytest.mark.parametrize(
    ("loss", "beta"), [(None, 2), ("kullback-leibler", 1), ("itakura-saito", 0)]
)
@pytest.mark.filterwarnings("ignore:init='nndsvd' has zeros:UserWarning")
@pytest.mark.filterwarnings("ignore:The multiplicative update:UserWarning")
def test_the_loss_is_no_larger(container, init, loss, beta):
    if init == "nndsvd" and beta != 2:
        pytest.skip("multiplicative updates cannot leave its zeros, and end anywhere")
    X = planted()
    parameters = {"n_components": 4, "init": init, "max_iter": 400, "tol": 1e-5, "random_state": 0}
    if loss:
        parameters["beta_loss"] = loss
    theirs, W, ours = fit_both(container(X), **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        V = ours.fit_transform(container(X))
    # Both may end in a local minimum.
    assert objective(ours, X, V, beta) <= 1.02 * objective(theirs, X, W, beta)
    assert_allclose(ours.reconstruction_err_, np.sqrt(2 * objective(ours, X, V, beta)), rtol=1e-6)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("alpha_W", "alpha_H"), [(0.002, "same"), (0.003, 0.001)])
def test_penalties_weigh_as_much(alpha_W, alpha_H, l1_ratio):
    X = planted(k=3)
    rng = np.random.default_rng(1)
    W, H = rng.random((len(X), 3)), rng.random((3, X.shape[1]))
    parameters = {
        "n_components": 3,
        "init": "custom",
        "alpha_W": alpha_W,
        "alpha_H": alpha_H,
        "l1_ratio": l1_ratio,
        "tol": 1e-9,
        "max_iter": 5000,
    }
    theirs, ours = NMF(**parameters), NMFTopics(**parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        W_theirs = theirs.fit_transform(X, W=W.copy(), H=H.copy())
        W_ours = ours.fit_transform(X, W=W, H=H)
    assert_allclose(objective(ours, X, W_ours, 2), objective(theirs, X, W_theirs, 2), rtol=1e-4)


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_transform_finds_the_same_minimum(loss):
    X, new = planted(), planted(seed=5)
    theirs = NMF(
        4,
        solver="cd" if loss == "frobenius" else "mu",
        beta_loss=loss,
        init="random",
        random_state=0,
        max_iter=2000,
        tol=1e-6,
    ).fit(X)
    ours = NMFTopics(4, beta_loss=loss, init="random", random_state=0, max_iter=2000).fit(X)
    ours.components_ = theirs.components_
    beta = 2 if loss == "frobenius" else 1
    theirs.set_params(tol=1e-12, max_iter=20_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        W = theirs.transform(new)
    assert objective(ours, new, ours.transform(new), beta) <= objective(theirs, new, W, beta) * (
        1 + 1e-7
    )


def test_solvers_have_the_names_of_sklearn():
    X = planted()
    one = NMFTopics(3, solver="cd", random_state=0).fit(X)
    other = NMFTopics(3, solver="hals", random_state=0).fit(X)
    assert_allclose(one.components_, other.components_, rtol=0)
    slow = NMFTopics(3, solver="mu", random_state=0, max_iter=3000, tol=1e-7).fit(X)
    assert slow.reconstruction_err_ < 1.05 * one.reconstruction_err_
    shuffled = NMFTopics(3, shuffle=True, random_state=0).fit(X)
    assert shuffled.reconstruction_err_ < 1.05 * one.reconstruction_err_
    assert not np.array_equal(shuffled.components_, one.components_)


def test_names_of_features_out_and_pandas_output():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(planted(), columns=[f"word{j}" for j in range(25)])
    model = NMFTopics(3, random_state=0).set_output(transform="pandas").fit(X)
    assert list(model.get_feature_names_out()) == ["nmftopics0", "nmftopics1", "nmftopics2"]
    assert list(model.transform(X).columns) == list(model.get_feature_names_out())
    assert model.top_terms(n_terms=2)[0][0].startswith("word")


def test_warnings_of_sklearn():
    X = planted()
    with pytest.warns(ConvergenceWarning, match="stopped at max_iter=3"):
        NMFTopics(3, max_iter=3, random_state=0).fit(X)
    with pytest.warns(UserWarning, match="has zeros, which solver='mu' cannot change"):
        NMFTopics(3, solver="mu", init="nndsvd", random_state=0, tol=0).fit(X)
    with pytest.warns(RuntimeWarning, match="read only if init='custom'"):
        NMFTopics(3, random_state=0).fit(X, W=np.ones((60, 3)), H=np.ones((3, 25)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NMFTopics(3, max_iter=3, tol=0, random_state=0).fit(X)  # as many as asked for


def test_number_of_components():
    X = planted(shape=(30, 6))
    for automatic in (None, "auto"):
        model = NMFTopics(automatic, random_state=0, max_iter=2000, tol=1e-3).fit(X)
        assert model.components_.shape == (6, 6)
        assert model.n_components_ == 6
    start = {"W": np.ones((30, 2)), "H": np.random.default_rng(0).random((2, 6))}
    assert NMFTopics("auto", init="custom").fit(X, **start).n_components_ == 2
    wide = NMFTopics(40, random_state=0, tol=0, max_iter=5).fit(X)  # more than the shape allows
    assert wide.components_.shape == (40, 6)
    with pytest.raises(ValueError, match="a component for each of the 6000 features"):
        NMFTopics().fit(np.ones((2, 6000)))
