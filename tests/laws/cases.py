"""Estimators and solvers under test, small data sets, and the units of the results."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

import lrfact

N_ROWS, N_COLUMNS = 24, 9


# Kinds of matrices: absent entries are zeros, or missing.
COMPLETE, INCOMPLETE, PAIRS = "complete", "incomplete", "pairs"

Results = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """An estimator with one solver.

    Attributes
    ----------
    name : str
        Name in the table of the documentation.

    make : callable
        Returns a new estimator; keywords change its parameters.

    kind : str
        Meaning of the entries that a matrix does not store.

    units : dict of str to float or str
        Attributes and outputs, each with the power of the unit of X that it is measured in: 1 for
        the unit itself, 0 for none. "log" for a log-likelihood, which falls by ``log(s)`` for each
        column.

    outputs : dict of str to callable
        Functions of a fitted estimator and rows. Attributes have none.

    parameter_units : dict of str to float
        Parameters that are measured in powers of the unit of X.

    labeled : bool
        Whether columns are found by their names.

    by_place : tuple of str
        Outputs that depend on the places of entries by definition, such as a score of entries that
        are hidden at random.

    order_tol : float
        Tolerance for rows and columns in another order.

    tight : dict
        Parameters by which results are compared that depend on how far an iteration went.
    """

    name: str
    make: Callable[..., Any]
    kind: str
    units: Mapping[str, Any]
    outputs: Mapping[str, Callable[[Any, Any], Any]] = field(default_factory=dict)
    parameter_units: Mapping[str, float] = field(default_factory=dict)
    labeled: bool = False
    by_place: tuple[str, ...] = ()
    order_tol: float = 1e-4
    tight: Mapping[str, Any] = field(default_factory=dict)

    @property
    def estimator_name(self) -> str:
        """Name of the class."""
        return self.name.split()[0]

    def results(self, model: Any, rows: Any, names: Any = None) -> Results:
        """Return the results of a fitted estimator that have a unit, or some of them."""
        values = {}
        for name in self.units if names is None else names:
            value = (
                self.outputs[name](model, rows) if name in self.outputs else getattr(model, name)
            )
            value = value.toarray() if sparse.issparse(value) else value
            values[name] = np.asarray(value, dtype=np.float64)
        return values

    def fitted_results(self, X: Any, **changes: Any) -> Results:
        """Fit, and return the results for the same rows."""
        return self.results(self.fit(X, **changes), rows_of(X))

    def fit(self, X: Any, **changes: Any) -> Any:
        """Fit a new estimator."""
        given = X if isinstance(X, Pairs) else (X,)
        return self.make(**changes).fit(*given)


class Pairs(tuple):
    """Long table and its values, the arguments of `fit`."""


def rows_of(X: Any) -> Any:
    """Return the argument of `predict` from the arguments of `fit`."""
    return X[0] if isinstance(X, Pairs) else X


def _transform(model, X):
    return model.transform(X)


def _predict(model, X):
    return model.predict(X)


def _score(model, X):
    return model.score(X)


def _last_loss(model, X):
    return model.loss_curve_[-1]


def _first_two(model, X):
    return model.recommend(X, n_items=2)[0]


def _similarity(model, X):
    # Infinitely far are those that are not there.
    distances = model.kneighbors(X, n_neighbors=3)[0]
    return np.where(np.isinf(distances), 0, 1 - distances)


def _maker(Estimator: type, **parameters: Any) -> Callable[..., Any]:
    if "n_jobs" in inspect.signature(Estimator).parameters:
        parameters = {"n_jobs": 1, **parameters}  # so little work wakes no thread in time
    return lambda **changes: Estimator(**{**parameters, **changes})


SVD_SOLVERS = ("exact", "gram", "randomized", "lanczos")
# Solvers of singular vectors are compared after they have converged.
_CONVERGED = {"tol": 1e-12}


def _svd_cases() -> list[Case]:
    shared = {"components_": 0, "singular_values_": 1, "explained_variance_": 2}
    shared["explained_variance_ratio_"] = 0
    return [
        *(
            Case(
                f"TruncatedSVDReducer {solver}",
                _maker(lrfact.TruncatedSVDReducer, n_components=2, solver=solver, random_state=0),
                COMPLETE,
                {**shared, "explained_energy_ratio_": 0, "transform": 1, "score": 1},
                {"transform": _transform, "score": _score},
                tight={} if solver in ("exact", "gram") else _CONVERGED,
            )
            for solver in SVD_SOLVERS
        ),
        *(
            Case(
                f"PCAFromSVD {solver}",
                _maker(lrfact.PCAFromSVD, n_components=2, solver=solver, random_state=0),
                COMPLETE,
                {**shared, "mean_": 1, "noise_variance_": 2, "transform": 1, "score": "log"},
                {"transform": _transform, "score": _score},
                tight={} if solver in ("exact", "gram") else _CONVERGED,
            )
            for solver in SVD_SOLVERS
        ),
        Case(
            "RankSearchCV",
            _maker(
                lrfact.RankSearchCV,
                estimator=lrfact.TruncatedSVDReducer(solver="exact"),
                ranks=[1, 2, 3],
                cv=3,
            ),
            COMPLETE,
            {"best_rank_": 0, "mean score": 1, "transform": 1},
            {
                "mean score": lambda model, X: model.cv_results_["mean_test_score"],
                "transform": _transform,
            },
        ),
    ]


def _recommender_outputs() -> dict[str, Any]:
    return {"transform": _transform, "predict": _predict, "score": _score, "recommend": _first_two}


def _implicit_cases() -> list[Case]:
    def make(**parameters):
        return _maker(lrfact.ImplicitMF, n_components=2, random_state=0, **parameters)

    return [
        Case(
            "ImplicitMF als",
            make(solver="als", max_iter=300, tol=1e-9, reg=0.05, alpha=2.0),
            COMPLETE,
            {"components_": 0, "row_factors_": 0, "transform": 0, "predict": 0, "score": 0},
            _recommender_outputs(),
            parameter_units={"alpha": -1},
            labeled=True,
            by_place=("score",),
        ),
        Case(
            "ImplicitMF svd",
            make(solver="svd", reg=0.2),
            COMPLETE,
            {"components_": 0.5, "row_factors_": 0.5, "transform": 0.5, "predict": 1, "score": 0},
            _recommender_outputs(),
            labeled=True,
            by_place=("score",),
        ),
        Case(
            "ImplicitMF bpr",
            make(loss="bpr", max_iter=2, tol=0),
            COMPLETE,
            {"components_": 0, "column_bias_": 0, "transform": 0, "predict": 0, "score": 0},
            _recommender_outputs(),
            labeled=True,
        ),
    ]


def _incomplete_cases() -> list[Case]:
    factors = {
        "components_": 0,
        "intercept_": 1,
        "column_bias_": 1,
        "row_factors_": 1,
        "row_bias_": 1,
        "transform": 1,
        "predict": 1,
        "score": 1,
    }

    def masked(**parameters):
        return _maker(lrfact.MaskedMF, n_components=2, random_state=0, **parameters)

    return [
        Case(
            "MaskedMF als",
            masked(max_iter=300, tol=1e-10),
            INCOMPLETE,
            {**factors, "loss": 2},
            {**_recommender_outputs(), "loss": _last_loss},
            labeled=True,
        ),
        Case(
            "MaskedMF als nonnegative",
            masked(nonnegative=True, bias=False, max_iter=300, tol=1e-10),
            INCOMPLETE,
            {**factors, "loss": 2},
            {**_recommender_outputs(), "loss": _last_loss},
            labeled=True,
            # The balance between both factors converges slowly, unlike their product.
            order_tol=5e-3,
        ),
        Case(
            "MaskedMF sgd",
            masked(solver="sgd", max_iter=8, tol=0, reg=0.1),
            INCOMPLETE,
            factors,
            _recommender_outputs(),
            labeled=True,
        ),
        Case(
            "BayesianMF",
            _maker(
                lrfact.BayesianMF,
                n_components=2,
                n_draws=8,
                n_burn_in=8,
                thinning=1,
                random_state=0,
            ),
            INCOMPLETE,
            {**factors, "noise_std_": 1, "residual_curve_": 1, "standard deviation": 1},
            {
                **_recommender_outputs(),
                "standard deviation": lambda model, X: model.predict_entries(
                    [0, 1, 2], [2, 1, 0], X=X, return_std=True
                )[1],
            },
            labeled=True,
        ),
        Case(
            "SoftImpute",
            _maker(lrfact.SoftImpute, random_state=0, tol=1e-8, max_iter=1000),
            INCOMPLETE,
            {"mean_": 1, "transform": 1, "score": 1},
            {"transform": _transform, "score": _score},
        ),
        Case(
            "SoftImpute scaled",
            _maker(
                lrfact.SoftImpute,
                reg=1.0,
                scale="columns",
                random_state=0,
                tol=1e-9,
                max_iter=300,
            ),
            INCOMPLETE,
            {
                "components_": 0,
                "singular_values_": 0,
                "mean_": 1,
                "scale_": 1,
                "transform": 1,
                "score": 1,
            },
            {"transform": _transform, "score": _score},
        ),
    ]


def _topic_cases() -> list[Case]:
    def make(**parameters):
        given = {"n_components": 2, "random_state": 0, "max_iter": 400, "tol": 1e-10}
        return _maker(lrfact.NMFTopics, **{**given, **parameters})

    # Both factors have the root of the unit of X.
    units = {"components_": 0.5, "topic_share_": 0, "transform": 0.5, "product": 1}
    outputs = {
        "transform": _transform,
        "product": lambda model, X: model.inverse_transform(model.transform(X)),
        "score": _score,
    }
    return [
        Case(
            "NMFTopics hals",
            make(solver="hals"),
            COMPLETE,
            {**units, "reconstruction_err_": 1, "score": 2},
            outputs,
            by_place=("score",),
        ),
        Case(
            "NMFTopics mu",
            make(solver="mu", tol=1e-7),
            COMPLETE,
            {**units, "reconstruction_err_": 1},
            outputs,
        ),
        Case(
            "NMFTopics mu Kullback-Leibler",
            make(solver="mu", beta_loss="kullback-leibler", tol=1e-7),
            COMPLETE,
            {**units, "reconstruction_err_": 0.5},
            outputs,
        ),
    ]


def _text_cases() -> list[Case]:
    def search(**parameters):
        return _maker(
            lrfact.LSASearch, n_components=2, solver="exact", random_state=0, **parameters
        )

    nearest = {
        "transform": _transform,
        "similarity": _similarity,
    }
    units = {"components_": 0, "singular_values_": 1, "document_vectors_": 0, "transform": 1}
    weights = {"transform": _transform}
    return [
        Case(
            "LSASearch",
            search(weighting=None),
            COMPLETE,
            {**units, "similarity": 0},
            nearest,
        ),
        Case(
            "LSASearch bm25",
            search(weighting="bm25"),
            COMPLETE,
            {**units, "similarity": 0},
            nearest,
        ),
        Case(
            "TermWeighting bm25",
            _maker(lrfact.TermWeighting),
            COMPLETE,
            {"term_weights_": 0, "mean_length_": 1, "transform": 0},
            weights,
        ),
        Case(
            "TermWeighting log-entropy",
            _maker(lrfact.TermWeighting, scheme="log-entropy"),
            COMPLETE,
            {"term_weights_": 0, "mean_length_": 1, "transform": 0},
            weights,
        ),
        Case(
            "TermWeighting tf-idf",
            _maker(lrfact.TermWeighting, scheme="tf-idf"),
            COMPLETE,
            {"term_weights_": 0, "mean_length_": 1, "transform": 1},
            weights,
        ),
        Case(
            "PPMI",
            _maker(lrfact.PPMI),
            COMPLETE,
            {"context_log_probability_": 0, "transform": 0},
            weights,
        ),
    ]


def _pairs_cases() -> list[Case]:
    def make(inner):
        def made(**changes):
            return lrfact.EntryRegressor(inner(**changes))

        return made

    return [
        Case(
            "EntryRegressor MaskedMF",
            make(_maker(lrfact.MaskedMF, n_components=2, random_state=0, max_iter=300, tol=1e-10)),
            PAIRS,
            {"mean_": 1, "predict": 1},
            {"predict": _predict},
        ),
        Case(
            "EntryRegressor BayesianMF",
            make(
                _maker(
                    lrfact.BayesianMF,
                    n_components=2,
                    n_draws=8,
                    n_burn_in=8,
                    thinning=1,
                    random_state=0,
                )
            ),
            PAIRS,
            {"mean_": 1, "predict": 1},
            {"predict": _predict},
        ),
    ]


CASES = {
    case.name: case
    for case in (
        *_svd_cases(),
        *_topic_cases(),
        *_incomplete_cases(),
        *_implicit_cases(),
        *_text_cases(),
        *_pairs_cases(),
    )
}


def values_of(case: Case, *, largest: int = 5) -> np.ndarray:
    """Return small integers, the same for all cases of a kind; 0 for absent entries."""
    rng = np.random.default_rng(3)
    groups = np.arange(N_ROWS) % 3
    taste = rng.integers(1, 4, size=(3, N_COLUMNS))
    values = taste[groups] + rng.integers(0, 3, size=(N_ROWS, N_COLUMNS))
    absent = rng.random(values.shape) < 0.4
    # Every row and column keeps entries.
    absent[np.arange(N_ROWS), np.arange(N_ROWS) % N_COLUMNS] = False
    absent[np.arange(N_ROWS), (np.arange(N_ROWS) + 1) % N_COLUMNS] = False
    return np.where(absent, 0, np.minimum(values, largest)).astype(np.float64)


def matrix_of(case: Case, values: np.ndarray | None = None) -> Any:
    """Return the data of a case in the simplest form: a C-contiguous array, or a list of pairs."""
    values = values_of(case) if values is None else values
    if case.kind == COMPLETE:
        return np.ascontiguousarray(values)
    if case.kind == INCOMPLETE:
        return np.where(values == 0, np.nan, values)
    rows, columns = np.nonzero(values)
    pairs = np.empty((len(rows), 2), dtype=object)
    pairs[:, 0] = [f"user {i}" for i in rows]
    pairs[:, 1] = [f"item {j}" for j in columns]
    return Pairs((pairs, values[rows, columns]))


def difference(found: Results, expected: Results) -> dict[str, float]:
    """Return the largest difference of each result, relative to its largest absolute value."""
    differences = {}
    for name, value in expected.items():
        other = found[name]
        if other.shape != value.shape:
            differences[name] = np.inf
            continue
        size = max(float(np.abs(value).max(initial=0)), np.finfo(np.float64).tiny)
        worst = float(np.abs(other / size - value / size).max(initial=0))
        differences[name] = worst if np.isfinite(worst) else np.inf
    return differences


def assert_same(found: Results, expected: Results, tol: float, what: str = "") -> None:
    """Raise unless results agree to a tolerance relative to the largest value of each."""
    worse = {name: d for name, d in difference(found, expected).items() if not d <= tol}
    assert not worse, f"{what} differs by {worse}, more than {tol}"
