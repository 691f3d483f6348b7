"""A fitted search as files that hold nothing but numbers and text: safe to load from strangers."""

import json
from collections.abc import Callable
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from lrfact.estimators._document_collection import DocumentCollection, document_collection
from lrfact.estimators._term_weighting import TermWeighting
from lrfact.solvers.document_index import DocumentIndex
from lrfact.solvers.held_share import HeldShare
from lrfact.solvers.latent_space import LatentSpace, TermMasses

_FORMAT = "lrfact.LSASearch"
_VERSION = 1
_TEXT, _ARRAYS, _VECTORS = "search.json", "arrays.npz", "vectors.npy"
_POSTINGS = ("postings_data.npy", "postings_indices.npy", "postings_indptr.npy")

_VECTORIZERS = {
    "CountVectorizer": CountVectorizer,
    "HashingVectorizer": HashingVectorizer,
    "TfidfVectorizer": TfidfVectorizer,
}
# Of what a vectorizer makes; all are named alike on every machine.
_DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
)
# What a vectorizer reads: texts, not files, which a stranger's search must never open.
_CONTENT = "content"
# Kinds of NumPy's dtypes.
_REAL, _TRUTH = "f", "b"


class SearchArchive:
    """Mixin of a search that can be saved."""

    vectorizer_: Any
    weighting_: Any
    solver_: str
    singular_value_error_: NDArray[np.floating]
    _fitted_space: LatentSpace
    _fitted_index: DocumentIndex
    _fitted_collection: DocumentCollection
    _fitted_held: HeldShare
    _fitted_energy: float
    get_params: Any

    def save(self, folder: str | PathLike[str]) -> None:
        """Write the fitted search into a folder of ``.npy``, ``.npz`` and ``.json`` files.

        Parameters
        ----------
        folder : path-like
            Made if it does not exist; files of an earlier search in it are replaced.

        Raises
        ------
        ValueError
            If a parameter is an object that text cannot hold, such as a tokenizer function or a
            transformer of another library: skops writes such a search. If the vectorizer opens
            files.

        See Also
        --------
        load : Reads it back, also as a memory map.
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
            "format": _FORMAT,
            "version": _VERSION,
            "parameters": _parameters_as_text(self.get_params(deep=False)),
            "vectorizer": _vectorizer_as_text(self.vectorizer_, arrays),
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
        written = json.dumps(text, ensure_ascii=False, allow_nan=False).encode()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / _TEXT, lambda file: file.write(written))
        _write(folder / _ARRAYS, lambda file: np.savez(file, **arrays))
        _write_array(folder / _VECTORS, index.vectors)
        if index.postings is None:
            for name in _POSTINGS:
                (folder / name).unlink(missing_ok=True)
            return
        parts = (index.postings.data, index.postings.indices, index.postings.indptr)
        for name, part in zip(_POSTINGS, parts, strict=True):
            _write_array(folder / name, part)

    @classmethod
    def load(cls, folder: str | PathLike[str], *, memory_map: bool = False) -> Self:
        """Read a search that `save` wrote. Nothing in the files is run.

        Parameters
        ----------
        folder : path-like
            Where it is.

        memory_map : bool, default=False
            Whether the vectors and words of the documents stay in their files, of which the
            system then keeps in memory what is used, shared by all processes.

        Returns
        -------
        LSASearch
            Fitted, with the results of the one that was saved.

        Raises
        ------
        ValueError
            If a file is missing, damaged or of something else, or the files do not go together.
        """
        folder = Path(folder)
        text = _read_text(folder)
        try:
            return _restored(cls, folder, text, memory_map)
        except (KeyError, TypeError, AttributeError, OverflowError) as damage:
            raise ValueError(_damaged(folder, f"{_TEXT} lacks or distorts {damage}")) from damage


def _write(path: Path, write: Callable[[Any], Any]) -> None:
    """Write a file in the place of another, which a memory map may still read."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        write(file)
    partial.replace(path)


def _write_array(path: Path, array: NDArray[Any]) -> None:
    _write(path, lambda file: np.save(file, array))


