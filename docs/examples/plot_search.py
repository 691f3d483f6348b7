"""
Search by meaning: a document is found by words that it does not have
=====================================================================

First five documents of ten words. None of the two animal documents has a word of the three about
vehicles, so two directions are enough for two subjects: "car vehicle auto" has a cosine of 1.000
with all documents about vehicles and of 0.000 with those about animals, and "kitten" finds Dogs
101, where the word does not occur. The same figures show the limit: Road Trip, which never says
auto, scores as much as Cars Article, since two directions keep subjects and nothing else. "truck"
is in no document. It matches nothing, and the result says so instead of guessing.

Then eight sentences, weighed by tf-idf and decomposed without any search: latent semantic topics.
The leading terms of a component have both signs. Component 1 is what most sentences share, and the
later ones set subjects against each other, money (+) against animals (-). They are axes, to
calculate with. For topics to be read there is `NMFTopics`.

Last the docstrings of scikit-learn, 50 directions, and twelve questions in other words than those
of the docstrings. What should come up is known: the classes and functions of one subpackage.
`LSASearch` as it is has a higher mean average precision than its words alone, but not for each
question. It gains where one thing has several names: forests and votes, words and tokens. "reduce
the number of columns" it does not understand, as scikit-learn says dimensionality and features:
the word columns leads to the descriptions of data sets, and the feedback from there to more of
them. "features" instead of "columns" helps a little. Reading `explain` shows such things at once.

The docstrings are those of the installed scikit-learn, so another version gives other digits.
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
    """Search the docstrings, each called by its name and labelled by its subpackage."""
    names, subpackages, prose = docstrings()
    words = CountVectorizer(stop_words="english", token_pattern="[a-z]{3,}", min_df=2)
    engine = LSASearch(n_components=50, vectorizer=words, random_state=0, **parameters)
    return engine.fit(prose, subpackages, ids=names)


def average_precisions(engine):
    """How well the answers of each question are ranked, 0 to 1."""
    return np.array([engine.score([text], [answer]) for text, answer in QUESTIONS.items()])


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

    both = docstring_search()
    words = docstring_search(lexical_weight=1, n_feedback=0)
    print(f"\n{both.n_samples_fit_} docstrings, {both.n_features_in_} words")
    for question in list(QUESTIONS)[:3]:
        for name, engine in (("words", words), ("search", both)):
            found = ", ".join(hit.document for hit in engine.search(question, n=5))
            print(f"{question}, {name}:\n  {found}")
    print(both.explain("many trees vote", "RandomForestClassifier"))
    for term in ("clustering", "missing", "columns"):
        print(f"like {term}: {', '.join(both.similar_terms(term, n=6)[0])}")

    precisions = {"words": average_precisions(words), "search": average_precisions(both)}
    print("\naverage precision:        words  search")
    for question, *values in zip(QUESTIONS, *precisions.values(), strict=True):
        print("  {:40} {:.2f}  {:.2f}".format(question, *values))
    print("  {:40} {:.2f}  {:.2f}".format("mean", *(p.mean() for p in precisions.values())))
    asked, answer = "reduce the number of features", ["decomposition"]
    print("  {:40} {:.2f}  {:.2f}".format(asked, *(e.score([asked], answer) for e in (words, both))))

    figure, axes = plt.subplots(1, 3, figsize=(15, 4.8), layout="constrained")
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
