"""Document-term matrix of documents: vectorization of texts and term weighting."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.preprocessing import normalize

from lrfact.checks._documents import as_texts
from lrfact.checks._matrix_input import validated_matrix
from lrfact.estimators.text._term_weighting import TermWeighting
from lrfact.linalg.scaled_rows import scaled_rows
from lrfact.linalg.sparse_rows import as_sparse_rows

VECTORIZERS: dict[str, Any] = {"count": CountVectorizer, "tfidf": TfidfVectorizer}

_LONE_SURROGATE = re.compile("[\\ud800-\\udfff]")


class DocumentMatrix:
    """Mixin of a search whose input is text or a document-term matrix."""

    vectorizer: Any
    weighting: Any
    centering: str | None
    vectorizer_: Any
    weighting_: Any
    n_features_in_: int

    def _validated(self, X: Any, *, reset: bool) -> Any:
        return self._counts(X, reset=reset)[0]

    def _counts(self, X: Any, *, reset: bool) -> tuple[Any, list[str] | None]:
        """Return documents as a validated matrix, and their texts if they were given as texts."""
        texts = as_texts(X)
        if texts is not None:
            return self._vectorized(texts, reset=reset), texts
        if np.ma.isMaskedArray(X):
            raise ValueError(
                "X is a masked array, but LSASearch does not support missing values; fill them"
            )
        X = validated_matrix(
            self, X, reset=reset, accept_sparse="csr", dtype=[np.float64, np.float32]
        )
        if reset:
            self.vectorizer_ = None
        return (as_sparse_rows(X) if sparse.issparse(X) else X), None

    def _vectorized(self, texts: list[str], *, reset: bool) -> csr_array:
        if not reset:
            counts = _in_unicode(self._vectorizer_of_text().transform, texts)
        else:
            if self.vectorizer is None:
                raise ValueError(
                    "X is text, but vectorizer=None accepts only a matrix; give vectorizer='count'"
                )
            if isinstance(self.vectorizer, str):
                vectorizer = VECTORIZERS[self.vectorizer](stop_words="english", dtype=np.float32)
            else:
                vectorizer = clone(self.vectorizer)
            counts = _in_unicode(vectorizer.fit_transform, texts)
            self.vectorizer_ = vectorizer
            self.n_features_in_ = counts.shape[1]
        dtype = counts.dtype if counts.dtype in (np.float32, np.float64) else np.float32
        return as_sparse_rows(sparse.csr_array(counts, dtype=dtype))

    def _vectorizer_of_text(self) -> Any:
        if self.vectorizer_ is None:
            raise ValueError(
                "text was given, but this LSASearch was fitted on a matrix and has no vectorizer; "
                "give rows of a matrix, or fit it on text"
            )
        return self.vectorizer_

    def _new_weighting(self, counts: Any) -> Any:
        if self.weighting is None:
            return None
        if not isinstance(self.weighting, str):
            return clone(self.weighting)
        if self.weighting != "auto":
            return TermWeighting(self.weighting)
        values = counts.data if sparse.issparse(counts) else counts
        are_counts = bool((values >= 0).all()) and bool((values == np.rint(values)).all())
        return TermWeighting("bm25") if are_counts else None

    def _weighted(self, counts: Any) -> Any:
        A = counts if self.weighting_ is None else self.weighting_.transform(counts)
        if sparse.issparse(A):
            A = as_sparse_rows(A)
        if self.centering is None:
            return A
        A = as_sparse_rows(A)
        if A.nnz and A.data.min() < 0:
            raise ValueError(
                "Negative values in data passed to LSASearch, but centering='correspondence' needs "
                "nonnegative weights; give centering=None"
            )
        return A

    def _lexical_rows(self, A: Any) -> csr_array:
        """Return the contributions of the words of documents to their lexical scores."""
        rows = as_sparse_rows(A)
        return rows if self._is_bm25 else csr_array(normalize(scaled_rows(rows)))

    @property
    def _is_bm25(self) -> bool:
        """Whether the weights are BM25, which applies to documents only, so queries are counts."""
        return isinstance(self.weighting_, TermWeighting) and self.weighting_.scheme == "bm25"

    def _term_names(self) -> NDArray[Any] | None:
        if self.vectorizer_ is None:
            return getattr(self, "feature_names_in_", None)
        names = getattr(self.vectorizer_, "get_feature_names_out", None)
        return None if names is None else np.asarray(names(), dtype=object)


def _in_unicode(vectorize: Any, texts: list[str]) -> Any:
    """Vectorize texts, with a clear error for lone surrogates, which UTF-8 cannot encode."""
    try:
        return vectorize(texts)
    except UnicodeEncodeError as error:
        for place, text in enumerate(texts):
            surrogate = _LONE_SURROGATE.search(text)
            if surrogate is not None:
                raise ValueError(
                    f"X[{place}] has the lone surrogate {surrogate[0]!r} at {surrogate.start()}, "
                    "which the vectorizer cannot encode; replace it, for example by "
                    "text.encode('utf-8', 'replace').decode()"
                ) from error
        raise
