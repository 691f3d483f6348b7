"""Saving and loading of a fitted search: files of numbers and text only, without pickle."""

import json
from collections import Counter
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from lrfact._typing import Array
from lrfact.estimators.text._closest_word import ClosestWord
from lrfact.estimators.text._document_collection import DocumentCollection, document_collection
from lrfact.estimators.text._search_arrays import (
    INTEGER,
    REAL,
    TRUTH,
    ArrayArchive,
    array_archive,
    read_array,
    write_array,
    write_arrays,
)
from lrfact.estimators.text._search_files import (
    ARRAYS,
    FORMAT,
    POSTINGS,
    TEXT,
    VECTORS,
    VERSION,
    StoredFiles,
    StoredSearchError,
    content_of,
    files_replaced_together,
    stored_files,
    text_of,
)
from lrfact.estimators.text._search_vectorizer import (
    as_text,
    new_vectorizer,
    parameters_of_vectorizer,
    vectorizer_as_text,
    vectorizer_from_text,
)
from lrfact.estimators.text._term_weighting import TermWeighting
from lrfact.solvers.search.document_index import DocumentIndex
from lrfact.solvers.search.drift_estimate import DriftEstimate
from lrfact.solvers.search.latent_space import LatentSpace, TermMasses
from lrfact.solvers.svd.truncated_svd import SVD_SOLVERS


class SearchArchive:
    """Mixin of a search that can be saved to files and loaded from them."""

    vectorizer_: Any
    weighting_: Any
    solver_: str
    singular_value_error_: Array
    _fitted_metric: str
    _fitted_space: LatentSpace
    _fitted_index: DocumentIndex
    _fitted_collection: DocumentCollection
    _fitted_held: DriftEstimate
    _fitted_energy: float
    get_params: Any

    def save(self, folder: str | PathLike[str]) -> None:
        """Save the fitted search to a folder of ``.npy``, ``.npz`` and ``.json`` files.

        Parameters
        ----------
        folder : path-like
            Folder of the search. It is created if it does not exist; an earlier search in it is
            replaced.

        Raises
        ------
        ValueError
            If a parameter is an object that cannot be stored as text, such as a tokenizer function
            or a transformer of another library (use skops for such a search), or if the vectorizer
            opens files.

        OSError
            If a file cannot be written.

        See Also
        --------
        load : Load a saved search, optionally memory-mapped.

        Notes
        -----
        The search is replaced as a whole: a process that loads it at the same time gets the old or
        the new search, and after an error, an interrupt or a crash the folder contains one of the
        two, complete. Until the new search is complete, both need space on the disk. A process that
        was killed leaves incomplete files; a save at least an hour later removes them.
        """
        check_is_fitted(self, "components_")
        space, index = self._fitted_space, self._fitted_index
        collection, held = self._fitted_collection, self._fitted_held
        arrays: dict[str, Any] = {
            "singular_values": space.s,
            "components": space.Vt,
            "singular_value_error": self.singular_value_error_,
            "share_expected": held.expected,
            "share_of_added": held.of_added,
            "second_moment": index.second_moment,
            "says_anything": index.says_anything,
        }
        if space.masses is not None:
            arrays["masses"] = space.masses.of_terms
        text = {
            "format": FORMAT,
            "version": VERSION,
            # The vectors depend on the metric of the fit, which `set_params` may have changed.
            "parameters": _parameters_as_text(
                {**self.get_params(deep=False), "metric": self._fitted_metric}
            ),
            "vectorizer": vectorizer_as_text(self.vectorizer_, arrays),
            "weighting": _weighting_as_text(self.weighting_, arrays),
            "solver": self.solver_,
            "feature_names": _listed(getattr(self, "feature_names_in_", None), "feature_names_in_"),
            "n_documents": collection.n_documents,
            "ids": _listed(collection.ids, "ids"),
            "labels": _listed(collection.labels, "y"),
            "texts": collection.texts,
            "n_added": held.n_added,
            "energy": self._fitted_energy,
            "total_mass": None if space.masses is None else space.masses.total,
            "has_postings": index.postings is not None,
        }
        with files_replaced_together(Path(folder)) as files:
            text["token"] = files.token
            # Python strings can contain lone surrogates, which strict UTF-8 cannot encode.
            written = json.dumps(text, ensure_ascii=False, allow_nan=False).encode(
                "utf-8", "surrogatepass"
            )
            files.write(TEXT, lambda file: file.write(written))
            files.write(ARRAYS, lambda file: write_arrays(file, arrays, files.token))
            of_files = {VECTORS: index.vectors}
            if index.postings is not None:
                parts = (index.postings.data, index.postings.indices, index.postings.indptr)
                of_files.update(zip(POSTINGS, parts, strict=True))
            for name, array in of_files.items():
                files.write(name, partial(write_array, array=array, token=files.token))

    @classmethod
    def load(
        cls, folder: str | PathLike[str], *, memory_map: bool = False, trust_pattern: bool = False
    ) -> Self:
        """Load a search that was written by `save`, without executing any code from its files.

        Parameters
        ----------
        folder : path-like
            Folder of the saved search.

        memory_map : bool, default=False
            Whether to memory-map the document vectors and the inverted index. Only the used parts
            are then in memory, and they are shared by all processes.

        trust_pattern : bool, default=False
            Whether to accept a vectorizer with a `token_pattern` that is not scikit-learn's
            default. Some regular expressions practically never terminate, even on a short text, so
            set this to True only for files from a trusted source.

        Returns
        -------
        LSASearch
            A fitted searcher with the same results as the saved one.

        Raises
        ------
        ValueError
            If a file is missing, damaged, of another kind or of another save, if it is a link to a
            file outside the folder or not a regular file, or if `token_pattern` needs
            `trust_pattern`.
        """
        with stored_files(Path(folder)) as stored:
            text = _read_text(stored)
            try:
                with array_archive(stored) as arrays:
                    search = _restored(cls, text, arrays, stored, memory_map, trust_pattern)
            except StoredSearchError:
                raise
            except ValueError as damage:  # invalid parameters
                raise stored.damaged(str(damage)) from damage
            except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as damage:
                raise stored.damaged(
                    f"{stored.name_of(TEXT)} lacks or distorts {damage}"
                ) from damage
            # Last, so that errors about invalid content are more specific.
            stored.require_checksums()
        return search


