"""The scikit-learn estimators: one problem a file."""

from lrfact.estimators._method_names import hide_private_bases
from lrfact.estimators._nmf_topics import NMFTopics
from lrfact.estimators._pca import PCAFromSVD
from lrfact.estimators._soft_impute import SoftImpute
from lrfact.estimators._truncated_svd import TruncatedSVDReducer
from lrfact.estimators.recommend._bayesian_mf import BayesianMF
from lrfact.estimators.recommend._entry_regressor import EntryRegressor
from lrfact.estimators.recommend._implicit_mf import ImplicitMF
from lrfact.estimators.recommend._masked_mf import MaskedMF
from lrfact.estimators.text._lsa_search import LSASearch
from lrfact.estimators.text._ppmi import PPMI
from lrfact.estimators.text._term_weighting import TermWeighting

__all__ = [
    "PPMI",
    "BayesianMF",
    "EntryRegressor",
    "ImplicitMF",
    "LSASearch",
    "MaskedMF",
    "NMFTopics",
    "PCAFromSVD",
    "SoftImpute",
    "TermWeighting",
    "TruncatedSVDReducer",
]

hide_private_bases(globals()[name] for name in __all__)
