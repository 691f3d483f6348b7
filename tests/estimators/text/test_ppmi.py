"""PPMI against its formula for all input formats, and errors for invalid counts."""

import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from lrfact import PPMI, TruncatedSVDReducer
from reference.naive_ppmi import ppmi
from reference.spectra import DENSE, SPARSE

EVERY_SPARSE = {
    **SPARSE,
    "csc_matrix": sparse.csc_matrix,
    "coo_matrix": sparse.coo_matrix,
    "lil_array": sparse.lil_array,
    "dia_array": sparse.dia_array,
}
CONTAINERS = {**DENSE, **EVERY_SPARSE}
VARIANTS = [(0.75, 1.0), (1.0, 1.0), (0.5, 2.0), (1.0, 5.0)]
# The ends of floating point, which no count comes near.
TINY, HUGE = 5e-324, 1e300


def counts(shape=(25, 9), seed=0, dtype=np.float64):
    """Even, so that halves of them are counts too; one row and one column are empty."""
    rng = np.random.default_rng(seed)
    table = 2 * rng.poisson(rng.gamma(0.4, size=shape))
    table[3] = 0
    table[:, 5] = 0
    return table.astype(dtype)


def dense(X):
    return X.toarray() if sparse.issparse(X) else X


def parts_of(X):
    return [X] if isinstance(X, np.ndarray) else [X.data, X.indices, X.indptr]


class TestFormula:
    @pytest.mark.parametrize(("smoothing", "shift"), VARIANTS)
    @pytest.mark.parametrize("container", CONTAINERS)
    def test_of_every_container(self, container, smoothing, shift):
        X = CONTAINERS[container](counts())
        expected = ppmi(counts(), smoothing=smoothing, shift=shift)
        transformer = PPMI(smoothing=smoothing, shift=shift)
        for weights in (transformer.fit(X).transform(X), transformer.fit_transform(X)):
            assert_allclose(dense(weights), expected, rtol=1e-12, atol=1e-14)
            assert weights.dtype == np.float64
            assert sparse.issparse(weights) == sparse.issparse(X)

    @pytest.mark.parametrize("container", [*DENSE, *SPARSE])
    def test_float32_is_kept(self, container):
        X = CONTAINERS[container](counts(dtype=np.float32))
        weights = PPMI().fit_transform(X)
        assert weights.dtype == np.float32
        assert_allclose(dense(weights), ppmi(counts()), rtol=1e-6, atol=1e-7)

    @pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.float16, bool])
    def test_other_numbers_become_float64(self, dtype):
        X = counts().astype(dtype)
        weights = PPMI().fit_transform(X)
        assert weights.dtype == np.float64
        assert_allclose(weights, ppmi(X), rtol=1e-12, atol=1e-14)

    def test_new_rows_are_folded_in(self):
        learnt_from, new = counts(), counts(seed=1)
        for container in (np.asarray, sparse.csr_array):
            transformer = PPMI(shift=2).fit(container(learnt_from))
            expected = ppmi(new, fitted_on=learnt_from, shift=2)
            assert_allclose(dense(transformer.transform(container(new))), expected, atol=1e-14)
            for i in (0, 3, 7):
                alone = dense(transformer.transform(container(new[[i]])))
                assert_array_equal(alone, dense(transformer.transform(container(new)))[[i]])

    def test_what_fit_learns(self):
        X = counts()
        smoothed = X.sum(axis=0) ** 0.6
        learnt = PPMI(smoothing=0.6).fit(X.astype(np.float32)).context_log_probability_
        seen = smoothed > 0
        assert learnt.dtype == np.float64
        assert_allclose(np.exp(learnt[seen]), (smoothed / smoothed.sum())[seen])
        assert_array_equal(learnt[~seen], 0)

    def test_independence_has_no_weight(self):
        rows, columns = np.array([1, 2, 5, 9]), np.array([4, 1, 8])
        weights = PPMI(smoothing=1).fit_transform(np.outer(rows, columns))
        assert_allclose(weights, 0, atol=1e-14)

    def test_the_scale_of_counts_does_not_matter(self):
        X = counts()
        expected = PPMI().fit_transform(X)
        for factor in (1e-300, 0.1, 1e300):
            assert_allclose(PPMI().fit_transform(factor * X), expected, rtol=1e-11, atol=1e-12)

    def test_effects_of_parameters(self):
        X = sparse.csr_array(counts((200, 30)))
        plain = PPMI(smoothing=1).fit_transform(X)
        sizes = [PPMI(shift=shift).fit_transform(X).nnz for shift in (1, 2, 5, 15)]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] > sizes[-1]
        rarest = np.argmin(np.where(X.sum(axis=0) > 0, X.sum(axis=0), np.inf))
        smoothed = PPMI(smoothing=0.5).fit_transform(X)
        assert smoothed[:, [rarest]].sum() < plain[:, [rarest]].sum()

    def test_directions_tell_subjects_apart(self):
        """Words of two subjects, all of which stand near "the" most often."""
        rng = np.random.default_rng(0)
        subject = np.repeat([0, 1], 20)
        rates = np.where(subject[:, np.newaxis] == np.repeat([0, 1], 10), 2.0, 0.1)
        rates = np.column_stack([np.full(40, 50.0), rates * rng.gamma(1, size=20)])
        X = sparse.csr_array(rng.poisson(rates * rng.gamma(1, size=(40, 1))).astype(float))
        vectors = make_pipeline(PPMI(), TruncatedSVDReducer(2)).fit_transform(X)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -1)
        assert_array_equal(subject[cosines.argmax(axis=1)], subject)


