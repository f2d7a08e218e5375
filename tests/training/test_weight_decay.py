"""The prior that keeps the weights of an MLP small where samples are few, and its choice by folds."""

import numpy as np
import pytest
from test_few_samples import against_the_mean, few_products, linnerud, noise, wide

from kan_np import MLP, FitStatus, ScaleWarning, create_dataset, fit_mlp
from kan_np.network.mlp_network import split_layers
from kan_np.objective.mlp_objective import mlp_objective
from kan_np.objective.shrinkage import Shrunk
from kan_np.objective.weight_decay import WeightPrior

pytestmark = pytest.mark.filterwarnings("ignore::kan_np.NotLearntWarning", "ignore::kan_np.OverfitWarning")

#: Draws on which least squares was 1.2 to 3.9 times as bad as the mean of the labels.
TABLES = [linnerud, noise, few_products, wide]


def mlp(data, seed=0, activation="tanh", **options):
    model = MLP(shape(data), activation, seed=seed)
    return model, model.fit(data, **options)


def shape(data, hidden=10):
    return [data["train_input"].shape[1], hidden, data["train_label"].shape[1]]


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
@pytest.mark.parametrize("table", TABLES)
def test_no_default_is_far_worse_than_the_mean(table, opt):
    for seed in range(2):
        data = table(seed)
        assert against_the_mean(mlp(data, opt=opt)[0], data) <= 1.2


@pytest.mark.slow
@pytest.mark.parametrize("restarts", [1, 2])
@pytest.mark.parametrize("table", [linnerud, noise, few_products])
def test_neither_is_the_baseline_of_schedules(table, restarts):
    data = table(0)
    assert against_the_mean(fit_mlp(shape(data), data, restarts=restarts).model, data) <= 1.2


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_other_activations(activation):
    data = few_products(0)
    assert against_the_mean(mlp(data, activation=activation)[0], data) <= 1.2


def test_a_structure_in_few_samples_is_found():
    data = few_products(1)
    model, result = mlp(data, opt="LM")
    assert 0.0 < result.shrinkage < np.inf
    assert against_the_mean(model, data) < 0.5


def test_zero_is_least_squares_and_a_number_holds_for_any_number_of_samples():
    data = few_products(0)
    free = mlp(data, opt="LM", weight_decay=0.0)[1]
    assert free.shrinkage == 0.0
    assert free["train_loss"][-1] < 1e-2  # goes through all samples
    for samples in (data, create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=500, seed=0)):
        model, result = mlp(samples, weight_decay=0.01)
        assert result.shrinkage == 0.01
        x, y = samples["train_input"], samples["train_label"]
        prior = WeightPrior(model._network, x, None, float(y.var()))
        slope = Shrunk(mlp_objective(model._network, x, y), prior, 0.01)(model._theta)[1]
        assert np.abs(slope).max() < 1e-3
        assert np.abs(mlp_objective(model._network, x, y)(model._theta)[1]).max() > 1e-3


def test_enough_samples_are_fitted_by_least_squares_to_the_same_bits():
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=500, seed=0)
    chosen, free = mlp(data, steps=5), mlp(data, steps=5, weight_decay=0.0)
    assert chosen[1].shrinkage == 0.0
    np.testing.assert_array_equal(chosen[0](data["test_input"]), free[0](data["test_input"]))


def test_without_noise_the_baseline_has_no_prior():
    data = create_dataset(lambda x: np.sin(3 * x[:, [0]]) * x[:, [1]], train_num=100, seed=0)
    chosen, free = (fit_mlp([2, 20, 1], data, fit_options=o) for o in ({}, {"weight_decay": 0.0}))
    assert chosen.result.shrinkage == 0.0
    assert chosen.test_rmse == free.test_rmse


def test_noise_gives_the_mean_and_more_samples_a_new_fit():
    data = noise(0)
    model, result = mlp(data)
    assert np.isinf(result.shrinkage)
    assert result.status is FitStatus.NOT_LEARNT
    assert "weight_decay=0.0" in result.advice[0]
    np.testing.assert_allclose(model(10 * data["test_input"]), data["train_label"].mean(), atol=1e-12)
    x = np.random.default_rng(1).uniform(-1, 1, (1000, 3))
    enough = {"train_input": x, "train_label": x[:, [0]] ** 2}
    model.fit(enough)
    fresh = MLP([3, 10, 1], seed=0)
    fresh.fit(enough)
    np.testing.assert_array_equal(model(x), fresh(x))


def test_a_further_fit_keeps_the_weight_and_a_stop_leaves_the_model_as_it_was():
    data = few_products(0)
    model, first = mlp(data, steps=5)
    assert model.fit(data, steps=5).shrinkage == first.shrinkage
    model = MLP([4, 10, 1], seed=0)
    before = model(data["test_input"])
    assert model.fit(data, callback=lambda progress: progress.n_fev > 20).status is FitStatus.STOPPED
    np.testing.assert_array_equal(model(data["test_input"]), before)


def test_the_weight_means_the_same_in_any_units():
    data = few_products(1)
    scaled = {
        key: value * (100.0 if key.endswith("label") else np.array([1e3, 1.0, 1e-2, 1.0]))
        for key, value in data.items()
        if key.endswith(("input", "label"))
    }
    net = MLP([4, 3, 1], seed=0)._network
    weights = [(w.copy(), b.copy()) for w, b in net.layers]
    weights[0][0][:] /= np.array([1e3, 1.0, 1e-2, 1.0])[:, None]
    weights[1][0][:] *= 100.0
    weights[1][1][:] *= 100.0
    other = net.with_theta(np.concatenate([part.ravel() for pair in weights for part in pair]))
    values = [
        WeightPrior(own, d["train_input"], None, float(d["train_label"].var())).value_and_slope(own.theta)[0]
        for own, d in ((net, data), (other, scaled))
    ]
    assert values[1] == pytest.approx(1e4 * values[0], rel=1e-12)


