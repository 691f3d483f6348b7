"""RankSearchCV is an estimator of scikit-learn, whatever is inside."""

import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator

from lrfact import PCAFromSVD, RankSearchCV, TruncatedSVDReducer

SEARCHES = [
    RankSearchCV(),
    RankSearchCV(TruncatedSVDReducer(), cv=2),  # fewer folds, to be done sooner
    RankSearchCV(PCA(), ranks=[1], cv=2),
    RankSearchCV(make_pipeline(PCAFromSVD(), LogisticRegression()), cv=2),
    RankSearchCV(make_pipeline(PCAFromSVD(), Ridge()), cv=2),
]

# Not run by check_estimator, though scikit-learn runs them on its own estimators.
FURTHER_CHECKS = [
    "check_param_validation",
    "check_dataframe_column_names_consistency",
    "check_inplace_ensure_writeable",
    "check_get_feature_names_out_error",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
]


# As parametrize_with_checks does, but a list: pytest 9 wants one.
CHECKS = [pair for search in SEARCHES for pair in estimator_checks_generator(search)]


@pytest.mark.parametrize(
    ("estimator", "check"),
    CHECKS,
    ids=[f"{search}-{check.func.__name__}" for search, check in CHECKS],
)
@pytest.mark.filterwarnings("ignore")  # of folds that fail, before the error of the refit
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", FURTHER_CHECKS)
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names:UserWarning")
def test_further_scikit_learn_checks(name):
    getattr(estimator_checks, name)("RankSearchCV", RankSearchCV())


@pytest.mark.parametrize("name", ["check_estimators_nan_inf", "check_dtype_object"])
@pytest.mark.parametrize("search", SEARCHES[:2], ids=str)
def test_bad_input_is_refused_before_any_fold(name, search):
    getattr(estimator_checks, name)("RankSearchCV", search)  # warnings are errors here
