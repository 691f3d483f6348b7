from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from lrfact.solvers.gibbs.factor_draws import ColumnDraw, FactorDraws
from lrfact.solvers.gibbs.feature_link import FeatureLink
from lrfact.solvers.gibbs.normal_prior import NormalPrior
from lrfact.solvers.gibbs.pattern_features import PatternFeatures
from lrfact.solvers.gibbs.posterior_mean_factors import PosteriorMeanFactors
from reference.naive_bayes import naive_left_out, naive_posterior

N, M, K, INTERCEPT, SCALE = 15, 9, 2, 3.5, 1.7


@pytest.fixture
def entries():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((N, M)) < 0.5, INTERCEPT + SCALE * rng.standard_normal((N, M)), 0)
    X[4] = 0
    return sparse.csr_array(X)


@pytest.fixture
def model(entries):
    rng = np.random.default_rng(1)
    pattern = PatternFeatures.from_entries(entries, 2, n_threads=1)

    def draw():
        A = rng.standard_normal((K + 1, K + 1))
        return ColumnDraw(
            rng.standard_normal((M, K + 1)),
            NormalPrior(rng.standard_normal(K + 1), np.linalg.cholesky(A @ A.T + np.eye(K + 1))),
            FeatureLink(rng.standard_normal((2, K + 1)), 1.0),
            float(rng.uniform(0.4, 0.8)),
            rng.standard_normal(K + 1),
        )

    return FactorDraws(tuple(draw() for _ in range(6)), pattern, INTERCEPT, SCALE)


def naive_rows(model, entries, draw):
    """Means and covariances of all rows under a draw."""
    features = model.pattern(entries)
    precision = draw.prior.root @ draw.prior.root.T
    for i in range(N):
        seen = entries[[i]].indices
        y = (entries[[i]].data - INTERCEPT) / SCALE
        expected = draw.prior.mean + features[i] @ draw.link.weights
        yield y, draw.columns[seen], expected, precision, draw.noise


def naive_predictions(model, entries):
    told = []
    for draw in model.draws:
        rows = np.array([naive_posterior(*row)[0] for row in naive_rows(model, entries, draw)])
        V = draw.columns
        told.append(rows[:, :K] @ V[:, :K].T + rows[:, K:] + V[:, K])
    return INTERCEPT + SCALE * np.array(told)


def test_predictions_are_averages_over_draws(model, entries):
    told = naive_predictions(model, entries)
    assert_allclose(model.predict(entries, n_threads=1), told.mean(axis=0))
    rows, columns = np.array([0, 4, 4, 2, 14]), np.array([0, 8, 1, 2, 3])
    mean, spread = model.predict_entries(entries, rows, columns, n_threads=1)
    assert_allclose(mean, told.mean(axis=0)[rows, columns])
    assert spread is None


def test_spread_is_of_noise_and_of_draws(model, entries):
    """Over perturbations it becomes the sum of three variances.

    It is quadratic in the perturbation, so these few give its mean over all normal ones exactly.
    """
    told = naive_predictions(model, entries)
    variance = SCALE**2 * np.mean([draw.noise**2 for draw in model.draws]) + told.var(axis=0)
    of_rows = []
    for draw in model.draws:
        D = np.column_stack([draw.columns[:, :K], np.ones(M)])
        covariances = [naive_posterior(*row)[1] for row in naive_rows(model, entries, draw)]
        of_rows.append([np.einsum("jf,fg,jg->j", D, C, D) for C in covariances])
    variance += SCALE**2 * np.mean(of_rows, axis=0)
    mean = model.predict(entries, n_threads=1)
    perturbed = []
    for perturbation in np.sqrt(K + 1) * np.concatenate([np.eye(K + 1), -np.eye(K + 1)]):
        draws = tuple(replace(draw, perturbation=perturbation) for draw in model.draws)
        again = FactorDraws(draws, model.pattern, INTERCEPT, SCALE)
        perturbed.append(again.spread(entries, mean, n_threads=1))
    assert_allclose(np.mean(np.square(perturbed), axis=0), variance)
    rows, columns = np.array([0, 4, 2]), np.array([0, 8, 1])
    single = again.predict_entries(entries, rows, columns, n_threads=1, with_spread=True)[1]
    assert_allclose(single, perturbed[-1][rows, columns])


def test_what_is_left_out(model, entries):
    expected = [
        np.concatenate([naive_left_out(*row) for row in naive_rows(model, entries, draw)])
        for draw in model.draws
    ]
    found = model.leave_one_out(entries, n_threads=1)
    assert_allclose(found, SCALE * np.mean(expected, axis=0), rtol=1e-8)


def test_contributions_add_up_and_are_linear(model, entries):
    row = entries[[3]]
    for column in (0, 5):
        baseline, contributions = model.contributions(row, column)
        told = model.predict(row, n_threads=1)[0, column]
        assert baseline + contributions.sum() == pytest.approx(told)
        higher = row.copy()
        higher.data[0] += 2
        moved = model.contributions(higher, column)[1] - contributions
        assert_allclose(moved[1:], 0, atol=1e-12)
        told_higher = model.predict(higher, n_threads=1)[0, column]
        assert moved[0] == pytest.approx(told_higher - told)


def test_average_is_cut_to_its_singular_directions(model, entries):
    told = []
    for draw in model.draws:
        rows = np.array([naive_posterior(*row)[0] for row in naive_rows(model, entries, draw)])
        columns = draw.columns[:, :K] - draw.columns[:, :K].mean(axis=0)
        told.append(SCALE * (rows[:, :K] - draw.prior.mean[:K]) @ columns.T)
    U, s, Vt = np.linalg.svd(np.mean(told, axis=0))
    average = PosteriorMeanFactors.from_draws(model, entries, n_threads=1)
    W, bias = average.rows(model, entries, n_threads=1)
    assert_allclose(W @ average.components, (U[:, :K] * s[:K]) @ Vt[:K], atol=1e-10)
    assert_allclose(average.components @ average.components.T, np.eye(K), atol=1e-12)
    assert (average.components.max(axis=1) >= -average.components.min(axis=1)).all()
    whole = model.predict(entries, n_threads=1)
    left = whole - average.intercept - np.mean(told, axis=0)
    assert_allclose(bias[:, np.newaxis] + average.column_bias, left, atol=1e-10)
    # Row 4 is empty, but for what its pattern says of it; columns are about their mean.
    assert average.column_bias.mean() == pytest.approx(0)
    assert_allclose([W[4], [bias[4], 0]], 0, atol=1e-10)
