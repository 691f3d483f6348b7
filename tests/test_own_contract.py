"""What every transformer of the package promises beyond scikit-learn's checks.

A new transformer gets a class of its own below, which inherits all promises; one whose input or
output differs overrides `data` or the attributes that say so.
"""

import gc
import inspect
import pickle
import weakref
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone

import lrfact
from lrfact.kernels import IMPLEMENTATION
from reference.spectra import synthetic_matrix
from reference.synthetic_clicks import synthetic_clicks


class TransformerContract:
    """Promises of a transformer; subclasses name the class and how to build it."""

    Estimator: type
    parameters: dict = {"n_components": 3, "random_state": 0}
    # Attributes that may differ between two fits of the same data.
    unstable: set = set()

    def make(self, **changes):
        return self.Estimator(**{**self.parameters, **changes})

    def data(self, seed=0, shape=(50, 12)):
        """Sparse enough to be worth a sparse matrix, with means of the size of the spread."""
        rng = np.random.default_rng(seed)
        X = synthetic_matrix(shape, 0.7 ** np.arange(min(shape)), seed=seed) * 10 + 0.3
        return X * (rng.random(shape) < 0.5)

    def fitted_attributes(self, estimator):
        return {
            name: value
            for name, value in vars(estimator).items()
            if name.endswith("_") and name not in self.unstable
        }

    def assert_same_fit(self, one, other, *, exact=True):
        mine, its = self.fitted_attributes(one), self.fitted_attributes(other)
        assert set(mine) == set(its)
        for name, value in its.items():
            if np.asarray(value).dtype.kind == "f" and not exact:
                assert_allclose(mine[name], value, rtol=1e-6, atol=1e-8, err_msg=name)
            else:
                assert_array_equal(mine[name], value, err_msg=name)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_fit_transform_equals_fit_and_transform(self, dtype, container):
        X = container(self.data().astype(dtype))
        together, apart = self.make().fit_transform(X), self.make().fit(X).transform(X)
        assert_allclose(together, apart, rtol=0, atol=20 * np.finfo(dtype).eps * abs(X).max())

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_refit_forgets(self, container):
        X, other = self.data(), self.data(seed=1, shape=(30, 20))
        used = self.make().fit(container(other)).fit(container(X))
        self.assert_same_fit(used, self.make().fit(container(X)))

    def test_a_seed_fixes_every_bit(self):
        X = self.data()
        self.assert_same_fit(self.make().fit(X), self.make().fit(X))
        one, other = (self.make(random_state=np.random.RandomState(7)).fit(X) for _ in range(2))
        self.assert_same_fit(one, other)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_bits_do_not_depend_on_threads(self, dtype):
        X = sparse.csr_array(self.data().astype(dtype))
        one, *others = (self.make(n_jobs=n_jobs).fit(X) for n_jobs in (1, 2, 4, None))
        for other in others:
            self.assert_same_fit(one, other)
            assert_array_equal(one.transform(X), other.transform(X))

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_rows_do_not_depend_on_their_batch(self, dtype, container):
        X = self.data().astype(dtype)
        estimator = self.make().fit(container(X))
        whole = estimator.transform(container(X))
        atol = 50 * np.finfo(dtype).eps * np.abs(X).max()
        parts = [X[:1], X[1:8], X[8:9], X[9:]]
        split = np.vstack([estimator.transform(container(part)) for part in parts])
        assert_allclose(split, whole, rtol=0, atol=atol)
        order = np.random.default_rng(0).permutation(len(X))
        assert_allclose(estimator.transform(container(X[order])), whole[order], rtol=0, atol=atol)
        # An outlier next to it changes nothing about a row.
        outlier = np.vstack([X[:3], 1e6 * X[3:4]])
        beside = estimator.transform(container(outlier))[:3]
        assert_allclose(beside, whole[:3], rtol=0, atol=10 * atol)

    def test_dense_and_sparse_agree(self):
        X = self.data()
        dense, scarce = self.make(tol=1e-10).fit(X), self.make(tol=1e-10).fit(sparse.csr_array(X))
        self.unstable = {"n_iter_", "singular_value_error_", *self.unstable}
        self.assert_same_fit(dense, scarce, exact=False)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_dtype_is_kept_throughout(self, dtype, container):
        X = container(self.data().astype(dtype))
        estimator = self.make().fit(X)
        scores = estimator.transform(X)
        assert scores.dtype == estimator.fit_transform(X).dtype == dtype
        assert estimator.inverse_transform(scores).dtype == dtype
        assert estimator.components_.dtype == dtype

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_inverse_transform_has_the_shape_and_nearly_the_values(self, container):
        X = self.data()
        estimator = self.make().fit(container(X))
        back = estimator.inverse_transform(estimator.transform(container(X)))
        assert back.shape == X.shape
        assert np.linalg.norm(X - back) < np.linalg.norm(X)
        # What comes back is a fixed point: projecting it again changes nothing.
        again = estimator.inverse_transform(estimator.transform(back))
        assert_allclose(again, back, atol=1e-10)

    @pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_array])
    def test_input_is_not_changed(self, container):
        X = container(self.data())
        raw = X if isinstance(X, np.ndarray) else X.data
        before = raw.copy()
        raw.setflags(write=False)
        estimator = self.make().fit(X)
        estimator.fit_transform(X)
        scores = estimator.transform(X)
        scores.setflags(write=False)
        estimator.inverse_transform(scores)
        estimator.score(X)
        assert_array_equal(raw, before)

    def test_results_are_new_arrays(self):
        X = self.data()
        estimator = self.make().fit(X)
        components = estimator.components_.copy()
        scores = estimator.transform(X)
        scores[:] = 0
        estimator.inverse_transform(scores)[:] = 0
        assert_array_equal(estimator.components_, components)

    def test_transform_changes_nothing(self):
        X = self.data()
        estimator = self.make().fit(X)
        before = pickle.dumps(estimator)
        estimator.transform(X)
        estimator.score(X)
        estimator.inverse_transform(estimator.transform(X))
        assert pickle.dumps(estimator) == before

    def test_pickles(self):
        X = self.data()
        estimator = self.make().fit(X)
        again = pickle.loads(pickle.dumps(estimator))
        self.assert_same_fit(again, estimator)
        assert_array_equal(again.transform(X), estimator.transform(X))

    @pytest.mark.parametrize("container", [np.array, sparse.csr_array])
    def test_input_is_not_kept(self, container):
        X = container(self.data())
        reference = weakref.ref(X)
        estimator = self.make().fit(X)
        estimator.transform(X)
        del X
        gc.collect()
        assert reference() is None
        assert estimator.components_ is not None

    def test_scores_are_plain_floats_that_tell_good_from_bad(self):
        X = self.data()
        estimator = self.make().fit(X)
        good = estimator.score(X)
        assert type(good) is float
        assert good > estimator.score(10 * np.random.default_rng(0).standard_normal(X.shape))

    def test_defaults_fit_any_sensible_matrix(self):
        for shape in ((2, 1), (2, 2), (3, 40), (40, 3), (100, 100)):
            X = np.random.default_rng(0).standard_normal(shape)
            estimator = self.Estimator()
            if min(shape) < 2 and estimator.n_components == 2:
                with pytest.raises(ValueError, match="n_components=2 must be between 1 and"):
                    estimator.fit(X)
            else:
                assert np.isfinite(estimator.fit_transform(X)).all()

    def test_fit_takes_and_ignores_targets(self):
        X = self.data()
        with_target = self.make().fit(X, np.arange(len(X)))
        self.assert_same_fit(with_target, self.make().fit(X))
        assert_array_equal(
            self.make().fit_transform(X, np.arange(len(X))), with_target.transform(X)
        )
        assert with_target.score(X, None) == with_target.score(X)

    def test_parameters_are_left_alone(self):
        X = self.data()
        estimator = self.make()
        before = {name: pickle.dumps(value) for name, value in estimator.get_params().items()}
        estimator.fit(X).transform(X)
        after = {name: pickle.dumps(value) for name, value in estimator.get_params().items()}
        assert after == before

    def test_clone_is_unfitted_and_equal(self):
        estimator = self.make().fit(self.data())
        again = clone(estimator)
        assert again.get_params() == estimator.get_params()
        assert not self.fitted_attributes(again)


