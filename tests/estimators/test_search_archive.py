"""A search written to files and read again; files that are damaged, foreign or hostile."""

import json
import pickle
import re
import shutil

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

TEXTS = [
    "The car has a strong engine and four wheels",
    "An auto with a new engine was sold",
    "The vet looked at the cat",
    "Cats and dogs see a vet, the dog barks",
    "Bread needs flour, water and salt",
    "Salt and flour make the dough",
]
MORE = ["A new car", "Dough for bread, with salt"]
FILES = [
    *("search.json", "arrays.npz", "vectors.npy"),
    *("postings_data.npy", "postings_indices.npy", "postings_indptr.npy"),
]


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
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES[:3])


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
    path = tmp_path / "folder" / "search.json"
    text = json.loads(path.read_text())
    text["vectorizer"]["parameters"]["input"] = "filename"
    path.write_text(json.dumps(text))
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


def refused(folder, message="."):
    with pytest.raises(ValueError, match=message) as raised:
        LSASearch.load(folder)
    assert str(folder) in str(raised.value)


class TestDamage:
    def test_nothing_there(self, tmp_path):
        refused(tmp_path, "has no file search.json that can be read; give a folder that LSASearch")
        refused(tmp_path / "nowhere", "has no file search.json")

    @pytest.mark.parametrize("text", ["[]", "{}", '{"format": "other"}', '"lrfact"', "3"])
    def test_something_else(self, saved, text):
        (saved / "search.json").write_text(text)
        refused(saved, "holds no LSASearch")

    @pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00"])
    def test_no_json(self, saved, text):
        (saved / "search.json").write_text(text)
        refused(saved, "search.json is no JSON")

    def test_another_version(self, saved):
        self.change(saved, version=2)
        refused(saved, "was written in version 2 of the format, .* update lrfact")

    @staticmethod
    def change(folder, **entries):
        path = folder / "search.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))

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
        self.change(saved, **entries)
        with pytest.raises(ValueError, match=r"."):
            LSASearch.load(saved)

    @pytest.mark.parametrize("name", FILES[1:])
    def test_a_file_that_is_missing(self, saved, name):
        (saved / name).unlink()
        refused(saved, f"{name} cannot be read")

    @pytest.mark.parametrize("name", FILES)
    def test_files_cut_short_or_with_wrong_bytes(self, saved, name, tmp_path):
        """Each is refused, or the search still answers."""
        whole = (saved / name).read_bytes()
        rng = np.random.default_rng(0)
        n_refused = 0
        for trial in range(60):
            if trial < 20:
                wrong = whole[: len(whole) * trial // 20]
            else:
                wrong = bytearray(whole)
                for place in rng.integers(len(whole), size=3):
                    wrong[place] = rng.integers(256)
            (saved / name).write_bytes(wrong)
            try:
                search = LSASearch.load(saved)
                search.search("car engine")
            except ValueError:
                n_refused += 1
        assert n_refused >= 20  # those cut short at least

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
        with np.load(saved / "arrays.npz") as archive:
            arrays = {key: archive[key] for key in archive.files}
        arrays[name].flat[0] = value
        np.savez(saved / "arrays.npz", **arrays)
        refused(saved, f"{name} in arrays.npz is not what it should be")

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_vectors_that_are_none(self, saved, value):
        vectors = np.load(saved / "vectors.npy")
        vectors[3, 1] = value
        np.save(saved / "vectors.npy", vectors)
        refused(saved, "vectors.npy has entries that are no numbers")

    @pytest.mark.parametrize("name", ["arrays.npz", "vectors.npy", "postings_data.npy"])
    def test_objects_are_never_unpickled(self, saved, name):
        class Explosive:
            def __reduce__(self):
                return (pytest.fail, ("unpickled",))

        bomb = np.array([Explosive()], dtype=object)
        if name.endswith("npz"):
            np.savez(saved / name, components=bomb)
        else:
            np.save(saved / name, bomb, allow_pickle=True)
        refused(saved, "cannot be read")
        (saved / name).write_bytes(pickle.dumps(Explosive()))
        refused(saved, "cannot be read")

    @pytest.mark.parametrize("name", FILES[1:])
    def test_a_file_of_another_search(self, saved, name, tmp_path):
        other = tmp_path / "other"
        LSASearch(2).fit(TEXTS[:4]).save(other)
        shutil.copy(other / name, saved / name)
        refused(saved)

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
        path = saved / f"postings_{part}.npy"
        array = np.load(path)
        np.save(path, change(array).astype(array.dtype if part == "indptr" else None))
        refused(saved, re.escape("the words of its documents do not fit together"))


def test_skops_keeps_a_search():
    skops = pytest.importorskip("skops.io")
    search = make().fit(TEXTS, list("ccppbb"), ids=list("uvwxyz"))
    assert search.search("car", allowed=["w"])[0].document == "w"
    written = skops.dumps(search)
    again = skops.loads(written, trusted=skops.get_untrusted_types(data=written))
    for mine, its in zip(answers(search), answers(again), strict=True):
        assert_array_equal(mine, its)
