"""Pruned networks: the same function up to what was removed, really smaller, as trainable as any other."""

from __future__ import annotations

import io
import json
from itertools import cycle

import numpy as np
import pytest
import reference
from evaluated import evaluate

from kan_np import KAN, Scaler, create_dataset, load_model
from kan_np.network.kernel_arrays import new_scratch
from kan_np.network.structure import ACTIVE, FASTER, ROWS
from kan_np.objective.network_objective import network_objective
from kan_np.objective.sparsity_penalty import METRICS, Penalty

X = np.random.default_rng(0).uniform(-1, 1, (80, 3))
WEIGHTS = {"lamb_l1": 1.0, "lamb_entropy": 2.0, "lamb_coef": 0.3, "lamb_coefdiff": 0.7}


def random_model(width=(3, 4, 3, 2), grid=4, k=3, seed=0, **options):
    """A KAN with coefficients of order one."""
    rng = np.random.default_rng(seed)
    model = KAN(width, grid, k, seed=rng, **options)
    model.set_parameters([rng.normal(size=c.shape) for c in model.coef])
    return model


def sparse_model(seed=0, **options):
    """A KAN with gaps: edges, a hidden node, an input without edges."""
    model = random_model(seed=seed, **options).remove_node(1, 2).remove_edge(0, 0, 1).remove_edge(1, 2, 0)
    for j in range(3):
        model = model.remove_edge(0, 1, j)
    return model.remove_edge(2, 0, 1).remove_edge(2, 1, 0)


def with_zero_edges(model, edges):
    """The model with these edges (l, i, j) set to zero."""
    coef, weight = model.coef, model.scale_base
    for l, i, j in edges:  # noqa: E741
        coef[l][i, j], weight[l][i, j] = 0.0, 0.0
    zeroed = model.copy()
    zeroed.set_parameters(coef, weight)
    return zeroed


def reloaded(model):
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    return load_model(buffer)


def dense_layers(theta, model):
    """Layers for the slow twin, with rows of zeros where there is no edge."""
    there = np.concatenate([mask.ravel() for mask in model.edges])
    rows = theta.reshape(model._network.spline_params.shape)
    full = np.zeros((there.size, rows.shape[1]), dtype=rows.dtype)
    full[there] = rows
    return reference.unpack(full, model)


@pytest.fixture(params=[ROWS, ACTIVE, FASTER])
def kind(request):
    """How splines are evaluated."""
    return request.param


# every way with and without a penalty; every metric, and no base function, with one way each
@pytest.mark.parametrize(
    ("kind", "lamb", "metric", "base_fun"),
    [
        *((kind, lamb, METRICS[0], "silu") for kind in (ROWS, ACTIVE, FASTER) for lamb in (0.0, 0.3)),
        *(
            (kind, 0.3, metric, "silu")
            for kind, metric in zip(cycle((ROWS, ACTIVE, FASTER)), METRICS[1:], strict=False)
        ),
        (ROWS, 0.3, METRICS[0], "zero"),
        (ACTIVE, 0.0, METRICS[0], "zero"),
    ],
)
def test_gradients_of_sparse_networks_agree_with_the_twin(kind, lamb, metric, base_fun):
    model = evaluate(sparse_model(base_fun=base_fun), kind)
    x, y = 1.2 * X[:37], np.random.default_rng(1).normal(size=(37, 2))
    value, grad = network_objective(model._network, x, y, Penalty(lamb, **WEIGHTS, reg_metric=metric))(
        model._theta
    )

    def slow(theta):
        layers = dense_layers(theta, model)
        return reference.objective(x, y, layers, 3, base_fun, "smooth", lamb, tuple(WEIGHTS.values()), metric)

    expected = reference.complex_step(slow, model._theta)
    assert value == pytest.approx(float(slow(model._theta).real), rel=1e-11)
    np.testing.assert_allclose(grad, expected, atol=1e-9 * np.abs(expected).max())


def test_gauss_newton_matrices_of_sparse_networks_agree_with_the_twin(kind):
    model = evaluate(sparse_model(), kind)
    x, y, weight = 1.2 * X[:37], np.random.default_rng(1).normal(size=(37, 2)), np.ones(37)
    _, grad, hessian = network_objective(model._network, x, y, smoothing=0.1).normal_equations(model._theta)

    def slow(theta):
        return reference.roots(x, y, dense_layers(theta, model), 3, "silu", "smooth", weight, 0.1)

    jacobian = reference.complex_step_jacobian(slow, model._theta)
    expected = 2 * np.tril(jacobian.T @ jacobian)
    np.testing.assert_allclose(np.tril(hessian), expected, atol=1e-10 * np.abs(expected).max())
    np.testing.assert_allclose(grad, 2 * jacobian.T @ slow(model._theta), atol=1e-10 * np.abs(grad).max())


