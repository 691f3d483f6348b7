"""
Cold start: a newcomer after a few choices, a new item after its first takers
=============================================================================

New users do not require retraining: given the item factors, the factors of a user are the solution
of one small linear system (fold-in). How many choices does a useful recommendation need? Here a
model is fitted to 1500 users with a dozen choices each. Then 400 new users are folded in with one
choice, two choices, and so on up to ten. One choice in five is an accident. Ten items are
recommended; the measure is whether they are liked, which is known, as the data are synthetic.

After the first choice a third of the ten items are liked, three times as many as of the most
popular items. After three choices the recommendations are as good as those of training users with
all their choices, and as good as those of a model refitted with the new users included.

New items are the transposed problem. `ImplicitMF` is fitted to the transpose, whose rows are items:
an item is folded in by the first users who chose it, and `recommend` returns the users to whom it
should be shown. The first user of an item is as informative as the first choice of a new user, and
ten users are more informative than ten choices: there are many users to choose from, and the pool
of those who would like the item is not exhausted.
"""

import sys
import time
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from lrfact import ImplicitMF
from lrfact.metrics import precision_at_k

RANK = 6
N_KNOWN = 10  # choices of a newcomer, takers of a new item, at most
N_OLD_PEOPLE, N_NEW_PEOPLE = 1500, 400
N_OLD_ITEMS, N_NEW_ITEMS = 300, 60
SHARE_OF_ACCIDENTS = 0.2


@cache
def make_world(seed=0):
    """Whom would like what; who chose what, old people among old items; first choices of the new.

    Of the choices four in five are among what is liked, famous items more often, and one is an
    accident. The first rows and columns are old. Returns (liked, chosen, first choices of
    new people, first takers of new items), the latter two as indices in order of time.
    """
    rng = np.random.default_rng(seed)
    shape = N_OLD_PEOPLE + N_NEW_PEOPLE, N_OLD_ITEMS + N_NEW_ITEMS
    tastes = rng.standard_normal((shape[0], RANK))
    liking = tastes @ rng.standard_normal((shape[1], RANK)).T / np.sqrt(RANK)
    liked = liking > 1.2
    fame = rng.permutation(1 / np.arange(5, shape[1] + 5) ** 0.6)
    activity = rng.lognormal(0, 0.5, shape[0])

    def weight(of):
        """Chance of each person and item to be the next pair, of accidents or of taste."""
        weights = np.outer(activity, fame) * of
        return weights / weights.sum(axis=1, keepdims=True).clip(1e-12)

    chance = (1 - SHARE_OF_ACCIDENTS) * weight(liked) + SHARE_OF_ACCIDENTS * weight(True)
    often = 20 * activity[:, np.newaxis] / activity.mean()
    chosen = rng.random(shape) < -np.expm1(-often * chance)

    def first(chances, n):
        """In each row, indices of the first n that are drawn with these chances."""
        waiting = rng.exponential(size=chances.shape) / chances.clip(1e-300)
        return np.argsort(waiting, axis=1)[:, :n]

    choices = first(chance[N_OLD_PEOPLE:, :N_OLD_ITEMS], N_KNOWN)
    takers = first((often * chance)[:N_OLD_PEOPLE, N_OLD_ITEMS:].T, N_KNOWN)
    return liked, chosen, choices, takers


def old_choices():
    return make_world()[1][:N_OLD_PEOPLE, :N_OLD_ITEMS].astype(float)


@cache
def model_of_items():
    """Rows are people: newcomers are folded in."""
    return ImplicitMF(RANK, reg=0.01, random_state=0).fit(old_choices())


@cache
def model_of_people():
    """The transpose, where rows are items: new items are folded in."""
    return ImplicitMF(RANK, reg=0.01, random_state=0).fit(old_choices().T)


def rows_of(choices, n, n_columns):
    """The rows that the first n choices make."""
    rows = np.zeros((len(choices), n_columns))
    np.put_along_axis(rows, choices[:, :n], 1, axis=1)
    return rows


