"""Error bars in files: the same bits after reading, old versions where there are none, damage is refused."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from small_fits import data, small

from kan_np import KAN, MLP, load_model
from kan_np.model_file import BARS_PREFIX
from kan_np.uncertainty.calibration import METHODS


def saved(model):
    buffer = io.BytesIO()
    model.save(buffer)
    return buffer.getvalue()


def content(raw):
    arrays = dict(np.load(io.BytesIO(raw)))
    return json.loads(str(arrays.pop("header"))), arrays


def packed(header, arrays):
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array(json.dumps(header)), **arrays)
    return io.BytesIO(buffer.getvalue())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [KAN, MLP], ids=["KAN", "MLP"])
@pytest.mark.parametrize("standardize", [False, True])
def test_read_back_to_the_same_bits(kind, method, standardize):
    dataset = data(standardize=standardize)
    model = small(dataset, kind)
    model.calibrate(dataset, method, members=2, folds=2)
    raw = saved(model)
    again = load_model(io.BytesIO(raw))
    x = dataset["val_input"]
    if standardize:
        x = x * dataset["scaler"].input_scale + dataset["scaler"].input_shift
    for one, other in zip(
        model.predict(x, return_std=True, interval=0.8),
        again.predict(x, return_std=True, interval=0.8),
        strict=True,
    ):
        assert (one == other).all()
    assert again.error_bars.method == method
    assert saved(again) == raw
    assert content(raw)[0]["version"] == 6


def test_models_without_error_bars_are_written_as_before():
    dataset = data()
    model = small(dataset)
    header, arrays = content(saved(model))
    assert header["version"] <= 5
    assert "error_bars" not in header
    model.calibrate(dataset)
    model.theta = model.theta + 0.1  # error bars of another model are left out
    header, arrays = content(saved(model))
    assert header["version"] <= 5
    assert not any(name.startswith(BARS_PREFIX) for name in arrays)
    assert load_model(io.BytesIO(saved(model))).error_bars is None


def test_damaged_error_bars_are_refused():
    dataset = data()
    model = small(dataset)
    model.calibrate(dataset, "jackknife+", folds=2)
    header, arrays = content(saved(model))

    def refused(match, header=header, **changed):
        new = {name: array for name, array in (arrays | changed).items() if array is not None}
        with pytest.raises(ValueError, match=match):
            load_model(packed(header, new))

    refused("lack 'residuals'", bars_residuals=None)
    refused("not finite", bars_residuals=np.full_like(arrays["bars_residuals"], np.nan))
    refused("negative", bars_residuals=-arrays["bars_residuals"])
    refused("folds", bars_fold=arrays["bars_fold"] + 1)
    refused("expected", bars_fold=arrays["bars_fold"].astype(float))
    refused("which no error bars have", bars_more=np.zeros(3))
    refused("member 1|theta", bars_1_theta=arrays["bars_1_theta"][:, 1:])
    refused("no method", header=header | {"error_bars": None})
    refused("no known method", header=header | {"error_bars": {"method": "guess"}})
    others = [{"kind": "KAN", "config": header["config"] | {"width": [2, 1]}}] * 2
    refused("damaged", header=header | {"error_bars": {"method": "jackknife+", "members": others}})
    refused("no known kind", header=header | {"error_bars": {"method": "jackknife+", "members": [3, 4]}})

    model.calibrate(dataset, "conformal")
    header, arrays = content(saved(model))
    refused("not sorted", header=header, bars_scores=arrays["bars_scores"][::-1])
    refused("negative", header=header, bars_noise=np.array([0.0]))
    refused("expected", header=header, bars_root=arrays["bars_root"][1:])
