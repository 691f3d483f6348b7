"""lrfact's LSASearch at its defaults, with less of what these do, and its SVD alone."""

from __future__ import annotations

NAME = "lrfact"
TASKS = ("retrieval", "lee", "lsa")
OURS = True
TAKES_RANK = True
OWN_RANK = None

# What each part of the defaults does.
VARIANTS = {
    "LSASearch": {},
    "without feedback": {"n_feedback": 0},
    "latent only": {"n_feedback": 0, "lexical_weight": 0},
    "words only": {"n_feedback": 0, "lexical_weight": 1},
    "log-entropy": {"weighting": "log-entropy"},
    "correspondence": {"weighting": None, "centering": "correspondence", "lexical_weight": 0.5},
}

# What a search over judged queries may choose from, besides the rank.
CHOICES = {
    f"{weighting}, lexical {share}": {"weighting": weighting, "lexical_weight": share}
    for weighting in ("bm25", "log-entropy")
    for share in (0.2, 0.4, 0.6)
}


def available():
    return None


def _search(k, **options):
    from lrfact import LSASearch

    return LSASearch(k, random_state=0, **options)


def rankers():
    return {name: _ranker(options) for name, options in VARIANTS.items()}


def choices():
    return {name: _ranker(options) for name, options in CHOICES.items()}


def _ranker(options):
    def ranker(texts, k):
        search = _search(k, **options).fit(texts)
        return lambda queries: search.kneighbors(queries, len(texts), return_distance=False)

    return ranker


def similarities():
    import numpy as np

    def cosines(background, test, k, weighting):
        W = _search(k, weighting=weighting).fit(background).transform(test)
        W = W / np.linalg.norm(W, axis=1, keepdims=True)
        return W @ W.T

    def scores(background, test, k, weighting):
        search = _search(k, weighting=weighting, n_feedback=0).fit(background).add(test)
        distances, indices = search.kneighbors(test, search.n_samples_fit_)
        S = np.zeros((len(test), search.n_samples_fit_))
        np.put_along_axis(S, indices, 1 - distances, axis=1)
        S = S[:, len(background) :]
        return (S + S.T) / 2

    return {
        f"{what}, {weighting}": lambda b, t, k, compare=compare, weighting=weighting: compare(
            b, t, k, weighting
        )
        for weighting in ("bm25", "log-entropy", "tf-idf")
        for what, compare in (("cosines", cosines), ("scores of LSASearch", scores))
    }


def fits():
    from lrfact import LSASearch, TruncatedSVDReducer

    def search(A, k, seed):
        model = LSASearch(k, vectorizer=None, weighting=None, lexical_weight=0, random_state=seed)
        return model.fit(A).singular_values_

    def reducer(A, k, seed):
        return TruncatedSVDReducer(k, random_state=seed).fit(A).singular_values_

    return {"LSASearch": search, "TruncatedSVDReducer": reducer}


def convert(A):
    return A


def answerers():
    def answerer(options):
        def start(texts):
            search = _search(100, **options).fit(texts)
            return lambda query: search.search(query, n=10)

        return start

    return {name: answerer(VARIANTS[name]) for name in ("LSASearch", "latent only")}
