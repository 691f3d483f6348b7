"""implicit's AlternatingLeastSquares, by three conjugate gradients or Cholesky, on the CPU.

The values that it is given are the confidences themselves. It asks for a BLAS of one thread, as its
own threads would compete with those of BLAS.
"""

from __future__ import annotations

from peers import missing
from peers._implicit_library import confidences, single_blas_thread

NAME = "implicit ALS"
TASKS = ("implicit_als",)
VARIANTS = ("cg", "cholesky")


def available():
    return missing("implicit")


def prepare(X, alpha):
    return confidences(X, alpha)


def train(data, variant, *, k, alpha, reg, n_sweeps, n_threads, random_state):
    from implicit.als import AlternatingLeastSquares

    with single_blas_thread():
        model = AlternatingLeastSquares(
            factors=k,
            regularization=reg,
            alpha=1.0,
            use_native=True,
            use_cg=variant == "cg",
            use_gpu=False,
            iterations=n_sweeps,
            num_threads=n_threads,
            random_state=random_state,
        )
        model.fit(data, show_progress=False)
    return model


def factors(model):
    return model.user_factors, model.item_factors