class TestTruncatedSVDReducer(TransformerContract):
    Estimator = lrfact.TruncatedSVDReducer


class TestTruncatedSVDReducerRandomized(TransformerContract):
    Estimator = lrfact.TruncatedSVDReducer
    parameters = {"n_components": 3, "solver": "randomized", "random_state": 0}


class TestPCAFromSVD(TransformerContract):
    Estimator = lrfact.PCAFromSVD


class TestPCAFromSVDRandomized(TransformerContract):
    Estimator = lrfact.PCAFromSVD
    parameters = {"n_components": 3, "solver": "randomized", "random_state": 0}


class TestPCAFromSVDWhitened(TransformerContract):
    Estimator = lrfact.PCAFromSVD
    parameters = {"n_components": 3, "whiten": True, "random_state": 0}


class TestMaskedMF(TransformerContract):
    """0 stands for a hole, so that dense and sparse containers say the same of what is observed."""

    Estimator = lrfact.MaskedMF
    parameters = {
        "n_components": 3,
        "reg": 0.1,
        "missing_values": 0,
        "max_iter": 2000,
        "random_state": 0,
    }

    def test_inverse_transform_has_the_shape_and_nearly_the_values(self):
        """The penalty shrinks what is folded in, so that nothing is a fixed point of it."""
        X = self.data()
        estimator = self.make().fit(X)
        back = estimator.inverse_transform(estimator.transform(X), estimator.row_biases(X))
        assert back.shape == X.shape
        observed = X != 0
        assert np.linalg.norm((X - back)[observed]) < 0.5 * np.linalg.norm(X)

    def test_defaults_fit_any_sensible_matrix(self):
        for shape in ((1, 1), (2, 1), (2, 2), (3, 40), (40, 3), (100, 100)):
            X = np.random.default_rng(0).standard_normal(shape)
            X[np.random.default_rng(1).random(shape) < 0.3] = np.nan
            X[0, 0] = 1
            assert np.isfinite(self.Estimator().fit_transform(X)).all()


