"""A search written to files and read again; files that are damaged, foreign or hostile."""

import io
import json
import os
import pickle
import re
import shutil
import threading
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)

from lrfact import LSASearch, TermWeighting
from lrfact.estimators.text import _search_files
from reference.stored_search import (
    FILES,
    change,
    change_array,
    change_arrays,
    in_version_1,
    manifest_of,
    on_disk,
    seal,
)

TEXTS = [
    "The car has a strong engine and four wheels",
    "An auto with a new engine was sold",
    "The vet looked at the cat",
    "Cats and dogs see a vet, the dog barks",
    "Bread needs flour, water and salt",
    "Salt and flour make the dough",
]
MORE = ["A new car", "Dough for bread, with salt"]


@pytest.fixture(autouse=True)
def no_disk(monkeypatch):
    """Nothing waits for the disk, which takes longer than all else."""
    monkeypatch.setattr(_search_files.os, "fsync", lambda descriptor: None)


def make(**options):
    return LSASearch(3, random_state=0, **options)


def fit_texts(**options):
    return make(**options).fit(TEXTS)


def counts(container=sparse.csr_array):
    return container(CountVectorizer().fit_transform(TEXTS).toarray().astype(float))


def frame():
    pandas = pytest.importorskip("pandas")
    X = counts(np.asarray)
    return pandas.DataFrame(X, columns=[f"w{j}" for j in range(X.shape[1])])


SEARCHES = {
    "counts": fit_texts,
    "tf-idf": lambda: fit_texts(vectorizer="tfidf"),
    "tf-idf without idf": lambda: fit_texts(vectorizer=TfidfVectorizer(use_idf=False)),
    "pairs of words": lambda: fit_texts(
        vectorizer=CountVectorizer(ngram_range=(1, 2), stop_words=["the", "a"], min_df=1)
    ),
    "letters": lambda: fit_texts(vectorizer=CountVectorizer(analyzer="char_wb")),
    "counts of bytes": lambda: fit_texts(vectorizer=CountVectorizer(dtype=np.uint8)),
    "presence": lambda: fit_texts(vectorizer=CountVectorizer(binary=True, dtype=bool)),
    "hashes": lambda: fit_texts(vectorizer=HashingVectorizer(n_features=64)),
    "log-entropy": lambda: fit_texts(weighting="log-entropy"),
    "weights given": lambda: fit_texts(weighting=TermWeighting(k1=2, b=1)),
    "inner products": lambda: fit_texts(metric="dot"),
    "correspondence": lambda: fit_texts(centering="correspondence", sigma_power=0.5),
    "latent only": lambda: fit_texts(lexical_weight=0),
    "labels and ids": lambda: make().fit(TEXTS, list("ccppbb"), ids=[f"t{i}" for i in range(6)]),
    "numbers as ids": lambda: make().fit(TEXTS, np.arange(6) % 2, ids=np.arange(6) + 10),
    "no texts": lambda: fit_texts(keep_documents=False),
    "grown": lambda: fit_texts().add(MORE[:1]).partial_fit(MORE[1:]),
    "matrix": lambda: make().fit(counts()),
    "dense matrix": lambda: make(weighting=None).fit(counts(np.asarray)),
    "frame": lambda: make().fit(frame()),
    "state of a generator": lambda: LSASearch(3, random_state=np.random.RandomState(1)).fit(TEXTS),
}


def queries_of(search):
    if search.vectorizer_ is not None:
        return ["a car engine", "salt zebra", ""]
    return frame()[:3] if hasattr(search, "feature_names_in_") else counts()[:3]


def answers(search):
    queries = queries_of(search)
    found = [*search.kneighbors(queries, 4), search.transform(queries)]
    if search.labels_ is not None:
        found.append(search.predict(queries))
    reasons = search.explain(queries[:1], search.document_ids_[1])
    return [*found, reasons.contributions, reasons.score, search.drift_]


