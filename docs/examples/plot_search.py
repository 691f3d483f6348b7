"""
Semantic search: what it finds that keywords do not, and its limits
===================================================================

The first collection has five documents of ten words. No word is both in a document about vehicles
and in one about animals, so two components represent the two subjects: "car vehicle auto" has a
cosine similarity of 1.000 with all documents about vehicles and of 0.000 with those about animals,
and "kitten" finds Dogs 101, which does not contain the word. The same numbers show the limit: Road
Trip, which does not contain auto, has the same score as Cars Article, since two components
represent only the subject. "truck" is not in any document. It has no match, and the result states
this.

The second example is a decomposition of eight sentences with tf-idf weights: latent semantic
analysis without a search. Component 1 is what most sentences have in common. In the others, terms
with positive loadings contrast with terms with negative loadings: a loan from the bank with cat and
dog in component 2, lending money with feeding in component 3. These components are suited to
computations; for topics that can be interpreted, use `NMFTopics`.

The third collection is scikit-learn's docstrings in 50 components, with twelve questions in other
words. The relevance judgments are coarse: every docstring in the subpackage that has the answer is
relevant. `LSASearch` with default parameters (both) ranks better than its lexical score alone for
seven questions, worse for four, and its mean average precision is 0.43 compared with 0.36. The
latent score alone has 0.45 here; twelve questions are too few to choose between these two. The
improvement is in the ranking of documents that have a word in common with the question. Of the 51
relevant documents among the first ten, two have no word in common, and neither is an answer.

The query "reduce the number of columns" fails. The docstrings use dimensionality and features, and
columns occurs with dataframe and iris, as `similar_terms` shows: the hits are descriptions of data
sets. Similar terms occur in the same texts and need not be synonyms.

The docstrings are those of the installed scikit-learn, so results differ between versions.
"""

import inspect
import re
import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.utils.discovery import all_estimators, all_functions

from lrfact import LSASearch, TruncatedSVDReducer

WORDS = ("car", "vehicle", "auto", "road", "engine", "cat", "dog", "pet", "animal", "kitten")
TITLES = ("Cars Article", "Vehicles Guide", "Dogs 101", "Cat Lovers", "Road Trip")
COUNTS = np.array(
    [
        [3, 2, 1, 1, 2, 0, 0, 0, 0, 0],
        [2, 3, 2, 0, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 3, 2, 2, 1, 0],
        [0, 0, 0, 0, 0, 2, 0, 1, 2, 3],
        [1, 1, 0, 2, 0, 0, 0, 0, 0, 0],
    ]
)

SENTENCES = (
    "The cat chased the dog around the house.",
    "A dog and a cat live in one house.",
    "Feed the dog before you feed the cat.",
    "The bank raised the interest on loans.",
    "Interest on a loan is paid to the bank.",
    "Banks lend money and live on interest.",
    "A loan from the bank paid for the house.",
    "Money for dog food and for cat food.",
)

# Questions, and the subpackage of scikit-learn that answers them.
QUESTIONS = {
    "group similar points without labels": "cluster",
    "fill in missing values": "impute",
    "reduce the number of columns": "decomposition",
    "keep only the useful columns": "feature_selection",
    "many trees vote": "ensemble",
    "count the words of documents": "feature_extraction",
    "distance to the closest points": "neighbors",
    "how good are the predicted classes": "metrics",
    "split rows for cross-validation": "model_selection",
    "put every column on the same scale": "preprocessing",
    "draw a map of points in two dimensions": "manifold",
    "penalty that makes coefficients zero": "linear_model",
}


def five_documents():
    """A search in two directions over counts, in the way of the textbooks: cosines and no more."""
    texts = [" ".join(np.repeat(WORDS, row)) for row in COUNTS]
    engine = LSASearch(n_components=2, weighting=None, lexical_weight=0, n_feedback=0)
    return engine.fit(texts, ids=TITLES)


def sentence_components(n_components=3):
    """Components of the tf-idf weights of the sentences, and the names of their columns."""
    vectorizer = TfidfVectorizer(stop_words="english")
    reducer = TruncatedSVDReducer(n_components).fit(vectorizer.fit_transform(SENTENCES))
    return reducer, vectorizer.get_feature_names_out()


def docstrings():
    """Names, subpackages and prose of scikit-learn's public classes and functions."""
    documented = {
        name: (thing.__module__.split(".")[1], inspect.getdoc(thing).split("\nExamples\n")[0])
        for name, thing in [*all_estimators(), *all_functions()]
        if inspect.getdoc(thing)
    }
    subpackages, texts = zip(*documented.values(), strict=True)
    prose = [re.sub(r":\w+:`[^`]*`|https?://\S+|`+", " ", text) for text in texts]
    return list(documented), np.array(subpackages), prose


def docstring_search(**parameters):
    """Search the docstrings, each called by its name and labeled by its subpackage."""
    names, subpackages, prose = docstrings()
    words = CountVectorizer(stop_words="english", token_pattern="[a-z]{3,}", min_df=2)
    engine = LSASearch(n_components=50, vectorizer=words, random_state=0, **parameters)
    return engine.fit(prose, subpackages, ids=names)


def average_precisions(engine):
    """How well the answers of each question are ranked, 0 to 1."""
    return np.array([engine.score([text], [answer]) for text, answer in QUESTIONS.items()])


