"""select_rank: estimate the number of components of a matrix, by any of the rank rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import check_array, check_random_state

from lrfact._threads import effective_n_threads
from lrfact.checks._matrix_input import validated_matrix
from lrfact.linalg.as_operator import as_operator
from lrfact.rank_rules import (
    RANK_RULES,
    RankChoice,
    RankRule,
    RuleNotApplicableError,
    Spectrum,
    energy_rank,
    gap_rank,
    gavish_donoho_rank,
    minka_rank,
    parallel_analysis_rank,
    settle_rank,
)

from ._entry_cross_validation import entry_cross_validation_rank
from ._matrix_spectrum import MatrixSpectrum

METHODS = (*RANK_RULES, "cv")

# These use the spectrum that is computed in any case; the others need further factorizations.
_CHEAP = ("energy", "gap", "gavish-donoho", "mle")

# These do not need the shape of the matrix.
_SHAPELESS = ("energy", "gap")

# Number of singular values computed first, if all of them would cost too much.
_FIRST_VALUES = 128


@dataclass(frozen=True, eq=False, repr=False)
class RankSelection:
    """Result of `select_rank`: the number of components, its curve, and those of other rules.

    Parameters
    ----------
    method : str
        The requested rule.

    choices : mapping of str to RankChoice
        Results of `method` and of the other applicable rules.

    not_applicable : mapping of str to str
        Reasons why the remaining rules could not be applied.

    See Also
    --------
    select_rank : Estimates the number of components.
    lrfact.rank_rules.RankChoice : Result of a single rule.

    Examples
    --------
    >>> from lrfact.model_selection import select_rank
    >>> print(select_rank([9.0, 7.0, 1.1, 1.0, 0.9, 0.7], shape=(40, 6)))
    gavish-donoho      2  s > 1.774, noise 0.1704 from the median
    energy             2  fraction of energy > 0.95
    gap                2  largest ratio s_k / s_(k+1) up to k=3
    mle                2  largest log-evidence
    """

    method: str
    choices: Mapping[str, RankChoice]
    not_applicable: Mapping[str, str]

    @property
    def n_components(self) -> int:
        """The estimated number of components; 0 if nothing exceeds the noise."""
        return self.choices[self.method].n_components

    @property
    def ranks(self) -> npt.NDArray[np.intp]:
        """The candidate ranks, ndarray of shape (n_ranks,)."""
        return self.choices[self.method].ranks

    @property
    def curve(self) -> npt.NDArray[np.float64]:
        """Criterion of the rule by rank, ndarray of shape (n_ranks,), aligned with `ranks`."""
        return self.choices[self.method].curve

    @property
    def threshold(self) -> float | npt.NDArray[np.float64] | None:
        """Threshold of `curve`, or None if the rule takes its optimum."""
        return self.choices[self.method].threshold

    @property
    def criterion(self) -> str:
        """Description of the rule, with its numbers."""
        return self.choices[self.method].criterion

    @property
    def is_settled(self) -> bool:
        """False if `max_rank` limited the result: that of the rule is larger."""
        return self.choices[self.method].is_settled

    @property
    def suggestions(self) -> dict[str, int]:
        """Numbers of components by the other rules, by name."""
        return {
            name: choice.n_components
            for name, choice in self.choices.items()
            if name != self.method
        }

    def __repr__(self) -> str:
        return (
            f"RankSelection(n_components={self.n_components}, method={self.method!r}, "
            f"suggestions={self.suggestions})"
        )

    def __str__(self) -> str:
        lines = []
        for name in sorted(METHODS, key=lambda name: name != self.method):
            if name in self.choices:
                choice = self.choices[name]
                number = f"{'' if choice.is_settled else '>='}{choice.n_components}"
                lines.append(f"{name:<14}{number:>6}  {choice.criterion}")
            elif name in self.not_applicable:
                lines.append(f"{name:<14}{'-':>6}  {self.not_applicable[name]}")
        return "\n".join(lines)


def select_rank(
    X: Any,
    method: str = "gavish-donoho",
    *,
    shape: tuple[int, int] | None = None,
    center: bool = False,
    target: float = 0.95,
    noise: float | str | None = None,
    max_rank: int | None = None,
    cv: Any = 5,
    n_permutations: int = 20,
    quantile: float = 0.95,
    compare: str | Iterable[str] | None = "cheap",
    random_state: Any = None,
    n_jobs: int | None = None,
) -> RankSelection:
    r"""Estimate the number of components (rank) of a matrix, or of a list of singular values.

    ===================  ======================================  ==============================
    `method`             keeps                                   recommended for
    ===================  ======================================  ==============================
    ``"gavish-donoho"``  singular values above the optimal       denoising with white noise
                         hard threshold
    ``"cv"``             components that best predict held-out   accuracy rather than speed
                         entries
    ``"parallel"``       singular values above those of          unknown noise
                         shuffled data
    ``"mle"``            the rank of largest evidence under      Gaussian data, many samples
                         probabilistic PCA
    ``"gap"``            all before the largest drop             a spectrum with a clear step
    ``"energy"``         a fraction of the energy                compression; no noise model
    ===================  ======================================  ==============================

    No rule suits all data, as they differ in their definition of noise. Compare `suggestions`: if
    all rules agree, the rank is clear; if they differ, the best choice depends on the use.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features), (n_values,) or Spectrum
        Matrix, or its singular values in any order. Sparse matrices are not densified, even if
        they are centered. A `lrfact.rank_rules.Spectrum` has leading singular values and the total
        energy.

    method : {"energy", "gap", "gavish-donoho", "parallel", "mle", "cv"}, default="gavish-donoho"
        The rule. Each is documented in `lrfact.rank_rules`.

    shape : tuple of two int, default=None
        ``(n_samples, n_features)``, needed if `X` has singular values, except by ``"energy"`` and
        ``"gap"``.

    center : bool, default=False
        Whether to subtract the column means first; with singular values, whether that was done.
        True corresponds to principal component analysis, False to the truncated SVD, whose first
        component usually represents the means.

    target : float, default=0.95
        Fraction of the energy that ``"energy"`` has to exceed, in (0, 1).

    noise : float, {"median", "residual"} or None, default=None
        Standard deviation of the noise for ``"gavish-donoho"``, or the method to estimate it.

    max_rank : int, default=None
        Maximum rank. If the whole spectrum would cost too much, also the number of leading
        singular values to compute; with None, 128 are computed first, and more until the rule is
        satisfied.

    cv : int, splitter or iterable, default=5
        Row folds of ``"cv"``, as in scikit-learn. An int means folds of consecutive rows: shuffle
        sorted data, or pass ``KFold(5, shuffle=True)``.

    n_permutations : int, default=20
        Number of random matrices of ``"parallel"``.

    quantile : float, default=0.95
        Quantile of the singular values of these matrices that ``"parallel"`` compares with.

    compare : {"cheap", "all"}, iterable of str or None, default="cheap"
        Other rules to compute for `suggestions`: those that use the same spectrum, all of them,
        those of the given names, or none.

    random_state : int, RandomState instance or None, default=None
        Controls the randomness of ``"parallel"`` and of the iterative solver. Pass an int for
        reproducible results.

    n_jobs : int, default=None
        Number of threads for products with a sparse matrix. None and -1 mean all available ones.
        Results do not depend on it.

    Returns
    -------
    RankSelection
        Object with `n_components` and the curve of the rule. Print it for a table of all rules.
        The number is **0** if the rule finds only noise (``"gavish-donoho"``, ``"parallel"``,
        ``"cv"``) or the matrix is zero.

    Raises
    ------
    ValueError
        If a parameter is out of range, `X` is empty or not finite, or the rule cannot be applied:
        `shape` is missing, ``"cv"`` has no matrix, or the rule needs the whole spectrum.

    See Also
    --------
    lrfact.rank_rules : The rules as functions of a spectrum.

    Notes
    -----
    Cost: the singular values, all of them (:math:`O(n m \min(n, m))`) up to about :math:`n m
    \min(n, m) = 2 \cdot 10^{10}`, else the leading ones only, in which case ``"gavish-donoho"``
    estimates the noise by the residual energy instead of the median singular value. On large
    sparse data without white noise, such as ratings or counts, that rule keeps very many
    components and is slow: use ``"cv"`` or ``"parallel"``, or set `max_rank`. In addition,
    ``"cv"`` needs one factorization per fold for all ranks together, and ``"parallel"`` one per
    random matrix.

    References
    ----------
    Bro, R., Kjeldahl, K., Smilde, A. K. and Kiers, H. A. L. (2008). Cross-validation of component
    models: a critical look at current methods. Analytical and Bioanalytical Chemistry 390.
    doi:10.1007/s00216-007-1790-1. (Why an entry must not be used in its own prediction.)

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact.model_selection import select_rank
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 60)) + rng.normal(size=(200, 60))
    >>> selection = select_rank(X)
    >>> selection.n_components
    5
    >>> selection.suggestions
    {'energy': 30, 'gap': 5, 'mle': 5}
    >>> select_rank(X, "cv", compare=None).n_components
    5
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} of select_rank must be one of {METHODS}.")
    others = _names_to_compare(compare, method)
    n_threads = effective_n_threads(n_jobs)
    data = _open(X, shape, center, max_rank, random_state, n_threads)
    rules: dict[str, RankRule] = {
        "energy": partial(energy_rank, target=target),
        "gap": gap_rank if max_rank is None else partial(gap_rank, max_rank=min(max_rank, 100)),
        "gavish-donoho": partial(gavish_donoho_rank, noise=noise),
        "mle": minka_rank,
        "parallel": partial(
            parallel_analysis_rank,
            X=data.X,
            quantile=quantile,
            n_permutations=n_permutations,
            random_state=random_state,
            n_threads=n_threads,
        ),
    }

    def answer(name: str) -> RankChoice:
        if name == "cv":
            return _cross_validate(data, center, cv, max_rank, random_state, n_threads)
        if not data.shape_is_known and name not in _SHAPELESS:
            raise RuleNotApplicableError(
                f"The rule {name!r} needs to know the size of the matrix; pass shape=(n_samples, "
                "n_features) along with the singular values."
            )
        if name == method or name not in _CHEAP:
            choice = settle_rank(data.leading, rules[name], start=data.start, max_rank=data.limit)
        else:
            choice = rules[name](data.leading(data.start)).at_most(data.limit)
        if not choice.is_settled and max_rank is None:
            raise RuleNotApplicableError(
                f"The rule {name!r} needs more than the leading {choice.ranks.size} singular "
                f"values: its answer is at least {choice.n_components}; pass more of them, or "
                f"max_rank={choice.n_components} to accept that."
            )
        return choice

    choices = {method: answer(method)}
    not_applicable = {}
    for name in others:
        try:
            choices[name] = answer(name)
        except RuleNotApplicableError as reason:
            not_applicable[name] = str(reason)
    return RankSelection(
        method=method,
        choices=MappingProxyType(choices),
        not_applicable=MappingProxyType(not_applicable),
    )


