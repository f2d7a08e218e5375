"""Anchors: what earlier samples say of the parameters, exact for linear models, refused by other models."""

from __future__ import annotations

import io

import numpy as np
import pytest

from kan_np import KAN, MLP, Anchor, CrossEntropy, Huber, NotLearntWarning, dataset_from_arrays, load_model
from kan_np.objective.anchor_penalty import AnchorPenalty
from kan_np.objective.parameter_jacobian import parameter_jacobian
from kan_np.optimize import OPTIMIZERS

F = lambda x: np.exp(-2 * x[:, [0]] ** 2) + 0.3 * x[:, [1]]  # noqa: E731
KEPT = {"smoothing": 0.0, "update_grid": False}


def phases(n=60, seed=0, noise=0.05):
    """Two noisy halves of a square."""
    rng = np.random.default_rng(seed)
    parts = []
    for low, high in ((-1, 0), (0, 1)):
        x = np.column_stack([rng.uniform(low, high, n), rng.uniform(-1, 1, n)])
        parts.append({"train_input": x, "train_label": F(x) + noise * rng.normal(size=(n, 1))})
    return parts


def joined(parts):
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def options(model):
    return KEPT if isinstance(model, KAN) else {"weight_decay": 0.0}


def in_turn(model, parts, opt="LM", steps=60, **fit):
    anchor = None
    for part in parts:
        model.fit(part, opt, steps, anchor=anchor, **options(model), **fit)
        anchor = model.anchor(part, previous=anchor)
    return anchor


def fixed_first_layer():
    model = KAN([2, 4, 1], edges=["linear", "bspline"], grid=4, base_fun="zero", seed=0)
    model.freeze(0)
    return model


LINEAR = {
    "one layer": lambda: KAN([2, 1], grid=3, base_fun="zero", seed=0),
    "with base": lambda: KAN([2, 1], grid=3, seed=0),
    "chebyshev": lambda: KAN([2, 1], edges="chebyshev", degree=3, seed=0),
    "gaussian": lambda: KAN([2, 1], edges="gaussian", grid=4, seed=0),
    "linear": lambda: KAN([2, 1], edges="linear", seed=0),
    "piecewise": lambda: KAN([2, 1], edges="piecewise_linear", grid=3, seed=0),
    "fourier": lambda: KAN([2, 1], edges="fourier", frequencies=2, seed=0),
    "fixed first layer": fixed_first_layer,
    "no hidden layer": lambda: MLP([2, 1], seed=0),
}


def tied():
    model = KAN([2, 1], grid=3, base_fun="zero", seed=0)
    model.lock(0, [(0, 0), (1, 0)])
    return model


@pytest.mark.filterwarnings("ignore::kan_np.NotLearntWarning")  # a plane cannot have both phases
@pytest.mark.parametrize("kind", [*LINEAR, "tied"])
def test_phases_in_turn_end_where_one_fit_to_all_samples_does(kind):
    make = LINEAR.get(kind, tied)
    parts, together, apart, forgetful = phases(), make(), make(), make()
    together.fit(joined(parts), "LM", 60, **options(together))
    in_turn(apart, parts)
    grid = joined(parts)["train_input"]
    np.testing.assert_allclose(apart(grid), together(grid), atol=1e-5)
    for part in parts:
        forgetful.fit(part, "LM", 60, **options(forgetful))
    assert np.abs(forgetful(grid) - together(grid)).max() > 1e-2


def test_weights_count_in_their_own_size_between_phases():
    parts = phases()
    for part, weight in zip(parts, (0.2, 30.0), strict=True):
        part["train_weight"] = weight * np.random.default_rng(1).uniform(0.5, 1.0, 60)
    together, apart = (KAN([2, 1], grid=3, base_fun="zero", seed=0) for _ in range(2))
    together.fit(joined(parts), "LM", 60, **KEPT)
    anchor = in_turn(apart, parts)
    grid = joined(parts)["train_input"]
    np.testing.assert_allclose(apart(grid), together(grid), atol=1e-5)
    assert anchor.weight == pytest.approx(joined(parts)["train_weight"].sum())
    assert anchor.n_phases == 2


