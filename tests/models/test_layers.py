"""Layers by themselves, and networks that are made of them."""

import numpy as np
import pytest

from kan_np import KAN, KANLayer, Sequential, create_dataset

X = np.random.default_rng(0).uniform(-1, 1, (16, 2))


def test_sixteen_rows_through_two_layers():
    first, second = KANLayer(2, 5, seed=0), KANLayer(5, 1, seed=1)
    network = Sequential(first, second)
    assert first(X).shape == (16, 5)
    assert network(X).shape == (16, 1)
    np.testing.assert_allclose(network(X), second(first(X)), rtol=1e-13, atol=1e-15)
    assert network.n_params == first.n_params + second.n_params == KAN([2, 5, 1]).n_params
    assert len(network) == 2
    assert repr(network) == (
        "Sequential(KANLayer(2, 5, grid=5, k=3, n_params=90), KANLayer(5, 1, grid=5, k=3, n_params=45))"
    )


def test_the_network_is_a_model_like_any_other():
    f = lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)  # noqa: E731
    dataset = create_dataset(f, train_num=300, seed=0)
    first, second = KANLayer(2, 5, seed=0), KANLayer(5, 1, seed=1)
    network, before = Sequential(first, second), first(X)
    result = network.model.fit(dataset, opt="LM", steps=60)
    assert result["test_loss"][-1] < 1e-2
    np.testing.assert_array_equal(first(X), before)  # the layers were copied
    trained = [layer(X) if number == 0 else layer for number, layer in enumerate(network)]
    np.testing.assert_allclose(trained[1](trained[0]), network.model._network.forward(X), rtol=1e-12)
    np.testing.assert_allclose(network[-1](network[0](X)), network.model._network.forward(X), rtol=1e-12)


def test_ranges_families_locks_and_frozen_parameters_stay():
    first, second = KANLayer(2, 3, grid_range=(-2, 2), seed=0), KANLayer(3, 2, seed=1)
    first.model.freeze(kind="base")
    second.model.set_family(0, "chebyshev", [(0, 0)])
    second.model.lock(0, [(1, 0), (2, 1)])
    network = Sequential(first, second)
    np.testing.assert_allclose(network(X), second(first(X)), rtol=1e-13, atol=1e-15)
    assert network.n_params == first.n_params + second.n_params
    assert (network.model.knots[0][:, 0] == -2).all()
    assert network.model.locks == [[(1, 1, 0), (1, 2, 1)]]
    assert network.model.families == {(1, 0, 0): ("chebyshev", 5)}
    assert {part[0] for part in network.model.frozen} == {0}
    assert network[0].n_params == first.n_params
    assert network[1].model.locks == second.model.locks


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="Sequential has no layers; expected at least one"):
        Sequential()
    with pytest.raises(TypeError, match=r"layer 1 is .*; expected a KANLayer"):
        Sequential(KANLayer(2, 1), KAN([1, 1]))
    with pytest.raises(ValueError, match="layer 1 has 4 inputs and layer 0 5 outputs; expected as many"):
        Sequential(KANLayer(2, 5), KANLayer(4, 1))
    for option in ({"grid": 8}, {"k": 2}, {"base_fun": "zero"}, {"extrapolation": "linear"}):
        (name,) = option
        with pytest.raises(
            ValueError, match=f"{name} is .* in layer 0 and .* in layer 1; expected one {name}"
        ):
            Sequential(KANLayer(2, 5), KANLayer(5, 1, **option))
    with pytest.raises(ValueError, match="n_in is 0; expected an integer >= 1"):
        KANLayer(0, 1)
    with pytest.raises(IndexError):
        Sequential(KANLayer(2, 1))[1]