def test_jacobians_by_the_inputs_of_sparse_networks_agree_with_central_differences(kind):
    model = evaluate(sparse_model(), kind)
    for i in range(3):
        step = 1e-6 * np.eye(3)[i]
        expected = (model(X + step) - model(X - step)) / 2e-6
        np.testing.assert_allclose(model.input_jacobian(X)[:, :, i], expected, atol=1e-6)


@pytest.mark.parametrize("edge", [(0, 1, 2), (1, 3, 0), (2, 0, 1)])
def test_removing_an_edge_is_setting_it_to_zero(edge):
    model = random_model()
    removed = model.remove_edge(*edge)
    assert not removed.edges[edge[0]][edge[1:]]
    assert sum(m.sum() for m in removed.edges) == 29
    np.testing.assert_allclose(removed(X), with_zero_edges(model, [edge])(X), rtol=1e-12, atol=1e-12)
    assert model.edges[edge[0]][edge[1:]]  # the old model is as it was


@pytest.mark.parametrize(("l", "i"), [(1, 0), (1, 3), (2, 1)])
def test_removing_a_node_is_setting_its_outgoing_edges_to_zero(l, i):  # noqa: E741
    model = random_model()
    removed = model.remove_node(l, i)
    assert removed.width == [n - (at == l) for at, n in enumerate(model.width)]
    zeroed = with_zero_edges(model, [(l, i, j) for j in range(model.width[l + 1])])
    np.testing.assert_allclose(removed(X), zeroed(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("extrapolation", ["smooth", "linear", "continue", "constant", "error"])
@pytest.mark.parametrize("base_fun", ["silu", "zero"])
def test_a_hidden_node_without_incoming_edges_is_left_out_and_its_constants_stay(extrapolation, base_fun):
    model = random_model((2, 2, 2, 2), base_fun=base_fun, extrapolation=extrapolation)
    edges = [(0, 0, 0), (0, 1, 0)]
    removed = model.remove_edge(*edges[0]).remove_edge(*edges[1])
    assert removed.width == [2, 1, 2, 2]
    np.testing.assert_allclose(removed(X[:, :2]), with_zero_edges(model, edges)(X[:, :2]), atol=1e-11)
    assert np.abs(removed(X[:, :2]) - model.remove_node(1, 0)(X[:, :2])).max() > 1e-3


def test_constants_pass_through_several_layers():
    model = random_model((2, 2, 2, 2, 1))
    model = with_zero_edges(model, []).remove_edge(1, 1, 0)  # node (2, 0) hears of node (1, 0) alone
    edges = [(0, 0, 0), (0, 1, 0)]
    removed = model.remove_edge(*edges[0]).remove_edge(*edges[1])
    assert removed.width == [2, 1, 1, 2, 1]
    np.testing.assert_allclose(removed(X[:, :2]), with_zero_edges(model, edges)(X[:, :2]), atol=1e-11)


def test_a_hidden_node_without_outgoing_edges_is_left_out_with_all_that_serves_it_alone():
    model = random_model((2, 2, 2, 1)).remove_edge(1, 0, 1)  # node (1, 0) serves node (2, 0) alone
    removed = model.remove_edge(2, 0, 0)
    assert removed.width == [2, 1, 1, 1]
    zeroed = with_zero_edges(model, [(2, 0, 0)])
    np.testing.assert_allclose(removed(X[:, :2]), zeroed(X[:, :2]), rtol=1e-12, atol=1e-12)


def test_pruning_takes_away_parameters_and_memory():
    model = random_model((3, 8, 2))
    small = model.prune_node(active=[[1, 5]])
    assert small.width == [3, 2, 2]
    assert small.n_params == 10 * 8
    assert small._network.table.knots.shape[0] == 5
    net = model.remove_edge(0, 0, 0)._network
    assert net.spline_params.shape[0] == 39
    assert new_scratch(net.structure).polynomial.shape[0] == 39
    rooms = [new_scratch(m._network.structure) for m in (model, small)]
    bytes_of = [sum(a.nbytes for a in room if a is not None) for room in rooms]
    assert bytes_of[1] < 0.5 * bytes_of[0]


def test_scores_above_the_thresholds_stay():
    model = random_model((3, 5, 1))
    nodes, edges = model.node_scores(X)[1], model.edge_scores(X)
    cut = np.sort(nodes)[1]
    assert model.prune_node(cut, x=X).width == [3, 3, 1]
    kept = np.flatnonzero(nodes > cut)
    np.testing.assert_array_equal(model.prune_node(cut, x=X).coef[0], model.coef[0][:, kept])
    cut = np.sort(edges[0].ravel())[3]
    pruned = model.prune_edge(cut, X)
    np.testing.assert_array_equal(pruned.edges[0], (edges[0] > cut)[:, (edges[0] > cut).any(axis=0)])
    both = model.prune(X, 0.1, 0.05)
    steps = model.prune_node(0.1, x=X).prune_edge(0.05, X)
    assert both.width == steps.width
    assert (both(X) == steps(X)).all()
    assert model.prune(X, -1.0, -1.0).n_params == model.n_params


def test_a_sparsified_fit_is_pruned_to_what_the_function_needs():
    dataset = create_dataset(
        lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=3, train_num=500, seed=0
    )
    model = KAN([3, 5, 1], 3, seed=0)
    model.fit(dataset, "LBFGS", 50, lamb=0.002)
    pruned = model.prune(dataset["train_input"]).prune_input(x=dataset["train_input"])
    assert pruned.input_id.tolist() == [0, 1]
    assert pruned.n_params < 0.5 * model.n_params
    result = pruned.fit(dataset, "LM", 30)
    assert result["test_loss"][-1] < 0.05
    assert model.prune().width[-1] == 1  # without samples, over the grids


@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
def test_sparse_networks_train_on_and_keep_their_wiring(opt):
    dataset = create_dataset(lambda x: x[:, [0]] * x[:, [2]], n_var=3, train_num=200, seed=0)
    model = random_model((3, 4, 1)).remove_edge(0, 1, 2).remove_node(1, 0).remove_edge(0, 0, 2)
    before, masks = model._rmse(dataset["train_input"], dataset["train_label"]), model.edges
    result = model.fit(dataset, opt, 20)
    assert result["train_loss"][-1] < 0.2 * before
    finer = model.refine(8)
    finer.fit(dataset, opt, 5, smoothing=1e-9)
    for m in (model, finer, model.copy()):
        for mask, expected in zip(m.edges, masks, strict=True):
            np.testing.assert_array_equal(mask, expected)
    assert model.n_params == 8 * sum(m.sum() for m in masks)


def test_arrays_by_layer_are_zero_without_edges_and_can_be_set_again():
    model = sparse_model()
    for coef, weight, mask in zip(model.coef, model.scale_base, model.edges, strict=True):
        assert not coef[~mask].any()
        assert not weight[~mask].any()
        assert coef[mask].all()
        assert weight[mask].all()
    same = model.copy()
    same.set_parameters([2 * c for c in model.coef], [2 * w for w in model.scale_base])
    np.testing.assert_array_equal(same._theta, 2 * model._theta)
    with pytest.raises(ValueError, match=r"coef\[0\] is not zero for all of the .* edges that were pruned"):
        model.set_parameters([c + 1 for c in model.coef])


def test_refining_a_sparse_network_keeps_its_function():
    model = sparse_model()
    np.testing.assert_allclose(model.refine(12)(X), model(X), rtol=1e-10, atol=1e-10)


def test_pruning_a_refined_network_keeps_what_it_does_outside_its_grids():
    fine = random_model().refine(12)
    zeroed = with_zero_edges(fine, [(1, 2, j) for j in range(3)])
    np.testing.assert_allclose(fine.remove_node(1, 2)(3 * X), zeroed(3 * X), rtol=1e-10, atol=1e-10)


def test_sparse_networks_are_scored_and_drawn():
    model = sparse_model()
    for mask, score in zip(model.edges, model.edge_scores(X), strict=True):
        assert not score[~mask].any()
    assert len(model.plot(X).axes) > 0


def test_pruned_inputs_are_columns_of_the_data():
    model = random_model((4, 3, 1))
    x = np.random.default_rng(1).uniform(-1, 1, (50, 4))
    small = model.prune_input(active=[3, 1, 0])
    assert small.width[0] == 3
    assert small.input_id.tolist() == [0, 1, 3]
    zeroed = with_zero_edges(model, [(0, 2, j) for j in range(3)])
    np.testing.assert_allclose(small(x), zeroed(x), rtol=1e-12, atol=1e-12)
    again = small.prune_input(active=[0, 2])
    assert again.input_id.tolist() == [0, 3]
    used = x[:, [0, 3]]
    assert (again(x) == again(used)).all()
    assert (again(x.tolist()) == again(used)).all()
    assert (again.predict(x, 7) == again.predict(used, 7)).all()
    assert (again.input_jacobian(x) == again.input_jacobian(used)).all()
    assert (again.feature_score(x) == again.feature_score(used)).all()
    moved = again.copy()
    moved.update_grid(x)
    again.update_grid(used)
    assert (moved(x) == again(x)).all()
    assert again.plot(x)
    assert again.plot_edge(0, 1, 0, x)
    with pytest.raises(ValueError, match=r"x has 3 columns.*all 4 columns of the data.*columns \[0, 3\]"):
        again(x[:, :3])


def test_a_model_with_pruned_inputs_is_fitted_on_all_columns_or_on_the_used_ones():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(2, 5, (100, 3)), rng.normal(size=(100, 1))
    scaler = Scaler.fit(x, y)
    dataset = {"train_input": scaler.scale_input(x), "train_label": scaler.scale_label(y), "scaler": scaler}
    model = random_model((3, 2, 1))
    model.fit(dataset, steps=2)
    small = model.prune_input(active=[0, 2])
    np.testing.assert_array_equal(small.scaler.input_shift, scaler.input_shift[[0, 2]])
    whole, part = small.copy(), small.copy()
    whole.fit(dataset, steps=2)
    used = dataset | {"train_input": dataset["train_input"][:, [0, 2]], "scaler": small.scaler}
    part.fit(used, steps=2)
    assert dataset["train_input"].shape[1] == 3
    assert (whole.predict(x) == part.predict(x[:, [0, 2]])).all()


def test_inputs_without_edges_stay_until_they_are_pruned():
    model = random_model((2, 2, 1)).remove_edge(0, 1, 0).remove_edge(0, 1, 1)
    assert model.width == [2, 2, 1]
    small = model.prune_input(x=X[:, :2])
    assert small.input_id.tolist() == [0]
    assert (small(X[:, :2]) == model(X[:, :2])).all()


def test_files_keep_wiring_and_inputs_bit_for_bit():
    model = sparse_model().prune_input(active=[0, 2])
    model.fit({"train_input": X, "train_label": X[:, :2]}, steps=2)
    again = reloaded(model)
    assert (again(X) == model(X)).all()
    assert again.n_params == model.n_params
    assert again.input_id.tolist() == [0, 2]
    assert again.width == model.width
    for mask, expected in zip(again.edges, model.edges, strict=True):
        np.testing.assert_array_equal(mask, expected)


def stored(model, version=3, **changes):
    """A file of the model with other arrays; None leaves one out."""
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    arrays = {name: a for name, a in (dict(np.load(buffer)) | changes).items() if a is not None}
    header = json.loads(str(arrays["header"])) | {"version": version}
    file = io.BytesIO()
    np.savez(file, **arrays | {"header": np.array(json.dumps(header))})
    file.seek(0)
    return file


def test_files_of_format_2_have_all_edges():
    model = random_model()
    old = load_model(stored(model, 2, edges=None, used=None))
    assert (old(X) == model(X)).all()
    assert all(mask.all() for mask in old.edges)


@pytest.mark.parametrize(
    "changes",
    [
        {"edges": np.ones(3, dtype=bool)},
        {"edges": np.ones(30)},
        {"edges": np.ones(30, dtype=bool)},
        {"used": np.ones(2, dtype=bool)},
        {"used": np.ones((1, 3), dtype=bool)},
    ],
)
def test_files_whose_wiring_does_not_fit_are_refused(changes):
    with pytest.raises(ValueError, match="damaged"):
        load_model(stored(random_model().remove_edge(0, 0, 0), **changes))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.prune(X, edge_th=5.0), r"prune_edge with threshold 5 would leave 0 of 30 .*output 0, 1"),
        (lambda m: m.prune_edge(5.0, X), "would leave 0 of 30 edges.*lower the threshold"),
        (lambda m: m.prune_node(5.0, x=X), "prune_node with threshold 5 would leave .*lower the threshold"),
        (lambda m: m.prune_node(active=[[], [0]]), "name more nodes"),
        (lambda m: m.prune_node(active=[[0]]), "active has 1 entries; expected 2"),
        (
            lambda m: m.prune_node(active=[[0], [3]]),
            r"active\[1\]\[0\] is 3; expected an integer from 0 to 2",
        ),
        (lambda m: m.prune_input(5.0, x=X), "prune_input with threshold 5 would leave"),
        (lambda m: m.prune_input(active=[]), r"prune_input with active \[\] would leave .*more inputs"),
        (lambda m: m.prune_input(active=[3]), r"active\[0\] is 3"),
        (lambda m: m.prune_edge(float("nan"), X), "threshold is nan"),
        (lambda m: m.remove_edge(3, 0, 0), "l is 3; expected 0 to 2, for the 3 layers"),
        (lambda m: m.remove_edge(0, 3, 0), "i is 3"),
        (lambda m: m.remove_edge(0, 0, 0).remove_edge(0, 0, 0), r"no edge \(0, 0, 0\): it was pruned"),
        (lambda m: m.remove_node(0, 0), "are the inputs.*prune_input"),
        (lambda m: m.remove_node(3, 0), "are the outputs"),
        (lambda m: m.remove_node(1, 4), "i is 4"),
        (lambda m: m.prune(X[:, :2]), "x has 2 columns"),
    ],
)
def test_what_cannot_be_pruned_is_refused_in_words(call, message):
    model = random_model()
    before = model(X)
    with pytest.raises(ValueError, match=message):
        call(model)
    assert (model(X) == before).all()


