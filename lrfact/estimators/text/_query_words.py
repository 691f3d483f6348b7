"""Known and unknown words of a query, and the note that reports them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrfact.estimators.text._closest_word import ClosestWord

# Threshold of difflib's ratio: accepts one wrong letter in a word of five, but not two.
_CLOSE = 0.75


@dataclass(frozen=True)
class QueryWords:
    """Tokens of a query, split into known and unknown words.

    Attributes
    ----------
    text : str
        Query text, with the replacements of unknown words appended.

    known : tuple of str
        Terms of the query in the vocabulary, including replacements.

    unknown : tuple of str
        Terms of the query that are not in the vocabulary.

    replaced : dict of str to str
        Replacement of each unknown word that has one.
    """

    text: str = ""
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    replaced: dict[str, str] = field(default_factory=dict)

    def note(self, *, finds_nothing: bool, has_known_word: bool) -> str:
        """Return remarks on the query for the user, or an empty string."""
        parts = [f"{word!r} is taken for {known!r}" for word, known in self.replaced.items()]
        lost = [repr(word) for word in self.unknown if word not in self.replaced]
        if lost:
            verb = "is in no document" if len(lost) == 1 else "are in no document"
            parts.append(f"{', '.join(lost)} {verb} of the fit")
        if not has_known_word:
            parts.append("nothing found: the query has no known word")
        elif finds_nothing:
            parts.append("nothing found among the documents that may come up")
        return "; ".join(parts)


def query_words(
    texts: Sequence[str], vectorizer: Any, closest: ClosestWord | None
) -> list[QueryWords]:
    """Look up the words of queries in the vocabulary of a vectorizer.

    Parameters
    ----------
    texts : sequence of str
        Texts of the queries.

    vectorizer : object
        A fitted vectorizer. Without `build_analyzer` and `vocabulary_`, words are not analyzed.

    closest : ClosestWord or None
        Finder of the known words that replace unknown ones. None drops unknown words.

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
    unknown = tuple(word for word in words if word not in vocabulary)
    replaced: dict[str, str] = {}
    if closest is not None:
        for word in unknown:
            if word not in found:
                found[word] = closest.find(word, vocabulary, _CLOSE)
            close = found[word]
            if close is not None:
                replaced[word] = close
    known = tuple(word for word in words if word in vocabulary) + tuple(replaced.values())
    return QueryWords(" ".join([text, *replaced.values()]), known, unknown, replaced)