@pytest.mark.parametrize("memory_map", [False, True])
@pytest.mark.parametrize("name", SEARCHES)
def test_what_is_read_answers_alike(name, memory_map, tmp_path):
    search = SEARCHES[name]()
    search.save(tmp_path)
    again = LSASearch.load(tmp_path, memory_map=memory_map)
    for mine, its in zip(answers(search), answers(again), strict=True):
        assert_array_equal(mine, its)
    hits, expected = again.search(queries_of(search)), search.search(queries_of(search))
    assert [list(one) for one in hits] == [list(one) for one in expected]
    assert [one.note for one in hits] == [one.note for one in expected]
    assert isinstance(again.document_vectors_, np.memmap) == memory_map
    for attribute in ("n_features_in_", "n_components_", "solver_", "n_samples_fit_"):
        assert getattr(again, attribute) == getattr(search, attribute)
    assert_array_equal(again.document_ids_, search.document_ids_)
    assert_array_equal(again.explained_energy_ratio_, search.explained_energy_ratio_)
    given, read = search.get_params(deep=False), again.get_params(deep=False)
    plain = {k: v for k, v in given.items() if isinstance(v, str | int | float | None)}
    assert {k: read[k] for k in plain} == plain


def test_what_is_read_goes_on(tmp_path):
    search = fit_texts()
    search.save(tmp_path / "one")
    again = LSASearch.load(tmp_path / "one", memory_map=True)
    again.save(tmp_path / "one")  # over the files that are mapped
    assert list(again.add(MORE).search("car")) == list(search.add(MORE).search("car"))
    again.save(tmp_path / "one")
    third = pickle.loads(pickle.dumps(LSASearch.load(tmp_path / "one")))
    assert list(third.search("salt")) == list(search.search("salt"))
    refit = clone(third).fit(TEXTS)
    assert_array_equal(refit.document_vectors_, fit_texts().document_vectors_)


def test_files_of_an_earlier_search_are_replaced(tmp_path):
    fit_texts().save(tmp_path)
    fit_texts(lexical_weight=0).save(tmp_path)
    again = LSASearch.load(tmp_path)
    assert again.lexical_weight == 0
    assert set(tmp_path.iterdir()) == {on_disk(tmp_path, name) for name in FILES[:4]}


@pytest.mark.parametrize("memory_map", [False, True])
@pytest.mark.parametrize("name", ["labels and ids", "latent only", "tf-idf", "correspondence"])
def test_version_1_is_still_read_and_replaced(name, memory_map, tmp_path):
    search = SEARCHES[name]()
    search.save(tmp_path)
    in_version_1(tmp_path)
    again = LSASearch.load(tmp_path, memory_map=memory_map)
    for mine, its in zip(answers(search), answers(again), strict=True):
        assert_array_equal(mine, its)
    again.save(tmp_path)
    n_files = 4 if name == "latent only" else 7
    if os.name != "nt" or not memory_map:  # a file that is mapped cannot be removed on Windows
        assert set(tmp_path.iterdir()) == {on_disk(tmp_path, name) for name in FILES[:n_files]}
    third = LSASearch.load(tmp_path, memory_map=memory_map)
    assert_array_equal(third.document_vectors_, search.document_vectors_)


def test_labels_of_several_kinds(tmp_path):
    labels = np.array(["a", 1, None, True, 2.5, "1"], dtype=object)
    search = make().fit(TEXTS, labels, ids=["a", 1, "1", 2.5, "b", 3])
    search.save(tmp_path)
    again = LSASearch.load(tmp_path)
    assert again.labels_.tolist() == labels.tolist()
    assert again.document_ids_.tolist() == search.document_ids_.tolist()
    assert list(map(type, again.labels_)) == list(map(type, labels))


def test_weights_of_numpy_numbers(tmp_path):
    search = fit_texts(weighting=TermWeighting(k1=np.int64(2), b=np.float32(0.5)))
    search.save(tmp_path)
    again = LSASearch.load(tmp_path)
    assert_array_equal(again.kneighbors(["car"])[0], search.kneighbors(["car"])[0])