def _restored(cls: Any, folder: Path, text: dict[str, Any], memory_map: bool) -> Any:
    arrays = _read_arrays(folder)
    Vt = _checked(arrays, "components", _REAL, 2, folder)
    k, n_terms = Vt.shape
    s = _checked(arrays, "singular_values", _REAL, 1, folder, (k,))
    n = _whole(text["n_documents"], folder, least=1)
    search = cls(**_parameters_from_text(text["parameters"], folder))
    search._validate_params()
    masses = None
    if text["total_mass"] is not None:
        of_terms = _checked(arrays, "masses", _REAL, 1, folder, (n_terms,))
        masses = TermMasses(of_terms, _number(text["total_mass"], folder))
    space = LatentSpace(s, Vt, search.sigma_power, masses)
    vectors = _read_array(folder, _VECTORS, memory_map)
    if vectors.dtype != np.float32 or vectors.shape != (n, k):
        raise ValueError(_damaged(folder, f"{_VECTORS} has {vectors.shape} {vectors.dtype}"))
    # Neither makes a table as large as the vectors.
    if not np.isfinite([vectors.min(initial=0), vectors.max(initial=0)]).all():
        raise ValueError(_damaged(folder, f"{_VECTORS} has entries that are no numbers"))
    postings = _read_postings(folder, (n_terms, n), memory_map) if text["has_postings"] else None
    search.vectorizer_ = _vectorizer_from_text(text["vectorizer"], arrays, n_terms, folder)
    search.weighting_ = _weighting_from_text(text["weighting"], arrays, n_terms, folder)
    search.solver_ = str(text["solver"])
    search.singular_value_error_ = _checked(arrays, "singular_value_error", _REAL, 1, folder, (k,))
    search.n_features_in_ = n_terms
    if text["feature_names"] is not None:
        names = np.array([str(name) for name in text["feature_names"]], dtype=object)
        if len(names) != n_terms:
            raise ValueError(_damaged(folder, f"it names {len(names)} of {n_terms} terms"))
        search.feature_names_in_ = names
    texts = text["texts"]
    if texts is not None and (
        len(texts) != n or not all(isinstance(document, str) for document in texts)
    ):
        raise ValueError(_damaged(folder, "texts are not one string for each document"))
    collection = document_collection(
        n, ids=text["ids"], labels=text["labels"] and np.array(text["labels"]), texts=texts
    )
    held = HeldShare(
        _checked(arrays, "share_expected", _REAL, 1, folder, (k,)),
        _checked(arrays, "share_of_added", _REAL, 1, folder, (k,)),
        _whole(text["n_added"], folder),
    )
    index = DocumentIndex(
        vectors,
        _checked(arrays, "second_moment", _REAL, 2, folder, (k, k)),
        _checked(arrays, "says_anything", _TRUTH, 1, folder, (n,)),
        postings,
    )
    search._store(space, index, collection, held, _number(text["energy"], folder))
    return search


def _read_text(folder: Path) -> dict[str, Any]:
    try:
        text = json.loads((folder / _TEXT).read_text(encoding="utf-8"))
    except OSError as missing:
        raise ValueError(
            f"{folder} has no file {_TEXT} that can be read; give a folder that LSASearch.save "
            "wrote"
        ) from missing
    except (ValueError, RecursionError) as damage:
        raise ValueError(_damaged(folder, f"{_TEXT} is no JSON")) from damage
    if not isinstance(text, dict) or text.get("format") != _FORMAT:
        raise ValueError(f"{folder} holds no LSASearch; give a folder that LSASearch.save wrote")
    if text.get("version") != _VERSION:
        raise ValueError(
            f"{folder} was written in version {text.get('version')!r} of the format, and this "
            f"lrfact reads version {_VERSION}; update lrfact, or fit again"
        )
    return text


def _read_arrays(folder: Path) -> dict[str, NDArray[Any]]:
    try:
        path = folder / _ARRAYS
        # Opened here, as NumPy leaves a file open in which it finds no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as damage:  # of whatever kind the readers of zip and npy files raise
        raise ValueError(_damaged(folder, f"{_ARRAYS} cannot be read: {damage}")) from damage


def _read_array(folder: Path, name: str, memory_map: bool) -> NDArray[Any]:
    try:
        return np.load(folder / name, mmap_mode="r" if memory_map else None, allow_pickle=False)
    except Exception as damage:  # of whatever kind the reader of npy headers raises
        raise ValueError(_damaged(folder, f"{name} cannot be read: {damage}")) from damage


