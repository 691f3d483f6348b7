"""Beta-divergences and the sums of their gradients, against the formulas and scikit-learn."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition._nmf import _beta_divergence

import lrfact.solvers.nmf.beta_divergence as module
from lrfact.solvers.nmf.beta_divergence import divergence_sums, loss_of, shown_sums
from reference.naive_nonnegative import naive_divergence, naive_objective
from reference.synthetic_parts import STORAGES, problem_of, random_init, synthetic_parts

BETAS = [2, 1, 0, 0.5, 1.5, 3, -1]
# float32: the approximation is a sum of products of 24 bits, raised to a power up to 4.
RTOL = {np.float32: 3e-5, np.float64: 1e-10}


def case(dtype=np.float64, holes=0.0, zeros=0.3, shape=(13, 9)):
    X = synthetic_parts(shape, 3, holes=holes, zeros=zeros).astype(dtype)
    rows, columns = random_init(X, 3)
    columns += dtype(0.1)
    return X, rows, columns


def beta_allows_zeros(beta):
    return beta > 0


def naive_sums(X, rows, columns, beta):
    S = rows.astype(np.float64) @ columns.astype(np.float64).T
    shown = ~np.isnan(X)
    with np.errstate(invalid="ignore"):
        up = np.where(shown, np.nan_to_num(X) * S ** (beta - 2), 0) @ columns
        down = np.where(shown, S ** (beta - 1), 0) @ columns
        loss = np.where(shown, naive_divergence(np.where(shown, X, 1), S, beta), 0).sum(axis=1)
    return up, down, loss


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_and_loss_are_those_of_the_formulas(dtype, beta, holes, storage):
    X, rows, columns = case(dtype, holes, zeros=0.3 if beta_allows_zeros(beta) else 0)
    problem = problem_of(X, storage=storage, beta=beta)
    for side, left, right, matrix in (
        (problem.rows, rows, columns, X),
        (problem.columns, columns, rows, X.T),
    ):
        sums = divergence_sums(side, left, right)
        up, down, loss = naive_sums(matrix, left, right, beta)
        rtol = RTOL[dtype]
        assert_allclose(sums.numerator, up, rtol=rtol, atol=rtol * up.max())
        assert_allclose(np.broadcast_to(sums.denominator, down.shape), down, rtol=rtol)
        assert sums.numerator.dtype == sums.denominator.dtype == dtype
        assert sums.loss.dtype == np.float64
        total = naive_objective(matrix, left, right, beta)
        assert_allclose(sums.loss.sum(), total, rtol=rtol)
        assert_allclose(loss_of(side, left, right), total, rtol=rtol)
        # Rows of a sparse matrix share what the zeros of all rows cost.
        if storage != "csr" or beta not in (1, 2):
            assert_allclose(sums.loss, loss, rtol=10 * rtol, atol=rtol * loss.max())
        without = divergence_sums(side, left, right, wants_loss=False)
        assert_array_equal(without.numerator, sums.numerator)
        assert_array_equal(without.denominator, sums.denominator)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", BETAS)
def test_loss_is_that_of_scikit_learn(beta, storage):
    X, rows, columns = case(zeros=0.3 if beta_allows_zeros(beta) else 0)
    side = problem_of(X, storage=storage, beta=beta).rows
    expected = _beta_divergence(X, rows, columns.T, beta)
    assert_allclose(loss_of(side, rows, columns), expected, rtol=1e-10)
    # On sparse input scikit-learn takes another way.
    if storage == "csr" and beta not in (0, -1):
        of_sparse = _beta_divergence(side.matrix, rows, columns.T, beta)
        assert_allclose(loss_of(side, rows, columns), of_sparse, rtol=1e-10)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", BETAS)
def test_blocks_and_chunks_change_nothing(beta, storage, monkeypatch):
    X, rows, columns = case(holes=0.3, zeros=0.3 if beta_allows_zeros(beta) else 0)
    problem = problem_of(X, storage=storage, beta=beta)
    whole = divergence_sums(problem.columns, columns, rows)
    loss = loss_of(problem.columns, columns, rows)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 200)
    monkeypatch.setattr(module, "_FEWEST_ROWS", 2)
    monkeypatch.setattr(module, "_CHUNK", 7)
    parts = divergence_sums(problem.columns, columns, rows)
    for name in ("numerator", "denominator", "loss"):
        its, expected = getattr(parts, name), getattr(whole, name)
        assert_allclose(its, expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max())
    assert_allclose(loss_of(problem.columns, columns, rows), loss, rtol=1e-12)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", BETAS)
def test_zero_approximations_count_as_a_share_of_their_entry(beta, storage):
    """Rows of zeros, as of empty documents that are not empty."""
    X, rows, columns = case(zeros=0.3 if beta_allows_zeros(beta) else 0)
    rows[2] = 0
    side = problem_of(X, storage=storage, beta=beta).rows
    assert 0 < side.floor < 1e-6
    sums = divergence_sums(side, rows, columns)
    for out in (sums.numerator, sums.denominator, sums.loss):
        assert np.isfinite(out).all()
    # A share of each entry: of none where that is 0.
    floor = np.maximum(side.floor * X, np.finfo(float).tiny) if beta != 2 else 0.0
    expected = naive_objective(X, rows, columns, beta, floor=floor)
    assert_allclose(loss_of(side, rows, columns), expected, rtol=1e-6)
    assert_allclose(sums.loss.sum(), expected, rtol=1e-6)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", BETAS)
def test_the_loss_of_an_exact_product_is_zero(beta, storage):
    _, rows, columns = case()
    X = rows @ columns.T
    side = problem_of(X, storage=storage, beta=beta).rows
    loss = loss_of(side, rows, columns)
    # What is summed is of the size of X, or of 1.
    assert 0 <= loss <= 1e-13 * max(X.sum(), X.size)


@pytest.mark.parametrize("storage", STORAGES)
def test_shown_sums(storage):
    X, _, columns = case(holes=0.4)
    X[3] = np.nan
    side = problem_of(X, storage=storage).rows
    sums = shown_sums(side, columns)
    assert_allclose(sums, (~np.isnan(X)).astype(float) @ columns, atol=1e-14)
    assert (sums >= 0).all()
    assert_allclose(sums[3], 0, atol=1e-14)
    full = problem_of(np.ones(X.shape), storage=storage).rows
    assert_allclose(shown_sums(full, columns), columns.sum(axis=0))


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", BETAS)
def test_bits_do_not_depend_on_threads(beta, storage, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_BYTES", 20_000)  # several blocks for each thread
    X = synthetic_parts((300, 120), 5, holes=0.1, zeros=0.2 if beta_allows_zeros(beta) else 0)
    rows, columns = random_init(X, 5)
    results = set()
    for n_threads in (1, 2, 5):
        problem = problem_of(X, storage=storage, beta=beta, n_threads=n_threads)
        outs = []
        for side, left, right in (
            (problem.rows, rows, columns),
            (problem.columns, columns, rows),
        ):
            sums = divergence_sums(side, left, right)
            outs += [sums.numerator, sums.denominator, sums.loss]
            outs.append(np.array(loss_of(side, left, right)))
        results.add(b"".join(out.tobytes() for out in outs))
    assert len(results) == 1
