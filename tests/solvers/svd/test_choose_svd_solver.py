"""Which solver "auto" tries: the cheapest by flops, as far as that can be told beforehand."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.dense_operator import DenseOperator
from lrfact.linalg.sparse_operator import SparseOperator
from lrfact.solvers.svd.choose_svd_solver import choose_svd_solver
from reference.synthetic import random_sparse


def dense(shape):
    """An operator of a large shape that takes no memory."""
    return DenseOperator(np.broadcast_to(np.zeros(1), shape))


@pytest.mark.parametrize(
    ("shape", "k", "choice"),
    [
        ((100_000, 20), 5, "gram"),  # flat noise comes in this shape: never a guess
        ((20, 100_000), 5, "gram"),
        ((5000, 64), 10, "gram"),
        ((20_000, 20_000), 10, "randomized"),
        ((100_000, 5000), 20, "randomized"),
        ((5000, 100_000), 20, "randomized"),
    ],
)
def test_by_shape(shape, k, choice):
    assert choose_svd_solver(dense(shape), k, tol=1e-4) == choice


def test_all_directions_are_not_guessed():
    for n in (30, 3000):
        assert choose_svd_solver(dense((n, n)), n, tol=1e-4) in ("gram", "exact")


@pytest.mark.parametrize("shape", [(3000, 40), (40, 3000), (400, 400)])
def test_machine_precision_is_not_left_to_a_gram_matrix(shape):
    assert choose_svd_solver(dense(shape), 20, tol=0) != "gram"


def test_the_choice_is_always_one_that_exists(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    for _ in range(200):
        shape = tuple(int(n) for n in 10 ** rng.uniform(0, 5, size=2) + 1)
        k = int(rng.integers(1, min(shape) + 1))
        tol = rng.choice([0, 1e-10, 1e-4, 0.1])
        assert choose_svd_solver(dense(shape), k, tol=tol) in ("exact", "gram", "randomized")


def test_sparse_and_foreign_matrices():
    X = random_sparse(2000, 1500, 0.002, seed=0)
    assert isinstance(as_operator(X), SparseOperator)
    assert choose_svd_solver(as_operator(X), 5, tol=1e-4) == "randomized"
    foreign = as_operator(aslinearoperator(np.ones((50, 3))))
    assert choose_svd_solver(foreign, 2, tol=1e-4) in ("exact", "gram", "randomized")
