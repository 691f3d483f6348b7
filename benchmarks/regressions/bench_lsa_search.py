"""Document search on synthetic documents with known subjects."""

import numpy as np
import scipy.sparse as sp

N_DOCUMENTS, N_QUERIES, N_SUBJECTS = 5_000, 200, 50
N_WORDS, WORDS_OF_A_SUBJECT = 8_000, 100


class Search:
    param_names = ("lexical_weight",)
    params = ((0.0, 0.4),)

    def setup(self, lexical_weight):
        from lrfact import LSASearch

        rng = np.random.default_rng(0)
        self.documents, self.subjects = _counts(rng, N_DOCUMENTS, n_own=15, n_common=40)
        self.queries, self.asked = _counts(rng, N_QUERIES, n_own=2, n_common=1)
        self.search = LSASearch(50, lexical_weight=lexical_weight, random_state=0, n_jobs=1)
        self.search.fit(self.documents, self.subjects)

    def time_fit(self, lexical_weight):
        self.search.fit(self.documents, self.subjects)

    def peakmem_fit(self, lexical_weight):
        self.search.fit(self.documents, self.subjects)

    def time_search(self, lexical_weight):
        self.search.kneighbors(self.queries, 10)

    def time_search_of_one(self, lexical_weight):
        self.search.kneighbors(self.queries[[0]], 10)

    def track_precision_missed(self, lexical_weight):
        return 1 - self.search.score(self.queries, self.asked)


def _counts(rng, n, *, n_own, n_common):
    """Counts of the words of one subject each, with words common to all by Zipf's law."""
    words = np.random.default_rng(0).permutation(N_WORDS)
    own = words[: N_SUBJECTS * WORDS_OF_A_SUBJECT].reshape(N_SUBJECTS, -1)
    subjects = rng.integers(N_SUBJECTS, size=n)
    of_subject = own[subjects[:, None], rng.integers(WORDS_OF_A_SUBJECT, size=(n, n_own))]
    weights = 1 / np.arange(1, N_WORDS + 1)
    common = rng.choice(N_WORDS, size=(n, n_common), p=weights / weights.sum())
    columns = np.hstack([of_subject, common])
    rows = np.repeat(np.arange(n), columns.shape[1])
    X = sp.csr_array((np.ones(columns.size), (rows, columns.ravel())), shape=(n, N_WORDS))
    X.sum_duplicates()
    return X, subjects
