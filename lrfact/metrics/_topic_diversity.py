"""Topic diversity: the fraction of distinct terms among the leading terms of topics."""

from numbers import Integral
from typing import Any

from lrfact._sklearn_compat import Interval, validate_params
from lrfact.metrics._checked_topics import checked_topics


@validate_params(
    {"topics": "no_validation", "n_terms": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def topic_diversity(topics: Any, *, n_terms: int = 25) -> float:
    r"""Topic diversity: the fraction of distinct terms among the first terms of all topics.

    .. math:: TD = \frac{\big|\bigcup_{t=1}^{T} \{w_{t1}, \dots, w_{tn}\}\big|}{T n}

    where :math:`w_{ti}` is the term at place i of topic t and n is `n_terms`. 1 means that no two
    topics have a common term, :math:`1 / T` that all topics have the same terms.

    Parameters
    ----------
    topics : sequence of sequences, or ndarray of shape (n_topics, n_ranked)
        Terms of each topic, best first, each at most once in a topic: strings, or column indices.

    n_terms : int, default=25
        Number of leading terms per topic. A topic with fewer terms counts with all of them.

    Returns
    -------
    float
        Topic diversity, in (0, 1].

    Raises
    ------
    ValueError
        If there are no topics, if a topic is empty or has the same term twice, or if `n_terms` is
        below 1.

    See Also
    --------
    topic_coherence : Co-occurrence of the terms of each topic in documents.

    Notes
    -----
    Report it together with the coherence: copies of one coherent topic have a high coherence and a
    low diversity. Dieng, Ruiz and Blei call the product of both topic quality.

    Cost: O(n_topics n_terms) time and memory.

    References
    ----------
    Dieng, A. B., Ruiz, F. J. R. and Blei, D. M. (2020). Topic modeling in embedding spaces.
    Transactions of the Association for Computational Linguistics 8. doi:10.1162/tacl_a_00325.

    Examples
    --------
    >>> from lrfact.metrics import topic_diversity
    >>> topic_diversity([["cat", "dog", "pet"], ["dog", "car", "road"]])
    0.8333333333333334
    >>> topic_diversity([["cat", "dog", "pet"], ["dog", "car", "road"]], n_terms=1)
    1.0
    """
    first = [terms[:n_terms] for terms in checked_topics(topics, least=1)]
    return len(set().union(*first)) / sum(map(len, first))
