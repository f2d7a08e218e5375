"""Samples by columns, or read-only, and models shared among processes: nothing is compiled anew."""

from __future__ import annotations

import joblib
import numba
import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, MLP
from kan_np.kernels import mlp, network

X = np.random.default_rng(0).uniform(-1.0, 1.0, (40, 2))


def fixed(values):
    """A copy that may not be written."""
    own = values.copy(order="K")
    own.flags.writeable = False
    return own


KINDS = {
    "by columns": np.asfortranarray(X),
    "some of the columns": np.column_stack([X, X])[:, 1:3],
    "may not be written": fixed(X),
    "by columns, may not be written": fixed(np.asfortranarray(X)),
}
MODELS = {
    "splines": lambda: KAN([2, 3, 1], grid=4, seed=0),
    "mixed": lambda: mixed_model(affine=True),
    "mlp": lambda: MLP([2, 4, 1], seed=0),
}


def compiled():
    """All versions of the kernels that evaluate networks."""
    kernels = network.forward, network.expand_inputs, network.input_jacobian, network.edge_statistics
    return [
        tuple(kernel.overloads)
        for kernel in (*kernels, network.loss_and_gradient, mlp.forward, mlp.values_and_slopes)
    ]


def used(model, x):
    """What a model says of samples, and after a step of training on them."""
    other = model.copy()
    data = {"train_input": x, "train_label": x[:, :1] * np.ones(np.shape(model(x))[1])}
    options = {} if isinstance(model, MLP) else {"smoothing": 0.0, "lamb": 1e-3}
    other.fit(data, steps=2, opt="LBFGS", standardize=False, **options)
    return model(x), model.input_jacobian(x), other(x)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
@pytest.mark.parametrize("model", MODELS)
def test_every_kind_of_array_uses_the_same_code_and_gives_the_same_bits(model, tmp_path):
    made = MODELS[model]()
    expected, before = used(made, np.ascontiguousarray(X)), compiled()
    for x in KINDS.values():
        for found, own in zip(used(made, x), used(made, np.ascontiguousarray(x)), strict=True):
            assert np.array_equal(found, own)
    joblib.dump(made, tmp_path / "model")
    shared = joblib.load(tmp_path / "model", mmap_mode="r")
    for found, own in zip(used(shared, X), expected, strict=True):
        assert np.array_equal(found, own)
    assert compiled() == before
