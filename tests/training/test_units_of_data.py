"""Models speak the units of their data: tables in SI units, far from one, from the fit to the file."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

from kan_np import (
    KAN,
    MLP,
    ScaleWarning,
    create_dataset,
    dataset_from_arrays,
    discover,
    fit_mlp,
    fit_schedule,
    load_model,
    standardized,
)
from kan_np.data.standardize import far_from_one

U = np.random.default_rng(300).uniform(-1.0, 1.0, (200, 2))
#: Frequencies in hertz and lengths in metres.
OF_INPUT, AT_INPUT = np.array([2e14, 3e-7]), np.array([5e14, 1e-6])
OF_LABEL, AT_LABEL = 4e-8, 1e-7


def smooth(u):
    return np.sin(2.0 * u[:, :1]) + u[:, 1:2] ** 2


def square(u):
    return u[:, :1] ** 2 + 0.5 * u[:, 1:2]


def table(f=smooth, of_input=OF_INPUT, at_input=AT_INPUT, of_label=OF_LABEL, at_label=AT_LABEL):
    x, y = of_input * U + at_input, of_label * f(U) + at_label
    return {
        "train_input": x[:150],
        "train_label": y[:150],
        "test_input": x[150:],
        "test_label": y[150:],
    }


def rmse(model, data, split="test"):
    return np.sqrt(np.mean((model(data[f"{split}_input"]) - data[f"{split}_label"]) ** 2))


MODELS = {"kan": lambda: KAN([2, 3, 1], grid=3, seed=0), "mlp": lambda: MLP([2, 8, 1], seed=0)}


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    model = MODELS[request.param]()
    return model, model.fit(table(), opt="LM", steps=30)


def test_a_table_in_si_units_is_learnt_and_predicted_in_them(fitted):
    model, result = fitted
    data, spread = table(), OF_LABEL * smooth(U).std()
    assert result.advice == ()
    assert rmse(model, data) < 0.02 * spread
    for split in ("train", "test"):
        assert result[f"{split}_loss"][-1] == pytest.approx(rmse(model, data, split), rel=1e-6)
    np.testing.assert_array_equal(model(data["test_input"]), model.predict(data["test_input"]))


def test_derivatives_are_those_of_the_units(fitted):
    model, _ = fitted
    x = table()["test_input"][:5]
    jacobian = model.input_jacobian(x)
    for i, step in enumerate(1e-4 * OF_INPUT):
        h = np.zeros(2)
        h[i] = step
        numeric = (model(x + h) - model(x - h)) / (2 * step)
        np.testing.assert_allclose(jacobian[:, :, i], numeric, rtol=1e-4, atol=1e-6 * np.abs(numeric).max())


def test_the_gradient_is_that_of_labels_in_their_spread(fitted):
    model, _ = fitted
    data = table()
    x, y = data["train_input"], data["train_label"]
    loss, gradient = model.loss_and_gradient(x, y)
    unit = model.scaler.label_scale
    assert loss == pytest.approx(np.mean(((model(x) - y) / unit) ** 2), rel=1e-8)
    again, theta = model.copy(), model.theta
    direction = np.random.default_rng(0).normal(size=theta.size)
    losses = []
    for sign in (1.0, -1.0):
        again.theta = theta + sign * 1e-5 * direction
        losses.append(again.loss_and_gradient(x, y)[0])
    assert gradient @ direction == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-3, abs=1e-7)


def test_a_file_keeps_the_units(fitted):
    model, _ = fitted
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    x = table()["test_input"]
    np.testing.assert_array_equal(load_model(buffer)(x), model(x))


def test_further_fits_and_operations_keep_the_units():
    data = table()
    model = KAN([2, 3, 1], grid=3, seed=0)
    model.fit(data, opt="LM", steps=10)
    scaler, error = model.scaler, rmse(model, data)
    result = model.fit(data, opt="LM", steps=10)
    assert model.scaler is scaler
    assert result["train_loss"][-1] < error
    finer = model.refine(6)
    np.testing.assert_allclose(finer(data["test_input"]), model(data["test_input"]), rtol=1e-9)
    finer.update_grid(data["train_input"])
    pruned = model.prune(data["train_input"], node_th=1e-3, edge_th=1e-3)
    assert rmse(pruned, data) < 2.0 * rmse(model, data) + 0.02 * OF_LABEL
    assert model.feature_score(data["train_input"]).min() > 0.1


def test_shifted_and_stretched_data_give_shifted_and_stretched_predictions():
    first = table()
    second = table(
        of_input=np.array([7e-5, 3e6]), at_input=np.array([2e-3, 4e7]), of_label=5e9, at_label=-1e11
    )
    without_prior = {"kan": {"smoothing": 0.0}, "mlp": {"weight_decay": 0.0}}
    for name, make in MODELS.items():
        # the prior that is chosen here is so weak, 1e-14, that rounding decides what it alone determines
        for options, tolerance in ((without_prior[name], 1e-10), ({}, 1e-3)):
            one, two = make(), make()
            chosen = one.fit(first, opt="LM", steps=3, **options).shrinkage
            assert two.fit(second, opt="LM", steps=3, **options).shrinkage == chosen
            of_one = (one(first["test_input"]) - AT_LABEL) / OF_LABEL
            of_two = (two(second["test_input"]) + 1e11) / 5e9
            np.testing.assert_allclose(of_one, of_two, atol=tolerance)


def test_all_ways_to_make_a_dataset_behave_alike():
    plain = table()
    arrays = dataset_from_arrays(*(plain[key] for key in plain), standardize=True)
    low, high = AT_INPUT - OF_INPUT, AT_INPUT + OF_INPUT
    sampled = create_dataset(
        lambda x: OF_LABEL * smooth((x - AT_INPUT) / OF_INPUT) + AT_LABEL,
        ranges=np.stack([low, high], axis=1),
        train_num=150,
        test_num=50,
        normalize_input=True,
        normalize_label=True,
    )
    models = []
    for data in (plain, arrays, sampled):
        model = KAN([2, 1], grid=3, seed=0)
        model.fit(data, opt="LM", steps=20)
        assert rmse(model, data) < 0.05 * OF_LABEL
        models.append(model)
    np.testing.assert_array_equal(models[0](plain["test_input"]), models[1](plain["test_input"]))


def test_samples_that_were_standardised_before_lead_back_to_their_units():
    data = table()
    model = KAN([2, 1], grid=3, seed=0)
    result = model.fit(standardized(data), opt="LM", steps=20)
    whole = KAN([2, 1], grid=3, seed=0)
    other = whole.fit(data, opt="LM", steps=20)
    np.testing.assert_array_equal(model(data["test_input"]), whole(data["test_input"]))
    # errors are in the units of the labels that were given
    assert other["test_loss"][-1] == pytest.approx(result["test_loss"][-1] * model.scaler.label_scale[0])


def test_data_of_order_one_are_left_as_they_are():
    data = table(of_input=np.ones(2), at_input=np.zeros(2), of_label=1.0, at_label=0.5)
    for make in MODELS.values():
        models = [make(), make()]
        histories = [
            dict(model.fit(data, opt="LM", steps=3, standardize=how))
            for model, how in zip(models, (None, False), strict=True)
        ]
        assert models[0].scaler is None
        assert histories[0] == histories[1]
        np.testing.assert_array_equal(models[0].theta, models[1].theta)
        asked = make()
        asked.fit(data, opt="LM", steps=3, standardize=True)
        np.testing.assert_allclose(asked.scaler.input_shift, data["train_input"].mean(axis=0))


def test_what_is_far_from_one():
    columns = np.column_stack(
        [U[:, 0], 300 + 80 * U[:, 0], 2000 + 10 * U[:, 0], 1e-3 * U[:, 0], 1e5 * U[:, 0]]
    )
    assert far_from_one(columns).tolist() == [False, False, True, True, True]
    constant = np.tile([5.0, 1e6, 1e300], (10, 1))
    assert far_from_one(constant).tolist() == [False, True, True]


def test_without_standardising_one_warning_says_so():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        KAN([2, 3, 1], grid=3, seed=0).fit(table(), steps=3, standardize=False)
    (told,) = [str(w.message) for w in caught if w.category is ScaleWarning]
    assert "too far from one: input 0 is" in told
    assert "without standardize=False" in told
    with pytest.raises(TypeError, match="standardize is 'yes'; expected True, False or None"):
        KAN([2, 1]).fit(table(), standardize="yes")
    with pytest.raises(ValueError, match=r"dataset\['standardize'\] is 'all'"):
        KAN([2, 1]).fit(table() | {"standardize": "all"})


def test_a_trained_model_keeps_the_numbers_it_was_trained_on():
    """Parameters that were set, or trained on data of order one, belong to these numbers."""
    near = table(of_input=np.ones(2), at_input=np.zeros(2), of_label=1.0, at_label=0.5)
    model = KAN([2, 1], grid=3, seed=0)
    model.fit(near, opt="LM", steps=3)
    with pytest.warns(UserWarning, match=r".*"):
        model.fit(table(), opt="LM", steps=1)
    assert model.scaler is None


def test_given_grids_are_in_the_units_of_the_data():
    low, high = AT_INPUT - OF_INPUT, AT_INPUT + OF_INPUT
    ranges = np.stack([low, high], axis=1)
    data = table()
    model = KAN([2, 1], grid=4, grid_range=ranges, seed=0)
    model.fit(data, opt="LM", steps=20, update_grid=False)
    shift, scale = model.scaler.input_shift[:, None], model.scaler.input_scale[:, None]
    np.testing.assert_allclose(model.knots[0][:, [0, -1]] * scale + shift, ranges, rtol=1e-9)
    assert rmse(model, data) < 0.05 * OF_LABEL


def test_several_outputs_of_different_units():
    data = table()
    for split in ("train", "test"):
        label = data[f"{split}_label"]
        data[f"{split}_label"] = np.hstack([label, 1e6 * (label - AT_LABEL) / OF_LABEL + 3e7])
    for make in (lambda: KAN([2, 2], grid=3, seed=0), lambda: MLP([2, 8, 2], seed=0)):
        model = make()
        result = model.fit(data, opt="LM", steps=20)
        residual = model(data["test_input"]) - data["test_label"]
        assert (np.sqrt(np.mean(residual**2, axis=0)) < 0.05 * data["test_label"].std(axis=0)).all()
        for split in ("train", "test"):
            assert result[f"{split}_loss"][-1] == pytest.approx(rmse(model, data, split), rel=1e-6)
        assert model.input_jacobian(data["test_input"]).shape == (50, 2, 2)


def test_formulas_and_symbols_of_data_in_units():
    data = table(square)
    model = KAN([2, 1], grid=5, seed=0)
    model.fit(data, opt="LM", steps=20)
    x, y = data["train_input"], data["train_label"]
    assert model.suggest_symbolic(0, 0, 0, x, lib=["x", "x^2", "sin"], top=1)[0].name == "x^2"
    found = model.auto_symbolic(x, y, lib=["x", "x^2"])
    assert found.rmse[-1] == pytest.approx(rmse(model, data, "train"), abs=1e-6 * OF_LABEL)
    formula = model.symbolic_formula(x=x, y=y)
    of = formula.numpy()(data["test_input"])
    np.testing.assert_allclose(of, data["test_label"], atol=1e-5 * OF_LABEL)


def test_pictures_have_axes_in_the_units_of_the_data():
    data = table()
    model = KAN([2, 3, 1], grid=3, seed=0)
    model.fit(data, opt="LM", steps=5)
    x = data["train_input"]
    axes = model.plot_edge(0, 0, 1, x).axes[0]
    low, high = axes.get_xlim()
    assert low <= x[:, 0].min() <= x[:, 0].max() <= high
    assert high - low < 3 * np.ptp(x[:, 0])
    hidden = model.plot_edge(1, 0, 0, x).axes[0].get_xlim()
    assert max(map(abs, hidden)) < 1e3
    assert model.plot(x).axes
    graph = model.draw_graph(x[0])
    assert graph["x_1"].value == pytest.approx(x[0, 0])
    assert graph["sum_2_0"].value == pytest.approx(model(x[:1])[0, 0])
    assert graph["sum_2_0"].gradient == pytest.approx(1.0)
    for i in range(2):
        assert graph[f"x_{i + 1}"].gradient == pytest.approx(model.input_jacobian(x[:1])[0, 0, i])


def test_schedules_tell_errors_in_the_units_of_the_data():
    data = table()
    stages = fit_schedule([2, 2, 1], data, grids=(3, 5), opt="LM", steps=20, seed=0)
    for stage in stages:
        assert stage.test_rmse == pytest.approx(rmse(stage.model, data), rel=1e-6)
    assert stages.best.test_rmse < 0.05 * OF_LABEL
    assert stages.label_spread == pytest.approx(data["train_label"].std(), rel=0.2)
    scaler = stages[0].model.scaler
    np.testing.assert_allclose(scaler.input_shift, data["train_input"].mean(axis=0), rtol=1e-12)
    stage = fit_mlp([2, 6, 1], data, opt="LM", steps=20)
    assert stage.test_rmse == pytest.approx(rmse(stage.model, data), rel=1e-6)


@pytest.mark.slow
def test_discover_works_in_the_units_of_the_data():
    data = table(square)
    for dataset in (data, standardized(data)):
        found = discover(dataset, lib=["x", "x^2", "0"], restarts=1, seconds=20.0)
        predicted = found.best.model(data["test_input"])
        np.testing.assert_allclose(predicted, data["test_label"], atol=1e-3 * OF_LABEL)


def test_rows_outside_the_training_range_are_counted_in_the_units_of_the_data(fitted):
    model, _ = fitted
    np.testing.assert_allclose(model.training_range[0], table()["train_input"].min(axis=0), rtol=1e-9)
    far = table()["test_input"][:1] + np.array([2e15, 0.0])
    with pytest.warns(UserWarning, match=r"1 of 1 rows lie.*input 0 = 2\.\d+e\+15"):
        model.predict(far)
