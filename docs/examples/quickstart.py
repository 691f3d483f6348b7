"""
Quickstart: lrfact on data sets shipped with scikit-learn
=========================================================

    python docs/examples/quickstart.py                  # everything, well under a minute
    python docs/examples/quickstart.py photo text       # these sections only
    python docs/examples/quickstart.py --out pictures   # pictures go to this folder

Each section is one function, `@section("name", "heading")` above it. It prints its results and
saves figures in the given folder. Nothing is downloaded; the section `recommend` also uses
MovieLens if `lrfact.datasets.fetch_movielens` has downloaded it before.
"""

import argparse
import inspect
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.datasets import load_digits, load_sample_image
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler, normalize
from sklearn.utils.discovery import all_estimators, all_functions

from lrfact import (
    ImplicitMF,
    LSASearch,
    MaskedMF,
    NMFTopics,
    PCAFromSVD,
    RankSearchCV,
    RankSearchDisplay,
    ScreeDisplay,
    TopicsDisplay,
    TruncatedSVDReducer,
    select_rank,
)
from lrfact.datasets import fetch_movielens
from lrfact.metrics import precision_at_k

# Sections by name, in the order in which they run.
SECTIONS: dict[str, tuple[str, Callable[[Path], None]]] = {}


def section(name: str, heading: str):
    """Enter the function below under this name."""

    def enter(function):
        SECTIONS[name] = heading, function
        return function

    return enter


@section("digits", "Digits: how many components does a classifier need?")
def digits(folder: Path) -> None:
    X, y = load_digits(return_X_y=True)
    ranks = list(range(5, 61, 5))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = Pipeline(
        [
            ("scale", StandardScaler()),
            ("pca", PCAFromSVD()),
            ("classify", LogisticRegression(C=0.1, max_iter=1000)),
        ]
    )
    search, seconds = timed(RankSearchCV(model, ranks=ranks, cv=folds).fit, X, y)
    grid, grid_seconds = timed(
        GridSearchCV(model, {"pca__n_components": ranks}, cv=folds).fit, X, y
    )
    print("Accuracy of scaling, PCA and logistic regression, mean and spread over 5 folds:\n")
    print_searches(ranks, search, grid)
    print_times(search.best_rank_, seconds, grid.best_params_["pca__n_components"], grid_seconds)

    # Without a classifier behind it, the factorization is all there is to save.
    ranks = list(range(1, 41))
    reducer = TruncatedSVDReducer(random_state=0)
    search_alone, seconds = timed(RankSearchCV(reducer, ranks=ranks, cv=folds).fit, X, y)
    grid, grid_seconds = timed(GridSearchCV(reducer, {"n_components": ranks}, cv=folds).fit, X, y)
    print("\nNo classifier: the rank of 40 that predicts pixels best from the others of an image:")
    print_times(search_alone.best_rank_, seconds, grid.best_params_["n_components"], grid_seconds)

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    RankSearchDisplay.from_estimator(search, ax=axes[0], score_name="Accuracy")
    axes[0].set_title("Classifier behind PCA")
    RankSearchDisplay.from_estimator(
        search_alone, ax=axes[1], negate_score=True, score_name="Error of predicted pixels (RMSE)"
    )
    axes[1].set_title("Pixels predicted from each other")
    save(figure, folder / "digits_rank_search.png")

    pca = PCAFromSVD(n_components=0.95).fit(X)
    print(f"\n95 % of the variance of the raw pixels: {pca.n_components_} components")
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    ScreeDisplay.from_estimator(pca, X, ax=axes[0])
    axes[0].set_title("Variance of the pixels")
    points = axes[1].scatter(
        *pca.transform(X)[:, :2].T, c=y, cmap="tab10", s=8, vmin=-0.5, vmax=9.5
    )
    figure.colorbar(points, ax=axes[1], ticks=range(10), label="digit")
    axes[1].set(xlabel="first component", ylabel="second component", title="1797 digits")
    save(figure, folder / "digits_components.png")


