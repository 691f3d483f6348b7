import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold
from sklearn.preprocessing import scale

from lrfact.model_selection import RankSelection, _matrix_spectrum, select_rank
from lrfact.rank_rules import Spectrum
from reference.synthetic import five_sensors, random_sparse, synthetic_low_rank

METHODS = ["energy", "gap", "gavish-donoho", "parallel", "mle", "cv"]
KNOWING_METHODS = sorted(set(METHODS) - {"energy"})  # those with an idea of noise

CONTAINERS = [np.asarray, np.ndarray.tolist, sparse.csr_array, sparse.csc_matrix, sparse.coo_array]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("method", KNOWING_METHODS)
@pytest.mark.parametrize("center", [False, True])
def test_synthetic_rank(container, method, center):
    X = synthetic_low_rank(90, 30, 4, seed=0)
    selection = select_rank(container(X), method, center=center, random_state=0)
    assert isinstance(selection, RankSelection)
    assert selection.n_components == 4
    assert selection.method == method
    assert selection.is_settled
    assert selection.ranks.shape == selection.curve.shape


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(120, 40), (40, 120), (50, 50)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_precisions(method, shape, dtype):
    X = synthetic_low_rank(*shape, 3, seed=1).astype(dtype)
    expected = {"energy": select_rank(X.astype(float), "energy").n_components}.get(method, 3)
    for matrix in (X, sparse.csr_array(X)):
        assert select_rank(matrix, method, random_state=0).n_components == expected


@pytest.mark.parametrize("method", METHODS)
def test_all_rules_compared(method):
    X = synthetic_low_rank(90, 30, 4, seed=0)
    selection = select_rank(X, method, compare="all", random_state=0)
    assert set(selection.suggestions) == set(METHODS) - {method}
    assert not selection.not_applicable
    everything = {method: selection.n_components, **selection.suggestions}
    assert {everything[name] for name in KNOWING_METHODS} == {4}
    # The answer of a rule does not depend on which one was the main one.
    assert everything["energy"] == select_rank(X, "energy").n_components


def test_which_rules_are_compared():
    X = synthetic_low_rank(60, 20, 2, seed=0)
    assert set(select_rank(X).suggestions) == {"energy", "gap", "mle"}
    assert select_rank(X, compare=None).suggestions == {}
    assert set(select_rank(X, compare=["cv", "gap"]).suggestions) == {"cv", "gap"}


@pytest.mark.parametrize("target", [0.5, 0.9, 0.99])
def test_same_as_scikit_learn(target):
    X = load_digits().data
    expected = PCA(n_components=target, svd_solver="full").fit(X).n_components_
    assert select_rank(X, "energy", center=True, target=target).n_components == expected
    assert select_rank(X, "mle", center=True).n_components == 61


def test_real_data():
    digits, wine = load_digits().data, scale(load_wine().data)
    assert 15 <= select_rank(digits, "cv").n_components <= 22
    assert select_rank(wine, "cv", cv=KFold(5, shuffle=True, random_state=0)).n_components == 3
    assert select_rank(wine, "parallel", center=True, random_state=0).n_components == 3
    assert select_rank(wine).n_components == 3


def test_five_sensors_keep_one_wave():
    _, noisy = five_sensors()
    for noise in (None, 0.3):
        assert select_rank(noisy, noise=noise).n_components == 1
    selection = select_rank(noisy.T, "cv", compare="all", random_state=0)
    assert selection.n_components == 1
    assert selection.suggestions == {
        "energy": 4, "gap": 1, "gavish-donoho": 1, "parallel": 1, "mle": 1,
    }  # fmt: skip


@pytest.mark.parametrize("center", [False, True])
def test_nothing_but_noise(center):
    X = np.random.default_rng(0).normal(size=(100, 30))
    selection = select_rank(X, compare=["parallel", "cv"], center=center, random_state=0)
    assert selection.n_components == 0
    assert selection.suggestions == {"parallel": 0, "cv": 0}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_zero_matrix(method, container):
    for center in (False, True):
        selection = select_rank(container(np.zeros((10, 4))), method, center=center)
        assert selection.n_components == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(10, 1), (2, 5), (5, 2)])
def test_tiny_matrices(method, shape):
    X = np.random.default_rng(0).normal(size=shape)
    for center in (False, True):
        cv = 2 if not center or shape[0] > 2 else [([0, 1], [0])]
        selection = select_rank(X, method, center=center, cv=cv, random_state=0)
        assert 0 <= selection.n_components <= min(shape)


