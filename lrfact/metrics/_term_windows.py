"""Occurrences and co-occurrences of terms in windows of text, as runs of neighboring windows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import check_array

from lrfact.checks._matrix_input import with_wide_dtype

Integers = npt.NDArray[np.int64]

# Wider than any document, so that each document is one window.
WHOLE_DOCUMENT = 2**62

# Tokens processed at a time, and entries of the dense blocks of counts: about 10 MB each.
_TOKENS = 2**20
_BLOCK = 2**20


@dataclass(frozen=True, eq=False)
class TermWindows:
    """Windows that contain each term, among the consecutively numbered windows of all documents.

    Neighboring windows mostly contain the same terms, so the windows of a term are stored as runs:
    disjoint, ascending, and separated by gaps.

    Parameters
    ----------
    n_windows : int
        Total number of windows in all documents.

    first, stop : ndarray of shape (n_runs,)
        Runs: the windows from `first` to `stop` - 1 contain the term. Runs of a term are adjacent.

    of_term : ndarray of shape (n_terms + 1,)
        Pointers into the runs: term t has runs ``of_term[t]`` to ``of_term[t + 1] - 1``.
    """

    n_windows: int
    first: Integers
    stop: Integers
    of_term: Integers

    def joint_counts(self, terms: Integers) -> npt.NDArray[np.float64]:
        """Count the windows that contain both terms, for all pairs of terms.

        Parameters
        ----------
        terms : ndarray of shape (m,)
            Numbers of the terms, each at most once.

        Returns
        -------
        ndarray of shape (m, m)
            Numbers of windows with both terms, with those of single terms on the diagonal. Exact up
            to 2^53 windows.

        Notes
        -----
        The set of present terms changes only where a run of one of the terms begins or ends. Cost:
        a sort of these r places and O(r m^2) flops; memory does not grow with r m.
        """
        m = len(terms)
        runs = [np.arange(self.of_term[t], self.of_term[t + 1]) for t in terms]
        term = np.tile(np.repeat(np.arange(m), [len(of_one) for of_one in runs]), 2)
        run = np.concatenate(runs)
        counts = np.zeros((m, m))
        if len(run) == 0:
            return counts
        place = np.concatenate((self.first[run], self.stop[run]))
        change = np.repeat((1.0, -1.0), len(run))

        order = np.argsort(place, kind="stable")
        place, term, change = place[order], term[order], change[order]
        is_new = np.append(True, place[1:] > place[:-1])
        stretch = np.cumsum(is_new) - 1
        length = np.diff(place[is_new])
        present = np.zeros(m)
        step = max(1, _BLOCK // m)
        for begin in range(0, len(length), step):
            end = min(begin + step, len(length))
            changes = slice(*np.searchsorted(stretch, (begin, end)))
            block = np.zeros((m, end - begin))
            # At most one change per cell: runs of a term neither overlap nor touch.
            block[term[changes], stretch[changes] - begin] = change[changes]
            block[:, 0] += present
            np.cumsum(block, axis=1, out=block)
            present = block[:, -1].copy()
            counts += (block * length[begin:end]) @ block.T
        return counts


def windows_of_tokens(
    documents: Iterable[Iterable[str]], number_of: dict[str, int], width: int
) -> TermWindows:
    """Slide a window over each document, token by token.

    A document that is not longer than the window is one window. Empty documents have none.

    Parameters
    ----------
    documents : iterable of iterables of str
        Tokens of each document, iterated once.

    number_of : dict of str to int
        Terms to count, numbered from 0.

    width : int
        Number of tokens per window, or `WHOLE_DOCUMENT`.

    Returns
    -------
    TermWindows
        Windows that contain each term.

    Raises
    ------
    TypeError
        If a document is a string instead of a sequence of tokens.

    Notes
    -----
    Cost: one look-up per token. Memory for at most three integers per occurrence of these terms.
    """
    n_windows = 0
    found: list[tuple[Integers, Integers, Integers]] = [_no_runs()]
    for tokens, lengths in _numbered(documents, number_of):
        of_document = np.where(lengths > 0, np.maximum(lengths - width + 1, 1), 0)
        before = n_windows + np.cumsum(of_document) - of_document
        n_windows += int(of_document.sum())

        at = np.flatnonzero(tokens >= 0)
        document = np.repeat(np.arange(len(lengths)), lengths)[at]
        position = at - (np.cumsum(lengths) - lengths)[document]
        first = np.maximum(position - width + 1, 0)
        stop = np.minimum(position + 1, of_document[document])
        found.append(_joined(tokens[at], first + before[document], stop + before[document]))
    return _term_windows(n_windows, len(number_of), *map(np.concatenate, zip(*found, strict=True)))


def windows_of_rows(X: Any, columns: Integers) -> TermWindows:
    """Treat each row of a document-term matrix as one window, except rows without terms.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_documents, n_columns)
        Document-term matrix. A term occurs in a document if its entry is above 0.

    columns : ndarray of shape (n_terms,)
        Columns of the terms to count.

    Returns
    -------
    TermWindows
        Windows that contain each term.

    Raises
    ------
    ValueError
        If an entry is negative or not finite.
    """
    X = check_array(with_wide_dtype(X), accept_sparse="csc", input_name="documents")
    entries = X.data if sp.issparse(X) else X
    if entries.size and entries.min() < 0:
        raise ValueError(
            f"documents has negative entries (the smallest is {entries.min():g}), but an entry "
            "is the frequency of a term: 0 or absent if it does not occur; pass counts or tf-idf "
            "weights that were not centered"
        )
    if sp.issparse(X):
        filled = np.zeros(X.shape[0], dtype=bool)
        filled[X.indices[X.data > 0]] = True
        chosen = sp.csc_array(X)[:, columns]
        chosen.sort_indices()
        present = chosen.data > 0
        term = np.repeat(np.arange(len(columns)), np.diff(chosen.indptr))[present]
        row = chosen.indices[present]
    else:
        filled = (X > 0).any(axis=1)
        term, row = np.nonzero(X[:, columns].T > 0)
    first = (np.cumsum(filled) - 1)[row]
    return _term_windows(int(filled.sum()), len(columns), term, first, first + 1)


def _numbered(
    documents: Iterable[Iterable[str]], number_of: dict[str, int]
) -> Iterator[tuple[Integers, Integers]]:
    """Yield blocks of documents: numbers of their tokens, -1 for other terms, and their lengths."""
    tokens: list[int] = []
    lengths: list[int] = []
    for document in documents:
        if isinstance(document, str):
            raise TypeError(
                f"documents must be sequences of tokens, but one is the string {document[:30]!r}; "
                "split it first, for example by CountVectorizer().build_analyzer()"
            )
        n_before = len(tokens)
        tokens.extend([number_of.get(token, -1) for token in document])
        lengths.append(len(tokens) - n_before)
        if len(tokens) >= _TOKENS:
            yield np.array(tokens, dtype=np.int64), np.array(lengths, dtype=np.int64)
            tokens, lengths = [], []
    yield np.array(tokens, dtype=np.int64), np.array(lengths, dtype=np.int64)


def _no_runs() -> tuple[Integers, Integers, Integers]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)


def _joined(term: Integers, first: Integers, stop: Integers) -> tuple[Integers, Integers, Integers]:
    """Join overlapping or touching runs. The runs of each term are in ascending order."""
    if len(term) == 0:
        return _no_runs()
    order = np.argsort(term, kind="stable")
    term, first, stop = term[order], first[order], stop[order]
    begins = np.ones(len(term), dtype=bool)
    begins[1:] = (term[1:] != term[:-1]) | (first[1:] > stop[:-1])
    ends = np.append(begins[1:], True)
    return term[begins], first[begins], stop[ends]


def _term_windows(
    n_windows: int, n_terms: int, term: Integers, first: Integers, stop: Integers
) -> TermWindows:
    term, first, stop = _joined(term, first, stop)
    return TermWindows(n_windows, first, stop, np.searchsorted(term, np.arange(n_terms + 1)))
