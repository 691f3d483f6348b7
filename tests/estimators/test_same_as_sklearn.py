"""What the scikit-learn classes report, ours report too: attributes, methods, names."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.preprocessing import scale

from lrfact import PCAFromSVD, TruncatedSVDReducer
from lrfact.solvers.svd.truncated_svd import SVD_SOLVERS

DATA = {
    "digits": load_digits().data,
    "iris": load_iris().data,
    "wine, scaled": scale(load_wine().data),
    "wide digits": load_digits().data[:40],
}

PCA_ATTRIBUTES = [
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "mean_",
    "n_components_",
    "n_samples_",
    "noise_variance_",
    "n_features_in_",
]
SVD_ATTRIBUTES = [
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "n_features_in_",
]


def assert_same_attributes(ours, theirs, names, *, rtol=1e-7):
    signs = np.sign(np.sum(ours.components_ * theirs.components_, axis=1))
    for name in names:
        mine, its = getattr(ours, name), getattr(theirs, name)
        assert np.shape(mine) == np.shape(its), name
        if name == "components_":
            its = its * signs[:, np.newaxis]
        assert_allclose(mine, its, rtol=rtol, atol=rtol * np.abs(its).max(), err_msg=name)
    return signs


class TestPCA:
    @pytest.mark.parametrize("whiten", [False, True], ids=["", "whitened"])
    @pytest.mark.parametrize("n_components", [1, 3, 0.5, 0.93])
    @pytest.mark.parametrize("data", DATA)
    def test_attributes_and_methods(self, data, n_components, whiten):
        """But for the covariance after whitening, which scikit-learn scales a second time."""
        X = DATA[data]
        ours = PCAFromSVD(n_components, whiten=whiten, tol=1e-10).fit(X)
        theirs = PCA(n_components, whiten=whiten, svd_solver="full").fit(X)
        signs = assert_same_attributes(ours, theirs, PCA_ATTRIBUTES)
        W = ours.transform(X)
        assert_allclose(W, theirs.transform(X) * signs, atol=1e-7 * np.abs(W).max())
        assert_allclose(ours.fit_transform(X), W, atol=1e-10 * np.abs(W).max())
        assert_allclose(
            ours.inverse_transform(W), theirs.inverse_transform(W * signs), rtol=1e-6, atol=1e-6
        )
        theirs = PCA(n_components, svd_solver="full").fit(X)
        assert_allclose(ours.get_covariance(), theirs.get_covariance(), atol=1e-7 * X.var())
        precision = theirs.get_precision()
        assert_allclose(ours.get_precision(), precision, atol=1e-7 * np.abs(precision).max())
        assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-6)
        assert_allclose(ours.score(X), theirs.score(X), rtol=1e-7)
        assert isinstance(ours.score(X), float)
        assert_allclose(ours.score(X[:7] + 1), theirs.score(X[:7] + 1), rtol=1e-7)

    @pytest.mark.parametrize("data", ["iris", "wine, scaled"])
    @pytest.mark.parametrize("n_components", [None, "all"])
    def test_all_components(self, data, n_components):
        X = DATA[data]
        if n_components == "all":
            n_components = X.shape[1]
        ours = PCAFromSVD(n_components, tol=1e-10).fit(X)
        theirs = PCA(n_components, svd_solver="full").fit(X)
        assert_same_attributes(ours, theirs, PCA_ATTRIBUTES)
        assert ours.noise_variance_ == 0
        assert_allclose(ours.get_covariance(), np.cov(X.T), atol=1e-10)
        assert_allclose(ours.get_precision(), np.linalg.inv(np.cov(X.T)), rtol=1e-6, atol=1e-8)
        assert_allclose(ours.score(X), theirs.score(X), rtol=1e-8)
        assert_allclose(ours.inverse_transform(ours.transform(X)), X, atol=1e-10)

    @pytest.mark.parametrize("data", ["digits", "iris", "wine, scaled"])
    def test_mle(self, data):
        X = DATA[data]
        ours = PCAFromSVD("mle").fit(X)
        theirs = PCA("mle", svd_solver="full").fit(X)
        if data == "digits":  # constant columns: what is left out is nothing but rounding
            theirs.noise_variance_ = 0.0
        assert_same_attributes(ours, theirs, PCA_ATTRIBUTES, rtol=1e-4)

    def test_float_and_none_count_as_there(self):
        """One component more than the share falls short of; all that the shape allows."""
        for share in (0.1, 0.5, 0.9, 0.99, 0.9999):
            ours, theirs = (
                Estimator(share).fit(DATA["digits"]).n_components_
                for Estimator in (PCAFromSVD, PCA)
            )
            assert ours == theirs
        assert PCAFromSVD().fit(DATA["wide digits"]).n_components_ == 40

    @pytest.mark.parametrize(
        "svd_solver", ["auto", "full", "covariance_eigh", "arpack", "randomized"]
    )
    def test_names_of_solvers(self, svd_solver):
        X = DATA["digits"]
        theirs = PCA(5, svd_solver=svd_solver, iterated_power=10, random_state=0).fit(X)
        ours = PCAFromSVD(5, svd_solver=svd_solver, tol=1e-8, random_state=0).fit(X)
        assert_same_attributes(ours, theirs, PCA_ATTRIBUTES, rtol=1e-4)
        names = {"full": "exact", "covariance_eigh": "gram", "arpack": "lanczos"}
        if svd_solver != "auto":
            assert ours.solver_ == names.get(svd_solver, svd_solver)

    @pytest.mark.parametrize("normalizer", ["auto", "QR", "LU", "none"])
    @pytest.mark.parametrize("iterated_power", [0, 1, 3])
    def test_parameters_of_the_sketch(self, iterated_power, normalizer):
        """The same sketch as scikit-learn's: as good or as bad."""
        X = DATA["digits"]
        options = {
            "iterated_power": iterated_power,
            "power_iteration_normalizer": normalizer,
            "n_oversamples": 5,
            "svd_solver": "randomized",
        }
        exact = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[:10]
        errors = []
        for Estimator in (PCAFromSVD, PCA):
            fitted = [Estimator(10, random_state=seed, **options).fit(X) for seed in range(3)]
            errors.append(max(np.abs(pca.singular_values_ / exact - 1).max() for pca in fitted))
            assert errors[-1] < 0.5
        assert errors[0] < 3 * errors[1]
        assert fitted[0].n_samples_ == len(X)

    def test_sparse_input(self):
        X = np.where(DATA["digits"] > 9, DATA["digits"], 0)
        ours = PCAFromSVD(4, tol=1e-10).fit(sparse.csr_array(X))
        theirs = PCA(4, svd_solver="full").fit(X)
        signs = assert_same_attributes(ours, theirs, PCA_ATTRIBUTES)
        W = ours.transform(sparse.csr_array(X))
        assert_allclose(W, theirs.transform(X) * signs, atol=1e-6)
        assert_allclose(ours.score_samples(sparse.csr_array(X)), theirs.score_samples(X), rtol=1e-7)

    def test_incremental(self):
        X = DATA["iris"]
        ours, theirs = PCAFromSVD(2), IncrementalPCA(2)
        for batch in np.array_split(X, 5):
            ours.partial_fit(batch)
            theirs.partial_fit(batch)
        names = ["explained_variance_", "explained_variance_ratio_", "singular_values_", "mean_"]
        for name in names:
            assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-2, err_msg=name)


