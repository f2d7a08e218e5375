"""Losses and metrics in the units of the data: tables far from one, and the same samples of order one."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

from kan_np import (
    KAN,
    MLP,
    CrossEntropy,
    Huber,
    KanWarning,
    Quantile,
    ScaleWarning,
    dataset_from_arrays,
    load_model,
)
from kan_np.objective.loss_in_units import network_loss
from kan_np.objective.losses import loss_of

RNG = np.random.default_rng(310)
U, NOISE = RNG.uniform(-1.0, 1.0, (160, 2)), RNG.normal(size=(160, 1))
#: Frequencies in hertz and lengths in metres; energies in joules.
OF_INPUT, AT_INPUT = np.array([2e14, 3e-7]), np.array([5e14, 1e-6])
OF_LABEL, AT_LABEL = 4e-8, 1e-7
PLAIN = np.sin(2.0 * U[:, :1]) + U[:, 1:] ** 2 + 0.1 * NOISE
MAKES = {"kan": lambda n=1: KAN([2, 2, n], grid=3, seed=0), "mlp": lambda n=1: MLP([2, 5, n], seed=0)}


def samples(x, y):
    return {"train_input": x[:120], "train_label": y[:120], "test_input": x[120:], "test_label": y[120:]}


def in_si_units(y):
    return samples(OF_INPUT * U + AT_INPUT, y)


def quiet_fit(model, data, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        return model.fit(data, *args, **options)


def reread(model):
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    return load_model(file)


def asymmetric(y, f):
    """Too low a prediction costs three times as much."""
    r = f - y
    c = np.where(r < 0, 3.0, 1.0)
    return (c * r**2).sum(axis=1), 2.0 * c * r, 2.0 * c


#: A loss in units of OF_LABEL, the same for order one, and the power of the unit that its mean has.
PAIRS = {
    "huber": ("huber", "huber", 2),
    "threshold": (Huber(0.2 * OF_LABEL), Huber(0.2), 2),
    "quantile": ("quantile", "quantile", 1),
    "rounded": (Quantile(0.8, 0.05 * OF_LABEL), Quantile(0.8, 0.05), 1),
    "own": (asymmetric, asymmetric, 2),
}


@pytest.mark.parametrize("make", MAKES.values(), ids=list(MAKES))
@pytest.mark.parametrize("pair", PAIRS.values(), ids=list(PAIRS))
def test_losses_of_residuals_do_not_depend_on_units(make, pair):
    far, near, degree = pair
    models, results = [make(), make()], []
    data = [in_si_units(OF_LABEL * PLAIN + AT_LABEL), samples(U, PLAIN)]
    for model, loss, own in zip(models, (far, near), data, strict=True):
        options = {"loss": loss, "standardize": True, "metrics": ("mae", "r2")}
        options["smoothing" if isinstance(model, KAN) else "weight_decay"] = 0.0
        results.append(quiet_fit(model, own, "LM", 4, **options))
    for split in ("train", "test"):
        of_far, of_near = (np.array(result[f"{split}_loss"]) for result in results)
        np.testing.assert_allclose(of_far / OF_LABEL**degree, of_near, rtol=1e-4)
        of_far, of_near = (np.array(result[f"{split}_mae"]) for result in results)
        np.testing.assert_allclose(of_far / OF_LABEL, of_near, rtol=1e-4)
        np.testing.assert_allclose(results[0][f"{split}_r2"], results[1][f"{split}_r2"], atol=1e-4)
    # the histories are those of predictions in the units of the data
    model, own = models[0], data[0]
    y, f = own["test_label"], model.predict(own["test_input"])
    assert results[0]["test_mae"][-1] == pytest.approx(np.abs(f - y).mean(), rel=1e-6)
    if not isinstance(far, str):
        told = loss_of(far).value(y, f).mean()
        assert results[0]["test_loss"][-1] == pytest.approx(told, rel=1e-6)
    again = reread(model)
    np.testing.assert_array_equal(again(own["test_input"]), f)
    if isinstance(far, Huber | Quantile):
        assert again._loss == far
    with pytest.raises(ValueError, match="error bars are for squared errors"):
        again.calibrate(own)


@pytest.mark.parametrize("make", MAKES.values(), ids=list(MAKES))
def test_outputs_of_different_units_count_alike(make):
    y = np.hstack([OF_LABEL * PLAIN + AT_LABEL, 1e6 * PLAIN + 3e7])
    data, loss = in_si_units(y), Quantile(0.5, 1e-9)
    model = make(2)
    result = quiet_fit(model, data, "LM", 20, loss=loss)
    off = np.abs(model(data["test_input"]) - data["test_label"]).mean(axis=0)
    assert (off < 0.3 * y.std(axis=0)).all()
    for split in ("train", "test"):
        told = loss.value(data[f"{split}_label"], model(data[f"{split}_input"])).mean()
        assert result[f"{split}_loss"][-1] == pytest.approx(told, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("make", MAKES.values(), ids=list(MAKES))
@pytest.mark.parametrize("wish", [None, True, "labels"])
def test_classes_stay_classes_whatever_the_units_of_inputs(make, wish):
    y = (PLAIN > 0.3).astype(float)
    data = in_si_units(y) | {"standardize": wish}
    model, near = make(), make()
    if wish == "labels":
        data["train_input"], data["test_input"] = U[:120], U[120:]
    result = quiet_fit(model, data, "LM", 20, loss="cross_entropy", metrics=("accuracy",))
    quiet_fit(near, samples(U, y) | {"standardize": wish}, "LM", 20, loss="cross_entropy")
    assert result["test_accuracy"][-1] >= 0.85
    if wish != "labels":
        np.testing.assert_array_equal(model.scaler.label_scale, 1.0)
        assert (model.scaler.input_scale != 1.0).all()
    p = model.predict_proba(data["test_input"])
    truth = p[np.arange(40), data["test_label"][:, 0].astype(int)]
    assert result["test_loss"][-1] == pytest.approx(-np.log(truth).mean(), rel=1e-3)
    again = reread(model)
    np.testing.assert_array_equal(again.predict_proba(data["test_input"]), p)
    np.testing.assert_array_equal(again.predict_class(data["test_input"]), p.argmax(axis=1))
    loss, _ = model.loss_and_gradient(data["test_input"], data["test_label"], loss=CrossEntropy())
    assert loss == pytest.approx(result["test_loss"][-1], rel=1e-6)


def test_several_classes_of_a_table_in_units():
    labels = np.digitize(PLAIN[:, 0], [0.0, 0.6])
    x = OF_INPUT * U + AT_INPUT
    data = dataset_from_arrays(x, labels, test_fraction=0.2, standardize=True)
    model = KAN([2, 3], grid=3, seed=0)
    result = quiet_fit(model, data, "LM", 15, loss="cross_entropy", metrics=("accuracy",))
    assert result["test_accuracy"][-1] > 0.75
    assert model.predict_proba(data["test_input"]).shape == (32, 3)


@pytest.mark.parametrize("make", MAKES.values(), ids=list(MAKES))
def test_counts_stay_counts(make):
    counts = np.random.default_rng(1).poisson(200.0 * np.exp(PLAIN))
    data = in_si_units(counts.astype(float))  # with a spread of hundreds
    model = make()
    result = quiet_fit(model, data, "LBFGS", 30, loss="poisson", metrics=("mae",))
    np.testing.assert_array_equal(model.scaler.label_scale, 1.0)
    rate = model.predict_rate(data["test_input"])
    assert np.abs(rate / (200.0 * np.exp(PLAIN[120:])) - 1.0).mean() < 0.15
    assert result["test_mae"][-1] == pytest.approx(np.abs(rate - data["test_label"]).mean(), rel=1e-9)
    np.testing.assert_array_equal(reread(model).predict_rate(data["test_input"]), rate)


def test_a_model_of_standardised_labels_goes_on_with_classes():
    """Its outputs are logits from then on, which no scaler of labels may touch."""
    data = in_si_units(OF_LABEL * PLAIN + AT_LABEL)
    model = KAN([2, 2, 1], grid=3, seed=0)
    quiet_fit(model, data, "LM", 3)
    assert model.scaler.label_scale[0] < 1e-6
    shift = model.scaler.input_shift
    quiet_fit(model, in_si_units((PLAIN > 0.3) * 1.0), "LM", 20, loss="cross_entropy")
    np.testing.assert_array_equal(model.scaler.label_scale, 1.0)
    np.testing.assert_array_equal(model.scaler.input_shift, shift)
    assert np.mean(model.predict_class(data["train_input"]) == (PLAIN[:120, 0] > 0.3)) > 0.85


def test_labels_of_an_own_loss_are_standardised_on_request_alone():
    data = in_si_units(OF_LABEL * PLAIN + AT_LABEL)
    seen = []

    def watched(y, f):
        seen.append(float(np.abs(y).max()))
        return asymmetric(y, f)

    model = MLP([2, 5, 1], seed=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(data, "LM", 3, loss=watched)
    (said,) = [str(w.message) for w in caught if w.category is ScaleWarning]
    assert "standardize=True, since the data are far from one" in said
    np.testing.assert_array_equal(model.scaler.label_scale, 1.0)
    model = KAN([2, 2, 1], grid=3, seed=0)
    quiet_fit(model, data, "LM", 20, loss=watched, standardize=True)
    residual = model(data["test_input"]) - data["test_label"]
    assert np.abs(residual).mean() < 0.3 * OF_LABEL
    low = model(data["train_input"]) < data["train_label"]
    assert np.mean(low) < 0.42  # it costs more
    assert max(seen) < 1e-6  # what it sees are labels in their units either way


@pytest.mark.parametrize(
    "loss", [Huber(0.3), Quantile(0.2, 0.1), loss_of(asymmetric), CrossEntropy()], ids=lambda loss: loss.name
)
def test_derivatives_of_losses_in_units(loss):
    rng = np.random.default_rng(0)
    y, f = rng.uniform(0.1, 0.9, (20, 2)), rng.normal(size=(20, 2))
    shift, unit = np.array([0.0, 0.2]), np.array([0.7, 0.5])
    if isinstance(loss, CrossEntropy):
        loss_y, y = y, y / y.sum(axis=1, keepdims=True)
        assert loss_y.shape == y.shape
    given = network_loss(loss.checked(y, f), shift, unit)
    for j in range(2):
        step = np.zeros(2)
        step[j] = 1e-6
        slope = (given.value(y, f + step) - given.value(y, f - step)) / 2e-6
        np.testing.assert_allclose(given.gradient(y, f)[:, j], slope, rtol=1e-5, atol=1e-8)
        if not isinstance(loss, Huber | Quantile):
            bend = (given.gradient(y, f + step) - given.gradient(y, f - step)) / 2e-6
            np.testing.assert_allclose(given.curvature(y, f)[:, :, j], bend, rtol=1e-4, atol=1e-7)
