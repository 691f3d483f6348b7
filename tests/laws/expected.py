"""What results become when the matrix is scaled or its rows and columns are permuted."""

import numpy as np

from laws.cases import Case, Results

# One value for each component, of which there may be as many as columns.
_BY_COMPONENT = {"singular_values_", "topic_share_"}
# A result that the dtype cannot hold is not compared.
_MOST = {np.float64: 1e305, np.float32: 1e35}


def at_unit_scale(case: Case, found: Results, dtype: type, scale: float, n_columns: int) -> Results:
    """Return the results of X times scale in the units of X, without those out of range."""
    in_units = {}
    for name, unit in case.units.items():
        if unit == "log":
            in_units[name] = found[name] + n_columns * np.log(scale)
        elif np.log10(_MOST[dtype]) > abs(np.log10(scale) * unit):
            in_units[name] = found[name] / scale**unit
    return in_units


def permuted(
    case: Case, results: Results, rows: np.ndarray | None, columns: np.ndarray | None
) -> Results:
    """Return the results of X with permuted rows or columns, without those bound to places."""
    expected = {}
    for name, value in results.items():
        if name in case.by_place:
            continue
        by_component = name in _BY_COMPONENT
        if rows is not None and not by_component and value.shape[:1] == rows.shape:
            value = value[rows]
        if columns is not None and not by_component and value.shape[-1:] == columns.shape:
            value = value[..., columns]
        expected[name] = value
    return expected
