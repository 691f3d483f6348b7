"""Newton's method on the coordinates of rows that are not 0."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import nnls

from lrfact.solvers.nmf.projected_newton import projected_newton_step


def case(seed, n_rows=30, width=6, zeros=0.3):
    """A Gram matrix for each row, and rows of which some coordinates are 0."""
    rng = np.random.default_rng(seed)
    designs = rng.standard_normal((n_rows, width + 4, width))
    grams = np.swapaxes(designs, 1, 2) @ designs
    targets = np.squeeze(np.swapaxes(designs, 1, 2) @ rng.random((n_rows, width + 4, 1)), 2)
    rows = rng.random((n_rows, width)) * (rng.random((n_rows, width)) > zeros)
    return grams, targets, rows


def objective(gram, target, row):
    return 0.5 * row @ gram @ row - target @ row


def test_one_step_solves_rows_of_the_right_support():
    rng = np.random.default_rng(0)
    design = rng.standard_normal((12, 5))
    values = rng.standard_normal((20, 12))
    minima = np.array([nnls(design, row)[0] for row in values])
    start = np.where(minima > 0, rng.uniform(0.5, 2, minima.shape), 0)
    moved = projected_newton_step(design.T @ design, values @ design, start)
    assert_allclose(moved, minima, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_no_row_gets_worse_and_zeros_stay(seed):
    grams, targets, rows = case(seed)
    kept = rows.copy()
    moved = projected_newton_step(grams, targets, rows)
    assert_array_equal(rows, kept)
    assert (moved >= 0).all()
    assert_array_equal(moved[rows == 0], 0)
    before, after = (
        [objective(*of_row) for of_row in zip(grams, targets, x, strict=True)]
        for x in (rows, moved)
    )
    assert (np.array(after) <= before).all()
    assert np.mean(np.array(after) < before) > 0.9


def test_where_the_cut_is_worse_it_stops_at_the_first_zero():
    # The minimum is (-1, 3); (0, 3) is worse than where the row is.
    gram, target = np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([1.7, 2.1])
    row = np.array([[0.1, 2.02]])
    minimum = np.linalg.solve(gram, target)
    assert_allclose(minimum, [-1, 3])
    assert objective(gram, target, np.array([0, 3])) > objective(gram, target, row[0])
    reached = row[0] + 0.1 / 1.1 * (minimum - row[0])
    assert_allclose(projected_newton_step(gram, target[np.newaxis], row)[0], reached, atol=1e-15)


def test_a_row_does_not_depend_on_the_others():
    grams, targets, rows = case(7)
    whole = projected_newton_step(grams, targets, rows)
    for i in range(len(rows)):
        alone = projected_newton_step(grams[i : i + 1], targets[i : i + 1], rows[i : i + 1])
        assert_array_equal(alone[0], whole[i])
    shared = projected_newton_step(grams[0], targets, rows)
    repeated = projected_newton_step(np.repeat(grams[:1], len(rows), axis=0), targets, rows)
    assert_array_equal(shared, repeated)


def test_copies_of_a_component_do_no_harm():
    gram, targets = np.full((3, 3), 2.0), np.full((1, 3), 4.0)
    moved = projected_newton_step(gram, targets, np.array([[1.0, 3.0, 0.0]]))
    assert_allclose(moved.sum(), 2)
    assert moved[0, 2] == 0


def test_without_curvature_nothing_is_lost():
    rows = np.array([[1.0, 2.0], [0.0, 0.0]])
    moved = projected_newton_step(np.zeros((2, 2)), np.zeros((2, 2)), rows)
    assert_array_equal(moved, rows)


def test_equations_without_a_solution_make_no_row_worse(monkeypatch):
    def solve(*_):
        raise np.linalg.LinAlgError("singular")

    grams, targets, rows = case(3)
    monkeypatch.setattr(np.linalg, "solve", solve)
    moved = projected_newton_step(grams, targets, rows)
    values = [
        [objective(*of_row) for of_row in zip(grams, targets, x, strict=True)]
        for x in (rows, moved)
    ]
    assert (np.array(values[1]) <= values[0]).all()
    assert (moved >= 0).all()


def test_no_rows_and_no_components():
    assert projected_newton_step(np.eye(3), np.empty((0, 3)), np.empty((0, 3))).shape == (0, 3)
    assert projected_newton_step(np.eye(0), np.empty((2, 0)), np.empty((2, 0))).shape == (2, 0)