def print_searches(ranks: list[int], search: RankSearchCV, grid: GridSearchCV) -> None:
    print("  rank      RankSearchCV      GridSearchCV")
    columns = [
        found.cv_results_[key]
        for found in (search, grid)
        for key in ("mean_test_score", "std_test_score")
    ]
    for rank, mean, std, grid_mean, grid_std in zip(ranks, *columns, strict=True):
        best = "  <- best" if rank == search.best_rank_ else ""
        print(f"  {rank:4d}   {mean:.4f} ± {std:.4f}   {grid_mean:.4f} ± {grid_std:.4f}{best}")


def print_times(rank: int, seconds: float, grid_rank: int, grid_seconds: float) -> None:
    print(f"  RankSearchCV: rank {rank} in {seconds:.2f} s")
    print(f"  GridSearchCV: rank {grid_rank} in {grid_seconds:.2f} s")


@section("photo", "Photo: rank against storage and error")
def photo(folder: Path) -> None:
    image = load_sample_image("china.jpg").astype(np.float32)
    m, n, colors = image.shape
    X = image.reshape(m, n * colors)  # one row of pixels a row, all colors in it
    print(f"{m} x {n} pixels in three colors, as a matrix of {m} x {n * colors}\n")

    # The share of the energy to keep follows from the error to allow.
    allowed = 0.1
    reducer = TruncatedSVDReducer(n_components=1 - allowed**2, random_state=0).fit(X)
    smallest = len(reducer.components_)
    largest = TruncatedSVDReducer(n_components=150, random_state=0).fit(X)

    print("  rank  stored  relative error  PSNR")
    shown = {}
    for rank in sorted({5, 20, 50, 100, 150, smallest}):
        small = largest.truncate(rank)
        rebuilt = small.inverse_transform(small.transform(X))
        squares = np.sum((X - rebuilt) ** 2, dtype=np.float64)
        error = np.sqrt(squares / np.sum(X**2, dtype=np.float64))
        psnr = 10 * np.log10(255**2 * X.size / squares)
        stored = rank * (m + n * colors + 1) / X.size
        note = f"  <- smallest with an error under {allowed:.0%}" if rank == smallest else ""
        print(f"  {rank:4d}  {stored:6.1%}  {error:14.2%}  {psnr:4.1f}{note}")
        shown[rank] = rebuilt.reshape(image.shape), f"rank {rank}: {stored:.1%} stored"

    figure, axes = plt.subplots(2, 2, figsize=(9, 6.2), layout="constrained")
    pictures = [shown[rank] for rank in (5, 20, smallest)]
    for ax, (picture, title) in zip(axes.flat, [*pictures, (image, "original")], strict=True):
        ax.imshow(np.clip(picture, 0, 255).astype(np.uint8))
        ax.set_title(title)
        ax.set_axis_off()
    save(figure, folder / "photo_ranks.png")


@section("text", "Text: scikit-learn's own docstrings by meaning")
def text(folder: Path) -> None:
    names, docstrings = public_docstrings()
    vectorizer = weigh_words()
    X = vectorizer.fit_transform(docstrings)
    print(f"{X.shape[0]} docstrings, {X.shape[1]} words, {X.nnz / np.prod(X.shape):.1%} stored\n")

    print("Rank by rule:")
    selection = select_rank(X, "gavish-donoho", random_state=0)
    print(selection)

    reducer = TruncatedSVDReducer(n_components=0.5, random_state=0)
    W = normalize(reducer.fit_transform(X))
    print(f"\n{W.shape[1]} components keep half of the energy. Nearest docstrings in them:")
    for name in ("KMeans", "PCA", "RandomForestClassifier", "TfidfVectorizer", "accuracy_score"):
        similarity = W @ W[names.index(name)]
        nearest = [names[i] for i in np.argsort(-similarity)[1:5]]
        print(f"  {name}: {', '.join(nearest)}")

    words = vectorizer.get_feature_names_out()
    print("\nTop words of four components:")
    for number in (1, 2, 3, 4):
        heaviest = np.argsort(-reducer.components_[number])[:7]
        print(f"  {number + 1}: {', '.join(words[heaviest])}")

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    ScreeDisplay.from_estimator(reducer, X, ax=axes[0])
    axes[0].set_title("Energy of the tf-idf matrix")
    RankSearchDisplay.from_selection(selection, ax=axes[1])
    axes[1].set_title("Singular values against the noise, by Gavish-Donoho")
    save(figure, folder / "text_spectrum.png")


