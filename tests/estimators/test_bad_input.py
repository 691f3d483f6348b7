"""What cannot be fitted is refused with a message that helps, and leaves nothing behind."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from lrfact import PCAFromSVD, TruncatedSVDReducer
from lrfact.estimators import _svd_transformer
from reference.spectra import synthetic_matrix

ESTIMATORS = [TruncatedSVDReducer, PCAFromSVD]
X = synthetic_matrix((20, 6), 0.6 ** np.arange(6), seed=0)


def learnt(estimator):
    """Names of everything that is not a parameter."""
    return set(vars(estimator)) - set(estimator.get_params()) - {"_skl_callbacks"}


def with_entry(value, container=np.asarray):
    matrix = X.copy()
    matrix[2, 3] = value
    return container(matrix)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
class TestValues:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_not_finite(self, Estimator, value, container, dtype):
        given = with_entry(value, container).astype(dtype)
        fitted = Estimator(2).fit(X)
        for method in (
            Estimator(2).fit,
            Estimator(2).fit_transform,
            Estimator(2).partial_fit,
            fitted.transform,
            fitted.score,
            fitted.partial_fit,
        ):
            with pytest.raises(ValueError, match="NaN" if np.isnan(value) else "infinity"):
                method(given)
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            fitted.inverse_transform(np.full((3, 2), value))

    def test_masked_arrays(self, Estimator):
        """scikit-learn would drop the mask without a word."""
        masked = np.ma.masked_less(X, 0)
        fitted = Estimator(2).fit(X)
        for method in (Estimator(2).fit, Estimator(2).fit_transform, fitted.transform):
            with pytest.raises(ValueError, match=f"masked array.*{Estimator.__name__}.*fill it"):
                method(masked)
        with pytest.raises(ValueError, match="masked array"):
            Estimator(2).fit(np.ma.asarray(X))  # no entry masked, but who knows

    def test_complex_numbers(self, Estimator):
        for container in (np.asarray, sparse.csr_array):
            with pytest.raises(ValueError, match=r"[Cc]omplex"):
                Estimator(2).fit(container(X + 1j))

    def test_text(self, Estimator):
        with pytest.raises(ValueError, match=r"could not convert|Unable to convert|dtype"):
            Estimator(2).fit(np.array([["a", "b"], ["c", "d"]]))

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize(
        ("dtype", "scale"), [(np.float64, 1e200), (np.float64, 1e300), (np.float32, 1e30)]
    )
    @pytest.mark.parametrize("solver", ["auto", "exact", "gram", "randomized", "lanczos"])
    def test_squares_that_overflow(self, Estimator, solver, dtype, scale, container, capfd):
        """An error, and neither NaN nor warnings: those are errors in this suite."""
        huge = container((scale * X / np.abs(X).max()).astype(dtype))
        for method in ("fit", "fit_transform", "partial_fit"):
            estimator = Estimator(2, solver=solver, random_state=0)
            with pytest.raises(ValueError, match=r"too large for their squares.*divide X by"):
                getattr(estimator, method)(huge)
            assert not learnt(estimator)
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_overflow_in_a_later_batch_leaves_the_earlier_ones(self, Estimator, container):
        estimator = Estimator(2).partial_fit(X)
        before = estimator.components_.copy()
        with pytest.raises(ValueError, match="too large"):
            estimator.partial_fit(container(1e200 * X))
        assert_allclose(estimator.components_, before)
        assert_allclose(estimator.partial_fit(X).components_, before, atol=1e-8)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
class TestShapes:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (np.ones(5), "Expected 2D array, got 1D array"),
            (np.ones((2, 2, 2)), "Found array with dim 3"),
            (5.0, "Expected 2D array, got scalar"),
            (np.empty((0, 3)), r"Found array with 0 sample\(s\)"),
            (np.empty((3, 0)), r"Found array with 0 feature\(s\)"),
            (sparse.csr_array((0, 3)), r"0 sample\(s\)"),
            (sparse.csr_array((3, 0)), r"0 feature\(s\)"),
        ],
    )
    def test_not_a_matrix(self, Estimator, given, message):
        for method in ("fit", "partial_fit"):
            with pytest.raises(ValueError, match=message):
                getattr(Estimator(1), method)(given)

    def test_one_row(self, Estimator):
        if Estimator is PCAFromSVD:
            with pytest.raises(ValueError, match=r"1 sample\(s\).*minimum of 2 is required"):
                PCAFromSVD(1).fit(X[:1])
        else:
            reducer = TruncatedSVDReducer(1).fit(X[:1])
            assert_allclose(reducer.singular_values_, np.linalg.norm(X[0]))
            assert_allclose(reducer.inverse_transform(reducer.transform(X[:1])), X[:1])

    def test_one_column(self, Estimator):
        estimator = Estimator(1).fit(X[:, :1])
        assert_allclose(estimator.components_, [[1.0]])
        assert_allclose(estimator.inverse_transform(estimator.transform(X[:, :1])), X[:, :1])

    @pytest.mark.parametrize("method", ["transform", "score", "partial_fit"])
    def test_other_number_of_columns(self, Estimator, method):
        estimator = Estimator(2).fit(X)
        with pytest.raises(ValueError, match=r"X has 5 features, but .* is expecting 6 features"):
            getattr(estimator, method)(X[:, :5])

    def test_wrong_coordinates(self, Estimator):
        estimator = Estimator(2).fit(X)
        with pytest.raises(ValueError, match=r"X has 3 columns, but inverse_transform.* 2 comp"):
            estimator.inverse_transform(np.ones((4, 3)))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
class TestRank:
    @pytest.mark.parametrize("shape", [(20, 6), (4, 6)])
    @pytest.mark.parametrize("solver", ["auto", "exact", "gram", "randomized", "lanczos"])
    def test_too_many_components(self, Estimator, shape, solver):
        k = min(shape) + 1
        estimator = Estimator(k, solver=solver)
        message = (
            f"n_components={k} must be between 1 and min(n_samples={shape[0]}, "
            f"n_features={shape[1]})={min(shape)}; lower it or pass more data"
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            estimator.fit(X[: shape[0]])
        assert not learnt(estimator)

    def test_lanczos_says_that_the_last_one_is_out_of_reach(self, Estimator):
        with pytest.raises(ValueError, match=r"'lanczos' finds at most .* 5 triplets, not 6"):
            Estimator(6, solver="lanczos").fit(X)

    @pytest.mark.parametrize("n_components", [0, -1, 1.0, 1.5, 0.0, "no such rule", [2], True])
    def test_values_without_meaning(self, Estimator, n_components):
        estimator = Estimator(n_components)  # storing is not checking
        if n_components is True:
            pytest.skip("a bool is an integer to scikit-learn")
        with pytest.raises(ValueError, match="n_components"):
            estimator.fit(X)
        assert not learnt(estimator)

    @pytest.mark.parametrize("n_components", [0.9, "gap", "mle"])
    def test_rules_need_all_rows(self, Estimator, n_components):
        with pytest.raises(ValueError, match="is a rule, which needs all data at once"):
            Estimator(n_components).partial_fit(X)

    def test_more_components_than_columns_in_a_batch(self, Estimator):
        with pytest.raises(ValueError, match="n_components=7 must be at most n_features=6"):
            Estimator(7).partial_fit(X)

    @pytest.mark.parametrize("k", [0, 4, -1, 2.5, "2", None])
    def test_truncate_to_what_is_not_there(self, Estimator, k):
        with pytest.raises(
            ValueError, match="must be between 1 and 3, the number of fitted components"
        ):
            Estimator(3).fit(X).truncate(k)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("solver", "arpack"),
        ("solver", None),
        ("tol", -1e-3),
        ("tol", "small"),
        ("max_iter", 0),
        ("max_iter", 2.5),
        ("n_oversamples", 0),
        ("power_iteration_normalizer", "qr"),
        ("random_state", "seed"),
        ("n_jobs", 1.5),
        ("verbose", -1),
    ],
)
def test_parameters_are_checked_in_fit(Estimator, parameter, value):
    estimator = Estimator(2, **{parameter: value})
    for method in ("fit", "fit_transform", "partial_fit"):
        with pytest.raises(ValueError, match=f"'{parameter}' parameter of {Estimator.__name__}"):
            getattr(clone(estimator), method)(X)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_no_threads_are_refused(Estimator):
    with pytest.raises(ValueError, match="n_jobs=0 has no meaning"):
        Estimator(2, n_jobs=0).fit(X)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_documented_option_values_are_fitted(Estimator):
    """Each at least once."""
    values = {
        "solver": ["auto", "exact", "gram", "randomized", "lanczos"],
        "power_iteration_normalizer": ["auto", "QR", "LU", "none"],
        "n_components": [1, 3, 0.5, "energy", "gap", "gavish-donoho", "mle", "parallel"],
        "n_jobs": [None, 1, 2, -1],
        "max_iter": [None, 50],
        "random_state": [None, 0, np.random.RandomState(0)],
    }
    tall = np.vstack([X] * 3) + 0.01 * np.random.default_rng(0).standard_normal((60, 6))
    for name, options in values.items():
        for option in options:
            extra = {}
            if name == "power_iteration_normalizer":
                power = "iterated_power" if Estimator is PCAFromSVD else "n_iter"
                extra = {"solver": "randomized", power: 2}
            estimator = Estimator(**{"n_components": 2, name: option, **extra}).fit(tall)
            assert np.isfinite(estimator.components_).all()


@pytest.mark.parametrize("Estimator", ESTIMATORS)
class TestNothingIsLeftBehind:
    @pytest.fixture(
        params=[ValueError("in the solver"), KeyboardInterrupt(), MemoryError(), SystemExit()],
        ids=lambda error: type(error).__name__,
    )
    def failing_solver(self, request, monkeypatch):
        def fail(*args, **kwargs):
            raise request.param

        # Wherever the estimators and the incremental update take it from.
        monkeypatch.setattr(_svd_transformer, "truncated_svd", fail)
        monkeypatch.setattr("lrfact.solvers.svd.incremental_svd.truncated_svd", fail)
        return type(request.param)

    @pytest.mark.parametrize("method", ["fit", "fit_transform", "partial_fit"])
    def test_by_a_first_fit(self, Estimator, failing_solver, method):
        estimator = Estimator(2)
        with pytest.raises(failing_solver):
            getattr(estimator, method)(X)
        assert not learnt(estimator)
        with pytest.raises(NotFittedError):
            estimator.transform(X)
        with pytest.raises(NotFittedError):
            estimator.score(X)

    @pytest.mark.parametrize("method", ["fit", "fit_transform"])
    def test_by_a_second_fit(self, Estimator, failing_solver, method, monkeypatch):
        with monkeypatch.context() as undone:
            undone.undo()
        estimator = self.fitted(Estimator)
        with pytest.raises(failing_solver):
            getattr(estimator, method)(X)
        assert not learnt(estimator)

    def test_by_a_second_batch(self, Estimator, failing_solver):
        """What was learnt from the first is still right, and stays."""
        estimator = self.fitted(Estimator)
        before = {name: vars(estimator)[name] for name in learnt(estimator)}
        with pytest.raises(failing_solver):
            estimator.partial_fit(X)
        assert learnt(estimator) == set(before)
        for name, value in before.items():
            assert vars(estimator)[name] is value, name

    @staticmethod
    def fitted(Estimator):
        """Fitted before the solver was broken: in a copy of the class's own state."""
        return FITTED[Estimator].truncate(2)

    @pytest.mark.parametrize(
        "bad", [X[:1, :1] * np.nan, np.ones(3), "text", None, np.empty((0, 2))], ids=str
    )
    def test_by_refused_data(self, Estimator, bad):
        estimator = self.fitted(Estimator)
        with pytest.raises((ValueError, TypeError)):
            estimator.fit(bad)
        assert not learnt(estimator)

    def test_interrupt_between_the_steps(self, Estimator, monkeypatch):
        """After the solver, while attributes are being set."""
        estimator = self.fitted(Estimator)

        def store_and_stop(running):
            estimator.components_ = running.Vt
            raise KeyboardInterrupt

        monkeypatch.setattr(estimator, "_store", store_and_stop)
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X)
        monkeypatch.undo()
        assert not learnt(estimator)

    def test_refit_on_another_shape(self, Estimator):
        estimator = Estimator(2).fit(X)
        other = synthetic_matrix((15, 9), 0.5 ** np.arange(9), seed=1)
        estimator.fit(other)
        fresh = Estimator(2).fit(other)
        assert learnt(estimator) == learnt(fresh)
        for name in learnt(fresh):
            mine, its = getattr(estimator, name), getattr(fresh, name)
            if isinstance(its, np.ndarray | float | int | str):
                np.testing.assert_array_equal(mine, its, err_msg=name)

    def test_fit_after_batches(self, Estimator):
        estimator = Estimator(2).partial_fit(X).partial_fit(2 * X)
        estimator.fit(X)
        assert_allclose(estimator.singular_values_, Estimator(2).fit(X).singular_values_)
        assert estimator.solver_ != "incremental"
        assert hasattr(estimator, "singular_value_error_")

    def test_before_any_fit(self, Estimator):
        for method, argument in (
            ("transform", X),
            ("inverse_transform", X[:, :2]),
            ("score", X),
            ("truncate", 1),
            ("get_feature_names_out", None),
        ):
            with pytest.raises(NotFittedError):
                getattr(Estimator(2), method)(argument)