def test_singular_values_alone():
    X = synthetic_low_rank(90, 30, 4, seed=0)
    s = np.linalg.svd(X, compute_uv=False)
    shuffled = np.random.default_rng(0).permutation(s)
    expected = select_rank(X).suggestions
    for values in (s, shuffled, s.tolist()):
        selection = select_rank(values, shape=X.shape)
        assert selection.n_components == 4
        assert selection.suggestions == expected
    for method in ("gap", "mle", "parallel"):
        choice = select_rank(s, method, shape=X.shape, random_state=0)
        assert choice.n_components == 4

    selection = select_rank(s, "gap")  # without shape
    assert selection.n_components == 4
    assert set(selection.suggestions) == {"energy"}
    assert "pass shape=" in selection.not_applicable["gavish-donoho"]
    with pytest.raises(ValueError, match=r"'mle' needs to know the size .* pass shape="):
        select_rank(s, "mle")
    with pytest.raises(ValueError, match=r"'cv' .* needs the matrix"):
        select_rank(s, "cv", shape=X.shape)


def test_leading_singular_values():
    X = synthetic_low_rank(90, 30, 4, seed=0)
    s = np.linalg.svd(X, compute_uv=False)
    spectrum = Spectrum(s[:8], X.shape, total_energy=np.sum(X**2))
    selection = select_rank(spectrum)
    assert selection.n_components == 4
    assert selection.suggestions == {"mle": 4}
    assert "'energy' needs more than the leading 8" in selection.not_applicable["energy"]
    with pytest.raises(ValueError, match="at least 8; pass more of them, or max_rank=8"):
        select_rank(spectrum, "energy")
    accepted = select_rank(spectrum, "energy", max_rank=8)
    assert accepted.n_components == 8
    assert not accepted.is_settled
    with pytest.raises(ValueError, match="needs the total energy, but only 8 of 30"):
        select_rank(s[:8], "energy", shape=X.shape)
    assert select_rank(s[:8], noise=1.0, shape=X.shape).n_components == 4


def test_largest_rank():
    X = synthetic_low_rank(90, 30, 6, seed=0)
    for method in METHODS:
        selection = select_rank(X, method, max_rank=3, random_state=0)
        assert selection.n_components <= 3
        assert selection.is_settled == (method in {"gap"})
    assert str(select_rank(X, max_rank=3)).startswith("gavish-donoho    >=3  s > ")
    assert_array_equal(select_rank(X, "cv", max_rank=3).ranks, [0, 1, 2, 3])


def test_curve_of_cross_validation():
    X = synthetic_low_rank(60, 12, 3, seed=0)
    selection = select_rank(X, "cv", center=True)
    assert_array_equal(selection.ranks, np.arange(13))
    assert selection.threshold is None
    assert selection.curve[selection.n_components] == selection.curve.min()
    # Predicting the mean of the training rows has a plain error of its own.
    errors = [
        np.sqrt(np.mean((X[test] - X[train].mean(axis=0)) ** 2))
        for train, test in KFold(5).split(X)
    ]
    assert selection.curve[0] == pytest.approx(np.mean(errors))


def test_cross_validation_stops_at_the_rank_of_the_training_rows():
    X = synthetic_low_rank(60, 12, 3, seed=0, noise=0.0)
    selection = select_rank(X, "cv")
    assert selection.n_components == 3
    assert selection.ranks[-1] == 3


class TestExpensiveSpectra:
    """The path of large matrices, on small ones."""

    @pytest.fixture(autouse=True)
    def _nothing_is_cheap(self, monkeypatch):
        from lrfact.model_selection import _entry_cross_validation, _select_rank

        monkeypatch.setattr(_matrix_spectrum, "_AFFORDABLE", 0)
        monkeypatch.setattr(_select_rank, "_FIRST_VALUES", 5)
        monkeypatch.setattr(_entry_cross_validation, "_FIRST_RANKS", 5)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("rank", [3, 9])
    @pytest.mark.parametrize("center", [False, True])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_grows_until_settled(self, method, rank, center, container):
        X = synthetic_low_rank(400, 250, rank, seed=0)
        selection = select_rank(
            container(X), method, center=center, target=0.6, random_state=0, n_permutations=5
        )
        if method == "energy":
            assert selection.curve[selection.n_components - 1] > 0.6
        else:
            assert selection.n_components == rank

    def test_says_what_can_not_be_applied(self):
        X = synthetic_low_rank(400, 250, 3, seed=0)
        selection = select_rank(X, random_state=0)
        assert "from the residual" in selection.criterion
        assert selection.suggestions == {"mle": 3}
        assert "more than the leading 5" in selection.not_applicable["energy"]
        assert "energy             -  The rule" in str(selection)
        with pytest.raises(ValueError, match=r"'median' .* needs the whole spectrum"):
            select_rank(X, noise="median")

    def test_same_singular_values(self):
        X = synthetic_low_rank(400, 250, 3, seed=0) + 1
        for matrix in (X, sparse.csr_array(X)):
            curve = select_rank(matrix, "gavish-donoho", center=True, random_state=0).curve
            expected = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
            assert_allclose(curve, expected[: curve.size], rtol=2e-4)