def public_docstrings() -> tuple[list[str], list[str]]:
    """Names and docstrings of scikit-learn's public classes and functions."""
    documented = {
        name: inspect.getdoc(thing)
        for name, thing in [*all_estimators(), *all_functions()]
        if inspect.getdoc(thing)
    }
    return list(documented), list(documented.values())


def weigh_words() -> TfidfVectorizer:
    """Words that are neither rare nor everywhere, by tf-idf."""
    return TfidfVectorizer(
        stop_words="english", token_pattern="[a-z]{3,}", min_df=3, max_df=0.5, sublinear_tf=True
    )


@section("topics", "Topics: the same docstrings, sorted by what they are about")
def topics(folder: Path) -> None:
    names, docstrings = public_docstrings()
    vectorizer = weigh_words()
    X = vectorizer.fit_transform(docstrings)
    words = vectorizer.get_feature_names_out()

    model = NMFTopics(n_components=12, n_init=10, random_state=0)
    _, seconds = timed(model.fit, X)
    print(f"12 topics, the best of 10 starts in {seconds:.1f} s. Share of the whole, agreement of")
    print("the starts, leading words, and the docstrings with most of it:\n")
    rows = zip(
        model.topic_share_,
        model.topic_stability_,
        model.top_terms(words, n_terms=5),
        model.representative_documents(X, n_documents=3),
        strict=True,
    )
    for share, agreement, terms, documents in rows:
        print(f"  {share:5.1%}  {agreement:.2f}  {', '.join(terms)}")
        print(f"{'':15}{', '.join(names[i] for i in documents)}")

    question = "lasso path and cross-validation of alpha"
    (number,) = model.predict(vectorizer.transform([question]))
    print(f"\n'{question}' is mostly of the topic of '{model.top_terms(words, 1)[number, 0]}'")
    display = TopicsDisplay.from_estimator(model, words, n_terms=6)
    save(display.figure_, folder / "topics.png")


@section("recommend", "Holes: missing pixels, missing ratings")
def recommend(folder: Path) -> None:
    complete_digits(folder)
    recommend_to_eve()
    recommend_from_movielens()


def complete_digits(folder: Path) -> None:
    X, _ = load_digits(return_X_y=True)
    hidden = np.random.default_rng(0).random(X.shape) < 0.5
    holes = np.where(hidden, np.nan, X)

    # The score predicts each pixel that is there from the others of its image: no pixel that is
    # hidden has a say in the choice. Every third image is enough for it.
    model = MaskedMF(n_components=20, random_state=0)
    search = GridSearchCV(model, {"reg": [0.2, 0.5, 1]}, cv=3, refit=False)
    _, search_seconds = timed(search.fit, holes[::3])
    _, seconds = timed(model.set_params(**search.best_params_).fit, holes)
    completed = np.where(hidden, model.predict(holes), X)
    means = np.broadcast_to(np.nanmean(holes, axis=0), X.shape)
    print(f"{len(X)} digits, {hidden.mean():.0%} of the pixels (0 to 16) missing.")
    print(f"Regularization strength by cross-validation: reg={search.best_params_['reg']}")
    print("RMSE on the missing pixels:")
    print(f"  filled with the mean of the column: {rmse(means - X, hidden):.2f}")
    print(f"  MaskedMF, 20 components:            {rmse(completed - X, hidden):.2f}")
    print(f"  (search: {search_seconds:.2f} s, fit: {seconds:.2f} s)")

    figure, axes = plt.subplots(3, 8, figsize=(9, 3.6), layout="constrained")
    colors = plt.get_cmap("gray_r").with_extremes(bad="tab:orange")
    for row, (title, images) in enumerate(
        {"original": X, "holes": holes, "completed": completed}.items()
    ):
        for ax, image in zip(axes[row], images[:8], strict=True):
            ax.imshow(image.reshape(8, 8), cmap=colors, vmin=0, vmax=16)
            ax.set(xticks=[], yticks=[])
        axes[row, 0].set_ylabel(title)
    save(figure, folder / "recommend_digits.png")