class TestMaskedMFNonnegative(TestMaskedMF):
    parameters = {**TestMaskedMF.parameters, "nonnegative": True}

    def data(self, seed=0, shape=(25, 10)):
        """Smaller, as it takes many sweeps."""
        return super().data(seed, shape)


class TestMaskedMFWithoutBias(TestMaskedMF):
    parameters = {**TestMaskedMF.parameters, "bias": False}


@pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy twin")
class TestMaskedMFStochastic(TestMaskedMF):
    parameters = {**TestMaskedMF.parameters, "solver": "sgd", "tol": 1e-3}

    def test_dense_and_sparse_agree(self):
        """At any tol, as the entries are the same; 1e-10 would take more than 2000 epochs."""
        X = self.data()
        self.assert_same_fit(self.make().fit(X), self.make().fit(sparse.csr_array(X)))


class TestBayesianMF(TestMaskedMF):
    """A chain goes the same way on containers of the same entries."""

    # Tables as small as these keep a chain moving for longer than these tests are worth.
    pytestmark = pytest.mark.filterwarnings("ignore:the chain has not come to rest")

    Estimator = lrfact.BayesianMF
    parameters: ClassVar[dict] = {
        "n_components": 3,
        "n_draws": 8,
        "n_burn_in": 10,
        "thinning": 1,
        "missing_values": 0,
        "random_state": 0,
    }

    def test_dense_and_sparse_agree(self):
        """There is no tol; the entries are the same."""
        X = self.data()
        self.assert_same_fit(self.make().fit(X), self.make().fit(sparse.csr_array(X)))


class TestImplicitMF(TransformerContract):
    """Absent entries are absences of feedback, however a container says so."""

    Estimator = lrfact.ImplicitMF
    parameters: ClassVar[dict] = {"n_components": 3, "max_iter": 1000, "random_state": 0}

    def data(self, seed=0, shape=(50, 12)):
        return synthetic_clicks(*shape, seed=seed).toarray()

    def test_inverse_transform_has_the_shape_and_nearly_the_values(self):
        """What is approximated is whether an entry is positive."""
        X = self.data()
        estimator = self.make().fit(X)
        back = estimator.inverse_transform(estimator.transform(X))
        assert back.shape == X.shape
        assert back[X > 0].mean() > 2 * back[X == 0].mean()

    def test_scores_are_plain_floats_that_tell_good_from_bad(self):
        X = self.data()
        estimator = self.make().fit(X)
        good = estimator.score(X)
        assert type(good) is float
        assert good > estimator.score(1.0 * (np.random.default_rng(0).random(X.shape) < 0.3))

    def test_defaults_fit_any_sensible_matrix(self):
        for shape in ((1, 1), (2, 1), (2, 2), (3, 40), (40, 3), (100, 100)):
            X = np.abs(np.random.default_rng(0).standard_normal(shape))
            assert np.isfinite(self.Estimator().fit_transform(X)).all()


