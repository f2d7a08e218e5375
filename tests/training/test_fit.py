"""Training: optima known in closed form, statuses, history, callbacks, schedules, determinism."""

from __future__ import annotations

import numpy as np
import pytest
from evaluated import penalty_value

from kan_np import KAN, MLP, FitStatus, Scaler, create_dataset, design_matrix, fit_schedule
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.training.fit import FitOptions

F = lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)  # noqa: E731
DATA = create_dataset(F, n_var=2, train_num=400, test_num=200, seed=0)


def test_one_edge_without_base_function_reaches_the_least_squares_solution():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 1))
    y = np.sin(4 * x) + 0.1 * rng.normal(size=x.shape)
    model = KAN([1, 1], 6, 3, base_fun="zero", seed=0)
    result = model.fit({"train_input": x, "train_label": y}, steps=100, update_grid=False)
    design = design_matrix(x, model.knots[0][0], 3)
    best, *_ = np.linalg.lstsq(design, y, rcond=None)
    assert result["train_loss"][-1] == pytest.approx(np.sqrt(np.mean((design @ best - y) ** 2)), rel=1e-9)
    np.testing.assert_allclose(model.coef[0][0, 0], best[:, 0], atol=1e-5)
    assert result.status in (FitStatus.CONVERGED, FitStatus.STALLED)


@pytest.mark.parametrize("model", [KAN([2, 2, 1], 3, seed=0), MLP([2, 6, 1], seed=0)])
def test_history_has_a_value_a_step_and_ends_where_the_model_is(model):
    model = model.copy()
    result = model.fit(DATA, steps=7)
    assert {k: len(v) for k, v in result.items()} == {"train_loss": 7, "test_loss": 7, "reg": 7}
    assert result.status is FitStatus.STEP_LIMIT
    assert result.n_iter == 140
    assert result.n_fev >= result.n_iter
    assert result["reg"] == [0.0] * 7
    for split in ("train", "test"):
        rmse = np.sqrt(np.mean((model(DATA[f"{split}_input"]) - DATA[f"{split}_label"]) ** 2))
        assert result[f"{split}_loss"][-1] == pytest.approx(rmse, rel=1e-9)


def test_descent_is_monotone_between_grid_updates():
    result = KAN([2, 2, 1], 3, seed=0).fit(DATA, steps=10, update_grid=False)
    assert (np.diff(result["train_loss"]) <= 0).all()


@pytest.mark.parametrize("kind", ["kan", "mlp"])
def test_same_seed_and_data_give_the_same_bits(kind):
    def theta():
        model = KAN([2, 3, 1], seed=7) if kind == "kan" else MLP([2, 8, 1], seed=7)
        model.fit(DATA, steps=4, lamb=1e-4)
        return model._theta

    assert (theta() == theta()).all()


def test_the_dataset_is_not_changed():
    before = {k: v.copy() for k, v in DATA.items()}
    KAN([2, 2, 1], seed=0).fit(DATA, steps=2)
    assert all((DATA[k] == before[k]).all() for k in before)


def test_validation_samples_are_followed_too():
    data = {**DATA, "val_input": DATA["test_input"], "val_label": DATA["test_label"]}
    result = KAN([2, 2, 1], 3, seed=0).fit(data, steps=3)
    assert result["val_loss"] == result["test_loss"]


def test_a_callback_stops_the_fit_and_its_parameters_stay():
    seen = []

    def stop(progress):
        seen.append(progress)
        return progress.n_iter == 33

    model = KAN([2, 2, 1], 3, seed=0)
    result = model.fit(DATA, steps=10, update_grid=False, callback=stop)
    assert result.status is FitStatus.STOPPED
    assert [p.n_iter for p in seen] == list(range(1, 34))
    assert seen[-1].step == 1
    assert seen[-1].steps == 10
    assert len(result["train_loss"]) == 2
    assert result["train_loss"][-1] == seen[-1].train_loss
    assert result["train_loss"][-1] == pytest.approx(
        model._rmse(DATA["train_input"], DATA["train_label"]), rel=1e-9
    )


def test_a_callback_that_raises_loses_nothing():
    model = KAN([2, 2, 1], 3, seed=0)
    start = model._rmse(DATA["train_input"], DATA["train_label"])

    def interrupt(progress):
        if progress.n_iter == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(DATA, steps=10, callback=interrupt)
    assert model._rmse(DATA["train_input"], DATA["train_label"]) < 0.5 * start


