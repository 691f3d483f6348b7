"""Randomly modified saved searches are rejected with a reason, or can be used.

``LRFACT_HYPOTHESIS=searching`` tries other changes, and more of them.
"""

import json
import shutil
import time
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer

from lrfact import LSASearch
from lrfact.estimators.text import _search_files
from reference.stored_search import FILES, in_version_1, on_disk, seal

TEXTS = [
    "The car has a strong engine and four wheels",
    "An auto with a new engine was sold",
    "The vet looked at the cat",
    "Cats and dogs see a vet, the dog barks",
    "Salt and flour make the dough",
]
SEARCHES = {
    "labels": lambda: LSASearch(2, random_state=0).fit(TEXTS, list("aabbc"), ids=list("vwxyz")),
    "correspondence": lambda: LSASearch(
        2, random_state=0, vectorizer="tfidf", centering="correspondence"
    ).fit(TEXTS),
    "hashes": lambda: LSASearch(
        2, random_state=0, lexical_weight=0, vectorizer=HashingVectorizer(n_features=16)
    ).fit(TEXTS),
}
# Fraction of the number of examples of the profile.
N_CHANGES = max(1, settings.default.max_examples // 3)

MANY_SECONDS, MANY_BYTES = 2.0, 50_000_000


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a folder of saved searches, and one for modified copies."""
    folder = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_search_files.os, "fsync", lambda descriptor: None)
        for name, search in SEARCHES.items():
            for version in (1, 2):
                search().save(folder / f"{name}-{version}")
            in_version_1(folder / f"{name}-1")
    return folder


def copied(saved, name, version):
    changed = saved / "changed"
    shutil.rmtree(changed, ignore_errors=True)
    shutil.copytree(saved / f"{name}-{version}", changed)
    return changed


def path_of(folder, name, version):
    if version == 2:
        return on_disk(folder, name)
    return folder / ("search.json" if name == "text.json" else name)


def refused_or_answered(folder, memory_map):
    """Load and use a search; time and memory are limited, and only one type of error is allowed."""
    start = time.process_time()
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parameters that do not go together
            search = LSASearch.load(folder, memory_map=memory_map)
            search.search(["car engine", "zebra"], unknown="closest")
            search.similar_documents(search.document_ids_[0])
        return True
    except ValueError:
        return False
    finally:
        n_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert n_bytes < MANY_BYTES
        assert time.process_time() - start < MANY_SECONDS


names = st.sampled_from(list(SEARCHES))
versions = st.sampled_from([1, 2])
files = st.sampled_from(FILES[1:4])  # all searches have them
all_files = st.sampled_from(FILES)


@settings(max_examples=N_CHANGES)
@given(
    *(names, versions, all_files, st.booleans(), st.booleans()),
    st.lists(
        st.tuples(
            st.sampled_from(["flip", "cut", "insert", "repeat", "end"]),
            st.floats(0, 1, exclude_max=True),
            st.integers(1, 255),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_bytes(saved, name, version, file, is_sealed, memory_map, changes):
    folder = copied(saved, name, version)
    path = path_of(folder, file, version)
    if not path.exists():
        return
    content = bytearray(path.read_bytes())
    for kind, where, value in changes:
        at = int(where * len(content))
        if kind == "flip" and content:
            content[at] ^= value
        elif kind == "cut":
            del content[at : at + value]
        elif kind == "insert":
            content[at:at] = bytes([value]) * value
        elif kind == "repeat":
            content[at:at] = content[at : at + value]
        else:
            del content[at:]
    is_changed = bytes(content) != path.read_bytes()
    path.write_bytes(content)
    is_checked = version == 2 and file != "search.json"
    if is_checked and is_sealed:
        seal(folder)
    answers = refused_or_answered(folder, memory_map)
    if is_checked and not is_sealed:
        assert answers != is_changed


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.sampled_from([2**31, 2**63, 10**400, -(2**70), 1e308, 5e-324, -0.5])
    | st.text(max_size=5)
    | st.sampled_from(["(a|a)+$", "(", "count", "exact", "filename", "float128", "english"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=N_CHANGES)
@given(names, versions, st.data(), values)
def test_text(saved, name, version, data, value):
    folder = copied(saved, name, version)
    path = path_of(folder, "text.json", version)
    text = json.loads(path.read_text())
    places, parent = [], text
    while isinstance(parent, dict | list) and parent:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        places.append((parent, data.draw(st.sampled_from(keys))))
        parent = places[-1][0][places[-1][1]]
    parent, key = data.draw(st.sampled_from(places))
    if isinstance(parent, dict) and data.draw(st.booleans()):
        parent[data.draw(st.text(max_size=3))] = parent.pop(key)
    else:
        parent[key] = value
    path.write_text(json.dumps(text))
    if version == 2:
        seal(folder)
    refused_or_answered(folder, False)


shapes = st.lists(st.integers(0, 6), max_size=3).map(tuple)
dtypes = st.sampled_from(
    [*("<f4", "<f8", ">f8", "<f2", "<i4", "<i8", "|u1", "|b1", "<c16", "<U3", "|S2", "<M8[s]")]
)
numbers = st.sampled_from([0, 1, -1, 7, 2**31 - 1, -(2**31), 1e30, np.nan, np.inf])


@settings(max_examples=N_CHANGES)
@given(names, versions, st.data(), st.booleans())
def test_arrays(saved, name, version, data, memory_map):
    folder = copied(saved, name, version)
    paths = [*folder.glob("*.npz"), *folder.glob("*.npy")]
    path = data.draw(st.sampled_from(sorted(paths)))
    if path.suffix == ".npz":
        with np.load(path) as archive:
            arrays = dict(archive)
        key = data.draw(st.sampled_from(sorted(arrays)))
        arrays[key] = changed_array(data, arrays[key])
        np.savez(path, **arrays)
    else:
        token = path.read_bytes()[-16:] if version == 2 else b""
        array = changed_array(data, np.load(path))
        with path.open("wb") as file:
            np.save(file, array)
            file.write(token)
    if version == 2:
        seal(folder)
    refused_or_answered(folder, memory_map)


def changed_array(data, array):
    kind = data.draw(st.sampled_from(["value", "dtype", "shape", "transpose", "other"]))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "value" and array.size and array.dtype.kind in "fiub":
            array = array.copy()
            number = np.float64(data.draw(numbers)).astype(array.dtype)
            array.flat[data.draw(st.integers(0, array.size - 1))] = number
            return array
        if kind == "dtype":
            return array.astype(data.draw(dtypes))
        if kind == "shape":
            return np.resize(array, data.draw(shapes))
        if kind == "transpose":
            return np.asfortranarray(array)
        return np.zeros(data.draw(shapes), dtype=data.draw(dtypes))


@settings(max_examples=N_CHANGES)
@given(
    names,
    st.sampled_from(["vectors.npy", "arrays.npz"]),
    st.sampled_from(
        ["'<f4'", "'<f8'", "'|O'", "'|V999999999'", "[('a', '<f4')]", "__import__('os')"]
    ),
    st.sampled_from(["False", "True", "2"]),
    st.lists(st.sampled_from([0, 1, 2, 5, -1, 2**31, 2**62, 2**64, 10**30]), max_size=4),
    st.booleans(),
)
def test_headers(saved, name, file, descr, order, shape, memory_map):
    folder = copied(saved, name, 2)
    path = on_disk(folder, file)
    content = path.read_bytes()
    start = content.index(b"{'descr'")
    length = content.index(b"\n", start) - start
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {tuple(shape)}, }}"
    header = header.encode().ljust(length)[:length]
    path.write_bytes(content[:start] + header + content[start + length :])
    seal(folder)
    refused_or_answered(folder, memory_map)


def test_what_is_not_changed_answers(saved):
    for name in SEARCHES:
        for version in (1, 2):
            for memory_map in (False, True):
                assert refused_or_answered(saved / f"{name}-{version}", memory_map)
