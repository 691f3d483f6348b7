"""
Matrix completion: fixed rank, ridge and nuclear norm
=====================================================

Three kinds of regularization on one problem: a 200 x 120 matrix of rank 8 whose singular values
decrease by a factor of 0.7 each, with 30 % of the entries observed.

*Fixed rank*: k components without shrinkage. *Ridge*: 20 components with shrunken coefficients.
*Nuclear norm*: any number of components, with a regularized sum of singular values.

With little noise (2 % of the typical entry) the true rank is by far the most accurate, and all
other ranks are far worse. With noise as large as the signal the best rank is 4, not 8: the other
four components would add less signal than error. One component more nearly doubles the error, and
with ten components the predictions are worse than 0 everywhere. Nuclear norm and ridge are not
as sensitive: with noise, half or twice the best regularization strength costs them a fifth, and
`SoftImpute` chooses its own. The price is that they also shrink what is certain, which makes their
error an eighth larger than that of the best rank.

The singular values show the reason. A fixed rank truncates them; the nuclear norm subtracts the
same amount from each, so that the first are too small and a tail of small ones remains.
"""

import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lrfact import MaskedMF, SoftImpute

RANKS = (1, 2, 3, 4, 5, 6, 8, 10)
PENALTIES = np.array([0.25, 0.5, 0.7, 1, 1.4, 2, 4])
NOISE = {"little noise": 0.02, "much noise": 1.0}


def make_problem(noise, seed=0):
    """The true matrix, and what is seen of it: NaN for holes."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.normal(size=(200, 8)))[0]
    right = np.linalg.qr(rng.normal(size=(120, 8)))[0]
    truth = left * (np.sqrt(200 * 120) * 0.7 ** np.arange(8)) @ right.T
    recorded = truth + noise * rng.normal(size=truth.shape)
    return truth, np.where(rng.random(truth.shape) < 0.3, recorded, np.nan)


def error(estimate, truth, seen):
    """Of the entries not seen, as a share of their size."""
    hidden = np.isnan(seen)
    return float(np.linalg.norm((estimate - truth)[hidden]) / np.linalg.norm(truth[hidden]))


def hard_rank(seen, n_components):
    """As good as no penalty: the equations of rows and columns stay well posed."""
    model = MaskedMF(n_components, reg=1e-6, bias=False, max_iter=300, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # overfitting takes its time
        return model.fit(seen).predict(seen)


def ridge(seen, reg):
    """Many directions, each held back."""
    model = MaskedMF(20, reg=reg, bias=False, max_iter=300, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(seen).predict(seen)


def nuclear_norm(seen, reg="auto"):
    """The fitted imputer; nothing is centered or scaled, as in the other two."""
    return SoftImpute(reg=reg, center=None, scale=None, random_state=0).fit(seen)


def errors_of(noise):
    """Errors of the three ways, by rank or by penalty; and of the penalty found by itself."""
    truth, seen = make_problem(noise)
    found = nuclear_norm(seen)
    by_rank = {k: error(hard_rank(seen, k), truth, seen) for k in RANKS}
    by_ridge = {reg: error(ridge(seen, reg), truth, seen) for reg in ridge_penalties(noise)}
    by_nuclear = {
        reg: error(nuclear_norm(seen, reg).transform(seen), truth, seen)
        for reg in found.reg_ * PENALTIES
    }
    return by_rank, by_ridge, by_nuclear, error(found.transform(seen), truth, seen)


def ridge_penalties(noise):
    """About the best for each noise."""
    return (1.0 if noise > 0.5 else 0.01) * PENALTIES


def spectra(noise):
    """Singular values of the truth and of the three estimates, each at its best."""
    truth, seen = make_problem(noise)
    estimates = {
        "truth": truth,
        "hard rank 4": hard_rank(seen, 4),
        "ridge": ridge(seen, 1.0),
    }
    values = {name: np.linalg.svd(Z, compute_uv=False)[:20] for name, Z in estimates.items()}
    values["nuclear norm"] = nuclear_norm(seen).singular_values_[:20]
    return values


def main():
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    for ax, (name, noise) in zip(axes, NOISE.items(), strict=False):
        by_rank, by_ridge, by_nuclear, automatic = errors_of(noise)
        print(f"{name}: error on entries not seen, as a share of their size")
        print("  hard rank   ", "  ".join(f"{k}: {e:.3f}" for k, e in by_rank.items()))
        print("  ridge       ", "  ".join(f"{reg:.3g}: {e:.3f}" for reg, e in by_ridge.items()))
        print("  nuclear norm", "  ".join(f"{reg:.3g}: {e:.3f}" for reg, e in by_nuclear.items()))
        print(f"  nuclear norm with the penalty it found: {automatic:.3f}")
        ax.plot(RANKS, by_rank.values(), "o-", label="hard rank, by rank")
        ax.axhline(min(by_ridge.values()), color="tab:orange", label="ridge, best penalty")
        ax.axhline(automatic, color="tab:green", ls="--", label="nuclear norm, own penalty")
        ax.set(title=name, xlabel="rank", ylabel="relative error", ylim=(0, 1.2))
    axes[0].legend()
    for name, values in spectra(NOISE["much noise"]).items():
        axes[2].plot(np.arange(1, len(values) + 1), values, ".-", label=name)
    axes[2].set(title="much noise: singular values", xlabel="number")
    axes[2].legend()
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
