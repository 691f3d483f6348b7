"""The benchmarks of implicit feedback: objective, quality of rankings, splits and bookkeeping."""

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from lrfact.metrics import ndcg_at_k, recall_at_k

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
if not (BENCHMARKS / "run.py").exists():
    pytest.skip("the benchmarks are not here", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))

import datasets  # noqa: E402
import harness  # noqa: E402
import implicit_parameters  # noqa: E402
import implicit_search  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
from datasets._held_out_pairs import hold_out, pairs  # noqa: E402
from harness import Options, read_rows  # noqa: E402
from implicit_loss import implicit_loss  # noqa: E402
from ranking_quality import Quality, best_places, judge  # noqa: E402
from report_implicit import best_objective, fastest_within  # noqa: E402
from tasks import implicit_als, implicit_ranking  # noqa: E402

sys.path.remove(str(BENCHMARKS))

NAMES = ("gowalla_clicks", "lastfm_plays", "movielens_1m_clicks")


def _tastes(shape=(90, 40), *, equal=False, seed=0):
    """Two groups of rows that choose from two groups of columns; the last of both are empty."""
    rng = np.random.default_rng(seed)
    row, column = (np.arange(n) % 2 for n in shape)
    chosen = rng.random(shape) < np.where(row[:, None] == column, 0.35, 0.03)
    chosen[-1] = chosen[:, -1] = False
    values = np.ones(shape) if equal else rng.integers(1, 5, shape)
    return sp.csr_array((values * chosen).astype(np.float32))


def _problem(name, *, seed=0):
    train, held_out = hold_out(_tastes(seed=seed), 0.2, seed=0)
    negatives = None
    if name == "movielens_1m_clicks":
        negatives = np.tile(np.arange(30), (train.shape[0], 1))
        negatives[(train + held_out).toarray()[:, :30] > 0] = -1
    return datasets.ClicksProblem(train, held_out, negatives)


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_implicit_loss_against_the_definition(monkeypatch):
    monkeypatch.setattr("implicit_loss.BLOCK", 7)
    X = _tastes((13, 9))
    rng = np.random.default_rng(1)
    W, V = (rng.standard_normal((n, 3)) for n in X.shape)
    dense = X.toarray().astype(np.float64)
    loss = np.sum((1 + 2.5 * dense) * ((dense > 0) - W @ V.T) ** 2)
    loss += 0.3 * (np.sum(W**2) + np.sum(V**2))
    assert_allclose(implicit_loss(X, W, V, alpha=2.5, reg=0.3), loss)
    for broken in ((W[:-1], V), (W, V[:, :2]), (W / np.r_[0.0, np.ones(12)][:, None], V)):
        assert implicit_loss(X, *broken, alpha=2.5, reg=0.3) == np.inf


def test_quality_among_all_columns_against_lrfact():
    problem = _problem("gowalla_clicks")
    rng = np.random.default_rng(0)
    W, V = (rng.standard_normal((n, 3)).astype(np.float32) for n in problem.X.shape)
    scores = np.where(problem.X.toarray() > 0, -np.inf, W @ V.T)
    rows = np.diff(problem.held_out.indptr) > 0
    ranking = np.argsort(-scores[rows], axis=1)[:, :20]
    truth = problem.held_out[rows].astype(bool)
    expected = recall_at_k(ranking, truth, k=20), ndcg_at_k(ranking, truth, k=20)
    assert_allclose(judge(problem, W, V), expected)


def test_quality_among_given_columns_by_hand():
    X = sp.csr_array((2, 15), dtype=np.float32)
    held_out = pairs([0, 1], [0, 0], X.shape)
    negatives = np.tile(np.arange(1, 15), (2, 1))
    negatives[1, 3:] = -1
    problem = datasets.ClicksProblem(X, held_out, negatives)
    # One above and two that are equal, which count half; in the second row all are above, three.
    V = np.array([[5, -5], [9, 1], [5, 1], [5, 1], *[[0, 9]] * 11], dtype=float)
    found = judge(problem, np.eye(2), V)
    assert_allclose(found, [1, (1 / np.log2(4) + 1 / np.log2(5)) / 2])
    # All equal: half of the 14 above, place 8.
    assert_allclose(judge(problem, np.zeros((2, 1)), V[:, :1], [0]), [1, 1 / np.log2(9)])
    assert judge(problem, np.full((2, 1), np.nan), V[:, :1]) == Quality(0, 0)


