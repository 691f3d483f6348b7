"""
Word vectors from co-occurrence counts: SVD, PPMI and GloVe
===========================================================

Words that occur in similar contexts are similar. Co-occurrences are counted in scikit-learn's own
docstrings: how often each word occurs within five words of each other word. Several methods
transform the counts into 50 numbers per word. The evaluation is objective: for each word that also
occurs with an s at its end (cluster, clusters), what is the rank of the other form among the words
with the highest cosine similarity? Not all are plurals (use, uses; it, its), but they are the same
for all methods. By chance 0.7 % would be among the first ten. The standard error of a fraction is
up to 4 %.

The raw counts perform poorly, with 11 % among the first ten: the largest counts belong to "the" and
"of", and the components of an SVD model these. `PPMI`, the ratio of the counts to those expected by
chance, has 38 %. So has an SVD of log(1 + n), which has no theoretical basis. PPMI is better among
the first hundred (78 % compared with 66 %), and with less data, if only two words on each side are
counted (34 % compared with 22 %). With logarithms of counts the nearest word has a similar
frequency, as the last column shows; with PPMI less so.

GloVe also factorizes logarithms of counts, with biases and a weight for each entry, but only of
pairs that occur. This is `MaskedMF` with `entry_weight`, and has 19 %. It lacks the pairs that
never occur together: the same model with all other pairs as zeros, with a tenth of the weight, has
34 %. GloVe was designed for texts of billions of words, where a meaningful pair is seldom missing.
Here nine pairs of ten are missing, and to omit them is to omit most of the information.

The default parameters of `PPMI` were also chosen for large texts. Without smoothing it does as well
here, or a little better, and `shift=5` removes too much: the word "and" has no weight left at all.

The texts are those of the installed scikit-learn, so results differ between versions.
"""

import inspect
import re
import sys

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.utils.discovery import all_estimators, all_functions

from lrfact import PPMI, MaskedMF, TruncatedSVDReducer

N_COMPONENTS = 50
PROBES = ("matrix", "sparse", "kernel", "cluster", "regression", "image")


def passages():
    """Paragraphs of the docstrings of public classes, methods and functions, each once."""
    documented = [thing for _, thing in [*all_estimators(), *all_functions()]]
    for thing in filter(inspect.isclass, documented[:]):
        members = inspect.getmembers(thing, callable)
        documented += [method for name, method in members if not name.startswith("_")]
    texts = [(inspect.getdoc(thing) or "").split("\nExamples\n")[0] for thing in documented]
    prose = [re.sub(r":\w+:|https?://\S+", " ", text) for text in texts]
    paragraphs = [" ".join(part.split()) for text in prose for part in text.split("\n\n")]
    return list(dict.fromkeys(paragraphs))


def count_company(texts, window=5):
    """Words, and how often each stands within the window of each other, as a sparse matrix."""
    vectorizer = CountVectorizer(token_pattern="[a-z]{2,}", min_df=10).fit(texts)
    words, split = vectorizer.get_feature_names_out(), vectorizer.build_analyzer()
    # Words that are rare are -1, and so is a gap between passages, as wide as the window.
    tokens = [split(text) + window * [""] for text in texts]
    tokens = np.array([vectorizer.vocabulary_.get(word, -1) for part in tokens for word in part])
    counts = sparse.csr_array((len(words), len(words)))
    for offset in range(1, window + 1):
        left, right = tokens[:-offset], tokens[offset:]
        known = (left >= 0) & (right >= 0)
        pairs = left[known], right[known]
        counts += sparse.csr_array((np.ones(known.sum()), pairs), counts.shape)
    return words, (counts + counts.T).tocsr()


def svd():
    """The factorization of the first three ways."""
    return TruncatedSVDReducer(N_COMPONENTS, random_state=0)


def of_logarithms(counts):
    """Singular vectors of log(1 + n)."""
    return svd().fit_transform(counts.log1p())


def of_information(counts, **parameters):
    """Singular vectors of the positive pointwise mutual information."""
    return make_pipeline(PPMI(**parameters), svd()).fit_transform(counts)


def like_glove(counts, weight_of_zeros=0.0):
    """Weighted least squares on logarithms of counts: of pairs that occur, or of all."""
    model = MaskedMF(N_COMPONENTS, reg=0.3, tol=1e-3, random_state=0)
    target, weights = counts.copy(), counts.copy()
    target.data = np.log(counts.data)
    weights.data = np.minimum(1, (counts.data / 10) ** 0.75)
    if weight_of_zeros:
        target = counts.log1p().toarray()
        weights = np.where(counts.toarray() > 0, weights.toarray(), weight_of_zeros)
    return model.fit_transform(target, entry_weight=weights)


