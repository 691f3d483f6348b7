"""What NMFTopics refuses, with a message that helps; what it takes although it looks wrong."""

import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from lrfact import NMFTopics

RNG = np.random.default_rng(0)
X = RNG.gamma(0.7, size=(20, 3)) @ RNG.gamma(0.7, size=(3, 8)) + 0.1
LOSSES = ["frobenius", "kullback-leibler", "itakura-saito", 1.5, 3.0]


def make(**options):
    return NMFTopics(**{"n_components": 2, "random_state": 0, **options})


def with_entry(value, container=np.asarray):
    given = X.copy()
    given[3, 5] = value
    return container(given)


def refused(given, message, **options):
    """By every method that takes rows, and nothing is left behind."""
    model = make(**options).fit(X)
    for method in (model.transform, model.score, model.predict):
        with pytest.raises(ValueError, match=message):
            method(given)
    assert hasattr(model, "components_")
    for method in ("fit", "fit_transform", "partial_fit"):
        fresh = make(**options)
        with pytest.raises(ValueError, match=message):
            getattr(fresh, method)(given)
        assert not [n for n in vars(fresh) if n.endswith("_") or n.startswith("_fitted")]
    with pytest.raises(ValueError, match=message):
        model.fit(given)
    assert not hasattr(model, "components_")


class TestValues:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_array])
    def test_negative_names_the_first(self, container):
        given = with_entry(-0.25)
        given[7, 1] = -9
        message = re.escape("Negative values in data passed to NMFTopics: X[3, 5] is -0.25")
        refused(container(given), message)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("value", [np.inf, -np.inf])
    def test_infinite(self, value, container):
        refused(with_entry(value, container), "infinity")

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_nan_where_it_is_not_missing(self, container):
        refused(with_entry(np.nan, container), "NaN", missing_values=-1)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("loss", ["itakura-saito", 0, -1])
    def test_zeros_of_infinite_loss(self, loss, container):
        refused(
            with_entry(0, container), "When beta_loss <= 0 and X contains zeros", beta_loss=loss
        )

    def test_no_table(self):
        for given in (X[0], X[np.newaxis], X[:0], X[:, :0], "text"):
            with pytest.raises(ValueError, match=r"array|sample|feature|string"):
                make().fit(given)
        with pytest.raises(ValueError, match=r"omplex"):
            make().fit(X + 1j)

    def test_before_fit(self):
        for method in ("transform", "score", "predict", "inverse_transform"):
            with pytest.raises(NotFittedError):
                getattr(make(), method)(X)
        for call in (lambda m: m.top_terms(), lambda m: m.representative_documents(X)):
            with pytest.raises(NotFittedError):
                call(make())


class TestParameters:
    @pytest.mark.parametrize("init", ["nndsvd", "nndsvda", "nndsvdar"])
    def test_more_components_than_singular_vectors(self, init):
        message = rf"init = '{init}' can only be used when n_components <= min\(n_samples=20, "
        with pytest.raises(ValueError, match=message):
            make(n_components=9, init=init).fit(X)

    def test_a_component_for_each_of_many_features(self):
        wide = sparse.csr_array((np.ones(3), ([0, 1, 2], [0, 5, 6000])), shape=(3, 6001))
        with pytest.raises(ValueError, match=r"a component for each of the 6001 features; give"):
            NMFTopics(None).fit(wide)
        # By default there are few.
        assert NMFTopics().fit(wide).n_components_ == 3

    @pytest.mark.parametrize("loss", ["kullback-leibler", 1, "itakura-saito"])
    @pytest.mark.parametrize("solver", ["hals", "cd"])
    def test_loss_that_the_solver_does_not_know(self, solver, loss):
        message = f"solver='{solver}' does not handle beta_loss={loss!r}; use solver='mu'"
        with pytest.raises(ValueError, match=message):
            make(solver=solver, beta_loss=loss).fit(X)
        assert make(solver=solver, beta_loss=2.0).fit(X).n_iter_ > 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"n_components": 0},
            {"n_components": 2.0},
            {"n_components": "many"},
            {"tol": -1},
            {"max_iter": 0},
            {"alpha_W": -0.1},
            {"alpha_H": "other"},
            {"l1_ratio": 1.1},
            {"n_init": 0},
            {"solver": "lbfgs"},
            {"beta_loss": "hinge"},
            {"shuffle": 2},
            {"missing_values": "?"},
        ],
        ids=str,
    )
    def test_out_of_range(self, wrong):
        with pytest.raises(ValueError, match=f"The '{next(iter(wrong))}' parameter of NMFTopics"):
            make(**wrong).fit(X)


