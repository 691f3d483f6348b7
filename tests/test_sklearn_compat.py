"""What stands in for newer scikit-learn versions does what the newer ones do."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from lrfact import _sklearn_compat as _compat


def test_range_finder_takes_operators_of_both_precisions():
    X = np.random.default_rng(0).standard_normal((30, 12))
    for dtype in (np.float32, np.float64):
        Q = _compat.randomized_range_finder(
            aslinearoperator(X.astype(dtype)), size=5, n_iter=3, random_state=0
        )
        assert Q.shape == (30, 5)
        np.testing.assert_allclose(Q.T @ Q, np.eye(5), atol=1e-5)


def test_every_name_is_there():
    for name in _compat.__all__:
        assert getattr(_compat, name) is not None


def test_context_without_callbacks_says_go_on():
    """The stand-in, or scikit-learn's own with nobody listening: same calls, same answers."""

    class Estimator(_compat.CallbackSupportMixin):
        @_compat.with_callbacks
        def fit(self, X=None, y=None):
            context = self._init_callback_context(max_subtasks=None)
            context = context.call_on_fit_task_begin(estimator=self, X=X)
            task = context.subcontext(task_name="step")
            task = task.call_on_fit_task_begin(estimator=self, X=X)
            stop = task.call_on_fit_task_end(estimator=self, X=X)
            with context.propagate_callback_context(self):
                pass
            context.call_on_fit_task_end(estimator=self, X=X, reconstruction_attributes={})
            self.stop = stop
            return self

    if hasattr(Estimator, "set_callbacks"):
        pytest.skip("scikit-learn has callbacks: covered by tests of the estimators")
    assert Estimator().fit().stop is False
