"""NMFTopics: topics and their words, and the promises of every estimator."""

import copy
import gc
import pickle
import weakref

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from lrfact import NMFTopics
from lrfact.solvers.nmf import nonnegative_factorization
from reference.spectra import DENSE, SPARSE

RNG = np.random.default_rng(0)
TOPICS = np.kron(np.eye(3), np.ones(5)) * (np.arange(15) % 5 + 1)
WHICH = RNG.choice(3, p=[0.5, 0.3, 0.2], size=90)
# Whole numbers, so that integers are the same matrix.
X = RNG.poisson(TOPICS[WHICH]).astype(float)
LOSSES = ["frobenius", "kullback-leibler"]

try:
    import sklearn.callback  # noqa: F401
except ImportError:
    has_callbacks = False
else:
    has_callbacks = True


def make(**options):
    return NMFTopics(**{"n_components": 3, "random_state": 0, **options})


def learnt(model):
    return {name for name in vars(model) if name.endswith("_") or name.startswith("_fitted")}


class TestTopics:
    @pytest.mark.parametrize("loss", [*LOSSES, 1.5])
    @pytest.mark.parametrize("solver", ["auto", "mu"])
    def test_shares_fall_and_sum_to_one(self, solver, loss):
        model = make(beta_loss=loss, solver=solver)
        W = model.fit_transform(X)
        share = model.topic_share_
        assert (np.diff(share) <= 0).all()
        parts = W.sum(axis=0) * model.components_.sum(axis=1)
        assert_allclose(share, parts / parts.sum(), rtol=1e-12)
        assert_allclose(share, np.sort(np.bincount(WHICH) / 90)[::-1], atol=0.03)

    def test_custom_start_keeps_its_order(self):
        W = np.eye(3)[WHICH][:, ::-1] + 0.01
        model = NMFTopics(init="custom").fit(X, W=W, H=TOPICS[::-1] + 0.01)
        assert_array_equal(model.components_.argmax(axis=1) // 5, [2, 1, 0])

    def test_top_terms(self):
        names = [f"{'abc'[j // 5]}{j % 5}" for j in range(15)]
        model = make().fit(X)
        terms = model.top_terms(names, n_terms=3, relevance=1)
        assert terms.shape == (3, 3)
        assert [topic[0][0] for topic in terms] == ["a", "b", "c"]  # by falling share
        for topic, row in zip(terms, model.components_, strict=True):
            assert list(topic) == [names[j] for j in np.argsort(-row, kind="stable")[:3]]
        assert_array_equal(model.top_terms(np.array(names), 3, 1.0), terms)
        assert model.top_terms().shape == (3, 10)
        assert_array_equal(model.top_terms(), model.top_terms(relevance=0.9))
        heaviest = model.top_terms(relevance=1)
        assert heaviest[0, 0] == f"x{model.components_[0].argmax()}"
        assert model.top_terms(n_terms=99).shape == (3, 15)

    def test_top_terms_of_a_frame(self):
        pandas = pytest.importorskip("pandas")
        names = [f"word{j}" for j in range(15)]
        model = make().fit(pandas.DataFrame(X, columns=names))
        assert_array_equal(model.top_terms(), model.top_terms(names))

    def test_relevance_moves_shared_terms_down(self):
        common = np.column_stack([10 * np.ones(90), X])
        model = make().fit(common)
        heavy = model.top_terms(n_terms=4, relevance=1)
        relevant = model.top_terms(n_terms=4, relevance=0.2)
        assert (heavy == "x0").sum() > (relevant == "x0").sum()
        p = model.components_ / model.components_.sum(axis=1, keepdims=True)
        fitted = model.inverse_transform(model.transform(common))
        overall = fitted.sum(axis=0) / fitted.sum()
        with np.errstate(divide="ignore"):
            score = 0.2 * np.log(p) + 0.8 * np.log(p / overall)
        expected = np.argsort(-score, axis=1, kind="stable")[:, :4]
        assert_array_equal(relevant, np.char.add("x", expected.astype(str)))

    def test_relevance_does_not_depend_on_the_scale_of_components(self):
        model = make().fit(np.column_stack([10 * np.ones(90), X]))
        terms = model.top_terms(relevance=0.5)
        model.components_ *= np.array([[1e-8], [1.0], [1e300]])
        assert_array_equal(model.top_terms(relevance=0.5), terms)

    def test_terms_of_components_of_zeros(self):
        model = make().fit(X)
        model.components_[1] = 0
        model.topic_share_[1] = 0
        others = model.top_terms(n_terms=5)[[0, 2]]
        assert (others == make().fit(X).top_terms(n_terms=5)[[0, 2]]).mean() > 0.5
        model.components_[:] = 0
        model.topic_share_[:] = 0
        assert_array_equal(model.top_terms(n_terms=2), [["x0", "x1"]] * 3)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"feature_names": ["a"] * 14}, r"feature_names has shape \(14,\), but there are 15"),
            ({"feature_names": [["a"] * 15]}, r"feature_names has shape \(1, 15\)"),
            ({"n_terms": 0}, "n_terms=0 must be an integer from 1"),
            ({"n_terms": 2.5}, r"n_terms=2\.5 must be"),
            ({"relevance": 1.5}, r"relevance=1\.5 must be in \[0, 1\]"),
        ],
    )
    def test_wrong_requests(self, options, message):
        with pytest.raises(ValueError, match=message):
            make().fit(X).top_terms(**options)

    def test_representative_documents(self):
        model = make().fit(X)
        documents = model.representative_documents(X, n_documents=4)
        assert documents.shape == (3, 4)
        W = model.transform(X)
        for t, rows in enumerate(documents):
            assert_array_equal(rows, np.argsort(-W[:, t], kind="stable")[:4])
            assert len(set(WHICH[rows])) == 1
        assert model.representative_documents(X[:2]).shape == (3, 2)
        with pytest.raises(ValueError, match="n_documents=-1"):
            model.representative_documents(X, n_documents=-1)

    @pytest.mark.parametrize("loss", LOSSES)
    def test_predict(self, loss):
        model = make(beta_loss=loss).fit(X)
        rows = np.vstack([X, np.zeros((2, 15))])
        topic = model.predict(rows)
        assert topic.dtype.kind == "i"
        assert_array_equal(topic[-2:], -1)
        # Each topic by the number of its documents.
        order = np.argsort(-np.bincount(WHICH))
        assert_array_equal(order[topic[:-2]], WHICH)
        assert_array_equal(model.predict(sparse.csr_array(rows)), topic)

    def test_pipeline_from_texts(self):
        texts = [" ".join(f"{'abc'[j // 5]}{j}word" for j in np.flatnonzero(row)) for row in X]
        pipeline = make_pipeline(TfidfVectorizer(), make(), LogisticRegression(C=100))
        assert pipeline.fit(texts, WHICH).score(texts, WHICH) > 0.97