def found_without_words(engine, n=10):
    """Right answers among the first n of all questions, and those with no word of the question."""
    right = [
        (question, hit.document)
        for question, answer in QUESTIONS.items()
        for hit in engine.search(question, n=n)
        if hit.label == answer
    ]
    wordless = [pair for pair in right if not engine.explain(*pair).lexical.any()]
    return len(right), wordless


def main():
    small = five_documents()
    for query in ("car vehicle auto", "kitten", "truck"):
        print(f"{query}:")
        found = small.search(query)
        print("  " + (", ".join(f"{hit.document} {hit.score:.3f}" for hit in found) or found.note))
    print(small.explain("car vehicle auto", "Road Trip"))

    reducer, terms = sentence_components()
    print("\ncomponents of eight sentences, share of the energy and leading terms:")
    shares = reducer.explained_energy_ratio_
    for number, (share, component) in enumerate(zip(shares, reducer.components_, strict=True), 1):
        leading = np.argsort(-np.abs(component))[:6]
        named = ", ".join(f"{component[j]:+.2f} {terms[j]}" for j in leading)
        print(f"  {number}  {share:.0%}  {named}")

    words = docstring_search(lexical_weight=1, n_feedback=0)
    meaning = docstring_search(lexical_weight=0)
    both = docstring_search()
    print(f"\n{both.n_samples_fit_} docstrings, {both.n_features_in_} words")
    for question in list(QUESTIONS)[:3]:
        print(question)
        for name, engine in (("words", words), ("both ", both)):
            print(f"  {name}  {', '.join(hit.document for hit in engine.search(question, n=5))}")
    print(both.explain("fill in missing values", "KNNImputer"))
    for term in ("clustering", "missing", "columns"):
        print(f"like {term}: {', '.join(both.similar_terms(term, n=6)[0])}")

    engines = {"words": words, "meaning": meaning, "both": both}
    precisions = {name: average_precisions(engine) for name, engine in engines.items()}
    print("\naverage precision:                        words  meaning  both")
    rows = [*QUESTIONS, "mean"]
    means = [values.mean() for values in precisions.values()]
    for row, values in zip(rows, [*zip(*precisions.values(), strict=True), means], strict=True):
        print("  {:40} {:.2f}     {:.2f}  {:.2f}".format(row, *values))
    right, wordless = found_without_words(both)
    print(f"right among the first ten: {right}, with no word of the question: {len(wordless)}:")
    print("  " + ", ".join(f"{document} ({question})" for question, document in wordless))

    figure, axes = plt.subplots(
        1, 3, figsize=(15, 5), width_ratios=(1.25, 0.6, 1), layout="constrained"
    )
    draw_map(small, axes[0])
    shown = np.argsort(reducer.components_[1])
    loadings = reducer.components_[:, shown].T
    colors = axes[1].imshow(loadings, aspect="auto", cmap="RdBu", vmin=-0.5, vmax=0.5)
    axes[1].set(
        title="components of eight sentences",
        xlabel="component",
        xticks=range(3),
        xticklabels=(1, 2, 3),
        yticks=range(len(terms)),
        yticklabels=terms[shown],
    )
    figure.colorbar(colors, ax=axes[1], label="loading")

    places = np.arange(len(QUESTIONS))
    ends = np.array(list(precisions.values()))
    axes[2].hlines(places, ends.min(axis=0), ends.max(axis=0), color="lightgrey", zorder=0)
    for (name, values), marker in zip(precisions.items(), "sDo", strict=True):
        axes[2].scatter(values, places, marker=marker, label=f"{name}, mean {values.mean():.2f}")
    axes[2].set(
        title="twelve questions to scikit-learn",
        xlabel="average precision",
        yticks=places,
        yticklabels=QUESTIONS,
    )
    axes[2].invert_yaxis()
    axes[2].legend(loc="center right", bbox_to_anchor=(1, 0.77))
    return figure


def draw_map(engine, ax):
    """Documents and terms of the small search along its two directions."""
    terms = engine.vectorizer_.get_feature_names_out()
    documents = engine.transform([" ".join(np.repeat(WORDS, row)) for row in COUNTS])
    for points, names, color, name in (
        (documents, np.array(TITLES), "tab:blue", "documents"),
        (4 * engine.components_.T, terms, "tab:orange", "terms, 4 times as long"),
    ):
        ax.scatter(*points.T, color=color, zorder=3, label=name)
        side = 1 if color == "tab:blue" else -1
        # Points that lie together have one label.
        nearest = np.round(2 * points)
        for place in np.unique(nearest, axis=0):
            here = (nearest == place).all(axis=1)
            x, y = points[here].mean(axis=0)
            style = {"color": color, "fontsize": 9}
            if x > y:
                vertical = "bottom" if side > 0 else "top"
                ax.text(x, 0.15 * side, "\n".join(names[here]), ha="center", va=vertical, **style)
            else:
                horizontal = "left" if side > 0 else "right"
                ax.text(0.15 * side, y, ", ".join(names[here]), ha=horizontal, va="center", **style)
    ax.set(
        title="ten words and five documents",
        xlabel="first direction",
        ylabel="second direction",
        xlim=(-2, 5.2),
        ylim=(-1, 4.5),
    )
    ax.legend()


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
