"""Scores of edges, nodes and inputs: pykan's own numbers, their meaning, and what has no spread.

pykan_scores.json and pykan_mixed.json were written by pykan 0.2.8 itself; see benchmarks/pykan_scores.py and
benchmarks/pykan_mixed.py.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kan_np import KAN
from kan_np.network.network import Network
from kan_np.network.structure import Affine
from kan_np.objective.edge_scores import METRICS
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.surgery import attribution
from kan_np.surgery.attribution import edge_values, measure_means, measure_spread

MODELS = json.loads((Path(__file__).parent / "pykan_scores.json").read_text())["models"]
MIXED = json.loads((Path(__file__).parent / "pykan_mixed.json").read_text())["models"]


@pytest.fixture(params=MODELS, ids=lambda m: str(m["width"]))
def row(request):
    return request.param


def load(row):
    model = KAN(row["width"], row["grid"], row["k"], extrapolation="zero")
    names = ("coef", "scale_base", "knots")
    model.set_parameters(**{name: [np.array(layer[name]) for layer in row["layers"]] for name in names})
    return model


def samples(n, n_in, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, n_in))


@pytest.mark.parametrize("metric", METRICS)
def test_edge_scores_are_pykans(row, metric):
    scores = load(row).edge_scores(row["samples"], metric)
    pykans = [np.array(layer).T for layer in row["scores"][metric]]
    assert [s.shape for s in scores] == [p.shape for p in pykans]
    for ours, theirs in zip(scores, pykans, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_node_and_feature_scores_are_pykans(row):
    model = load(row)
    for ours, theirs in zip(model.node_scores(row["samples"]), row["scores"]["node_scores"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    np.testing.assert_allclose(
        model.feature_score(row["samples"]), row["scores"]["feature_score"], rtol=1e-10
    )


def load_mixed(row):
    """pykan's model with products, affine values and symbols."""
    model = KAN(
        row["width"],
        row["grid"],
        row["k"],
        mult_arity=row["mult_arity"],
        affine_trainable=row["affine_trainable"],
        extrapolation="zero",
    )
    for l, i, j, name, constants in row["symbols"]:  # noqa: E741
        model.fix_symbolic(l, i, j, name, fit=False, **dict(zip("abcd", constants, strict=True)))
    names = ("coef", "scale_base", "knots")
    model.set_parameters(**{name: [np.array(layer[name]) for layer in row["layers"]] for name in names})
    if row["affine_trainable"]:
        pairs = zip(model._network.layers, row["layers"], strict=True)
        model._network = Network.from_layers(
            [
                replace(layer, affine=Affine(*(np.array(own[name]) for name in Affine._fields)))
                for layer, own in pairs
            ]
        )
    return model