def _read_text(stored: StoredFiles) -> dict[str, Any]:
    if stored.text is not None:
        return stored.text
    name = stored.name_of(TEXT)
    text = text_of(content_of(stored.open_file(TEXT), stored.folder, name), stored.folder, name)
    if not isinstance(text, dict) or text.get("token") != stored.token:
        raise stored.damaged(f"{name} is of another save")
    return text


def _restored(
    cls: Any,
    text: dict[str, Any],
    arrays: ArrayArchive,
    stored: StoredFiles,
    memory_map: bool,
    trust_pattern: bool,
) -> Any:
    search = cls(**_parameters_from_text(text["parameters"], stored, trust_pattern=trust_pattern))
    search._validate_params()
    Vt = arrays.read("components", REAL, 2)
    k, n_terms = Vt.shape
    if k == 0:
        raise stored.damaged("it has no components")
    s = arrays.read("singular_values", REAL, 1, (k,))
    n = _whole(text["n_documents"], stored, least=1)
    masses = None
    if text["total_mass"] is not None:
        of_terms = arrays.read("masses", REAL, 1, (n_terms,))
        masses = TermMasses(of_terms, _number(text["total_mass"], stored))
    space = LatentSpace(s, Vt, search.sigma_power, masses)
    vectors = read_array(stored, VECTORS, REAL, memory_map=memory_map)
    if vectors.dtype != np.float32 or vectors.shape != (n, k):
        raise stored.damaged(f"{stored.name_of(VECTORS)} has {vectors.shape} {vectors.dtype}")
    # Minimum and maximum do not need a temporary array as large as the vectors.
    if not np.isfinite([vectors.min(initial=0), vectors.max(initial=0)]).all():
        raise stored.damaged(f"{stored.name_of(VECTORS)} has entries that are no numbers")
    has_postings = text["has_postings"]
    if not isinstance(has_postings, bool) or (
        # Version 1 left the files of an earlier search in the folder.
        stored.token is not None and has_postings != (POSTINGS[0] in stored.files)
    ):
        raise stored.damaged(f"has_postings is {has_postings!r}, which does not fit its files")
    postings = _read_postings(stored, (n_terms, n), memory_map) if has_postings else None
    search.vectorizer_ = vectorizer_from_text(
        text["vectorizer"], arrays, n_terms, stored, trust_pattern=trust_pattern
    )
    search._fitted_closest = ClosestWord()
    search._fitted_metric = search.metric
    search.weighting_ = _weighting_from_text(text["weighting"], arrays, n_terms, stored)
    if text["solver"] not in SVD_SOLVERS:
        raise stored.damaged(f"there is no solver {text['solver']!r}")
    search.solver_ = text["solver"]
    search.singular_value_error_ = arrays.read("singular_value_error", REAL, 1, (k,))
    search.n_features_in_ = n_terms
    if text["feature_names"] is not None:
        names = np.array([str(name) for name in text["feature_names"]], dtype=object)
        if len(names) != n_terms:
            raise stored.damaged(f"it names {len(names)} of {n_terms} terms")
        search.feature_names_in_ = names
    texts = text["texts"]
    if texts is not None and (
        not isinstance(texts, list)
        or len(texts) != n
        or not all(isinstance(document, str) for document in texts)
    ):
        raise stored.damaged("texts are not one string for each document")
    collection = document_collection(
        n,
        ids=_distinct_ids(text["ids"], stored),
        labels=_as_labels(_listed_plain(text["labels"], "y", stored)),
        texts=texts,
    )
    held = DriftEstimate(
        arrays.read("share_expected", REAL, 1, (k,)),
        arrays.read("share_of_added", REAL, 1, (k,)),
        _whole(text["n_added"], stored),
    )
    index = DocumentIndex(
        vectors,
        arrays.read("second_moment", REAL, 2, (k, k)),
        arrays.read("says_anything", TRUTH, 1, (n,)),
        postings,
    )
    search._store(space, index, collection, held, _number(text["energy"], stored))
    return search


