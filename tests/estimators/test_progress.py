"""Progress of a fit: printed where asked, and told to scikit-learn's callbacks where they exist."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lrfact import PCAFromSVD, TruncatedSVDReducer

ESTIMATORS = [TruncatedSVDReducer, PCAFromSVD]
X = np.random.default_rng(0).standard_normal((200, 150))

try:
    import sklearn.callback  # noqa: F401
except ImportError:
    has_callbacks = False
else:
    has_callbacks = True
needs_callbacks = pytest.mark.skipif(not has_callbacks, reason="before scikit-learn 1.9")


class Recorder:
    """Writes down every event of a fit, and may ask to stop after some."""

    def __init__(self, stop_after=None):
        self.events, self.stop_after = [], stop_after

    def setup(self, estimator, context):
        self.events.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, **kwargs):
        self.events.append(("begin", context.task_name))
        self.shape = X.shape

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.events.append(("end", context.task_name))
        ends = sum(event == ("end", "step") for event in self.events)
        return self.stop_after is not None and ends >= self.stop_after

    def names(self, kind):
        return [name for event, name in self.events if event == kind]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
class TestVerbose:
    def test_prints_a_line_for_each_measurement(self, Estimator, capsys):
        estimator = Estimator(3, solver="randomized", tol=1e-6, verbose=1, random_state=0).fit(X)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) >= 2
        for line in lines:
            assert line.startswith(f"[{Estimator.__name__}] step ")
            assert "error of singular values " in line
        assert f"step {estimator.n_iter_}," in lines[-1]
        errors = [float(line.split()[-1]) for line in lines]
        assert errors[-1] <= 1e-6 < errors[0]

    def test_is_silent_by_default(self, Estimator, capsys):
        Estimator(3, solver="randomized", random_state=0).fit(X)
        assert capsys.readouterr() == ("", "")


@needs_callbacks
@pytest.mark.parametrize("Estimator", ESTIMATORS)
class TestCallbacks:
    @pytest.mark.parametrize("method", ["fit", "fit_transform"])
    def test_every_begin_has_its_end(self, Estimator, method):
        recorder = Recorder()
        estimator = Estimator(3, solver="randomized", tol=1e-6, random_state=0)
        assert estimator.set_callbacks(recorder) is estimator
        getattr(estimator, method)(X)
        assert recorder.events[0][0] == "setup"
        assert recorder.events[-1][0] == "teardown"
        begun, ended = recorder.names("begin"), recorder.names("end")
        assert sorted(begun) == sorted(ended)
        assert begun.count("step") >= 2
        assert len(begun) == begun.count("step") + 1  # and the fit itself
        assert ended[-1] == begun[0]
        assert recorder.shape == X.shape

    @pytest.mark.parametrize("solver", ["exact", "gram", "lanczos"])
    def test_solvers_without_steps(self, Estimator, solver):
        recorder = Recorder()
        Estimator(3, solver=solver, random_state=0).set_callbacks(recorder).fit(X)
        assert [kind for kind, _ in recorder.events] == ["setup", "begin", "end", "teardown"]

    def test_may_stop_the_fit(self, Estimator):
        recorder = Recorder(stop_after=1)
        estimator = Estimator(3, solver="randomized", tol=1e-10, random_state=0)
        estimator.set_callbacks(recorder)
        with pytest.warns(ConvergenceWarning, match="known to .* only"):
            estimator.fit(X)
        assert recorder.names("begin").count("step") == 1
        assert estimator.components_.shape == (3, 150)
        assert (estimator.singular_value_error_ > 1e-10).any()

    def test_is_closed_after_a_failure(self, Estimator):
        recorder = Recorder()
        estimator = Estimator(3, solver="lanczos").set_callbacks(recorder)
        rank_one = np.outer(np.arange(9.0), np.arange(3.0))
        with pytest.raises(ValueError, match="take solver='exact'"):
            estimator.fit(rank_one)
        assert recorder.events[-1][0] == "teardown"
        assert not [name for name in vars(estimator) if name.startswith("_callback")]
        estimator.set_params(solver="exact").fit(rank_one)
        assert recorder.events[-1][0] == "teardown"

    def test_a_rank_rule_reports_every_attempt(self, Estimator):
        recorder = Recorder()
        wide = np.random.default_rng(0).standard_normal((600, 560))
        estimator = Estimator("gap", solver="randomized", tol=1e-2, random_state=0)
        estimator.set_callbacks(recorder).fit(wide)
        assert sorted(recorder.names("begin")) == sorted(recorder.names("end"))


def test_nothing_is_there_where_scikit_learn_has_none():
    for Estimator in ESTIMATORS:
        assert hasattr(Estimator(), "set_callbacks") == has_callbacks
