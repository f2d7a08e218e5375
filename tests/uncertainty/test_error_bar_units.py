"""Error bars in the units of the data: datasets as they are, files, and shifted and stretched samples."""

from __future__ import annotations

import io

import numpy as np
import pytest
from small_fits import data, small

from kan_np import KAN, MLP, fit_schedule, load_csv, load_model, standardized
from kan_np.uncertainty.calibration import METHODS

#: Hertz, and joules.
OF_INPUT, AT_INPUT, OF_LABEL, AT_LABEL = 2e14, 5e14, 4e-8, 1e-7
NEW = np.array([[-0.6], [0.1], [0.9], [1.8]])


def stretched(dataset):
    """The same samples in other units."""
    changed = dict(dataset)
    for name, values in dataset.items():
        if name.endswith("_input"):
            changed[name] = OF_INPUT * values + AT_INPUT
        elif name.endswith("_label"):
            changed[name] = OF_LABEL * values + AT_LABEL
    return changed


def told(model, x):
    """Prediction, standard deviation, interval, and drawn functions where there are such."""
    _, std, low, high = model.predict(x, return_std=True, interval=0.8)
    found = [model.predict(x), std, low, high]
    if model.error_bars.method in ("laplace", "ensemble"):
        n = 3 if model.error_bars.method == "ensemble" else 2000
        found.append(model.sample_predictions(x, n=n, seed=0))
    return found


@pytest.mark.filterwarnings("ignore::kan_np.ExtrapolationWarning")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [KAN, MLP], ids=["KAN", "MLP"])
def test_bars_are_shifted_and_stretched_with_the_data(kind, method):
    near, far = data(), stretched(data())
    found = []
    for dataset, new in ((near, NEW), (far, OF_INPUT * NEW + AT_INPUT)):
        model = small(dataset, kind, standardize=True)
        model.calibrate(dataset, method, members=2, folds=3, seed=1)
        found.append(told(model, new))
    (y, std, *others), (of_y, of_std, *of_others) = found
    np.testing.assert_allclose(of_std / OF_LABEL, std, rtol=1e-3)
    if method == "laplace":  # directions of the same length come in any order
        draws = [others.pop().std(axis=0), of_others.pop().std(axis=0) / OF_LABEL]
        np.testing.assert_allclose(*draws, rtol=0.1)
    for near_value, far_value in zip((y, *others), (of_y, *of_others), strict=True):
        np.testing.assert_allclose((far_value - AT_LABEL) / OF_LABEL, near_value, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_datasets_in_units_and_those_standardised_before_give_the_same_bars(method):
    raw = stretched(data())
    model = small(raw)
    before = standardized(raw)
    x = raw["val_input"][:5]
    found = []
    for dataset in (raw, raw | {"standardize": True}, before):
        model.calibrate(dataset, method, members=2, folds=3)
        found.append(told(model, x))
    whole = small(before)
    whole.calibrate(before, method, members=2, folds=3)
    found.append(told(whole, x))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-7 * OF_LABEL)
    model.calibrate(raw)
    assert 0.1 * OF_LABEL < float(repr(model.error_bars).split()[-1][:-1]) < 0.5 * OF_LABEL
    model.calibrate(raw, method, members=2, folds=3)
    # and they are of the size of the noise
    assert (found[0][1] > 0.1 * OF_LABEL).all()
    assert (found[0][1] < 0.5 * OF_LABEL).all()
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    for a, b in zip(told(model, x), told(load_model(file), x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_dataset_standardised_in_another_way_is_refused():
    raw = stretched(data())
    model = small(raw)
    other = standardized(stretched(data(seed=1)))
    with pytest.raises(ValueError, match=r"standardised in another way.*in the units of the data"):
        model.calibrate(other)


def test_fits_to_folds_have_the_scaler_of_the_model():
    """Also where the rows of a fold alone would have asked for another one, or for none."""
    dataset = data(30, held=False)
    dataset["train_label"] = dataset["train_label"] * 0.0101 / dataset["train_label"].std()
    model = small(dataset)
    assert model.scaler is None  # with a spread just above 0.01
    bars = model.calibrate(dataset, "jackknife+", folds=5)
    assert all(member.scaler is None for member in bars.members)
    raw = stretched(data(30, held=False))
    model = small(raw)
    bars = model.calibrate(raw, "jackknife+", folds=3)
    assert all(
        (member.scaler.label_scale == model.scaler.label_scale).all()
        and (member.training_range >= raw["train_input"].min()).all()
        for member in bars.members
    )


def test_a_function_that_refits_gets_samples_in_the_units_of_the_data():
    raw = stretched(data())
    model = small(raw)
    seen = []

    def refit(part, seed):
        seen.append(part["train_input"])
        return small(part)

    model.calibrate(raw, "jackknife+", folds=2, refit=refit)
    rows = np.concatenate(seen)
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(raw["train_input"], axis=0))
    std = model.predict(raw["val_input"], return_std=True)[1]
    assert (std < 0.5 * OF_LABEL).all()
    assert (std > 0.05 * OF_LABEL).all()


@pytest.mark.parametrize("kind", [KAN, MLP], ids=["KAN", "MLP"])
def test_given_grids_and_other_starts(kind):
    raw = stretched(data())
    ends = [AT_INPUT - OF_INPUT, AT_INPUT + OF_INPUT]
    model = MLP([1, 4, 1], seed=0) if kind is MLP else KAN([1, 1], grid=3, grid_range=ends, seed=0)
    model.fit(raw, "LM", 10, **({"weight_decay": 0.0} if kind is MLP else {"update_grid": False}))
    bars = model.calibrate(raw, "ensemble", members=2)
    x, y = raw["val_input"], raw["val_label"]
    for member in bars.members:
        assert np.sqrt(np.mean((member(x) - y) ** 2)) < 0.5 * OF_LABEL
        if kind is KAN:
            np.testing.assert_allclose(member.knots[0], model.knots[0])


def test_two_outputs_of_different_units():
    raw = stretched(data())
    for split in ("train", "val"):
        label = raw[f"{split}_label"]
        raw[f"{split}_label"] = np.hstack([label, 1e6 * (label - AT_LABEL) / OF_LABEL + 3e7])
    model = KAN([1, 2], grid=3, seed=0)
    model.fit(raw, "LM", 10)
    for method in METHODS:
        model.calibrate(raw, method, members=2, folds=3)
        std = model.predict(raw["val_input"], return_std=True)[1]
        np.testing.assert_allclose(std[:, 1], std[:, 0] * 1e6 / OF_LABEL, rtol=2e-2)


def test_a_table_and_a_schedule(tmp_path):
    raw = stretched(data(60, held=False))
    path = tmp_path / "table.csv"
    rows = np.hstack([raw["train_input"], raw["train_label"]])
    np.savetxt(path, rows, delimiter=",", header="frequency,energy", comments="")
    dataset = load_csv(path, target="energy", seed=0)
    stages = fit_schedule([1, 1], dataset, grids=(2, 3), opt="LM", refit=False, seed=0)
    model = stages.best.model
    for method in ("laplace", "conformal"):
        model.calibrate(dataset, method)
        y, std = model.predict(dataset["test_input"], return_std=True)
        assert (std < 0.6 * OF_LABEL).all()
        assert np.mean(np.abs(y - dataset["test_label"]) < 3 * std) > 0.9
