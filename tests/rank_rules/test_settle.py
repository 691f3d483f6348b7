import numpy as np
import pytest

from lrfact.rank_rules import RANK_RULES, Spectrum, rank_rule, settle_rank
from reference.synthetic import synthetic_low_rank


def leading_of(X):
    s = np.linalg.svd(X, compute_uv=False)
    asked = []

    def leading(k):
        asked.append(k)
        return Spectrum(s[:k], X.shape, total_energy=np.sum(X**2))

    return leading, asked


@pytest.mark.parametrize("rule", sorted(RANK_RULES))
def test_every_rule_settles(rule):
    X = synthetic_low_rank(100, 40, 4, seed=0)
    leading, asked = leading_of(X)
    choice = settle_rank(leading, rank_rule(rule, X=X, random_state=0), start=4, max_rank=40)
    assert choice.is_settled
    assert choice.n_components == {"energy": 21}.get(rule, 4)
    assert asked == sorted(set(asked))


def test_share_of_energy():
    X = synthetic_low_rank(100, 40, 4, seed=0)
    leading, asked = leading_of(X)
    choice = settle_rank(leading, rank_rule(0.84), start=1, max_rank=40)
    assert choice.n_components == 5
    assert asked == [1, 2, 4, 8]


def test_stops_at_the_largest_rank():
    leading, asked = leading_of(synthetic_low_rank(100, 40, 4, seed=0))
    choice = settle_rank(leading, rank_rule(0.99), start=4, max_rank=10)
    assert choice.n_components == 10
    assert not choice.is_settled
    assert asked == [4, 8, 10]
    assert str(choice) == "energy: at least 10 (fraction of energy > 0.99)"


@pytest.mark.parametrize("value", [0, 1, 1.5, "elbow", None])
def test_unknown_rule(value):
    with pytest.raises(ValueError, match="names no rank rule"):
        rank_rule(value)
