"""
Topics from fifty starts: the lowest loss is not the most coherent
==================================================================

Twenty topics of scikit-learn's own docstrings, with tf-idf weights. Non-negative matrix
factorization converges to different minima from different initializations. Common advice is to use
NNDSVD, a deterministic initialization from singular vectors, or 10 to 50 random initializations,
keeping the best.

Keeping the best is right as far as the loss is concerned: many random initializations reach a lower
loss than NNDSVD, and ten of them are enough to come within a thousandth of the best of fifty. But
the whole difference is small: the worst of all is 0.6 % above the best. What differs is the topics.
`stability_` is the cosine similarity of topics with the matching topics of other initializations.
Half of the topics here are the same in all of ten fits; others, of words that are everywhere in
these texts, differ each time. Those should be dropped, or fewer topics should be fitted.

The loss does not measure whether a topic makes sense to a reader. Coherence (NPMI: do the top terms
occur close together?) is not correlated with it here, and the most coherent fit has an intermediate
loss. The most coherent fit should not be selected either: among so many candidates, the highest
value is partly due to chance. Choose the lowest loss, which is the objective of the fit, and
inspect the agreement.

The texts are those of the installed scikit-learn, so results differ between versions.
"""

import inspect
import re
import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.discovery import all_estimators, all_functions

from lrfact import NMFTopics, TopicsDisplay
from lrfact.metrics import topic_coherence, topic_diversity

N_TOPICS, N_STARTS = 20, 50


def docstrings():
    """Names and prose of scikit-learn's public classes and functions, without their examples."""
    documented = {
        name: inspect.getdoc(thing).split("\nExamples\n")[0]
        for name, thing in [*all_estimators(), *all_functions()]
        if inspect.getdoc(thing)
    }
    prose = [re.sub(r":\w+:|`[^`]*`|https?://\S+", " ", text) for text in documented.values()]
    return np.array(list(documented)), prose


def weigh(texts):
    """The tf-idf matrix, its words, and the texts as lists of words."""
    vectorizer = TfidfVectorizer(
        stop_words="english", token_pattern="[a-z]{3,}", min_df=5, max_df=0.4, sublinear_tf=True
    )
    X = vectorizer.fit_transform(texts)
    split = vectorizer.build_analyzer()
    return X, vectorizer.get_feature_names_out(), [split(text) for text in texts]


def model(**parameters):
    """Topics, run until the loss has settled."""
    return NMFTopics(N_TOPICS, max_iter=2000, **parameters)


def all_starts(X):
    """NNDSVD, and as many random starts, each fitted alone."""
    starts = [model(init="nndsvda", random_state=0)]
    starts += [model(init="random", random_state=seed) for seed in range(N_STARTS)]
    return [start.fit(X) for start in starts]


def judge(fits, words, tokens):
    """Loss, coherence and diversity of each fit."""
    tops = [fit.top_terms(words, n_terms=25) for fit in fits]
    # All topics at once: the texts are gone through only once.
    leading = np.concatenate([top[:, :10] for top in tops])
    coherence = topic_coherence(leading, tokens, measure="npmi", average=False)
    return {
        "loss": np.array([fit.objective_[-1] for fit in fits]),
        "coherence": coherence.reshape(len(fits), N_TOPICS).mean(axis=1),
        "diversity": np.array([topic_diversity(top) for top in tops]),
    }


def main():
    names, texts = docstrings()
    X, words, tokens = weigh(texts)
    print(f"{X.shape[0]} docstrings, {X.shape[1]} words, {N_TOPICS} topics")
    fits = all_starts(X)
    judged = judge(fits, words, tokens)
    loss = judged["loss"]
    best = loss.argmin()
    print("                          loss  npmi  diversity")
    rows = {
        "NNDSVD": 0,
        "best of 10 random starts": 1 + loss[1:11].argmin(),
        f"best of {N_STARTS} random starts": 1 + loss[1:].argmin(),
        "most coherent of all": judged["coherence"].argmax(),
        "worst of all": loss.argmax(),
    }
    for name, i in rows.items():
        values = (judged[key][i] for key in ("loss", "coherence", "diversity"))
        print("  {:24} {:6.2f} {:5.3f} {:5.2f}".format(name, *values))
    print(f"random starts with a lower loss than NNDSVD: {(loss[1:] < loss[0]).sum()}")
    print(f"random starts within 0.01 % of the lowest: {(loss[1:] < 1.0001 * loss.min()).sum()}")
    correlation = np.corrcoef(loss, judged["coherence"])[0, 1]
    print(f"correlation of loss and coherence: {correlation:.2f}")

    several = model(n_init=10, random_state=0).fit(X)
    loss_of_ten, stability = several.objective_[-1], several.stability_
    print(f"n_init=10: loss {loss_of_ten:.2f}, stability {stability:.2f}; topics:")
    documents = several.representative_documents(X, n_documents=3)
    for t, top in enumerate(several.top_terms(words, n_terms=5)):
        share, agreement = several.topic_share_[t], several.topic_stability_[t]
        print(f"  {share:4.1%}  agreement {agreement:.2f}  {', '.join(top)}")
        print(f"         {', '.join(names[documents[t]])}")

    figure = plt.figure(figsize=(12, 6.5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.7))
    ax = left.subplots()
    ax.scatter(loss[1:], judged["coherence"][1:], s=20, label="random starts")
    ax.scatter(loss[0], judged["coherence"][0], marker="D", color="tab:orange", label="NNDSVD")
    ax.scatter(
        loss[best],
        judged["coherence"][best],
        s=120,
        facecolors="none",
        edgecolors="black",
        label="lowest loss",
    )
    ax.set(xlabel="loss", ylabel="mean coherence (npmi)", title=f"{N_STARTS + 1} starts")
    ax.legend()
    order = np.argsort(several.topic_stability_, kind="stable")
    shown = np.concatenate([order[-3:][::-1], order[:3]])
    TopicsDisplay.from_estimator(several, words, n_terms=8, topics=shown, axes=right.subplots(2, 3))
    right.suptitle("Topics on which the starts agree most (above) and least (below)")
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