def test_it_works_in_units_of_the_data_far_from_one():
    """The scaler of the first phase stays; phases in turn end where all samples do on that scaler."""
    parts = phases()
    for part in parts:
        part["train_input"], part["train_label"] = (
            1e4 * part["train_input"] + 5e4,
            1e-5 * part["train_label"],
        )
    parts[0]["standardize"] = parts[1]["standardize"] = True
    apart, together = (KAN([2, 1], grid=3, base_fun="zero", seed=0) for _ in range(2))
    in_turn(apart, parts)
    together.fit(parts[0], "LM", 60, **KEPT)  # chooses the same scaler
    together.fit(joined([{k: p[k] for k in ("train_input", "train_label")} for p in parts]), "LM", 60, **KEPT)
    grid = joined([{"x": part["train_input"]} for part in parts])["x"]
    assert np.ptp(together(grid)) < 1e-4
    np.testing.assert_allclose(apart(grid), together(grid), atol=1e-10)


@pytest.mark.parametrize("opt", [name for name in OPTIMIZERS if name not in ("SGD", "Adam")])
def test_every_optimizer_reaches_the_same_minimum(opt):
    parts = phases(40)
    exact, other = (KAN([2, 1], edges="chebyshev", degree=2, seed=0) for _ in range(2))
    in_turn(exact, parts)
    in_turn(other, parts, opt, 60)
    grid = joined(parts)["train_input"]
    np.testing.assert_allclose(other(grid), exact(grid), atol=1e-3)


@pytest.mark.parametrize("opt", ["SGD", "Adam"])
def test_steps_of_a_given_length_and_batches_go_to_it_too(opt):
    parts = phases(40)
    exact = KAN([2, 1], edges="chebyshev", degree=2, seed=0)
    exact.fit(parts[0], "LM", 60, **KEPT)
    other, anchor = exact.copy(), exact.anchor(parts[0])
    exact.fit(parts[1], "LM", 60, anchor=anchor, **KEPT)
    other.fit(parts[1], opt, 600, anchor=anchor, lr=0.02, batch=20, **KEPT)
    grid = joined(parts)["train_input"]
    np.testing.assert_allclose(other(grid), exact(grid), atol=0.03)


@pytest.mark.parametrize("make", [lambda: KAN([2, 2, 1], grid=3, seed=0), lambda: MLP([2, 4, 1], seed=0)])
def test_the_curvature_is_that_of_the_mean_squared_error_times_the_weight(make):
    (part, _), model = phases(30), make()
    weight = np.random.default_rng(0).uniform(0.1, 2.0, 30)
    part["train_weight"] = weight
    model.fit(part, "LM", 5, **options(model))
    anchor = model.anchor(part)
    (rows,) = parameter_jacobian(model._network, part["train_input"])
    np.testing.assert_allclose(anchor.curvature, 2.0 * (rows * weight) @ rows.T, rtol=1e-9, atol=1e-10)
    np.testing.assert_array_equal(anchor.theta, model.theta)
    ridged = model.anchor(part, ridge=0.1).curvature
    more = 0.1 * anchor.curvature.diagonal().mean() * np.eye(model.n_params)
    np.testing.assert_allclose(ridged, anchor.curvature + more, rtol=1e-12, atol=1e-12)


def test_the_gradient_of_the_penalty_is_right():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(6, 6))
    penalty, theta, step = AnchorPenalty(rng.normal(size=6), half @ half.T), rng.normal(size=6), 1e-6
    value, slope = penalty.value_and_slope(theta)
    assert value > 0
    differences = [
        (penalty.value_and_slope(theta + step * e)[0] - penalty.value_and_slope(theta - step * e)[0])
        / (2 * step)
        for e in np.eye(6)
    ]
    np.testing.assert_allclose(slope, differences, rtol=1e-6)
    hessian = np.ones((6, 6))
    penalty.add_curvature(hessian, 2.0)
    np.testing.assert_allclose(hessian, 1.0 + 2.0 * half @ half.T)


