"""Fits of every estimator that takes `n_jobs`, on data that second threads are woken for."""

import numpy as np
from scipy import sparse

import lrfact

N_ROWS, N_COLUMNS = 1000, 200


def _clicks():
    rng = np.random.default_rng(0)
    groups = rng.integers(4, size=N_ROWS)
    chances = rng.uniform(0.01, 0.3, (4, N_COLUMNS))
    return sparse.csr_array((rng.random((N_ROWS, N_COLUMNS)) < chances[groups]).astype(float))


def _ratings():
    rng = np.random.default_rng(1)
    R = rng.standard_normal((N_ROWS, 3)) @ rng.standard_normal((3, N_COLUMNS)) + 3
    R += 0.1 * rng.standard_normal(R.shape)
    R[rng.random(R.shape) < 0.7] = np.nan
    return R


def _texts():
    rng = np.random.default_rng(2)
    words = np.array([f"word{i}" for i in range(300)])
    return [" ".join(rng.choice(words[10 * (i % 20) :][:80], 30)) for i in range(N_ROWS)]


CLICKS, RATINGS, TEXTS = _clicks(), _ratings(), _texts()
DENSE = np.nan_to_num(RATINGS)
LONG = np.column_stack(np.nonzero(np.isfinite(RATINGS)))
LONG_RATINGS = RATINGS[LONG[:, 0], LONG[:, 1]]


def _masked(n_jobs, **parameters):
    model = lrfact.MaskedMF(4, max_iter=4, random_state=0, n_jobs=n_jobs, **parameters)
    model.fit(RATINGS)
    indices, scores = model.recommend(RATINGS[:500], n_items=5)
    return [model.components_, model.transform(RATINGS), indices, scores, model.score(RATINGS)]


def _bayesian(n_jobs):
    short = {"n_draws": 6, "n_burn_in": 4, "thinning": 1}
    model = lrfact.BayesianMF(4, **short, random_state=0, n_jobs=n_jobs).fit(RATINGS)
    return [model.components_, model.transform(RATINGS[:300])]


def _entries(n_jobs):
    inner = lrfact.MaskedMF(3, max_iter=3, random_state=0, n_jobs=n_jobs)
    return [lrfact.EntryRegressor(inner).fit(LONG, LONG_RATINGS).predict(LONG[:500])]


def _implicit(n_jobs, **parameters):
    model = lrfact.ImplicitMF(24, random_state=0, n_jobs=n_jobs, **parameters).fit(CLICKS)
    return [model.components_, model.transform(CLICKS), *model.recommend(CLICKS, n_items=5)]


def _topics(n_jobs, X=CLICKS, **parameters):
    model = lrfact.NMFTopics(4, max_iter=6, random_state=0, n_jobs=n_jobs, **parameters).fit(X)
    return [model.components_, model.transform(X)]


def _svd(n_jobs, X=CLICKS, **parameters):
    model = lrfact.TruncatedSVDReducer(5, random_state=0, n_jobs=n_jobs, **parameters).fit(X)
    return [model.components_, model.singular_values_, model.transform(X)]


def _pca(n_jobs, X=CLICKS):
    model = lrfact.PCAFromSVD(5, random_state=0, n_jobs=n_jobs).fit(X)
    return [model.components_, model.explained_variance_, model.transform(X), model.score(X)]


def _soft_impute(n_jobs):
    model = lrfact.SoftImpute(max_iter=2, random_state=0, n_jobs=n_jobs)
    return [model.fit_transform(RATINGS[:400])]


def _search(n_jobs):
    model = lrfact.LSASearch(6, random_state=0, n_jobs=n_jobs).fit(TEXTS)
    hits = [hit for found in model.search(TEXTS[:200], 5) for hit in found]
    return [model.components_, [hit.document for hit in hits], [hit.score for hit in hits]]


def _rank_search(n_jobs):
    inner = lrfact.TruncatedSVDReducer(random_state=0)
    model = lrfact.RankSearchCV(inner, ranks=[1, 3, 5], cv=3, n_jobs=n_jobs).fit(DENSE)
    return [model.cv_results_["mean_test_score"], model.best_rank_]


def _select_rank(n_jobs):
    small = {"n_permutations": 2, "max_rank": 6, "random_state": 0}
    chosen = lrfact.select_rank(DENSE[:400], method="parallel", **small, n_jobs=n_jobs)
    return [chosen.n_components, chosen.choices["parallel"].curve]


FITS = {
    "MaskedMF": _masked,
    "MaskedMF sgd": lambda n_jobs: _masked(n_jobs, solver="sgd"),
    "MaskedMF nonnegative": lambda n_jobs: _masked(n_jobs, nonnegative=True),
    "BayesianMF": _bayesian,
    "EntryRegressor": _entries,
    "ImplicitMF": lambda n_jobs: _implicit(n_jobs, solver="als", max_iter=3),
    "ImplicitMF sgd": lambda n_jobs: _implicit(n_jobs, loss="bpr", max_iter=3),
    "ImplicitMF svd": lambda n_jobs: _implicit(n_jobs, solver="svd"),
    "NMFTopics": _topics,
    "NMFTopics dense": lambda n_jobs: _topics(n_jobs, np.abs(DENSE)),
    "NMFTopics missing": lambda n_jobs: _topics(n_jobs, np.abs(RATINGS)),
    "NMFTopics Kullback-Leibler": lambda n_jobs: _topics(n_jobs, beta_loss="kullback-leibler"),
    "TruncatedSVDReducer": _svd,
    "TruncatedSVDReducer exact": lambda n_jobs: _svd(n_jobs, DENSE[:120], solver="exact"),
    "TruncatedSVDReducer gram": lambda n_jobs: _svd(n_jobs, solver="gram"),
    "TruncatedSVDReducer lanczos": lambda n_jobs: _svd(n_jobs, solver="lanczos"),
    "TruncatedSVDReducer randomized": lambda n_jobs: _svd(n_jobs, DENSE, solver="randomized"),
    "PCAFromSVD": _pca,
    "PCAFromSVD dense": lambda n_jobs: _pca(n_jobs, DENSE),
    "SoftImpute": _soft_impute,
    "LSASearch": _search,
    "RankSearchCV": _rank_search,
    "select_rank": _select_rank,
}


def results_of(name, n_jobs):
    """What the fit of that name finds, and what is computed with it, as arrays.

    The fits stop early, and warn of that.
    """
    return [np.asarray(result) for result in FITS[name](n_jobs)]


def are_equal(found, expected):
    """Whether all bits are."""
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(found, expected, strict=True)
    )