def _read_postings(stored: StoredFiles, shape: tuple[int, int], memory_map: bool) -> csr_array:
    data, indices, indptr = (
        read_array(stored, name, REAL + INTEGER, memory_map=memory_map) for name in POSTINGS
    )
    # With damaged indices, SciPy would access memory out of bounds.
    sound = (
        data.dtype == np.float32
        and indices.dtype.kind == indptr.dtype.kind == INTEGER
        and data.ndim == indices.ndim == indptr.ndim == 1
        and len(data) == len(indices)
        and len(indptr) == shape[0] + 1
        and indptr[0] == 0
        and indptr[-1] == len(data)
        and bool((indptr[1:] >= indptr[:-1]).all())
        and (len(indices) == 0 or (indices.min() >= 0 and indices.max() < shape[1]))
        and bool(np.isfinite(data).all())
    )
    if not sound:
        raise stored.damaged("the words of its documents do not fit together")
    return csr_array((data, indices, indptr), shape=shape)


def _whole(value: Any, stored: StoredFiles, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise stored.damaged(f"{value!r} is no number of documents")
    return value


def _number(value: Any, stored: StoredFiles) -> float:
    try:
        number = float(value) if isinstance(value, int | float) else np.nan
    except OverflowError:
        number = np.inf
    if isinstance(value, bool) or not np.isfinite(number):
        raise stored.damaged("a number in it is not finite")
    return number


def _listed(values: Any, what: str) -> list[Any] | None:
    return None if values is None else [as_text(value, f"one of {what}") for value in values]


def _listed_plain(values: Any, what: str, stored: StoredFiles) -> list[Any] | None:
    """Validate and return a list written by `_listed`."""
    if values is None:
        return None
    if not isinstance(values, list) or any(isinstance(one, list | dict) for one in values):
        raise stored.damaged(f"{what} are not one string or number for each document")
    return values


# Distinct ids share a hash by chance only.
_MOST_OF_ONE_HASH = 16


def _distinct_ids(values: Any, stored: StoredFiles) -> list[Any] | None:
    """Return ids; reject many with the same hash, for which building a set takes very long."""
    ids = _listed_plain(values, "ids", stored)
    if ids and max(Counter(hash(one) for one in ids).values()) > _MOST_OF_ONE_HASH:
        raise stored.damaged("its ids are not distinct")
    return ids


def _as_labels(values: list[Any] | None) -> NDArray[Any] | None:
    """Return labels as an array that keeps the types of mixed numbers and strings."""
    if values is None:
        return None
    is_of_one_kind = len({type(one) for one in values}) == 1
    return np.array(values, dtype=None if is_of_one_kind else object)


def _parameters_as_text(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as text; the fitted state of objects is stored separately."""
    text: dict[str, Any] = {}
    for name, value in parameters.items():
        if name == "vectorizer" and not isinstance(value, str | None):
            text[name] = parameters_of_vectorizer(value)
        elif isinstance(value, TermWeighting):
            text[name] = _parameters_of_weighting(value)
        elif isinstance(value, np.random.RandomState):
            text[name] = None  # the fit has already used its state
        else:
            text[name] = as_text(value, name)
    return text


def _parameters_from_text(
    text: dict[str, Any], stored: StoredFiles, *, trust_pattern: bool
) -> dict[str, Any]:
    parameters = dict(text)
    if isinstance(parameters["vectorizer"], dict):
        parameters["vectorizer"] = new_vectorizer(
            parameters["vectorizer"], stored, trust_pattern=trust_pattern
        )
    if isinstance(parameters["weighting"], dict):
        weighting = TermWeighting(**parameters["weighting"])
        weighting._validate_params()
        parameters["weighting"] = weighting
    return parameters


def _parameters_of_weighting(weighting: TermWeighting) -> dict[str, Any]:
    return {name: as_text(value, name) for name, value in weighting.get_params().items()}


def _weighting_as_text(weighting: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if weighting is None:
        return None
    if type(weighting) is not TermWeighting:
        raise ValueError(
            f"weighting is a {type(weighting).__name__}, and only TermWeighting can be saved as "
            "text; write the search with skops instead"
        )
    arrays["term_weights"] = weighting.term_weights_
    return {
        "parameters": _parameters_of_weighting(weighting),
        "mean_length": weighting.mean_length_,
    }


def _weighting_from_text(
    text: Any, arrays: ArrayArchive, n_terms: int, stored: StoredFiles
) -> TermWeighting | None:
    if text is None:
        return None
    weighting = TermWeighting(**text["parameters"])
    weighting._validate_params()
    weighting.term_weights_ = arrays.read("term_weights", REAL, 1, (n_terms,))
    weighting.mean_length_ = _number(text["mean_length"], stored)
    weighting.n_features_in_ = n_terms
    return weighting