def test_best_places_take_the_earlier_of_equals():
    scores = np.array([[1, 3, 2, 3, 3.0], [0, 0, 0, 0, 0], [-np.inf, 2, -np.inf, 4, -np.inf]])
    assert best_places(scores, 3).tolist() == [[1, 3, 4], [0, 1, 2], [3, 1, 0]]


def test_pairs_held_out_are_a_share_of_each_row():
    X = _tastes((60, 50))
    train, held_out = hold_out(X, 0.25, seed=0)
    back = train + held_out.multiply(X)
    assert abs(back - X).max() == 0
    assert train.nnz + held_out.nnz == X.nnz
    lengths = np.diff(X.indptr)
    expected = np.minimum(np.rint(0.25 * lengths), np.maximum(lengths - 1, 0))
    assert np.diff(held_out.indptr).tolist() == expected.tolist()
    assert abs(hold_out(X, 0.25, seed=0)[1] - held_out).max() == 0
    assert abs(hold_out(X, 0.25, seed=1)[1] - held_out).max() > 0


@pytest.mark.parametrize("equal", [True, False], ids=["clicks", "plays"])
@pytest.mark.filterwarnings("ignore")
def test_every_peer_that_is_installed_comes_to_the_same_objective(equal):
    """From two starts, as there are several minima; empty rows and columns do not matter."""
    X = _tastes(equal=equal)
    objective = {"alpha": 4.0, "reg": 2.0}
    least = {}
    for name, peer in peers.peers_for("implicit_als", None).items():
        if peer.available() is None:
            data = peer.prepare(X, objective["alpha"])
            for variant in peer.VARIANTS:
                least[name, variant] = min(
                    implicit_loss(X, *peer.factors(peer.train(
                        data, variant, k=2, n_sweeps=40, n_threads=1, random_state=seed, **objective
                    )), **objective)
                    for seed in range(2)
                )  # fmt: skip
    assert least
    best = min(least.values())
    for key, value in least.items():
        # cmfrec's conjugate gradients have another objective where entries differ.
        other = key == ("implicit_als_cmfrec", "cg") and not equal
        assert value <= best * (1.2 if other else 1.001), key


def test_settings_beyond_what_a_line_needed_are_not_repeated():
    reached = {
        ("a", "", 1): [20.0],
        ("a", "", 2): [10.004],
        ("a", "", 3): [10.0],
        ("b", "", 1): [11.0],
        ("b", "", 2): [10.5],
        ("c", "", 1): [],
    }
    assert implicit_als.there_already(reached) == {("a", "", 3)}


def test_objective_targets_are_set_by_the_best_of_all():
    rows = [
        {"status": status, "objective_min": str(low), "objective_max": str(high),
         "seconds_median": str(seconds)}
        for status, low, high, seconds in (
            ("ok", 10.0, 10.2, 4), ("ok", 10.01, 10.05, 7), ("timeout", "nan", "nan", 1),
            ("ok", 12.0, 12.0, 1),
        )
    ]  # fmt: skip
    assert best_objective(rows) == 10
    assert fastest_within(rows, 10.1)["seconds_median"] == "7"
    assert fastest_within(rows, 10.2)["seconds_median"] == "4"
    assert fastest_within(rows, 10.04) is None


@pytest.mark.filterwarnings("ignore")
def test_every_recommender_that_is_installed_learns_tastes():
    problem = _problem("gowalla_clicks")
    small = {
        "als": {"n_components": 2},
        "svd": {"n_components": 2},
        "bpr": {"n_components": 2},
        "implicit als": {"factors": 2, "alpha": 4.0, "regularization": 1.0},
        "implicit bpr": {"factors": 8, "learning_rate": 0.1, "iterations": 200},
    }
    checked = 0
    for name, peer in peers.peers_for("implicit_ranking", None).items():
        if peer.available() is None and peer.PROGRAM != "popularity":
            for variant, ranker in peer.rankers().items():
                program = f"{peer.PROGRAM} {variant}".removeprefix("lrfact ")
                found = judge(problem, *ranker(problem.X, small[program], 1, 0))
                # Half of the columns are right for a row: 20 blind ones are half right.
                assert found.recall > 0.7, (name, variant)
                checked += 1
    assert checked >= 2


