"""Common code of the solvers of sklearn.decomposition.PCA."""

from __future__ import annotations

from sklearn.decomposition import PCA

from peers import Factors


def _estimator(k, solver, setting, random_state):
    return PCA(k, svd_solver=solver, random_state=random_state, **setting)


def pca_fit(X, k, solver, setting, random_state):
    pca = _estimator(k, solver, setting, random_state).fit(X)
    return Factors(None, pca.singular_values_, pca.components_)


def pca_fit_transform(X, k, solver, setting, random_state):
    pca = _estimator(k, solver, setting, random_state)
    scores = pca.fit_transform(X)
    return scores, Factors(None, pca.singular_values_, pca.components_)