class TestTruncatedSVD:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csr_array])
    @pytest.mark.parametrize("n_components", [1, 3])
    @pytest.mark.parametrize("data", DATA)
    def test_attributes_and_methods(self, data, n_components, container):
        X = container(DATA[data])
        ours = TruncatedSVDReducer(n_components, tol=1e-10).fit(X)
        theirs = TruncatedSVD(n_components, algorithm="arpack", random_state=0)
        their_scores = theirs.fit_transform(X)
        signs = assert_same_attributes(ours, theirs, SVD_ATTRIBUTES)
        W = ours.transform(X)
        atol = 1e-7 * np.abs(W).max()
        assert_allclose(W, their_scores * signs, atol=atol)
        assert_allclose(ours.fit_transform(X), W, atol=atol)
        assert_allclose(ours.inverse_transform(W), theirs.inverse_transform(W * signs), atol=atol)

    @pytest.mark.parametrize("algorithm", ["randomized", "arpack"])
    def test_names_of_solvers(self, algorithm):
        X = DATA["digits"]
        ours = TruncatedSVDReducer(5, algorithm=algorithm, random_state=0).fit(X)
        theirs = TruncatedSVD(5, algorithm=algorithm, n_iter=10, random_state=0).fit(X)
        assert_same_attributes(ours, theirs, SVD_ATTRIBUTES, rtol=1e-3)
        assert ours.solver_ == {"arpack": "lanczos"}.get(algorithm, algorithm)

    def test_energy_share(self):
        """Beside the share of variance, which scikit-learn has, that of the squared norm."""
        X = DATA["digits"]
        ours = TruncatedSVDReducer(60, tol=1e-10).fit(X)
        s = np.linalg.svd(X, compute_uv=False)[:60]
        assert_allclose(ours.explained_energy_ratio_, s**2 / np.sum(X**2), rtol=1e-10)
        assert (np.diff(ours.explained_energy_ratio_) <= 0).all()
        assert_allclose(ours.explained_variance_, ours.transform(X).var(axis=0), rtol=1e-8)


@pytest.mark.parametrize("Estimator", [PCAFromSVD, TruncatedSVDReducer])
@pytest.mark.parametrize("solver", ["auto", *SVD_SOLVERS])
def test_every_solver_fits_the_same(Estimator, solver):
    X = DATA["wine, scaled"]
    reference = Estimator(3, solver="exact").fit(X)
    estimator = Estimator(3, solver=solver, tol=1e-10, random_state=0).fit(X)
    for name in ("components_", "singular_values_", "explained_variance_"):
        assert_allclose(getattr(estimator, name), getattr(reference, name), rtol=1e-6, atol=1e-7)
    assert (estimator.singular_value_error_ <= 1e-10).all()
    assert estimator.n_iter_ >= 1


@pytest.mark.parametrize(
    ("estimator", "alias"),
    [
        (PCAFromSVD(2, solver="exact", svd_solver="full"), "svd_solver='full'"),
        (TruncatedSVDReducer(2, solver="gram", algorithm="arpack"), "algorithm='arpack'"),
    ],
)
def test_two_names_for_the_solver_are_refused(estimator, alias):
    with pytest.raises(ValueError, match=f"{alias} and solver=.* are two names of one parameter"):
        estimator.fit(DATA["iris"])


@pytest.mark.parametrize("Estimator", [PCAFromSVD, TruncatedSVDReducer])
def test_feature_names_out(Estimator):
    estimator = Estimator(2).fit(DATA["iris"])
    name = Estimator.__name__.lower()
    assert_array_equal(estimator.get_feature_names_out(), [f"{name}0", f"{name}1"])