@pytest.mark.parametrize("mixed", MIXED, ids=lambda m: str(m["width"]))
@pytest.mark.parametrize("metric", METRICS)
def test_scores_and_penalties_of_products_affine_nodes_and_symbols_are_pykans(mixed, metric):
    model, x = load_mixed(mixed), np.array(mixed["samples"])
    np.testing.assert_allclose(model(x), mixed["outputs"], rtol=1e-10, atol=1e-11)
    pykans = [np.array(layer).T for layer in mixed["scores"][metric]]
    for ours, theirs in zip(model.edge_scores(x, metric), pykans, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)
    for ours, theirs in zip(model.node_scores(x), mixed["scores"]["node_scores"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    objective = model._objective(x, np.array(mixed["outputs"]), Penalty(1.0, 1.0, 2.0, reg_metric=metric))
    objective(model._theta)
    assert objective.reg == pytest.approx(mixed["penalty"][metric], rel=1e-10)


def test_edge_values_sum_to_the_nodes_inside_and_outside_the_grids():
    model = KAN([3, 2, 4, 1], grid=3, seed=1, init="wide").refine(6)
    nodes = model._network.node_values(1.7 * samples(50, 3))
    first = np.cumsum([0, *model.width])
    for layer, phi in enumerate(edge_values(model._network, nodes)):
        targets = nodes[first[layer + 1] : first[layer + 2]]
        np.testing.assert_allclose(phi.sum(axis=0), targets, rtol=1e-12, atol=1e-13)


def test_spread_is_the_sample_standard_deviation_whatever_the_number_of_chunks():
    model = KAN([2, 3, 1], seed=0, init="wide")
    x = samples(3000, 2)
    nodes = model._network.node_values(x)
    spread = measure_spread(model._network, x)
    np.testing.assert_allclose(np.concatenate(spread.nodes), nodes.std(axis=1, ddof=1), rtol=1e-12)
    for e, phi in zip(spread.edges, edge_values(model._network, nodes), strict=True):
        np.testing.assert_allclose(e, phi.std(axis=2, ddof=1), rtol=1e-12)


def test_means_are_those_of_the_edges_whatever_the_number_of_chunks():
    model, x = KAN([2, 3, 1], seed=0, init="wide"), samples(3000, 2)
    phis = edge_values(model._network, model._network.node_values(x))
    for mean, phi in zip(measure_means(model._network, x), phis, strict=True):
        np.testing.assert_allclose(mean, phi.mean(axis=2), rtol=1e-10, atol=1e-13)


def test_backward_scores_of_a_sum_are_the_parts_of_its_spread():
    """y = 3 u + 4 v with u and v of one spread and no correlation: E / N = 0.6 and 0.8."""
    model = KAN([2, 1], base_fun="identity")
    zeros = [np.zeros_like(c) for c in model.coef]
    model.set_parameters(zeros, [np.array([[3.0], [4.0]])])
    x = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    np.testing.assert_allclose(model.feature_score(x), [0.6, 0.8], rtol=1e-4)
    unused = KAN([2, 1], base_fun="identity")
    unused.set_parameters(zeros, [np.array([[3.0], [0.0]])])
    assert unused.feature_score(x)[1] == 0.0


def test_node_scores_are_the_edges_that_leave_and_shares_of_inputs_sum_to_them():
    model, x = KAN([3, 4, 2, 2], seed=2, init="wide"), samples(100, 3)
    nodes, edges = model.node_scores(x), model.edge_scores(x)
    for below, e in zip(nodes[:-1], edges, strict=True):
        np.testing.assert_allclose(below, e.sum(axis=1))
    np.testing.assert_allclose(nodes[-1], 0.5)
    outputs = model.edge_scores(x, "node_backward")[-1]
    np.testing.assert_allclose(outputs.sum(axis=1), model.feature_score(x))


@pytest.mark.parametrize("metric", METRICS)
def test_what_does_not_vary_scores_zero(metric):
    model = KAN([2, 3, 1], seed=0, init="wide")
    coef, weight = model.coef, model.scale_base
    coef[0][:, 1], weight[0][:, 1] = 1 / 3, 0.0  # node 1 is constant, its edge onwards too
    coef[1][2], weight[1][2] = 0.0, 0.0  # the edge from node 2 is dead
    model.set_parameters(coef, weight)
    scores = model.edge_scores(samples(100, 2), metric)
    assert all(np.isfinite(s).all() and (s >= 0).all() for s in scores)
    assert (scores[0][:, 1] == 0.0).all()
    if metric != "node_backward":
        assert scores[1][1, 0] == 0.0
        assert scores[1][2, 0] == 0.0
    one = model.edge_scores(samples(1, 2), metric)
    assert all((s == 0.0).all() for s in one)


def test_a_spread_that_is_only_rounding_counts_as_none():
    model = KAN([1, 1], base_fun="zero")
    model.set_parameters([np.full((1, 1, 8), 1e8 / 3)])
    assert model.edge_scores(samples(3000, 1), "edge_forward_spline_u")[0] == 0.0


def test_models_and_samples_are_unchanged():
    model, x = KAN([2, 3, 1], seed=0), samples(20, 2)
    x.setflags(write=False)
    before = model(x)
    for metric in METRICS:
        for array in model.edge_scores(x, metric):
            array[:] = -1.0  # what is returned is the caller's
    assert (model(x) == before).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.edge_scores(np.zeros((4, 2)), "edge_backwards"), "Did you mean 'edge_backward'"),
        (lambda m: m.edge_scores(np.zeros((4, 3))), "3 columns.*expected 2"),
        (lambda m: m.node_scores([[0.0, np.nan]]), "NaN"),
        (lambda m: m.feature_score(np.zeros((0, 2))), "at least 1 sample"),
        (lambda m: KAN([2, 1], extrapolation="error").feature_score([[0.0, 2.0]]), "outside its grid"),
        (lambda m: KAN([1, 1], extrapolation="continue").feature_score([[0.0], [1e120]]), "overflow"),
    ],
)
def test_bad_input_gets_one_clear_message(call, message):
    with pytest.raises(ValueError, match=message):
        call(KAN([2, 2, 1]))


