"""The words of a query: which of them a search knows, and what to say of the others."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

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


def query_words(text: str, vectorizer: Any, unknown: str) -> QueryWords:
    """Look the words of a query up in the vocabulary of a vectorizer.

    Parameters
    ----------
    text : str
        The query.

    vectorizer : object
        Fitted. Without `build_analyzer` and `vocabulary_` nothing is known of its words.

    unknown : {"ignore", "closest"}
        Whether unknown words are replaced by the closest in spelling.

    Returns
    -------
    QueryWords
    """
    vocabulary = getattr(vectorizer, "vocabulary_", None)
    if vocabulary is None or not hasattr(vectorizer, "build_analyzer"):
        return QueryWords(text)
    words = list(dict.fromkeys(vectorizer.build_analyzer()(text)))
    strange = tuple(word for word in words if word not in vocabulary)
    replaced: dict[str, str] = {}
    if unknown == "closest":
        for word in strange:
            close = get_close_matches(word, vocabulary, n=1, cutoff=_CLOSE)
            if close:
                replaced[word] = close[0]
    known = tuple(word for word in words if word in vocabulary) + tuple(replaced.values())
    return QueryWords(" ".join([text, *replaced.values()]), known, strange, replaced)