@dataclass(frozen=True, eq=False)
class _Data:
    """Input of `select_rank`, in one form."""

    X: Any  # validated matrix, or None
    leading: Callable[[int], Spectrum]
    start: int  # singular values to begin with
    limit: int  # largest rank to accept
    shape_is_known: bool = True
    is_cheap: bool = True


def _open(
    X: Any,
    shape: tuple[int, int] | None,
    center: bool,
    max_rank: int | None,
    random_state: Any,
    n_threads: int,
) -> _Data:
    """Validate the data, a matrix or singular values."""
    if isinstance(X, Spectrum):
        if shape is not None or (center and not X.centered):
            raise ValueError(
                "shape and center are those of the Spectrum and cannot be given again; set them "
                "where the Spectrum is made."
            )
        return _open_spectrum(X, max_rank)
    if not sp.issparse(X) and np.ndim(X) == 1:
        values = np.sort(check_array(X, ensure_2d=False, dtype=np.float64, input_name="X"))[::-1]
        known = shape is not None
        spectrum = Spectrum(values, shape or (values.size + center, values.size), centered=center)
        return replace(_open_spectrum(spectrum, max_rank), shape_is_known=known)
    if shape is not None:
        raise ValueError(
            f"shape={shape} goes with singular values, but X is a matrix of shape {np.shape(X)}; "
            "leave it out."
        )
    if np.ma.isMaskedArray(X):
        raise ValueError(
            "X is a masked array, and the rules of select_rank need every entry; fill it first."
        )
    X = validated_matrix(
        "select_rank",
        X,
        reset=False,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_min_samples=2 if center else 1,
    )
    A = as_operator(X, n_threads=n_threads)
    if center:
        A = A.centered(A.column_means())
    source = MatrixSpectrum(A, check_random_state(random_state))
    limit = _checked_max_rank(max_rank, source.max_rank)
    start = limit if source.is_cheap or max_rank is not None else min(_FIRST_VALUES, limit)
    return _Data(X, source.leading, start, limit, is_cheap=source.is_cheap)


