"""Search results: ranked hits with snippets, and explanations of their scores."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

from numpy.typing import NDArray

from lrfact._typing import Array

_WIDTH = 72
_REACH = 8 * _WIDTH


class Hit(NamedTuple):
    """A retrieved document (hit) of a search.

    Attributes
    ----------
    rank : int
        Rank of the hit, 1 for the best.

    score : float
        Score of the document for the query, on the scale of a cosine similarity.

    document : object
        Identifier of the document: its entry of `ids` if they were given, or its position.

    label : object
        Label of the document, or None without labels.

    snippet : str or None
        Passage around the first query word that the document contains, or else its beginning. None
        if the texts were not kept.
    """

    rank: int
    score: float
    document: Any
    label: Any = None
    snippet: str | None = None


@dataclass(frozen=True)
class SearchHits(Sequence[Hit]):
    """Ranked hits of one query, best first; ``print`` shows them as a list.

    Attributes
    ----------
    hits : tuple of Hit
        The hits, which can be empty.

    note : str
        Remarks on the query: unknown or replaced words, and the reason if there are no hits. Empty
        if there is nothing to report.
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
    """Explanation of the score of a document: contributions of the words of the query.

    Attributes
    ----------
    document : object
        Identifier of the document.

    score : float
        Score of the document: ``contributions.sum() + feedback``, up to rounding.

    terms : ndarray of shape (n_terms,)
        Known words of the query, or their column indices if the columns have no names, in
        descending order of the absolute contribution.

    contributions : ndarray of shape (n_terms,)
        Contribution of each term to the score, the sum of its latent and its lexical part.

    lexical : ndarray of shape (n_terms,)
        Lexical part of each contribution, from occurrences of the word in the document.

    feedback : float
        Contribution of pseudo-relevance feedback, from the first hits that the query was moved
        towards.
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
    """Return a text with lone surrogates, which cannot be printed, replaced by escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def snippet(text: str, words: Sequence[str]) -> str:
    """Return a passage of `text` around the first of `words` in it, or else its beginning."""
    first = _first_place(text, words)
    start = max(first - _WIDTH // 3, 0) if len(text) > _WIDTH else 0
    if start:
        # Start at the beginning of a word, if there is one nearby.
        start = max(text.rfind(" ", 0, start), start - _WIDTH // 3) + 1
    # Enough text to fill the width after runs of whitespace are collapsed.
    passage = " ".join(text[start : start + _REACH].split())
    rest = len(passage) > _WIDTH or start + _REACH < len(text)
    if len(passage) > _WIDTH:
        passage = passage[: max(passage.rfind(" ", 0, _WIDTH + 1), _WIDTH // 2)]
    return ("... " if start else "") + passage.strip() + (" ..." if rest else "")


def _first_place(text: str, words: Sequence[str]) -> int:
    """Return the position of the first whole-word match, or else of the first match, or else 0.

    Matches within words are allowed since the terms of a vectorizer can be parts of words.
    """
    if not words:
        return 0
    any_word = "|".join(re.escape(word) for word in words)
    for pattern in (rf"(?<!\w)(?:{any_word})(?!\w)", any_word):
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            return found.start()
    return 0
