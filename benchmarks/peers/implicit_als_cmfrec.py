"""cmfrec.CMF_implicit, by three conjugate gradients or Cholesky, float32, with its fastest options.

Its conjugate gradients solve for rows ``w`` with ``B'B + sum (1 + a x) b b'`` on the left and
``sum a x b`` on the right, where the objective, and its own Cholesky, have ``a x`` and ``1 + a x``.
Where all entries are equal, one less on the left is one less in ``a x``, the right side is a matter
of units, and its result is scaled back: the same problem exactly. Where they differ it is run as it
is, and ends above the others. They also leave rows and columns without entries where they
started; here these count as zero.
"""

from __future__ import annotations

import numpy as np

from peers import missing

NAME = "cmfrec implicit"
TASKS = ("implicit_als",)
VARIANTS = ("cg", "cholesky")


def available():
    return missing("cmfrec")


def prepare(X, alpha):
    return X.tocoo()


def train(data, variant, *, k, alpha, reg, n_sweeps, n_threads, random_state):
    from cmfrec import CMF_implicit

    scale = 1.0
    level = float(data.data[0])
    added = alpha * level
    if variant == "cg" and added > 1 and np.ptp(data.data) == 0:
        ratio = (added - 1) / (added + 1)
        alpha, reg, scale = alpha - 1 / level, reg * ratio, ratio**-0.5
    model = CMF_implicit(
        k=k,
        lambda_=reg,
        alpha=alpha,
        use_cg=variant == "cg",
        niter=n_sweeps,
        use_float=True,
        finalize_chol=False,
        precompute_for_predictions=False,
        produce_dicts=False,
        nthreads=n_threads,
        random_state=random_state,
        verbose=False,
    )
    return model.fit(data), scale, data


def factors(model):
    cmf, scale, entries = model
    return tuple(
        np.where((np.bincount(at, minlength=len(found)) > 0)[:, None], scale * found, 0)
        for found, at in ((cmf.A_, entries.row), (cmf.B_, entries.col))
    )