def test_texts_with_halves_of_surrogate_pairs(tmp_path):
    halves = ["car \ud83d", "car \ude00 engine", "\ud83d\ude00 cat", "dog cat", "dog", "salt"]
    search = make().fit(halves, ["\udc00"] * 6, ids=[f"\ud800{i}" for i in range(6)])
    search.save(tmp_path)
    again = LSASearch.load(tmp_path)
    assert [hit.snippet for hit in again.search("car")] == [
        hit.snippet for hit in search.search("car")
    ]
    assert again._fitted_collection.texts == tuple(halves)
    assert again.document_ids_.tolist() == search.document_ids_.tolist()
    assert again.labels_.tolist() == ["\udc00"] * 6
    letters = make(vectorizer=CountVectorizer(analyzer="char")).fit(halves)
    letters.save(tmp_path)
    again = LSASearch.load(tmp_path)
    assert_array_equal(again.kneighbors(["\ud83d"])[0], letters.kneighbors(["\ud83d"])[0])


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (
            lambda: fit_texts(vectorizer=CountVectorizer(tokenizer=str.split, token_pattern=None)),
            "tokenizer of the vectorizer is .* write the search with skops",
        ),
        (
            lambda: fit_texts(vectorizer=CountVectorizer(dtype=np.longdouble)),
            "dtype of the vectorizer is .*, and only bool, .* can be saved as text",
        ),
        (lambda: fit_texts(weighting=TfidfTransformer()), "weighting is TfidfTransformer.*skops"),
        (lambda: make().fit(TEXTS, ids=[(i, i) for i in range(6)]), "one of ids is .* a string"),
        (lambda: make().fit(TEXTS, [1.0, np.inf] * 3), "one of y is inf"),
    ],
)
def test_what_text_cannot_hold(search, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        search().save(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_a_vectorizer_that_opens_files(tmp_path):
    names = [tmp_path / f"{place}.txt" for place in range(6)]
    for name, text in zip(names, TEXTS, strict=True):
        name.write_text(text)
    search = fit_texts(vectorizer="count").set_params(vectorizer=CountVectorizer(input="filename"))
    search.fit([str(name) for name in names])
    with pytest.raises(
        ValueError, match=r"input of the vectorizer is 'filename', .* opens no files"
    ):
        search.save(tmp_path / "folder")
    fit_texts().save(tmp_path / "folder")
    folder = tmp_path / "folder"
    text = json.loads(on_disk(folder, "text.json").read_text())
    text["vectorizer"]["parameters"]["input"] = "filename"
    change(folder, **text)
    with pytest.raises(ValueError, match="its vectorizer would open files"):
        LSASearch.load(tmp_path / "folder")


def test_a_vectorizer_of_ones_own(tmp_path):
    class Vectorizer(CountVectorizer):
        pass

    with pytest.raises(ValueError, match="vectorizer is a Vectorizer, and only CountVectorizer"):
        fit_texts(vectorizer=Vectorizer()).save(tmp_path)


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "saved"
    make().fit(TEXTS, list("ccppbb")).save(folder)
    return folder


def refused(folder, message=".", **options):
    with pytest.raises(ValueError, match=message) as raised:
        LSASearch.load(folder, **options)
    assert str(folder) in str(raised.value)


class TestDamage:
    def test_nothing_there(self, tmp_path):
        refused(tmp_path, "has no file search.json that can be read; give a folder that LSASearch")
        refused(tmp_path / "nowhere", "has no file search.json")

    @pytest.mark.parametrize("text", ["[]", "{}", '{"format": "other"}', '"lrfact"', "3"])
    def test_something_else(self, saved, text):
        (saved / "search.json").write_text(text)
        refused(saved, "does not contain an LSASearch")

    @pytest.mark.parametrize("name", ["search", "text"])
    @pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00", '{"a": NaN}'])
    def test_no_json(self, saved, name, text):
        on_disk(saved, f"{name}.json").write_text(text)
        refused(saved, rf"{name}[-0-9a-f]*\.json is not JSON")

    @pytest.mark.parametrize("version", [3, 0, "2", None, True])
    def test_another_version(self, saved, version):
        self.change_manifest(saved, version=version)
        refused(saved, f"was written in version {version!r} of the format, .* update lrfact")

    @pytest.mark.parametrize(
        "entries",
        [
            {"token": "../" + "a" * 29},
            {"token": "A" * 32},
            {"token": None},
            {"files": {}},
            {"files": ["text.json"]},
            {"files": {"../text.json": 1}},
            {"files": {"text.json": "?"}},
            {"files": {"text.json": 0, "arrays.npz": 0}},
        ],
    )
    def test_a_manifest_of_something_else(self, saved, entries):
        self.change_manifest(saved, **entries)
        refused(saved)

    @staticmethod
    def change_manifest(folder, **entries):
        (folder / "search.json").write_text(json.dumps({**manifest_of(folder), **entries}))

    @pytest.mark.parametrize(
        "entries",
        [
            {"n_documents": 7},
            {"n_documents": "6"},
            {"n_documents": -1},
            {"n_documents": True},
            {"labels": ["a"]},
            {"labels": {"a": 1}},
            {"ids": ["a", "a", "b", "c", "d", "e"]},
            {"ids": 3},
            {"texts": ["a"]},
            {"texts": [1, 2, 3, 4, 5, 6]},
            {"texts": 6},
            {"texts": "abcdef"},
            {"texts": dict.fromkeys("abcdef", "a")},
            {"has_postings": False},
            {"has_postings": 0},
            {"has_postings": 1},
            {"has_postings": "yes"},
            {"solver": [1, 2]},
            {"solver": "incremental"},
            {"solver": None},
            {"feature_names": ["a"]},
            {"parameters": {}},
            {"parameters": {"no_such": 1}},
            {"parameters": None},
            {"vectorizer": {"class": "Pipeline", "parameters": {}, "vocabulary": []}},
            {"vectorizer": {"class": "CountVectorizer", "parameters": {}}},
            {"vectorizer": "CountVectorizer"},
            {"weighting": {"parameters": {"scheme": "x"}, "mean_length": 1}},
            {"weighting": {"parameters": {}, "mean_length": "long"}},
            {"weighting": {}},
            {"energy": None},
            {"n_added": "many"},
            {"total_mass": 1.0},
            {"has_postings": None, "version": 1, "solver": 3, "energy": [1]},
        ],
    )
    def test_entries_that_do_not_fit(self, saved, entries):
        change(saved, **entries)
        refused(saved)

    @pytest.mark.parametrize("name", FILES[1:])
    def test_a_file_that_is_missing(self, saved, name):
        path = on_disk(saved, name)
        path.unlink()
        refused(saved, f"{path.name} cannot be read")

    @pytest.mark.parametrize("memory_map", [False, True])
    @pytest.mark.parametrize("name", FILES[1:])
    def test_a_file_cut_short_or_longer(self, saved, name, memory_map):
        path = on_disk(saved, name)
        whole = path.read_bytes()
        for n_bytes in (*range(0, len(whole), max(len(whole) // 13, 1)), len(whole) - 1):
            path.write_bytes(whole[:n_bytes])
            seal(saved)
            refused(saved, memory_map=memory_map)
        path.write_bytes(whole + b"x")
        refused(saved, memory_map=memory_map)

    @pytest.mark.parametrize("name", FILES)
    def test_files_cut_short_or_with_wrong_bytes(self, saved, name, tmp_path):
        """Each is refused, except where a letter of the manifest does not matter."""
        path = on_disk(saved, name)
        whole = path.read_bytes()
        rng = np.random.default_rng(0)
        n_refused = 0
        for trial in range(60):
            if trial < 20:
                wrong = whole[: len(whole) * trial // 20]
            else:
                wrong = bytearray(whole)
                for place in rng.integers(len(whole), size=3):
                    wrong[place] ^= rng.integers(1, 256)
            path.write_bytes(wrong)
            try:
                search = LSASearch.load(saved)
                search.search("car engine")
            except ValueError:
                n_refused += 1
        assert n_refused == 60 if name != "search.json" else n_refused > 40

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("components", np.nan),
            ("components", np.inf),
            ("singular_values", np.nan),
            ("second_moment", np.inf),
            ("term_weights", np.nan),
        ],
    )
    def test_numbers_that_are_none(self, saved, name, value):
        change_arrays(saved, lambda arrays: arrays[name].put(0, value))
        refused(saved, rf"{name} in arrays-.*\.npz is not what it should be")

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda a: a.astype(np.float16 if a.dtype != bool else np.int8),
            lambda a: a[..., np.newaxis],
            lambda a: a[:-1],
            lambda a: a.astype(a.dtype.newbyteorder() if a.dtype != bool else float),
            lambda a: np.array(["text"]),
        ],
    )
    def test_arrays_of_another_kind_or_shape(self, saved, wrong):
        files = {path: path.read_bytes() for path in saved.iterdir()}
        for name in ("components", "singular_values", "says_anything"):
            change_arrays(saved, lambda arrays: arrays.update({name: wrong(arrays[name])}))  # noqa: B023
            refused(saved, r"arrays-.*\.npz")
            for path, content in files.items():
                path.write_bytes(content)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_vectors_that_are_none(self, saved, value):
        def with_value(vectors):
            vectors[3, 1] = value
            return vectors

        change_array(saved, "vectors.npy", with_value)
        refused(saved, r"vectors-.*\.npy has entries that are no numbers")

    @pytest.mark.parametrize("name", ["arrays.npz", "vectors.npy", "postings_data.npy"])
    def test_objects_are_never_unpickled(self, saved, name):
        class Explosive:
            def __reduce__(self):
                return (pytest.fail, ("unpickled",))

        bomb = np.array([Explosive()], dtype=object)
        path = on_disk(saved, name)
        if name.endswith("npz"):
            change_arrays(saved, lambda arrays: arrays.update(components=bomb))
        else:
            np.save(path, bomb, allow_pickle=True)
        refused(saved, "cannot be read: .*objects")
        path.write_bytes(pickle.dumps(Explosive()))
        refused(saved, "cannot be read")

    @pytest.mark.parametrize("name", FILES[1:])
    def test_a_file_of_another_search(self, saved, name, tmp_path):
        for other, documents in (("other", TEXTS[:4]), ("alike", TEXTS[::-1])):
            LSASearch(3, random_state=0).fit(documents, list("ccppbb")[: len(documents)]).save(
                tmp_path / other
            )
            shutil.copy(on_disk(tmp_path / other, name), on_disk(saved, name))
            seal(saved)
            refused(saved)
        refused(saved, r"-.* is of another save")

    @pytest.mark.parametrize(
        ("part", "change"),
        [
            ("indices", lambda a: np.where(np.arange(len(a)) == 3, 99, a)),
            ("indices", lambda a: np.where(np.arange(len(a)) == 3, -1, a)),
            ("indptr", lambda a: np.where(np.arange(len(a)) == 3, 10**6, a)),
            ("indptr", lambda a: a[:-1]),
            ("data", lambda a: np.where(np.arange(len(a)) == 3, np.nan, a).astype(np.float32)),
            ("data", lambda a: a[:-1]),
            ("data", lambda a: a.astype(np.float64)),
            ("indices", lambda a: a.astype(float)),
        ],
    )
    def test_words_that_point_elsewhere(self, saved, part, change):
        def changed(array):
            return change(array).astype(array.dtype if part == "indptr" else None)

        change_array(saved, f"postings_{part}.npy", changed)
        refused(saved, re.escape("the words of its documents do not fit together"))


class TestHostility:
    """Files made to harm: refused before they cost time or memory, with the reason."""

    def test_unknown_members_are_not_unpacked(self, saved):
        path = on_disk(saved, "arrays.npz")
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("unknown.npy", bytes(30_000_000))
        seal(saved)
        assert path.stat().st_size < 100_000
        tracemalloc.start()
        try:
            LSASearch.load(saved)
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()

    def test_known_members_are_not_unpacked_either(self, saved):
        path = on_disk(saved, "arrays.npz")
        with np.load(path) as archive:
            arrays = dict(archive)
        np.savez_compressed(path, **{**arrays, "components": np.zeros((3, 1_000_000))})
        seal(saved)
        tracemalloc.start()
        try:
            refused(saved, "is compressed or encrypted")
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("shape", [(10**9, 3), (2**62, 4), (-1, 3), (3,), (0, 10**12), ()])
    @pytest.mark.parametrize("memory_map", [False, True])
    def test_shapes_beyond_the_file(self, saved, shape, memory_map):
        header = io.BytesIO()
        described = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(header, described)
        token = bytes.fromhex(manifest_of(saved)["token"])
        on_disk(saved, "vectors.npy").write_bytes(header.getvalue() + bytes(72) + token)
        refused(saved, r"vectors-.*npy", memory_map=memory_map)

    def test_components_of_no_size_and_many_columns(self, saved):
        change_arrays(saved, lambda arrays: arrays.update(components=np.empty((0, 10**15))))
        refused(saved, "it has no components")

    def test_more_members_than_a_search_has(self, saved):
        path = on_disk(saved, "arrays.npz")
        with zipfile.ZipFile(path, "a") as archive:
            for i in range(100):
                archive.writestr(f"{i}.npy", b"")
        seal(saved)
        refused(saved, "it has more members than a search has")

    def test_a_member_that_is_there_twice(self, saved):
        path = on_disk(saved, "arrays.npz")
        with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("components.npy", archive.read("components.npy"))
        seal(saved)
        refused(saved, "it has components.npy 2 times")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    @pytest.mark.parametrize("name", FILES)
    def test_pipes(self, saved, name):
        path = on_disk(saved, name)
        path.unlink()
        os.mkfifo(path)
        refused(saved, f"{path.name} is a folder, pipe, socket or device, and only regular files")

    @pytest.mark.parametrize("name", FILES)
    def test_folders(self, saved, name):
        path = on_disk(saved, name)
        path.unlink()
        path.mkdir()
        refused(saved, f"{path.name} is a folder, pipe, socket or device")

    @pytest.mark.parametrize("name", FILES)
    def test_links(self, saved, name, tmp_path):
        path = on_disk(saved, name)
        path.rename(tmp_path / "elsewhere")
        try:
            path.symlink_to(tmp_path / "elsewhere")
        except OSError:
            pytest.skip("this system lets users make no links")
        refused(saved, f"{path.name} is a link to a file outside the folder")
        path.unlink()
        path.symlink_to(os.devnull)
        refused(saved)
        path.unlink()
        (tmp_path / "elsewhere").rename(saved / "inside")
        path.symlink_to(saved / "inside")
        assert LSASearch.load(saved).search("car")[0].label == "c"

    def test_patterns(self, tmp_path):
        fit_texts(vectorizer=CountVectorizer(token_pattern=r"(?:a|a)+$|\w\w+")).save(tmp_path)
        message = r"takes its words by token_pattern='.*give trust_pattern=True if you know"
        refused(tmp_path, message)
        again = LSASearch.load(tmp_path, trust_pattern=True)
        assert again.search("car")[0].document == 0
        assert again.vectorizer.token_pattern == r"(?:a|a)+$|\w\w+"

    @pytest.mark.parametrize("where", ["vectorizer", "parameters"])
    @pytest.mark.parametrize(
        "pattern", ["(", "[", "*", "(?P<a>x)(?P<a>y)", "a{99999999999}", "(" * 10_000, 3, ["a"]]
    )
    def test_what_is_no_pattern(self, tmp_path, where, pattern):
        fit_texts(vectorizer=CountVectorizer()).save(tmp_path)
        text = json.loads(on_disk(tmp_path, "text.json").read_text())
        of_vectorizer = text["vectorizer"] if where == "vectorizer" else text[where]["vectorizer"]
        of_vectorizer["parameters"]["token_pattern"] = pattern
        change(tmp_path, **text)
        refused(tmp_path, "pattern")
        refused(tmp_path, "pattern", trust_pattern=True)

    @pytest.mark.parametrize("bounds", [[1, 10**9], [0, 1], [2, 1], [1], [1.0, 2], "12", None])
    def test_ngrams_without_end(self, tmp_path, bounds):
        fit_texts(vectorizer=CountVectorizer(analyzer="char")).save(tmp_path)
        text = json.loads(on_disk(tmp_path, "text.json").read_text())
        text["vectorizer"]["parameters"]["ngram_range"] = bounds
        change(tmp_path, **text)
        refused(tmp_path, "its vectorizer has the ngram_range")

    def test_numbers_that_a_set_cannot_tell_apart(self, saved):
        colliding = [i * (2**61 - 1) for i in range(60_000)]
        assert len({hash(number) for number in colliding}) == 1
        change(saved, ids=colliding)
        start = time.process_time()
        refused(saved, "its ids are not distinct")
        text = json.loads(on_disk(saved, "text.json").read_text())
        text["vectorizer"]["parameters"]["stop_words"] = colliding
        change(saved, **{**text, "ids": None})
        refused(saved, "the stop words of its vectorizer are not strings")
        assert time.process_time() - start < 1

    def test_parameters_that_an_estimator_refuses(self, saved):
        text = json.loads(on_disk(saved, "text.json").read_text())
        change(saved, parameters={**text["parameters"], "tol": -1.0})
        refused(saved, "is damaged: The 'tol' parameter of LSASearch")
        text["vectorizer"]["parameters"]["analyzer"] = "import os"
        change(saved, **text)
        refused(saved, "is damaged: The 'analyzer' parameter of CountVectorizer")


class Stopped(BaseException):
    """Neither an error nor an interrupt, and treated as these."""


def first_text(folder):
    return LSASearch.load(folder)._fitted_collection.texts[0]


class TestReplacement:
    """A search is replaced as a whole or not at all."""

    @pytest.mark.parametrize(
        ("error", "half"), [(OSError, True), (KeyboardInterrupt, False), (Stopped, False)]
    )
    @pytest.mark.parametrize("is_new", [False, True])
    def test_a_save_that_stops_at_any_step(self, error, half, is_new, tmp_path, monkeypatch):
        folder = tmp_path / "folder"
        old, new = make().fit(TEXTS), make(lexical_weight=0).fit(TEXTS[::-1])
        if not is_new:
            old.save(folder)
        done, stop_at = 0, 0

        def step():
            nonlocal done
            done += 1
            if done == stop_at:
                raise error("stopped")

        def stepwise(do):
            def in_steps(*given):
                step()
                result = do(*given)
                step()
                return result

            return in_steps

        def write_half(path, write):
            step()
            with path.open("xb") as file:
                write(file)
                if half and done + 1 == stop_at:
                    file.truncate(file.tell() // 2)
            step()

        monkeypatch.setattr(_search_files, "_write_new", write_half)
        for name in ("_sync", "_sync_folder", "_checksum", "_names_in_use", "_leftovers"):
            monkeypatch.setattr(_search_files, name, stepwise(getattr(_search_files, name)))
        monkeypatch.setattr(_search_files.os, "replace", stepwise(os.replace))
        outcomes = []
        for last in range(1, 200):
            before = set(folder.iterdir()) if folder.exists() else None
            done, stop_at = 0, last
            try:
                new.save(folder)
            except (OSError, KeyboardInterrupt, Stopped):
                stop_at = 0
            else:
                break
            if before is None and not folder.exists():
                outcomes.append("none")
            elif first_text(folder) == TEXTS[0]:
                assert set(folder.iterdir()) == before
                outcomes.append("old")
            else:
                assert first_text(folder) == TEXTS[-1]
                outcomes.append("new")
                shutil.rmtree(folder)
                if not is_new:
                    old.save(folder)
        stop_at = 0
        assert outcomes.count("none" if is_new else "old") > 10
        assert outcomes.count("new") > 1
        assert len(set(outcomes)) == 2
        assert {path.name for path in folder.iterdir()} == {
            on_disk(folder, name).name for name in FILES[:4]
        }
        assert first_text(folder) == TEXTS[-1]

    def test_files_are_on_the_disk_before_they_count(self, tmp_path, monkeypatch):
        done = []
        replace = os.replace

        def replaced(*paths):
            done.append("replace")
            replace(*paths)

        monkeypatch.setattr(_search_files.os, "fsync", lambda _: done.append("fsync"))
        monkeypatch.setattr(_search_files.os, "replace", replaced)
        make().fit(TEXTS).save(tmp_path)
        n_before = done.index("replace")
        assert done[:n_before] == ["fsync"] * n_before
        assert n_before >= len(FILES)

    def test_a_disk_that_is_full(self, tmp_path):
        resource = pytest.importorskip("resource")
        make().fit(TEXTS).save(tmp_path)
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        large = make().fit(TEXTS * 30)
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        # Of a file, at which a write fails as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limit[1]))
        try:
            with pytest.raises(OSError, match=r"."):
                large.save(tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_readers_beside_a_writer(self, tmp_path):
        """Each gets one search whole, the old one or the new one."""
        searches = [make().fit(TEXTS), make().fit(TEXTS[::-1])]
        expected = {search._fitted_collection.texts: search for search in searches}
        searches[0].save(tmp_path)
        done = threading.Event()
        seen, failures, n_saves = set(), [], 0

        def read(memory_map):
            try:
                for _ in range(100):
                    found = LSASearch.load(tmp_path, memory_map=memory_map)
                    texts = found._fitted_collection.texts
                    seen.add(texts)
                    assert_array_equal(found.document_vectors_, expected[texts].document_vectors_)
                    assert_array_equal(found.components_, expected[texts].components_)
                    assert_array_equal(
                        found._fitted_index.postings.indices,
                        expected[texts]._fitted_index.postings.indices,
                    )
            except BaseException as error:
                failures.append(error)

        def write():
            nonlocal n_saves
            while not done.is_set():
                searches[n_saves % 2].save(tmp_path)
                n_saves += 1

        readers = [threading.Thread(target=read, args=(flag,)) for flag in (False, True)]
        writer = threading.Thread(target=write)
        for thread in (writer, *readers):
            thread.start()
        for thread in readers:
            thread.join()
        done.set()
        writer.join()
        assert failures == []
        assert len(seen) == 2
        assert n_saves > 1
        if os.name != "nt":  # where a file that is mapped cannot be removed
            assert len(list(tmp_path.iterdir())) == len(FILES)

    def test_two_writers(self, tmp_path):
        searches = [make().fit(TEXTS), make().fit(TEXTS[::-1])]
        writers = [
            threading.Thread(target=lambda search=search: [search.save(tmp_path) for _ in "12345"])
            for search in searches
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert first_text(tmp_path) in (TEXTS[0], TEXTS[-1])

    def test_a_memory_map_outlives_the_files(self, tmp_path):
        old = make().fit(TEXTS)
        old.save(tmp_path)
        mapped = LSASearch.load(tmp_path, memory_map=True)
        for _ in range(2):
            make().fit(TEXTS[::-1]).save(tmp_path)
        assert_array_equal(mapped.document_vectors_, old.document_vectors_)
        assert list(mapped.search("car")) == list(old.search("car"))

    def test_a_replaced_search_that_is_still_being_opened(self, tmp_path, monkeypatch):
        """The manifest is read, and then its files are gone."""
        make().fit(TEXTS).save(tmp_path)
        read = _search_files._read_manifest

        def read_and_wait(folder):
            manifest = read(folder)
            monkeypatch.setattr(_search_files, "_read_manifest", read)
            make().fit(TEXTS[::-1]).save(tmp_path)
            return manifest

        monkeypatch.setattr(_search_files, "_read_manifest", read_and_wait)
        assert first_text(tmp_path) == TEXTS[-1]

    def test_what_a_killed_save_left_is_removed_after_an_hour(self, tmp_path):
        make().fit(TEXTS).save(tmp_path)
        mine = tmp_path / "vectors.npy"
        old = [tmp_path / f"text-{'a' * 32}.json", tmp_path / f"search-{'a' * 32}.partial"]
        running = [tmp_path / f"text-{'b' * 32}.json", tmp_path / f"vectors-{'b' * 32}.npy"]
        for path in (mine, *old, *running):
            path.write_bytes(b"")
        for path in (*old, running[0]):
            os.utime(path, (0, 0))
        make().fit(TEXTS).save(tmp_path)
        assert not any(path.exists() for path in old)
        assert all(path.exists() for path in (mine, *running))

    def test_windows_refuses_while_a_file_is_open(self, tmp_path, monkeypatch):
        refusals = iter([PermissionError, PermissionError])
        replace = os.replace

        def busy(*paths):
            for refusal in refusals:
                raise refusal("in use by another process")
            replace(*paths)

        monkeypatch.setattr(_search_files, "_WAITS", (0.0, 0.0, 0.0))
        monkeypatch.setattr(_search_files.os, "replace", busy)
        make().fit(TEXTS).save(tmp_path)
        assert first_text(tmp_path) == TEXTS[0]


def test_skops_keeps_a_search():
    skops = pytest.importorskip("skops.io")
    search = make().fit(TEXTS, list("ccppbb"), ids=list("uvwxyz"))
    assert search.search("car", allowed=["w"])[0].document == "w"
    written = skops.dumps(search)
    again = skops.loads(written, trusted=skops.get_untrusted_types(data=written))
    for mine, its in zip(answers(search), answers(again), strict=True):
        assert_array_equal(mine, its)


class TestBounds:
    """A folder that states more than it holds is refused before it takes time or memory."""

    @pytest.mark.skipif(os.name != "posix", reason="needs files with holes")
    @pytest.mark.parametrize("name", ["search.json", "text"])
    def test_files_with_holes(self, name, tmp_path):
        LSASearch(1).fit(["a cat", "a dog", "cat dog"]).save(tmp_path)
        (path,) = tmp_path.glob(f"{name}*")
        os.truncate(path, 2**33)
        with pytest.raises(ValueError, match="a size of 8,589,934,592 bytes"):
            LSASearch.load(tmp_path)

    def test_files_beyond_memory(self, tmp_path, monkeypatch):
        LSASearch(1).fit(["a cat", "a dog", "cat dog"]).save(tmp_path)
        monkeypatch.setattr(_search_files, "available_memory", lambda: 100.0)
        with pytest.raises(ValueError, match="which cannot be read"):
            LSASearch.load(tmp_path)

    def test_ids_of_one_hash(self, tmp_path):
        ids = [(2**61 - 1) * (i + 1) for i in range(40)]
        assert len({hash(one) for one in ids}) == 1
        search = LSASearch(1).fit(np.eye(40) + 1, ids=ids)
        search.save(tmp_path)
        with pytest.raises(ValueError, match="its ids are not distinct"):
            LSASearch.load(tmp_path)