def rmse(errors: np.ndarray, where: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors[where] ** 2)))


def recommend_to_eve() -> None:
    films = ["Action1", "Action2", "Romance1", "Romance2", "SciFi1", "Comedy1"]
    ratings = {
        "Alice": [5, 4, 1, 0, 5, 3],  # 0: not seen
        "Bob": [4, 5, 0, 1, 4, 2],
        "Carol": [1, 0, 5, 5, 2, 4],
        "Dave": [0, 1, 4, 5, 1, 5],
        "Eve": [5, 5, 1, 1, 0, 0],
    }
    table = np.array(list(ratings.values()))
    model = MaskedMF(n_components=2, reg=0.1, missing_values=0, random_state=0).fit(table)
    eve = table[-1]
    columns, _ = model.recommend([eve], n_items=2)
    print("\nFive users, six movies. Predictions of what Eve has not seen, with explanations:")
    for column in columns[0]:
        print(replace(model.explain(eve, column), names=films))


def recommend_from_movielens() -> None:
    try:
        movielens = fetch_movielens("100k", download_if_missing=False)
    except OSError:
        print("\nMovieLens is not here; lrfact.datasets.fetch_movielens() downloads it (5 MB).")
        return
    titles = movielens.movies.title
    _, users = np.unique(movielens.data[:, 0], return_inverse=True)
    films = np.searchsorted(movielens.movies.item, movielens.data[:, 1])  # ascending in the file
    ratings = sparse.csr_array((movielens.target, (users, films)))
    model, seconds = timed(MaskedMF(random_state=0).fit, ratings)
    print(f"\nMovieLens: {ratings.nnz} ratings, fitted in {seconds:.2f} s.")

    likes = {
        "Star Wars (1977)": 5,
        "Empire Strikes Back, The (1980)": 5,
        "English Patient, The (1996)": 2,
    }
    rated = [int(np.flatnonzero(titles == title)[0]) for title in likes]
    newcomer = sparse.csr_array(
        (np.array(list(likes.values()), dtype=float), ([0, 0, 0], rated)),
        shape=(1, ratings.shape[1]),
    )
    print("A new user has rated three movies:")
    for number, (title, stars) in enumerate(likes.items(), start=1):
        print(f"  ({number}) {stars} stars: {title}")
    print("Top recommendations; each prediction is a baseline plus a contribution from each of")
    print("the three:\n\n  stars =  all    (1)    (2)    (3)")
    columns, _ = model.recommend(newcomer, n_items=10)
    for column in columns[0]:
        why = model.explain(newcomer, int(column))
        part = dict(zip(why.columns, why.contributions, strict=True))
        parts = " ".join(f"{part[film]:+.2f} " for film in rated)
        print(f"  {why.prediction:.2f}  = {why.baseline:.2f}  {parts} {titles[column]}")


