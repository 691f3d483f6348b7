"""
Missing ratings are not zeros: recommending dishes
==================================================

Six ratings in a 3 x 3 table are the usual first example, fitted by stochastic gradient descent: a
loop over epochs, rows and columns with small steps. `MaskedMF` alternates between solving for the
rows and for the columns instead. With the same model and regularization it converges to the limit
of the loop: after 5000 epochs the two are within 0.1, after 20 000 within 0.002. (The loop adds its
regularization once for each rating; `reg` multiplies the root of their number, and without biases
the root mean square of the ratings.)

Two factors have twelve parameters, which six ratings do not determine. Only the regularization
determines the predictions 2.3, 3.1 and 2.3 of the missing ratings. With biases, the default, the
intercept, rows and columns fit the six ratings exactly, and the predictions are 3, 3 and 3. The
data do not indicate which is right.

The second table has five users and six dishes, where 0 is a missing rating. The SVD of this table
is often claimed to give a good prediction for Alice and Steak. In fact it predicts 1.65, less than
for the Salad that she rated 2, and 2.2 for the Pizza that she rated 5: the zeros are treated as
ratings and fitted like ratings. With the observed entries alone the predictions for Alice, who
likes Pizza like Bob and Eve, are 4.9 for Steak and 4.3 for Taco. According to `explain`, 3.8 of the
4.9 are the baseline of every user, and 1.5 are the contribution of the Pizza.

How certain is this, given 19 ratings? `BayesianMF` averages all factors that are compatible with
the ratings. Its predictions for Steak and Taco are similar, with standard deviations of 1.1 and
1.3.

For Ramen the data do not determine the prediction. The two users who tried it gave it 5, so the
biases predict a high rating (4.2). Without biases only preferences count, and Ramen is similar to
the Salad that Alice does not like and opposite to the Pizza that she likes (2.1). The standard
deviation shows this as well: at 1.8 it is the largest, and the interval covers both answers.
"""

import sys
import time
import warnings
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lrfact import BayesianMF, MaskedMF

SMALL = np.array([[5, np.nan, 4], [4, 2, np.nan], [np.nan, 1, 2]])

PEOPLE = ("Alice", "Bob", "Carol", "Dave", "Eve")
DISHES = ("Pizza", "Sushi", "Steak", "Salad", "Taco", "Ramen")
RATINGS = np.array(
    [
        [5, 4, 0, 2, 0, 0],
        [5, 0, 5, 1, 4, 0],
        [1, 5, 1, 5, 2, 5],
        [0, 4, 0, 5, 0, 5],
        [4, 0, 5, 0, 5, 0],
    ]
)


def naive_loop(X, n_components=2, n_passes=5000, step=0.01, penalty=0.02):
    """What the first example does: stochastic gradient steps, one rating after the other."""
    rng = np.random.RandomState(0)
    W, V = rng.rand(len(X), n_components), rng.rand(X.shape[1], n_components)
    for _ in range(n_passes):
        for i in range(X.shape[0]):
            for j in range(X.shape[1]):
                if not np.isnan(X[i, j]):
                    error = X[i, j] - W[i] @ V[j]
                    for k in range(n_components):
                        w = W[i, k]
                        W[i, k] += step * (error * V[j, k] - penalty * w)
                        V[j, k] += step * (error * w - penalty * V[j, k])
    return W @ V.T


def reg_of_the_loop(X, penalty=0.02):
    """The `reg` that gives `MaskedMF` the objective of the loop; each line has two ratings."""
    return np.sqrt(2) * penalty / np.sqrt(np.nanmean(X**2))


def same_by_masked_mf(X, bias):
    """The table completed by two factors."""
    return MaskedMF(2, reg=reg_of_the_loop(X), bias=bias, random_state=0).fit(X).predict(X)


def zero_filled():
    """Singular values of the table with its zeros, and its best approximation of rank 2."""
    U, s, Vt = np.linalg.svd(RATINGS, full_matrices=False)
    return s, U[:, :2] * s[:2] @ Vt[:2]


def of_observed(bias=True):
    """The model of the observed entries."""
    return MaskedMF(2, reg=0.1, bias=bias, missing_values=0, random_state=0).fit(RATINGS)