class TestPromises:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("loss", [*LOSSES, 0.5, 3.0])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_fit_transform_is_transform_to_the_last_bit(self, dtype, loss, container):
        given = container((X[:40] + 0.1).astype(dtype))
        model = make(beta_loss=loss, tol=0, max_iter=15)
        W = model.fit_transform(given)
        assert_array_equal(W, model.transform(given))
        assert W.dtype == model.components_.dtype == dtype

    def test_copies(self, tmp_path):
        model = make(n_init=2).fit(X)
        joblib.dump(model, tmp_path / "model.joblib")
        copies = {
            "pickle": pickle.loads(pickle.dumps(model)),
            "memory map": joblib.load(tmp_path / "model.joblib", mmap_mode="r"),
            "deepcopy": copy.deepcopy(model),
        }
        W, more = model.transform(X), copy.deepcopy(model).partial_fit(X[:9]).components_
        for name, again in copies.items():
            assert set(vars(again)) == set(vars(model)), name
            assert_array_equal(again.transform(X), W, err_msg=name)
            assert again.score(X) == model.score(X)
            assert_array_equal(again.partial_fit(X[:9]).components_, more, err_msg=name)

    def test_clone_has_the_parameters_only(self):
        again = clone(make().fit(X))
        assert set(vars(again)) == set(again.get_params())

    def test_no_data_is_kept(self):
        for container in (np.array, sparse.csr_array):
            given = container(X)
            reference = weakref.ref(given)
            model = make(n_init=2).fit(given)
            model.transform(given)
            model.partial_fit(given)
            del given
            gc.collect()
            assert reference() is None

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
    def test_an_interrupt_leaves_nothing(self, error, monkeypatch):
        model = make().fit(X)

        def interrupted(*args, **kwargs):
            raise error

        monkeypatch.setattr(nonnegative_factorization, "hals", interrupted)
        with pytest.raises(error):
            model.fit(X)
        assert not learnt(model)

    def test_tags(self):
        tags = get_tags(make())
        assert tags.input_tags.sparse
        assert tags.input_tags.positive_only
        assert tags.input_tags.allow_nan
        assert not get_tags(make(missing_values=0)).input_tags.allow_nan

    def test_verbose_prints_a_falling_objective(self, capsys):
        for solver in ("hals", "mu"):
            model = make(solver=solver, verbose=1, init="random").fit(X)
            lines = capsys.readouterr().out.splitlines()
            assert all(line.startswith("[NMFTopics] step ") for line in lines)
            told = [float(line.split()[-1]) for line in lines]
            assert told[-1] < told[0]
            assert_allclose(told, model.objective_[: len(told)], rtol=1e-4)
            make(solver=solver).fit(X)
            assert capsys.readouterr() == ("", "")

    @pytest.mark.skipif(not has_callbacks, reason="before scikit-learn 1.9")
    def test_callbacks_may_stop_a_fit(self):
        class Stopper:
            def __init__(self):
                self.begun = self.ended = 0

            def setup(self, estimator, context):
                pass

            def teardown(self, estimator, context):
                self.closed = True

            def on_fit_task_begin(self, estimator, context, *, X=None, **kwargs):
                self.begun += 1

            def on_fit_task_end(self, estimator, context, **kwargs):
                self.ended += 1
                return self.ended >= 3

        stopper = Stopper()
        model = make(tol=1e-12, max_iter=1000, init="random").set_callbacks(stopper)
        with pytest.warns(UserWarning, match="stopped"):
            model.fit(X)
        assert stopper.closed
        assert stopper.begun == stopper.ended == model.n_iter_ + 1 == 4


