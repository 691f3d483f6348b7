"""
Movie recommendations: interpreting factors as genres, similar users
====================================================================

The first table has five users and six movies without names. 14 of the 30 ratings are missing. Two
non-negative factors can be interpreted as genres: one is the first two movies, the other the last
four. Three caveats apply to this interpretation:

- No user who likes the first genre rated movie 5, so the data do not determine its genre, and its
  loadings on both are large. The same applies to a genre that a user has not rated: the prediction
  for user 4 and movie 1 is 2.8.
- Another initialization divides the movies differently: movie 1 has 0.23 of the other genre instead
  of 0. The objective is the same, so neither solution is the right one.
- A third factor is not used: the objective does not change.

Factors of the SVD of the table with zeros also look like genres, but they model the zeros: for user
4, who rated neither of the first two movies, the predictions are -0.4 and 0.2.

The second table has five users and six movies of known genres, and two questions. Which of the two
movies that she has not seen should be recommended to Eve? SciFi1: 4.9 compared with 2.4 for
Comedy1. The order of their means is the opposite, 3.0 and 3.5. According to `explain`, the ratings
of the two action movies contribute most. Who is similar to Alice? Eve, then Bob, by the cosine
similarity of the rows of `transform`. These numbers require care. The cosine gives both factors the
same weight, though the norm of the first is more than twice as large in the movies; multiplied by
these norms, which gives the cosine similarity of the predictions, the value for Bob increases from
0.52 to 0.88. Without biases it is 0.99 for Eve and for Bob, since all users have positive ratings
in common.
"""

import sys
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics.pairwise import cosine_similarity

from lrfact import MaskedMF

UNNAMED = np.array(
    [
        [5, 3, 0, 1, 0, 0],
        [4, 0, 0, 1, 0, 0],
        [1, 1, 0, 5, 4, 5],
        [0, 0, 0, 4, 5, 4],
        [0, 1, 5, 4, 0, 0],
    ]
)

PEOPLE = ("Alice", "Bob", "Carol", "Dave", "Eve")
MOVIES = ("Action1", "Action2", "Romance1", "Romance2", "SciFi1", "Comedy1")
RATINGS = np.array(
    [
        [5, 4, 1, 0, 5, 3],
        [4, 5, 0, 1, 4, 2],
        [1, 0, 5, 5, 2, 4],
        [0, 1, 4, 5, 1, 5],
        [5, 5, 1, 1, 0, 0],
    ]
)
EVE = PEOPLE.index("Eve")


def genres(n_components=2, start=0):
    """Non-negative factors of the observed ratings of the first table."""
    return MaskedMF(
        n_components,
        reg=0.1,
        bias=False,
        nonnegative=True,
        missing_values=0,
        tol=1e-7,
        max_iter=5000,
        random_state=start,
    ).fit(UNNAMED)


def zero_filled():
    """The best approximation of rank 2 of the first table, zeros and all."""
    U, s, Vt = np.linalg.svd(UNNAMED, full_matrices=False)
    return U[:, :2] * s[:2] @ Vt[:2]


def engine(bias=True):
    """The model of the second table."""
    return MaskedMF(2, reg=0.1, bias=bias, missing_values=0, random_state=0).fit(RATINGS)


def like_alice(model, weighted=False):
    """Names and cosines, the most similar first."""
    factors = model.transform(RATINGS)
    if weighted:
        factors = factors * np.linalg.norm(model.components_, axis=1)
    cosines = cosine_similarity(factors)[0]
    return [(PEOPLE[i], float(cosines[i])) for i in np.argsort(-cosines) if i != 0]


def main():
    model = genres()
    print("two genres, loadings of movies 1 to 6:")
    for start in (0, 3):
        other = genres(start=start)
        print(f"  start {start}, objective {other.loss_curve_[-1]:.3f}:")
        for part in other.components_:
            print("   ", part.round(2))
    for rank in (1, 2, 3):
        print(f"  rank {rank}: objective {genres(rank).loss_curve_[-1]:.2f}")
    print("user 4, rank 2 of the table with zeros:", zero_filled()[3].round(1))
    print("user 4, two genres of what is rated:   ", model.predict(UNNAMED)[3].round(1))

    movies = engine()
    columns, scores = movies.recommend(RATINGS[EVE : EVE + 1], n_items=2)
    ranked = zip(columns[0], scores[0], strict=True)
    print("\nfor Eve:", ", ".join(f"{MOVIES[column]} {score:.2f}" for column, score in ranked))
    print(replace(movies.explain(RATINGS[EVE], MOVIES.index("SciFi1")), names=MOVIES))
    print("like Alice:")
    for name, found in (
        ("cosine of transform", like_alice(movies)),
        ("factors times their lengths", like_alice(movies, weighted=True)),
        ("without biases", like_alice(engine(bias=False))),
    ):
        print(f"  {name}: " + ", ".join(f"{person} {cosine:.3f}" for person, cosine in found))

    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    places = np.arange(6)
    for shift, part, name in zip((-0.2, 0.2), model.components_, "AB", strict=True):
        axes[0].bar(places + shift, part, width=0.4, label=f"genre {name}")
    axes[0].set(
        title="two genres of six movies without names",
        xlabel="movie",
        ylabel="loading",
        ylim=(0, 1.5),
        xticks=places,
        xticklabels=places + 1,
    )
    axes[0].legend(loc="upper center", ncols=2)

    predicted = movies.predict(RATINGS)
    picture = axes[1].imshow(predicted, vmin=0, vmax=5, cmap="viridis")
    axes[1].set(
        title="predicted; in brackets: not rated",
        xticks=places,
        xticklabels=MOVIES,
        yticks=range(5),
        yticklabels=PEOPLE,
    )
    axes[1].tick_params(axis="x", rotation=60)
    for (i, j), value in np.ndenumerate(predicted):
        text = f"{value:.1f}" if RATINGS[i, j] else f"({value:.1f})"
        axes[1].text(j, i, text, ha="center", va="center", color="black" if value > 3 else "white")
    figure.colorbar(picture, ax=axes[1], label="rating", extend="both")

    lengths = np.linalg.norm(movies.components_, axis=1)
    for person, (x, y) in zip(PEOPLE, movies.row_factors_ * lengths, strict=True):
        axes[2].annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->"})
        axes[2].text(x, y, person, ha="center", va="bottom" if y > 0 else "top")
    axes[2].set(
        title="people: the angle to Alice is what counts",
        xlabel="first factor, in ratings",
        ylabel="second factor, in ratings",
        xlim=(-5.5, 5.5),
        ylim=(-4.5, 4.5),
        aspect="equal",
    )
    axes[2].axhline(0, color="lightgrey", zorder=0)
    axes[2].axvline(0, color="lightgrey", zorder=0)
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