@pytest.mark.parametrize("loss", ["cross_entropy", "poisson", Huber(0.05)], ids=str)
def test_other_losses_are_kept_by_their_own_curvature(loss):
    """One fit to all samples is met nearly: such losses are no quadratic forms."""
    parts = phases(150)
    for part in parts:
        if loss == "cross_entropy":
            part["train_label"] = (part["train_label"] > 0.5).astype(float)
        elif loss == "poisson":
            rate = np.exp(F(part["train_input"]))
            part["train_label"] = np.random.default_rng(1).poisson(rate).astype(float)
    make = lambda: KAN([2, 1], edges="chebyshev", degree=2, seed=0)  # noqa: E731
    together, apart, forgetful = make(), make(), make()
    together.fit(joined(parts), "LM", 60, loss=loss, **KEPT)
    in_turn(apart, parts, loss=loss)
    for part in parts:
        forgetful.fit(part, "LM", 60, loss=loss, **KEPT)
    x, y = joined(parts).values()
    found = [model.loss_and_gradient(x, y, loss=loss)[0] for model in (together, apart, forgetful)]
    assert found[0] <= found[1] < found[0] + 0.3 * (found[2] - found[0])


def test_a_loss_in_units_of_the_data_counts_alike_in_every_phase():
    """Losses of raw units are divided by what labels cost, another number in every phase."""

    def quartic(y, f):
        r = f - y
        value = (r**2 + 0.1 * r**4).sum(axis=1)
        return value, 2 * r + 0.4 * r**3, (2 + 1.2 * r**2)[:, :, None]

    parts = phases(60, noise=0.01)
    for part in parts:
        part["train_label"] = 500.0 + 1e-3 * part["train_label"]
    parts[1]["train_label"] = parts[1]["train_label"] - 1e-3
    model = KAN([2, 1], edges="linear", seed=0)
    model.fit(parts[0], "LM", 30, loss=quartic, standardize=True, **KEPT)
    anchor = model.anchor(parts[0])
    model.fit(parts[1], "LM", 30, loss=quartic, anchor=anchor, **KEPT)
    second = model.anchor(parts[1])
    # the curvature by the slopes of standardised inputs is 2 unit^2 sum x^2 for nearly straight labels
    unit = model.scaler.label_scale[0]
    for own, part in ((anchor, parts[0]), (second, parts[1])):
        x = model.scaler.scale_input(part["train_input"])
        np.testing.assert_allclose(own.curvature[:2, :2], 2 * unit**2 * x.T @ x, rtol=1e-3)


def test_few_samples_keep_the_prior_of_the_first_phase():
    """With a prior that was chosen for few samples, phases in turn are one fit with that prior."""
    parts = phases(8, noise=0.2)
    model = KAN([2, 1], grid=5, seed=0)
    result = model.fit(parts[0], "LM", 80, update_grid=False)
    assert 0 < result.shrinkage < np.inf
    anchor = model.anchor(parts[0])
    without = model.copy()
    without._shrinkage = None
    assert np.linalg.matrix_rank(without.anchor(parts[0]).curvature) <= 8
    assert np.linalg.eigvalsh(anchor.curvature)[0] > np.linalg.eigvalsh(without.anchor(parts[0]).curvature)[0]
    model.fit(parts[1], "LM", 50, anchor=anchor)
    assert np.abs(model(joined(parts)["train_input"])).max() < 3


@pytest.mark.filterwarnings("ignore::kan_np.NotLearntWarning")  # the anchor is in the way of the zeros
def test_grids_and_constants_stay_where_an_anchor_is():
    first, second = phases(80)
    model = KAN([2, 1], grid=4, seed=0)
    model.fit(first, "LM", 20)
    anchor, knots = model.anchor(first), model.knots
    second = second | {"train_label": np.zeros((80, 1))}
    before = model(first["train_input"])
    result = model.fit(second, "LM", 20, anchor=anchor.scaled(100.0))
    for own, was in zip(model.knots, knots, strict=True):
        np.testing.assert_array_equal(own, was)
    assert result.grid_updates == ()
    assert np.abs(model(first["train_input"]) - before).max() < 0.2 * np.ptp(before)


