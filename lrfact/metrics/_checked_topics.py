"""Topics as lists of their terms, best first."""

from typing import Any


def checked_topics(topics: Any, *, least: int) -> list[list]:
    """Validate topics.

    Parameters
    ----------
    topics : iterable of sequences
        Terms of each topic, best first. A term is any hashable object.

    least : int
        Minimum number of terms per topic.

    Returns
    -------
    list of list
        Terms of each topic, best first.

    Raises
    ------
    ValueError
        If there are no topics, or a topic has fewer terms or the same term twice.

    TypeError
        If the topics are not sequences of terms.
    """
    if isinstance(topics, str):
        raise TypeError(_not_a_topic("topics", topics))
    checked = []
    for i, topic in enumerate(topics):
        if isinstance(topic, str) or not hasattr(topic, "__iter__"):
            raise TypeError(_not_a_topic(f"topics[{i}]", topic))
        terms = list(topic)
        if len(terms) < least:
            raise ValueError(
                f"topics[{i}] has {len(terms)} terms, but a topic needs at least {least} here; "
                "leave it out or give it more terms"
            )
        if len(set(terms)) < len(terms):
            twice = next(term for term in terms if terms.count(term) > 1)
            raise ValueError(
                f"topics[{i}] has the term {twice!r} more than once, which would count it twice; "
                "give every term of a topic once"
            )
        checked.append(terms)
    if not checked:
        raise ValueError(
            "topics is empty, so there is nothing to evaluate; give at least one topic"
        )
    return checked


def _not_a_topic(name: str, value: Any) -> str:
    return (
        f"{name} must be a sequence, but is {value!r}; topics are sequences of terms, each "
        "best first, such as [['cat', 'dog'], ['car', 'road']]"
    )
