"""Which law holds for which estimator: the table of the documentation, and its exceptions."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from laws.cases import CASES, Case

# In the order of the table.
LAWS = {
    "scale": "X times s gives the results times the power of s that their unit has",
    "storage": "every container of the same matrix gives the same results",
    "dtype": "every dtype of the same numbers gives the same results, and no sum overflows in it",
    "order": "the order of entries, rows and columns does not matter; repeated entries are added",
    "refit": "`set_params` does not change a fitted model; a second fit equals a first one",
    "labels": "columns are found and compared by labels of any kind",
    "batches": "rows in batches give what all rows give at once",
}


@dataclass(frozen=True)
class Exemption:
    """An estimator that does not keep a law.

    Attributes
    ----------
    reason : str
        Why, in the words of the documentation.

    variants : str
        Regular expression of the variants that are exempt; all others are held.
    """

    reason: str
    variants: str = ""


_ENTRIES = "random initialization and order of entries are drawn by position"
_ONLINE = "each batch is seen once, with the components current at that point"
_EARLIER_ROWS = "factors of earlier rows stay: only new entries update the column factors"
_COUNTS = "its weight of a count is not linear in it"
_CHAIN = "draws in float32 are not those in float64: predictions agree as two seeds do"
_ORDER_OF_CHAIN = "draws are made row by row, column by column: predictions agree as two seeds do"
_OF_A_SEARCH = "`lexical_weight` and `n_feedback` are read by each search"

# By law and case. That each of them is needed is tested.
EXCEPTIONS: dict[tuple[str, str], Exemption] = {
    ("scale", "LSASearch bm25"): Exemption(_COUNTS),
    ("scale", "TermWeighting bm25"): Exemption(_COUNTS),
    ("scale", "TermWeighting log-entropy"): Exemption(_COUNTS),
    ("dtype", "BayesianMF"): Exemption(_CHAIN, "float32"),
    ("dtype", "EntryRegressor BayesianMF"): Exemption(_CHAIN, "float32"),
    ("order", "RankSearchCV"): Exemption(
        "folds are of neighboring rows, as in GridSearchCV", "^rows$"
    ),
    ("refit", "RankSearchCV"): Exemption(
        "methods of `best_estimator_` are there while `refit` is set, as in GridSearchCV",
        "set refit",
    ),
    ("order", "MaskedMF sgd"): Exemption(_ENTRIES, "^(rows|columns)$"),
    ("order", "ImplicitMF bpr"): Exemption(_ENTRIES, "^(rows|columns)$"),
    ("order", "BayesianMF"): Exemption(_ORDER_OF_CHAIN, "^(rows|columns)$"),
    ("order", "SoftImpute"): Exemption(
        "the entries that choose `reg` are drawn by position", "^(rows|columns)$"
    ),
    ("refit", "LSASearch"): Exemption(_OF_A_SEARCH, "set (lexical_weight|n_feedback)"),
    ("refit", "LSASearch bm25"): Exemption(_OF_A_SEARCH, "set (lexical_weight|n_feedback)"),
    ("batches", "NMFTopics hals"): Exemption(_ONLINE, "partial_fit"),
    ("batches", "NMFTopics mu"): Exemption(_ONLINE, "partial_fit"),
    ("batches", "NMFTopics mu Kullback-Leibler"): Exemption(_ONLINE, "partial_fit"),
    ("batches", "MaskedMF als"): Exemption(_EARLIER_ROWS, "partial_fit"),
    ("batches", "MaskedMF als nonnegative"): Exemption(_EARLIER_ROWS, "partial_fit"),
    ("batches", "MaskedMF sgd"): Exemption(_EARLIER_ROWS, "partial_fit"),
    ("batches", "LSASearch bm25"): Exemption(
        "words and their weights stay those of the first batch", "partial_fit"
    ),
}


def exempt_variants(
    law: str, case: Case, variants: Callable[[Case], Iterable[str]]
) -> tuple[list[str], list[str]]:
    """Return the variants that are held for a case, and those that are exempt."""
    exemption = EXCEPTIONS.get((law, case.name))
    held_ones, exempt = [], []
    for variant in variants(case):
        is_exempt = exemption is not None and re.search(exemption.variants, variant)
        (exempt if is_exempt else held_ones).append(variant)
    return held_ones, exempt


def rows_of_table() -> dict[str, dict[str, str]]:
    """Return, by estimator and law, "yes" or the numbers of the exceptions."""
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
    """Return the distinct reasons in the order of the laws and estimators."""
    in_order = [
        EXCEPTIONS[law, name] for law in LAWS for name in CASES if (law, name) in EXCEPTIONS
    ]
    return list(dict.fromkeys(exemption.reason for exemption in in_order))


def markdown() -> str:
    """Return the laws, the table and the reasons as they are in the documentation."""
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
    """Return the parameters of the test of a law."""
    return [pytest.param(case, id=name) for name, case in CASES.items()]


def check_all(
    law: str,
    check: Callable[[Case, str], None],
    case: Case,
    variants: Callable[[Case], Iterable[str]],
) -> None:
    """Check every variant of a law that is held for a case.

    Raises
    ------
    AssertionError
        One for all variants that fail; or if an exemption is not needed.
    """
    held_ones, exempt = exempt_variants(law, case, variants)
    failures = _failures(check, case, held_ones)
    assert not failures, f"{case.name}: " + "\n".join(failures)
    if (law, case.name) in EXCEPTIONS:
        needed = any(_failures(check, case, [variant]) for variant in exempt)
        assert needed, f"{case.name} keeps the law of {law}: drop the exemption"


def _failures(check: Callable[[Case, str], None], case: Case, variants: Iterable[str]) -> list[str]:
    failures = []
    for variant in variants:
        try:
            check(case, variant)
        except pytest.skip.Exception:  # a library is not there
            continue
        except Exception as failure:
            what = str(failure) if isinstance(failure, AssertionError) else repr(failure)
            failures.append(f"{variant}: {what[:300]}")
    return failures


if __name__ == "__main__":
    # `python -m laws.table` in tests/ prints the section of docs/index.md
    print(markdown(), end="")
