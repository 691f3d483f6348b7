"""Every public name is documented, completely and in numpydoc's form."""

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from operator import attrgetter

import numpy as np
import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from numpydoc.validate import validate
from sklearn.base import BaseEstimator, is_classifier, is_regressor

import lrfact

# What numpydoc reports and we want fixed; left out are rules of layout and taste,
# such as GL01 (where the summary starts) and SS05 (its grammatical mood).
ERRORS = {
    "GL03": "double blank line",
    "GL05": "tabs",
    "GL06": "unknown section",
    "GL07": "wrong order of sections",
    "GL08": "no docstring",
    "GL10": "malformed directive",
    "SS01": "no summary",
    "SS02": "summary without capital letter",
    "SS03": "summary without full stop",
    "SS04": "summary with leading spaces",
    "SS06": "summary over several lines",
    "PR01": "parameters not documented",
    "PR02": "unknown parameters",
    "PR03": "wrong order of parameters",
    "PR04": "parameter without type",
    "PR05": "type ends with a full stop",
    "PR06": "type under its wrong name",
    "PR07": "parameter without description",
    "PR08": "description without capital letter",
    "PR09": "description without full stop",
    "PR10": "no space before the colon",
    "RT01": "no Returns",
    "RT03": "return value without description",
    "RT05": "return value without full stop",
    "YD01": "no Yields",
    "SA02": "See Also without full stop",
    "SA03": "See Also without capital letter",
}

# For those who extend the package: docs/api.md does not list them.
NOT_PUBLIC = {
    "kernels",
    "linalg",
    "solvers",
    "rank_rules.RankRule",
    "rank_rules.RuleNotApplicableError",
    "rank_rules.rank_rule",
    "rank_rules.settle_rank",
}


def public_names() -> Iterator[str]:
    """What `lrfact` exports, then what its subpackages add, as "name" and "subpackage.name"."""
    yield from sorted(lrfact.__all__)
    for module in pkgutil.iter_modules(lrfact.__path__):
        if module.ispkg and module.name not in NOT_PUBLIC:
            names = getattr(import_module(f"lrfact.{module.name}"), "__all__", ())
            yield from (f"{module.name}.{name}" for name in names if name not in lrfact.__all__)


def public(name: str):
    return attrgetter(name)(lrfact)


PUBLIC = [name for name in public_names() if name not in NOT_PUBLIC and callable(public(name))]
CLASSES = [name for name in PUBLIC if inspect.isclass(public(name))]
FUNCTIONS = [name for name in PUBLIC if name not in CLASSES]
ESTIMATORS = [name for name in CLASSES if issubclass(public(name), BaseEstimator)]


def own_members(name: str) -> Iterator[str]:
    """Public methods and properties that the class has from us rather than from scikit-learn."""
    cls = public(name)
    for member in dir(cls):
        owner = next((base for base in cls.__mro__ if member in vars(base)), None)
        if member.startswith("_") or owner is None or not owner.__module__.startswith("lrfact"):
            continue
        if re.fullmatch(r"set_\w+_request", member):  # written by scikit-learn into our class
            continue
        if callable(getattr(cls, member, None)) or isinstance(vars(owner)[member], property):
            yield f"{name}.{member}"


METHODS = [member for name in CLASSES for member in own_members(name)]


def documented(name: str) -> ClassDoc | FunctionDoc:
    return ClassDoc(public(name)) if name in CLASSES else FunctionDoc(public(name))


@pytest.mark.parametrize("name", PUBLIC + METHODS)
def test_numpydoc_finds_no_fault(name):
    report = validate(f"lrfact.{name}")
    faults = [f"{code}: {text}" for code, text in report["errors"] if code in ERRORS]
    assert not faults, f"{report['file']}:{report['file_line']}\n" + "\n".join(faults)


@pytest.mark.parametrize("name", PUBLIC)
def test_parameters_equal_the_signature(name):
    signature = inspect.signature(public(name)).parameters.values()
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    expected = [stars.get(parameter.kind, "") + parameter.name for parameter in signature]
    documented_names = [
        part.strip() for entry in documented(name)["Parameters"] for part in entry.name.split(",")
    ]
    assert documented_names == expected


@pytest.mark.parametrize("name", PUBLIC + METHODS)
def test_defaults_in_the_docstring_are_those_of_the_signature(name):
    if isinstance(public(name), property):
        return
    signature = inspect.signature(public(name)).parameters
    for entry in documented(name)["Parameters"]:
        parameter = signature.get(entry.name)
        stated = re.search(r"default=(.+)$", entry.type)
        if parameter is None or parameter.default is inspect.Parameter.empty:
            assert stated is None, f"{name}: {entry.name} has no default, but states one"
        elif parameter.default is not None or stated:
            assert stated, f"{name}: the default of {entry.name} is {parameter.default!r}: say so"
            text = stated[1].replace('"', "'")
            assert text == repr(parameter.default), f"{name}: {entry.name}"


@pytest.mark.parametrize("name", PUBLIC)
def test_has_an_example_and_neighbours(name):
    doc = documented(name)
    assert any(line.lstrip().startswith(">>>") for line in doc["Examples"]), "no example"
    assert doc["See Also"], "no See Also"


@pytest.mark.parametrize(
    "name", ESTIMATORS + [name for name in FUNCTIONS if documented(name)["Parameters"]]
)
def test_says_what_it_raises_and_where_it_comes_from(name):
    assert documented(name)["References"], "no References"
    fails = FunctionDoc(public(name).fit) if name in ESTIMATORS else documented(name)
    assert fails["Raises"], "no Raises (of an estimator: in the docstring of fit)"
    for entry in fails["Raises"]:
        assert entry.desc, f"{entry.type}: say when it is raised"


# Without a seed some chains on so small a table keep moving for longer than they are given.
@pytest.mark.filterwarnings("ignore:the chain has not come to rest")
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("with_names", [False, True], ids=["array", "frame"])
def test_fitted_attributes_equal_the_documented_ones(name, with_names):
    estimator = public(name)()
    rng = np.random.default_rng(0)
    X = rng.random((40, 2 if name == "EntryRegressor" else 5))
    if with_names:
        pandas = pytest.importorskip("pandas")
        X = pandas.DataFrame(X, columns=list("abcde")[: X.shape[1]])
    supervised = is_classifier(estimator) or is_regressor(estimator)
    estimator.fit(X, np.arange(40) % 2 if supervised else None)

    stated = {entry.name for entry in ClassDoc(type(estimator))["Attributes"]}
    fitted = {n for n in vars(estimator) if n.endswith("_") and not n.startswith("_")}
    assert fitted <= stated, f"not documented: {sorted(fitted - stated)}"
    if not with_names:
        stated.discard("feature_names_in_")
    # An attribute may be a property, or exist for some parameters only: it then says so.
    missing = {n for n in stated if not hasattr(estimator, n)}
    for entry in ClassDoc(type(estimator))["Attributes"]:
        if entry.name in missing:
            assert re.search(r"\b(only|if|when|where)\b", " ".join(entry.desc), re.I), entry.name


def test_every_public_name_is_listed():
    assert set(dir(lrfact)) >= set(lrfact.__all__)
    stray = {
        name
        for name, value in vars(lrfact).items()
        if not name.startswith("_") and name not in lrfact.__all__ and not inspect.ismodule(value)
    }
    assert not stray, f"in lrfact but not in __all__: {stray}"
