"""
Synthetic ratings: how accurate are predictions from ten ratings per user?
==========================================================================

200 users and 100 items, true rank 5, noise 0.5, one entry in ten observed. A fifth of these is held
out, which leaves eight ratings per user, for five unknowns each: 1628 ratings for the 1475
parameters of a matrix of rank 5. Such an example is usually shown with a decreasing training error.
This error is not informative: with ALS it is below the noise after three iterations, while the
error on held-out entries is four times as large, and both continue to decrease.

What accuracy is possible? At 10 % an RMSE of 1.4, compared with 2.3 for the mean and 0.5 for the
noise alone. Biases alone are worse than the mean, since these ratings were generated without
biases. These are results for one data set. On five of them ALS ends between 1.4 and 2.2, as the
objective has several minima, and the one that a fit finds depends on chance. It helps to begin with
rank 8 and decrease it to 5 with `warm_start`: lower objectives and better predictions on all five,
1.3 to 1.6. SGD converges more slowly and to minima that are not better, 1.7 to 2.3. At 20 % these
difficulties disappear, and every solver reaches 0.68; at 30 % 0.60. Twice the number of ratings
matters more than the method.

The rank can be estimated even where the ratings cannot: `RankSearchCV` finds 5 at 10 % as well.

Rankings: of the top ten items recommended at 10 % of the ratings, two thirds are liked (2 or more);
random items, and biases, give one in six. On real data only held-out ratings can be used for
evaluation. By this measure the precision is 5 %, and the perfect ranking does not exceed 7 %, as
most of the items that a user would like are not in the test set. Such numbers can compare methods
but have no absolute meaning, and so few hits cannot distinguish the better of the two ALS fits from
the worse.
"""

import sys
import warnings
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from lrfact import MaskedMF, RankSearchCV, RankSearchDisplay, train_test_split_entries
from lrfact.metrics import average_precision_at_k, ndcg_at_k, precision_at_k, recall_at_k

SHARES = (0.1, 0.2, 0.3)
SWEEPS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150)
LIKED = 2.0  # the least rating of an item that should be found; one in six


@cache
def make_ratings(share=0.1, seed=0):
    """All ratings, noise included, and those observed in training and test."""
    rng = np.random.RandomState(seed)
    ratings = rng.standard_normal((200, 5)) @ rng.standard_normal((5, 100))
    ratings += 0.5 * rng.standard_normal(ratings.shape)
    observed = np.where(rng.random_sample(ratings.shape) < share, ratings, np.nan)
    return ratings, *train_test_split_entries(observed, test_size=0.2, random_state=0)


def new_model(n_components=5, **parameters):
    """No biases, since the ratings were made without."""
    return MaskedMF(n_components, reg=0.1, bias=False, max_iter=1000, random_state=0, **parameters)


def fit_from_above(train, n_components=5, start=8):
    """Fit a higher rank first, then go down, each time from the leading factors."""
    model = new_model(start, warm_start=True).fit(train)
    for rank in range(start - 1, n_components - 1, -1):
        model.set_params(n_components=rank).fit(train)
    return model


def predict_by_biases(train):
    """Mean, and what users and items differ from it, shrunk: no factors."""
    rows, columns = np.nonzero(np.isfinite(train))
    biases = make_pipeline(OneHotEncoder(), Ridge(alpha=3))
    biases.fit(np.column_stack([rows, columns]), train[rows, columns])
    everywhere = np.indices(train.shape).reshape(2, -1).T
    return biases.predict(everywhere).reshape(train.shape)


@cache
def ways(share=0.1, seed=0):
    """Predictions of all entries by each way."""
    _, train, _ = make_ratings(share, seed)
    return {
        "mean": np.full(train.shape, np.nanmean(train)),
        "biases alone": predict_by_biases(train),
        "als": new_model().fit(train).predict(train),
        "sgd": new_model(solver="sgd").fit(train).predict(train),
        "als from rank 8 down": fit_from_above(train).predict(train),
    }


def rmse(predicted, truth):
    known = np.isfinite(truth)
    return root_mean_squared_error(truth[known], predicted[known])


def mae(predicted, truth):
    known = np.isfinite(truth)
    return mean_absolute_error(truth[known], predicted[known])


def held_out_errors(share=0.1, seed=0):
    """RMSE on the entries held out, by way."""
    _, _, test = make_ratings(share, seed)
    return {name: rmse(predicted, test) for name, predicted in ways(share, seed).items()}


