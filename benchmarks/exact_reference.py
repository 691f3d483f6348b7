"""Exact leading singular values of a benchmark matrix, computed once and kept on disk.

Three ways, the first that fits:

1. ``lapack``: all singular values of the dense matrix in float64;
2. ``gram``: all eigenvalues of the smaller Gram matrix, when the digits lost by squaring,
   ``eps * n * (s_1 / s_k)^2``, stay below ``GRAM_LOSS``;
3. ``arpack``: two runs at ``tol=0`` from different starting vectors and subspace sizes. They must
   agree to ``ARPACK_AGREEMENT`` and their triplets must have residuals below the same figure.

A reference that fails its check is an error: nothing is compared with it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import scipy.linalg
from scipy.sparse import issparse
from scipy.sparse.linalg import svds

from centering import centred_operator, column_means, times, transposed_times

LARGEST_DENSE = 30_000_000
LARGEST_GRAM = 4_000
GRAM_LOSS = 1e-10
ARPACK_AGREEMENT = 1e-9


@dataclass(frozen=True)
class Reference:
    """Exact singular values, how they were found and the check they passed."""

    singular_values: np.ndarray
    method: str
    check: str


def fingerprint(X) -> str:
    """Hash of a matrix's values and structure: names its cache files, reveals mutation."""
    digest = hashlib.sha256(f"{X.shape} {X.dtype}".encode())
    parts = (X.indptr, X.indices, X.data) if issparse(X) else (np.ascontiguousarray(X),)
    for part in parts:
        digest.update(part.data)
    return digest.hexdigest()[:20]


def exact_singular_values(X, k: int, *, centered: bool, cache_dir: Path) -> Reference:
    """Leading ``k`` singular values of ``X``, or of ``X`` less its column means."""
    kind = "centered" if centered else "plain"
    path = cache_dir / "references" / f"{fingerprint(X)}-{kind}-{k}.json"
    if path.exists():
        stored = json.loads(path.read_text())
        return Reference(np.array(stored["singular_values"]), stored["method"], stored["check"])
    X = X.astype(np.float64, copy=False)
    mean = column_means(X) if centered else None
    reference = _lapack(X, k, mean) or _gram(X, k, mean) or _arpack(X, k, mean)
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = {**asdict(reference), "singular_values": reference.singular_values.tolist()}
    path.write_text(json.dumps(stored))
    return reference


def _lapack(X, k, mean) -> Reference | None:
    if X.shape[0] * X.shape[1] > LARGEST_DENSE:
        return None
    dense = X.toarray() if issparse(X) else X.copy()
    if mean is not None:
        dense -= mean
    s = scipy.linalg.svdvals(dense, overwrite_a=True)
    return Reference(s[:k], "lapack", "all singular values, backward stable")


def _gram(X, k, mean) -> Reference | None:
    n = min(X.shape)
    if n > LARGEST_GRAM:
        return None
    tall = X.shape[0] >= X.shape[1]
    gram = X.T @ X if tall else X @ X.T
    gram = gram.toarray() if issparse(gram) else np.asarray(gram)
    if mean is not None and tall:
        gram -= X.shape[0] * np.outer(mean, mean)
    elif mean is not None:
        cross = np.asarray(X @ mean)
        gram += mean @ mean - cross[:, None] - cross[None, :]
    s = np.sqrt(np.maximum(scipy.linalg.eigvalsh(gram)[::-1][:k], 0.0))
    # Centering a Gram matrix subtracts numbers as large as the means: count those digits too.
    scale = s[0] ** 2 if mean is None else s[0] ** 2 + X.shape[0] * (mean @ mean)
    loss = np.finfo(np.float64).eps * n * scale / s[-1] ** 2 if s[-1] > 0 else np.inf
    if loss > GRAM_LOSS:
        return None
    return Reference(s, "gram", f"all eigenvalues, digits lost at most {loss:.0e}")


def _arpack(X, k, mean) -> Reference:
    operator = centred_operator(X, mean)
    largest = min(X.shape) - 2
    runs = []
    for seed, extra in ((0, 10), (1, 30)):
        v0 = np.random.default_rng(seed).standard_normal(min(X.shape))
        wanted = min(k + extra, largest)
        runs.append(svds(operator, k=wanted, tol=0, v0=v0, ncv=min(3 * wanted, largest + 1)))
    first, second = (np.sort(s)[::-1][:k] for _, s, _ in runs)
    disagreement = np.max(np.abs(first - second) / second)
    U, s, Vt = runs[1]
    left = np.linalg.norm(times(X, Vt.T, mean) - U * s, axis=0).max() / s.max()
    right = np.linalg.norm(transposed_times(X, U, mean) - Vt.T * s, axis=0).max() / s.max()
    check = (
        f"two runs agree to {disagreement:.0e}, residuals {left:.0e} and {right:.0e} of the largest"
    )
    if not max(disagreement, left, right) <= ARPACK_AGREEMENT:
        raise ArithmeticError(f"the ARPACK reference failed its check: {check}")
    return Reference(second, "arpack", check)
