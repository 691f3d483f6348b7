"""Spelling correction: the known word with the most similar spelling."""

from collections import Counter
from collections.abc import Collection
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array

# With fewer words, comparing them all is as fast as computing a second bound on each.
_FEW = 16
# Bits of the integers in which longest common subsequences are computed.
_BITS = 64


class ClosestWord:
    """Closest word of a vocabulary, as by `difflib.get_close_matches`, but without comparing all.

    The similarity of two words is :math:`2 M / T`, with T their total length and M the length of
    their matching blocks. M is at most the number of letters that they share in any order, and at
    most the length of their longest common subsequence. Both bounds are computed for many words at
    once, and only words that can be the closest by these bounds are compared.

    Of equally similar words, the last in alphabetical order is returned.
    """

    _words: "_Words | None" = None

    def __getstate__(self) -> dict[str, Any]:
        return {}  # the cache is rebuilt when it is needed

    def find(self, word: str, vocabulary: Collection[str], cutoff: float) -> str | None:
        """Return the closest word of a vocabulary.

        Parameters
        ----------
        word : str
            The word to look for.

        vocabulary : collection of str
            Known words. Data computed from them are cached as long as the same object of the same
            size is given.

        cutoff : float
            Minimum similarity of a close word, above 0 and at most 1.

        Returns
        -------
        str or None
            The closest word, or None if no word is close.

        Notes
        -----
        O(n) for n known words: about 0.4 s for the first search among a million words, and 10 ms
        for each further one.
        """
        words = self._words
        if words is None or words.vocabulary is not vocabulary or len(words) != len(vocabulary):
            words = self._words = _Words(vocabulary)
        return words.closest(word, cutoff)


class _Words:
    def __init__(self, vocabulary: Collection[str]) -> None:
        self.vocabulary = vocabulary
        self._words = list(vocabulary)
        self._lengths = np.array([len(word) for word in self._words], dtype=np.int64)
        letters = np.frombuffer(
            "".join(self._words).encode("utf-32-le", "surrogatepass"), dtype="<u4"
        )
        self._alphabet, codes = np.unique(letters, return_inverse=True)
        self._codes = codes.astype(np.int32)
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])
        rows = np.repeat(np.arange(len(self._words), dtype=np.int32), self._lengths)
        # Counts of each letter in each word, with a column for each letter.
        ones = np.ones(len(rows), dtype=np.int32)
        shape = (len(self._words), len(self._alphabet))
        self._counts = csc_array(coo_array((ones, (rows, self._codes)), shape=shape))

    def __len__(self) -> int:
        return len(self._words)

    def closest(self, word: str, cutoff: float) -> str | None:
        bounds = 2.0 * self._n_shared_letters(word) / (self._lengths + len(word))
        possible = np.flatnonzero(bounds >= cutoff)
        bounds = bounds[possible]
        if len(possible) > _FEW and len(word) <= _BITS:
            lengths = self._lengths[possible] + len(word)
            bounds = 2.0 * self._longest_common_subsequences(word, possible) / lengths
        best, similarity = None, cutoff
        matcher = SequenceMatcher(b=word)
        for at in np.argsort(-bounds, kind="stable"):
            if bounds[at] < similarity:
                break
            candidate = self._words[possible[at]]
            matcher.set_seq1(candidate)
            ratio = matcher.ratio()
            if ratio > similarity or (ratio == similarity and (best is None or candidate > best)):
                best, similarity = candidate, ratio
        return best

    def _n_shared_letters(self, word: str) -> NDArray[np.int32]:
        """Return the number of common letters of each known word and `word`, in any order."""
        shared = np.zeros(len(self._words), dtype=np.int32)
        for letter, count in Counter(word).items():
            code = self._code_of(letter)
            if code is not None:
                of_letter = slice(self._counts.indptr[code], self._counts.indptr[code + 1])
                rows, counts = self._counts.indices[of_letter], self._counts.data[of_letter]
                shared[rows] += np.minimum(counts, count)
        return shared

    def _longest_common_subsequences(self, word: str, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the lengths of longest common subsequences with some of the known words.

        Bit i of `zeros` is 0 where the letters so far have a common subsequence with the first
        i + 1 letters of `word` that is longer than with its first i (Hyyro, 2004).
        """
        places = np.zeros(len(self._alphabet) + 1, dtype=np.uint64)  # the last: no letter
        for place, letter in enumerate(word):
            code = self._code_of(letter)
            if code is not None:
                places[code] |= np.uint64(1 << place)
        all_bits = np.uint64((1 << _BITS) - 1)
        zeros: NDArray[np.uint64] = np.full(len(rows), all_bits)
        starts, lengths = self._starts[rows], self._lengths[rows]
        for place in range(max(lengths.tolist())):
            is_letter = place < lengths
            at = np.where(is_letter, starts + place, 0)
            common = zeros & places[np.where(is_letter, self._codes[at], -1)]
            # Overflow of the sum wraps around, as required.
            zeros = np.bitwise_or(zeros + common, zeros - common)
        of_word = all_bits >> np.uint64(_BITS - len(word))
        return _n_ones(~zeros & of_word)

    def _code_of(self, letter: str) -> int | None:
        code = int(np.searchsorted(self._alphabet, ord(letter)))
        known = code < len(self._alphabet) and self._alphabet[code] == ord(letter)
        return code if known else None


def _n_ones(numbers: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the number of bits of each number that are 1."""
    if hasattr(np, "bitwise_count"):  # from NumPy 2.0
        return np.bitwise_count(numbers).astype(np.int64)
    bits = np.unpackbits(numbers.view(np.uint8).reshape(-1, 8), axis=1)
    return bits.sum(axis=1, dtype=np.int64)