def with_error_bars(seed=0):
    """Predictions and their standard deviations, averaged over what the ratings leave possible."""
    # Which dishes were tried says nothing of taste in a table of five people.
    model = BayesianMF(n_draws=200, pattern=False, missing_values=0, random_state=seed)
    with warnings.catch_warnings():
        # So few ratings let factors come and go for as long as a chain runs.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(RATINGS).predict(RATINGS, return_std=True)


def draw(ax, values, title):
    """A table in colors, with its numbers."""
    picture = ax.imshow(values, vmin=0, vmax=5, cmap="viridis")
    ax.set(
        title=title,
        xticks=range(6),
        xticklabels=DISHES,
        yticks=range(5),
        yticklabels=PEOPLE,
    )
    ax.tick_params(axis="x", rotation=60)
    for (i, j), value in np.ndenumerate(values):
        ax.text(
            j,
            i,
            "?" if np.isnan(value) else f"{value:.1f}",
            ha="center",
            va="center",
            color="black" if value > 3 or np.isnan(value) else "white",
        )
    return picture


def main():
    print("3 x 3 ratings, completed:")
    start = time.perf_counter()
    slow = naive_loop(SMALL)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    fast = same_by_masked_mf(SMALL, bias=False)
    fast_seconds = time.perf_counter() - start
    biased = same_by_masked_mf(SMALL, bias=True)
    for name, table in (
        (f"loop, 5000 passes, {seconds:.1f} s", slow),
        (f"MaskedMF, bias=False, {fast_seconds:.3f} s", fast),
        ("MaskedMF", biased),
    ):
        print(f"  {name}:\n    {str(table.round(2)).replace(chr(10), chr(10) + '    ')}")
    difference = np.abs(slow - fast).max()
    print(f"  loop and MaskedMF without biases differ by {difference:.2f} at most")

    singular_values, rebuilt = zero_filled()
    print("\nzeros as ratings: singular values", singular_values.round(2))
    print("  Alice:", ", ".join(f"{d} {x:.2f}" for d, x in zip(DISHES, rebuilt[0], strict=True)))

    model = of_observed()
    predicted = model.predict(RATINGS)
    print("observed ratings only:")
    print("  Alice:", ", ".join(f"{d} {x:.2f}" for d, x in zip(DISHES, predicted[0], strict=True)))
    columns, scores = model.recommend(RATINGS[:1], n_items=3)
    ranked = zip(columns[0], scores[0], strict=True)
    print("  to try:", ", ".join(f"{DISHES[column]} {score:.1f}" for column, score in ranked))
    print("why Steak:")
    print(replace(model.explain(RATINGS[0], DISHES.index("Steak")), names=DISHES))
    without = of_observed(bias=False).predict(RATINGS)[0]
    print(f"Ramen for Alice: {predicted[0, 5]:.1f}, without biases {without[5]:.1f}")

    mean, std = with_error_bars()
    told = zip(DISHES, mean[0], std[0], strict=True)
    print("BayesianMF:", ", ".join(f"{dish} {x:.1f} +- {bar:.1f}" for dish, x, bar in told))

    figure, axes = plt.subplots(1, 4, figsize=(15.5, 3.7), layout="constrained")
    draw(axes[0], np.where(RATINGS == 0, np.nan, RATINGS), "what is known")
    draw(axes[1], rebuilt, "rank 2 of the table with zeros")
    picture = draw(axes[2], predicted, "MaskedMF on what is known")
    figure.colorbar(picture, ax=axes[:3], label="rating", extend="both")
    places = np.arange(6)
    axes[3].errorbar(places, mean[0], std[0], fmt="o", capsize=4, label="BayesianMF")
    axes[3].plot(places, predicted[0], "x", ms=8, label="MaskedMF")
    known = RATINGS[0] > 0
    axes[3].plot(places[known], RATINGS[0, known], "ks", mfc="none", ms=10, label="known")
    axes[3].set(title="Alice", ylabel="rating", xticks=places, xticklabels=DISHES)
    axes[3].tick_params(axis="x", rotation=60)
    axes[3].legend(fontsize=8)
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
