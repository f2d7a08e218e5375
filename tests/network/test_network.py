"""Networks with symbols, products, scales and ties against their slow twins."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from mixed_models import mixed_model

from kan_np import KAN
from kan_np.network import layered
from kan_np.network.network import Network
from kan_np.symbolic import default_library

RNG = np.random.default_rng(1)
X = RNG.uniform(-1.2, 1.2, (60, 2))


def plain(**options):
    return KAN([2, 3, 2, 1], grid=4, seed=0, noise_scale=3.0, **options)


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize(
    ("base_fun", "extrapolation", "k"),
    [("silu", "smooth", 3), ("identity", "continue", 2), ("zero", "zero", 5), ("silu", "constant", 0)],
)
def test_values_are_those_of_the_formulas(affine, base_fun, extrapolation, k):
    model = mixed_model(affine=affine, base_fun=base_fun, extrapolation=extrapolation, k=k)
    layers = reference.unpack_mixed(model._theta, model)
    expected = reference.mixed_forward(X, layers, k, base_fun, extrapolation)
    np.testing.assert_allclose(model(X), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("affine", "k", "base_fun"), [(False, 3, "silu"), (True, 2, "identity"), (True, 5, "zero")]
)
def test_derivatives_by_inputs_are_exact(affine, k, base_fun):
    model = mixed_model(affine=affine, k=k, base_fun=base_fun)
    layers = reference.unpack_mixed(model._theta, model)
    jacobian = model.input_jacobian(X)
    for i in range(2):
        step = 1e-30j * (np.arange(2) == i)
        moved = reference.mixed_forward(X + step, layers, k, base_fun, "smooth")
        np.testing.assert_allclose(jacobian[:, :, i], moved.imag / 1e-30, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("model", [plain(), plain(k=0), plain(k=1), mixed_model(), mixed_model(affine=True)])
def test_compiled_and_layer_by_layer_agree(model):
    net = model._network
    structure, values = net.structure, net.values
    slow = layered.node_values(structure, values, X)
    np.testing.assert_allclose(net.node_values(X), slow, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(net.forward(X), layered.forward(structure, values, X), rtol=1e-12, atol=1e-12)
    slow = layered.input_jacobian(structure, values, X)
    np.testing.assert_allclose(net.input_jacobian(X), slow, rtol=1e-11, atol=1e-11)


def test_a_network_is_put_together_from_its_layers_to_the_bit():
    for model in (plain().prune_node(active=[[0, 2], [1]]), mixed_model(), mixed_model(affine=True)):
        net = model._network
        again = Network.from_layers(net.layers, net.ties)
        assert (again.values == net.values).all()
        assert (again.forward(X) == net.forward(X)).all()
        assert (again.width, again.width_in, again.arities) == (net.width, net.width_in, net.arities)
        for name in ("masks", "coef", "scale_base", "knots", "reach"):
            for ours, theirs in zip(getattr(again, name), getattr(net, name), strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_a_symbol_without_a_compiled_function_goes_layer_by_layer():
    model = mixed_model()
    library = default_library().add("wave", "sin(x)*exp(-x)").add("J_0", "besselj(0, x)")
    model.fix_symbolic(0, 1, 0, "wave", library=library)
    assert model._network.is_compiled
    model.fix_symbolic(0, 1, 0, "J_0", library=library)
    assert not model._network.is_compiled
    jacobian = model.input_jacobian(X)
    for i in range(2):
        step = 1e-6 * (np.arange(2) == i)
        np.testing.assert_allclose(jacobian[:, :, i], (model(X + step) - model(X - step)) / 2e-6, atol=1e-6)


def test_parameters_go_in_and_out():
    for model in (mixed_model(), mixed_model(affine=True), mixed_model(locked=False)):
        net = model._network
        assert net.n_params == net.theta.size == model.n_params
        theta = RNG.normal(size=net.n_params)
        assert (net.with_theta(theta).theta == theta).all()
        assert (net.with_theta(net.theta).forward(X) == net.forward(X)).all()


def test_locked_edges_count_once():
    free, locked = mixed_model(locked=False), mixed_model()
    assert free.n_params - locked.n_params == 2 * (4 + 3 + 1) + 3
    assert (free.affine_trainable, mixed_model(affine=True).n_params - locked.n_params) == (
        False,
        2 * (7 + 4) + 2 * (3 + 2) + 2 * (2 + 2),
    )


def test_edges_sums_and_nodes_fit_together():
    model = mixed_model(affine=True)
    net = model._network
    nodes = np.split(net.node_values(X), np.cumsum(model.width)[:-1])
    for l, affine in enumerate(model.affine):  # noqa: E741
        phi = net.edge_values(l, nodes[l])
        assert not phi[~model.edges[l]].any()
        sums = sum(phi)
        scaled = affine.subnode_scale[:, None] * sums + affine.subnode_bias[:, None]
        first, expected = 0, []
        for m in net.arities[l]:
            expected.append(scaled[first : first + m].prod(axis=0))
            first += m
        above = affine.node_scale[:, None] * np.array(expected) + affine.node_bias[:, None]
        np.testing.assert_allclose(nodes[l + 1], above, rtol=1e-12, atol=1e-12)


def test_long_predictions_come_in_parts():
    model = mixed_model()
    x = RNG.uniform(-1, 1, (20_000, 2))
    whole = model(x)
    np.testing.assert_allclose(model.predict(x, batch_size=700), whole, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(model(x[::-1])[::-1], whole, rtol=1e-12, atol=1e-12)
    for n in (1, 7, 257):
        np.testing.assert_allclose(model(x[:n]), whole[:n], rtol=1e-12, atol=1e-12)


def test_extrapolation_error_asks_for_inputs_of_splines_alone():
    model = KAN([2, 1], extrapolation="error", seed=0)
    model.fix_symbolic(0, 1, 0, "sin", fit=False)
    assert np.isfinite(model([[0.0, 5.0]])).all()
    with pytest.raises(ValueError, match=r"input 0 has 1 values outside its grid \[-1, 1\]"):
        model([[5.0, 0.0]])
