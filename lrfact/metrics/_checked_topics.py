"""Topics as lists of their terms, best first."""

from typing import Any


def checked_topics(topics: Any, *, least: int) -> list[list]:
    """Validate topics.

    Parameters
    ----------
    topics : iterable of sequences
        The terms of each topic; any hashable.

    least : int
        Terms that a topic must have.

    Returns
    -------
    list of list

    Raises
    ------
    ValueError
        If there are no topics, one has fewer terms, or a term twice.

    TypeError
        If they are not sequences of terms.
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
                "leave it out or give it more terms."
            )
        if len(set(terms)) < len(terms):
            twice = next(term for term in terms if terms.count(term) > 1)
            raise ValueError(
                f"topics[{i}] has the term {twice!r} more than once, which would count it twice; "
                "give every term of a topic once."
            )
        checked.append(terms)
    if not checked:
        raise ValueError("topics is empty, so there is nothing to judge; give at least one topic.")
    return checked


def _not_a_topic(name: str, value: Any) -> str:
    return (
        f"{name} must be a sequence, but is {value!r}; topics are sequences of terms, each "
        "best first, such as [['cat', 'dog'], ['car', 'road']]."
    )