def _open_spectrum(spectrum: Spectrum, max_rank: int | None) -> _Data:
    size = min(spectrum.singular_values.size, spectrum.max_rank)
    return _Data(None, lambda k: spectrum, size, _checked_max_rank(max_rank, size))


def _checked_max_rank(max_rank: int | None, largest: int) -> int:
    if max_rank is None:
        return largest
    if not isinstance(max_rank, Integral) or not 1 <= max_rank <= largest:
        raise ValueError(
            f"max_rank={max_rank!r} of select_rank must be an integer from 1 to {largest}, the "
            "number of singular values; lower it, or pass None for no limit."
        )
    return int(max_rank)


def _names_to_compare(compare: str | Iterable[str] | None, method: str) -> list[str]:
    if compare is None:
        return []
    if isinstance(compare, str):
        if compare not in ("cheap", "all"):
            raise ValueError(
                f"compare={compare!r} of select_rank must be 'cheap', 'all', None or several of "
                f"{METHODS}."
            )
        names: Iterable[str] = _CHEAP if compare == "cheap" else METHODS
    else:
        names = list(compare)
        unknown = [name for name in names if name not in METHODS]
        if unknown:
            raise ValueError(f"compare={unknown} of select_rank must be among {METHODS}.")
    return [name for name in names if name != method]


def _cross_validate(
    data: _Data, center: bool, cv: Any, max_rank: int | None, random_state: Any, n_threads: int
) -> RankChoice:
    if data.X is None:
        raise RuleNotApplicableError(
            "The rule 'cv' predicts entries of held-out rows, so it needs the matrix, not its "
            "singular values."
        )
    if data.X.shape[0] < 2:
        raise RuleNotApplicableError(
            "The rule 'cv' holds rows out, but the matrix has n_samples=1; pass more rows."
        )
    return entry_cross_validation_rank(
        data.X,
        cv=cv,
        center=center,
        max_rank=max_rank,
        is_cheap=data.is_cheap,
        rng=check_random_state(random_state),
        n_threads=n_threads,
    )