class TestCustomStart:
    W, H = np.ones((20, 2)), np.ones((2, 8))

    @pytest.mark.parametrize(
        ("start", "message"),
        [
            ({}, "init='custom' needs W and H"),
            ({"W": W}, "init='custom' needs W and H"),
            ({"W": W[1:], "H": H}, r"W has shape \(19, 2\); it must have \(20, 2\)"),
            ({"W": W, "H": H[:, 1:]}, r"H has shape \(2, 7\); it must have \(2, 8\)"),
            ({"W": W, "H": np.ones((3, 8))}, r"H has shape \(3, 8\); it must have \(2, 8\)"),
            ({"W": -W, "H": H}, "W must have no negative entry, and a positive one"),
            ({"W": W, "H": 0 * H}, "H must have no negative entry, and a positive one"),
            ({"W": np.nan * W, "H": H}, "W contains NaN"),
            ({"W": W[0], "H": H}, "Expected 2D array"),
        ],
    )
    def test_refused(self, start, message):
        with pytest.raises(ValueError, match=message):
            make(init="custom").fit(X, **start)

    def test_not_changed(self):
        W, H = RNG.random((20, 2)), RNG.random((2, 8))
        before = W.copy(), H.copy()
        make(init="custom").fit(X, W=W, H=H)
        assert_array_equal(W, before[0])
        assert_array_equal(H, before[1])


@pytest.mark.parametrize("mask", [np.ones((20, 7), bool), np.ones((8, 20), bool)])
def test_mask_of_another_shape(mask):
    message = re.escape(f"mask has shape {mask.shape}; it must have the shape (20, 8) of X")
    for call in (make().fit, make().fit(X).transform, make().fit(X).score, make().partial_fit):
        with pytest.raises(ValueError, match=message):
            call(X, mask=mask)


def finite(model, given):
    W = model.fit_transform(given)
    for value in (W, model.components_, model.reconstruction_err_, model.objective_):
        assert np.isfinite(value).all()
    assert model.topic_share_.sum() == pytest.approx(1)
    assert np.isfinite(model.score(given))
    assert_array_equal(model.transform(given), W)
    return W


@pytest.mark.parametrize("loss", LOSSES)
class TestStrangeButFine:
    def test_all_zero(self, loss):
        for given in (np.zeros((5, 4)), sparse.csr_array((5, 4))):
            if loss == "itakura-saito":
                continue
            for init in (None, "random"):
                model = make(beta_loss=loss, init=init)
                finite(model, given)
                assert_array_equal(model.predict(given), -1)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_rows_and_columns_of_zeros(self, loss, container):
        if loss == "itakura-saito":
            return
        given = X.copy()
        given[4], given[:, 2] = 0, 0
        given[10, 3] = 0
        model = make(beta_loss=loss, tol=0, max_iter=30)
        W = finite(model, container(given))
        assert_array_equal(W[4], 0)
        assert_array_equal(model.components_[:, 2], 0)
        assert model.predict(container(given))[4] == -1

    @pytest.mark.parametrize("shape", [(1, 8), (20, 1), (1, 1), (2, 2)])
    def test_small(self, loss, shape):
        finite(make(beta_loss=loss, max_iter=1000), X[: shape[0], : shape[1]])

    def test_constant(self, loss):
        model = make(beta_loss=loss, max_iter=2000)
        given = np.full((6, 5), 3.0)
        W = finite(model, given)
        np.testing.assert_allclose(model.inverse_transform(W), given, rtol=1e-3)

    @pytest.mark.parametrize(
        ("scale", "dtype"),
        [(1e200, np.float64), (1e150, np.float64), (1e30, np.float32), (1e15, np.float32)],
    )
    def test_huge(self, loss, scale, dtype):
        """Either finite or refused with what to do."""
        given = (X * scale).astype(dtype)
        with warnings.catch_warnings():
            # Powers of such entries may lose the digits that show that rows are at rest.
            warnings.filterwarnings("ignore", category=ConvergenceWarning)
            for method in ("fit", "partial_fit"):
                model = make(beta_loss=loss)
                try:
                    getattr(model, method)(given)
                except ValueError as raised:
                    error = raised
                else:
                    error = None
                assert hasattr(model, "components_") == (error is None)
                if error is None:
                    assert np.isfinite(model.components_).all()
                    assert np.isfinite(model.transform(given)).all()
                else:
                    assert re.search("divide X by its largest", str(error))

    @pytest.mark.parametrize(
        ("scale", "dtype"), [(1e-200, np.float64), (1e-310, np.float64), (1e-30, np.float32)]
    )
    def test_tiny(self, loss, scale, dtype):
        given = (X * scale).astype(dtype)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=ConvergenceWarning)
            finite(make(beta_loss=loss), given)
