"""The benchmarks' score and bookkeeping: a wrong ruler would make every figure wrong."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from scipy.stats import norm

from lrfact.kernels import IMPLEMENTATION
from reference.synthetic import random_sparse

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
if not (BENCHMARKS / "run.py").exists():
    pytest.skip("the benchmarks are not here", allow_module_level=True)
# The benchmarks run as scripts: their modules import each other by their bare names.
sys.path.insert(0, str(BENCHMARKS))

import datasets  # noqa: E402
import harness  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
from datasets._movielens_folds import write_movielens_tenth  # noqa: E402
from datasets._ratings_files import Entries, read_ratings, write_ratings  # noqa: E402
from datasets._synthetic_ratings import NOISE, write_synthetic_ratings  # noqa: E402
from discovery import modules_of  # noqa: E402
from exact_reference import _arpack, _gram, _lapack, exact_singular_values  # noqa: E402
from harness import Options, interleave, read_rows, timed, write_rows  # noqa: E402
from objective import (  # noqa: E402
    BROKEN,
    BROKEN_CALIBRATION,
    BROKEN_RATINGS,
    Objective,
    Score,
    calibration_score,
    rating_score,
    worst,
)
from ranking import (  # noqa: E402
    cheapest_accurate,
    contest,
    frontier,
    rating_targets,
    rmse_of,
)
from recall import kth_best_scores, recall  # noqa: E402
from retrieval_score import average_precision, reciprocal_rank  # noqa: E402
from tasks import (  # noqa: E402
    als_100m,
    als_sweep,
    calibration,
    coherence,
    lee,
    lsa,
    ratings,
    retrieval,
)

sys.path.remove(str(BENCHMARKS))

K = 4


def _matrix(shape=(40, 15), seed=0):
    rng = np.random.default_rng(seed)
    scales = 0.7 ** np.arange(shape[1])
    return rng.standard_normal(shape) * scales + rng.standard_normal(shape[1])


def _svd(X, *, centered=False):
    A = X - X.mean(axis=0) if centered else X
    _, s, Vt = np.linalg.svd(A, full_matrices=False)
    return A, s[:K], Vt[:K]


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csr_matrix])
def test_exact_svd_scores_zero(container, centered):
    X = _matrix()
    _, s, Vt = _svd(X, centered=centered)
    score = Objective(container(X), s, centered=centered)(s, Vt)
    assert_allclose(list(vars(score).values()), 0, atol=1e-13)


def test_order_and_signs_do_not_matter():
    X = _matrix()
    _, s, Vt = _svd(X)
    score = Objective(X, s)(s[::-1], -Vt[::-1])
    assert_allclose(list(vars(score).values()), 0, atol=1e-13)


def test_relative_errors_of_singular_values():
    X = _matrix()
    _, s, Vt = _svd(X)
    wrong = s * (1 + np.array([0, 0, 1e-3, 3e-3]))
    score = Objective(X, s)(wrong, Vt)
    assert_allclose([score.max_relative_error, score.mean_relative_error], [3e-3, 1e-3])


@pytest.mark.parametrize("centered", [False, True])
def test_wrong_directions_against_the_definition(centered):
    X = _matrix()
    A, s, Vt = _svd(X, centered=centered)
    V = np.linalg.qr(Vt.T + 0.05 * np.random.default_rng(1).standard_normal(Vt.T.shape))[0]
    score = Objective(sp.csr_array(X), s, centered=centered)(s, V.T)

    best = np.linalg.norm(A) ** 2 - np.sum(s**2)
    reached = np.linalg.norm(A - A @ V @ V.T) ** 2
    assert_allclose(score.energy_loss, (reached - best) / np.sum(s**2), rtol=1e-10)
    U = A @ V / np.linalg.norm(A @ V, axis=0)
    residual = np.linalg.norm(A.T @ U - V * s, axis=0).max() / s[0]
    assert_allclose(score.residual, residual, rtol=1e-10)


def test_scaled_components_are_noticed():
    X = _matrix()
    _, s, Vt = _svd(X)
    score = Objective(X, s)(s, 2 * Vt)
    assert_allclose(score.orthogonality, 3)
    assert_allclose(score.energy_loss, 0, atol=1e-13)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s, Vt: (s[:-1], Vt[:-1]),
        lambda s, Vt: (np.where(s == s[0], np.nan, s), Vt),
        lambda s, Vt: (s, np.full_like(Vt, np.inf)),
        lambda s, Vt: (s, Vt.T),
    ],
    ids=["too few", "nan", "inf", "transposed"],
)
def test_broken_output_never_counts_as_accurate(spoil):
    X = _matrix()
    _, s, Vt = _svd(X)
    assert Objective(X, s)(*spoil(s, Vt)) == BROKEN


def test_float32_input_is_judged_in_float64():
    X = _matrix().astype(np.float32)
    _, s, Vt = _svd(X.astype(np.float64))
    score = Objective(X, s)(s, Vt)
    assert score.max_relative_error == 0
    assert score.residual < 1e-13


def test_worst_is_taken_figure_by_figure():
    assert worst([Score(1, 0, 0, 5, 0), Score(0, 2, 0, 0, 1)]) == Score(1, 2, 0, 5, 1)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("shape", [(120, 60), (60, 120)])
def test_three_ways_to_the_reference_agree(shape, centered):
    X = _matrix(shape)
    A = X - X.mean(axis=0) if centered else X
    exact = np.linalg.svd(A, compute_uv=False)[:K]
    mean = X.mean(axis=0) if centered else None
    for way in (_lapack, _gram, _arpack):
        for matrix in (X, sp.csr_array(X)):
            reference = way(matrix, K, mean)
            assert_allclose(reference.singular_values, exact, rtol=1e-9, err_msg=reference.check)


def test_gram_reference_declines_where_it_would_lose_digits():
    X = np.diag(10.0 ** -np.arange(8.0))
    assert _gram(X, 8, None) is None


def test_reference_is_cached_per_content(tmp_path):
    X = _matrix()
    first = exact_singular_values(X, K, centered=True, cache_dir=tmp_path)
    again = exact_singular_values(X.copy(), K, centered=True, cache_dir=tmp_path)
    exact_singular_values(X + 1e-9, K, centered=True, cache_dir=tmp_path)
    assert_allclose(first.singular_values, again.singular_values, rtol=0)
    assert len(list(tmp_path.rglob("*.json"))) == 2


def _row(seconds, error, *, role="peer", variant="", status="ok"):
    return {
        "seconds_median": str(seconds),
        "max_relative_error": str(error),
        "role": role,
        "variant": variant,
        "status": status,
    }


def test_ranking_takes_the_cheapest_setting_that_is_accurate():
    rows = [_row(1, 1e-2), _row(3, 1e-5), _row(2, 1e-4), _row(0.1, 0.0, status="timeout")]
    assert cheapest_accurate(rows, 1e-4)["seconds_median"] == "2"
    assert cheapest_accurate(rows, 1e-6) is None


def test_only_our_default_solver_is_ranked():
    rows = [
        _row(1, 0.0, role="ours", variant="gram"),
        _row(4, 0.0, role="ours", variant="auto"),
        _row(0, 0.0, role="harness"),
        _row(2, 0.0),
    ]
    ours, peer = contest(rows, 1e-4)
    assert (ours["seconds_median"], peer["seconds_median"]) == ("4", "2")


def test_frontier_drops_beaten_settings():
    assert frontier([(1, 1e-2), (3, 1e-3), (2, 1e-4)]) == [(1, 1e-2), (2, 1e-4)]


def test_failures_and_overruns_become_results(tmp_path):
    assert timed(lambda: 1 / 0, timeout=60).status == "error"
    order = []
    calls = {
        "a": lambda repeat: order.append(("a", repeat)),
        "b": lambda repeat: order.append(("b", repeat)) or 1 / 0,
    }
    options = Options(cache_dir=tmp_path, out=tmp_path, repeats=2)
    interleave(calls, options, lambda key, repeat, run: None)
    assert order == [("a", 0), ("b", 0), ("a", 1)]


def test_rerun_replaces_its_own_rows_only(tmp_path):
    path = tmp_path / "x.csv"
    write_rows(path, [{"file": "a", "v": 1}, {"file": "b", "v": 1}], ("file",))
    write_rows(path, [{"file": "b", "v": 2}], ("file",))
    assert read_rows(path) == [{"file": "a", "v": "1"}, {"file": "b", "v": "2"}]


@pytest.mark.parametrize("X", [_matrix(), sp.csr_array(_matrix())], ids=["dense", "sparse"])
def test_matrices_survive_the_cache(X, tmp_path):
    path = tmp_path / "m.npz"
    datasets.save_matrix(path, X)
    back = datasets.read_matrix(path)
    assert type(back) is type(X)
    assert abs(back - X).max() == 0


def test_every_dataset_module_is_complete(tmp_path):
    for name, module in datasets.all_datasets().items():
        assert module.__doc__, name
        makers = ("load", "write", "tokens", "judged", "compared", "clicks")
        assert sum(hasattr(module, maker) for maker in makers) == 1, name
        if any(hasattr(module, maker) for maker in makers[:3]):
            assert set(module.N_COMPONENTS) == {"full", "quick"}, name
            assert set(module.DTYPES) <= {"float64", "float32"}, name
        assert not hasattr(module, "write") or set(module.FOLDS) == {"full", "quick"}, name
    with pytest.raises(datasets.DatasetUnavailable, match="LRFACT_DATA"):
        datasets.all_datasets()["newsgroups_tfidf"].load(data_dir=None, quick=True)
    with pytest.raises(datasets.DatasetUnavailable, match="not in the data folder"):
        datasets.all_datasets()["movielens_1m"].load(data_dir=tmp_path, quick=True)


@pytest.mark.parametrize("task", ["svd", "pca"])
@pytest.mark.filterwarnings("ignore")
def test_every_peer_that_is_installed_finds_the_svd(task):
    """At its last setting, on a matrix with gaps in its spectrum."""
    X = _matrix((60, 30))
    _, s, _ = _svd(X, centered=task == "pca")
    objective = Objective(X, s, centered=task == "pca")
    checked = 0
    for name, peer in peers.peers_for(task, None).items():
        if peer.available() is not None or getattr(peer, "REFERENCE", False):
            continue
        assert peer.refusal(task, X, K) is None, name
        by_variant = {setting.get("variant"): setting for setting in peer.settings(task, X, K)}
        for setting in by_variant.values():
            assert objective(*peer.fit(task, X, K, setting, 0)[1:]).max_relative_error < 1e-3, name
        checked += 1
    assert checked >= 3


def test_recall_counts_places_rightly_filled():
    candidates = np.eye(6)[[0, 1, 1, 2, 3, 4]]
    queries = np.array([[0, 1.0, 0, 0, 0, 0], [0.9, 0, 0, 0.4, 0, 0]])
    kth_best = kth_best_scores(queries, candidates, 2)
    assert_allclose(kth_best, [1, 0.4])
    rates = {
        ((1, 2), (0, 4)): 1,
        ((2, 1), (4, 0)): 1,
        ((1, 1), (0, 4)): 0.75,
        ((1, -1), (0, 4)): 0.75,
        ((0, 3), (0, 5)): 0.25,
    }
    for indices, rate in rates.items():
        assert recall(indices, queries, candidates, kth_best) == rate


@pytest.mark.filterwarnings("ignore")
def test_every_search_that_is_installed_finds_the_best():
    candidates = np.random.default_rng(0).standard_normal((500, 8)).astype(np.float32)
    candidates /= np.linalg.norm(candidates, axis=1, keepdims=True)
    kth_best = kth_best_scores(candidates[:9], candidates, 3)
    checked = 0
    for name, peer in peers.peers_for("top_k", None).items():
        if peer.available() is None:
            found = peer.searcher(candidates, 1)(candidates[:9], 3)
            assert recall(found, candidates[:9], candidates, kth_best) == 1, name
            checked += 1
    assert checked >= 3


def test_every_peer_module_is_complete():
    rate = {"settings", "refusal", "prepare", "train", "predict_entries"}
    needed = {
        "product": {"multiplier", "THREADED"},
        "rank_search": {"search"},
        "top_k": {"searcher"},
        "ratings": rate,
        "accuracy": rate,
        "als_sweep": {*rate, "sweep_setting"},
        "als_100m": {*rate, "sweep_setting"},
        "calibration": {"settings", "refusal", "prepare", "train", "predict_spread"},
        "coherence": {"prepare", "judge"},
        "nmf": {"iterations", "factorize", "at_defaults"},
        "topics": {"topic_models"},
        "retrieval": {"rankers"},
        "lee": {"similarities"},
        "lsa": {"convert", "fits", "answerers"},
        "implicit_als": {"VARIANTS", "prepare", "train", "factors"},
        "implicit_ranking": {"PROGRAM", "rankers"},
    }
    factorise = {"settings", "refusal", "fit"}
    for name, module in modules_of(peers).items():
        for attribute in {"NAME", "TASKS", "available"}.union(
            *(needed.get(task, factorise) for task in module.TASKS)
        ):
            assert hasattr(module, attribute), f"{name} has no {attribute}"


def test_rating_errors_against_the_definition():
    actual = np.array([1, 2, 5, 4], dtype=np.float32)
    predicted = np.array([2.0, 2.0, 7.0, 1.0])
    score = rating_score(actual, predicted, lowest=1, highest=5)
    assert_allclose(list(vars(score).values()), [np.sqrt(14 / 4), 6 / 4, np.sqrt(10 / 4)])


@pytest.mark.parametrize("predicted", [[1.0], [1.0, np.nan], [1.0, np.inf], [[1.0, 2.0]]])
def test_broken_predictions_never_count_as_accurate(predicted):
    assert rating_score([1.0, 2.0], np.array(predicted), lowest=1, highest=5) == BROKEN_RATINGS


def test_calibration_against_the_definition():
    actual = np.array([1.0, 2.0, 5.0, 4.0])
    mean = np.array([1.5, 2.0, 4.0, 0.0])
    std = np.array([1.0, 1.0, 1.0, 2.0])  # so that z is 0.5, 0, 1 and 2
    score = calibration_score(actual, mean, std)
    assert [score.inside_50, score.inside_80, score.inside_95] == [0.5, 0.75, 0.75]
    densities = [norm.pdf(*entry) for entry in zip(actual, mean, std, strict=True)]
    assert_allclose(score.log_score, -np.mean(np.log(densities)))
    assert_allclose(score.width_80, np.mean(std) * np.diff(norm.interval(0.8))[0], rtol=1e-5)
    assert_allclose(score.rmse, np.sqrt((0.25 + 1 + 16) / 4))


def test_intervals_of_normal_errors_hold_what_they_say():
    rng = np.random.default_rng(0)
    std = rng.uniform(0.5, 2, 100_000)
    score = calibration_score(std * rng.standard_normal(std.size), np.zeros(std.size), std)
    inside = [score.inside_50, score.inside_80, score.inside_95]
    assert_allclose(inside, [0.5, 0.8, 0.95], atol=0.01)


@pytest.mark.parametrize("std", [[1.0], [1.0, 0.0], [1.0, np.nan], [1.0, np.inf]])
def test_broken_error_bars_never_count_as_calibrated(std):
    assert calibration_score([1.0, 2.0], np.array([1.0, 2.0]), np.array(std)) == BROKEN_CALIBRATION


def test_a_random_tenth_is_held_out(tmp_path):
    """Another one for each seed, and nothing both in training and in the test."""
    rng = np.random.default_rng(0)
    places = rng.permutation(60 * 40)[:1000]
    (tmp_path / "data").mkdir()
    np.savez(
        tmp_path / "data" / "ratings.npz",
        user=places // 40 + 1,
        item=places % 40 + 1,
        rating=rng.integers(1, 6, 1000).astype(np.float32),
        fold=np.ones(1000),
    )
    tests = []
    for number, seed in enumerate((0, 0, 1)):
        (tmp_path / str(number)).mkdir()
        where = {"data_dir": tmp_path / "data", "file": "ratings.npz", "quick": False}
        write_movielens_tenth(tmp_path / str(number), shape=(60, 40), seed=seed, **where)
        train, test = read_ratings(tmp_path / str(number))
        held_out = np.sort(test.rows * 40 + test.columns)
        kept = train.tocoo()
        both = np.concatenate([held_out, kept.row * 40 + kept.col])
        assert held_out.size == 100
        assert sorted(both) == sorted(places)
        tests.append(held_out)
    assert (tests[0] == tests[1]).all()
    assert (tests[0] != tests[2]).any()


def test_ratings_survive_the_cache_in_blocks(tmp_path):
    X = random_sparse(30, 20, 0.3, seed=0, dtype=np.float32)
    whole = X.tocoo()
    held_out = np.arange(whole.nnz) % 5 == 0
    entries = Entries(whole.row, whole.col, whole.data)
    cut = np.searchsorted(whole.row, 13)
    blocks = [
        (Entries(*(part[block] for part in entries)), held_out[block])
        for block in (slice(0, cut), slice(cut, None))
    ]
    write_ratings(tmp_path, blocks, shape=X.shape, at_most=whole.nnz)
    train, test = read_ratings(tmp_path)
    assert train.has_canonical_format
    back = train + sp.coo_array((test.values, (test.rows, test.columns)), shape=X.shape)
    assert abs(back - X).max() == 0
    assert test.rows.size == held_out.sum()
    assert train.nnz == whole.nnz - held_out.sum()


def test_synthetic_ratings_have_the_size_and_tails_promised(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        write_synthetic_ratings(folder, shape=(2000, 300), n_entries=40_000, test_share=0.1, seed=3)
    (train, test), (again, _) = (read_ratings(folder) for folder in folders)
    assert abs(train - again).max() == 0
    assert train.dtype == np.float32
    assert 0.75 * 40_000 < train.nnz + test.rows.size < 1.01 * 40_000
    assert 0.08 < test.rows.size / (train.nnz + test.rows.size) < 0.12
    kept = train.tocoo()
    both = np.concatenate([[kept.row, kept.col], np.stack(test[:2])], axis=1)
    assert np.unique(both, axis=1).shape == both.shape
    for counts in (np.diff(train.indptr), np.bincount(train.indices)):
        assert counts.max() > 4 * np.median(counts)
    assert train.data.std() > 1.2 * NOISE


def _biases_and_one_factor():
    """Some ratings with little noise; in training the last row and column have none."""
    rng = np.random.default_rng(0)
    m, n = 300, 100
    full = 3.5 + rng.normal(size=(m, 1)) / 2 + rng.normal(size=n) / 2
    full += np.outer(rng.normal(size=m), rng.normal(size=n)) / 2
    full += 0.1 * rng.normal(size=(m, n))
    observed = rng.random((m, n)) < 0.3
    seen = observed & (rng.random((m, n)) < 0.8)
    seen[-1] = seen[:, -1] = False
    X = sp.coo_array((full[seen].astype(np.float32), np.nonzero(seen)), shape=(m, n)).tocsr()
    rows, columns = np.nonzero(observed & ~seen)
    return X, Entries(rows.astype(np.int32), columns.astype(np.int32), full[rows, columns])


@pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="half a minute on the NumPy twins")
@pytest.mark.filterwarnings("ignore")
def test_every_peer_that_is_installed_predicts_ratings():
    """At the last setting of each variant; also where nothing was seen in training."""
    X, held_out = _biases_and_one_factor()
    assert (held_out.rows == 299).any()
    assert (held_out.columns == 99).any()
    limits = {"lowest": X.data.min(), "highest": X.data.max()}
    mean = np.full(held_out.rows.size, X.data.mean(dtype=np.float64))
    baseline = rating_score(held_out.values, mean, **limits).rmse
    checked = 0
    for task in ("ratings", "als_sweep"):
        for name, peer in peers.peers_for(task, None).items():
            if peer.available() is not None or getattr(peer, "REFERENCE", False):
                continue
            assert peer.refusal(task, X, 2) is None, name
            data = peer.prepare(X)
            by_variant = {s.get("variant"): s for s in peer.settings(task, X, 2)}
            grid = [peer.sweep_setting(2, 3)] if task == "als_sweep" else by_variant.values()
            for setting in grid:
                model = peer.train(data, setting, 1, 0)
                predicted = peer.predict_entries(model, held_out.rows, held_out.columns)
                error = rating_score(held_out.values, predicted, **limits).rmse
                assert error < 0.75 * baseline, (name, setting)
            if "calibration" in peer.TASKS:
                mean, std = peer.predict_spread(model, held_out.rows, held_out.columns)
                assert_allclose(mean, predicted)
                assert 0.85 < calibration_score(held_out.values, mean, std).inside_95 < 0.99
            checked += 1
    assert checked >= 2


@pytest.mark.filterwarnings("ignore")
def test_myfm_predicts_ratings():
    peer = peers.peers_for("accuracy", ["myfm_gibbs"])["myfm_gibbs"]
    if (reason := peer.available()) is not None:
        pytest.skip(reason)
    X, held_out = _biases_and_one_factor()
    setting = {**peer.settings("accuracy", X, 2)[0], "n_iter": 40, "n_kept_samples": 20}
    model = peer.train(peer.prepare(X), setting, 1, 0)
    predicted = peer.predict_entries(model, held_out.rows, held_out.columns)
    limits = {"lowest": X.data.min(), "highest": X.data.max()}
    assert rating_score(held_out.values, predicted, **limits).rmse < 0.75 * held_out.values.std()


def test_a_setting_beaten_in_both_error_and_time_is_dropped():
    def run(seconds):
        return [harness.Run("ok", seconds)]

    def error(rmse):
        return [rating_score([0.0], [rmse], lowest=0, highest=9)]

    runs = {("a", "", "1"): run(1), ("a", "", "2"): run(2), ("b", "", "3"): run(9)}
    scores = {("a", "", "1"): error(0.9), ("a", "", "2"): error(0.95), ("b", "", "3"): error(1)}
    assert ratings.beaten(runs, scores) == {("a", "", "2")}
    scores["a", "", "2"] = error(0.9001)
    assert ratings.beaten(runs, scores) == set()


def test_rating_targets_are_set_by_the_best_peer():
    rows = [
        {"role": role, "rmse": str(rmse), "status": status, "seconds_median": str(seconds)}
        for role, rmse, status, seconds in (
            ("ours", 0.8, "ok", 3),
            ("peer", 1.0, "ok", 2),
            ("peer", 1.004, "ok", 1),
            ("peer", 0.5, "dropped", 1),
            ("harness", 0.1, "ok", 0),
        )
    ]
    assert rating_targets(rows) == [1.001, 1.005]
    theirs = [row for row in rows if row["role"] == "peer"]
    assert cheapest_accurate(theirs, 1.001, rmse_of)["seconds_median"] == "2"
    assert cheapest_accurate(theirs, 1.005, rmse_of)["seconds_median"] == "1"
    assert rating_targets(rows[:1]) == []


def test_flops_of_a_sweep_by_counting():
    p, n_entries, shape = 4, 7, (3, 2)
    flops = 0.0
    for _ in range(2):
        for _ in range(n_entries):
            # A multiplication and an addition for each of half the matrix, and of the right side.
            flops += 2 * (p * (p + 1) / 2) + 2 * p
    flops += sum(shape) * (p**3 / 3 + 2 * p**2)
    assert_allclose(als_sweep.flops_of_sweep(shape, n_entries, p - 1), flops)


@pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy twins")
def test_quick_runs_of_ratings_tasks_are_reported(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(harness, "_PAUSE", 0.0)
    monkeypatch.setattr(als_sweep, "PRODUCT_SIZE", 64)
    options = Options(
        cache_dir=tmp_path / "cache",
        out=tmp_path / "out",
        datasets=["ratings_10m"],
        peers=["do_nothing", "sklearn_ridge_biases", "lrfact_masked_mf"],
        repeats=1,
        quick=True,
    )
    large = replace(options, datasets=["ratings_100m"])
    with_bars = replace(options, peers=["lrfact_one_error_bar"])
    for task, run, chosen in (
        ("ratings", ratings.run, options),
        ("accuracy", ratings.run_accuracy, options),
        ("calibration", calibration.run, with_bars),
        ("als_sweep", als_sweep.run, options),
        ("als_100m", als_100m.run, large),
    ):
        harness.record_run(task, chosen, run(chosen), 0.0)
        rows = read_rows(options.out / f"{task}.csv")
        assert rows, task
        assert all(row.get("status", "ok") == "ok" for row in rows), rows
        assert any(row["role"] == "ours" for row in rows), task
    assert float(read_rows(options.out / "als_100m.csv")[0]["peak_mb"]) > 0
    assert report.main([str(options.out), "--docs", str(tmp_path / "docs")]) == 0
    page = (tmp_path / "docs" / "benchmarks.md").read_text(encoding="utf8")
    for title in (
        "Ratings",
        "MovieLens accuracy",
        "Calibration of prediction intervals",
        "Time per iteration of exact ALS",
        "100 million ratings",
    ):
        assert f"## {title}\n" in page
    for row in read_rows(options.out / "calibration.csv"):
        assert 0.9 < float(row["inside_95"]) < 0.99
    assert (tmp_path / "docs" / "images" / "benchmark_ratings.png").exists()


def _texts():
    """Documents without repeated tokens, longer and shorter than the windows, and two topics."""
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(160)]
    documents = [rng.permutation(words)[:length].tolist() for length in rng.integers(1, 150, 40)]
    return documents, [words[:5], words[5:10]]


@pytest.mark.filterwarnings("ignore")
def test_every_coherence_that_is_installed_agrees():
    documents, topics = _texts()
    ours = peers.peers_for("coherence", ["coherence_lrfact"])["coherence_lrfact"]
    for peer in peers.peers_for("coherence", None).values():
        if peer.available() is None:
            for measure in ("npmi", "c_v"):
                found = peer.judge(peer.prepare(documents), topics, measure, 1)
                assert_allclose(found, ours.judge(documents, topics, measure, 1), rtol=1e-9)


def test_a_run_of_coherence_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "_PAUSE", 0.0)
    module = datasets.all_datasets()["newsgroups_texts"]
    monkeypatch.setattr(module, "tokens", lambda *, data_dir, quick: _texts())
    options = Options(
        cache_dir=tmp_path / "cache",
        out=tmp_path / "out",
        peers=["coherence_lrfact"],
        repeats=2,
        quick=True,
    )
    harness.record_run("coherence", options, coherence.run(options), 0.0)
    rows = read_rows(options.out / "coherence.csv")
    assert [row["measure"] for row in rows] == ["u_mass", "npmi", "c_v"]
    assert all(float(row["difference"]) == 0 and int(row["repeats"]) == 2 for row in rows)
    assert report.main([str(options.out)]) == 0
    page = (options.out / "README.md").read_text(encoding="utf8")
    assert "## Topic coherence\n" in page
    assert "c_v, newsgroups_texts (40 documents" in page


def _judged_texts():
    """Texts of two subjects, queries that each have five of them to find."""
    rng = np.random.default_rng(0)
    words = [[f"{subject}{i}" for i in range(30)] for subject in ("left", "right")]
    texts = [" ".join(rng.choice(words[i % 2], 25)) for i in range(40)]
    queries = [" ".join(rng.choice(words[i % 2], 6)) for i in range(8)]
    relevant = np.array([[j % 2 == i % 2 for j in range(40)] for i in range(8)])
    return texts, queries, relevant


@pytest.mark.filterwarnings("ignore")
def test_every_ranker_that_is_installed_tells_subjects_apart():
    texts, queries, relevant = _judged_texts()
    checked = 0
    for name, peer in peers.peers_for("retrieval", None).items():
        if peer.available() is None:
            for ranker in peer.rankers().values():
                ranking = ranker(texts, 4)(queries)
                assert average_precision(ranking, relevant).mean() > 0.8, name
                checked += 1
    assert checked >= 9


def test_scores_of_rankings_by_hand():
    relevant = np.array([[1, 0, 1, 0], [0, 0, 0, 1]], dtype=bool)
    ranking = np.array([[1, 0, 3, 2], [0, 1, -1, -1]])
    assert_allclose(average_precision(ranking, relevant), [(1 / 2 + 2 / 4) / 2, 0])
    assert_allclose(reciprocal_rank(ranking, relevant), [1 / 2, 0])


def test_a_search_judges_each_half_by_the_choice_of_the_other():
    """Rank 1 is right for the even queries, rank 2 for the odd ones: each is misled."""
    even = np.array([1.0, 0.0, 1.0, 0.0])
    scores = {1: (even, even), 2: (1 - even, 1 - even)}
    found, best = retrieval._after_search({"dataset": "", "peer": ""}, "", "rank", scores)
    assert (found["map"], found["chosen"]) == ("0.0000", "1 and 2")
    assert best["map"] == "0.5000"


@pytest.mark.filterwarnings("ignore")
def test_a_run_of_search_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "_PAUSE", 0.0)
    modules = datasets.all_datasets()
    monkeypatch.setattr(
        modules["adi"], "judged", lambda *, data_dir, quick: _judged_texts(), raising=True
    )
    texts, queries, _ = _judged_texts()
    people = np.linspace(0, 1, 28)
    monkeypatch.setattr(
        modules["lee"], "compared", lambda *, data_dir, quick: (texts, queries, people)
    )
    monkeypatch.setattr(modules["newsgroups_bm25"], "texts", lambda *, data_dir, quick: texts)
    options = Options(
        cache_dir=tmp_path / "cache",
        out=tmp_path / "out",
        datasets=["adi", "lee", "newsgroups_bm25"],
        peers=["lsa_lrfact", "retrieval_tfidf"],
        repeats=2,
        quick=True,
    )
    for task in (retrieval, lee, lsa):
        name = task.__name__.rpartition(".")[2]
        harness.record_run(name, options, task.run(options), 0.0)
    assert report.main([str(options.out)]) == 0
    page = (options.out / "README.md").read_text(encoding="utf8")
    for title in (
        "mean average precision",
        "correlation with human judgments",
        "semantic analysis: time",
    ):
        assert title in page
    assert "| **lrfact LSASearch** | 1.0000 |" in page
    errors = [float(row["largest_error"]) for row in read_rows(options.out / "lsa.csv")]
    assert max(errors[:2]) < 1e-3
