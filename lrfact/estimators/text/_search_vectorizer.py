"""Vectorizer of a saved search as text, and the checks of one from an untrusted source."""

import re
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

from lrfact.estimators.text._search_arrays import REAL, ArrayArchive
from lrfact.estimators.text._search_files import StoredFiles, StoredSearchError

_VECTORIZERS = {
    "CountVectorizer": CountVectorizer,
    "HashingVectorizer": HashingVectorizer,
    "TfidfVectorizer": TfidfVectorizer,
}
# Dtypes of vectorizer output whose names are the same on every platform.
_DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
)
# Vectorizers read texts, not files, which an untrusted search must never open.
_CONTENT = "content"
# scikit-learn's default. Another pattern may take longer than the age of the universe on a text of
# a line, and this cannot be checked.
_KNOWN_PATTERNS = frozenset({r"(?u)\b\w\w+\b", CountVectorizer().token_pattern})
# A query of n letters has n times as many n-grams, with as many letters each.
_LONGEST_NGRAM = 100


def as_text(value: Any, what: str) -> Any:
    """Return a value that JSON can hold, or raise `ValueError` if there is none."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and np.isfinite(float(value)):
        return float(value)
    if isinstance(value, np.generic):
        return as_text(value.item(), what)
    raise ValueError(
        f"{what} is {value!r}, which text cannot hold; give a string or a number, or write the "
        "search with skops, which asks before it loads objects"
    )


def parameters_of_vectorizer(vectorizer: Any) -> dict[str, Any]:
    """Return the class and the parameters of a vectorizer as text."""
    name = type(vectorizer).__name__
    if _VECTORIZERS.get(name) is not type(vectorizer):
        raise ValueError(
            f"vectorizer is a {name}, and only {', '.join(_VECTORIZERS)} of scikit-learn can be "
            "saved as text; write the search with skops instead"
        )
    text: dict[str, Any] = {}
    for parameter, value in vectorizer.get_params().items():
        if parameter == "vocabulary":
            text[parameter] = None  # the one fitted is stored
        elif parameter == "input" and value != _CONTENT:
            raise ValueError(
                f"input of the vectorizer is {value!r}, and a search that is loaded opens no "
                "files; read them first, and fit on their texts"
            )
        elif parameter == "dtype":
            text[parameter] = np.dtype(value).name
            if text[parameter] not in _DTYPES:
                raise ValueError(
                    f"dtype of the vectorizer is {text[parameter]}, and only {', '.join(_DTYPES)} "
                    "can be saved as text"
                )
        elif parameter == "ngram_range":
            text[parameter] = [int(bound) for bound in value]
            if text[parameter][1] > _LONGEST_NGRAM:
                raise ValueError(
                    f"ngram_range of the vectorizer is {value}, and a search with n-grams of more "
                    f"than {_LONGEST_NGRAM} cannot be saved as text; give shorter ones"
                )
        elif parameter == "stop_words" and not isinstance(value, str | None):
            text[parameter] = sorted(str(word) for word in value)
        else:
            text[parameter] = as_text(value, f"{parameter} of the vectorizer")
    return {"class": name, "parameters": text}


def vectorizer_as_text(vectorizer: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """Return a fitted vectorizer as text, and add its numeric state to the arrays."""
    if vectorizer is None:
        return None
    text = parameters_of_vectorizer(vectorizer)
    if not isinstance(vectorizer, HashingVectorizer):
        text["vocabulary"] = [str(term) for term in vectorizer.get_feature_names_out()]
    if isinstance(vectorizer, TfidfVectorizer) and vectorizer.use_idf:
        arrays["idf"] = vectorizer.idf_
    return text


def new_vectorizer(text: dict[str, Any], stored: StoredFiles, *, trust_pattern: bool) -> Any:
    """Return a vectorizer with the parameters of one that was saved."""
    vectorizer_class = _VECTORIZERS.get(text["class"])
    if vectorizer_class is None:
        raise stored.damaged(f"there is no vectorizer {text['class']!r}")
    parameters = dict(text["parameters"])
    if "vocabulary" in parameters:
        parameters["vocabulary"] = None
    parameters["ngram_range"] = _ngram_range(parameters["ngram_range"], stored)
    if parameters["dtype"] not in _DTYPES:
        raise stored.damaged(f"a vectorizer makes {parameters['dtype']!r}")
    if parameters.get("input", _CONTENT) != _CONTENT:
        raise stored.damaged("its vectorizer would open files")
    _check_pattern(parameters.get("token_pattern"), stored, trust_pattern=trust_pattern)
    stop_words = parameters.get("stop_words")
    if isinstance(stop_words, list) and not all(isinstance(word, str) for word in stop_words):
        raise stored.damaged("the stop words of its vectorizer are not strings")
    parameters["dtype"] = np.dtype(parameters["dtype"]).type
    vectorizer = vectorizer_class(**parameters)
    vectorizer._validate_params()
    return vectorizer


def vectorizer_from_text(
    text: Any, arrays: ArrayArchive, n_terms: int, stored: StoredFiles, *, trust_pattern: bool
) -> Any:
    """Return a fitted vectorizer that was saved."""
    if text is None:
        return None
    vectorizer = new_vectorizer(text, stored, trust_pattern=trust_pattern)
    if isinstance(vectorizer, HashingVectorizer):
        if vectorizer.n_features != n_terms:
            raise stored.damaged(f"its vectorizer does not make {n_terms} columns")
        return vectorizer
    terms = text["vocabulary"]
    if (
        not isinstance(terms, list)
        or not all(isinstance(term, str) for term in terms)
        or not len(terms) == len(set(terms)) == n_terms
    ):
        raise stored.damaged(f"its vocabulary has not {n_terms} distinct terms")
    vectorizer.set_params(vocabulary={term: column for column, term in enumerate(terms)})
    vectorizer.fit([""])  # with a given vocabulary, nothing is learned
    if isinstance(vectorizer, TfidfVectorizer) and vectorizer.use_idf:
        vectorizer.idf_ = arrays.read("idf", REAL, 1, (n_terms,))
    return vectorizer


def _ngram_range(bounds: Any, stored: StoredFiles) -> tuple[int, int]:
    if (
        not isinstance(bounds, list)
        or len(bounds) != 2
        or not all(isinstance(bound, int) and not isinstance(bound, bool) for bound in bounds)
        or not 1 <= bounds[0] <= bounds[1] <= _LONGEST_NGRAM
    ):
        raise stored.damaged(f"its vectorizer has the ngram_range {bounds!r}")
    return bounds[0], bounds[1]


def _check_pattern(pattern: Any, stored: StoredFiles, *, trust_pattern: bool) -> None:
    """Raise an error for a token pattern that is invalid or not trusted."""
    if pattern is None or pattern in _KNOWN_PATTERNS:
        return
    if not isinstance(pattern, str):
        raise stored.damaged(f"its vectorizer has the token_pattern {pattern!r}")
    if not trust_pattern:
        raise StoredSearchError(
            f"the search in {stored.folder} takes its words by token_pattern={pattern!r}, which is "
            "not scikit-learn's default, and a pattern of a stranger can make a query never end; "
            "give trust_pattern=True if you know where the files come from"
        )
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        raise stored.damaged(f"its token_pattern {pattern!r} is not a pattern: {error}") from error
