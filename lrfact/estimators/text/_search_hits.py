"""What a search answers: hits to read, and why one of them is there."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

from numpy.typing import NDArray

from lrfact._typing import Array

_WIDTH = 72
_REACH = 8 * _WIDTH


class Hit(NamedTuple):
    """A document that was found.

    Attributes
    ----------
    rank : int
        1 for the best.

    score : float
        How well it fits; the unit is a cosine.

    document : object
        Its id: what `ids` said at the fit, or its position there.

    label : object
        What `y` said of it; None without `y`.

    snippet : str or None
        A passage around the first word of the query that it has, or how it begins; None where
        texts were not kept.
    """

    rank: int
    score: float
    document: Any
    label: Any = None
    snippet: str | None = None


@dataclass(frozen=True)
class SearchHits(Sequence[Hit]):
    """The documents found for one query, best first; ``print`` shows them as a list.

    Attributes
    ----------
    hits : tuple of Hit
        None, one or more.

    note : str
        What the searcher should know: words that no document has, a query without any other.
        Empty for nothing.
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
    """A score as a sum over the words of its query.

    Attributes
    ----------
    document : object
        Its id.

    score : float
        ``contributions.sum() + feedback``, to rounding.

    terms : ndarray of shape (n_terms,)
        Words of the query that the fit knows, or their columns where these have no names; the one
        that contributes most, up or down, first.

    contributions : ndarray of shape (n_terms,)
        What each adds to the score: by what it means, and by standing in the document.

    lexical : ndarray of shape (n_terms,)
        The part of that which comes of the word itself standing in the document.

    feedback : float
        What comes of the documents that the query was moved towards.
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
    """Return a passage of `text` around the first of the words that it has, or how it begins."""
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