@pytest.mark.parametrize("active", ["all", 3])
def test_active_is_a_sequence(active):
    with pytest.raises(TypeError, match=r"active is .*; expected a sequence of integers from 0 to 2"):
        random_model().prune_input(active=active)


def test_the_last_edge_into_an_output_stays():
    model = KAN([2, 1, 1], seed=0)
    with pytest.raises(ValueError, match=r"remove_edge\(1, 0, 0\) would leave .* to output 0"):
        model.remove_edge(1, 0, 0)
    with pytest.raises(ValueError, match=r"remove_node\(1, 0\) would leave"):
        model.remove_node(1, 0)
    with pytest.raises(ValueError, match="no path from an input to output 0"):
        model.remove_edge(0, 0, 0).remove_edge(0, 1, 0)


@pytest.mark.filterwarnings("ignore::kan_np.NotLearntWarning")  # pruned at random, trained for a moment
@pytest.mark.parametrize("seed", range(8))
def test_random_sequences_of_pruning_refining_training_and_saving(seed):
    rng = np.random.default_rng(seed)
    width = [3, *rng.integers(2, 5, rng.integers(1, 3)).tolist(), int(rng.integers(1, 3))]
    labels = np.stack([X[:, 0] * X[:, 2], np.sin(X[:, 1])], axis=1)[:, : width[-1]]
    dataset = {"train_input": X, "train_label": labels}
    model = random_model(width, 2, seed=seed)
    steps = {
        "edge": lambda m: m.prune_edge(rng.uniform(0, 0.2), X),
        "node": lambda m: m.prune_node(rng.uniform(0, 0.2), x=X),
        "input": lambda m: m.prune_input(rng.uniform(0, 0.1), x=X),
        "one": lambda m: m.remove_edge(*rng.permutation(np.argwhere(m.edges[0]))[0, [0, 0, 1]] * [0, 1, 1]),
        "refine": lambda m: m.refine(m.grid + int(rng.integers(3))),
    }
    for name in rng.choice(list(steps), 6):
        try:
            model = steps[name](model)
        except ValueError as refused:
            if "no path from an input to output" not in str(refused):
                raise
        result = model.fit(
            dataset, rng.choice(["LM", "LBFGS"]), 2, lamb=0.0, update_grid=bool(rng.integers(2))
        )
        assert np.isfinite(result["train_loss"]).all()
        assert np.isfinite(model(X)).all()
        assert (reloaded(model)(X) == model(X)).all()
        assert model.n_params == model._theta.size
        for mask_in, mask_out in zip(model.edges[:-1], model.edges[1:], strict=True):
            assert mask_in.any(axis=0).all()
            assert mask_out.any(axis=1).all()