def test_the_range_of_earlier_phases_counts_for_edges_and_warnings():
    parts = phases(200, noise=0.3)
    model = KAN([2, 1], grid=3, seed=0)
    in_turn(model, parts)
    low, high = model.training_range
    x = joined(parts)["train_input"]
    np.testing.assert_allclose([low, high], [x.min(axis=0), x.max(axis=0)])
    np.testing.assert_array_equal(model._within(x), x)  # noisy: edges end soon outside the range


def test_a_file_gives_the_same_anchor_and_the_model_of_a_file_takes_it(tmp_path):
    first, second = phases()
    model = KAN([2, 2, 1], grid=3, seed=0)
    model.fit(first, "LM", 10, **KEPT)
    anchor = model.anchor(first)
    model.save(tmp_path / "model.npz")
    anchor.save(tmp_path / "anchor.npz")
    again, read = load_model(tmp_path / "model.npz"), Anchor.load(tmp_path / "anchor.npz")
    for name in ("theta", "curvature", "limits"):
        np.testing.assert_array_equal(getattr(read, name), getattr(anchor, name))
    assert (read.weight, read.n_phases, read.loss, read.digest) == (
        anchor.weight,
        anchor.n_phases,
        anchor.loss,
        anchor.digest,
    )
    model.fit(second, "LM", 5, anchor=anchor, **KEPT)
    again.fit(second, "LM", 5, anchor=read, **KEPT)
    np.testing.assert_array_equal(again.theta, model.theta)


