"""Frozen parameters: what training, saving, refining and pruning leave as it is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from evaluated import layered_objective
from mixed_models import mixed_model

from kan_np import KAN, create_dataset, load_model
from kan_np.objective.network_objective import network_objective

DATA = create_dataset(
    lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=300, seed=0
)
pytestmark = pytest.mark.filterwarnings("ignore::kan_np.KanWarning")
OPTIMIZERS = ("LBFGS", "LM", "L-BFGS-B", "BFGS", "CG", "TNC", "Newton-CG", "trust-ncg", "trf", "dogbox")


def reloaded(model):
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    return load_model(buffer)


@pytest.mark.parametrize("opt", OPTIMIZERS)
def test_no_optimizer_moves_what_is_frozen(opt):
    model = KAN([2, 3, 1], grid=4, seed=0)
    model.freeze(0, [(0, 0), (1, 2)])
    model.freeze(1, kind="base")
    coef, weight, knots = model.coef, model.scale_base, model.knots
    free = KAN([2, 3, 1], grid=4, seed=0)
    assert model.n_params == free.n_params - 2 * 8 - 3
    result = model.fit(DATA, opt=opt, steps=6, smoothing=0.0)
    assert result["train_loss"][-1] < 0.9 * result["train_loss"][0]
    for i, j in ((0, 0), (1, 2)):
        np.testing.assert_array_equal(model.coef[0][i, j], coef[0][i, j])
        assert model.scale_base[0][i, j] == weight[0][i, j]
    np.testing.assert_array_equal(model.scale_base[1], weight[1])
    np.testing.assert_array_equal(model.knots[0], knots[0])
    assert (model.coef[0][0, 1] != coef[0][0, 1]).all()
    assert (model.coef[1] != coef[1]).any(axis=2).all()
    assert (model.knots[1] != knots[1]).any(axis=1).all()


def test_the_least_squares_of_what_is_free_is_that_of_lstsq():
    rng = np.random.default_rng(0)
    model = KAN([2, 1], grid=4, base_fun="zero", noise_scale=1.0, seed=1)
    model.freeze(0, [(0, 0)])
    x, y = rng.uniform(-1, 1, (200, 2)), rng.normal(size=(200, 1))
    fixed = model([[q, 0.0] for q in x[:, 0]])[:, 0] - model([[0.0, 0.0]])[0, 0]
    data = {"train_input": x, "train_label": y}
    model.fit(data, opt="LM", steps=20, smoothing=0.0, update_grid=False)
    from kan_np import design_matrix

    basis = design_matrix(x[:, 1], model.knots[0][1], 3)
    rest = y[:, 0] - fixed
    best = basis @ np.linalg.lstsq(basis, rest, rcond=None)[0]
    np.testing.assert_allclose(model(x)[:, 0], fixed + best, atol=1e-6)


@pytest.mark.parametrize("affine", [False, True])
def test_derivatives_by_what_is_free_are_parts_of_those_by_all(affine):
    model = mixed_model(affine=affine, locked=False, seed=2)
    x, y = np.random.default_rng(1).uniform(-1, 1, (60, 2)), np.random.default_rng(2).normal(size=(60, 2))
    theta, net = model._theta, model._network
    _, whole, matrix = network_objective(net, x, y, smoothing=0.1).normal_equations(theta)
    matrix = np.tril(matrix) + np.tril(matrix, -1).T
    model.freeze(0, [(0, 0), (0, 1)])
    model.freeze(2)
    if affine:
        model.freeze(1, kind="affine")
    frozen = model._network
    position = np.full(net.values.size, -1)
    position[net.structure.parameters.trained] = np.arange(theta.size)
    own = position[frozen.structure.parameters.trained]
    assert (frozen.theta == theta[own]).all()
    assert own.size == model.n_params < theta.size
    for make in (network_objective, layered_objective):
        objective = make(frozen, x, y, smoothing=0.1)
        _, gradient, part = objective.normal_equations(frozen.theta)
        np.testing.assert_allclose(gradient, whole[own], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(np.tril(part), np.tril(matrix[np.ix_(own, own)]), rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(objective(frozen.theta)[1], whole[own], rtol=1e-9, atol=1e-12)


def test_files_finer_grids_and_copies_keep_it():
    model = mixed_model(affine=True)
    model.freeze(0, [(0, 0)])
    model.freeze(kind="symbol")
    model.freeze(1, kind="affine")
    assert (1, None, None, "affine") in model.frozen
    for again in (reloaded(model), model.copy(), model.refine(8)):
        assert again.frozen == model.frozen
        np.testing.assert_allclose(again([[0.1, 0.2]]), model([[0.1, 0.2]]), rtol=1e-9)
    assert reloaded(model).n_params == model.n_params


def test_pruning_keeps_it_with_the_new_numbers_of_edges():
    model = KAN([3, 4, 1], grid=3, noise_scale=2.0, seed=0)
    model.freeze(0, [(2, 3), (0, 1)])
    small = model.prune_node(active=[[1, 3]])
    assert small.frozen == [(0, i, j, kind) for i, j in ((0, 0), (2, 1)) for kind in ("base", "spline")]
    assert small.n_params == 8 * 7 - 2 * 7
    assert small.prune_input(active=[0, 1]).frozen == [(0, 0, 0, "base"), (0, 0, 0, "spline")]


def test_locked_edges_are_frozen_together():
    model = KAN([2, 2, 1], grid=3, seed=0)
    model.lock(0, [(0, 0), (1, 1)])
    model.freeze(0, [(1, 1)], kind="spline")
    assert model.frozen == [(0, 0, 0, "spline"), (0, 1, 1, "spline")]
    other = KAN([2, 2, 1], grid=3, seed=0)
    other.freeze(0, [(0, 0)])
    other.lock(0, [(0, 0), (1, 1)])
    assert {part[:3] for part in other.frozen} == {(0, 0, 0), (0, 1, 1)}
    other.unfreeze()
    assert (other.frozen, other.n_params) == ([], 7 * 6 - 7)


def test_an_edge_that_becomes_a_symbol_or_a_spline_is_free():
    model = KAN([1, 1], seed=0)
    model.freeze()
    model.fix_symbolic(0, 0, 0, "sin", fit=False)
    assert (model.frozen, model.n_params) == ([], 4)
    model.freeze(0, [(0, 0)], "symbol")
    assert model.n_params == 0
    model.unfix_symbolic(0, 0, 0)
    assert model.frozen == []


def test_a_model_without_free_parameters_is_not_trained():
    model = KAN([2, 1], seed=0)
    model.freeze()
    before = model([[0.3, 0.4]])
    with pytest.raises(ValueError, match="every parameter is frozen"):
        model.fit(DATA)
    np.testing.assert_array_equal(model([[0.3, 0.4]]), before)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((5,), ValueError, "l is 5"),
        ((0, [(9, 9)]), ValueError, "i is 9"),
        ((None, [(0, 0)]), ValueError, "edges are given without l"),
        ((0, None, "weights"), ValueError, "kind is 'weights'"),
        ((0, [(0, 0)], "affine"), ValueError, "kind is 'affine'"),
        ((0, None, "symbol"), ValueError, "no parameters of the kind 'symbol'"),
        (("0",), TypeError, "l is"),
    ],
)
def test_what_is_not_there_is_said(arguments, error, said):
    model = KAN([2, 2, 1], seed=0)
    with pytest.raises(error, match=said):
        model.freeze(*arguments)
    assert model.frozen == []


def test_few_samples_of_a_model_with_frozen_edges_have_a_prior_too():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
    model = KAN([3, 3, 1], grid=5, seed=0)
    model.freeze(0, [(0, 0)])
    coef = model.coef[0][0, 0]
    result = model.fit({"train_input": x, "train_label": y})
    assert result.shrinkage > 0
    fresh = rng.normal(size=(400, 3))
    assert np.sqrt(np.mean(model.predict(fresh) ** 2)) < 1.0
    np.testing.assert_array_equal(model.coef[0][0, 0], coef)


@pytest.mark.slow
def test_a_finer_model_after_few_samples_keeps_what_was_done_to_it():
    rng = np.random.default_rng(0)
    data = {"train_input": rng.normal(size=(40, 2)), "train_label": rng.normal(size=(40, 1))}
    frozen, symbol, pruned = (KAN([2, 3, 1], grid=3, seed=0) for _ in range(3))
    for model in (frozen, symbol, pruned):
        model.fit(data, opt="LM", steps=3)
    frozen._network = pruned._network = symbol._start  # as if something had been learnt
    symbol._network = symbol._start.with_theta(symbol._start.theta)
    frozen.freeze(0, [(0, 0)])
    coef = frozen.refine(10).coef[0][0, 0]
    symbol.fix_symbolic(0, 0, 0, "sin", fit=False)
    pruned = pruned.remove_node(1, 0)
    for model in (frozen, symbol, pruned):
        fine = model.refine(10)
        fine.fit(data, opt="LM", steps=3)
        assert (fine.width, fine.frozen, fine.symbols.keys()) == (
            model.width,
            model.frozen,
            model.symbols.keys(),
        )
    fine = frozen.refine(10)
    fine.fit(data, opt="LM", steps=3)
    np.testing.assert_array_equal(fine.coef[0][0, 0], coef)


def test_pruning_puts_constants_on_what_is_free():
    model = KAN([2, 3, 1], grid=3, noise_scale=2.0, seed=0)
    model.freeze(1, [(0, 0)])
    coef = model.coef[1][0, 0]
    small = model.prune_node(active=[[0, 1]])
    assert (1, 0, 0, "spline") in small.frozen
    np.testing.assert_array_equal(small.coef[1][0, 0], coef)
    only = model.prune_node(active=[[0]])
    buffer = io.BytesIO()
    only.save(buffer)
    buffer.seek(0)
    assert load_model(buffer).frozen == only.frozen
