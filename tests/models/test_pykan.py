"""With extrapolation="zero" and the same numbers a KAN computes pykan's function and pykan's penalty.

pykan_table.json was written by pykan 0.2.8 itself; see benchmarks/pykan_table.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from evaluated import penalty_value

from kan_np import KAN
from kan_np.objective.sparsity_penalty import METRICS, Penalty

MODELS = json.loads((Path(__file__).parent / "pykan_table.json").read_text())["models"]


@pytest.fixture(params=MODELS, ids=lambda m: str(m["width"]))
def row(request):
    return request.param


def load(row):
    model = KAN(row["width"], row["grid"], row["k"], extrapolation="zero")
    parts = {
        name: [np.array(layer[name]) for layer in row["layers"]] for name in ("coef", "scale_base", "knots")
    }
    model.set_parameters(**parts)
    return model


def test_outputs_are_pykans(row):
    inputs, outputs = np.array(row["inputs"]), np.array(row["outputs"])
    outside = (np.abs(inputs) > 1).any(axis=1)
    assert outside.sum() > 5
    np.testing.assert_allclose(load(row)(inputs), outputs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_penalty_is_pykans(row, metric):
    value = penalty_value(
        Penalty(1.0, 1.0, 2.0, reg_metric=metric), load(row)._network, np.array(row["samples"])
    )
    assert value == pytest.approx(row["penalty"][metric], rel=1e-11)