def test_damaged_and_other_files_are_refused(tmp_path):
    model = KAN([2, 1], seed=0)
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    with pytest.raises(ValueError, match="cannot be read as an anchor"):
        Anchor.load(buffer)
    first, _ = phases()
    model.fit(first, "LM", 5, **KEPT)
    good = io.BytesIO()
    model.anchor(first).save(good)
    for cut in (0, 100, len(good.getvalue()) // 2, len(good.getvalue()) - 10):
        with pytest.raises(ValueError, match="cannot be read as an anchor"):
            Anchor.load(io.BytesIO(good.getvalue()[:cut]))
    with pytest.raises(FileNotFoundError):
        Anchor.load(tmp_path / "none.npz")


def test_it_cannot_be_changed_and_can_be_scaled():
    first, _ = phases()
    model = KAN([2, 1], seed=0)
    model.fit(first, "LM", 5, **KEPT)
    anchor = model.anchor(first)
    with pytest.raises(ValueError, match="read-only"):
        anchor.curvature[0, 0] = 1.0
    with pytest.raises(AttributeError):
        anchor.weight = 2.0
    half = anchor.scaled(0.5)
    np.testing.assert_allclose(half.curvature, 0.5 * anchor.curvature)
    assert half.weight == 0.5 * anchor.weight
    assert repr(anchor) == "Anchor(1 phase, samples of weight 60, 18 parameters)"
    for factor in (0.0, -1.0):
        with pytest.raises(ValueError, match="factor"):
            anchor.scaled(factor)


def changes():
    """Ways in which the parameters of a model come to mean something else."""

    def in_place(change):
        def changed(model):
            model = model.copy()
            change(model)
            return model

        return changed

    return {
        "refine": lambda model: model.refine(6),
        "remove_edge": lambda model: model.remove_edge(0, 0, 0),
        "update_grid": in_place(lambda model: model.update_grid(2 * phases()[0]["train_input"])),
        "freeze": in_place(lambda model: model.freeze(0, [(0, 0)])),
        "lock": in_place(lambda model: model.lock(0, [(0, 0), (0, 1)])),
        "symbol": in_place(lambda model: model.fix_symbolic(0, 0, 0, "sin", fit=False)),
        "family": in_place(lambda model: model.set_family(0, "chebyshev", [(0, 0)], degree=6)),
    }


@pytest.mark.parametrize("change", changes())
def test_changed_models_refuse_it_and_stay_as_they_are(change):
    first, second = phases()
    model = KAN([2, 2, 1], grid=3, seed=0)
    model.fit(first, "LM", 5, **KEPT)
    anchor, other = model.anchor(first), changes()[change](model)
    before = other.theta
    with pytest.raises(ValueError, match=r"the anchor is of .*need an anchor of their own"):
        other.fit(second, "LM", 5, anchor=anchor, **KEPT)
    with pytest.raises(ValueError, match="the anchor is of"):
        other.anchor(second, previous=anchor)
    np.testing.assert_array_equal(other.theta, before)
    copied = model.copy()
    copied.fit(second, "LM", 5, anchor=anchor, **KEPT)  # a copy has the same parameters


def test_a_fit_that_its_anchor_holds_back_says_so():
    first, second = phases(noise=0.0)
    second = second | {"train_label": 50 - 5 * second["train_label"]}
    model = KAN([2, 1], edges="chebyshev", degree=1, seed=0)
    model.fit(first, "LM", 5, **KEPT)
    with pytest.warns(NotLearntWarning, match="anchor.scaled"):
        model.fit(second, "LM", 60, anchor=model.anchor(first).scaled(1e6), **KEPT)


def test_frozen_values_that_changed_are_refused():
    first, second = phases()
    model = KAN([2, 1], grid=3, base_fun="silu", seed=0)
    model.freeze(kind="base")
    model.fit(first, "LM", 5, **KEPT)
    anchor = model.anchor(first)
    model.set_parameters(model.coef, [1.0 + w for w in model.scale_base])
    with pytest.raises(ValueError, match="frozen parameters"):
        model.fit(second, "LM", 5, anchor=anchor, **KEPT)


def test_other_mistakes_are_told():
    first, second = phases()
    model = KAN([2, 1], grid=3, seed=0)
    with pytest.raises(ValueError, match="was not fitted"):
        model.anchor(first)
    model.fit(first, "LM", 5, **KEPT)
    anchor = model.anchor(first)
    with pytest.raises(TypeError, match="expected an Anchor"):
        model.fit(second, "LM", 5, anchor=anchor.curvature)
    with pytest.raises(TypeError, match="expected an Anchor"):
        model.anchor(second, previous=3)
    with pytest.raises(ValueError, match="'gcv' with an anchor"):
        model.fit(second, "LM", 5, anchor=anchor, smoothing="gcv")
    with pytest.raises(ValueError, match=r"loss='squares'.*loss='huber'"):
        model.fit(second, "LM", 5, anchor=anchor, loss="huber", **KEPT)
    huge = second | {"train_weight": np.full(60, 1e308)}
    for wrong in (lambda: model.fit(huge, "LM", 5, anchor=anchor, **KEPT), lambda: model.anchor(huge)):
        with pytest.raises(ValueError, match="exceeds the range"):
            wrong()
    with pytest.raises(ValueError, match="ridge"):
        model.anchor(first, ridge=-1.0)
    with pytest.raises(ValueError, match="has 18"):
        KAN([2, 1], seed=0).fit(second, "LM", 5, anchor=anchor, **KEPT)
    without = lambda y, f: (((f - y) ** 2).sum(axis=1), 2 * (f - y))  # noqa: E731
    model.fit(first, "LBFGS", 2, loss=without, **KEPT)
    with pytest.raises(ValueError, match="without second derivatives"):
        model.anchor(first)
    logits = KAN([2, 2], grid=3, seed=0)
    classes = dataset_from_arrays(first["train_input"], (first["train_label"][:, 0] > 0.5).astype(int))
    logits.fit(classes, "LM", 3, loss=CrossEntropy(), **KEPT)
    assert logits.anchor(classes).loss["name"] == "cross_entropy"