@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")  # tests/training/test_warnings.py looks at them
@pytest.mark.parametrize("model", [KAN([2, 2, 1], 3, seed=0), MLP([2, 6, 1], seed=0)])
def test_overflow_is_a_status_and_the_model_stays_finite(model):
    model = model.copy()
    data = {**DATA, "train_label": DATA["train_label"] * 1e200}
    result = model.fit(data, steps=3, standardize=False)
    assert result.status is FitStatus.NON_FINITE
    assert "NaN or infinite" in result.message
    assert np.isfinite(model._theta).all()
    assert np.isfinite(model(DATA["test_input"])).all()


def test_a_perfect_start_ends_at_once():
    data = {"train_input": DATA["train_input"], "train_label": np.zeros((400, 1))}
    model = KAN([2, 1], 3, noise_scale=0.0, scale_base_sigma=0.0)
    result = model.fit(data, steps=5)
    assert result.status is FitStatus.CONVERGED
    assert result["train_loss"] == [0.0] * len(result["train_loss"])


def test_sparsity_penalty_shrinks_what_it_weighs():
    plain = KAN([2, 3, 1], 3, seed=0)
    sparse = plain.copy()
    plain.fit(DATA, steps=10)
    result = sparse.fit(DATA, steps=10, lamb=0.05)
    weights = Penalty(1.0)
    assert penalty_value(weights, sparse._network, DATA["train_input"]) < 0.8 * penalty_value(
        weights, plain._network, DATA["train_input"]
    )
    assert result["reg"][-1] == pytest.approx(
        penalty_value(weights, sparse._network, DATA["train_input"]), rel=1e-9
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"steps": 50}, [(5, True), (45, True)]),
        ({"steps": 3}, [(3, True)]),
        ({"steps": 50, "update_grid": False}, [(50, False)]),
        ({"steps": 20, "stop_grid_update_step": 50, "grid_update_num": 10}, [(5, True)] * 4),
        ({"steps": 12, "start_grid_update_step": 5}, [(5, False), (7, True)]),
        ({"steps": 12, "stop_grid_update_step": 0}, [(12, False)]),
    ],
)
def test_steps_are_cut_at_the_grid_updates(options, expected):
    assert FitOptions(**options).segments() == expected


@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")  # constant inputs do not determine the labels
# every pair of a shape and an order, of a kind and a shape, and of a kind and an order
@pytest.mark.parametrize(
    ("width", "samples", "k", "kind"),
    [
        (*shape, k, ("random", "constant", "repeated")[(i + 2 * j) % 3])
        for i, shape in enumerate([([2, 1], 1), ([1, 2, 1], 2), ([3, 5, 2], 3), ([2, 2, 2, 1], 40)])
        for j, k in enumerate([0, 1, 3, 5])
    ],
)
def test_few_constant_or_repeated_samples_never_fail(width, samples, k, kind):
    rng = np.random.default_rng(samples)
    x = {
        "random": rng.normal(size=(samples, width[0])),
        "constant": np.full((samples, width[0]), 2.5),
        "repeated": rng.integers(0, 2, (samples, width[0])).astype(float),
    }[kind]
    y = rng.normal(size=(samples, width[-1]))
    model = KAN(width, 4, k, grid_eps=0.02, seed=0)
    result = model.fit({"train_input": x, "train_label": y}, steps=6, lamb=1e-3)
    assert np.isfinite(result["train_loss"]).all()
    assert np.isfinite(model.refine(9)(x)).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.fit(DATA, opt="LBGFS"), ValueError, "Did you mean 'LBFGS'"),
        (lambda m: m.fit(DATA, steps=0), ValueError, "steps is 0; expected an integer >= 1"),
        (lambda m: m.fit(DATA, lamb=-1), ValueError, "lamb is -1"),
        (lambda m: m.fit(DATA, callback=3), TypeError, "callback is 3"),
        (lambda m: m.fit(DATA, start_grid_update_step=None), TypeError, "start_grid_update_step is None"),
        (lambda m: m.fit({**DATA, "scaler": "hello"}), TypeError, "expected a kan_np.Scaler"),
        (
            lambda m: m.fit({**DATA, "scaler": Scaler.fit(np.eye(3), np.ones((3, 1)))}),
            ValueError,
            r"is for \(3, 1\) inputs and outputs; expected \(2, 1\)",
        ),
        (lambda m: m.fit(DATA, reg_metric="edge"), ValueError, "reg_metric is 'edge'"),
        (lambda m: m.fit([1, 2]), TypeError, "expected a dict with train_input"),
        (lambda m: m.fit({"train_input": DATA["train_input"]}), ValueError, "dataset has no train_label"),
        (
            lambda m: m.fit({**DATA, "train_label": DATA["train_label"][:-1]}),
            ValueError,
            r"'train_input'\] has 400 samples and dataset\['train_label'\] has 399",
        ),
        (
            lambda m: m.fit({**DATA, "train_input": DATA["train_input"][:, :1]}),
            ValueError,
            "has 1 columns, shape .* expected 2 columns",
        ),
        (
            lambda m: m.fit({**DATA, "train_label": np.full((400, 1), np.inf)}),
            ValueError,
            "400 NaN or infinite values",
        ),
        (lambda m: fit_schedule([2, 1], DATA, grids=(5, 3)), ValueError, "expected increasing numbers"),
        (lambda m: fit_schedule([2, 1], DATA, grids=()), ValueError, "expected increasing numbers"),
    ],
)
def test_bad_input_is_refused_and_the_model_stays(call, error, message):
    model = KAN([2, 2, 1], 3, seed=0)
    before = model._theta.copy()
    with pytest.raises(error, match=message):
        call(model)
    assert (model._theta == before).all()