def histories(share=0.1):
    """RMSE on training and held-out entries after some numbers of sweeps, by solver."""
    _, train, test = make_ratings(share)
    curves = {}
    for solver in ("als", "sgd"):
        errors = []
        for n_sweeps in SWEEPS:
            # Start and order are the same each time: a short fit is the beginning of a long one.
            model = new_model(solver=solver, tol=0).set_params(max_iter=n_sweeps)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                predicted = model.fit(train).predict(train)
            errors.append((rmse(predicted, train), rmse(predicted, test)))
        curves[solver] = np.array(errors).T
    return curves


def search_rank(share=0.1):
    """Ranks by leaving out one entry after the other of rows that the fit has not seen."""
    _, train, _ = make_ratings(share)
    folds = KFold(5, shuffle=True, random_state=0)
    return RankSearchCV(new_model(), ranks=range(1, 11), cv=folds).fit(train)


def rank_items(predicted, train, n_items=10):
    """The columns with the highest predictions that the row has not rated."""
    return np.argsort(-np.where(np.isfinite(train), -np.inf, predicted), axis=1)[:, :n_items]


METRICS = {
    "precision": precision_at_k,
    "recall": recall_at_k,
    "NDCG": ndcg_at_k,
    "MAP": average_precision_at_k,
}


def ranking_quality(predicted, share=0.1, judge="all"):
    """Metrics at 10; judged by all items that a user would like, or by those in the test."""
    ratings, train, test = make_ratings(share)
    known = ratings if judge == "all" else test
    liked = (known >= LIKED) & ~np.isfinite(train)
    ranking = rank_items(predicted, train)
    return {name: metric(ranking, liked, k=10) for name, metric in METRICS.items()}


def top_items(share, user=0, n_items=5):
    """The items to recommend to a user: index, prediction and true rating."""
    ratings, train, _ = make_ratings(share)
    columns, scores = fit_from_above(train).recommend(train[user : user + 1], n_items=n_items)
    return columns[0], scores[0], ratings[user, columns[0]]


def main():
    for share in SHARES:
        _, train, test = make_ratings(share)
        print(f"{share:.0%} observed, {np.isfinite(train).sum()} entries; held out, RMSE and MAE:")
        for name, predicted in ways(share).items():
            print(f"  {name:20} {rmse(predicted, test):.2f} {mae(predicted, test):.2f}")
    print("RMSE of five tables with 10%:")
    tables = [held_out_errors(seed=seed) for seed in range(5)]
    for name in tables[0]:
        print(f"  {name:20}", " ".join(f"{errors[name]:.2f}" for errors in tables))

    searches = {share: search_rank(share) for share in SHARES}
    for share, search in searches.items():
        error = -search.best_score_
        print(f"rank found at {share:.0%}: {search.best_rank_}, error in new rows {error:.2f}")

    for share in (0.1, 0.2):
        ratings, _, _ = make_ratings(share)
        predictions = ways(share) | {"the truth": ratings}
        del predictions["mean"]  # ranks nothing
        for judge in ("all", "test"):
            print(f"ranking at {share:.0%}, judged by {judge}:  " + "  ".join(METRICS))
            for name, predicted in predictions.items():
                found = ranking_quality(predicted, share, judge)
                print(f"  {name:30}", "  ".join(f"{value:6.2f}" for value in found.values()))
    for share in (0.1, 0.2):
        print(f"for the first user at {share:.0%}, item: predicted (true):", end=" ")
        items = zip(*top_items(share), strict=True)
        print(", ".join(f"{item}: {score:.1f} ({true:.1f})" for item, score, true in items))

    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for color, (solver, (training, held_out)) in zip(
        ("tab:blue", "tab:orange"), histories().items(), strict=True
    ):
        axes[0].plot(SWEEPS, held_out, color=color, label=f"{solver}, held out")
        axes[0].plot(SWEEPS, training, color=color, ls="--", label=f"{solver}, training")
    axes[0].axhline(0.5, color="black", ls=":", label="noise")
    axes[0].set(title="10 % observed", xlabel="sweeps", ylabel="RMSE", xscale="log", ylim=(0, 3.2))
    axes[0].legend(loc="upper right", ncols=2, fontsize="small")

    errors = {share: held_out_errors(share) for share in SHARES}
    for name in errors[0.1]:
        axes[1].plot(SHARES, [errors[share][name] for share in SHARES], "o-", label=name)
    axes[1].axhline(0.5, color="black", ls=":", label="noise")
    axes[1].set(
        title="what more ratings bring",
        xlabel="share observed",
        ylabel="held-out RMSE",
        xticks=SHARES,
        ylim=(0, 2.6),
    )
    axes[1].legend(fontsize="small")

    RankSearchDisplay.from_estimator(
        searches[0.1], ax=axes[2], negate_score=True, score_name="RMSE of a left-out entry"
    )
    axes[2].set_title("10 % observed: the rank")
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
