"""
Properties of the SVD, and the loss of accuracy in Gram matrices
================================================================

The properties that all other methods rely on, verified on small matrices:

- the singular values of ``A`` are the square roots of the eigenvalues of ``A'A``;
- the leading k triplets are the best approximation of rank k, and the error is the tail of the
  singular values: its norm (Frobenius), or its first member (spectral);
- principal components are the SVD of the centered rows.

The first property suggests computing the eigenvalues of ``A'A``, the covariance matrix. This
squares the condition number: a singular value ``s`` is lost in rounding errors once ``(s / s_1)^2``
falls to 1e-16, so half of the digits are lost. It is also the fastest method if one side of the
matrix is short, and harmless if few digits are needed. ``solver="auto"`` uses it only if it reaches
``tol``, and so does ``solver="gram"``: ``solver_`` is the solver that was used.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from lrfact import PCAFromSVD, TruncatedSVDReducer


def small_singular_values():
    """Singular values of a 2 x 2 matrix, by the SVD and by the eigenvalues of A'A."""
    A = np.array([[4.0, 0.0], [3.0, -5.0]])
    by_svd = TruncatedSVDReducer(n_components=2).fit(A).singular_values_
    by_eigenvalues = np.sqrt(np.linalg.eigvalsh(A.T @ A)[::-1])
    return by_svd, by_eigenvalues


def best_approximation(rank=10):
    """Error of the rank-10 approximation of digits, measured and read off the singular values."""
    X, _ = load_digits(return_X_y=True)
    reducer = TruncatedSVDReducer(n_components=rank).fit(X)
    difference = X - reducer.inverse_transform(reducer.transform(X))
    tail = np.linalg.svd(X, compute_uv=False)[rank:]
    return {
        "Frobenius": (np.linalg.norm(difference), np.linalg.norm(tail)),
        "spectral": (np.linalg.norm(difference, ord=2), tail[0]),
    }


def pca_is_svd_of_centred_rows():
    """Largest difference between a loading of PCA and one of the SVD of centered rows."""
    X, _ = load_digits(return_X_y=True)
    pca = PCAFromSVD(n_components=10).fit(X)
    _, _, Vt = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    # Up to the sign, which numpy leaves open.
    return np.abs(np.abs(pca.components_) - np.abs(Vt[:10])).max()


def steep_matrix(n_rows=200, n_columns=25, decades=12, seed=0):
    """A matrix with known singular values, from 1 down to 1e-12."""
    rng = np.random.default_rng(seed)
    s = np.logspace(0, -decades, n_columns)
    U, _ = np.linalg.qr(rng.normal(size=(n_rows, n_columns)))
    V, _ = np.linalg.qr(rng.normal(size=(n_columns, n_columns)))
    return (U * s) @ V.T, s


def digits_lost():
    """Relative error of every singular value, for three ways to compute them."""
    A, s = steep_matrix()
    reducer = TruncatedSVDReducer(n_components=len(s)).fit(A)
    by_eigenvalues = np.sqrt(np.maximum(np.linalg.eigvalsh(A.T @ A)[::-1], 0))
    return {
        "true": s,
        "eigenvalues of A'A": np.abs(by_eigenvalues / s - 1),
        "auto": np.abs(reducer.singular_values_ / s - 1),
        "auto, estimated": reducer.singular_value_error_,
        "auto, solver": reducer.solver_,
    }


def solvers_by_rank(ranks=(5, 10, 15, 20, 25)):
    """For each rank: the solver that "auto" took and the worst error of a singular value."""
    A, s = steep_matrix()
    rows = []
    for rank in ranks:
        reducer = TruncatedSVDReducer(n_components=rank).fit(A)
        error = np.abs(reducer.singular_values_ / s[:rank] - 1).max()
        rows.append((rank, reducer.solver_, error))
    return rows


def takeover():
    """What runs with ``solver="gram"`` where that would lose the digits, and the worst error."""
    A, s = steep_matrix()
    reducer = TruncatedSVDReducer(n_components=len(s), solver="gram").fit(A)
    return reducer.solver_, np.abs(reducer.singular_values_ / s - 1).max()


def main():
    by_svd, by_eigenvalues = small_singular_values()
    print("[[4, 0], [3, -5]]: singular values", by_svd.round(3))
    print("  square roots of the eigenvalues of A'A:", by_eigenvalues.round(3))

    print("Digits, rank 10:")
    for norm, (measured, predicted) in best_approximation().items():
        print(f"  {norm} norm of the error {measured:.4f}, tail of the spectrum {predicted:.4f}")
    difference = pca_is_svd_of_centred_rows()
    print(f"  PCA against the SVD of centered rows: loadings differ by {difference:.0e}")

    print("Singular values from 1 to 1e-12, asked for to a relative 1e-4:")
    for rank, solver, error in solvers_by_rank():
        print(f"  rank {rank:2d}: auto took {solver!r}, worst relative error {error:.0e}")
    solver, error = takeover()
    print(f"  rank 25: gram left it to {solver!r}, worst relative error {error:.0e}")

    errors = digits_lost()
    figure, ax = plt.subplots(layout="constrained")
    for label, style in (("eigenvalues of A'A", "o"), ("auto", "s")):
        ax.loglog(errors["true"], np.maximum(errors[label], 1e-17), style, ms=4, label=label)
    ax.loglog(errors["true"], errors["auto, estimated"], "-", lw=1, label="auto, as estimated")
    ax.axhline(1e-4, color="black", ls="--", lw=1, label="tol")
    ax.invert_xaxis()
    ax.set(
        xlabel="True singular value",
        ylabel="Relative error",
        title="Below 1e-8 of the largest, A'A knows nothing",
    )
    ax.legend()
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