def test_parameters_are_for_datasets_that_are_there():
    modules = datasets.all_datasets()
    for name in implicit_parameters.PARAMETERS:
        assert "implicit_ranking" in modules[name].TASKS
    for name, module in modules.items():
        if hasattr(module, "clicks"):
            assert name in implicit_parameters.PARAMETERS
            assert set(module.RANKS) == {"full", "quick"}
            assert module.ALPHA > 0
            assert module.REG >= 0


def test_the_search_sees_no_pair_that_is_to_be_found():
    problem = _problem("movielens_1m_clicks")
    validation = implicit_search.validation_problem(problem)
    whole = problem.X.toarray() > 0
    assert ((validation.X + validation.held_out).toarray() > 0).tolist() == whole.tolist()
    for row, others in enumerate(validation.negatives):
        drawn = others[others >= 0]
        assert not whole[row, drawn].any()
        assert np.unique(drawn).size == drawn.size == min(30, 40 - whole[row].sum())


def test_penalties_are_the_same_in_all_at_every_exponent():
    X = _tastes((20, 30))
    dense = X.toarray().astype(np.float64)
    confidence = np.concatenate([(1 + 3 * dense).sum(axis=axis) for axis in (0, 1)])
    for exponent in (0.0, 0.5, 1.0):
        reg = implicit_search.same_total_penalty(X, 3.0, 0.02, exponent)
        total = np.sum(reg * confidence**exponent)
        assert_allclose(total, 0.02 * confidence.sum(), rtol=5e-3)


@pytest.mark.filterwarnings("ignore")
def test_runs_of_implicit_feedback_are_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "_PAUSE", 0.0)
    modules = datasets.all_datasets()
    for name in NAMES:
        monkeypatch.setattr(
            modules[name], "clicks", lambda *, data_dir, quick, name=name: _problem(name)
        )
    options = Options(
        cache_dir=tmp_path / "cache",
        out=tmp_path / "out",
        datasets=list(NAMES),
        peers=["implicit_als_lrfact", "implicit_ranking_popularity", "implicit_ranking_lrfact"],
        repeats=2,
        quick=True,
    )
    for task in (implicit_als, implicit_ranking):
        name = task.__name__.rpartition(".")[2]
        harness.record_run(name, options, task.run(options), 0.0)
        rows = read_rows(options.out / f"{name}.csv")
        assert rows
        assert all(row["status"] == "ok" and not row["note"] for row in rows), rows
    assert report.main([str(options.out)]) == 0
    page = (options.out / "README.md").read_text(encoding="utf8")
    for text in (
        "## Implicit feedback: time to the same objective",
        "## Implicit feedback: quality of recommendations",
        "HR@10",
        "| **lrfact ImplicitMF als** | + 0.00%",
    ):
        assert text in page


@pytest.mark.filterwarnings("ignore")
def test_the_search_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(harness, "_PAUSE", 0.0)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")
    module = datasets.all_datasets()["gowalla_clicks"]
    monkeypatch.setattr(module, "clicks", lambda *, data_dir, quick: _problem("gowalla_clicks"))
    command = [str(tmp_path), "--datasets", "gowalla_clicks", "--threads", "1", "--ranks", "2"]
    command += ["--solvers", "lrfact als", "--alphas", "3", "--regs", "0.01", "--sweeps", "3"]
    assert implicit_search.main([*command, "--exponents", "1"]) == 0
    first = read_rows(tmp_path / "implicit_search.csv")
    assert [row["status"] for row in first] == ["ok"]
    assert implicit_search.main([*command, "--exponents", "1", "0"]) == 0
    second = read_rows(tmp_path / "implicit_search.csv")
    assert len(second) == 2
    assert second[0] == first[0]
    assert "best of lrfact als" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="cannot run"):
        implicit_search.main([str(tmp_path), "--solvers", "nothing"])
