"""Records the law of each test, and counts the pairs of estimator and law at the end."""

import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning

from laws.table import EXCEPTIONS


@pytest.fixture(autouse=True)
def _iterations_may_end_early():
    """Ignore convergence warnings: a fixed number of epochs is compared."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    law = getattr(item.module, "LAW", None)
    if law is not None and "case" in parameters:
        outcome.get_result().user_properties.append(("law", f"{law}|{parameters['case'].name}"))


def pytest_terminal_summary(terminalreporter):
    """Print the number of tested pairs of an estimator and a law, and their outcomes."""
    pairs: dict[str, bool] = {}
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            for name, pair in getattr(report, "user_properties", ()):
                if name == "law":
                    pairs[pair] = pairs.get(pair, True) and outcome not in ("failed", "error")
    if not pairs:
        return
    broken = sorted(pair for pair, holds in pairs.items() if not holds)
    exempt = [f"{law}|{name}" for law, name in EXCEPTIONS]
    n_exempt = len([pair for pair in exempt if pairs.get(pair)])
    terminalreporter.section("laws")
    n_whole = len(pairs) - len(broken) - n_exempt
    terminalreporter.write_line(
        f"{len(pairs)} pairs of an estimator and a law: {n_whole} hold, "
        f"{n_exempt} hold with a documented exception, {len(broken)} fail"
    )
    for pair in broken:
        terminalreporter.write_line(f"fails: {pair.replace('|', ' | ')}")