@pytest.mark.parametrize("width", [[2, 1], [3, 4, 2], [2, 3, 3, 1]])
def test_derivatives_of_the_prior(width):
    rng = np.random.default_rng(0)
    model = MLP(width, seed=1)
    x, y = rng.normal(size=(20, width[0])), rng.normal(size=(20, width[-1]))
    plain = mlp_objective(model._network, x, y)
    shrunk = Shrunk(plain, WeightPrior(model._network, x, None, 2.0), 0.3)
    layers = split_layers(tuple(width), model._theta)
    own = [np.full(w.shape, 2.0) for w, _ in layers]
    own[-1] = np.ones_like(own[-1])
    own[0] = own[0] * x.var(axis=0)[:, None]
    expected = 0.3 * sum(float((v * w**2).sum()) for v, (w, _) in zip(own, layers, strict=True))
    assert shrunk.value(model._theta) - plain.value(model._theta) == pytest.approx(expected, rel=1e-12)
    scale = np.concatenate(
        [np.concatenate([v.ravel(), np.zeros(b.size)]) for v, (_, b) in zip(own, layers, strict=True)]
    )
    slope = shrunk(model._theta)[1] - plain(model._theta)[1]
    np.testing.assert_allclose(slope, 0.6 * scale * model._theta, atol=1e-14)
    added = shrunk.normal_equations(model._theta)[2].copy() - plain.normal_equations(model._theta)[2]
    np.testing.assert_allclose(np.tril(added), np.diag(0.6 * scale), atol=1e-12)


@pytest.mark.parametrize(("value", "error"), [("gcv", ValueError), (-1.0, ValueError), (None, TypeError)])
def test_other_values_are_refused(value, error):
    with pytest.raises(error, match="weight_decay"):
        MLP([4, 3, 1]).fit(few_products(0), weight_decay=value)


def test_absurd_numbers_end_as_a_status():
    data = few_products(0)
    for size, decay in ((1e200, "auto"), (1e155, 1.0), (1e100, "auto")):
        huge = {"train_input": data["train_input"], "train_label": data["train_label"] * size}
        with pytest.warns(ScaleWarning):
            result = MLP([4, 3, 1], "relu", seed=0).fit(huge, steps=3, weight_decay=decay, standardize=False)
        assert isinstance(result.status, FitStatus)
    huge = {"train_input": data["train_input"] * 1e200, "train_label": data["train_label"] * 1e200}
    with pytest.warns(ScaleWarning):
        result = MLP([4, 3, 1], seed=0).fit(huge, steps=3, standardize=False)
    assert result.status is FitStatus.NON_FINITE


def test_samples_count_as_often_as_their_weight_says():
    data, rng = few_products(0), np.random.default_rng(0)
    times = rng.integers(1, 4, len(data["train_input"]))
    weighted = {**data, "train_weight": times.astype(float)}
    copied = {**data} | {key: np.repeat(data[key], times, axis=0) for key in ("train_input", "train_label")}
    models = [mlp(d, opt="LM", steps=200, weight_decay=0.05)[0] for d in (weighted, copied)]
    np.testing.assert_allclose(models[0](data["test_input"]), models[1](data["test_input"]), atol=1e-6)


def test_an_input_that_does_not_vary_finds_small_weights_too():
    data = few_products(0)
    still = {"train_input": data["train_input"] * [1.0, 1.0, 1.0, 0.0], "train_label": data["train_label"]}
    model, _ = mlp(still, opt="LM", steps=100, weight_decay=0.05)
    start = MLP(model.width, seed=0)
    last = [net._network.layers[0][0][3] for net in (start, model)]
    assert np.abs(last[1]).max() < 1e-3 * np.abs(last[0]).max()


def test_a_stop_in_the_first_short_fit_is_a_status():
    for restarts in (1, 2):
        stage = fit_mlp([4, 10, 1], few_products(0), callback=lambda progress: True, restarts=restarts)
        assert stage.status is FitStatus.STOPPED
        assert np.isfinite(stage.train_rmse)


def test_other_options_of_fit_mlp_are_checked_where_they_are_used():
    with pytest.raises(TypeError, match="lamb is 'abc'; expected a number"):
        fit_mlp([4, 10, 1], few_products(0), fit_options={"lamb": "abc"})
    with pytest.raises(TypeError, match="weight_decay"):
        fit_mlp([4, 10, 1], few_products(0), fit_options={"weight_decay": np.array([1.0, 2.0])})


def test_after_a_fit_to_the_mean_a_number_is_not_called_cross_validation():
    data = noise(0)
    model, _ = mlp(data)
    result = model.fit(data, weight_decay=1.0)
    assert not any("cross-validation" in sentence for sentence in result.advice)


def test_a_plane_is_no_yardstick_for_what_is_shrunk():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 10))
    data = {"train_input": x, "train_label": x @ rng.normal(size=(10, 1)) + rng.normal(size=(40, 1))}
    result = MLP([10, 5, 1], seed=0).fit(data, opt="LM", weight_decay=0.1)
    assert result.status is not FitStatus.NOT_LEARNT
    assert not any("plane" in sentence for sentence in result.advice)


def test_advice_names_the_penalty_that_was_too_strong():
    data = few_products(0)
    result = MLP([4, 10, 1], seed=0).fit(data, opt="LM", weight_decay=100.0)
    assert result.status is FitStatus.NOT_LEARNT
    (told,) = [sentence for sentence in result.advice if "Nothing was learnt" in sentence]
    assert "a smaller weight_decay" in told
    assert "lamb" not in told
