"""Error bars by every method: ranks by hand, what widens, what is refused, the same bits twice."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from small_fits import data, small

from kan_np import (
    KAN,
    MLP,
    ExtrapolationWarning,
    fit_schedule,
    load_csv,
    split_validation,
)
from kan_np.uncertainty.calibration import METHODS
from kan_np.uncertainty.quantiles import rank
from kan_np.uncertainty.scores import coverage, crps, interval_score


def test_rank_is_that_of_split_conformal_prediction():
    # of 9 residuals and a new one the new one is the largest with a chance of 1 in 10
    assert [rank(0.9, 9), rank(0.9, 10), rank(0.9, 19), rank(0.5, 3)] == [9, 10, 18, 2]
    assert rank(0.1, 9) == 1
    with pytest.raises(ValueError, match="at least 9 rows with known residuals, and there are 8"):
        rank(0.9, 8)


def test_conformal_interval_by_hand():
    dataset = data()
    model = small(dataset)
    bars = model.calibrate(dataset, "conformal")
    x, y = dataset["val_input"], dataset["val_label"]
    assert len(bars.scores) == len(y) == 24
    model.calibrate(dataset)
    expected = model.predict(x, return_std=True)[1]
    scores = np.sort(np.abs(y - model.predict(x)) / expected, axis=0)
    new = np.array([[0.0], [0.7]])
    scale = model.predict(new, return_std=True)[1]
    model._error_bars = bars
    prediction, low, high = model.predict(new, interval=0.9)
    # ceil(0.9 * 25) = 23
    np.testing.assert_allclose(high - prediction, scores[22] * scale, rtol=1e-9)
    np.testing.assert_allclose(prediction - low, scores[22] * scale, rtol=1e-9)


def test_jackknife_plus_interval_by_hand():
    dataset = data(30, held=False)
    model = small(dataset)
    bars = model.calibrate(dataset, "jackknife+", folds=5)
    new = np.array([[0.3]])
    x, y = dataset["train_input"], dataset["train_label"]
    ends = [], []
    for number, member in enumerate(bars.members):
        held = bars.fold == number
        assert held.sum() == 6
        left = {"train_input": x[~held], "train_label": y[~held]}
        again = KAN([1, 1], grid=3, seed=0)
        again.fit(left, "LM", 10)
        np.testing.assert_allclose(again(new), member(new), rtol=1e-9)
        residual = np.abs(y[held] - again(x[held]))
        np.testing.assert_allclose(bars.residuals[held], residual, rtol=1e-7, atol=1e-12)
        ends[0].extend((again(new) - residual)[:, 0])
        ends[1].extend((again(new) + residual)[:, 0])
    _, low, high = model.predict(new, interval=0.8)
    # k = ceil(0.8 * 31) = 25: the 25th smallest above, the 6th smallest below
    assert high[0, 0] == pytest.approx(np.sort(ends[1])[24], rel=1e-9)
    assert low[0, 0] == pytest.approx(np.sort(ends[0])[5], rel=1e-9)


def test_ensemble_is_the_spread_of_fits_from_other_starts():
    dataset = data()
    model = small(dataset, MLP)
    bars = model.calibrate(dataset, "ensemble", members=3, seed=5)
    x = np.array([[0.2], [-0.9]])
    functions = np.stack([model(x), *(member(x) for member in bars.members)])
    assert len(np.unique(functions.round(12), axis=0)) == 4
    expected = np.sqrt(functions.var(axis=0, ddof=1) + bars.noise_variance)
    np.testing.assert_allclose(model.predict(x, return_std=True)[1], expected, rtol=1e-12)
    drawn = model.sample_predictions(x, 20, seed=0)
    assert all((np.abs(functions - one) < 1e-12).all(axis=(1, 2)).any() for one in drawn)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [KAN, MLP], ids=["KAN", "MLP"])
def test_every_method_repeats_has_ordered_ends_widens_and_leaves_the_prediction(kind, method):
    dataset = data()
    model = small(dataset, kind)
    x = np.linspace(-0.8, 0.8, 7)[:, None]
    before = model.predict(x)
    model.calibrate(dataset, method, members=2, folds=3, seed=1)
    prediction, std, low, high = model.predict(x, return_std=True, interval=0.9)
    assert (prediction == before).all()
    assert prediction.shape == std.shape == low.shape == high.shape == (7, 1)
    assert (std > 0).all()
    assert (low < high).all()
    _, narrow_low, narrow_high = model.predict(x, interval=0.5)
    assert ((narrow_low >= low) & (narrow_high <= high)).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        widths = [
            float(np.diff(model.predict([[at]], interval=0.9)[1:], axis=0)[0, 0, 0]) for at in (1, 2, 3)
        ]
    assert widths[0] < widths[1] < widths[2]
    again = small(dataset, kind)
    again.calibrate(dataset, method, members=2, folds=3, seed=1)
    for one, other in zip(
        model.predict(x, return_std=True, interval=0.9),
        again.predict(x, return_std=True, interval=0.9),
        strict=True,
    ):
        assert (one == other).all()
    parts = model.predict(x, batch_size=2, return_std=True)[1]
    np.testing.assert_allclose(parts, std, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_bars_are_in_the_units_of_the_data(method):
    plain, scaled = data(), data(standardize=True)
    models = [small(plain), small(scaled)]
    bars = [
        model.calibrate(dataset, method, members=2, folds=3)
        for model, dataset in zip(models, (plain, scaled), strict=True)
    ]
    assert repr(bars[0]).startswith(f"<error bars by {method!r}")
    std = models[1].predict([[100.0]], return_std=True)[1]
    assert 20 * 0.12 < std[0, 0] < 20 * 0.35
    prediction, low, high = models[1].predict([[100.0]], interval=0.9)
    assert low < prediction < high
    assert 20 * 0.4 < (high - low)[0, 0] < 20 * 1.4


def test_one_warning_says_how_many_rows_lie_outside():
    dataset = data()
    model = small(dataset)
    model.calibrate(dataset)
    with pytest.warns(ExtrapolationWarning, match="2 of 3 rows lie outside") as told:
        model.predict([[0.0], [3.0], [-4.0]], interval=0.9)
    assert len(told) == 1


def test_a_changed_model_asks_for_a_new_calibration():
    dataset = data()
    model = small(dataset)
    with pytest.raises(ValueError, match=r"no error bars; first call model\.calibrate"):
        model.predict([[0.0]], return_std=True)
    model.calibrate(dataset)
    copy = model.copy()
    assert (copy.predict([[0.1]], return_std=True)[1] == model.predict([[0.1]], return_std=True)[1]).all()
    model.theta = 0.5 * model.theta
    with pytest.raises(ValueError, match=r"changed after calibrate.*again"):
        model.predict([[0.0]], interval=0.9)
    with pytest.raises(ValueError, match="changed after calibrate"):
        copy.refine(6).sample_predictions([[0.0]])
    assert np.shape(model.predict([[0.0]])) == (1, 1)


def test_what_cannot_be_used_is_refused():
    dataset = data()
    model = small(dataset)
    with pytest.raises(ValueError, match=r"method is 'laplce'.*Did you mean 'laplace'"):
        model.calibrate(dataset, "laplce")
    without = {key: value for key, value in dataset.items() if not key.startswith("val")}
    with pytest.raises(ValueError, match=r"no val_input.*split_validation"):
        model.calibrate(without, "conformal")
    with pytest.raises(ValueError, match="standardised in another way"):
        model.calibrate(data(standardize=True))
    with pytest.raises(ValueError, match="folds is 1; expected an integer >= 2"):
        model.calibrate(dataset, "jackknife+", folds=1)
    with pytest.raises(ValueError, match="56 training rows; expected one for each fold, 57"):
        model.calibrate(dataset, "jackknife+", folds=57)
    with pytest.raises(TypeError, match="refit is 3; expected a function"):
        model.calibrate(dataset, "ensemble", refit=3)
    with pytest.raises(TypeError, match="refit returned None; expected a fitted KAN or MLP"):
        model.calibrate(dataset, "ensemble", refit=lambda part, seed: None)
    with pytest.raises(
        ValueError, match="refit returned a model of 2 inputs and 1 outputs; expected 1 and 1"
    ):
        model.calibrate(dataset, "ensemble", refit=lambda part, seed: KAN([2, 1]))
    assert model.error_bars is None
    model.calibrate(dataset, "conformal")
    with pytest.raises(ValueError, match=r"interval is 90; .* For 90 % give 0\.9"):
        model.predict([[0.0]], interval=90)
    with pytest.raises(TypeError, match="interval is True"):
        model.predict([[0.0]], interval=True)
    with pytest.raises(ValueError, match=r"interval of 0\.99 needs at least 99 rows .* there are 24"):
        model.predict([[0.0]], interval=0.99)
    with pytest.raises(ValueError, match="know no functions that could be drawn"):
        model.sample_predictions([[0.0]])


def test_conformal_refuses_rows_that_the_fit_has_used():
    dataset = data(held=False)
    model = small(dataset)
    with pytest.raises(ValueError, match="fitted to 80 rows, as many as the training and validation rows"):
        model.calibrate(split_validation(dataset, 0.3), "conformal")


@pytest.mark.slow
def test_models_of_several_fits_need_a_function_that_repeats_them():
    dataset = data()
    model = small(dataset)
    model.fit(dataset, "LM", 2)
    with pytest.raises(ValueError, match=r"cannot be repeated; pass refit="):
        model.calibrate(dataset, "jackknife+")

    def refit(part, seed):
        return fit_schedule([1, 1], part, grids=(2, 3), opt="LM", restarts=1, seed=seed).best.model

    model.calibrate(dataset, "jackknife+", folds=2, refit=refit)
    assert model.predict([[0.0]], return_std=True)[1] > 0
    frozen = KAN([1, 2, 1], grid=3, seed=0)
    frozen.freeze(0, [(0, 0)])
    frozen.fit(dataset, "LM", 2)
    frozen.calibrate(dataset, "jackknife+", folds=2)  # the same start serves
    with pytest.raises(ValueError, match=r"no other start can be drawn.*refit="):
        frozen.calibrate(dataset, "ensemble")


def test_calibrate_changes_nothing_but_the_error_bars():
    dataset = data()
    model = small(dataset)
    kept = {key: np.copy(value) for key, value in dataset.items() if isinstance(value, np.ndarray)}
    theta, network = model.theta, model._network
    for method in METHODS:
        model.calibrate(dataset, method, members=2, folds=2)
        assert model._network is network
        assert (model.theta == theta).all()
        assert all((dataset[key] == value).all() for key, value in kept.items())


def test_tables_keep_their_names(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, (60, 2))
    rows = np.column_stack([x, x[:, 0] - 2 * x[:, 1] + rng.normal(0, 0.5, 60)])
    path = tmp_path / "table.csv"
    np.savetxt(path, rows, delimiter=",", header="time,dose,yield", comments="")
    dataset = load_csv(path, target="yield", seed=0)
    model = KAN([2, 1], grid=2, seed=0)
    model.fit(dataset, "LM")
    model.calibrate(dataset)
    swapped = np.array([(4.0, 2.0)], dtype=[("dose", float), ("time", float)])
    by_name = model.predict(swapped, return_std=True)
    by_place = model.predict([[2.0, 4.0]], return_std=True)
    assert all((one == other).all() for one, other in zip(by_name, by_place, strict=True))


def test_scores_of_error_bars():
    y = np.array([0.0, 1.0, 5.0])
    low, high = np.full(3, -1.0), np.full(3, 3.0)
    assert coverage(y, low, high) == pytest.approx(2 / 3)
    assert interval_score(y, low, high, 0.9) == pytest.approx(4 + (2 / 0.1) * 2 / 3)
    # the score is the integral of the squared difference of distribution functions
    from scipy.integrate import quad
    from scipy.stats import norm

    below = quad(lambda z: norm.cdf(z, 1, 2) ** 2, -40, 0.3)[0]
    above = quad(lambda z: (1 - norm.cdf(z, 1, 2)) ** 2, 0.3, 40)[0]
    assert crps([0.3], [1.0], [2.0]) == pytest.approx(below + above, rel=1e-9)


@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")
def test_models_of_other_losses_are_refused():
    x = np.linspace(-1.0, 1.0, 40)[:, None]
    counts = {"train_input": x, "train_label": np.arange(40.0)[:, None] // 10}
    model = KAN([1, 1], grid=3, seed=0)
    model.fit(counts, "LBFGS", 3, loss="poisson", smoothing=0.0)
    with pytest.raises(ValueError, match="fitted with loss='poisson'; error bars are for squared errors"):
        model.calibrate(counts)
