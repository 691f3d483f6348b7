"""Topic coherence: co-occurrence of the terms of a topic in documents."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from lrfact._sklearn_compat import Interval, StrOptions, validate_params
from lrfact.metrics._checked_topics import checked_topics
from lrfact.metrics._term_windows import (
    WHOLE_DOCUMENT,
    TermWindows,
    windows_of_rows,
    windows_of_tokens,
)

Floats = npt.NDArray[np.float64]

# Added to joint probabilities by Röder, Both and Hinneburg.
_EPSILON = 1e-12


@dataclass(frozen=True)
class CoherenceMeasure:
    """Coherence measure: a function of co-occurrence counts, and its window size.

    Parameters
    ----------
    of_counts : callable
        Function of the numbers of windows with two terms, ndarray of shape (m, m), and the number
        of all windows; never NaN.

    window : int
        Published window size, in tokens.
    """

    of_counts: Callable[[Floats, int], float]
    window: int


def _u_mass(joint: Floats, n_windows: int) -> float:
    later, earlier = np.tril_indices(len(joint), -1)
    occurs = np.diag(joint)
    # A term that never occurs counts as one in all windows that co-occurs with no other term.
    given = np.where(occurs > 0, occurs, n_windows)
    return float(np.mean(np.log((joint[later, earlier] + 1) / given[earlier])))


def _npmi(joint: Floats, n_windows: int) -> float:
    pairs = np.tril_indices(len(joint), -1)
    return float(np.mean(_normalized_information(joint, n_windows, of_absent_terms=-1.0)[pairs]))


def _c_v(joint: Floats, n_windows: int) -> float:
    vectors = _normalized_information(joint, n_windows, of_absent_terms=0.0)
    whole = vectors.sum(axis=0)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(whole)
    cosines = np.zeros(len(vectors))
    np.divide(vectors @ whole, lengths, out=cosines, where=lengths > 0)
    return float(cosines.mean())


def _normalized_information(joint: Floats, n_windows: int, *, of_absent_terms: float) -> Floats:
    """Return the NPMI of all pairs of terms, including each term with itself."""
    occurs = np.diag(joint)
    # If both terms are in all windows, they carry no information about each other.
    information = np.zeros_like(joint)
    defined = (np.outer(occurs, occurs) > 0) & (joint < n_windows)
    together = joint[defined] / n_windows + _EPSILON
    apart = (np.outer(occurs, occurs) / n_windows**2)[defined]
    information[defined] = np.log(together / apart) / -np.log(together)
    absent = occurs == 0
    information[absent] = information[:, absent] = of_absent_terms
    return information


MEASURES = {
    "u_mass": CoherenceMeasure(_u_mass, WHOLE_DOCUMENT),
    "npmi": CoherenceMeasure(_npmi, 10),
    "c_v": CoherenceMeasure(_c_v, 110),
}


@validate_params(
    {
        "topics": "no_validation",
        "documents": "no_validation",
        "measure": [StrOptions(set(MEASURES))],
        "window": [Interval(Integral, 2, None, closed="left"), StrOptions({"document"}), None],
        "feature_names": "no_validation",
        "average": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def topic_coherence(
    topics: Any,
    documents: Any,
    *,
    measure: str = "c_v",
    window: int | str | None = None,
    feature_names: Any = None,
    average: bool = True,
) -> float | Floats:
    r"""Topic coherence: how strongly the terms of each topic co-occur in documents.

    For a topic of the terms :math:`w_1, \dots, w_m`, best first, the measures are

    .. math::

        \text{u\_mass} &= \frac{2}{m (m - 1)} \sum_{i=2}^{m} \sum_{j=1}^{i-1}
            \log \frac{D(w_i, w_j) + 1}{D(w_j)} \\
        \text{npmi} &= \frac{2}{m (m - 1)} \sum_{i=2}^{m} \sum_{j=1}^{i-1} N_{ij}, \qquad
            N_{ij} = \log \frac{P(w_i, w_j) + \epsilon}{P(w_i) P(w_j)}
            \Big/ -\log (P(w_i, w_j) + \epsilon) \\
        \text{c\_v} &= \frac{1}{m} \sum_{i=1}^{m} \cos(N_i, N_1 + \dots + N_m), \qquad
            N_i = (N_{i1}, \dots, N_{im})

    where D is the number of windows that contain a term, or both terms, P = D / (number of
    windows) and :math:`\epsilon = 10^{-12}`. A window slides over each document token by token.

    Parameters
    ----------
    topics : sequence of sequences, or ndarray of shape (n_topics, n_terms)
        At least two terms of each topic, best first, each at most once in a topic: strings, or
        column indices if `documents` is a matrix and `feature_names` is None.

    documents : iterable of iterables of str, or {ndarray, sparse matrix, DataFrame} of shape \
            (n_documents, n_columns)
        Tokens of each document in their order, iterated once, so that a generator is accepted. Or
        a document-term matrix, in which a term occurs if its entry is above 0, and each document
        is one window.

    measure : {"u_mass", "npmi", "c_v"}, default="c_v"
        Coherence measure. "c_v" agreed best with human judgment in Röder et al.; "npmi" is nearly
        as good and easier to interpret; "u_mass" was designed for the documents that the topics
        were fitted to, and depends on the order of the terms.

    window : int, "document" or None, default=None
        Number of tokens of the sliding window, at least 2; with "document" each document is one
        window. None means the published size: the whole document for "u_mass", 10 for "npmi" and
        110 for "c_v"; for a matrix, the whole document.

    feature_names : array-like of shape (n_columns,), default=None
        Terms of the columns of a matrix, such as ``vectorizer.get_feature_names_out()``.

    average : bool, default=True
        Whether to return the mean over topics, or one value per topic.

    Returns
    -------
    float or ndarray of shape (n_topics,)
        Coherence, always finite; larger values are better. "npmi" and "c_v" are between -1 and 1,
        "u_mass" is mostly below 0.

    Raises
    ------
    ValueError
        If a topic has fewer than two terms or the same term twice, if a term is not a column of
        the matrix, if all documents are empty, if the matrix has negative entries, or if `window`
        or `feature_names` do not match the documents.

    TypeError
        If topics or documents are strings instead of sequences, or if topics are column indices
        and documents are tokens.

    See Also
    --------
    topic_diversity : Fraction of distinct terms among the leading terms of topics.
    lrfact.coherence_scorer : Topic coherence on held-out documents, for GridSearchCV.

    Notes
    -----
    A document that is shorter than the window is one window. A document without tokens, or a row
    of the matrix without an entry above 0, is not a window. Tokens that are not in any topic keep
    their positions.

    Cases in which the formulas are undefined: a term that never occurs has the smallest possible
    value with every other term, :math:`N_{ij} = -1` or, for "u_mass" as :math:`w_j`, minus the
    logarithm of the number of windows; in "c_v" its vector is 0, and so is its cosine.
    :math:`N_{ij} = 0` for two terms that are both in every window.

    Terms that occur but never in the same window have :math:`N_{ij}` above -1, by an amount that
    depends on :math:`\epsilon`: two terms with P = 0.001 get -0.5.

    gensim uses 1e-12 instead of the 1 that is added to D in "u_mass". Its sliding window drops a
    term as soon as one of its occurrences leaves, even if another is still inside, and it counts
    empty documents as windows. Apart from that, its ``c_npmi`` with ``window_size=10`` and its
    ``c_v`` are "npmi" and "c_v" here.

    Cost: one dictionary look-up per token. Then for each topic of m terms with r occurrences, a
    sort of r numbers and O(r m^2) flops, and for a matrix O(nnz). Memory for three integers per
    occurrence of the topics' terms.

    References
    ----------
    Mimno, D., Wallach, H. M., Talley, E., Leenders, M. and McCallum, A. (2011). Optimizing
    semantic coherence in topic models. Proceedings of EMNLP 2011, ACL Anthology D11-1024.

    Aletras, N. and Stevenson, M. (2013). Evaluating topic coherence using distributional
    semantics. Proceedings of IWCS 2013, ACL Anthology W13-0102.

    Bouma, G. (2009). Normalized (pointwise) mutual information in collocation extraction.
    Proceedings of GSCL 2009.

    Röder, M., Both, A. and Hinneburg, A. (2015). Exploring the space of topic coherence measures.
    Proceedings of WSDM 2015. doi:10.1145/2684822.2685324.

    Examples
    --------
    >>> from lrfact.metrics import topic_coherence
    >>> documents = [
    ...     "the cat and the dog".split(),
    ...     "a dog is a pet".split(),
    ...     "my cat is my pet".split(),
    ...     "the car is on the road".split(),
    ...     "a car needs a road".split(),
    ... ]
    >>> topics = [["cat", "dog", "pet"], ["car", "dog", "is"]]
    >>> topic_coherence(topics, documents, average=False).round(2)
    array([0.72, 0.28])
    >>> topic_coherence(topics, iter(documents), measure="u_mass", average=False).round(2)
    array([ 0.  , -0.23])

    With a document-term matrix:

    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> vectorizer = CountVectorizer(analyzer=lambda tokens: tokens)
    >>> X = vectorizer.fit_transform(documents)
    >>> names = vectorizer.get_feature_names_out()
    >>> topic_coherence(topics, X, measure="npmi", feature_names=names, average=False).round(2)
    array([ 0.14, -0.39])
    """
    terms = checked_topics(topics, least=2)
    chosen = MEASURES[measure]
    if _is_matrix(documents):
        if window not in (None, "document"):
            raise ValueError(
                f"window={window!r} needs the order of the tokens, which a document-term matrix "
                "does not have; give documents as sequences of tokens, or window='document'"
            )
        columns = _as_columns(terms, feature_names, documents.shape[1])
        scores = coherence_of_columns(columns, documents, chosen)
    else:
        if feature_names is not None:
            raise ValueError(
                "feature_names are the columns of a document-term matrix, but documents are "
                "sequences of tokens; leave them out, or pass the matrix as a NumPy array, a "
                "sparse matrix or a DataFrame"
            )
        width = chosen.window if window is None else window
        if isinstance(width, str):
            width = WHOLE_DOCUMENT
        scores = _coherence_of_tokens(terms, documents, chosen, width)
    return float(scores.mean()) if average else scores


def coherence_of_columns(
    topics: list[npt.NDArray[np.int64]], X: Any, measure: CoherenceMeasure
) -> Floats:
    """Topic coherence for topics given as columns of a document-term matrix.

    Parameters
    ----------
    topics : list of ndarray of int
        Columns of each topic, best first. A topic with fewer than two columns has the score of a
        topic whose terms never occur.

    X : {array-like, sparse matrix} of shape (n_documents, n_columns)
        Document-term matrix. A term occurs in a document if its entry is above 0.

    measure : CoherenceMeasure
        Coherence measure, one of `MEASURES`.

    Returns
    -------
    ndarray of shape (n_topics,)
        Coherence of each topic; larger values are better.

    Raises
    ------
    ValueError
        If the matrix has negative entries or no entry above 0.
    """
    columns, numbers = np.unique(np.concatenate(topics), return_inverse=True)
    ends = np.cumsum([len(topic) for topic in topics])
    windows = windows_of_rows(X, columns)
    return _scores(np.split(numbers, ends[:-1]), windows, measure)


def _coherence_of_tokens(
    topics: list[list], documents: Any, measure: CoherenceMeasure, width: int
) -> Floats:
    others = [term for terms in topics for term in terms if not isinstance(term, str)]
    if others:
        raise TypeError(
            f"topics have {others[0]!r}, which is not a string, but documents are sequences of "
            "tokens; give the terms themselves, or a document-term matrix as a NumPy array, a "
            "sparse matrix or a DataFrame"
        )
    if isinstance(documents, str):
        raise TypeError(
            "documents is one string; give a sequence of documents, each a sequence of tokens"
        )
    number_of: dict[str, int] = {}
    numbers = [
        np.array([number_of.setdefault(term, len(number_of)) for term in terms]) for terms in topics
    ]
    return _scores(numbers, windows_of_tokens(documents, number_of, width), measure)


def _scores(
    topics: list[npt.NDArray[np.int64]], windows: TermWindows, measure: CoherenceMeasure
) -> Floats:
    if windows.n_windows == 0:
        raise ValueError(
            "documents are all empty, so no term can occur in them; give at least one document "
            "with a token, or a row with an entry above 0"
        )
    never = np.zeros((2, 2))
    return np.array(
        [
            measure.of_counts(
                windows.joint_counts(terms) if len(terms) > 1 else never, windows.n_windows
            )
            for terms in topics
        ]
    )


def _is_matrix(documents: Any) -> bool:
    if sp.issparse(documents) or hasattr(documents, "iloc"):
        return documents.ndim == 2
    return (
        isinstance(documents, np.ndarray) and documents.ndim == 2 and documents.dtype.kind in "biuf"
    )


def _as_columns(
    topics: list[list], feature_names: Any, n_columns: int
) -> list[npt.NDArray[np.int64]]:
    if feature_names is None:
        known = range(n_columns)
        strings = [term for terms in topics for term in terms if isinstance(term, str)]
        if strings:
            raise ValueError(
                f"topics have the term {strings[0]!r}, but its column of documents "
                "is unknown; pass feature_names, the terms of all columns, or give column indices"
            )
        column_of = dict(zip(known, known, strict=True))
    else:
        names = list(feature_names)
        column_of = {name: column for column, name in enumerate(names)}
        if not len(column_of) == len(names) == n_columns:
            raise ValueError(
                f"feature_names has {len(names)} names, {len(column_of)} of them distinct, but "
                f"documents has n_columns={n_columns}; give each column a unique name"
            )
    missing = [term for terms in topics for term in terms if term not in column_of]
    if missing:
        some = ", ".join(repr(term) for term in dict.fromkeys(missing[:5]))
        rule = f"from 0 to {n_columns - 1}" if feature_names is None else "of feature_names"
        raise ValueError(
            f"topics have terms that are not columns of documents: {some}; give only terms {rule}"
        )
    return [np.array([column_of[term] for term in terms]) for terms in topics]