@pytest.mark.parametrize("mode", ["smooth", "linear", "continue", "constant", "zero", "error"])
def test_every_extrapolation_trains_and_evaluates_its_own_samples(mode):
    stages = fit_schedule([2, 2, 1], DATA, grids=(3, 6), steps=8, extrapolation=mode)
    assert stages[-1].train_rmse < 0.1
    assert stages[-1].model(DATA["train_input"]).shape == (400, 1)


def test_blas_limits_come_back_when_the_last_of_two_overlapping_fits_ends():
    from threadpoolctl import threadpool_info, threadpool_limits

    from kan_np._threads import one_thread

    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    with threadpool_limits(2):
        before = threads()
        first, second = one_thread(), one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(threads()) == {1}
        second.__exit__(None, None, None)
        assert set(before) == {2}
        assert threads() == before


def test_a_callback_cannot_stop_by_accident():
    assert KAN([2, 1], 3).fit(DATA, steps=1, callback=lambda p: 1.0).status is FitStatus.STEP_LIMIT
    with pytest.raises(RuntimeError, match="StopIteration"):
        KAN([2, 1], 3).fit(DATA, steps=1, callback=lambda p: next(iter([])))


def test_a_fit_to_zero_labels_converges():
    data = {"train_input": DATA["train_input"], "train_label": np.zeros((400, 1))}
    result = MLP([2, 1], seed=0).fit(data, steps=50)
    assert result.status in (FitStatus.CONVERGED, FitStatus.STALLED)
    assert result["train_loss"][-1] < 1e-9


def test_a_constant_hidden_node_keeps_the_grid_that_holds_it():
    model = KAN([1, 2, 1], 4, 3, seed=0)
    x = np.full((20, 1), 0.25)
    before = model.knots
    model.update_grid(x)
    assert (model.knots[0] == before[0]).all()


def test_progress_bar_writes_to_stderr_only(capfd):
    KAN([2, 1], 3, seed=0).fit(DATA, steps=2, progress=True)
    assert capfd.readouterr().out == ""


@pytest.mark.slow
def test_hello_world_is_as_accurate_as_it_should_be():
    data = create_dataset(F, n_var=2, seed=0)
    losses = [
        KAN([2, 5, 1], 5, 3, seed=s).fit(data, opt="LBFGS", steps=50)["test_loss"][-1] for s in range(10)
    ]
    assert np.median(losses) <= 2.5e-3


@pytest.mark.slow
def test_lennard_jones_is_more_accurate_than_pykan():
    def energy(r):
        return 1 / r**12 - 1 / r**6

    data = create_dataset(energy, n_var=1, ranges=[0.95, 2.0], train_num=50, seed=0)
    losses = [KAN([1, 2, 1], seed=s).fit(data, opt="LBFGS", steps=20)["test_loss"][-1] for s in range(10)]
    assert np.median(losses) < 6.6e-4
