"""implicit's AlternatingLeastSquares, by conjugate gradients, and BayesianPersonalizedRanking."""

from __future__ import annotations

from scipy.sparse import csr_matrix

from peers import missing
from peers._implicit_library import confidences, single_blas_thread

NAME = "implicit"
TASKS = ("implicit_ranking",)
PROGRAM = "implicit"


def available():
    return missing("implicit")


def rankers():
    return {"als": _als, "bpr": _bpr}


def _als(X, parameters, n_threads, random_state):
    from implicit.als import AlternatingLeastSquares

    options = {name: value for name, value in parameters.items() if name != "alpha"}
    with single_blas_thread():
        model = AlternatingLeastSquares(
            **options, alpha=1.0, use_gpu=False, num_threads=n_threads, random_state=random_state
        )
        model.fit(confidences(X, parameters["alpha"]), show_progress=False)
    return model.user_factors, model.item_factors


def _bpr(X, parameters, n_threads, random_state):
    """The last factor of rows is 1, that of columns their bias."""
    from implicit.bpr import BayesianPersonalizedRanking

    with single_blas_thread():
        model = BayesianPersonalizedRanking(
            **parameters, use_gpu=False, num_threads=n_threads, random_state=random_state
        )
        model.fit(csr_matrix(X), show_progress=False)
    return model.user_factors, model.item_factors