def quality(model, choices, liked, fame):
    """Precision of ten columns after 1, 2, ... choices: folded in, and by fame."""
    folded, famous = [], []
    for n in range(1, choices.shape[1] + 1):
        X = rows_of(choices, n, liked.shape[1])
        left = liked & (X == 0)
        columns, _ = model.recommend(X, n_items=10)
        folded.append(precision_at_k(columns, left, k=10))
        by_fame = np.argsort(-np.where(X > 0, -np.inf, fame), axis=1, kind="stable")[:, :10]
        famous.append(precision_at_k(by_fame, left, k=10))
    return np.array(folded), np.array(famous)


@cache
def of_newcomers():
    """Items for people who were not in the fit."""
    liked, _, choices, _ = make_world()
    fame = old_choices().sum(axis=0)
    return quality(model_of_items(), choices, liked[N_OLD_PEOPLE:, :N_OLD_ITEMS], fame)


@cache
def of_new_items():
    """People for items that were not in the fit."""
    liked, _, _, takers = make_world()
    activity = old_choices().sum(axis=1)
    return quality(model_of_people(), takers, liked[:N_OLD_PEOPLE, N_OLD_ITEMS:].T, activity)


@cache
def of_newcomers_refitted(n=3):
    """The same after a fit to old and new people, each newcomer with n choices."""
    liked, _, choices, _ = make_world()
    newcomers = rows_of(choices, n, N_OLD_ITEMS)
    model = ImplicitMF(RANK, reg=0.01, random_state=0).fit(np.vstack([old_choices(), newcomers]))
    columns, _ = model.recommend(newcomers, n_items=10)
    return precision_at_k(columns, liked[N_OLD_PEOPLE:, :N_OLD_ITEMS] & (newcomers == 0), k=10)


@cache
def of_old_people():
    """What the same model finds for those that it was fitted to."""
    liked, _, _, _ = make_world()
    X = old_choices()
    columns, _ = model_of_items().recommend(X, n_items=10)
    return precision_at_k(columns, liked[:N_OLD_PEOPLE, :N_OLD_ITEMS] & (X == 0), k=10)


def main():
    liked, _, choices, _ = make_world()
    X = old_choices()
    print(f"{X.shape[0]} people, {X.shape[1]} items, {X.sum(axis=1).mean():.0f} choices a person")
    print(f"an item is liked by {liked.mean():.0%}")
    newcomers = rows_of(choices, 3, X.shape[1])
    start = time.perf_counter()
    model_of_items().recommend(newcomers)
    seconds = time.perf_counter() - start
    print(f"{len(newcomers)} newcomers folded in and ranked: {1000 * seconds:.0f} ms")
    print("precision of the first ten after", " ".join(f"{n:4d}" for n in range(1, N_KNOWN + 1)))
    for (what, baseline), (folded, famous) in (
        (("newcomers: items", "popular items"), of_newcomers()),
        (("new items: people", "active people"), of_new_items()),
    ):
        print(f"  {what:30}", " ".join(f"{value:.2f}" for value in folded))
        print(f"    {baseline:28}", " ".join(f"{value:.2f}" for value in famous))
    print(f"newcomers with 3 choices, after a new fit with them: {of_newcomers_refitted():.2f}")
    print(f"people of the fit, from all their choices: {of_old_people():.2f}")

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
    n = np.arange(1, N_KNOWN + 1)
    for ax, (folded, famous), title, label, baseline in (
        (axes[0], of_newcomers(), "ten items for a newcomer", "choices known", "popular items"),
        (axes[1], of_new_items(), "ten people for a new item", "takers known", "active people"),
    ):
        ax.plot(n, folded, "o-", label="folded in")
        ax.plot(n, famous, "o--", color="tab:gray", label=baseline)
        ax.set(title=title, xlabel=label, xticks=n, ylim=(0, 1))
    axes[0].axhline(of_old_people(), color="black", ls=":", label="people of the fit")
    axes[0].set_ylabel("precision@10")
    for ax in axes:
        ax.legend()
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
