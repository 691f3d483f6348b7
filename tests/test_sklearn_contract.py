"""scikit-learn's own checks, those that it runs on itself too, on every estimator that we have."""

import inspect
import os
import subprocess
import sys

import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

import lrfact

CLASSES = [
    public
    for name in lrfact.__all__
    if inspect.isclass(public := getattr(lrfact, name)) and issubclass(public, BaseEstimator)
]

# class name -> {check: why it cannot pass}; a check that passes after all is an error.
_PREDICTS_ROWS = (
    "predict returns completed rows, as many columns as X; the check takes any predict for one "
    "that returns one target a row"
)
_TAKES_PAIRS = (
    "X is a table of two columns, the labels of row and column; the check passes another number. "
    "tests/estimators/recommend/test_entry_regressor_contract.py runs it on two of these columns"
)
EXPECTED_FAILURES: dict[str, dict[str, str]] = {
    "BayesianMF": {
        "check_estimator_sparse_array": _PREDICTS_ROWS,
        "check_estimator_sparse_matrix": _PREDICTS_ROWS,
    },
    "ImplicitMF": {
        "check_estimator_sparse_array": _PREDICTS_ROWS,
        "check_estimator_sparse_matrix": _PREDICTS_ROWS,
    },
    "MaskedMF": {
        "check_estimator_sparse_array": _PREDICTS_ROWS,
        "check_estimator_sparse_matrix": _PREDICTS_ROWS,
    },
    "EntryRegressor": dict.fromkeys(
        [
            "check_all_zero_sample_weights_error",
            "check_array_api_input",
            "check_dataframe_column_names_consistency",
            "check_dict_unchanged",
            "check_dont_overwrite_parameters",
            "check_dtype_object",
            "check_estimators_dtypes",
            "check_estimators_nan_inf",
            "check_estimators_pickle",
            "check_f_contiguous_array_estimator",
            "check_fit2d_1sample",
            "check_fit2d_predict1d",
            "check_fit_score_takes_y",
            "check_inplace_ensure_writeable",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
            "check_n_features_in_after_fitting",
            "check_pipeline_consistency",
            "check_positive_only_tag_during_fit",
            "check_regressor_data_not_an_array",
            "check_regressors_int",
            "check_regressors_no_decision_function",
            "check_regressors_train",
            "check_sample_weight_equivalence_on_dense_data",
            "check_sample_weights_list",
            "check_supervised_y_2d",
        ],
        _TAKES_PAIRS,
    ),
}


def expected_failures(estimator):
    return EXPECTED_FAILURES.get(type(estimator).__name__, {})


# Strict since scikit-learn 1.8; before, an entry that is no longer needed goes unnoticed.
_STRICT = (
    {"xfail_strict": True}
    if "xfail_strict" in inspect.signature(parametrize_with_checks).parameters
    else {}
)


# Defaults but for the length of a fit. The checks are of the face of an estimator, on some twenty
# rows of noise, and none asks how far it comes; tests/test_own_contract.py fits by the defaults.
SHORTER: dict[str, dict[str, int]] = {
    "BayesianMF": {"n_draws": 4, "n_burn_in": 4, "thinning": 1},
    "NMFTopics": {"max_iter": 20},
}


def instance(Estimator):
    return Estimator(**SHORTER.get(Estimator.__name__, {}))


# Besides the defaults, what takes another way through the code.
FURTHER_INSTANCES = [
    lrfact.ImplicitMF(2, solver="svd"),
    lrfact.ImplicitMF(2, loss="bpr", tol=0.5),
    lrfact.NMFTopics(2, beta_loss="kullback-leibler", max_iter=20),
    lrfact.NMFTopics(2, n_init=2, init="random", max_iter=20),
]

_CHECKS = parametrize_with_checks(
    [instance(Estimator) for Estimator in CLASSES] + FURTHER_INSTANCES,
    expected_failed_checks=expected_failures,
    **_STRICT,
)


# Fits as short as these, and with one component for each feature, as by default, seldom come to
# their end.
_MAY_STOP_EARLY = pytest.mark.filterwarnings(
    "ignore:('(hals|mu)' stopped at max_iter=|the chain has not come to rest)"
    ":sklearn.exceptions.ConvergenceWarning"
)


# A list: older versions pass on a generator, which newer versions of pytest do not like.
@_MAY_STOP_EARLY
@pytest.mark.parametrize(_CHECKS.args[0], list(_CHECKS.args[1]), **_CHECKS.kwargs)
def test_estimator_checks(estimator, check):
    check(estimator)


# Not part of `check_estimator`, though scikit-learn runs them on its own estimators.
TRANSFORMER_CHECKS = [
    "check_get_feature_names_out_error",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
]
OTHER_CHECKS = [
    "check_param_validation",
    "check_dataframe_column_names_consistency",
    "check_inplace_ensure_writeable",
]


def further_checks():
    for Estimator in CLASSES:
        names = list(OTHER_CHECKS)
        if issubclass(Estimator, TransformerMixin):
            names += TRANSFORMER_CHECKS
        for name in names:
            reason = EXPECTED_FAILURES.get(Estimator.__name__, {}).get(name)
            marks = [pytest.mark.xfail(reason=reason)] if reason else []
            yield pytest.param(Estimator, name, id=f"{Estimator.__name__}-{name}", marks=marks)


# The checks mix arrays and frames on purpose.
@_MAY_STOP_EARLY
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names:UserWarning")
@pytest.mark.parametrize(("Estimator", "name"), list(further_checks()))
def test_further_checks(Estimator, name):
    if "pandas" in name or "dataframe" in name:
        pytest.importorskip("pandas")
    if "polars" in name:
        pytest.importorskip("polars")
    getattr(estimator_checks, name)(Estimator.__name__, instance(Estimator))


def test_every_check_by_that_name_exists():
    """A renamed check would be skipped without a word if it were looked up leniently."""
    for name in TRANSFORMER_CHECKS + OTHER_CHECKS:
        assert callable(getattr(estimator_checks, name))


def test_array_api_input(tmp_path):
    """NumPy input with dispatch on; scikit-learn skips this unless the variable is set."""
    script = (
        f"expected, shorter = {EXPECTED_FAILURES!r}, {SHORTER!r}"
        + """
import inspect
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import estimator_checks_generator
import lrfact

for name in lrfact.__all__:
    public = getattr(lrfact, name)
    if inspect.isclass(public) and issubclass(public, BaseEstimator):
        for estimator, check in estimator_checks_generator(public(**shorter.get(name, {}))):
            check_name = check.func.__name__
            if "array_api" in check_name and check_name not in expected.get(name, {}):
                print(name, check_name, flush=True)
                check(estimator)
"""
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        cwd=tmp_path,  # away from the source folder
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if parse_version(sklearn.__version__) >= parse_version("1.9"):
        assert "check_array_api_input" in done.stdout


def test_classes_were_found():
    names = {Estimator.__name__ for Estimator in CLASSES}
    assert {"PCAFromSVD", "TruncatedSVDReducer"} <= names
    stray = (set(EXPECTED_FAILURES) | set(SHORTER)) - names
    assert not stray, f"named above, but no estimators: {stray}"
