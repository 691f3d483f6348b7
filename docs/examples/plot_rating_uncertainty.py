"""
Uncertainty of predicted ratings
================================

Synthetic ratings of 150 items by 300 users are generated from an intercept, biases, three latent
factors and noise of 0.6, and a fifth of the observed ratings is held out. Which parts of a model
improve the predictions? Biases contribute most, factors come next. `BayesianMF` has the same
factors as `MaskedMF`, but averages many sets of factors that are compatible with the ratings
instead of choosing one, and has no regularization hyperparameter that might have been chosen
better.

The last improvement does not need additional ratings: users watch what they like, so the set of
items that a user has rated indicates preferences, whatever the ratings. SVD++ was the first model
to use this; here the expected factors of a row depend on which of its entries are observed
(`pattern=True`, the default). The error decreases by another 5 %. If the same items are rated at
random, the pattern has no information, and including it does no harm. (Changes over time, such as
moods and fashions, are not modeled by any estimator here.)

Each prediction has a standard deviation, which covers the noise and the uncertainty about the user
and the item. The coverage of central intervals is within three points of the nominal one, from the
narrowest to the widest. The standard deviations differ for a reason: they are larger for users with
few ratings, and the half of the predictions with the larger standard deviations has larger errors.
None is smaller than the noise, which the fit slightly underestimates here (0.5), as its factors
explain some of it.

The Gibbs sampler has 150 iterations of burn-in, since the factors are initialized near zero and few
ratings determine them.
"""

import sys
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from scipy.stats import norm
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from lrfact import BayesianMF, MaskedMF, train_test_split_entries

LEVELS = np.array([0.5, 0.8, 0.95])
NOISE = 0.6


@cache
def make_ratings(seed=0, tells=True):
    """Ratings of 300 people and 150 films in training and test: people watch what they like."""
    rng = np.random.RandomState(seed)
    people, films = 300, 150
    taste = rng.standard_normal((people, 3)) @ rng.standard_normal((3, films)) / np.sqrt(3)
    ratings = 3.5 + 0.4 * rng.standard_normal((people, 1)) + 0.4 * rng.standard_normal(films)
    ratings += 0.7 * taste + NOISE * rng.standard_normal(taste.shape)
    active = rng.lognormal(0.0, 0.8, size=(people, 1))
    weights = active * np.exp(1.2 * taste if tells else np.zeros_like(taste))
    seen = rng.random_sample(taste.shape) < 0.2 * weights / weights.mean()
    table = sparse.csr_array(np.where(seen, ratings, 0))
    return train_test_split_entries(table, test_size=0.2, random_state=0)


def held_out(test):
    """Rows, columns and ratings of the test."""
    rows, columns = test.nonzero()
    return rows, columns, test.data


def by_biases(train, rows, columns):
    """Mean, and what people and films differ from it, shrunk: no factors."""
    biases = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=3))
    biases.fit(np.column_stack(train.nonzero()), train.data)
    return biases.predict(np.column_stack([rows, columns]))


@cache
def fitted(pattern=True, seed=0, tells=True):
    return BayesianMF(n_burn_in=150, pattern=pattern, random_state=0).fit(
        make_ratings(seed, tells)[0]
    )


def rmse(predicted, ratings):
    return float(np.sqrt(np.mean((predicted - ratings) ** 2)))


def errors_by_step(seed=0, tells=True):
    """RMSE on held-out ratings as more is taken into account."""
    train, test = make_ratings(seed, tells)
    rows, columns, ratings = held_out(test)
    predictions = {
        "mean": np.full(len(ratings), train.data.mean()),
        "and biases": by_biases(train, rows, columns),
        "and factors, MaskedMF": MaskedMF(random_state=0).fit(train).predict_entries(rows, columns),
    }
    for name, pattern in (("BayesianMF", False), ("BayesianMF, and what was rated", True)):
        predictions[name] = fitted(pattern, seed, tells).predict_entries(rows, columns)
    return {name: rmse(predicted, ratings) for name, predicted in predictions.items()}


@cache
def intervals(seed=0):
    """Errors of the held-out ratings, and the standard deviations given with them."""
    _, test = make_ratings(seed)
    rows, columns, ratings = held_out(test)
    mean, std = fitted(seed=seed).predict_entries(rows, columns, return_std=True)
    return ratings - mean, std


def coverage(levels=LEVELS, seed=0):
    """Shares of the held-out ratings inside central intervals."""
    errors, std = intervals(seed)
    return np.array([np.mean(np.abs(errors) < norm.ppf(0.5 + p / 2) * std) for p in levels])


def sure_and_unsure(seed=0):
    """RMSE, and what was promised, of the half with the shorter and with the longer bars."""
    errors, std = intervals(seed)
    longer = std > np.median(std)
    return [
        (rmse(errors[half], 0), float(np.sqrt(np.mean(std[half] ** 2))))
        for half in (~longer, longer)
    ]


def main():
    train, test = make_ratings()
    print(f"{train.nnz} ratings to learn from, {test.nnz} held out; noise {NOISE}. RMSE:")
    errors = errors_by_step()
    at_random = errors_by_step(tells=False)
    print(f"  {'':32} as liked  at random")
    for name, error in errors.items():
        print(f"  {name:32} {error:8.3f} {at_random[name]:10.3f}")
    model = fitted()
    print(f"noise found: {model.noise_std_:.2f}; r_hat_ {model.r_hat_:.2f}")
    print("inside the intervals:")
    for level, share in zip(LEVELS, coverage(), strict=True):
        print(f"  {level:.0%}: {share:.1%}")
    for name, (found, told) in zip(("shorter", "longer"), sure_and_unsure(), strict=True):
        print(f"half with the {name} bars: RMSE {found:.2f}, bars {told:.2f}")

    figure, axes = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    names = list(errors)
    places = np.arange(len(names))
    axes[0].barh(
        places - 0.2, list(errors.values()), height=0.4, label="people watch what they like"
    )
    axes[0].barh(places + 0.2, list(at_random.values()), height=0.4, label="at random")
    axes[0].axvline(NOISE, color="black", ls="--", lw=1, label="noise")
    axes[0].invert_yaxis()
    axes[0].set_xlim(0, 1.9)
    axes[0].set(title="held-out ratings", xlabel="RMSE", yticks=places, yticklabels=names)
    axes[0].legend(fontsize=8, loc="lower right")

    levels = np.linspace(0.02, 0.98, 49)
    axes[1].plot([0, 1], [0, 1], color="0.6", lw=1)
    axes[1].plot(levels, coverage(levels))
    axes[1].set(
        title="do intervals hold what they say?",
        xlabel="share asked for",
        ylabel="share of held-out ratings inside",
    )

    counts = np.diff(train.indptr)[held_out(test)[0]]
    misses, std = intervals()
    axes[2].plot(counts, np.abs(misses), ".", color="0.75", ms=3, label="|error|")
    axes[2].plot(counts, std, ".", ms=3, label="standard deviation given")
    axes[2].axhline(model.noise_std_, color="black", ls="--", lw=1, label="noise found")
    axes[2].set(
        xscale="log",
        ylim=(0, 2.5),
        title="more ratings, less spread",
        xlabel="ratings of the person",
        ylabel="points",
    )
    axes[2].legend(fontsize=8)
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
