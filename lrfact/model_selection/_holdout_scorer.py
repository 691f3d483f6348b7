"""holdout_scorer: for searches over rows, the error on entries hidden from each test row."""

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
    """Make a scorer that hides entries of each test row and has them predicted from the others.

    For models of a matrix with holes, whose rows can be split by GridSearchCV or RankSearchCV like
    those of any other: the estimator is fitted on the training rows; of each test row it is shown
    a part, and judged by the rest.

    Parameters
    ----------
    metric : str or callable, default='rmse'
        "rmse" or "mae", of which the score is minus the value; the name of another scorer of
        scikit-learn for regression, such as "r2"; or a function ``metric(y_true, y_pred)`` that is
        greater for better predictions. All hidden entries count alike. For recommenders also a
        function of `lrfact.metrics`, such as "ndcg_at_k" or
        ``functools.partial(recall_at_k, k=20)``: hidden entries should then be among the columns
        that ``estimator.recommend`` finds, and all rows with some to be found count alike.

    test_size : float or int, default=0.2
        Share of the observed entries of each row to hide, in (0, 1), or their number. One entry
        of each row is always shown, so rows with a single one are not judged.

    relevant : float, default=None
        For metrics of `lrfact.metrics`: the least value of an entry that should be found. None
        takes the entries for gains, from 0.

    random_state : int, RandomState instance or None, default=0
        Which entries are hidden. It is read here, once: the scorer then hides the same entries
        of the same rows at every call, so that all parameters are compared on equal terms.

    Returns
    -------
    HoldoutScorer
        Called as ``scorer(estimator, X)``, returns a float, greater for better. It can be
        pickled.

    Raises
    ------
    ValueError
        If there is no such metric, or `test_size` is out of its range. The scorer raises it if no
        row has two observed entries.

    See Also
    --------
    cross_val_score_entries : Splits all entries rather than rows.
    train_test_split_entries : One split of all entries.
    MaskedMF.score : Error of each entry predicted from all others of its row, in closed form.

    Notes
    -----
    The estimator is asked for ``predict_entries(rows, columns, X=shown)`` if it has that,
    else for ``predict(shown)`` or, of an imputer, ``transform(shown)``, in blocks of rows, so that
    no large dense matrix is made of a sparse one. A missing entry of dense rows is one equal to
    ``estimator.missing_values``, or NaN if the estimator has no such parameter. For `ImplicitMF`
    zeros are not entries, in dense rows and in sparse ones that store some.

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
    """What `holdout_scorer` makes.

    Attributes
    ----------
    score : HeldOutScore
        Compares.

    test_size : float or int
        How much of each row is hidden.

    seed : int
        Which entries are.
    """

    score: HeldOutScore
    test_size: int | float
    seed: int

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score a fitted estimator on rows with holes; `y` is ignored."""
        matrix = EntryMatrix.from_input(
            X,
            missing_values=missing_values_of(estimator),
            owner="holdout_scorer",
            zero_is_absent=zero_is_absent(estimator),
        )
        rng = np.random.RandomState(self.seed)
        held_out = sample_of_rows(matrix.entries.indptr, self.test_size, rng)
        return self.score(estimator, matrix.part(~held_out), matrix.entries_where(held_out))
