"""
How many topics: three judges, and what each of them is asked
=============================================================

Synthetic word counts with a known number of topics, in three situations, and three criteria to
estimate this number:

- `score`, the default of GridSearchCV and RankSearchCV: how well are words of new documents
  predicted from the other words in them?
- `stability_`: do random initializations find the same topics?
- `coherence_scorer`: do the top terms of the topics occur together in new documents?

With 100 words per document all three find the six topics.

With 7 words per document, the score selects two topics. This is correct for prediction: the five or
six remaining words of a document do not determine a mixture of six topics, and two topics predict
the other words best. Coherence also selects two, since few pairs of words occur together in such
short texts. But the collection as a whole contains enough information, and initializations agree on
six. To learn topics from short texts, do not use the prediction of single documents as a criterion.

With nine topics, three each in themes that have half of their words in common, both answers are
right. The score and the coherence select the nine topics, stability the three themes, with a lower
peak at nine. The coherence is nearly the same from three to nine and hardly informative: if there
are too few topics they are themes, and words of a theme occur together just as often.

So consider the curves, not only the maximum, and the purpose of the topics.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV

from lrfact import NMFTopics, coherence_scorer

NUMBERS = np.arange(2, 12)

# Ground truth of each case: number of topics, number of themes within which topics have half of
# their words in common, and mean length of a document.
CASES = {
    "6 topics, 100 words a document": (6, None, 100),
    "6 topics, 7 words a document": (6, None, 7),
    "9 topics in 3 themes, 100 words": (9, 3, 100),
}


def make_counts(n_topics, n_themes, length, n_documents=300, n_words=200):
    """Counts of words in documents that are mixtures of a few topics each."""
    rng = np.random.default_rng(0)
    few_words = np.full(n_words, 0.05)
    topics = rng.dirichlet(few_words, n_topics)
    if n_themes is not None:
        themes = rng.dirichlet(few_words, n_themes)
        topics = (topics + np.repeat(themes, n_topics // n_themes, axis=0)) / 2
    mixtures = rng.dirichlet(np.full(n_topics, 0.2), n_documents)
    counts = rng.poisson(length * mixtures @ topics)
    return counts[:, counts.any(axis=0)].astype(float)


def model(**parameters):
    """Counts: Kullback-Leibler."""
    return NMFTopics(
        beta_loss="kullback-leibler", tol=1e-3, max_iter=1000, random_state=0, **parameters
    )


def hidden_columns(estimator, X, y=None):
    """The score of the estimator itself, by a name for the table of results."""
    return estimator.score(X)


def verdicts(X):
    """What each judge says of each number of topics; greater is better."""
    search = GridSearchCV(
        model(),
        {"n_components": NUMBERS},
        scoring={"hidden": hidden_columns, "coherence": coherence_scorer()},
        refit=False,
        cv=3,
    ).fit(X)
    starts = [model(n_components=k, init="random", n_init=5).fit(X) for k in NUMBERS]
    return {
        "score": search.cv_results_["mean_test_hidden"],
        "stability": np.array([start.stability_ for start in starts]),
        "coherence": search.cv_results_["mean_test_coherence"],
    }


def main():
    figure, axes = plt.subplots(3, 3, figsize=(11, 7), sharex=True, layout="constrained")
    for column, (case, synthetic) in zip(axes.T, CASES.items(), strict=True):
        X = make_counts(*synthetic)
        print(f"{case}: {X.shape[0]} x {X.shape[1]}")
        for ax, (judge, values) in zip(column, verdicts(X).items(), strict=True):
            best = NUMBERS[values.argmax()]
            near = values[synthetic[0] - NUMBERS[0]]
            print(f"  {judge:9} {best:2d}: {values.max():.3f}; at {synthetic[0]}: {near:.3f}")
            ax.axvline(synthetic[0], color="lightgrey", linewidth=6, label="planted")
            ax.plot(NUMBERS, values, ".-")
            ax.plot(best, values.max(), "o", color="tab:orange", label=f"largest: {best}")
            ax.legend(fontsize="small")
        column[0].set_title(case)
        column[-1].set_xlabel("topics")
    for ax, label in zip(
        axes[:, 0],
        ("score of hidden columns", "stability over 5 starts", "coherence (npmi), test rows"),
        strict=True,
    ):
        ax.set_ylabel(label)
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
