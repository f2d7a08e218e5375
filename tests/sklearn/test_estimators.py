"""Estimators of scikit-learn: tables, weights, units, pipelines, searches, classes, error bars, formulas."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from kan_np import KAN, MLP, ExtrapolationWarning
from kan_np.sklearn import FormulaRegressor, KANClassifier, KANRegressor, MLPBaselineRegressor

pandas = pytest.importorskip("pandas")

N = 80


def smooth(n=N, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 2))
    return x, np.sin(3 * x[:, 0]) + x[:, 1] ** 2 + noise * rng.normal(size=n)


def additive(**options):
    return KANRegressor(**{"hidden": (), "grid": 3, **options})


def test_a_row_of_weight_two_is_one_that_is_there_twice():
    x, y = smooth()
    weight = np.random.default_rng(1).integers(0, 4, N)
    rows = np.repeat(np.arange(N), weight)
    weighted = additive(hidden=2).fit(x, y, sample_weight=weight)
    repeated = additive(hidden=2).fit(x[rows], y[rows])
    assert np.array_equal(weighted.predict(x), repeated.predict(x))


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [KANRegressor(hidden=2, grid=3), MLPBaselineRegressor(hidden=3)])
def test_the_order_of_rows_does_not_matter(estimator):
    x, y = smooth()
    order = np.random.default_rng(2).permutation(N)
    one, other = clone(estimator).fit(x, y), clone(estimator).fit(x[order], y[order])
    assert np.array_equal(one.predict(x), other.predict(x))


def test_units_do_not_matter():
    x, y = smooth()
    plain = additive(hidden=2).fit(x, y)
    raw = additive(hidden=2).fit(x * 2.0**47, y * 2.0**-27)  # exact: near 1e14 and 1e-8
    assert np.array_equal(raw.predict(x * 2.0**47), plain.predict(x) * 2.0**-27)


def test_rows_far_outside_are_held():
    x, y = smooth()
    model = additive(hidden=2).fit(x, y)
    with pytest.warns(ExtrapolationWarning):
        far = model.predict(np.array([[1e9, -1e9], [-1e9, 1e9]]))
    assert np.abs(far - y.mean()).max() < 3 * np.ptp(y)


def test_fine_grids_are_found_where_they_pay():
    x = np.linspace(0, 1, 200)[:, None]
    y = np.sin(40 * x[:, 0])
    model = KANRegressor(hidden=()).fit(x, y)
    assert model.model_.grid > 10
    assert model.score(x, y) > 0.999


def test_noise_is_no_signal():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(N, 5)), rng.normal(size=N)
    new, truth = rng.normal(size=(500, 5)), rng.normal(size=500)
    with pytest.warns(ExtrapolationWarning):
        assert KANRegressor().fit(x, y).score(new, truth) > -0.1


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_few_rows(n):
    x, y = smooth(n)
    assert np.isfinite(additive().fit(x, y).predict(x)).all()


def test_a_constant_label_is_met():
    x, _ = smooth()
    assert np.allclose(additive().fit(x, np.full(N, 7.0)).predict(x), 7.0, rtol=1e-12)


def test_several_outputs():
    x, y = smooth()
    both = np.column_stack([y, 1e6 * x[:, 0] - 3e6])
    model = additive().fit(x, both)
    assert model.predict(x).shape == (N, 2)
    assert model.score(x, both) > 0.9
    assert additive().fit(x, both[:, [0]]).predict(x).shape == (N, 1)


def test_the_model_is_a_kan_in_the_units_of_the_table(tmp_path):
    from kan_np import load_model

    x, y = smooth()
    model = additive().fit(x, 100 * y)
    assert isinstance(model.model_, KAN)
    assert model.n_params_ == model.model_.n_params
    model.model_.save(tmp_path / "m.npz")
    assert np.array_equal(load_model(tmp_path / "m.npz").predict(x)[:, 0], model.predict(x))
    assert isinstance(MLPBaselineRegressor(hidden=3).fit(x, y).model_, MLP)


def test_copies():
    x, y = smooth()
    model = additive(error_bars="laplace").fit(x, y)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(x, return_std=True), model.predict(x, return_std=True))
    assert np.array_equal(clone(model).fit(x, y).predict(x), model.predict(x))


def test_data_frames_keep_their_names():
    x, y = smooth()
    table = pandas.DataFrame(x, columns=["t / h", "T"])
    model = additive().fit(table, y)
    assert list(model.feature_names_in_) == ["t / h", "T"]
    assert model.model_.feature_names == ["t / h", "T"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[["T", "t / h"]])


def test_pipelines():
    x, y = smooth()
    table = pandas.DataFrame(x, columns=["a", "b"]).assign(c=np.where(x[:, 0] > 0, "low", "high"))
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["c"]), (StandardScaler(), ["a", "b"])
    )
    line = make_pipeline(columns, additive()).set_output(transform="pandas").fit(table, y)
    names = ["onehotencoder__c_high", "onehotencoder__c_low", "standardscaler__a", "standardscaler__b"]
    assert list(line[-1].feature_names_in_) == names
    assert line.score(table, y) > 0.9
    wrong = line.predict(table.assign(a=table["b"]))
    assert not np.allclose(wrong, line.predict(table))


@pytest.mark.slow
def test_searches():
    x, y = smooth()
    found = GridSearchCV(additive(), {"hidden": [(), (2,)], "k": [2, 3]}, cv=2).fit(x, y)
    assert found.best_score_ > 0.8
    assert cross_val_score(additive(), x, y, cv=3).mean() > 0.8


@pytest.mark.slow
def test_processes_of_joblib_give_the_same_bits():
    x, y = smooth()
    one = cross_val_score(additive(hidden=2), x, y, cv=3)
    assert np.array_equal(cross_val_score(additive(hidden=2), x, y, cv=3, n_jobs=2), one)


@pytest.mark.slow
def test_random_states():
    x, y = smooth()
    fits = [additive(hidden=2, random_state=state).fit(x, y).predict(x) for state in (0, 0, 1)]
    assert np.array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[0], fits[2])
    assert additive(random_state=None).fit(x, y).score(x, y) > 0.8


@pytest.mark.parametrize("method", ["laplace", "jackknife+"])
def test_intervals_hold_new_rows(method):
    x, y = smooth(150)
    model = additive(error_bars=method).fit(x, y)
    new, truth = smooth(500, seed=5)
    _, low, high = model.predict(new, interval=0.9)
    assert 0.8 < np.mean((low <= truth) & (truth <= high)) < 0.98


def test_deviations_are_in_the_units_of_the_table():
    x, y = smooth()
    model = additive(error_bars="laplace").fit(x, 1000 * y)
    _, std = model.predict(x, return_std=True)
    assert 50 < np.median(std) < 200  # noise of 0.1, times 1000
    with pytest.raises(ValueError, match="error_bars='laplace'"):
        additive().fit(x, y).predict(x, return_std=True)


@pytest.mark.parametrize("method", ["laplace", "jackknife+"])
def test_error_bars_of_few_rows(method):
    x, y = smooth(3)
    _, low, high = additive(error_bars=method).fit(x, y).predict(x, interval=0.5)
    assert (low < high).all()


@pytest.mark.parametrize(
    ("options", "named"),
    [({"hidden": "deep"}, "hidden"), ({"hidden": [0]}, "hidden"), ({"grid": 0}, "grid"),
     ({"folds": 1}, "folds"), ({"error_bars": "yes"}, "error_bars"), ({"k": 9}, "k is")],
)  # fmt: skip
def test_wrong_parameters_are_named(options, named):
    with pytest.raises(ValueError, match=named):
        additive(**options).fit(*smooth(10))


@pytest.mark.slow  # kernels are compiled that few tests use
def test_a_family_of_edges():
    x, y = smooth()
    model = additive(edges="chebyshev", grid=5).fit(x, y)
    assert model.score(x, y) > 0.9
    assert set(model.model_.families.values()) == {("chebyshev", 5)}


def test_two_classes_of_text():
    x, _ = smooth()
    y = np.where(x[:, 0] + x[:, 1] ** 2 > 0.3, "yes", "no")
    model = KANClassifier(hidden=(), grid=3).fit(x, y)
    assert list(model.classes_) == ["no", "yes"]
    assert model.score(x, y) > 0.95
    assert np.array_equal(model.decision_function(x) > 0, model.predict(x) == "yes")
    assert np.allclose(model.predict_proba(x).sum(axis=1), 1.0)


def test_three_classes_and_weights():
    x, _ = smooth()
    y = np.digitize(x[:, 0], [-0.3, 0.3])
    model = KANClassifier(hidden=(), grid=3).fit(x, y)
    assert model.score(x, y) > 0.95
    assert model.predict_proba(x).shape == (N, 3)
    without = KANClassifier(hidden=(), grid=3).fit(x, y, sample_weight=(y < 2).astype(float))
    assert list(without.classes_) == [0, 1]


@pytest.mark.slow
def test_one_class():
    model = KANClassifier(hidden=()).fit(smooth()[0], np.full(N, "only"))
    assert set(model.predict(np.zeros((2, 2)))) == {"only"}
    assert model.predict_proba(np.zeros((2, 2))).tolist() == [[1.0], [1.0]]


@pytest.mark.slow  # kernels are compiled that few tests use
def test_a_formula():
    rng = np.random.default_rng(0)
    table = pandas.DataFrame(rng.uniform(1, 3, (60, 2)), columns=["m", "v"])
    model = FormulaRegressor().fit(table, 0.5 * table["m"] * table["v"] ** 2)
    assert [str(own) for own in model.formula()] == ["m*v**2/2"]
    assert model.exact_ == [True]
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(table), model.predict(table))


def test_a_formula_is_a_number_where_it_is_not_real():
    x = np.linspace(0.0, 2.0, 60)[:, None]
    model = FormulaRegressor(lib=["x", "sqrt"]).fit(x, np.sqrt(x[:, 0]))
    assert np.allclose(model.predict([[4.0]]), 2.0)
    assert np.allclose(model.predict([[-1.0]]), 0.0)  # as at the end of the training range


def test_steps_are_a_budget_that_gives_the_same_formula():
    x, y = smooth()
    outputs = np.column_stack([y, x[:, 0]])
    fits = [FormulaRegressor(most_steps=30).fit(x, outputs) for _ in range(2)]
    assert fits[0].formula() == fits[1].formula()
    assert str(fits[0].formula()[1]) == "x_1"
    assert fits[0].discoveries_[0].n_trained < 10