@section("clicks", "Clicks: what was played, how often, and what else would be")
def clicks(folder: Path) -> None:
    plays, likes = make_plays()
    X = sparse.csr_array(plays).log1p()
    print(f"{X.shape[0]} people, {X.shape[1]} songs, {X.nnz} pairs played; four kinds of taste.\n")

    model = ImplicitMF(reg=0.01, random_state=0)
    search, seconds = timed(RankSearchCV(model, ranks=range(1, 7), cv=2).fit, X)
    print("NDCG of a hidden fifth of the plays of new people, by the number of factors:")
    scores = zip(range(1, 7), search.cv_results_["mean_test_score"], strict=True)
    print("  " + "  ".join(f"{rank}: {score:.2f}" for rank, score in scores))
    print(f"  best: {search.best_rank_} ({seconds:.2f} s)")

    left = likes & (plays == 0)  # what they would like and have not played, as it was planted
    famous = np.argsort(np.where(plays > 0, 0, -np.count_nonzero(plays, axis=0)), axis=1)
    by_model, _ = search.best_estimator_.recommend(X, n_items=5)
    print("Fraction of five recommended songs that are liked:")
    print(f"  the most popular: {precision_at_k(famous, left, k=5):.2f}")
    print(f"  ImplicitMF:       {precision_at_k(by_model, left, k=5):.2f}")

    newcomer = np.zeros(X.shape[1])
    newcomer[[3, 7]] = np.log1p([5, 2])
    columns, _ = search.best_estimator_.recommend([newcomer], n_items=3)
    print("\nA new user has played songs 3 (five times) and 7 (twice). Recommendations:")
    for column in columns[0]:
        print(search.best_estimator_.explain(newcomer, int(column)))

    figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
    RankSearchDisplay.from_estimator(search, ax=ax, score_name="NDCG of hidden plays")
    save(figure, folder / "clicks_rank.png")


def make_plays() -> tuple[np.ndarray, np.ndarray]:
    """How often 500 people of four kinds played each of 80 songs, and what they would like.

    A kind likes every fourth song. Of these a third is played, three times on average; of all
    others one in twenty-five, once.
    """
    rng = np.random.default_rng(0)
    kind = rng.integers(4, size=500)
    likes = kind[:, np.newaxis] == np.arange(80) % 4
    played = rng.random(likes.shape) < np.where(likes, 0.33, 0.04)
    return played * np.where(likes, 1 + rng.poisson(2, likes.shape), 1), likes


@section("search", "Search: scikit-learn's docstrings, asked in other words")
def search(folder: Path) -> None:
    names, docstrings = public_docstrings()
    prose = [text.split("\nExamples\n")[0] for text in docstrings]
    words = CountVectorizer(stop_words="english", token_pattern="[a-z]{3,}", min_df=2)
    engine = LSASearch(n_components=50, vectorizer=words, random_state=0)
    _, seconds = timed(lambda: engine.fit(prose, ids=names))
    print(f"{len(names)} docstrings in {engine.n_components_} components, {seconds:.2f} s")

    for question in ("group similar points without labels", "fill in missing values"):
        print(f"\n{question}:")
        print(engine.search(question, n=3))
    print("\nExplanation of the last hit, word by word:")
    print(engine.explain("fill in missing values", "KNNImputer"))
    terms, _ = engine.similar_terms("clustering", n=5)
    print(f"\nWords used like 'clustering': {', '.join(terms)}")
    print(f"\n'quagga': {engine.search('quagga').note}")


def timed(function: Callable, *args):
    """Result and seconds."""
    start = time.perf_counter()
    result = function(*args)
    return result, time.perf_counter() - start


def save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=100)
    plt.close(figure)
    print(f"\n[picture: {path}]")


def main() -> None:
    parser = argparse.ArgumentParser(description="lrfact at work on data that scikit-learn ships")
    parser.add_argument(
        "sections",
        nargs="*",
        metavar="section",
        help=f"{', '.join(SECTIONS)}; all if none is named",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("quickstart-output"), help="folder for the pictures"
    )
    options = parser.parse_args()
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")

    plt.switch_backend("agg")  # pictures go to files: no window, no display needed
    options.out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    for name in options.sections or SECTIONS:
        heading, function = SECTIONS[name]
        print(f"\n{heading}\n{'=' * len(heading)}")
        _, seconds = timed(function, options.out)
        print(f"({name}: {seconds:.1f} s)")
    print(f"\nPictures are in {options.out.resolve()}")
    print(f"Done in {time.perf_counter() - start:.1f} s.")


if __name__ == "__main__":
    main()
