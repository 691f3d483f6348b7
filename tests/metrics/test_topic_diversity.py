"""Topic diversity against its definition, and on bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfact.metrics import topic_diversity


@given(
    topics=st.lists(
        st.lists(st.integers(0, 9), min_size=1, max_size=8, unique=True), min_size=1, max_size=5
    ),
    n_terms=st.integers(1, 9),
)
def test_diversity_is_its_definition(topics, n_terms):
    first = [term for terms in topics for term in terms[:n_terms]]
    assert topic_diversity(topics, n_terms=n_terms) == len(set(first)) / len(first)


def test_extremes():
    assert topic_diversity([["a", "b"], ["c", "d"]]) == 1
    assert topic_diversity([["a", "b"], ["b", "a"]]) == 0.5
    assert topic_diversity(np.array([["a", "b"], ["a", "c"]]), n_terms=1) == 0.5


def test_the_default_is_25_terms():
    topics = np.stack([np.arange(30), np.r_[100:125, :5]])
    assert topic_diversity(topics) == 1
    assert topic_diversity(topics, n_terms=30) == 55 / 60


@pytest.mark.parametrize(
    ("topics", "n_terms", "message"),
    [
        ([], 25, "topics is empty"),
        ([["a"], []], 25, r"topics\[1\] has 0 terms"),
        ([["a", "b", "b"]], 1, r"topics\[0\] has the term 'b' more than once"),
        ([["a"]], 0, "'n_terms' parameter"),
    ],
)
def test_what_cannot_be_judged_is_refused(topics, n_terms, message):
    with pytest.raises(ValueError, match=message):
        topic_diversity(topics, n_terms=n_terms)


def test_flat_topics_are_refused():
    with pytest.raises(TypeError, match=r"topics\[0\] must be a sequence, but is 3"):
        topic_diversity([3, 4])
