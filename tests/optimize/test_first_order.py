"""Adam and gradient descent: their formulas, batches, and how fits with them begin, go on and end."""

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, MLP, FitStatus, create_dataset, fit_mlp, fit_schedule, load_model
from kan_np.objective.evaluator import residual_weights
from kan_np.objective.layered import LayeredEvaluator
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.optimize import OPTIMIZERS
from kan_np.optimize.first_order import METHODS, Minimizer, StepOptions, batches

DATA = create_dataset(
    lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), train_num=130, test_num=50, seed=0
)
X, Y = DATA["train_input"], DATA["train_label"]
MODELS = {"kan": lambda: KAN([2, 3, 1], grid=3, seed=1), "mlp": lambda: MLP([2, 6, 1], seed=1)}
OPTIONS = {"kan": {"update_grid": False, "smoothing": 0.0}, "mlp": {"weight_decay": 0.0}}

#: What is tested here mostly has not learnt much yet.
pytestmark = pytest.mark.filterwarnings("ignore::kan_np.KanWarning")


def adam(model, steps, lr, rows):
    """Algorithm 1 of arXiv:1412.6980 as it is printed there; `rows` are the samples of every step."""
    theta = model.theta
    m = v = np.zeros(theta.size)
    for t in range(1, steps + 1):
        model.theta = theta
        _, g = model.loss_and_gradient(X[rows[t - 1]], Y[rows[t - 1]])
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        theta = theta - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return theta


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("batch", [None, 40])
def test_adam_is_that_of_the_paper(kind, batch):
    steps, lr, model = 20, 1e-3, MODELS[kind]()
    rows = [np.arange(130)] * steps
    if batch is not None:
        order = batches(130, batch, np.random.default_rng(7))
        rows = [next(order)[0] for _ in range(steps)]
    expected = adam(MODELS[kind](), steps, lr, rows)
    method = Minimizer("Adam", StepOptions(lr=lr, batch=batch, seed=7))
    seen = []
    objective = model._objective(X, Y, Penalty())
    method(objective, model.theta, steps, lambda theta: seen.append(theta) or False)
    np.testing.assert_allclose(seen[-1], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("momentum", [None, 0.9])
def test_sgd_is_a_loop_by_hand(kind, momentum):
    model, by_hand, lr = MODELS[kind](), MODELS[kind](), 0.002
    result = model.fit(DATA, opt="SGD", steps=15, lr=lr, momentum=momentum, **OPTIONS[kind])
    velocity, losses = np.zeros(by_hand.n_params), []
    for _ in range(15):
        _, gradient = by_hand.loss_and_gradient(X, Y)
        velocity = (momentum or 0.0) * velocity + gradient
        by_hand.theta = by_hand.theta - lr * velocity
        losses.append(np.sqrt(by_hand.loss_and_gradient(X, Y)[0]))
    assert losses[-1] == min(losses)
    np.testing.assert_allclose(model.theta, by_hand.theta, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(result["train_loss"], losses, rtol=1e-12)


def test_an_epoch_has_every_sample_once():
    order = batches(10, 4, np.random.default_rng(0))
    epochs = [[next(order) for _ in range(3)] for _ in range(4)]
    for epoch in epochs:
        assert sorted(np.concatenate([rows for rows, _ in epoch])) == list(range(10))
        assert [rows.size for rows, _ in epoch] == [4, 4, 2]
        assert [ends for _, ends in epoch] == [False, False, True]
    assert len({tuple(epoch[0][0]) for epoch in epochs}) > 1  # the order is another one in every epoch


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradients_of_the_batches_of_an_epoch_add_up_to_that_of_all_samples(kind, weighted):
    model, rng = MODELS[kind](), np.random.default_rng(0)
    weight = rng.uniform(0.1, 2.0, 130) if weighted else None
    objective = model._objective(X, Y, Penalty(), weight)
    order = batches(130, 40, rng)
    parts = [next(order)[0] for _ in range(4)]
    found = [(rows.size / 130, objective.on_samples(model.theta, rows)) for rows in parts]
    value, gradient = objective(model.theta)
    assert sum(share * own for share, (own, _) in found) == pytest.approx(value, rel=1e-13)
    total = sum(share * own for share, (_, own) in found)
    np.testing.assert_allclose(total, gradient, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("lamb", [0.0, 0.01])
@pytest.mark.parametrize("make", [*MODELS.values(), mixed_model], ids=[*MODELS, "mixed"])
def test_a_batch_is_the_objective_of_its_samples(make, lamb):
    model, penalty = make(), Penalty(lamb=lamb, lamb_coef=0.1)
    y = np.repeat(Y, model.width[-1], axis=1)
    objective = model._objective(X, y, penalty)
    for rows in (np.arange(30), np.arange(40, 70), np.arange(100, 110)):
        value, gradient = objective.on_samples(model.theta, rows)
        alone = model._objective(X[rows], y[rows], penalty)
        alone_value, alone_gradient = alone(model.theta)
        assert value == pytest.approx(alone_value, rel=1e-13)
        np.testing.assert_allclose(gradient, alone_gradient, rtol=1e-10, atol=1e-13)
        assert (objective.mse, objective.reg) == pytest.approx((alone.mse, alone.reg), rel=1e-13)
    assert objective.n_fev == 3


@pytest.mark.parametrize("part_bytes", [1, 10**9])
def test_networks_that_are_evaluated_layer_by_layer_take_other_samples(part_bytes):
    structure, values = mixed_model()._network.structure, mixed_model()._network.values
    x, y = np.tile(X, (5, 1)), np.tile(Y, (5, 2))
    first, rest = slice(0, 300), slice(300, 600)
    given = x[first].copy(), y[first].copy()
    reused = LayeredEvaluator(structure, *given, part_bytes=part_bytes)
    reused.values[:] = values
    reused.loss_and_gradient(None)
    reused.load(x[rest], y[rest], residual_weights(y[rest], None))
    fresh = LayeredEvaluator(structure, x[rest], y[rest], part_bytes=part_bytes)
    fresh.values[:] = values
    assert reused.loss_and_gradient(None) == fresh.loss_and_gradient(None)
    np.testing.assert_array_equal(reused.gradient, fresh.gradient)
    np.testing.assert_array_equal(given[0], x[first])
    np.testing.assert_array_equal(given[1], y[first])


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("opt", METHODS)
def test_the_same_seed_gives_the_same_bits(kind, opt):
    options = {"opt": opt, "steps": 12, "lr": 0.01, "batch": 32, **OPTIONS[kind]}
    first, again, other = (MODELS[kind]() for _ in range(3))
    one, two = first.fit(DATA, seed=3, **options), again.fit(DATA, seed=3, **options)
    other.fit(DATA, seed=4, **options)
    np.testing.assert_array_equal(first.theta, again.theta)
    assert one.history == two.history
    assert not np.array_equal(first.theta, other.theta)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("opt", METHODS)
@pytest.mark.parametrize("batch", [None, -1, 32, 1000])
def test_the_best_parameters_are_kept_and_the_history_ends_with_them(kind, opt, batch):
    model = MODELS[kind]()
    before = np.sqrt(model.loss_and_gradient(X, Y)[0])
    result = model.fit(DATA, opt=opt, steps=60, batch=batch, **OPTIONS[kind])
    after = float(np.sqrt(model.loss_and_gradient(X, Y)[0]))
    assert result.status is FitStatus.STEP_LIMIT
    assert result.opt == opt
    assert result.n_iter == len(result["train_loss"]) == len(result["test_loss"]) == 60
    assert after < before
    assert result["train_loss"][-1] == pytest.approx(after, rel=1e-12)
    if batch != 32:
        assert after == pytest.approx(min(result["train_loss"]), rel=1e-12)
    test = float(np.sqrt(np.mean((model(DATA["test_input"]) - DATA["test_label"]) ** 2)))
    assert result["test_loss"][-1] == pytest.approx(test, rel=1e-12)


@pytest.mark.parametrize("kind", MODELS)
def test_steps_that_are_too_long_end_with_a_status_and_the_best_parameters(kind):
    for lr in (1e3, 1e300):
        model = MODELS[kind]()
        before, _ = model.loss_and_gradient(X, Y)
        result = model.fit(DATA, opt="SGD", steps=200, lr=lr, **OPTIONS[kind])
        assert isinstance(result.status, FitStatus)
        assert np.isfinite(model.theta).all()
        assert model.loss_and_gradient(X, Y)[0] <= before
        assert len(result["train_loss"]) >= 1


def test_a_minimum_ends_the_fit():
    x = np.linspace(-1, 1, 40)[:, None]
    data = {"train_input": x, "train_label": np.sin(x)}
    model = MLP.from_weights([[[1.0]]], [[0.0]])  # a line
    result = model.fit(data, opt="SGD", steps=20_000, lr=0.3)
    assert result.status is FitStatus.CONVERGED
    assert result.n_iter < 3000
    slope = np.polynomial.Polynomial.fit(x[:, 0], np.sin(x[:, 0]), 1).convert().coef[1]
    assert model.theta[0] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("batch", [None, 32])
def test_a_callback_stops_the_fit(batch):
    counted = []

    def watch(progress):
        counted.append(progress.step)
        return len(counted) == 3

    model = MODELS["kan"]()
    result = model.fit(DATA, opt="Adam", steps=50, batch=batch, callback=watch, update_grid=False)
    assert result.status is FitStatus.STOPPED
    assert counted == [1, 2, 3]
    assert len(result["train_loss"]) == 3
    after = float(np.sqrt(model.loss_and_gradient(X, Y)[0]))
    assert result["train_loss"][-1] == pytest.approx(after, rel=1e-12)
    with pytest.raises(RuntimeError, match="return True to stop"):
        model.fit(DATA, opt="SGD", callback=lambda progress: next(iter(())))


def test_penalties_and_weight_decay_are_minimised():
    plain, sparse = MODELS["kan"](), MODELS["kan"]()
    plain.fit(DATA, opt="Adam", steps=300, update_grid=False)
    sparse.fit(DATA, opt="Adam", steps=300, lamb=0.1, batch=64, update_grid=False)
    scores = [
        sum(score.sum() for score in model.edge_scores(X, "edge_forward_spline_u"))
        for model in (plain, sparse)
    ]
    assert scores[1] < 0.8 * scores[0]
    free, drawn = MODELS["mlp"](), MODELS["mlp"]()
    free.fit(DATA, opt="Adam", steps=300, weight_decay=0.0)
    result = drawn.fit(DATA, opt="Adam", steps=300, weight_decay=0.1, batch=64)
    assert result.shrinkage == 0.1
    assert np.square(drawn.theta).sum() < np.square(free.theta).sum()


def test_grids_move_in_between_and_every_step_is_in_the_history():
    model = KAN([2, 3, 1], grid=3, seed=1, grid_range=(-3, 3))
    result = model.fit(DATA, opt="Adam", steps=40, batch=50)
    assert [update.step for update in result.grid_updates] == [0, 5]
    assert len(result["train_loss"]) == 40
    assert np.allclose(model.knots[0][:, 0], X.min(axis=0))


@pytest.mark.parametrize("kind", MODELS)
def test_a_stream_of_batches_trains_one_model(kind):
    """Every batch is a part of the range; the last one does not take the others away."""
    order = np.argsort(X[:, 0])
    model, options = MODELS[kind](), ({"update_grid": False} if kind == "kan" else {})
    for _ in range(40):
        for rows in np.array_split(order, 10):
            part = {"train_input": X[rows], "train_label": Y[rows]}
            result = model.fit(part, opt="SGD", steps=1, lr=0.02, **options)
            assert result.shrinkage == 0.0
    np.testing.assert_array_equal(model.training_range, [X.min(axis=0), X.max(axis=0)])
    assert np.sqrt(np.mean((model.predict(X) - Y) ** 2)) < 0.8 * Y.std()
    one = {"train_input": X[:1], "train_label": Y[:1]}
    before = model.predict(X)
    model.fit(one, opt="SGD", steps=1, lr=1e-6, **options)  # a single label is no constant function
    np.testing.assert_allclose(model.predict(X), before, atol=1e-3)


def test_few_samples_are_trained_on_as_they_are():
    few = {"train_input": X[:4], "train_label": Y[:4]}
    result = KAN([2, 2, 2, 1], seed=0).fit(few, opt="Adam", steps=50)
    assert result.shrinkage == 0.0
    assert len(result["train_loss"]) == 50


def test_schedules_take_them_with_their_options(tmp_path):
    stages = fit_schedule(
        [2, 2, 1], DATA, grids=(3, 5), opt="Adam", steps=100, restarts=2, seed=0, fit_options={"lr": 0.02}
    )
    assert stages.best.result.opt == "Adam"
    assert stages.best.test_rmse < 0.8
    stage = fit_mlp([2, 8, 1], DATA, opt="SGD", steps=100, fit_options={"batch": 32, "momentum": 0.9})
    assert stage.test_rmse < 0.8
    stages.best.model.save(tmp_path / "model.npz")
    np.testing.assert_array_equal(load_model(tmp_path / "model.npz").theta, stages.best.model.theta)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"opt": "LM", "lr": 0.1}, "lr is 0.1 with opt='LM'; expected lr only with opt='Adam' or opt='SGD'"),
        ({"opt": "auto", "batch": 10}, "batch is 10 with opt='auto'; expected batch only with"),
        ({"lr": 0.1}, "lr is 0.1 with opt='LBFGS'"),
        (
            {"opt": "Adam", "momentum": 0.9},
            "momentum is 0.9 with opt='Adam'; expected momentum only with opt='SGD'",
        ),
        ({"opt": "Adam", "lr": 0.0}, "lr is 0.0; expected a number > 0"),
        ({"opt": "Adam", "lr": -1.0}, "lr is -1.0; expected"),
        ({"opt": "Adam", "lr": np.nan}, "lr is nan"),
        ({"opt": "SGD", "batch": 0}, "batch is 0; expected an integer >= 1, or -1"),
        ({"opt": "SGD", "batch": -2}, "batch is -2; expected an integer >= -1"),
        ({"opt": "SGD", "momentum": 1.0}, "momentum is 1.0; expected a number from 0 to below 1"),
        ({"opt": "SGD", "seed": -1}, "seed is -1; expected"),
    ],
)
@pytest.mark.parametrize("kind", MODELS)
def test_options_that_cannot_be_are_one_clear_error(kind, options, error):
    model = MODELS[kind]()
    before = model.theta
    with pytest.raises(ValueError, match=error):
        model.fit(DATA, **options)
    np.testing.assert_array_equal(model.theta, before)


def test_gcv_needs_fits_that_reach_their_minima():
    with pytest.raises(ValueError, match="smoothing is 'gcv' with opt='Adam'; expected opt='LM'"):
        MODELS["kan"]().fit(DATA, opt="Adam", smoothing="gcv")


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("opt", METHODS)
def test_defaults_learn(kind, opt):
    """Without a learning rate the loss falls a lot in some hundred steps."""
    model = MODELS[kind]()
    result = model.fit(DATA, opt=opt, steps=500)
    assert result["train_loss"][-1] < 0.5 * Y.std()
    assert OPTIMIZERS[opt].first_order
