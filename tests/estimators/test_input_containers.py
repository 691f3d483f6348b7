"""One matrix in every container gives one result, and is handed back unchanged."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact import PCAFromSVD, TruncatedSVDReducer
from reference.spectra import DENSE, SPARSE, synthetic_matrix

ESTIMATORS = [TruncatedSVDReducer, PCAFromSVD]
RNG = np.random.default_rng(0)
# Whole numbers, so that integers are the same matrix; sparse, so that a half of it is zeros.
X = np.round(synthetic_matrix((40, 9), 100 * 0.6 ** np.arange(9), seed=0)) + 1
X[RNG.random(X.shape) < 0.5] = 0


def pandas_frame(dense):
    return pytest.importorskip("pandas").DataFrame(dense)


def polars_frame(dense):
    return pytest.importorskip("polars").DataFrame(dense)


CONTAINERS = {
    **DENSE,
    **SPARSE,
    "csc_matrix": sparse.csc_matrix,
    "lil_array": sparse.lil_array,
    "bsr_array": sparse.bsr_array,
    "dia_array": sparse.dia_array,
    "dok_array": sparse.dok_array,
    "list of lists": lambda dense: dense.tolist(),
    "integers": lambda dense: dense.astype(np.int64),
    "small integers": lambda dense: dense.astype(np.int8),
    "sparse integers": lambda dense: sparse.csr_array(dense.astype(np.int32)),
    "longdouble": lambda dense: dense.astype(np.longdouble),
    "float16": lambda dense: dense.astype(np.float16),
    "pandas": pandas_frame,
    "polars": polars_frame,
    "np.memmap-like subclass": lambda dense: dense.view(type("Sub", (np.ndarray,), {})),
}


def results(estimator, given):
    fitted = estimator.fit(given)
    return {
        "components_": fitted.components_,
        "singular_values_": fitted.singular_values_,
        "explained_variance_": fitted.explained_variance_,
        "explained_variance_ratio_": fitted.explained_variance_ratio_,
        "transform": fitted.transform(given),
        "fit_transform": fitted.fit_transform(given),
        "score": fitted.score(given),
        "partial_fit": type(fitted)(3).partial_fit(given).components_,
        **({"score_samples": fitted.score_samples(given)} if hasattr(fitted, "mean_") else {}),
    }


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_same_result(Estimator, container):
    expected = results(Estimator(3, tol=1e-10, random_state=0), X)
    found = results(Estimator(3, tol=1e-10, random_state=0), CONTAINERS[container](X))
    for name, value in expected.items():
        assert_allclose(found[name], value, rtol=1e-8, atol=1e-8, err_msg=name)
        assert np.asarray(found[name]).dtype == np.float64
        assert type(found[name]) in (np.ndarray, float), name


@pytest.mark.parametrize("container", [c for c in CONTAINERS if c in {**DENSE, **SPARSE}])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_float32_goes_through(Estimator, container):
    X32 = X.astype(np.float32)
    expected = results(Estimator(3, tol=1e-6, random_state=0), X)
    found = results(Estimator(3, tol=1e-6, random_state=0), CONTAINERS[container](X32))
    for name, value in expected.items():
        atol = 1e-4 * np.abs(value).max()
        assert_allclose(found[name], value, rtol=1e-3, atol=atol, err_msg=name)
        if name not in ("score", "score_samples"):
            assert found[name].dtype == np.float32, name


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_dtypes_of_new_rows(Estimator):
    """The rows decide the dtype of their coordinates, whatever was fitted."""
    for fitted_on in (np.float32, np.float64):
        estimator = Estimator(3).fit(X.astype(fitted_on))
        for given in (np.float32, np.float64, np.int64):
            W = estimator.transform(X.astype(given))
            assert W.dtype == (np.float32 if given == np.float32 else np.float64)
            assert estimator.inverse_transform(W).dtype == np.result_type(W.dtype, fitted_on)


@pytest.mark.parametrize("container", [c for c in CONTAINERS if c in {**DENSE, **SPARSE}])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_input_is_not_changed(Estimator, container, dtype):
    given = CONTAINERS[container](X.astype(dtype))
    parts = [given] if isinstance(given, np.ndarray) else [given.data]
    parts += [getattr(given, name) for name in ("indices", "indptr") if hasattr(given, name)]
    before = [part.copy() for part in parts]
    results(Estimator(3), given)
    for part, copy in zip(parts, before, strict=True):
        assert_array_equal(part, copy)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_entries_stored_twice_are_added(Estimator):
    """Also by a matrix that says of itself to be in order."""
    duplicated = SPARSE["unsorted with duplicates"](X)
    assert not duplicated.has_canonical_format
    estimator = Estimator(3, tol=1e-10).fit(X)
    assert_allclose(Estimator(3, tol=1e-10).fit(duplicated).components_, estimator.components_)
    assert_allclose(estimator.transform(duplicated), estimator.transform(X), atol=1e-10)
    assert_allclose(estimator.score(duplicated), estimator.score(X))
    assert duplicated.nnz == 2 * np.count_nonzero(X)


class TestNames:
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_frames_in_and_out(self, Estimator, library):
        frames = pytest.importorskip(library)
        columns = [f"c{j}" for j in range(9)]
        frame = frames.DataFrame(dict(zip(columns, X.T, strict=True)))
        estimator = Estimator(2).set_output(transform=library)
        out = estimator.fit_transform(frame)
        assert isinstance(out, frames.DataFrame)
        prefix = Estimator.__name__.lower()
        assert list(out.columns) == [f"{prefix}0", f"{prefix}1"]
        assert_allclose(out.to_numpy(), Estimator(2).fit_transform(X), atol=1e-10)
        if library == "pandas":  # scikit-learn before 1.7 does not know polars 2 by its names
            assert list(estimator.feature_names_in_) == columns
        assert_allclose(estimator.inverse_transform(out).shape, X.shape)
        assert isinstance(estimator.transform(frame), frames.DataFrame)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_index_is_kept(self, Estimator):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, index=[f"r{i}" for i in range(40)])
        frame.columns = [f"c{j}" for j in range(9)]
        out = Estimator(2).set_output(transform="pandas").fit(frame).transform(frame)
        assert list(out.index) == list(frame.index)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_other_names_are_refused(self, Estimator):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=[f"c{j}" for j in range(9)])
        estimator = Estimator(2).fit(frame)
        for method in (estimator.transform, estimator.score, estimator.partial_fit):
            with pytest.raises(ValueError, match="feature names should match"):
                method(frame.rename(columns={"c0": "other"}))
            with pytest.raises(ValueError, match=r"feature names should match|same order"):
                method(frame[frame.columns[::-1]])

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_fit_without_names_forgets_them(self, Estimator):
        pandas = pytest.importorskip("pandas")
        estimator = Estimator(2).fit(pandas.DataFrame(X, columns=[f"c{j}" for j in range(9)]))
        assert not hasattr(estimator.fit(X), "feature_names_in_")


def test_pandas_missing_values_are_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2, None], "b": [1, 2, 3]}, dtype="Int64")
    for Estimator in ESTIMATORS:
        with pytest.raises(ValueError, match="NaN"):
            Estimator(1).fit(frame)