class TestNothingToCount:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_empty_rows_and_columns(self, container):
        weights = dense(PPMI().fit_transform(container(counts())))
        assert np.isfinite(weights).all()
        assert not weights[3].any()
        assert not weights[:, 5].any()

    @pytest.mark.parametrize("shift", [1, 3])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_contexts_that_the_fit_has_not_seen(self, container, shift):
        transformer = PPMI(shift=shift).fit(container(counts()))
        new = counts(seed=1)
        new[:, 5] = 100
        new[0] = 0
        new[0, 5] = 1  # and nothing else
        weights = dense(transformer.transform(container(new)))
        assert not weights[0].any()
        assert not weights[:, 5].any()
        assert_allclose(weights, ppmi(new, fitted_on=counts(), shift=shift), atol=1e-14)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_no_count_at_all(self, container):
        transformer = PPMI().fit(container(np.zeros((4, 3))))
        assert_array_equal(transformer.context_log_probability_, 0)
        for given in (np.zeros((4, 3)), np.eye(3)):
            weights = transformer.transform(container(given))
            assert_array_equal(dense(weights), np.zeros(given.shape))

    def test_one_count(self):
        assert_array_equal(PPMI().fit_transform([[3.0]]), [[0.0]])
        assert_allclose(PPMI().fit_transform(np.eye(4)), np.log(4) * np.eye(4))

    def test_from_the_smallest_to_the_greatest(self):
        X = np.array([[TINY, HUGE, 1], [0, TINY, 0], [HUGE, 1, TINY]])
        for container in (np.asarray, sparse.csr_array):
            weights = dense(PPMI().fit_transform(container(X)))
            assert np.isfinite(weights).all()
            assert weights[0, 2] == 0 < weights[2, 0]


class TestSparseResults:
    @pytest.mark.parametrize("container", EVERY_SPARSE)
    def test_stores_no_zeros(self, container):
        X = EVERY_SPARSE[container](counts())
        weights = PPMI().fit_transform(X)
        assert isinstance(weights, sparse.sparray) == isinstance(X, sparse.sparray)
        assert weights.format == "csr"
        assert weights.has_canonical_format
        assert (weights.data > 0).all()
        assert weights.nnz < np.count_nonzero(counts())

    def test_duplicates_are_one_count(self):
        duplicated = SPARSE["unsorted with duplicates"](counts())
        assert not duplicated.has_canonical_format
        assert_allclose(PPMI().fit_transform(duplicated).toarray(), ppmi(counts()), atol=1e-14)
        assert duplicated.nnz == 2 * np.count_nonzero(counts())

    def test_explicit_zeros_are_no_counts(self):
        stored = SPARSE["explicit zeros"](counts())
        plain = sparse.csr_array(counts())
        weights = PPMI().fit(plain).transform(stored)
        assert_array_equal(weights.toarray(), PPMI().fit(stored).transform(plain).toarray())
        assert stored.nnz == stored.shape[0] * stored.shape[1]


