"""The words of a query: which of them a search knows, and what to say of the others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrfact.estimators.text._closest_word import ClosestWord

# Of difflib's ratio: a letter wrong in a word of five passes, two do not.
_CLOSE = 0.75


@dataclass(frozen=True)
class QueryWords:
    """What a vectorizer makes of a query.

    Attributes
    ----------
    text : str
        The query, with words put in for unknown ones.

    known : tuple of str
        Its terms that the vocabulary has.

    unknown : tuple of str
        Those that it has not.

    replaced : dict of str to str
        Which known word stands in for an unknown one.
    """

    text: str = ""
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    replaced: dict[str, str] = field(default_factory=dict)

    def note(self, *, finds_nothing: bool, says_anything: bool) -> str:
        """Return what the searcher should know, or an empty string."""
        parts = [f"{word!r} is taken for {put!r}" for word, put in self.replaced.items()]
        lost = [repr(word) for word in self.unknown if word not in self.replaced]
        if lost:
            verb = "is in no document" if len(lost) == 1 else "are in no document"
            parts.append(f"{', '.join(lost)} {verb} of the fit")
        if not says_anything:
            parts.append("nothing found: the query has no known word")
        elif finds_nothing:
            parts.append("nothing found among the documents that may come up")
        return "; ".join(parts)


def query_words(
    texts: Sequence[str], vectorizer: Any, closest: ClosestWord | None
) -> list[QueryWords]:
    """Look the words of queries up in the vocabulary of a vectorizer.

    Parameters
    ----------
    texts : sequence of str
        The queries.

    vectorizer : object
        Fitted. Without `build_analyzer` and `vocabulary_` nothing is known of its words.

    closest : ClosestWord or None
        What finds the words that replace unknown ones; None leaves these out.

    Returns
    -------
    list of QueryWords
        One for each query.
    """
    vocabulary = getattr(vectorizer, "vocabulary_", None)
    if vocabulary is None or not hasattr(vectorizer, "build_analyzer"):
        return [QueryWords(text) for text in texts]
    analyze = vectorizer.build_analyzer()
    found: dict[str, str | None] = {}  # a word may be in many queries
    return [_query_words(text, analyze(text), vocabulary, closest, found) for text in texts]


def _query_words(
    text: str,
    words: Iterable[str],
    vocabulary: Mapping[str, int],
    closest: ClosestWord | None,
    found: dict[str, str | None],
) -> QueryWords:
    words = list(dict.fromkeys(words))
    strange = tuple(word for word in words if word not in vocabulary)
    replaced: dict[str, str] = {}
    if closest is not None:
        for word in strange:
            if word not in found:
                found[word] = closest.find(word, vocabulary, _CLOSE)
            close = found[word]
            if close is not None:
                replaced[word] = close
    known = tuple(word for word in words if word in vocabulary) + tuple(replaced.values())
    return QueryWords(" ".join([text, *replaced.values()]), known, strange, replaced)
