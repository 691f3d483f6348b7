"""What is observed, whatever container a table with holes comes in."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator

from lrfact.checks._observed_entries import entry_weights, observed_entries

NAN = np.nan
TABLE = np.array(
    [
        [5.0, NAN, 4.0, 0.0],
        [NAN, NAN, NAN, NAN],
        [0.0, -2.0, NAN, 7.5],
        [NAN, NAN, NAN, 1.0],
        [3.0, NAN, NAN, NAN],
    ]
)
ROWS, COLUMNS = np.nonzero(~np.isnan(TABLE))
VALUES = TABLE[ROWS, COLUMNS]


class Estimator(BaseEstimator):
    """Somebody to remember the number of columns, and to name in messages."""


def observed(X, reset=True, **options):
    return observed_entries(Estimator(), X, reset=reset, **options)


def assert_is_the_table(entries, dtype=np.float64):
    assert isinstance(entries, sparse.csr_array)
    assert entries.dtype == dtype
    assert entries.shape == TABLE.shape
    assert entries.has_canonical_format
    assert entries.indices.dtype == entries.indptr.dtype
    assert_array_equal(np.repeat(np.arange(5), np.diff(entries.indptr)), ROWS)
    assert_array_equal(entries.indices, COLUMNS)
    assert_array_equal(entries.data, VALUES)


def coo(dtype=np.float64, container=sparse.coo_array):
    """In an order of their own, zeros stored."""
    order = np.random.default_rng(0).permutation(len(VALUES))
    stored = VALUES[order].astype(dtype), (ROWS[order], COLUMNS[order])
    return container(stored, shape=TABLE.shape)


def masked(dtype=np.float64, hidden=99):
    mask = np.isnan(TABLE)
    return np.ma.array(np.where(mask, hidden, TABLE).astype(dtype), mask=mask)


def frame(dtype):
    return pytest.importorskip("pandas").DataFrame(TABLE, columns=list("dcba")).astype(dtype)


DENSE = {
    "C order": lambda dtype: TABLE.astype(dtype),
    "Fortran order": lambda dtype: np.asfortranarray(TABLE.astype(dtype)),
    "strided": lambda dtype: np.repeat(np.repeat(TABLE, 2, 0), 2, 1).astype(dtype)[::2, ::2],
    "backwards": lambda dtype: TABLE[::-1, ::-1].astype(dtype).copy()[::-1, ::-1],
    "masked array": masked,
    "frame": frame,
    "list": lambda dtype: TABLE.astype(dtype).tolist(),
}
SPARSE = {
    name: getattr(sparse, name)
    for fmt in ("csr", "csc", "coo")
    for name in (f"{fmt}_array", f"{fmt}_matrix")
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", DENSE)
def test_dense(container, dtype):
    given = DENSE[container](dtype)
    kept = np.float64 if isinstance(given, list) else dtype
    assert_is_the_table(observed(given), kept)


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", SPARSE)
def test_sparse_zeros_that_are_stored_are_observed(container, dtype, index_dtype):
    given = SPARSE[container](coo(dtype))
    if given.format == "coo":
        given = coo(dtype, SPARSE[container])
    else:
        given.indices = given.indices.astype(index_dtype)
        given.indptr = given.indptr.astype(index_dtype)
    assert given.nnz == len(VALUES)
    assert_is_the_table(observed(given), dtype)


@pytest.mark.parametrize("name", ["lil_array", "lil_matrix", "dok_array", "dok_matrix"])
def test_sparse_formats_that_store_no_zeros(name):
    nonzero = sparse.coo_array(np.nan_to_num(TABLE))
    entries = observed(getattr(sparse, name)(nonzero))
    assert isinstance(entries, sparse.csr_array)
    assert_array_equal(entries.toarray(), nonzero.toarray())
    assert entries.nnz == nonzero.nnz


@pytest.mark.parametrize("name", ["bsr_array", "bsr_matrix", "dia_array", "dia_matrix"])
def test_formats_that_store_what_nobody_observed(name):
    given = getattr(sparse, name)(sparse.coo_array(np.nan_to_num(TABLE)))
    message = rf"Estimator takes what .* stores as observed, but the format '{name[:3]}'.*tocsr"
    with pytest.raises(TypeError, match=message):
        observed(given)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, bool, np.float16])
def test_other_numbers_become_float64(dtype):
    given = np.array([[1, 0, 1], [0, 1, 1]], dtype=dtype)
    entries = observed(given)
    assert entries.dtype == np.float64
    assert entries.nnz == 6
    assert_array_equal(entries.toarray(), given)
    entries = observed(sparse.csr_array(given.astype(np.float32 if dtype == np.float16 else dtype)))
    assert entries.nnz == 4


def test_objects():
    entries = observed(np.where(np.isnan(TABLE), None, TABLE).astype(object))
    assert_is_the_table(entries)
    with pytest.raises(ValueError, match="could not convert"):
        observed(np.array([["good", 1.0], [None, 2.0]], dtype=object))


@pytest.mark.parametrize("kind", ["Int64", "Float32", "Float64"])
def test_frames_with_pandas_missing(kind):
    pandas = pytest.importorskip("pandas")
    whole = pandas.DataFrame({"a": [5, None, 0], "b": [None, 2, 3]}).astype(kind)
    estimator = Estimator()
    entries = observed_entries(estimator, whole, reset=True)
    assert_array_equal(entries.indices, [0, 1, 0, 1])
    assert_array_equal(entries.data, [5, 2, 0, 3])
    assert_array_equal(estimator.feature_names_in_, ["a", "b"])
    with pytest.raises(ValueError, match="NaN"):
        observed(whole, missing_values=0)


def test_frames_of_sparse_columns():
    """Filled with NaN they have holes; filled with 0 they are sparse matrices with names."""
    pandas = pytest.importorskip("pandas")
    names = list("dcba")
    holes = pandas.DataFrame(TABLE, columns=names).astype(pandas.SparseDtype(float, NAN))
    zeros = pandas.DataFrame.sparse.from_spmatrix(
        sparse.csr_matrix(np.nan_to_num(TABLE)), columns=names
    )
    estimator = Estimator()
    assert_is_the_table(observed_entries(estimator, holes, reset=True))
    assert_array_equal(estimator.feature_names_in_, names)
    entries = observed(zeros)
    assert_array_equal(entries.toarray(), np.nan_to_num(TABLE))
    assert entries.nnz == np.count_nonzero(np.nan_to_num(TABLE))
    assert entries.has_canonical_format


def test_polars_frames():
    polars = pytest.importorskip("polars")
    whole = polars.DataFrame({"a": [5.0, None, 0.0], "b": [NAN, 2.0, 3.0]})
    entries = observed(whole)
    assert_array_equal(entries.indices, [0, 1, 0, 1])
    assert_array_equal(entries.data, [5, 2, 0, 3])


@pytest.mark.parametrize("value", [0, 0.0, -0.0, -1, 99, 1e300, 0.1, np.float64(0.1), np.int8(-1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_number_for_holes(value, dtype):
    with np.errstate(over="ignore"):
        stands = dtype(value)
    if not np.isfinite(stands):
        entries = observed(TABLE[[0, 2]][:, [0, 3]].astype(dtype), missing_values=value)
        assert entries.nnz == 4  # float32 has no such number
        return
    table = np.where(np.isnan(TABLE), stands, TABLE.astype(dtype))
    seen = TABLE[~np.isnan(TABLE)].astype(dtype)
    entries = observed(table, missing_values=value)
    assert_array_equal(entries.data, seen[seen != stands])
    if value != 0:
        assert_is_the_table(entries, dtype)
    # Of a sparse matrix too: a stored zero is observed, unless 0 stands for missing entries.
    of_stored = observed(coo(dtype), missing_values=value)
    if value != 0:
        assert_is_the_table(of_stored, dtype)
    for part in ("data", "indices", "indptr"):
        assert_array_equal(getattr(of_stored, part), getattr(entries, part))


@pytest.mark.parametrize("value", [0, -2, 7.5])
def test_dense_and_sparse_agree_on_missing_values(value):
    """Whatever a matrix stores, entries that stand for missing ones are missing."""
    table = np.where(np.isnan(TABLE), value, TABLE)
    dense = observed(table, missing_values=value)
    rows, columns = np.indices(table.shape).reshape(2, -1)
    everything = sparse.coo_array((table.ravel(), (rows, columns)), shape=table.shape)
    for given in (coo(np.float64), everything, everything.tocsc(), sparse.csr_matrix(everything)):
        entries = observed(given, missing_values=value)
        assert_array_equal(entries.toarray(), dense.toarray())
        assert entries.nnz == dense.nnz


def test_masks_go_with_numbers_for_holes():
    given = masked()
    given[0, 0] = 0  # not masked, but means missing
    entries = observed(given, missing_values=0)
    assert_array_equal(entries.data, [4, -2, 7.5, 1, 3])
    assert_is_the_table(observed(masked(np.float64, hidden=np.inf)))
    assert_is_the_table(observed(masked(np.float32, hidden=NAN)), np.float32)
    whole = np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]])
    assert_array_equal(observed(whole).data, [1, 3, 4])
    assert_array_equal(observed(np.ma.array([[1, 0], [3, 4]]), missing_values=0).data, [1, 3, 4])


@pytest.mark.parametrize("missing_values", [NAN, 0, -1])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.coo_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinity_is_refused(container, value, missing_values, dtype):
    table = np.ones((2, 3), dtype=dtype)
    table[1, 2] = value
    with pytest.raises(ValueError, match="infinity"):
        observed(container(table), missing_values=missing_values)


def test_nan_is_refused_where_it_does_not_mean_missing():
    for missing_values in (0, -1.0):
        with pytest.raises(ValueError, match="contains NaN"):
            observed(TABLE, missing_values=missing_values)
    with pytest.raises(ValueError, match="contains NaN"):
        observed(sparse.csr_array(TABLE))


def test_pairs_that_are_stored_twice():
    """In any format, also where they add up to zero or to what one of them is."""
    twice = ([1.0, 2.0, 0.0, 4.0], ([0, 1, 1, 1], [2, 0, 0, 1]))
    message = r"X stores 4 entries for 3 \(row, column\) pairs; average or drop.*EntryRegressor"
    for container in (sparse.coo_array, sparse.coo_matrix):
        with pytest.raises(ValueError, match=message):
            observed(container(twice, shape=(3, 3)))
    indptr = np.array([0, 1, 4, 4])
    for indices in ([2, 0, 0, 1], [2, 0, 1, 0]):
        for container in (sparse.csr_array, sparse.csr_matrix):
            given = container((np.ones(4), np.array(indices), indptr), shape=(3, 3))
            with pytest.raises(ValueError, match=message):
                observed(given)
            assert given.nnz == 4  # and what came is as it was
    with pytest.raises(ValueError, match=message):
        observed(sparse.csc_array((np.ones(4), np.array([1, 0, 0, 2]), indptr), shape=(3, 3)))


def test_input_is_not_changed_nor_copied_where_it_fits():
    unsorted = sparse.csr_array(
        (np.array([1.0, 2, 3]), np.array([2, 0, 1]), np.array([0, 2, 3])), shape=(2, 3)
    )
    before = unsorted.indices.copy()
    entries = observed(unsorted)
    assert_array_equal(entries.indices, [0, 2, 1])
    assert_array_equal(entries.data, [2, 1, 3])
    assert_array_equal(unsorted.indices, before)
    fits = sparse.csr_array(np.eye(3))
    assert np.shares_memory(observed(fits).data, fits.data)
    table = TABLE.copy()
    table.setflags(write=False)
    assert_is_the_table(observed(table))
    hidden = masked()
    observed(hidden, missing_values=0)
    assert_array_equal(hidden.data[hidden.mask], 99)


def test_nothing_observed_is_left_to_the_caller():
    for given in (np.full((3, 2), NAN), sparse.csr_array((3, 2))):
        entries = observed(given)
        assert entries.shape == (3, 2)
        assert entries.nnz == 0
        assert_array_equal(entries.indptr, 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones(5), "Expected 2D array, got 1D array"),
        (np.ones((2, 2, 2)), "Found array with dim 3"),
        (np.empty((0, 3)), r"Found array with 0 sample\(s\)"),
        (np.empty((3, 0)), r"Found array with 0 feature\(s\)"),
        (sparse.csr_array((0, 3)), r"0 sample\(s\)"),
        (np.ma.ones(4), "Expected 2D array, got 1D array"),
        (np.array([["a", "b"]]), r"could not convert|Unable to convert|dtype"),
        (TABLE + 1j, r"[Cc]omplex"),
    ],
)
def test_not_a_table(given, message):
    with pytest.raises(ValueError, match=message):
        observed(given)


def test_columns_are_learnt_and_compared():
    estimator = Estimator()
    observed_entries(estimator, TABLE, reset=True)
    assert estimator.n_features_in_ == 4
    for other in (TABLE[:, :3], sparse.csr_array(np.ones((2, 3))), masked()[:, :3]):
        with pytest.raises(ValueError, match="X has 3 features, but Estimator is expecting 4"):
            observed_entries(estimator, other, reset=False)
    observed_entries(estimator, coo(), reset=False)


class TestEntryWeights:
    entries = observed(TABLE)
    weights = np.arange(1.0, 21).reshape(5, 4)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("name", ["dense", "list", "csr", "coo", "csc_matrix", "unsorted"])
    def test_every_container(self, name, dtype):
        given = {
            "dense": lambda: self.weights,
            "list": self.weights.tolist,
            "csr": lambda: sparse.csr_array(self.weights),
            "coo": lambda: sparse.coo_array(self.weights),
            "csc_matrix": lambda: sparse.csc_matrix(self.weights),
            "unsorted": lambda: sparse.csr_array(
                (
                    self.weights[:, ::-1].ravel(),
                    np.tile(np.arange(4)[::-1], 5),
                    np.arange(0, 21, 4),
                ),
                shape=(5, 4),
            ),
        }[name]()
        entries = self.entries.astype(dtype)
        weights = entry_weights(given, entries)
        assert weights.dtype == dtype
        assert weights.flags.c_contiguous
        assert_array_equal(weights, self.weights[ROWS, COLUMNS])

    def test_frames(self):
        pandas = pytest.importorskip("pandas")
        weights = entry_weights(pandas.DataFrame(self.weights), self.entries)
        assert_array_equal(weights, self.weights[ROWS, COLUMNS])

    @pytest.mark.parametrize("elsewhere", [NAN, np.inf, -5.0, 0.0])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_are_not_read_where_nothing_is_observed(self, elsewhere, container):
        given = np.full((5, 4), elsewhere)
        given[ROWS, COLUMNS] = 3
        assert_array_equal(entry_weights(container(given), self.entries), 3)

    @pytest.mark.parametrize("value", [NAN, np.inf, 0.0, -1.0])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_must_be_positive_and_finite(self, value, container):
        given = self.weights.copy()
        given[2, 3] = value
        message = r"entry_weight must be positive .* at row 2, column 3; leave out"
        with pytest.raises(ValueError, match=message):
            entry_weights(container(given), self.entries)
        with pytest.raises(ValueError, match=r"is 0.0 at row 0, column 0"):
            entry_weights(sparse.csr_array((5, 4)), self.entries)

    def test_that_vanish_in_float32_are_refused(self):
        for value in (1e-60, 1e60):
            with (
                pytest.raises(ValueError, match="must be positive and finite"),
                np.errstate(over="ignore"),
            ):
                entry_weights(np.full((5, 4), value), self.entries.astype(np.float32))

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_must_have_the_shape_of_the_table(self, container):
        message = r"entry_weight has shape \(4, 4\); it must have \(5, 4\)"
        with pytest.raises(ValueError, match=message):
            entry_weights(container(self.weights[:4]), self.entries)
        with pytest.raises(ValueError, match="Expected 2D"):
            entry_weights(np.ones(9), self.entries)

    def test_are_not_changed(self):
        given = sparse.csr_array(
            (np.ones(20), np.tile([3, 1, 0, 2], 5), np.arange(0, 21, 4)), shape=(5, 4)
        )
        entry_weights(given, self.entries)
        assert_array_equal(given.indices, np.tile([3, 1, 0, 2], 5))
