"""The laws on matrices drawn at random: units, containers, dtypes, orders and batches.

Each example holds one law for one estimator and solver. A difference is allowed as far as the
condition of the problem explains it: as much as the results change when the entries change by
rounding. ``LRFACT_HYPOTHESIS=searching`` looks for new matrices, and for longer.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from laws.cases import (
    CASES,
    COMPLETE,
    INCOMPLETE,
    PAIRS,
    Pairs,
    assert_same,
    difference,
    matrix_of,
    rows_of,
)
from laws.containers import (
    containers_of,
    repeated,
    stored,
    unsorted,
    with_stored_zeros,
)
from laws.expected import at_unit_scale, permuted
from laws.table import exempt_variants

# Estimators that refuse negative entries.
NONNEGATIVE = {"NMFTopics", "ImplicitMF", "TermWeighting", "PPMI", "LSASearch"}
DRAWS = ["whole", "ties", "uniform", "normal", "skewed", "large mean"]
FEATURES = ["zero row", "zero column", "equal rows", "huge entry", "negative", "none"]
SCALES = [2.0**-60, 2.0**-7, 0.5, 2.0, 2.0**40, 1e-9, 1e-3, 1e3, 1e12]
# Entries change by so much, relative to themselves, to measure the condition.
PERTURBATION = {np.float64: 1e-11, np.float32: 1e-6}
TOLERANCE = {np.float64: 1e-6, np.float32: 2e-3}
# A result that changes more than this is not determined by the entries.
UNDETERMINED = 1e-2
REFUSED = (ValueError, TypeError)


@dataclass(frozen=True)
class Shape:
    n_rows: int
    n_columns: int
    density: float
    rank: int
    draw: str
    features: tuple
    seed: int

    def values(self, case):
        """A matrix, with 0 where nothing is stored."""
        rng = np.random.default_rng(self.seed)
        shape = self.n_rows, self.n_columns
        values = rng.random((shape[0], self.rank)) @ rng.random((self.rank, shape[1]))
        if self.draw == "whole":
            values = np.ceil(5 * values / values.max())
        elif self.draw == "ties":
            values = np.where(values > np.median(values), 2.0, 1.0)
        elif self.draw == "uniform":
            values = values + rng.random(shape)
        elif self.draw == "normal":
            values = values + np.abs(rng.standard_normal(shape))
        elif self.draw == "skewed":
            values = np.exp(3 * rng.standard_normal(shape)) * values
        else:
            values = 1e5 + values
        values = values * (rng.random(shape) < self.density)
        if "zero row" in self.features:
            values[-1] = 0
        if "zero column" in self.features:
            values[:, 1] = 0
        if "equal rows" in self.features:
            values[1] = values[0]
        if "huge entry" in self.features:
            values[0, 0] = 2.0**24
        if "negative" in self.features and case.estimator_name not in NONNEGATIVE:
            values[2:, ::2] *= -1
        return values


shapes = st.builds(
    Shape,
    n_rows=st.integers(4, 16),
    n_columns=st.integers(4, 9),
    density=st.sampled_from([1.0, 0.8, 0.5, 0.25]),
    rank=st.integers(1, 4),
    draw=st.sampled_from(DRAWS),
    features=st.lists(st.sampled_from(FEATURES), max_size=2, unique=True).map(tuple),
    seed=st.integers(0, 10_000),
)


def outcome(results):
    """The results of a call, or the type of its refusal."""
    try:
        return results()
    except REFUSED as refusal:
        return refusal


def fitted(case, X, **changes):
    return outcome(lambda: case.fitted_results(X, **{**case.tight, **changes}))


def changed(case, X, dtype, rng):
    """The same data with rounding errors."""

    def nudged(values):
        signs = rng.choice([-1.0, 1.0], size=values.shape)
        return values.astype(np.float64) * (1 + PERTURBATION[dtype] * signs)

    return Pairs((X[0], nudged(X[1]))) if case.kind == PAIRS else nudged(X)


def determined(case, X, plain, dtype=np.float64):
    """Results and the tolerances that their condition justifies, without undetermined ones."""
    tolerances = dict.fromkeys(plain, TOLERANCE[dtype])
    for seed in range(2):
        other = fitted(case, changed(case, X, dtype, np.random.default_rng(seed)))
        if isinstance(other, Exception):
            return {}
        for name, change in difference(other, plain).items():
            tolerances[name] = max(tolerances[name], 100 * change)
    return {name: tol for name, tol in tolerances.items() if tol <= UNDETERMINED}


def assert_finite(results):
    strange = [name for name, value in results.items() if not np.isfinite(value).all()]
    assert not strange, f"{strange} of finite entries are not finite"


def assert_law(case, X, plain, found, expected=None, dtype=np.float64):
    """The results are those expected (of the plain ones), or both are refused alike."""
    if isinstance(plain, Exception) or isinstance(found, Exception):
        assert type(found) is type(plain), f"{plain!r} became {found!r}"
        return
    assert_finite(found)
    expected = plain if expected is None else expected
    for name, tol in determined(case, X, plain, dtype).items():
        if name in expected and name in found:
            assert_same({name: found[name]}, {name: expected[name]}, tol, name)


def check_scale(case, X, values, plain, data):
    scale = data.draw(st.sampled_from(SCALES), label="scale")
    assume(not exempt("scale", case, "float64 1e3"))
    given_ = Pairs((X[0], X[1] * scale)) if case.kind == PAIRS else X * scale
    model = case.make()
    changes = {
        name: getattr(model, name) * scale**unit for name, unit in case.parameter_units.items()
    }
    found = fitted(case, given_, **changes)
    if not isinstance(found, Exception):
        found = at_unit_scale(case, found, np.float64, scale, values.shape[1])
    assert_law(case, X, plain, found)


def check_storage(case, X, values, plain, data):
    container = data.draw(st.sampled_from(containers_of(case)), label="container")
    if case.kind == INCOMPLETE:
        assume(container[:3] not in ("bsr", "dia"))
    # Others are for a certain scikit-learn.
    assume(not (case.name == "RankSearchCV" and "pyarrow" in container))
    assert_law(case, X, plain, fitted(case, stored(case, container, values)))


def check_dtype(case, X, values, plain, data):
    whole = np.array_equal(values, np.round(values)) and np.abs(values).max(initial=0) < 100
    dtypes = ["float32", "longdouble", *(["int8", "int64", "float16"] if whole else [])]
    dtype = np.dtype(data.draw(st.sampled_from(dtypes), label="dtype"))
    assume(not exempt("dtype", case, f"dense of {dtype.name}"))
    if case.kind == INCOMPLETE and dtype.kind != "f":
        found = fitted(case, values.astype(dtype), missing_values=0)
    else:
        cast = X[1].astype(dtype) if case.kind == PAIRS else X.astype(dtype)
        found = fitted(case, Pairs((X[0], cast)) if case.kind == PAIRS else cast)
    precision = np.float32 if dtype == np.float32 else np.float64
    assert_law(case, X, plain, found, dtype=precision)


def check_entries(case, X, values, plain, data):
    """Order of stored entries, repeated entries, stored zeros."""
    if case.kind == PAIRS:
        order = np.random.default_rng(0).permutation(len(X[1]))
        model = outcome(lambda: case.fit(Pairs((X[0][order], X[1][order]))))
        given_ = isinstance(model, Exception)
        found = model if given_ else outcome(lambda: case.results(model, X[0]))
        assert_law(case, X, plain, found)
        return
    forms = {"unsorted": unsorted}
    if case.kind == COMPLETE:
        forms.update({"repeated": repeated, "stored zeros": with_stored_zeros})
    form = data.draw(st.sampled_from(sorted(forms)), label="form")
    assert_law(case, X, plain, fitted(case, forms[form](values)))


def check_rows(case, X, values, plain, data):
    _check_permuted(case, X, values, plain, "rows")


def check_columns(case, X, values, plain, data):
    _check_permuted(case, X, values, plain, "columns")


def _check_permuted(case, X, values, plain, axis):
    assume(case.kind != PAIRS and not exempt("order", case, axis))
    n = len(values) if axis == "rows" else values.shape[1]
    # Outputs are told from attributes by their sizes.
    assume(values.shape[0] != values.shape[1] and n > 3)
    order = np.random.default_rng(1).permutation(n)
    if axis == "rows":
        found = fitted(case, np.ascontiguousarray(X[order]))
        expected = permuted(case, plain, order, None) if isinstance(plain, dict) else None
    else:
        found = fitted(case, np.ascontiguousarray(X[:, order]))
        expected = permuted(case, plain, None, order) if isinstance(plain, dict) else None
    assert_law(case, X, plain, found, expected)


def check_batches(case, X, values, plain, data):
    model = outcome(lambda: case.fit(X, **case.tight))
    assume(not isinstance(model, Exception))
    use = model.predict if case.kind == PAIRS else model.transform
    rows = rows_of(X)
    at = data.draw(st.integers(1, len(rows) - 1), label="first batch")
    form = sparse.csr_array if case.kind == COMPLETE else np.asarray

    def dense(part):
        return np.asarray(part.toarray() if sparse.issparse(part) else part)

    whole = dense(use(rows))
    assert np.isfinite(whole).all()
    parts = [dense(use(form(part))) for part in (rows[:at], rows[at:])]
    assert_same({"rows": np.concatenate(parts)}, {"rows": whole}, 1e-6, "batches")


CHECKS = {
    "scale": check_scale,
    "storage": check_storage,
    "dtype": check_dtype,
    "entries": check_entries,
    "rows": check_rows,
    "columns": check_columns,
    "batches": check_batches,
}


def exempt(law, case, variant):
    return bool(exempt_variants(law, case, lambda _: [variant])[1])


# Each example is three fits or four.
@settings(max_examples=max(1, settings.default.max_examples * 3 // 5))
@given(
    name=st.sampled_from(list(CASES)),
    law=st.sampled_from(list(CHECKS)),
    shape=shapes,
    data=st.data(),
)
def test_laws_hold_for_drawn_matrices(name, law, shape, data):
    case = CASES[name]
    values = shape.values(case)
    assume(np.count_nonzero(values))
    X = matrix_of(case, values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (ConvergenceWarning))
        with np.errstate(all="ignore"):
            plain = fitted(case, X)
            if isinstance(plain, dict):
                assert_finite(plain)
            CHECKS[law](case, X, values, plain, data)