class TestImplicitMFSpectral(TestImplicitMF):
    parameters: ClassVar[dict] = {"n_components": 3, "solver": "svd", "random_state": 0}


@pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy twin")
class TestImplicitMFPairwise(TestImplicitMF):
    parameters: ClassVar[dict] = {
        "n_components": 3,
        "loss": "bpr",
        "max_iter": 1000,
        "tol": 0.02,
        "random_state": 0,
    }

    def test_dense_and_sparse_agree(self):
        """At any tol, as the entries are the same."""
        X = self.data()
        self.assert_same_fit(self.make().fit(X), self.make().fit(sparse.csr_array(X)))


class TestSoftImpute(TransformerContract):
    """Zeros are holes, in dense input and in sparse; what comes out is X completed."""

    Estimator = lrfact.SoftImpute
    parameters: ClassVar[dict] = {"missing_values": 0, "max_iter": 1000, "random_state": 0}
    test_inverse_transform_has_the_shape_and_nearly_the_values = None  # imputers have none

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_dtype_is_kept_throughout(self, dtype, container):
        X = container(self.data().astype(dtype))
        estimator = self.make().fit(X)
        assert estimator.transform(X).dtype == estimator.fit_transform(X).dtype == dtype
        for name in ("components_", "singular_values_", "mean_", "scale_"):
            assert getattr(estimator, name).dtype == dtype

    @pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_array])
    def test_input_is_not_changed(self, container):
        X = container(self.data())
        raw = X if isinstance(X, np.ndarray) else X.data
        before = raw.copy()
        raw.setflags(write=False)
        estimator = self.make().fit(X)
        estimator.fit_transform(X)
        estimator.transform(X)
        estimator.score(X)
        assert_array_equal(raw, before)

    def test_results_are_new_arrays(self):
        X = self.data()
        estimator = self.make().fit(X)
        before = pickle.dumps(estimator)
        estimator.transform(X)[:] = 0
        whole = np.ones_like(X)
        assert not np.shares_memory(estimator.transform(whole), whole)
        assert pickle.dumps(estimator) == before

    def test_transform_changes_nothing(self):
        X = self.data()
        estimator = self.make().fit(X)
        before = pickle.dumps(estimator)
        estimator.transform(X)
        estimator.score(X)
        assert pickle.dumps(estimator) == before

    def test_defaults_fit_any_sensible_matrix(self):
        for shape in ((1, 1), (2, 1), (2, 2), (3, 40), (40, 3), (100, 100)):
            X = np.random.default_rng(0).standard_normal(shape)
            X[X > 1] = np.nan
            assert np.isfinite(self.Estimator().fit_transform(X)).all()


