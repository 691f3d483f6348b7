"""Agreement of components, whatever their order and length."""

from itertools import permutations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.solvers.nmf.topic_agreement import matched_similarity, stability


def components(seed=0, shape=(4, 9)):
    rng = np.random.default_rng(seed)
    return rng.random(shape) * (rng.random(shape) > 0.5)


def test_order_and_length_do_not_count():
    H = components()
    others = 7 * H[[2, 0, 3, 1]]
    assert_allclose(matched_similarity(H, others), 1)
    assert_allclose(stability(H, [others, H]), 1)


def test_pairs_have_the_largest_sum_of_cosines():
    H, others = components(0), components(1)
    cosines = np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in others] for a in H])
    best = max(permutations(range(4)), key=lambda order: cosines[range(4), order].sum())
    assert_allclose(matched_similarity(H, others), cosines[range(4), best])


def test_mean_over_the_other_sets():
    H, others = components(0), [components(seed) for seed in (1, 2, 3)]
    expected = np.mean([matched_similarity(H, other) for other in others], axis=0)
    assert_allclose(stability(H, others), expected)


def test_zeros_agree_with_nothing():
    H = components()
    H[1] = 0
    similarity = matched_similarity(H, H)
    assert_allclose(similarity[[0, 2, 3]], 1)
    assert similarity[1] == 0
    assert_array_equal(matched_similarity(np.zeros((2, 3)), np.zeros((2, 3))), 0)


def test_components_without_common_terms_do_not_agree():
    assert_array_equal(matched_similarity(np.eye(4)[:2], np.eye(4)[2:]), 0)


def test_never_more_than_one():
    """Whatever rounding does, and in either precision."""
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for scale in (1e-15, 1.0, 1e15):
            H = (scale * rng.random((20, 33))).astype(dtype)
            similarity = matched_similarity(H, H)
            assert similarity.dtype == np.float64
            assert (similarity <= 1).all()
            assert_allclose(similarity, 1)
