"""Ranking metrics against their definitions, against scikit-learn, and on bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import (
    label_ranking_average_precision_score,
    ndcg_score,
    top_k_accuracy_score,
)

from lrfact.metrics import (
    average_precision_at_k,
    hit_rate_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    reciprocal_rank_at_k,
)
from reference import naive_ranking

REFERENCE = {
    average_precision_at_k: naive_ranking.average_precision,
    hit_rate_at_k: naive_ranking.hit_rate,
    ndcg_at_k: naive_ranking.ndcg,
    precision_at_k: naive_ranking.precision,
    recall_at_k: naive_ranking.recall,
    reciprocal_rank_at_k: naive_ranking.reciprocal_rank,
}
METRICS = list(REFERENCE)
every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.__name__)


@st.composite
def judged_rankings(draw):
    """Small rankings with empty places anywhere, and gains of which many are 0."""
    n_rows, n_columns = draw(st.integers(1, 6)), draw(st.integers(1, 7))
    n_ranked = draw(st.integers(1, 9))
    ranking = np.full((n_rows, n_ranked), -1)
    for row in ranking:
        order = draw(st.permutations(range(n_columns)))
        n_filled = draw(st.integers(0, min(n_ranked, n_columns)))
        at = draw(st.permutations(range(n_ranked)))[:n_filled]
        row[at] = order[:n_filled]
    gain = st.sampled_from([0.0, 0.0, 0.5, 1.0, 1.0, 4.0])
    gains = draw(st.lists(gain, min_size=n_rows * n_columns, max_size=n_rows * n_columns))
    return ranking, np.reshape(gains, (n_rows, n_columns)), draw(st.integers(1, 11))


def synthetic(n_rows=40, n_columns=25, seed=0):
    """Scores without ties, their full ranking, and truth with at least one relevant column."""
    rng = np.random.default_rng(seed)
    scores = rng.permuted(np.tile(np.arange(float(n_columns)), (n_rows, 1)), axis=1)
    truth = rng.integers(1, 6, (n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < 0.3)
    truth[:, 0] = 2
    return scores, np.argsort(-scores, axis=1), truth


@every_metric
@given(case=judged_rankings())
def test_metrics_are_their_definitions(metric, case):
    ranking, truth, k = case
    rows = metric(ranking, sparse.csr_array(truth), k=k, average=False)
    assert rows.shape == (len(truth),)
    for score, places, gains in zip(rows, ranking.tolist(), truth.tolist(), strict=True):
        if any(gains):
            assert_allclose(score, REFERENCE[metric](places, gains, k), rtol=1e-12)
        else:
            assert np.isnan(score)
    if truth.any():
        mean = metric(ranking, truth, k=k)
        assert isinstance(mean, float)
        assert 0 <= mean <= 1 + 1e-12
        expected = naive_ranking.mean_over_judged_rows(REFERENCE[metric], ranking, truth, k)
        assert_allclose(mean, expected, rtol=1e-12)


@every_metric
def test_a_perfect_ranking_scores_one(metric):
    _, _, truth = synthetic()
    ranking = np.argsort(-truth, axis=1, kind="stable")
    k = 1 if metric is precision_at_k else truth.shape[1]
    assert metric(ranking, truth, k=k) == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("k", [1, 5, 25])
def test_ndcg_equals_scikit_learn(k):
    scores, ranking, truth = synthetic()
    assert_allclose(ndcg_at_k(ranking, truth, k=k), ndcg_score(truth, scores, k=k), rtol=1e-12)


def test_average_precision_of_a_full_ranking_equals_scikit_learn():
    scores, ranking, truth = synthetic()
    expected = label_ranking_average_precision_score(truth > 0, scores)
    assert_allclose(average_precision_at_k(ranking, truth, k=25), expected, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_hit_rate_with_one_relevant_column_equals_scikit_learn(k):
    scores, ranking, _ = synthetic()
    y = np.arange(40) % 25
    truth = sparse.csr_array((np.ones(40), (np.arange(40), y)), shape=(40, 25))
    expected = top_k_accuracy_score(y, scores, k=k, labels=np.arange(25))
    assert_allclose(hit_rate_at_k(ranking, truth, k=k), expected, rtol=1e-14)
    assert_allclose(recall_at_k(ranking, truth, k=k), expected, rtol=1e-14)


def test_reciprocal_rank_with_one_relevant_column_equals_scikit_learn():
    scores, ranking, _ = synthetic()
    truth = np.eye(25)[np.arange(40) % 25]
    expected = label_ranking_average_precision_score(truth, scores)
    assert_allclose(reciprocal_rank_at_k(ranking, truth, k=25), expected, rtol=1e-14)
    for k in (1, 4):
        expected = average_precision_at_k(ranking, truth, k=k)
        assert_allclose(reciprocal_rank_at_k(ranking, truth, k=k), expected, rtol=1e-14)


def test_only_the_first_hit_counts_for_the_reciprocal_rank():
    truth = np.array([[1, 1, 0, 0, 1]])
    for ranking, score in (([2, 1, 0, 4], 1 / 2), ([2, 1, 3, -1], 1 / 2), ([-1, 3, 2, 4], 1 / 4)):
        assert reciprocal_rank_at_k([ranking], truth, k=4) == score
    assert reciprocal_rank_at_k([[2, 3, 0]], truth, k=2) == 0


@every_metric
@pytest.mark.parametrize(
    "container",
    [
        np.asarray,
        np.ndarray.tolist,
        sparse.csr_matrix,
        sparse.coo_array,
        sparse.csc_array,
        lambda truth: sparse.csr_array(truth.astype(np.float32)),
        lambda truth: truth.astype(np.uint8),
    ],
)
def test_truth_in_any_container(metric, container):
    _, ranking, truth = synthetic()
    assert metric(ranking, container(truth), k=4) == metric(ranking, truth, k=4)


@every_metric
def test_boolean_truth_is_binary_gain(metric):
    _, ranking, truth = synthetic()
    binary = (truth > 0).astype(float)
    assert metric(ranking, truth > 0, k=4) == metric(ranking, binary, k=4)
    assert metric(ranking, sparse.csr_array(truth > 0), k=4) == metric(ranking, binary, k=4)


@every_metric
def test_stored_zeros_duplicates_and_order_do_not_matter(metric):
    _, ranking, _ = synthetic(n_rows=2, n_columns=4)
    expected = metric(ranking, [[0, 3, 0, 1], [0, 0, 0, 0]], k=2, average=False)
    data, columns = np.array([1.0, 2.0, 0.0, 1.0, 0.0]), np.array([3, 1, 2, 1, 0])
    given_truth = sparse.csr_array((data, columns, np.array([0, 4, 5])), shape=(2, 4))
    assert_array_equal(metric(ranking, given_truth, k=2, average=False), expected)
    assert_array_equal(given_truth.data, [1, 2, 0, 1, 0])  # the caller's matrix is untouched
    assert_array_equal(given_truth.indices, [3, 1, 2, 1, 0])


@every_metric
def test_empty_place_before_the_first_column_is_no_hit(metric):
    """Numbered row by row, place -1 of the second row is the last column of the first."""
    assert metric([[0], [-1]], [[0, 1], [1, 0]], k=1) == 0


@every_metric
def test_rows_without_relevant_columns_are_left_out(metric):
    _, ranking, truth = synthetic()
    emptied = truth.copy()
    emptied[::2] = 0
    rows = metric(ranking, truth, k=5, average=False)
    assert metric(ranking, emptied, k=5) == pytest.approx(rows[1::2].mean(), rel=1e-14)
    assert_array_equal(
        np.isnan(metric(ranking, emptied, k=5, average=False)), np.arange(40) % 2 == 0
    )


@every_metric
def test_nothing_relevant_at_all(metric):
    nothing = sparse.csr_array((3, 4))
    with pytest.raises(ValueError, match=r"No row of truth has a relevant column.*average=False"):
        metric(np.zeros((3, 1), int), nothing)
    assert np.isnan(metric(np.zeros((3, 1), int), nothing, average=False)).all()


@every_metric
def test_places_that_are_missing_are_misses(metric):
    _, ranking, truth = synthetic()
    padded = np.pad(ranking[:, :3], ((0, 0), (0, 17)), constant_values=-1)
    assert_allclose(metric(ranking[:, :3], truth, k=20), metric(padded, truth, k=20), rtol=1e-14)
    assert metric(np.zeros((40, 0), int), truth) == 0


@pytest.mark.parametrize("k", [10**12, 10**30])
def test_k_beyond_any_index_type(k):
    _, ranking, truth = synthetic()
    sparse_truth = sparse.csr_array(truth)  # row starts in 32 bits
    for metric in METRICS:
        if metric is not precision_at_k:
            assert metric(ranking, sparse_truth, k=k) == metric(ranking, truth, k=25)
    assert precision_at_k(ranking, truth, k=k) == pytest.approx((truth > 0).sum() / 40 / k)


@every_metric
def test_places_beyond_k_are_not_read(metric):
    _, ranking, truth = synthetic()
    changed = ranking.copy()
    changed[:, 3:] = 99
    assert metric(changed, truth, k=3) == metric(ranking, truth, k=3)


@every_metric
@pytest.mark.parametrize("index", [np.int8, np.int32, np.uint64])
def test_any_integer_type_of_ranking(metric, index):
    _, ranking, truth = synthetic()
    assert metric(ranking.astype(index), truth, k=4) == metric(ranking, truth, k=4)


def test_numbers_of_entries_beyond_32_bits():
    """The product of the shape is 10^13; wrapped to 32 bits, wrong entries would be found."""
    n_columns = 10**9
    rows = np.arange(10_000)
    columns = (rows * 99_991) % n_columns
    truth = sparse.csr_array((np.ones(10_000), (rows, columns)), shape=(10_000, n_columns))
    assert recall_at_k(columns[:, np.newaxis], truth, k=1) == 1
    assert recall_at_k(np.roll(columns, 1)[:, np.newaxis], truth, k=1) == 0


def test_a_shape_that_cannot_be_numbered_is_refused():
    column = np.array([2**61])
    truth = sparse.csr_array((np.ones(1), (np.array([7]), column)), shape=(8, 2**62))
    with pytest.raises(ValueError, match="smaller blocks"):
        recall_at_k(np.full((8, 1), 2**61), truth)
    assert recall_at_k(np.array([column]), truth[[7]], k=1) == 1


@pytest.mark.parametrize("size", [1e-320, 1e308])
def test_gains_of_any_size(size):
    """Sums of such gains overflow, or lose their digits."""
    binary = np.ones((1, 4))
    assert_allclose(ndcg_at_k([[0, -1, 1]], size * binary, k=3), 1.5 / (1.5 + 1 / np.log2(3)))


@every_metric
@pytest.mark.parametrize(
    ("ranking", "truth", "k", "message"),
    [
        ([[0, 4]], [[1, 0, 1]], 2, r"ranking\[0, 1\]=4 is not a column .* n_columns=3"),
        ([[0, -2]], [[1, 0, 1]], 2, r"ranking\[0, 1\]=-2 is not a column"),
        ([[0, 1], [2, 2]], np.ones((2, 3)), 2, r"ranking\[1\] has column 2 more than once"),
        ([[2, 0, 2]], [[1, 0, 1]], 3, "column 2 more than once"),
        ([[0]], [[1]], 0, "k=0 must be an integer of at least 1"),
        ([[0]], [[1]], 2.0, "k=2.0 must be an integer"),
        ([[0]], [[1]], True, "k=True must be an integer"),
        ([[0]], np.ones((2, 3)), 1, "ranking has 1 rows and truth has 2.*truth"),
        ([0, 1], [[1, 0]], 1, r"2-d array of column indices.*shape \(2,\)"),
        ([[0.9, 0.1]], [[1, 0]], 1, r"dtype float64.*np.argsort\(-scores"),
        ([[0, 1], [0]], np.ones((2, 2)), 1, "pad short rows with -1"),
        ([[0]], [[np.nan]], 1, "truth contains NaN"),
        ([[0]], [[np.inf]], 1, "truth contains infinity"),
        ([[0]], [[-1.0]], 1, r"truth has negative entries \(the smallest is -1\)"),
        ([[0]], sparse.csr_array([[-1.0, 2]]), 1, "truth has negative entries"),
        ([[0]], np.ma.array([[1.0]], mask=[[True]]), 1, "masked array"),
        ([[0]], np.ones((0, 3)), 1, "0 sample"),
    ],
)
def test_bad_input_is_explained(metric, ranking, truth, k, message):
    with pytest.raises(ValueError, match=message):
        metric(ranking, truth, k=k)


@every_metric
def test_row_order_does_not_matter(metric, global_random_seed):
    _, ranking, truth = synthetic(seed=global_random_seed)
    order = np.random.default_rng(global_random_seed).permutation(len(truth))
    rows = metric(ranking, truth, k=6, average=False)
    assert_array_equal(metric(ranking[order], truth[order], k=6, average=False), rows[order])