class TestInput:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("container", [*DENSE, *SPARSE])
    def test_is_neither_changed_nor_shared(self, container, dtype):
        X = CONTAINERS[container](counts(dtype=dtype))
        if sparse.issparse(X) and X.format == "coo":
            X = X.tocsr()
        before = [part.copy() for part in parts_of(X)]
        for part in parts_of(X):
            part.setflags(write=False)
        weights = PPMI().fit(X).transform(X)
        for part, copy in zip(parts_of(X), before, strict=True):
            assert_array_equal(part, copy)
        for given in parts_of(X):
            assert not any(np.shares_memory(given, part) for part in parts_of(weights))

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.coo_array])
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (-1, "Negative values in data passed to PPMI: X"),
            (np.nan, "Input X contains NaN"),
            (np.inf, "Input X contains infinity"),
        ],
    )
    def test_refused(self, value, message, container):
        wrong = counts()
        wrong[1, 2] = value
        with pytest.raises(ValueError, match=message):
            PPMI().fit(counts()).transform(container(wrong))
        transformer = PPMI().fit(counts())
        with pytest.raises(ValueError, match=message):
            transformer.fit(container(wrong))
        assert not [name for name in vars(transformer) if name.endswith("_")]

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_sums_that_overflow(self, container):
        X = np.full((3, 3), 1e308)
        message = "their sum is infinite; divide X by its largest value"
        with pytest.raises(ValueError, match=message):
            PPMI().fit(container(X))
        with pytest.raises(ValueError, match=message):
            PPMI().fit(counts()[:, :3]).transform(container(X))
        assert_allclose(PPMI().fit_transform(X / X.max()), 0, atol=1e-14)

    def test_another_number_of_columns(self):
        with pytest.raises(ValueError, match="X has 8 features, but PPMI is expecting 9 features"):
            PPMI().fit(counts()).transform(counts()[:, 1:])

    def test_before_fit(self):
        with pytest.raises(NotFittedError):
            PPMI().transform(counts())
        transformer = PPMI()
        with pytest.raises(ValueError, match="Negative values"):
            transformer.fit(-np.ones((2, 2)))
        with pytest.raises(NotFittedError):
            transformer.transform(counts())

    @pytest.mark.parametrize(
        ("wrong", "range_"),
        [
            ({"smoothing": 0}, "(0.0, 1.0]"),
            ({"smoothing": 1.5}, "(0.0, 1.0]"),
            ({"smoothing": None}, "(0.0, 1.0]"),
            ({"shift": 0.5}, "[1.0, inf)"),
            ({"shift": np.inf}, "[1.0, inf)"),
            ({"shift": "5"}, "[1.0, inf)"),
        ],
        ids=str,
    )
    def test_parameters_out_of_range(self, wrong, range_):
        name = next(iter(wrong))
        message = f"The '{name}' parameter of PPMI must be a float in the range {range_}"
        with pytest.raises(ValueError, match=re.escape(message)):
            PPMI(**wrong).fit(counts())

    @pytest.mark.parametrize("parameters", [{"smoothing": 1}, {"shift": 5}])
    def test_whole_numbers_will_do(self, parameters):
        found = PPMI(**parameters).fit_transform(counts())
        assert_allclose(found, ppmi(counts(), **parameters), atol=1e-14)


class TestAsATransformer:
    def test_names_of_columns(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(counts(), columns=list("abcdefghi"), index=range(100, 125))
        transformer = PPMI().set_output(transform="pandas").fit(frame)
        weights = transformer.transform(frame)
        assert list(weights.columns) == list(transformer.get_feature_names_out()) == [*"abcdefghi"]
        assert list(weights.index) == list(frame.index)
        assert_allclose(weights.to_numpy(), ppmi(counts()), atol=1e-14)

    def test_clone_and_pickle(self):
        X = counts()
        fitted = PPMI(smoothing=0.5, shift=3).fit(X)
        assert clone(fitted).get_params() == {"smoothing": 0.5, "shift": 3}
        assert not hasattr(clone(fitted), "context_log_probability_")
        again = pickle.loads(pickle.dumps(fitted))
        assert_array_equal(again.transform(X), fitted.transform(X))

    def test_a_second_fit_forgets_the_first(self):
        transformer = PPMI().fit(counts()[:, :4])
        weights = transformer.set_params(shift=2).fit_transform(counts())
        assert_allclose(weights, ppmi(counts(), shift=2), atol=1e-14)