def _read_postings(folder: Path, shape: tuple[int, int], memory_map: bool) -> csr_array:
    data, indices, indptr = (_read_array(folder, name, memory_map) for name in _POSTINGS)
    # SciPy would read and write wherever damaged indices point.
    sound = (
        data.dtype == np.float32
        and indices.dtype.kind == indptr.dtype.kind == "i"
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
        raise ValueError(_damaged(folder, "the words of its documents do not fit together"))
    return csr_array((data, indices, indptr), shape=shape)


def _checked(
    arrays: dict[str, NDArray[Any]],
    name: str,
    kinds: str,
    ndim: int,
    folder: Path,
    shape: tuple[int, ...] | None = None,
) -> NDArray[Any]:
    array = arrays.get(name)
    if array is None:
        raise ValueError(_damaged(folder, f"{_ARRAYS} has no {name}"))
    wrong = array.dtype.kind not in kinds or array.ndim != ndim
    if wrong or (shape is not None and array.shape != shape) or not np.isfinite(array).all():
        raise ValueError(_damaged(folder, f"{name} in {_ARRAYS} is not what it should be"))
    return array


def _damaged(folder: Path, what: str) -> str:
    return f"the search in {folder} is damaged: {what}; save it again from its source"


def _whole(value: Any, folder: Path, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(_damaged(folder, f"{value!r} is no number of documents"))
    return value


def _number(value: Any, folder: Path) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
        raise ValueError(_damaged(folder, f"{value!r} is no number"))
    return float(value)


def _as_text(value: Any, what: str) -> Any:
    """Return a value that JSON can hold, or say that there is none."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and np.isfinite(float(value)):
        return float(value)
    if isinstance(value, np.generic):
        return _as_text(value.item(), what)
    raise ValueError(
        f"{what} is {value!r}, which text cannot hold; give a string or a number, or write the "
        "search with skops, which asks before it loads objects"
    )


def _listed(values: Any, what: str) -> list[Any] | None:
    return None if values is None else [_as_text(value, f"one of {what}") for value in values]


def _parameters_as_text(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as text; what was fitted from objects is stored as it is fitted."""
    text: dict[str, Any] = {}
    for name, value in parameters.items():
        if name == "vectorizer" and not isinstance(value, str | None):
            text[name] = _plain_vectorizer(value)
        elif isinstance(value, TermWeighting):
            text[name] = value.get_params()
        elif isinstance(value, np.random.RandomState):
            text[name] = None  # its state has gone into the fit
        else:
            text[name] = _as_text(value, name)
    return text


def _parameters_from_text(text: dict[str, Any], folder: Path) -> dict[str, Any]:
    parameters = dict(text)
    if isinstance(parameters["vectorizer"], dict):
        parameters["vectorizer"] = _new_vectorizer(parameters["vectorizer"], folder)
    if isinstance(parameters["weighting"], dict):
        parameters["weighting"] = TermWeighting(**parameters["weighting"])
    return parameters


def _plain_vectorizer(vectorizer: Any) -> dict[str, Any]:
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
        elif parameter == "stop_words" and not isinstance(value, str | None):
            text[parameter] = sorted(str(word) for word in value)
        else:
            text[parameter] = _as_text(value, f"{parameter} of the vectorizer")
    return {"class": name, "parameters": text}


def _new_vectorizer(text: dict[str, Any], folder: Path) -> Any:
    vectorizer_class = _VECTORIZERS.get(text["class"])
    if vectorizer_class is None:
        raise ValueError(_damaged(folder, f"there is no vectorizer {text['class']!r}"))
    parameters = dict(text["parameters"])
    if "vocabulary" in parameters:
        parameters["vocabulary"] = None
    parameters["ngram_range"] = tuple(parameters["ngram_range"])
    if parameters["dtype"] not in _DTYPES:
        raise ValueError(_damaged(folder, f"a vectorizer makes {parameters['dtype']!r}"))
    if parameters.get("input", _CONTENT) != _CONTENT:
        raise ValueError(_damaged(folder, "its vectorizer would open files"))
    parameters["dtype"] = np.dtype(parameters["dtype"]).type
    return vectorizer_class(**parameters)


def _vectorizer_as_text(vectorizer: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if vectorizer is None:
        return None
    text = _plain_vectorizer(vectorizer)
    if not isinstance(vectorizer, HashingVectorizer):
        text["vocabulary"] = [str(term) for term in vectorizer.get_feature_names_out()]
    if isinstance(vectorizer, TfidfVectorizer) and vectorizer.use_idf:
        arrays["idf"] = vectorizer.idf_
    return text


def _vectorizer_from_text(
    text: Any, arrays: dict[str, NDArray[Any]], n_terms: int, folder: Path
) -> Any:
    if text is None:
        return None
    vectorizer = _new_vectorizer(text, folder)
    if isinstance(vectorizer, HashingVectorizer):
        if vectorizer.n_features != n_terms:
            raise ValueError(_damaged(folder, f"its vectorizer does not make {n_terms} columns"))
        return vectorizer
    terms = text["vocabulary"]
    if len(set(terms)) != n_terms or not all(isinstance(term, str) for term in terms):
        raise ValueError(_damaged(folder, f"its vocabulary has not {n_terms} distinct terms"))
    vectorizer.set_params(vocabulary={term: column for column, term in enumerate(terms)})
    vectorizer.fit([""])  # of a vocabulary that is given, it learns nothing
    if isinstance(vectorizer, TfidfVectorizer) and vectorizer.use_idf:
        vectorizer.idf_ = _checked(arrays, "idf", _REAL, 1, folder, (n_terms,))
    return vectorizer


def _weighting_as_text(weighting: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if weighting is None:
        return None
    if type(weighting) is not TermWeighting:
        raise ValueError(
            f"weighting is a {type(weighting).__name__}, and only TermWeighting can be saved as "
            "text; write the search with skops instead"
        )
    arrays["term_weights"] = weighting.term_weights_
    return {"parameters": weighting.get_params(), "mean_length": weighting.mean_length_}


def _weighting_from_text(
    text: Any, arrays: dict[str, NDArray[Any]], n_terms: int, folder: Path
) -> TermWeighting | None:
    if text is None:
        return None
    weighting = TermWeighting(**text["parameters"])
    weighting._validate_params()
    weighting.term_weights_ = _checked(arrays, "term_weights", _REAL, 1, folder, (n_terms,))
    weighting.mean_length_ = _number(text["mean_length"], folder)
    weighting.n_features_in_ = n_terms
    return weighting