FITTED = {Estimator: Estimator(3).fit(X) for Estimator in ESTIMATORS}


def test_pca_methods_before_any_fit():
    for method in (PCAFromSVD().get_covariance, PCAFromSVD().get_precision):
        with pytest.raises(NotFittedError):
            method()
    with pytest.raises(NotFittedError):
        PCAFromSVD().score_samples(X)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["auto", "exact", "randomized"])
@pytest.mark.parametrize(
    "data",
    [
        np.zeros((8, 5)),
        np.zeros((5, 8)),
        np.ones((8, 5)),
        np.tile(np.arange(5.0), (8, 1)),
        np.outer(np.arange(8.0), np.arange(5.0)),
        np.eye(6),
        np.eye(6)[:, :1] @ np.ones((1, 4)),
    ],
    ids=["zeros", "wide zeros", "ones", "constant columns", "rank one", "identity", "one row"],
)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_degenerate_data_gives_no_nan(Estimator, data, solver, dtype, container):
    given = container(data.astype(dtype))
    for k in (1, 2, min(data.shape)):
        estimator = Estimator(k, solver=solver, random_state=0)
        W = estimator.fit_transform(given)
        for name in learnt(estimator):
            value = getattr(estimator, name)
            if isinstance(value, np.ndarray | float):
                assert not np.isnan(value).any(), name
        components = estimator.components_.astype(np.float64)
        assert_allclose(components @ components.T, np.eye(k), atol=1e-5)
        assert np.isfinite(W).all()
        assert_allclose(W, estimator.transform(given), atol=1e-5)
        if k == min(data.shape):
            assert_allclose(estimator.inverse_transform(W), data, atol=2e-5)
        assert (estimator.explained_variance_ >= 0).all()
        assert (estimator.explained_variance_ratio_ <= 1 + 1e-5).all()
        if Estimator is TruncatedSVDReducer:
            assert np.isfinite(estimator.score(given))
        else:
            assert np.isfinite(PCAFromSVD(k, whiten=True, solver=solver).fit_transform(given)).all()
            assert np.isfinite(estimator.get_covariance()).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_density_with_directions_that_have_no_variance(dtype):
    """Constant, redundant and too many columns: finite, and the same however they are rounded."""
    rows = X.astype(dtype)
    constant = np.hstack([rows, np.ones((20, 1), dtype)])
    for singular in (constant, np.hstack([rows, rows[:, :2]]), rows[:4]):
        for k in (None, 1):
            pca = PCAFromSVD(k).fit(singular)
            shifted = PCAFromSVD(k).fit(singular * dtype(3))
            density = pca.score_samples(singular)
            assert np.isfinite(density).all()
            # The density of 3 x is that of x over 3^m.
            volume = singular.shape[1] * np.log(3)
            assert_allclose(shifted.score_samples(singular * dtype(3)) + volume, density, atol=0.05)
            assert np.isfinite(pca.get_precision()).all()
            assert np.isfinite(pca.get_covariance()).all()
    # A row that leaves the directions seen is all but impossible.
    pca = PCAFromSVD().fit(constant)
    stranger = constant[:1].copy()
    stranger[0, -1] += 1
    assert pca.score(stranger) < pca.score(constant[:1]) - 1e4


def test_density_without_any_variance_is_refused_with_advice():
    pca = PCAFromSVD().fit(np.ones((5, 3)))
    for method in (
        lambda: pca.score(np.ones((5, 3))),
        lambda: pca.score_samples(np.ones((5, 3))),
        pca.get_precision,
    ):
        with pytest.raises(ValueError, match=r"have no variance.*fit rows that differ"):
            method()
    assert_allclose(pca.get_covariance(), 0)
