"""Penalties on the scores of edges: their derivatives by spreads, with products and symbols; schedules."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, create_dataset
from kan_np.network.running_statistics import Moments, deviation, deviation_weight
from kan_np.objective.edge_scores import METRICS, Spread, backward_scores, scores
from kan_np.objective.network_objective import network_objective
from kan_np.objective.sparsity_penalty import Penalty, scheduled_penalties, sparsity
from kan_np.training.fit import FitOptions

X = np.random.default_rng(0).uniform(-1, 1, (60, 2))
F = lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)  # noqa: E731
DATA = create_dataset(F, n_var=2, train_num=300, test_num=100, seed=0)
BACKWARD = ("edge_backward", "node_backward")


def random_spread(arities, n_in=2, seed=0):
    """Spreads of a network whose layers have nodes of these arities; some edges are symbols."""
    rng = np.random.default_rng(seed)
    width, n_sub = [n_in, *(len(a) for a in arities)], [sum(a) for a in arities]
    edges = [rng.uniform(0.1, 2, pair) for pair in zip(width[:-1], n_sub, strict=True)]
    symbols = [rng.random(e.shape) < 0.3 for e in edges]
    symbols[0][1, 0] = symbols[-1][0, 0] = True
    return Spread(
        nodes=[rng.uniform(0.1, 2, n) for n in width],
        edges=edges,
        sums=[rng.uniform(0.1, 2, n) for n in n_sub],
        owner=[np.repeat(np.arange(len(a)), a) for a in arities],
        symbols=symbols,
    )


def parts(spread):
    """All its arrays of numbers."""
    return [*spread.nodes, *spread.edges, *spread.sums]


SHAPES = {"sums": [[1, 1, 1], [1]], "products": [[1, 2, 3], [2], [1, 1]], "one layer": [[2, 1]]}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("metric", METRICS)
def test_derivatives_by_all_spreads_agree_with_central_differences(metric, shape):
    spread, penalty = random_spread(SHAPES[shape]), Penalty(1.0, 0.7, 1.3, reg_metric=metric)
    _, slopes = sparsity(penalty, spread)
    for array, slope in zip(parts(spread), [*slopes.nodes, *slopes.edges, *slopes.sums], strict=True):
        for place in np.ndindex(array.shape):
            kept, step = array[place], 1e-6
            around = []
            for moved in (kept + step, kept - step):
                array[place] = moved
                around.append(sparsity(penalty, spread)[0])
            array[place] = kept
            assert slope[place] == pytest.approx((around[0] - around[1]) / (2 * step), abs=2e-8, rel=1e-7)


def test_backward_scores_of_products_are_handed_to_every_factor_whole():
    spread = random_spread([[1, 3], [1, 1]])
    nodes, edges = backward_scores(spread)
    np.testing.assert_array_equal(nodes[2], 0.5)
    node_of = [0, 1, 1, 1]
    for i, j in np.ndindex(2, 4):
        expected = nodes[1][node_of[j]] * spread.edges[0][i, j] / (spread.sums[0][j] + 1e-4)
        assert edges[0][i, j] == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(nodes[0], edges[0].sum(axis=1))
    shares = scores(spread, "node_backward")
    assert [s.shape for s in shares] == [(2, 2), (2, 2)]
    np.testing.assert_allclose(shares[-1].sum(axis=1), nodes[0])


def test_symbols_are_no_splines_for_the_metric_that_says_so():
    spread = random_spread([[1, 2], [1]], seed=1)
    spline, whole = scores(spread, "edge_forward_spline_n"), scores(spread, "edge_forward_sum")
    for symbol, a, b in zip(spread.symbols, spline, whole, strict=True):
        assert symbol.any()
        assert not a[symbol].any()
        np.testing.assert_array_equal(a[~symbol], b[~symbol])
        assert (b[symbol] > 0).all()


def test_arrays_of_scores_are_the_callers():
    spread = random_spread([[1, 2], [1]])
    before = [a.copy() for a in parts(spread)]
    for metric in METRICS:
        for array in scores(spread, metric):
            array[:] = -1.0
    for array, kept in zip(parts(spread), before, strict=True):
        np.testing.assert_array_equal(array, kept)


@pytest.mark.parametrize("metric", BACKWARD)
def test_backward_scores_do_not_care_about_the_scale_of_a_layer_and_the_gradient_knows(metric):
    """Twice a layer is twice its edges and twice the nodes above: the gradient is level in that direction."""
    model = KAN([2, 3, 1], seed=0, init="wide", base_fun="zero")
    theta = model._theta.copy()
    last = np.zeros_like(theta)
    last[6 * 8 :] = theta[6 * 8 :]
    y = np.zeros((60, 1))
    _, free = network_objective(model._network, X, y)(theta)
    value, grad = network_objective(model._network, X, y, Penalty(1.0, reg_metric=metric))(theta)
    assert value > 1
    by_penalty = grad - free
    assert np.linalg.norm(by_penalty) > 0.1
    assert abs(by_penalty @ last) < 2e-3 * np.linalg.norm(by_penalty) * np.linalg.norm(last)


def test_what_is_constant_has_no_spread_and_is_not_pulled():
    mean = np.array([0.0, 1e8, 3.0])
    spread = deviation(np.array([0.0, 1e-14, 8.0]), mean, 3)
    np.testing.assert_array_equal(spread, [0.0, 0.0, 2.0])
    np.testing.assert_array_equal(deviation_weight(np.array([1.0, 1.0, 8.0]), spread, 3), [0.0, 0.0, 2.0])


def test_moments_of_parts_are_those_of_all_samples():
    values = 1e6 + np.random.default_rng(0).normal(size=(3, 2, 50))
    moments = Moments()
    for part in np.split(values, [1, 20, 33], axis=2):
        moments.join(part)
    np.testing.assert_allclose(moments.mean, values.mean(axis=2), rtol=1e-15)
    np.testing.assert_allclose(moments.deviation(), values.std(axis=2, ddof=1), rtol=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_sparsifies(metric):
    weights = Penalty(1.0, reg_metric=metric)
    plain, sparse = (KAN([2, 3, 1], 3, seed=0) for _ in range(2))
    plain.fit(DATA, steps=15)
    result = sparse.fit(DATA, steps=15, lamb=0.01, reg_metric=metric)

    def penalty_of(model):
        objective = network_objective(model._network, DATA["train_input"], DATA["train_label"], weights)
        objective(model._theta)
        return objective.reg

    assert penalty_of(sparse) < 0.9 * penalty_of(plain)
    assert result["reg"][-1] == pytest.approx(penalty_of(sparse), rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_overflow_under_a_penalty_is_no_warning(metric):
    model = KAN([1, 2, 1], seed=0)
    objective = network_objective(model._network, X[:, :1], X[:, 1:], Penalty(1.0, reg_metric=metric))
    value, _ = objective(model._theta * 1e200)
    assert not np.isfinite(value)


@pytest.mark.parametrize(
    ("options", "n_parts", "expected"),
    [
        ({"steps": 6, "update_grid": False}, 1, [(6, False, 0)]),
        ({"steps": 6, "update_grid": False}, 3, [(2, False, 0), (2, False, 1), (2, False, 2)]),
        ({"steps": 7, "update_grid": False}, 2, [(3, False, 0), (4, False, 1)]),
        ({"steps": 50}, 2, [(5, True, 0), (20, True, 0), (25, False, 1)]),
        ({"steps": 10}, 2, [(5, True, 0), (5, True, 1)]),
        ({"steps": 12}, 4, [(3, True, 0), (2, False, 1), (1, True, 1), (3, False, 2), (3, False, 3)]),
    ],
)
def test_equal_parts_of_the_steps_between_grid_updates(options, n_parts, expected):
    assert FitOptions(**options).parts(n_parts) == expected


def test_a_schedule_of_lamb_is_fits_one_after_the_other():
    options = {"update_grid": False}
    at_once, in_turn = (KAN([2, 3, 1], 3, seed=0) for _ in range(2))
    result = at_once.fit(DATA, steps=6, lamb=(1e-3, 1e-2, 0), **options)
    regs = []
    for lamb in (1e-3, 1e-2, 0.0):
        regs += in_turn.fit(DATA, steps=2, lamb=lamb, **options)["reg"]
    np.testing.assert_array_equal(at_once._theta, in_turn._theta)
    assert result["reg"] == regs
    assert regs[-1] == 0.0


def test_the_last_part_without_penalty_brings_the_loss_down():
    model, held = (KAN([2, 3, 1], 3, seed=0) for _ in range(2))
    free = model.fit(DATA, steps=20, lamb=[0.005, 0])
    kept = held.fit(DATA, steps=20, lamb=0.005)
    assert free["train_loss"][-1] < 0.5 * kept["train_loss"][-1]
    assert free["train_loss"][9] == kept["train_loss"][9]


def test_a_schedule_of_zeros_is_least_squares():
    result = KAN([2, 1], 3, seed=0).fit(DATA, "LM", 4, lamb=(0, 0))
    assert result.opt == "LM"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lamb": ()}, ValueError, "lamb is an empty sequence"),
        ({"lamb": (0.1, -1)}, ValueError, r"lamb\[1\] is -1"),
        ({"lamb": "0.1 0"}, TypeError, "lamb is '0.1 0'; expected a number"),
        ({"lamb": ([1], 0)}, TypeError, r"lamb\[0\] is \[1\]; expected a number"),
        ({"lamb": (0.1, 0, 0), "steps": 2}, ValueError, "lamb has 3 values for 2 steps"),
        ({"lamb": (0.1, 0), "opt": "LM"}, ValueError, "opt is 'LM' with lamb > 0; expected lamb = 0"),
        ({"lamb": (0, 0.1), "smoothing": "gcv"}, ValueError, "smoothing is 'gcv' with lamb > 0"),
    ],
)
def test_schedules_that_make_no_sense_are_refused_before_anything_happens(options, error, message):
    model = KAN([2, 1], 3, seed=0)
    before = model._theta.copy()
    with pytest.raises(error, match=message):
        model.fit(DATA, **options)
    np.testing.assert_array_equal(model._theta, before)


def test_all_weights_but_lamb_are_the_same_for_all_parts():
    weights = {"lamb_l1": 0.5, "lamb_entropy": 3.0, "reg_metric": "edge_backward"}
    assert scheduled_penalties([0.1, 0], **weights) == (Penalty(0.1, **weights), Penalty(0.0, **weights))
    assert scheduled_penalties(0.2) == (Penalty(0.2),)
    assert scheduled_penalties(np.array([0.1, 0.2])) == (Penalty(0.1), Penalty(0.2))
