"""Results of a search: hits, and the explanation of a hit."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

from numpy.typing import NDArray

from lrfact._typing import Array

_WIDTH = 72
_REACH = 8 * _WIDTH


class Hit(NamedTuple):
    """A hit: a document found by a search.

    Attributes
    ----------
    rank : int
        Rank of the hit, from 1.

    score : float
        Score, in the units of a cosine similarity.

    document : object
        Id of the document as passed to `fit`, or its position.

    label : object
        Label of the document; None without `y`.

    snippet : str or None
        Passage around the first query word in the document, or its beginning; None if texts were
        not kept.
    """

    rank: int
    score: float
    document: Any
    label: Any = None
    snippet: str | None = None


@dataclass(frozen=True)
class SearchHits(Sequence[Hit]):
    """Hits of one query, best first; ``print`` shows them as a list.

    Attributes
    ----------
    hits : tuple of Hit
        The hits, possibly none.

    note : str
        Note for the user, such as query words that are in no document; may be empty.
    """

    hits: tuple[Hit, ...]
    note: str = ""

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @overload
    def __getitem__(self, place: int) -> Hit: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Hit, ...]: ...

    def __getitem__(self, place: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[place]

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"({self.note})"] if self.note else []
        for hit in self.hits:
            label = "" if hit.label is None else f"  [{hit.label}]"
            lines.append(f"{hit.rank:>3}. {hit.score:.3f}  {hit.document}{label}")
            if hit.snippet:
                lines.append(f"     {hit.snippet}")
        return _printable("\n".join(lines)) if lines else "no hits"


@dataclass(frozen=True)
class HitExplanation:
    """Explanation of a score: a sum of contributions of the query words.

    Attributes
    ----------
    document : object
        Id of the document.

    score : float
        Score, equal to ``contributions.sum() + feedback`` up to rounding.

    terms : ndarray of shape (n_terms,)
        Query words in the vocabulary, or their columns if these have no names, in descending order
        of the absolute value of their contributions.

    contributions : ndarray of shape (n_terms,)
        Contribution of each word to the score: the sum of a latent and a lexical part.

    lexical : ndarray of shape (n_terms,)
        Lexical part of the contributions, due to occurrences of the word in the document.

    feedback : float
        Contribution of the documents towards which the query was moved (pseudo-relevance feedback).
    """

    document: Any
    score: float
    terms: NDArray[Any]
    contributions: Array
    lexical: Array
    feedback: float = 0.0

    def __str__(self) -> str:
        lines = [f"{self.document}: {self.score:.3f}"]
        for term, part, exact in zip(self.terms, self.contributions, self.lexical, strict=True):
            stands = f" (of which {exact:+.3f} by the word itself)" if exact else ""
            lines.append(f"  {part:+.3f}  {term}{stands}")
        if self.feedback:
            lines.append(f"  {self.feedback:+.3f}  documents like the first hits")
        return _printable("\n".join(lines))


def _printable(text: str) -> str:
    """Return a text with lone surrogates, which no terminal takes, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def snippet(text: str, words: Sequence[str]) -> str:
    """Return a passage of `text` around the first of the words in it, or its beginning."""
    first = _first_place(text, words)
    start = max(first - _WIDTH // 3, 0) if len(text) > _WIDTH else 0
    if start:
        # From the beginning of a word, where one is near.
        start = max(text.rfind(" ", 0, start), start - _WIDTH // 3) + 1
    # Enough to fill the width once runs of blanks and lines are one blank each.
    passage = " ".join(text[start : start + _REACH].split())
    rest = len(passage) > _WIDTH or start + _REACH < len(text)
    if len(passage) > _WIDTH:
        passage = passage[: max(passage.rfind(" ", 0, _WIDTH + 1), _WIDTH // 2)]
    return ("... " if start else "") + passage.strip() + (" ..." if rest else "")


def _first_place(text: str, words: Sequence[str]) -> int:
    """Return where the first of the words is, as a whole if any is, or else in a longer one; or 0.

    The terms of a vectorizer may be parts of words.
    """
    if not words:
        return 0
    any_word = "|".join(re.escape(word) for word in words)
    for pattern in (rf"(?<!\w)(?:{any_word})(?!\w)", any_word):
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            return found.start()
    return 0