class TestNMFTopics(TransformerContract):
    """What is not negative, factorized to the end."""

    Estimator = lrfact.NMFTopics
    parameters: ClassVar[dict] = {
        "n_components": 3,
        "tol": 1e-6,
        "max_iter": 5000,
        "random_state": 0,
    }
    # Beside which all is left at its default in `test_defaults_fit_any_sensible_matrix`.
    kind: ClassVar[dict] = {}
    # It counts the steps to a tolerance, and the last of them differ by rounding errors.
    unstable: ClassVar[set] = {"objective_"}

    def data(self, seed=0, shape=(50, 12)):
        return np.abs(super().data(seed, shape))

    def test_dense_and_sparse_agree(self):
        """From one start, as the singular vectors of dense and sparse matrices differ by rounding
        errors, and so long as rounding errors have not grown."""
        X = self.data()
        changes = {"init": "random", "max_iter": 20, "tol": 0}
        dense = self.make(**changes).fit(X)
        self.unstable = {"n_iter_", *self.unstable}
        self.assert_same_fit(dense, self.make(**changes).fit(sparse.csr_array(X)), exact=False)

    def test_inverse_transform_has_the_shape_and_nearly_the_values(self):
        X = self.data()
        estimator = self.make().fit(X)
        back = estimator.inverse_transform(estimator.transform(X))
        assert back.shape == X.shape
        assert np.linalg.norm(X - back) < 0.8 * np.linalg.norm(X)
        again = estimator.inverse_transform(estimator.transform(back))
        # To the tolerance of the rows, 1e-9 of their length and for other losses 1e-6.
        assert_allclose(again, back, atol=1e-4 * X.max())

    def test_scores_are_plain_floats_that_tell_good_from_bad(self):
        X = self.data()
        estimator = self.make().fit(X)
        good = estimator.score(X)
        assert type(good) is float
        assert good > estimator.score(10 * np.abs(np.random.default_rng(0).normal(size=X.shape)))

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_defaults_fit_any_sensible_matrix(self):
        for shape in ((1, 1), (2, 1), (2, 2), (3, 12), (12, 3), (12, 12)):
            X = np.abs(np.random.default_rng(0).standard_normal(shape))
            X[X > 1.5] = np.nan
            assert np.isfinite(self.Estimator(**self.kind).fit_transform(X)).all()


class TestNMFTopicsKullbackLeibler(TestNMFTopics):
    kind: ClassVar[dict] = {"beta_loss": "kullback-leibler"}
    parameters: ClassVar[dict] = {**TestNMFTopics.parameters, **kind}


class TestNMFTopicsStarts(TestNMFTopics):
    kind: ClassVar[dict] = {"n_init": 2, "init": "random"}
    parameters: ClassVar[dict] = {**TestNMFTopics.parameters, **kind}


class TestLSASearch(TransformerContract):
    """Weights of terms, with the defaults of the search around the directions."""

    Estimator = lrfact.LSASearch
    test_inverse_transform_has_the_shape_and_nearly_the_values = None  # a search has no way back

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_dtype_is_kept_throughout(self, dtype, container):
        X = container(self.data().astype(dtype))
        estimator = self.make().fit(X)
        assert estimator.transform(X).dtype == estimator.fit_transform(X).dtype == dtype
        assert estimator.components_.dtype == dtype
        assert estimator.document_vectors_.dtype == np.float32

    @pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_array])
    def test_input_is_not_changed(self, container):
        X = container(self.data())
        raw = X if isinstance(X, np.ndarray) else X.data
        before = raw.copy()
        raw.setflags(write=False)
        y = np.arange(len(self.data())) % 3
        estimator = self.make().fit(X, y)
        estimator.fit_transform(X, y)
        estimator.score(X, y)
        estimator.kneighbors(X)
        estimator.add(X, y).partial_fit(X, y)
        assert_array_equal(raw, before)

    def test_results_are_new_arrays(self):
        X = self.data()
        estimator = self.make().fit(X)
        before = pickle.dumps(estimator)
        estimator.transform(X)[:] = 0
        for result in estimator.kneighbors(X):
            result[:] = 0
        assert pickle.dumps(estimator) == before

    def test_transform_changes_nothing(self):
        X = self.data()
        estimator = self.make().fit(X, np.arange(len(X)) % 3)
        before = pickle.dumps(estimator)
        estimator.transform(X)
        estimator.score(X, np.arange(len(X)) % 3)
        estimator.search(X[0])
        estimator.explain(X[0], 1)
        assert pickle.dumps(estimator) == before

    def test_scores_are_plain_floats_that_tell_good_from_bad(self):
        X = self.data()
        y = (X[:, 0] > 0).astype(int)
        estimator = self.make().fit(X, y)
        good = estimator.score(X, y)
        assert type(good) is float
        assert good > estimator.score(X, 1 - y)

    def test_defaults_fit_any_sensible_matrix(self):
        for shape in ((1, 1), (2, 1), (2, 2), (3, 40), (40, 3), (100, 100)):
            X = np.random.default_rng(0).standard_normal(shape)
            assert np.isfinite(self.Estimator().fit_transform(X)).all()

    def test_fit_takes_and_ignores_targets(self):
        """It keeps them, for labels of hits."""
        X = self.data()
        y = np.arange(len(X))
        self.assert_same_fit(self.make().fit(X, y), self.make().fit(X))
        assert_array_equal(self.make().fit_transform(X, y), self.make().fit(X).transform(X))


