"""cmfrec.CMF: alternating least squares with biases, by conjugate gradients or Cholesky, float32.

Factors of rows and columns without entries are left uninitialized in cmfrec, so that its own
predictions for them would be any number. They count as zero here.
"""

from __future__ import annotations

from peers import FEW_RATINGS, missing, ranks_to_try
from peers._biased_factors import BiasedFactors, predict_from_factors, where_seen

NAME = "cmfrec"
TASKS = ("ratings", "als_sweep")


def available():
    return missing("cmfrec")


def settings(task, X, k):
    few = X.nnz <= FEW_RATINGS
    # By whether they are multiplied with the number of entries.
    penalties = (
        {False: (10.0, 20.0), True: (0.05, 0.08, 0.12)} if few else {False: (20.0,), True: (0.08,)}
    )
    return [
        {"variant": variant, "k": rank, "lambda_": reg, "scale_lam": scaled, "niter": n}
        for variant in ("cg", "cholesky")
        for rank in (ranks_to_try(X, k) if few else (k,))
        for scaled, regs in penalties.items()
        for reg in regs
        for n in ((2, 4, 8, 16) if few else (2, 4, 8))
    ]


def refusal(task, X, k):
    return None


def prepare(X):
    return X.tocoo(), X


def train(data, setting, n_threads, random_state):
    from cmfrec import CMF

    triplets, X = data
    options = {name: value for name, value in setting.items() if name != "variant"}
    model = CMF(
        use_cg=setting["variant"] == "cg",
        use_float=True,
        nthreads=n_threads,
        random_state=random_state,
        verbose=False,
        precompute_for_predictions=False,
        **options,
    )
    return model.fit(triplets), X


def predict_entries(model, rows, columns):
    cmf, X = model
    factors = BiasedFactors(cmf.glob_mean_, cmf.user_bias_, cmf.item_bias_, cmf.A_, cmf.B_)
    return predict_from_factors(where_seen(factors, X), rows, columns)


def sweep_setting(k, n_sweeps):
    return {
        "variant": "cholesky",
        "k": k,
        "lambda_": 0.08,
        "scale_lam": True,
        "niter": n_sweeps,
    }
