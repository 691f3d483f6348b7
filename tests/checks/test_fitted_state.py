"""What `reset_on_error` drops, and when."""

import pytest

from lrfact.checks._fitted_state import reset_on_error


class Estimator:
    """Attributes of every kind that an estimator may have."""

    def __init__(self):
        self.n_components = 2
        self.components_ = [1]
        self.n_features_in_ = 3
        self._fitted_running = [2]
        self._private = "kept"
        self.__dict__["__dunder__"] = "kept"


KEPT = {"n_components", "_private", "__dunder__"}


def test_drops_what_was_learnt_before():
    estimator = Estimator()
    with reset_on_error(estimator):
        assert set(vars(estimator)) == KEPT


def test_keeps_what_is_learnt_inside():
    estimator = Estimator()
    with reset_on_error(estimator):
        estimator.components_ = [3]
    assert set(vars(estimator)) == KEPT | {"components_"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_drops_it_again_after_a_failure(error):
    estimator = Estimator()

    def fail():
        with reset_on_error(estimator):
            estimator.components_ = [3]
            estimator._fitted_running = [4]
            raise error

    with pytest.raises(error):
        fail()
    assert set(vars(estimator)) == KEPT