class TestLSASearchByCorrespondence(TestLSASearch):
    parameters: ClassVar[dict] = {
        "n_components": 3,
        "random_state": 0,
        "centering": "correspondence",
        "sigma_power": 0.5,
        "metric": "dot",
    }

    def data(self, seed=0, shape=(50, 12)):
        return np.abs(super().data(seed, shape))

    def test_defaults_fit_any_sensible_matrix(self):
        for shape in ((1, 1), (2, 1), (2, 2), (3, 40), (40, 3), (100, 100)):
            X = np.abs(np.random.default_rng(0).standard_normal(shape))
            fitted = self.Estimator(centering="correspondence").fit(X)
            assert np.isfinite(fitted.transform(X)).all()


class EntrywiseContract:
    """Promises of a transformer that weighs entries: as many columns come out as go in."""

    Estimator: type
    parameters: ClassVar[dict] = {}

    def make(self):
        return self.Estimator(**self.parameters)

    def data(self, dtype=np.float64, seed=0):
        rng = np.random.default_rng(seed)
        return rng.poisson(rng.gamma(0.5, size=(30, 8))).astype(dtype)

    @staticmethod
    def dense(X):
        return X.toarray() if sparse.issparse(X) else X

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
    def test_same_whatever_the_way(self, container, dtype):
        X = self.data(dtype)
        expected = self.make().fit(X.astype(np.float64)).transform(X.astype(np.float64))
        transformer = self.make().fit(container(self.data(seed=1))).fit(container(X))
        whole = transformer.transform(container(X))
        assert whole.dtype == dtype
        assert sparse.issparse(whole) == sparse.issparse(container(X))
        assert_allclose(self.dense(whole), expected, rtol=20 * np.finfo(dtype).eps, atol=1e-12)
        together = self.make().fit_transform(container(X))
        assert_array_equal(self.dense(together), self.dense(whole))
        order = np.random.default_rng(0).permutation(len(X))
        shuffled = self.dense(transformer.transform(container(X[order])))
        assert_array_equal(shuffled, self.dense(whole)[order])
        again = pickle.loads(pickle.dumps(transformer)).transform(container(X))
        assert_array_equal(self.dense(again), self.dense(whole))

    @pytest.mark.parametrize("container", [np.array, sparse.csr_array])
    def test_input_is_neither_changed_nor_kept(self, container):
        X = container(self.data())
        raw = X if isinstance(X, np.ndarray) else X.data
        before = raw.copy()
        raw.setflags(write=False)
        transformer = self.make().fit(X)
        result = transformer.transform(X)
        assert_array_equal(raw, before)
        for name in ("data", "indices", "indptr") if sparse.issparse(X) else ():
            assert not np.shares_memory(getattr(result, name), getattr(X, name))
        assert sparse.issparse(X) or not np.shares_memory(result, X)
        reference = weakref.ref(X)
        del X, raw
        gc.collect()
        assert reference() is None

    def test_clone_is_unfitted_and_equal(self):
        again = clone(self.make().fit(self.data()))
        assert again.get_params() == self.make().get_params()
        assert not [name for name in vars(again) if name.endswith("_")]


class TestTermWeighting(EntrywiseContract):
    Estimator = lrfact.TermWeighting


class TestTermWeightingByEntropy(EntrywiseContract):
    Estimator = lrfact.TermWeighting
    parameters: ClassVar[dict] = {"scheme": "log-entropy"}


class TestPPMI(EntrywiseContract):
    Estimator = lrfact.PPMI


class TestPPMIShifted(EntrywiseContract):
    Estimator = lrfact.PPMI
    parameters: ClassVar[dict] = {"smoothing": 1.0, "shift": 2.0}


def test_every_transformer_is_held_to_it():
    """Meta-estimators have the contract of what they wrap."""
    held = {
        contract.Estimator
        for contract in globals().values()
        if inspect.isclass(contract) and hasattr(contract, "Estimator")
    }
    public = {
        value
        for name in lrfact.__all__
        if inspect.isclass(value := getattr(lrfact, name))
        and issubclass(value, BaseEstimator)
        and issubclass(value, TransformerMixin)
    }
    assert not public - held, "give each a contract class in this file"
