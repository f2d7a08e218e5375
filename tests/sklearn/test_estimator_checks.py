"""The checks that scikit-learn has for estimators; none is expected to fail."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from kan_np.sklearn import FormulaRegressor, KANClassifier, KANRegressor, MLPBaselineRegressor

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sklearn.exceptions.SkipTestWarning")


@parametrize_with_checks([KANRegressor(hidden=(), grid=3)])
def test_a_small_regressor_is_as_scikit_learn_wants_it(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        KANRegressor(),
        KANClassifier(hidden=(), grid=3),
        MLPBaselineRegressor(hidden=2),
        FormulaRegressor(most_steps=1),
    ]
)
def test_estimators_are_as_scikit_learn_wants_them(estimator, check):
    check(estimator)