def test_sparse_input_is_never_densified(monkeypatch):
    X = random_sparse(20_000, 60, 0.01, seed=0)
    largest = []

    def counting(self, *args, **kwargs):
        largest.append(self.shape[0] * self.shape[1])
        return original(self, *args, **kwargs)

    original = sparse.csr_array.toarray
    monkeypatch.setattr(sparse.csr_array, "toarray", counting)
    for method in METHODS:
        select_rank(X, method, center=True, compare=None, random_state=0, n_permutations=3)
    assert max(largest, default=0) <= 2**19  # blocks of rows; the whole has 1.2 million entries


def test_does_not_touch_the_input():
    X = synthetic_low_rank(50, 12, 3, seed=0)
    for matrix in (X, sparse.csr_array(X)):
        before = matrix.copy()
        data = matrix.data if sparse.issparse(matrix) else matrix
        if not sparse.issparse(matrix):
            data.setflags(write=False)
        select_rank(matrix, compare="all", center=True, random_state=0)
        assert abs(matrix - before).max() == 0


def test_seeded():
    X = synthetic_low_rank(50, 12, 3, seed=0)
    first, second = (select_rank(X, "parallel", random_state=7) for _ in range(2))
    assert_array_equal(first.threshold, second.threshold)


def test_printed():
    selection = select_rank(synthetic_low_rank(90, 30, 4, seed=0))
    lines = str(selection).splitlines()
    assert lines[0].startswith("gavish-donoho      4  s > ")
    assert [line.split()[0] for line in lines] == ["gavish-donoho", "energy", "gap", "mle"]
    assert repr(selection) == (
        "RankSelection(n_components=4, method='gavish-donoho', "
        "suggestions={'energy': 15, 'gap': 4, 'mle': 4})"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "elbow"}, "method='elbow' of select_rank must be one of"),
        ({"compare": "some"}, "compare='some' of select_rank must be"),
        ({"compare": ["elbow"]}, r"compare=\['elbow'\] of select_rank must be among"),
        ({"target": 2.0}, "target=2.0 of the rule 'energy'"),
        ({"noise": -1.0}, "noise=-1.0 of the rule 'gavish-donoho'"),
        ({"method": "parallel", "quantile": 2}, "quantile=2 of the rule 'parallel'"),
        ({"max_rank": 13}, "max_rank=13 of select_rank must be an integer from 1 to 12"),
        ({"max_rank": 0}, "max_rank=0 of select_rank must be an integer from 1 to 12"),
        ({"max_rank": 2.5}, "max_rank=2.5 of select_rank must be an integer"),
        ({"shape": (20, 12)}, "goes with singular values, but X is a matrix"),
        ({"method": "cv", "cv": 30}, "n_splits=30"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        select_rank(synthetic_low_rank(20, 12, 2, seed=0), **options)


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        (np.full((4, 3), np.nan), {}, "Input X contains NaN"),
        (np.full((4, 3), np.inf), {}, "infinity"),
        (np.empty((0, 3)), {}, "0 sample"),
        (np.ones((1, 3)), {"center": True}, "minimum of 2 is required"),
        (np.ones((1, 3)), {"method": "cv"}, "n_samples=1; pass more rows"),
        (np.ma.masked_array(np.ones((3, 3)), mask=np.eye(3)), {}, "masked array"),
        ([1.0, -1.0], {"shape": (4, 2)}, "non-negative"),
        ([], {}, "0 sample"),
        ([3.0, 2.0, 1.0], {"shape": (2, 9)}, "more than a matrix of shape"),
        (Spectrum([2.0, 1.0], (4, 2)), {"shape": (4, 2)}, "those of the Spectrum"),
        (Spectrum([2.0, 1.0], (4, 2)), {"center": True}, "those of the Spectrum"),
    ],
)
def test_bad_data(X, options, message):
    with pytest.raises(ValueError, match=message):
        select_rank(X, **options)
