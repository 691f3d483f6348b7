"""The closest known word is that of difflib, found without comparing every word."""

import copy
import pickle
import time
from difflib import get_close_matches

import numpy as np
import pytest

from lrfact import LSASearch
from lrfact.estimators.text import _closest_word
from lrfact.estimators.text._closest_word import ClosestWord

LETTERS = np.array(list("etaoinshrdlu"))


def random_words(rng, n, letters=LETTERS, shortest=1, longest=12):
    return ["".join(rng.choice(letters, rng.integers(shortest, longest + 1))) for _ in range(n)]


def misspelled(rng, word, n_errors):
    letters = list(word)
    for _ in range(n_errors):
        at = rng.integers(len(letters))
        kind = rng.integers(3)
        if kind == 0:
            letters[at] = rng.choice(LETTERS)
        elif kind == 1:
            letters.insert(at, rng.choice(LETTERS))
        elif len(letters) > 1:
            del letters[at]
    return "".join(letters)


def by_difflib(word, vocabulary, cutoff):
    return next(iter(get_close_matches(word, vocabulary, n=1, cutoff=cutoff)), None)


@pytest.mark.parametrize("cutoff", [0.75, 0.4, 1.0])
@pytest.mark.parametrize("few", [0, 16])
def test_as_difflib_finds(cutoff, few, monkeypatch):
    monkeypatch.setattr(_closest_word, "_FEW", few)
    rng = np.random.default_rng(0)
    vocabulary = dict.fromkeys(random_words(rng, 400))
    known = list(vocabulary)
    words = random_words(rng, 15)
    words += [misspelled(rng, known[i], i % 3) for i in rng.integers(len(known), size=40)]
    closest = ClosestWord()
    found = [closest.find(word, vocabulary, cutoff) for word in words]
    assert found == [by_difflib(word, vocabulary, cutoff) for word in words]
    assert any(found)
    assert len(set(found)) > 10


def test_bits_are_counted_alike_by_every_numpy(monkeypatch):
    numbers = np.array([0, 1, 2**63, 2**64 - 1, 0xF0F0], dtype=np.uint64)
    assert _closest_word._n_ones(numbers).tolist() == [0, 1, 1, 64, 8]
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert _closest_word._n_ones(numbers).tolist() == [0, 1, 1, 64, 8]


@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 200, 260])
def test_words_of_any_length(length):
    """From 200 letters on difflib ignores those that are frequent."""
    rng = np.random.default_rng(length)
    vocabulary = dict.fromkeys(random_words(rng, 60, LETTERS[:3], length, length + 3), 0)
    word = "".join(rng.choice(LETTERS[:3], length))
    assert ClosestWord().find(word, vocabulary, 0.4) == by_difflib(word, vocabulary, 0.4)


def test_of_words_as_close_the_last_in_alphabetical_order():
    for vocabulary in (["cart", "cars", "card"], ["cars", "card", "cart"]):
        assert ClosestWord().find("carx", vocabulary, 0.75) == "cart"


def test_letters_of_all_planes():
    faces = "\U0001f600\U0001f601\U0001f602"
    vocabulary = {"straße": 0, "naïve": 1, f"{faces}x": 2, "\ud83d\ude00ab": 3}
    closest = ClosestWord()
    assert closest.find("strasse", vocabulary, 0.75) == by_difflib("strasse", vocabulary, 0.75)
    assert closest.find(faces, vocabulary, 0.75) == f"{faces}x"
    assert closest.find("\ud83d\ude00a", vocabulary, 0.75) == "\ud83d\ude00ab"
    assert closest.find("日本", vocabulary, 0.75) is None


def test_another_vocabulary():
    closest = ClosestWord()
    assert closest.find("kiten", {"kitten": 0}, 0.75) == "kitten"
    assert closest.find("kiten", {"mitten": 0}, 0.75) is None
    assert closest.find("kiten", {}, 0.75) is None
    growing = {"mitten": 0}
    assert closest.find("kiten", growing, 0.75) is None
    growing["kitten"] = 1
    assert closest.find("kiten", growing, 0.75) == "kitten"


def test_nothing_of_it_is_pickled():
    closest = ClosestWord()
    before = len(pickle.dumps(closest))
    closest.find("a", {"b": 0}, 0.75)
    assert len(pickle.dumps(closest)) == before
    for again in (pickle.loads(pickle.dumps(closest)), copy.deepcopy(closest)):
        assert again.find("kiten", {"kitten": 0}, 0.75) == "kitten"


def test_unknown_words_cost_little():
    """73 ms each by difflib, at as many words as this."""
    rng = np.random.default_rng(0)
    words = random_words(rng, 22_000, np.array(list("etaoinshrdlucmfwypvbgk")), 4)
    search = LSASearch(2, lexical_weight=0, n_feedback=0, n_jobs=1, random_state=0)
    search.fit([" ".join(words[i : i + 50]) for i in range(0, len(words), 50)])
    unknown = [misspelled(rng, word, 1) + "q" for word in words[:100]]
    query = " ".join(unknown)
    search.search(query, unknown="closest")
    start = time.process_time()
    hits = search.search(query, unknown="closest")
    assert time.process_time() - start < 1.0
    assert "is taken for" in hits.note
