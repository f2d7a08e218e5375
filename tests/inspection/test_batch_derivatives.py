"""batch_jacobian and batch_hessian, of models and of functions."""

from __future__ import annotations

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import MLP, batch_hessian, batch_jacobian

X = np.random.default_rng(0).uniform(-0.9, 0.9, (7, 2))


@pytest.mark.parametrize("model", [mixed_model(), MLP([2, 4, 2], seed=0)], ids=["kan", "mlp"])
def test_of_models_they_are_the_exact_ones_and_agree_with_differences(model):
    jacobian, hessian = batch_jacobian(model, X, "vector"), batch_hessian(model, X, "vector")
    assert (jacobian == model.input_jacobian(X)).all()
    assert (hessian == model.input_hessian(X)).all()
    assert (batch_jacobian(model, X) == jacobian[:, 0]).all()
    assert (batch_hessian(model, X) == hessian[:, 0]).all()
    np.testing.assert_allclose(batch_jacobian(lambda x: model(x), X, "vector"), jacobian, atol=1e-6)


def test_of_functions_they_are_right():
    def f(x):
        return np.stack([np.sin(x[:, 0]) * x[:, 1], x[:, 0] ** 2 + np.exp(x[:, 1])], axis=1)

    a, b = X.T
    zero = np.zeros(len(X))
    jacobian = np.array([[np.cos(a) * b, np.sin(a)], [2 * a, np.exp(b)]])
    hessian = np.array(
        [[[-np.sin(a) * b, np.cos(a)], [np.cos(a), zero]], [[zero + 2, zero], [zero, np.exp(b)]]]
    )
    np.testing.assert_allclose(batch_jacobian(f, X, "vector"), np.moveaxis(jacobian, -1, 0), atol=1e-8)
    np.testing.assert_allclose(batch_hessian(f, X, "vector"), np.moveaxis(hessian, -1, 0), atol=1e-6)
    np.testing.assert_allclose(batch_jacobian(lambda x: x[:, 0] * x[:, 1], X), X[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(batch_hessian(lambda x: x[:, 0], X[:1]), np.zeros((1, 2, 2)), atol=1e-9)


@pytest.mark.parametrize("call", [batch_jacobian, batch_hessian])
def test_what_is_no_function_of_samples_is_refused(call):
    with pytest.raises(ValueError, match="mode is 'full'"):
        call(mixed_model(), X, "full")
    with pytest.raises(ValueError, match="returned an array of shape"):
        call(lambda x: x.sum(), X)