CONTAINERS = {
    **DENSE,
    **SPARSE,
    "csc_matrix": sparse.csc_matrix,
    "coo_array": sparse.coo_array,
    "lil_array": sparse.lil_array,
    "list of lists": lambda dense: dense.tolist(),
    "integers": lambda dense: dense.astype(np.int64),
    "small integers": lambda dense: dense.astype(np.uint8),
    "float16": lambda dense: dense.astype(np.float16),
    "sparse integers": lambda dense: sparse.csr_array(dense.astype(np.int32)),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(container):
    """One result, and the input handed back unchanged."""
    given = CONTAINERS[container](X)
    raw = [
        getattr(given, part)
        for part in ("data", "indices", "indptr")
        if sparse.issparse(given) and hasattr(given, part)
    ] or [given]
    before = copy.deepcopy(raw)
    reference = make(tol=1e-6, max_iter=2000).fit(X)
    model = make(tol=1e-6, max_iter=2000).fit(given)
    assert_allclose(model.components_, reference.components_, rtol=1e-2, atol=1e-3)
    assert_allclose(model.transform(given), model.transform(X), atol=1e-6)
    assert model.score(given) == pytest.approx(model.score(X), rel=1e-6)
    model.partial_fit(given)
    for one, other in zip(raw, before, strict=True):
        assert_array_equal(one, other)


def test_memory_map(tmp_path):
    np.save(tmp_path / "X.npy", X)
    given = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_array_equal(make().fit(given).components_, make().fit(X).components_)
    read_only = sparse.csr_array(X)
    for part in (read_only.data, read_only.indices, read_only.indptr):
        part.setflags(write=False)
    for loss in LOSSES:
        model = make(beta_loss=loss).fit(read_only)
        assert np.isfinite(model.fit_transform(read_only)).all()
        assert np.isfinite(model.score(read_only))


def test_booleans():
    given = X > 2
    assert_array_equal(make().fit(given).components_, make().fit(given.astype(float)).components_)
