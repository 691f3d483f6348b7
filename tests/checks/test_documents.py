import re

import numpy as np
import pytest
from scipy import sparse

from lrfact.checks._documents import as_texts, is_one_row

TEXTS = ["one", "", "three"]


@pytest.mark.parametrize(
    "make",
    [list, tuple, iter, lambda t: (x for x in t), np.array, lambda t: np.array(t, dtype=object)],
)
def test_texts(make):
    found = as_texts(make(TEXTS))
    assert found == TEXTS
    assert all(type(text) is str for text in found)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_texts(library):
    module = pytest.importorskip(library)
    assert as_texts(module.Series(TEXTS)) == TEXTS
    with pytest.raises(ValueError, match="X is a table of texts; give one of its columns"):
        as_texts(module.DataFrame({"title": TEXTS, "text": TEXTS}))
    assert as_texts(module.DataFrame({"a": [1.0, 2.0]})) is None
    with pytest.raises(TypeError, match=r"X\[1\] is .*, no string; put '' where"):
        as_texts(module.Series(["one", None]))


@pytest.mark.parametrize(
    "make",
    [
        lambda arrow: arrow.array(TEXTS),
        lambda arrow: arrow.array(TEXTS, arrow.large_string()),
        lambda arrow: arrow.chunked_array([TEXTS[:1], TEXTS[1:]]),
        lambda arrow: arrow.array(TEXTS).dictionary_encode(),
        lambda arrow: list(arrow.array(TEXTS)),
        lambda arrow: iter(arrow.array(TEXTS)),
        lambda arrow: arrow.table({"text": TEXTS})["text"],
    ],
)
def test_texts_of_arrow(make):
    arrow = pytest.importorskip("pyarrow")
    found = as_texts(make(arrow))
    assert found == TEXTS
    assert all(type(text) is str for text in found)


def test_what_arrow_has_beside_texts():
    arrow = pytest.importorskip("pyarrow")
    assert as_texts(arrow.array([1.0, 2.0])) is None
    assert as_texts(arrow.table({"a": [1.0, 2.0]})) is None
    with pytest.raises(TypeError, match=r"X\[1\] is None, no string; put ''"):
        as_texts(arrow.array(["one", None]))
    with pytest.raises(TypeError, match="X holds bytes"):
        as_texts(arrow.array([b"one"]))
    with pytest.raises(TypeError, match="X is a single string"):
        as_texts(arrow.scalar("one"))
    with pytest.raises(ValueError, match="X is a table of texts"):
        as_texts(arrow.table({"title": TEXTS, "text": TEXTS}))


@pytest.mark.parametrize(
    ("library", "make"),
    [
        ("pandas", lambda pandas: pandas.Series(TEXTS, dtype="string")),
        ("pandas", lambda pandas: pandas.Series(TEXTS, dtype="category")),
        ("pandas", lambda pandas: pandas.array(TEXTS, dtype="string")),
        ("pandas", lambda pandas: pandas.Index(TEXTS)),
        ("polars", lambda polars: polars.Series(TEXTS, dtype=polars.Categorical)),
        ("polars", lambda polars: polars.DataFrame({"a": TEXTS})["a"]),
        ("numpy.dtypes", lambda dtypes: np.array(TEXTS, dtype=dtypes.StringDType())),
    ],
)
def test_columns_of_other_dtypes(library, make):
    module = pytest.importorskip(library)
    if library == "numpy.dtypes" and not hasattr(module, "StringDType"):
        pytest.skip("needs NumPy 2")
    found = as_texts(make(module))
    assert found == TEXTS
    assert all(type(text) is str for text in found)


def test_what_pandas_has_for_a_missing_text():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match=r"X\[1\] is <NA>, no string; put ''"):
        as_texts(pandas.Series(["one", pandas.NA], dtype="string"))


@pytest.mark.parametrize(
    "X",
    [
        [[1.0, 2.0]],
        [1.0, 2.0],
        np.ones((2, 2)),
        np.ones(2),
        sparse.csr_array((2, 2)),
        sparse.dok_array((2, 2)),  # in SciPy a dict, too
        np.array([[1, None]], dtype=object),
        3,
        None,
    ],
)
def test_what_is_no_text(X):
    assert as_texts(X) is None


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("text", TypeError, "X is a single string, whose documents would be its letters"),
        (b"text", TypeError, "X holds bytes"),
        ([b"one"], TypeError, "decode them first"),
        (["one", b"two"], TypeError, "X holds bytes"),
        (np.array([b"one"]), TypeError, "X holds bytes"),
        (["one", None], TypeError, "X[1] is None, no string; put '' where there is no text"),
        (["one", np.nan], TypeError, "X[1] is nan, no string; put ''"),
        (["one", 2], TypeError, "X[1] is 2, no string; every document must be a string"),
        ([2, "one"], TypeError, "X[0] is 2, no string"),
        (
            [["one", "two"], ["three"]],
            TypeError,
            "X[0] is a list of strings, and a document is one",
        ),
        ([(), ("one",)], TypeError, "X[1] is a tuple of strings"),
        ({"a": "one"}, TypeError, "X is a dict; give its texts: list(X.values())"),
        ({"one", "two"}, TypeError, "X is a set, whose order is another in each run"),
        (np.array("text"), TypeError, "X is a single string"),
        ([], ValueError, "X has no documents; give at least one"),
        (iter([]), ValueError, "X has no documents"),
        (np.array([["one", "two"]]), ValueError, "X is a table of texts"),
        (np.array([["one", "two"]], dtype=object), ValueError, "X is a table of texts"),
    ],
)
def test_what_is_refused(X, error, message):
    with pytest.raises(error, match=re.escape(message)):
        as_texts(X)


def test_one_row():
    assert is_one_row(np.ones(3))
    assert not is_one_row(np.ones((1, 3)))
    assert not is_one_row(np.array(TEXTS))
    assert not is_one_row(TEXTS)
    assert not is_one_row("text")
