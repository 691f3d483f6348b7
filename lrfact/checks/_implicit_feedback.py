"""Clicks, plays, purchases: what rows are known to have chosen, and how often."""

from typing import Any

import numpy as np
from scipy import sparse

from lrfact.checks._long_table import warn_of_long_table
from lrfact.checks._matrix_input import validated_matrix
from lrfact.checks._negative_values import refuse_negative


def implicit_feedback(estimator: Any, X: Any, *, reset: bool) -> sparse.csr_array:
    """Return the positive entries of `X` as a sparse matrix that stores no others.

    Parameters
    ----------
    estimator : estimator
        Whose `n_features_in_` is set or compared, and whose name is in error messages.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Counts, durations, or truth values. Stored zeros are the same as entries that are not
        stored, and of a pair stored twice the values are added.

    reset : bool
        True in `fit`: learn number and names of the columns. False: compare them.

    Returns
    -------
    csr_array of shape (n_samples, n_features)
        float32 if `X` is, else float64; sorted within rows. It may share memory with `X`, so it is
        for reading only.

    Raises
    ------
    ValueError
        If an entry is negative, NaN or infinite, or there is a wrong number of columns.

    Warns
    -----
    UserWarning
        In `fit`, if `X` looks like a long table of row numbers, column numbers and counts.
    """
    if np.ma.isMaskedArray(X) and np.ma.getmaskarray(X).any():
        raise ValueError(
            "X is a masked array, and implicit feedback has no missing entries: 0 is the absence "
            "of feedback; pass X.filled(0), or use MaskedMF for ratings with holes"
        )
    given = X
    X = validated_matrix(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_all_finite="allow-nan",
    )
    if reset:
        warn_of_long_table(given, type(estimator).__name__)
    if np.isnan(X.data if sparse.issparse(X) else X).any():
        raise ValueError(
            "Input X contains NaN, and implicit feedback has no missing entries: 0 is the absence "
            "of feedback; fill with 0, or use MaskedMF for ratings with holes"
        )
    if sparse.issparse(X) and not (X.has_canonical_format and X.data.all()):
        X = sparse.csr_array(X, copy=True)
        X.sum_duplicates()
        X.eliminate_zeros()
    refuse_negative(
        X,
        estimator,
        "implicit feedback counts what rows have chosen, from 0; drop negative feedback "
        "(X.clip(0) of an array, X.maximum(0) of a sparse matrix), or use MaskedMF for ratings",
    )
    return sparse.csr_array(X)
