"""The checks that scikit-learn has for estimators; none is expected to fail."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from kan_np.sklearn import FormulaRegressor, KANClassifier, KANRegressor, MLPBaselineRegressor

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sklearn.exceptions.SkipTestWarning")

#: Checks whose outcome could depend on the search for a shape, which the small regressor does without.
OF_A_SEARCH = (
    "check_fit2d_1sample",
    "check_fit2d_1feature",
    "check_fit_idempotent",
    "check_sample_weights_list",
    "check_estimators_pickle",
    "check_regressors_int",
    "check_regressor_multioutput",
)


def some_checks(estimator, names):
    """Those checks, one parameter each, by these names of functions."""
    found = {}
    for _, check in estimator_checks_generator(estimator):
        found.setdefault(check.func.__name__, check)
    return [pytest.param(found[name], id=name) for name in names]


@parametrize_with_checks([KANRegressor(hidden=(), grid=3)])
def test_a_small_regressor_is_as_scikit_learn_wants_it(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("check", some_checks(KANRegressor(), OF_A_SEARCH))
def test_a_search_for_a_shape_is_as_scikit_learn_wants_it(check):
    check(KANRegressor())


@pytest.mark.slow
@parametrize_with_checks(
    [KANClassifier(hidden=(), grid=3), MLPBaselineRegressor(hidden=2), FormulaRegressor(most_steps=10)]
)
def test_others_are_as_scikit_learn_wants_them(estimator, check):
    check(estimator)