def test_the_model_has_the_scores_of_its_network():
    model, x = KAN([2, 3, 1], seed=0), samples(50, 2)
    net = model._network
    for metric in METRICS:
        for ours, plain in zip(
            model.edge_scores(x, metric), attribution.edge_scores(net, x, metric), strict=True
        ):
            np.testing.assert_array_equal(ours, plain)
    assert [s.shape for s in model.node_scores(x)] == [(2,), (3,), (1,)]
    np.testing.assert_array_equal(model.feature_score(x), attribution.feature_score(net, x))


def one_hot_samples(n=300):
    """Samples of a number in [-1, 1] and three classes, standardised columns of 0 and 1; the classes."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, n)
    columns = np.column_stack([rng.uniform(-1, 1, n), *(kind == k for k in range(3))]).astype(float)
    columns[:, 1:] = (columns[:, 1:] - columns[:, 1:].mean(axis=0)) / columns[:, 1:].std(axis=0)
    return columns, kind


@pytest.mark.parametrize("smoothing", [0.0, "weak", "gcv"])
@pytest.mark.parametrize("opt", ["LBFGS", "LM"])
def test_features_that_depend_on_each_other_have_the_scores_of_what_they_say(smoothing, opt):
    """For y = sin(3 x) + 0.1 kind: the part of x, and least parts of three columns that make up kind."""
    x, kind = one_hot_samples()
    wave, step = np.sin(3 * x[:, :1]), 0.1 * (kind - 1.0)[:, None]
    model = KAN([4, 1], grid=5, seed=0)
    model.fit({"train_input": x, "train_label": wave + step}, opt=opt, steps=60, smoothing=smoothing)
    total = (wave + step).std(ddof=1)
    # The column of class k has height a_k + c with a free c; least is sum (a_k + c)^2 var_k.
    variance = np.array([(kind == k).var(ddof=1) for k in range(3)])
    heights = np.array([-0.1, 0.0, 0.1])
    heights -= (heights * variance).sum() / variance.sum()
    parts = np.abs(heights) * np.sqrt(variance)
    expected = np.array([wave.std(ddof=1), *parts]) / (total + 1e-4)
    np.testing.assert_allclose(model.feature_score(x), expected, atol=5e-3)


@pytest.mark.parametrize("shift", [1.0, 1e3])
def test_what_leaves_the_model_as_it_is_leaves_the_scores(shift):
    """shift (x_1 + x_2 + x_3) is a constant for columns of 0 and 1."""
    x, kind = one_hot_samples()
    x[:, 1:] = kind[:, None] == np.arange(3)
    model = KAN([4, 1], grid=3, seed=1, grid_range=(0.0, 1.0), base_fun="identity", init="wide")
    before, edges = model.feature_score(x), model.edge_scores(x, "edge_forward_spline_u")[0]
    coef, weight = model.coef, model.scale_base
    weight[0][1:] += shift
    model.set_parameters(coef, weight)
    np.testing.assert_allclose(model.feature_score(x), before, rtol=1e-6)
    assert (np.abs(model.edge_scores(x, "edge_forward_spline_u")[0] - edges)[1:] > 0.2 * shift).all()


def test_edges_that_cancel_each_other_do_not_multiply_the_scores():
    x = samples(400, 2)
    model = KAN([2, 2, 1], grid=3, seed=0, base_fun="identity")
    coef, weight = model.coef, model.scale_base
    for layer in coef:
        layer[:] = 0.0
    weight[0][:] = [[1.0, 1.0], [0.5, 0.5001]]
    weight[1][:] = [[1e4], [-1e4]]
    model.set_parameters(coef, weight)
    scores = model.feature_score(x)
    assert model.node_scores(x)[0].max() > 1e4
    assert scores.max() <= 2.0 * np.sqrt(2.0) * 2.0
    np.testing.assert_allclose(scores[1] / scores[0], 0.5, rtol=0.05)


def test_columns_that_are_copies_share_their_score():
    x = samples(200, 1)
    both = np.hstack([x, -2.0 * x + 1.0])
    model = KAN([2, 1], grid=3, seed=0, base_fun="identity")
    coef, weight = model.coef, model.scale_base
    coef[0][:] = 0.0
    weight[0][:] = [[100.0], [49.5]]  # 100 x + 49.5 (1 - 2 x) = x + 49.5
    model.set_parameters(coef, weight)
    np.testing.assert_allclose(model.node_scores(both)[0], [100.0, 99.0], rtol=1e-3)
    np.testing.assert_allclose(model.feature_score(both), [0.5, 0.5], rtol=1e-3)


def test_a_group_of_inputs_is_scored_as_the_sum_of_its_edges():
    model, x = KAN([3, 1], seed=0), samples(300, 3)
    phi = edge_values(model._network, model._network.node_values(x))[0][:, 0]
    whole, alone = (phi[0] + phi[2]).std(ddof=1), phi[1].std(ddof=1)
    divided = max(phi.sum(axis=0).std(ddof=1), 0.5 * np.hypot(whole, alone)) + 1e-4
    score = attribution.feature_score(model._network, x, [[0, 2]])
    plain = attribution.feature_score(model._network, x)
    assert score[1] == pytest.approx(alone / divided)
    assert score[0] + score[2] == pytest.approx(whole / divided)
    assert score[0] / score[2] == pytest.approx(plain[0] / plain[2])
    np.testing.assert_array_equal(attribution.feature_score(model._network, x, [[1]]), plain)


def lab_table(dropped=None):
    """Yields in per cent by kelvins, hours and one of three solvents, of which one may have no column."""
    rng = np.random.default_rng(4)
    kelvins, hours = rng.uniform(300.0, 360.0, 150), rng.uniform(1.0, 24.0, 150)
    solvent = rng.choice(3, 150, p=[0.5, 0.3, 0.2])
    label = 40 / (1 + np.exp((330 - kelvins) / 10)) + 3 * np.log(hours) + np.array([0.0, 6.0, -3.0])[solvent]
    kept = [i for i in range(3) if i != dropped]
    names = ["T / K", "t / h", *(f"solvent={'abc'[i]}" for i in kept)]
    columns = [kelvins, hours, *(1.0 * (solvent == i) for i in kept)]
    return {
        "train_input": np.column_stack(columns),
        "train_label": (label + rng.normal(size=150))[:, None],
        "feature_names": names,
        "target_names": ["yield / %"],
        "classes": {"solvent": ["a", "b", "c"]},
        "standardize": True,
    }


@pytest.mark.slow
def test_importance_does_not_depend_on_smoothing_or_on_the_coding_of_a_category():
    found = []
    for dropped in (None, 0, 2):
        data = lab_table(dropped)
        for smoothing in (0.0, "auto", "gcv"):
            model = KAN([len(data["feature_names"]), 1], grid=3, seed=0)
            model.fit(data, opt="LM", steps=20, smoothing=smoothing)
            score = model.feature_score(data["train_input"])
            found.append([score[0], score[1], score[2:].sum()])
    found = np.array(found)
    assert (found[:, 0] > 2.0 * found[:, 1:].max(axis=1)).all()  # temperature first
    np.testing.assert_allclose(found, np.broadcast_to(found[0], found.shape), rtol=0.15, atol=0.02)
