"""MLP.from_weights: a network that another library has trained."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import MLP, Scaler, load_model


def layers(rng, width):
    pairs = list(zip(width[:-1], width[1:], strict=True))
    return [rng.normal(size=pair) for pair in pairs], [rng.normal(size=n) for _, n in pairs]


@pytest.mark.parametrize(
    ("activation", "function"), [("tanh", np.tanh), ("relu", lambda z: np.maximum(z, 0.0))]
)
def test_it_computes_what_the_formula_says(activation, function):
    rng = np.random.default_rng(0)
    weights, biases = layers(rng, [3, 5, 4, 2])
    model = MLP.from_weights(weights, biases, activation)
    assert model.width == [3, 5, 4, 2]
    x = rng.normal(size=(50, 3))
    h = function(function(x @ weights[0] + biases[0]) @ weights[1] + biases[1])
    np.testing.assert_allclose(model(x), h @ weights[2] + biases[2], atol=1e-12)


def test_it_keeps_the_scaler_and_survives_a_file(tmp_path):
    rng = np.random.default_rng(1)
    weights, biases = layers(rng, [1, 3, 1])
    scaler = Scaler([1.0], [2.0], [10.0], [4.0])
    model = MLP.from_weights(weights, biases, scaler=scaler)
    x = rng.normal(size=(5, 1))
    plain = MLP.from_weights(weights, biases)
    np.testing.assert_allclose(model.predict(x), 10.0 + 4.0 * plain((x - 1.0) / 2.0), atol=1e-12)
    np.testing.assert_array_equal(model.predict(x), model(x))
    model.save(tmp_path / "m.npz")
    np.testing.assert_array_equal(load_model(tmp_path / "m.npz").predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([], [], "weights has 0 layers"),
        ([[[1.0]]], [], "weights has 1 layers and biases 0"),
        ([[[1.0, 2.0]], [[1.0]]], [[0.0, 0.0], [0.0]], r"layer 1 has weights of shape \(1, 1\)"),
        ([[[1.0, 2.0]]], [[0.0]], r"layer 0 .* and 1 biases"),
    ],
)
def test_layers_that_do_not_follow_each_other_are_refused(weights, biases, message):
    with pytest.raises(ValueError, match=message):
        MLP.from_weights(weights, biases)
