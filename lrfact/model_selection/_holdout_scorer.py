"""holdout_scorer: the error on held-out entries of test rows, for searches over rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from lrfact.model_selection._entry_matrix import EntryMatrix
from lrfact.model_selection._held_out_predictions import missing_values_of, zero_is_absent
from lrfact.model_selection._held_out_scores import HeldOutScore, Metric
from lrfact.model_selection._test_size import check_test_size
from lrfact.solvers.observed.entry_sampling import sample_of_rows


def holdout_scorer(
    metric: Metric = "rmse",
    *,
    test_size: float = 0.2,
    relevant: float | None = None,
    random_state: Any = 0,
) -> "HoldoutScorer":
    """Make a scorer that holds out entries of each test row and predicts them from the others.

    For models of incomplete matrices in GridSearchCV or RankSearchCV: the estimator is fitted on
    the training rows. Some entries of each test row are held out; the score compares them with
    predictions from the other entries of the row.

    Parameters
    ----------
    metric : str or callable, default='rmse'
        "rmse" or "mae", whose negated value is the score; the name of another regression scorer of
        scikit-learn, such as "r2"; or a function ``metric(y_true, y_pred)`` for which higher is
        better. All held-out entries have equal weight. For recommenders also a function of
        `lrfact.metrics`, such as "ndcg_at_k" or ``functools.partial(recall_at_k, k=20)``, which
        compares the held-out entries with the columns that ``estimator.recommend`` returns; all
        rows with relevant entries have equal weight.

    test_size : float or int, default=0.2
        Fraction of the observed entries of each row to hold out, in (0, 1), or their number. At
        least one entry of each row is kept, so that rows with a single entry are not scored.

    relevant : float, default=None
        Minimum value of a relevant entry, for metrics of `lrfact.metrics`. If None, the entries
        are gains, which must not be negative.

    random_state : int, RandomState instance or None, default=0
        Controls which entries are held out. It is used once, when the scorer is made: each call
        of the scorer holds out the same entries of the same rows, so that all candidates are
        compared on the same entries.

    Returns
    -------
    HoldoutScorer
        Scorer, called as ``scorer(estimator, X)``; returns a float, for which higher is better. It
        can be pickled.

    Raises
    ------
    ValueError
        If there is no such metric, or `test_size` is out of range. Raised by the scorer if no row
        has two observed entries.

    See Also
    --------
    cross_val_score_entries : Cross-validation over entries instead of rows.
    train_test_split_entries : One split of all entries.
    MaskedMF.score : Leave-one-out error of each entry given the others of its row, in closed form.

    Notes
    -----
    Predictions are made by ``predict_entries(rows, columns, X=shown)`` if the estimator has it,
    else by ``predict(shown)`` or, for an imputer, ``transform(shown)``, in blocks of rows, so that
    a large sparse matrix is not converted to a dense one. In dense rows an entry is missing if it
    equals ``estimator.missing_values``, or NaN if the estimator has no such parameter. For
    `ImplicitMF` zeros are not entries, whether stored or not.

    References
    ----------
    Marlin (2004), Collaborative filtering: a machine learning perspective, for the protocol, there
    called strong generalization.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from lrfact import MaskedMF, holdout_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 30)) + rng.normal(size=(200, 30)) / 10
    >>> X[rng.random(X.shape) < 0.5] = np.nan
    >>> ranks = {"n_components": [1, 2, 3, 4, 5]}
    >>> model = MaskedMF(reg=0.1, bias=False, random_state=0)
    >>> search = GridSearchCV(model, ranks, scoring=holdout_scorer("mae")).fit(X)
    >>> search.best_params_
    {'n_components': 3}
    """
    if isinstance(random_state, int | np.integer):
        seed = int(random_state)
    else:
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    score = HeldOutScore(metric, "holdout_scorer", relevant)
    return HoldoutScorer(score, check_test_size(test_size), seed)


@dataclass(frozen=True)
class HoldoutScorer:
    """Scorer made by `holdout_scorer`.

    Attributes
    ----------
    score : HeldOutScore
        Comparison of predictions with held-out entries.

    test_size : float or int
        Fraction or number of entries of each row that are held out.

    seed : int
        Seed that determines the held-out entries.
    """

    score: HeldOutScore
    test_size: int | float
    seed: int

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score a fitted estimator on incomplete rows; `y` is ignored."""
        matrix = EntryMatrix.from_input(
            X,
            missing_values=missing_values_of(estimator),
            owner="holdout_scorer",
            zero_is_absent=zero_is_absent(estimator),
        )
        rng = np.random.RandomState(self.seed)
        held_out = sample_of_rows(matrix.entries.indptr, self.test_size, rng)
        return self.score(estimator, matrix.part(~held_out), matrix.entries_where(held_out))
