"""Random splines on edges of compiled and widened networks."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from mixed_models import mixed_model

from kan_np import KAN, kanpiler

A, B = sympy.symbols("a b")
X = np.random.default_rng(0).uniform(-1, 1, (60, 2))


def compiled():
    """sin(a) + b^2, with a hidden layer of three more nodes."""
    model = kanpiler([A, B], sympy.exp(sympy.sin(A) + B**2))
    model.expand_width(1, 3)
    return model


def test_non_intrusive_keeps_the_function_and_adds_parameters():
    model = compiled()
    before, n_edges = model(X), model.n_edge
    model.perturb(seed=1)
    np.testing.assert_array_equal(model(X), before)
    # from two inputs to three new nodes, and from these to the output
    assert model.n_edge == n_edges + 6 + 3
    assert model.n_params > n_edges
    assert all((model.coef[1][1:] == 0).ravel())
    assert (model.coef[0][:, 1:] != 0).all()


def test_what_was_added_is_trained():
    model = compiled()
    y = np.exp(np.sin(X[:, [0]]) + X[:, [1]] ** 2) + 0.3 * X[:, [0]] * X[:, [1]]
    error = np.sqrt(np.mean((model(X) - y) ** 2))
    alone = model.copy()
    dataset = {"train_input": X, "train_label": y}
    model.perturb(seed=0)
    smoothed = {"opt": "LM", "steps": 20, "smoothing": 1e-6}
    assert model.fit(dataset, **smoothed)["train_loss"][-1] < 0.2 * error
    assert alone.fit(dataset, "LM", 20, smoothing=0.0)["train_loss"][-1] > 0.2 * error


def test_zero_symbols_that_carry_a_constant_stay_used():
    model = KAN([1, 2, 1], seed=0)
    for edge, d in (((0, 0, 0), 0.7), ((0, 0, 1), 0.0)):
        model.fix_symbolic(*edge, "0", fit=False, d=d)
    before = model(X[:, :1])
    model.perturb()
    np.testing.assert_array_equal(model(X[:, :1]), before)


def test_minimal_moves_the_edges_that_are_there_and_all_moves_every_edge():
    model = compiled()
    n_edges = model.n_edge
    minimal, everything = model.copy(), model.copy()
    minimal.perturb(0.1, "minimal", x=X)
    assert minimal.n_edge == n_edges
    assert minimal.symbols == {}
    everything.perturb(0.1, "all", x=X)
    assert everything.n_edge == sum(n * m for n, m in [(2, 4), (4, 1)])
    assert everything.symbols == {}
    before = model(X)
    for other in (minimal, everything):
        change = np.sqrt(np.mean((other(X) - before) ** 2)) / before.std()
        assert 1e-3 < change < 1.0


def test_a_magnitude_of_zero_leaves_the_nearest_splines():
    model = kanpiler([A, B], sympy.sin(A) + B**2, grid=20)
    before = model(X)
    model.perturb(0.0, "minimal", x=X)
    np.testing.assert_allclose(model(X), before, atol=1e-4)


def test_locks_stay_locked_and_frozen_edges_stay():
    model = mixed_model()
    model.set_family(2, "chebyshev", [(1, 0)])
    model.freeze(0, [(1, 0)])
    coef, locks, families = model.coef[0][1, 0], model.locks, model.families
    model.perturb(0.5, "all", seed=2, x=X)
    np.testing.assert_array_equal(model.coef[0][1, 0], coef)
    assert model.locks == locks
    assert model.families == families
    for group in model.locks:
        curves = [model.take_function(*edge)(np.linspace(-1, 1, 9)) for edge in group]
        np.testing.assert_allclose(curves, np.tile(curves[0], (len(curves), 1)), atol=1e-12)


def test_the_seed_decides_and_nothing_else():
    first, second, third = compiled(), compiled(), compiled()
    first.perturb(mode="all", seed=3)
    second.perturb(mode="all", seed=3)
    third.perturb(mode="all", seed=4)
    np.testing.assert_array_equal(first.theta, second.theta)
    assert (first.theta != third.theta).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "intrusive"}, "mode is 'intrusive'"),
        ({"mag": -1.0}, "mag is -1"),
    ],
)
def test_what_cannot_be_perturbed_is_refused_and_left(options, message):
    model = KAN([1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "log", fit=False, b=-1.0)
    net = model._network
    with pytest.raises(ValueError, match=message):
        model.perturb(**options)
    assert model._network is net
