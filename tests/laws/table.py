"""Table of the laws (invariances) that each estimator satisfies, and the exceptions to them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from laws.cases import CASES, Case

# In the order of the table.
LAWS = {
    "scale": "scaling X by s scales each result by the power of s that its unit implies",
    "storage": "all containers of the same matrix give the same results",
    "dtype": "all dtypes of the same numbers give the same results, and sums do not overflow",
    "order": "the order of entries, rows and columns is irrelevant; duplicate entries are summed",
    "refit": "`set_params` does not change a fitted model; refitting equals a first fit",
    "labels": "columns can have labels of any type, which are validated and can select columns",
    "batches": "processing rows in batches gives the same results as processing all rows at once",
}


@dataclass(frozen=True)
class Exemption:
    """Exception of an estimator from a law.

    Attributes
    ----------
    reason : str
        Reason for the exception, as printed in the documentation.

    variants : str
        Regular expression of the exempt variants; all others are checked.
    """

    reason: str
    variants: str = ""


_ENTRIES = "the random initialization and the order of entries depend on positions"
_ONLINE = "each batch is processed once, with the components current at that point"
_EARLIER_ROWS = "factors of earlier rows are kept: only new entries update the column factors"
_COUNTS = "the weight is a nonlinear function of the count"
_CHAIN = "draws in float32 and float64 differ: predictions agree like those of two seeds"
_ORDER_OF_CHAIN = (
    "draws depend on positions of rows and columns: predictions agree like those of two seeds"
)
_SEARCH_TIME = "`lexical_weight` and `n_feedback` are read at each search"

# By law and case. A test checks that each exception is needed.
EXCEPTIONS: dict[tuple[str, str], Exemption] = {
    ("scale", "LSASearch bm25"): Exemption(_COUNTS),
    ("scale", "TermWeighting bm25"): Exemption(_COUNTS),
    ("scale", "TermWeighting log-entropy"): Exemption(_COUNTS),
    ("dtype", "BayesianMF"): Exemption(_CHAIN, "float32"),
    ("dtype", "EntryRegressor BayesianMF"): Exemption(_CHAIN, "float32"),
    ("order", "RankSearchCV"): Exemption(
        "folds are blocks of consecutive rows, as in GridSearchCV", "^rows$"
    ),
    ("refit", "RankSearchCV"): Exemption(
        "methods of `best_estimator_` exist only if `refit` is set, as in GridSearchCV",
        "set refit",
    ),
    ("order", "MaskedMF sgd"): Exemption(_ENTRIES, "^(rows|columns)$"),
    ("order", "ImplicitMF bpr"): Exemption(_ENTRIES, "^(rows|columns)$"),
    ("order", "BayesianMF"): Exemption(_ORDER_OF_CHAIN, "^(rows|columns)$"),
    ("order", "SoftImpute"): Exemption(
        "the held-out entries that choose `reg` depend on positions", "^(rows|columns)$"
    ),
    ("refit", "LSASearch"): Exemption(_SEARCH_TIME, "set (lexical_weight|n_feedback)"),
    ("refit", "LSASearch bm25"): Exemption(_SEARCH_TIME, "set (lexical_weight|n_feedback)"),
    ("batches", "NMFTopics hals"): Exemption(_ONLINE, "partial_fit"),
    ("batches", "NMFTopics mu"): Exemption(_ONLINE, "partial_fit"),
    ("batches", "NMFTopics mu Kullback-Leibler"): Exemption(_ONLINE, "partial_fit"),
    ("batches", "MaskedMF als"): Exemption(_EARLIER_ROWS, "partial_fit"),
    ("batches", "MaskedMF als nonnegative"): Exemption(_EARLIER_ROWS, "partial_fit"),
    ("batches", "MaskedMF sgd"): Exemption(_EARLIER_ROWS, "partial_fit"),
    ("batches", "LSASearch bm25"): Exemption(
        "the vocabulary and its weights remain those of the first batch", "partial_fit"
    ),
}


def exempt_variants(
    law: str, case: Case, variants: Callable[[Case], Iterable[str]]
) -> tuple[list[str], list[str]]:
    """Return the variants of a case that are checked, and those that are exempt."""
    exemption = EXCEPTIONS.get((law, case.name))
    checked, exempt = [], []
    for variant in variants(case):
        is_exempt = exemption is not None and re.search(exemption.variants, variant)
        (exempt if is_exempt else checked).append(variant)
    return checked, exempt


def rows_of_table() -> dict[str, dict[str, str]]:
    """Return "yes" or the numbers of the exceptions, by estimator and law."""
    numbers = {reason: number for number, reason in enumerate(reasons(), start=1)}
    rows: dict[str, dict[str, str]] = {}
    for name, case in CASES.items():
        row = rows.setdefault(case.estimator_name, dict.fromkeys(LAWS, ""))
        for law in LAWS:
            exemption = EXCEPTIONS.get((law, name))
            if exemption is not None:
                number = f"({numbers[exemption.reason]})"
                if number not in row[law]:
                    row[law] = f"{row[law]} {number}".strip()
    return {name: {law: cell or "yes" for law, cell in row.items()} for name, row in rows.items()}


def reasons() -> list[str]:
    """Return the distinct reasons for exceptions, in the order of the laws and estimators."""
    in_order = [
        EXCEPTIONS[law, name] for law in LAWS for name in CASES if (law, name) in EXCEPTIONS
    ]
    return list(dict.fromkeys(exemption.reason for exemption in in_order))


def markdown() -> str:
    """Return the laws, the table and the reasons as printed in the documentation."""
    lines = [f"- **{law}**: {meaning}." for law, meaning in LAWS.items()]
    lines += ["", f"| estimator | {' | '.join(LAWS)} |", "|---" * (len(LAWS) + 1) + "|"]
    lines += [f"| `{name}` | {' | '.join(row.values())} |" for name, row in rows_of_table().items()]
    lines.append("")
    for number, reason in enumerate(reasons(), start=1):
        places = dict.fromkeys(
            f"{name} ({law})"
            for law in LAWS
            for name in CASES
            if (law, name) in EXCEPTIONS and EXCEPTIONS[law, name].reason == reason
        )
        lines.append(f"{number}. {', '.join(places)}: {reason}.")
    return "\n".join(lines) + "\n"


def all_cases() -> list[Any]:
    """Return the cases as parameters of the test of a law."""
    return [pytest.param(case, id=name) for name, case in CASES.items()]


def check_all(
    law: str,
    check: Callable[[Case, str], None],
    case: Case,
    variants: Callable[[Case], Iterable[str]],
) -> None:
    """Check all variants of a law for a case, except the exempt ones.

    Raises
    ------
    AssertionError
        If a variant fails (one error lists all of them), or an exemption is not needed.
    """
    checked, exempt = exempt_variants(law, case, variants)
    failures = _failures(check, case, checked)
    assert not failures, f"{case.name}: " + "\n".join(failures)
    if (law, case.name) in EXCEPTIONS:
        needed = any(_failures(check, case, [variant]) for variant in exempt)
        assert needed, f"{case.name} satisfies the law of {law}: remove the exemption"


def _failures(check: Callable[[Case, str], None], case: Case, variants: Iterable[str]) -> list[str]:
    failures = []
    for variant in variants:
        try:
            check(case, variant)
        except pytest.skip.Exception:  # an optional library is missing
            continue
        except Exception as failure:
            what = str(failure) if isinstance(failure, AssertionError) else repr(failure)
            failures.append(f"{variant}: {what[:300]}")
    return failures


if __name__ == "__main__":
    # `python -m laws.table` in tests/ prints the section of docs/index.md
    print(markdown(), end="")