WAYS = {
    "counts, SVD": lambda counts: svd().fit_transform(counts),
    "log(1 + counts), SVD": of_logarithms,
    "PPMI, SVD": of_information,
    "like GloVe": like_glove,
    "like GloVe, with zeros": lambda counts: like_glove(counts, weight_of_zeros=0.1),
    "PPMI, smoothing=1": lambda counts: of_information(counts, smoothing=1),
    "PPMI, shift=5": lambda counts: of_information(counts, shift=5),
}
COMPARED = list(WAYS)[:5]
AT_OTHER_WINDOWS = COMPARED[:4]


def cosines(vectors):
    """Of all words with all others; a word is no neighbor of itself."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(length > 0, length, 1)
    found = unit @ unit.T
    np.fill_diagonal(found, -np.inf)
    return found


def forms(words):
    """Places of the words that also occur with an s at the end, and of these forms."""
    place = {word: i for i, word in enumerate(words)}
    return np.array([(i, place[word + "s"]) for word, i in place.items() if word + "s" in place])


def ranks_of_forms(vectors, pairs):
    """How far up each of two forms is among the nearest of the other; 1 is the nearest."""
    found = cosines(vectors)
    asked, wanted = np.concatenate([pairs, pairs[:, ::-1]]).T
    return np.sum(found[asked] >= found[asked, wanted][:, np.newaxis], axis=1)


def likeness_of_frequencies(vectors, counts):
    """Correlation of the logarithms of the counts of words and of their nearest words."""
    frequency = np.log(counts.sum(axis=1))
    return np.corrcoef(frequency, frequency[cosines(vectors).argmax(axis=1)])[0, 1]


def nearest(vectors, words, word, n=5):
    """Places of the words of the highest cosine."""
    return np.argsort(-cosines(vectors)[words.tolist().index(word)], kind="stable")[:n]


def main():
    texts = passages()
    words, counts = count_company(texts)
    pairs = forms(words)
    share = counts.nnz / len(words) ** 2
    print(f"{len(words)} words, {len(pairs)} of them with an s too; {share:.1%} of pairs occur")
    print("                         of the other forms among  median  correlation")
    print("                          the first 10  first 100    rank  of frequencies")
    vectors, ranks = {}, {}
    for name, way in WAYS.items():
        vectors[name] = way(counts)
        ranks[name] = ranks_of_forms(vectors[name], pairs)
        within = " ".join(f"{(ranks[name] <= n).mean():11.0%}" for n in (10, 100))
        alike = likeness_of_frequencies(vectors[name], counts)
        print(f"  {name:22} {within} {np.median(ranks[name]):10.0f} {alike:11.2f}")
    print("among the first 10 where the window is")
    for window in (2, 10):
        _, others = count_company(texts, window)
        found = (
            f"{name} {(ranks_of_forms(WAYS[name](others), pairs) <= 10).mean():.0%}"
            for name in AT_OTHER_WINDOWS
        )
        print(f"  {window:2} words: {'; '.join(found)}")
    for name in ("counts, SVD", "PPMI, SVD", "like GloVe"):
        print(f"nearest words, {name}:")
        for probe in PROBES:
            print(f"  {probe:10}  {', '.join(words[nearest(vectors[name], words, probe)])}")

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.5), layout="constrained")
    parts = np.arange(1, 2 * len(pairs) + 1) / (2 * len(pairs))
    for name in COMPARED:
        left.step(np.sort(ranks[name]), parts, where="post", label=name)
    left.set(xscale="log", xlabel="rank", ylabel="share of other forms found up to this rank")
    left.set_title("clusters among the words nearest to cluster, and the like")
    left.legend()
    draw_cosines(figure, right, vectors["PPMI, SVD"], words)
    return figure


def draw_cosines(figure, ax, vectors, words):
    """Of the probes and the words nearest to each."""
    groups = [[words.tolist().index(word), *nearest(vectors, words, word)] for word in PROBES]
    shown = list(dict.fromkeys(np.concatenate(groups)))
    found = cosines(vectors)[np.ix_(shown, shown)]
    np.fill_diagonal(found, 1)
    image = ax.imshow(found, vmin=0, vmax=1, cmap="magma")
    ax.set_yticks(range(len(shown)), words[shown], fontsize=8)
    for label in ax.get_yticklabels():
        label.set_weight("bold" if label.get_text() in PROBES else "normal")
    ax.set(xticks=[], title="cosines of six words and the nearest of each: PPMI, SVD")
    figure.colorbar(image, ax=ax, shrink=0.8)


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
