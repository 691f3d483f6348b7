"""The models searched: the same pipeline around either library's SVD."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def classifier_after(reduction):
    """Standardisation, the reduction and logistic regression."""
    return make_pipeline(StandardScaler(), reduction, LogisticRegression(max_iter=500))


def choice_of(search, rank):
    from tasks.rank_search import Choice

    return Choice(rank, float(search.best_score_), search.cv_results_["mean_test_score"])
