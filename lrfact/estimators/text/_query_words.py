"""The words of a query: known and unknown ones, and replacements of the latter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrfact.estimators.text._closest_word import ClosestWord

# Of difflib's ratio: a letter wrong in a word of five passes, two do not.
_CLOSE = 0.75


@dataclass(frozen=True)
class QueryWords:
    """The words of a query.

    Attributes
    ----------
    text : str
        The query, with replacements of unknown words.

    known : tuple of str
        Terms of the query that are in the vocabulary.

    unknown : tuple of str
        Terms of the query that are not in the vocabulary.

    replaced : dict of str to str
        Replacement of each replaced unknown word.
    """

    text: str = ""
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    replaced: dict[str, str] = field(default_factory=dict)

    def note(self, *, finds_nothing: bool, says_anything: bool) -> str:
        """Return the note for the user, or an empty string."""
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
        A fitted vectorizer. Without `build_analyzer` and `vocabulary_`, its words are not known.

    closest : ClosestWord or None
        Search for replacements of unknown words; None omits these.

    Returns
    -------
    list of QueryWords
        Words of each query.
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
