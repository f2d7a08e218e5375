"""Schedules: grids in turn, restarts, hold-out, choice of the stage, words."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import (
    KAN,
    ExtrapolationWarning,
    FitStatus,
    KanWarning,
    OverfitWarning,
    Scaler,
    Schedule,
    create_dataset,
    fit_mlp,
    fit_schedule,
    split_validation,
)
from kan_np.schedule import restarts as restarts_module
from kan_np.schedule.advice import advise


def smooth_function(x):
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


DATA = create_dataset(smooth_function, n_var=2, train_num=400, test_num=300, seed=0)
HELD = split_validation(DATA, 0.25, seed=1)


def rmse(model, data, split):
    return np.sqrt(np.mean((model(data[f"{split}_input"]) - data[f"{split}_label"]) ** 2))


def test_every_stage_is_kept_and_starts_where_the_last_ended():
    seen = []
    stages = fit_schedule(
        [2, 2, 1], DATA, grids=(3, 6, 12), opt="LBFGS", steps=8, val_fraction=0, on_stage=seen.append
    )
    assert seen == stages
    assert isinstance(stages, Schedule)
    assert [s.grid for s in stages] == [3, 6, 12]
    assert [s.n_params for s in stages] == [6 * (g + 4) for g in (3, 6, 12)]
    assert all(b.train_rmse < a.train_rmse for a, b in zip(stages[:-1], stages[1:], strict=True))
    assert all(b.wall_s > a.wall_s for a, b in zip(stages[:-1], stages[1:], strict=True))
    for stage in stages:
        assert stage.test_rmse == pytest.approx(rmse(stage.model, DATA, "test"), rel=1e-12)
        assert np.isnan(stage.val_rmse)
        assert stage.status is FitStatus.STEP_LIMIT
        assert stage.opt == "LBFGS"
        assert stage.n_fev >= stage.n_iter == 160
    assert stages.best is min(stages, key=lambda s: s.train_rmse)


def test_rmse_falls_with_the_fourth_power_of_the_grid():
    data = create_dataset(smooth_function, n_var=2, train_num=1000, test_num=1000, seed=0)
    grids = (10, 20, 40)
    stages = fit_schedule([2, 1, 1], data, grids=grids, opt="LM", restarts=4, steps=60, val_fraction=0)
    slope = np.polyfit(np.log(grids), np.log([s.test_rmse for s in stages]), 1)[0]
    assert slope < -3.5
    assert stages[-1].test_rmse < 3e-6


def test_a_part_is_held_out_where_nothing_is_and_the_best_model_sees_all_in_the_end():
    options = {"grids": (3, 6), "opt": "LM", "steps": 20, "seed": 2}
    stages = fit_schedule([2, 2, 1], DATA, **options)
    explicit = fit_schedule([2, 2, 1], split_validation(DATA, 0.2), **options)
    assert [s.val_rmse for s in stages] == [s.val_rmse for s in explicit]
    held = fit_schedule([2, 2, 1], DATA, refit=False, **options)
    assert [s.train_rmse for s in held] == [s.train_rmse for s in explicit]
    for stage, before in zip(stages, held, strict=True):
        assert stage.train_rmse == pytest.approx(rmse(stage.model, DATA, "train"), rel=1e-12)
        assert stage.train_rmse < rmse(before.model, DATA, "train")  # what was held out is learned, too
        assert stage.test_rmse == pytest.approx(rmse(stage.model, DATA, "test"), rel=1e-12)


def test_validation_samples_of_the_dataset_are_used_as_they_are():
    stages = fit_schedule([2, 2, 1], HELD, grids=(3, 6), steps=20)
    for stage in stages:
        assert stage.val_rmse == pytest.approx(rmse(stage.model, HELD, "val"), rel=1e-12)
        assert stage.train_rmse == pytest.approx(rmse(stage.model, HELD, "train"), rel=1e-12)
    assert stages.best.val_rmse == min(s.val_rmse for s in stages)


def test_restarts_make_short_starts_and_carry_the_best_few(monkeypatch):
    fits = []
    plain_fit = KAN.fit

    def counted(self, dataset, **options):
        fits.append((self.grid, options["steps"]))
        return plain_fit(self, dataset, **options)

    monkeypatch.setattr(KAN, "fit", counted)
    fit_schedule([2, 1, 1], HELD, grids=(3, 6, 12, 24), opt="LM", steps=20, restarts=4)
    assert fits == [(3, 16)] * 24 + [(3, 20)] * 4 + [(6, 20)] * 4 + [(12, 20)] * 2 + [(24, 20)]


def test_restarts_never_do_worse_on_the_first_grid_than_their_best_short_start():
    one = fit_schedule([2, 1, 1], HELD, grids=(3,), opt="LM", steps=20, seed=4)
    four = fit_schedule([2, 1, 1], HELD, grids=(3,), opt="LM", steps=20, restarts=4, seed=4)
    again = fit_schedule([2, 1, 1], HELD, grids=(3,), opt="LM", steps=20, restarts=4, seed=4)
    assert four[0].val_rmse <= one[0].val_rmse
    assert (four[0].model._theta == again[0].model._theta).all()


def test_restarts_take_all_inits_in_turn_unless_told():
    made = []

    class Recorded(KAN):
        def __init__(self, *args, **options):
            made.append(options["init"])
            super().__init__(*args, **options)

    from kan_np.schedule import schedule

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "KAN", Recorded)
        fit_schedule([1, 1], create_dataset(np.cos, n_var=1, train_num=40), grids=(3,), steps=2, restarts=2)
        # the first one is a model whose parameters are counted
        assert made[1:7] == ["pykan", "wide", "power"] * 2
        made.clear()
        data = create_dataset(np.cos, n_var=1, train_num=40)
        fit_schedule([1, 1], data, grids=(3,), steps=2, restarts=2, init="power")
        assert set(made) == {"power"}


def test_a_stopped_schedule_keeps_what_it_has():
    stages = fit_schedule(
        [2, 2, 1], DATA, grids=(3, 6, 12), opt="LBFGS", steps=2, callback=lambda p: p.n_iter >= 40
    )
    assert [s.grid for s in stages] == [3]
    assert stages[0].status is FitStatus.STOPPED


@pytest.mark.parametrize("stop_at", [1, 20, 60, 90])
def test_a_stop_at_any_time_ends_the_schedule_with_a_model(stop_at):
    calls = []

    def stop(progress):
        calls.append(progress.n_iter)
        return len(calls) == stop_at

    stages = fit_schedule([2, 2, 1], DATA, grids=(3, 6), opt="LM", steps=4, restarts=3, callback=stop)
    assert len(calls) == stop_at
    assert stages[-1].status is FitStatus.STOPPED
    assert np.isfinite(stages[-1].test_rmse)
    assert np.isfinite(stages[-1].val_rmse)


def test_the_baseline_follows_the_same_rules():
    stage = fit_mlp([2, 6, 1], HELD, steps=30, restarts=3, seed=1)
    single = fit_mlp([2, 6, 1], HELD, steps=30, seed=1)
    assert stage.grid is None
    assert stage.opt == "LM"
    assert stage.n_params == 25
    assert stage.val_rmse <= single.val_rmse
    assert stage.val_rmse == pytest.approx(rmse(stage.model, HELD, "val"), rel=1e-12)
    assert Schedule([stage], 300).summary().splitlines()[1].startswith("*   -")


@pytest.mark.slow
def test_smoothing_by_cross_validation_keeps_a_fine_grid_from_fitting_noise():
    rng = np.random.default_rng(5)
    data = create_dataset(smooth_function, n_var=2, train_num=300, test_num=1000, seed=3)
    data["train_label"] = data["train_label"] + rng.normal(0, 0.1, (300, 1))
    options = {"grids": (3, 20), "restarts": 3, "seed": 0, "val_fraction": 0.0, "opt": "LM"}
    rough = fit_schedule([2, 5, 1], data, smoothing=0.0, **options)[-1]
    chosen = fit_schedule([2, 5, 1], data, smoothing="gcv", **options)[-1]
    assert chosen.result.smoothing > 0
    assert chosen.test_rmse < 0.1
    assert 2 * chosen.test_rmse < rough.test_rmse


class FakeStage:
    """What advise looks at."""

    def __init__(self, grid, train, val, n_params, width=(2, 5, 1)):
        self.grid, self.train_rmse, self.val_rmse, self.n_params = grid, train, val, n_params
        self.score = train if np.isnan(val) else val
        self.status = FitStatus.STEP_LIMIT
        self.result = {"train_loss": [train]}
        self.model = type("Model", (), {"width": list(width)})


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([], ["nothing to judge"]),
        ([FakeStage(3, 1e-2, np.nan, 50)], ["Nothing was held out"]),
        (
            [FakeStage(3, 1e-2, 1e-2, 50), FakeStage(10, 1e-4, 2e-4, 140), FakeStage(20, 1e-5, 3e-3, 240)],
            ["G = 10 is the best", "Finer grids overfit", "240 parameters for 400 samples"],
        ),
        (
            [FakeStage(3, 1e-2, 1e-2, 50), FakeStage(5, 1e-3, 1.1e-3, 60)],
            ["still lowers the error", "G = 10"],
        ),
        (
            [FakeStage(3, 1e-2, 1e-2, 50), FakeStage(5, 9e-3, 9.5e-3, 60)],
            ["does not overfit", "[2, 6, 1]"],
        ),
        ([FakeStage(3, 1e-2, 1e-2, 7, (2, 1)), FakeStage(5, 1e-2, 1e-2, 9, (2, 1))], ["[2, 5, 1]"]),
        (
            [FakeStage(3, 1e-3, 1e-2, 50), FakeStage(5, 1e-4, 9.5e-3, 60)],
            ["It overfits", "60 parameters for 400 samples"],
        ),
        (
            [FakeStage(3, 1e-3, 1.1e-3, 50), FakeStage(5, 5e-3, 6e-3, 60)],
            ["G = 3 is the best", "G = 5 was not trained out"],
        ),
        ([FakeStage(20, 1e-9, 0.8, 72)], ["It overfits", "72 parameters for 400 samples"]),
        ([FakeStage(None, 1e-2, 1.1e-2, 25)], ["The model is the best", "wider network such as [2, 6, 1]"]),
    ],
)
def test_advice_names_the_case_and_the_knob(stages, words):
    text = advise(stages, 400)
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    ("stages", "options", "words", "never"),
    [
        # held-out rows are predicted worse than by their mean
        (
            [FakeStage(3, 1e-2, 5e9, 50)],
            {},
            ["no better than the mean", "It overfits"],
            ["width is the limit"],
        ),
        (
            [FakeStage(3, 0.99, 0.99, 50)],
            {},
            ["no better than the mean", "standardise"],
            ["finer grid still lowers"],
        ),
        (
            [FakeStage(3, np.inf, np.inf, 50), FakeStage(5, np.inf, np.inf, 60)],
            {"label_spread": np.nan},
            ["no better than the mean"],
            ["finer grid still lowers", "not trained out", "does not overfit"],
        ),
        # what is already done is not advised
        ([FakeStage(3, 1e-4, 1e-2, 50)], {"smoothing": "gcv"}, ["It overfits", "more samples"], ["gcv"]),
        (
            [FakeStage(3, 1e-2, 1e-2, 50), FakeStage(5, 1e-5, 3e-2, 240)],
            {"smoothing": "gcv"},
            ["Finer grids overfit"],
            ["gcv"],
        ),
        # what is suggested can be learnt from the samples
        (
            [FakeStage(3, 0.1, 0.1, 350, (50, 1)), FakeStage(5, 0.1, 0.1, 450, (50, 1))],
            {},
            ["too many parameters for 400 samples", "fewer inputs"],
            ["[50"],
        ),
        (
            [FakeStage(3, 0.1, 0.1, 70, (10, 1)), FakeStage(5, 0.1, 0.1, 90, (10, 1))],
            {},
            ["a hidden layer such as [10, 2, 1]"],
            ["[10, 21, 1]"],
        ),
    ],
)
def test_advice_is_never_nonsense(stages, options, words, never):
    text = advise(stages, 400, **{"label_spread": 1.0, **options})
    for word in words:
        assert word in text
    for word in never:
        assert word not in text


@pytest.mark.parametrize("smoothing", ["weak", 0.0])
@pytest.mark.parametrize(
    ("n", "width", "scale"),
    [
        (100, [1, 1], 1.0),
        (200, [2, 1], 1.0),
        (300, [2, 5, 1], 100.0),
        (50, [3, 3, 1], 1.0),
        (20, [2, 2, 1], 1.0),
    ],
)
def test_labels_that_are_one_number_are_met_to_rounding(n, width, scale, smoothing):
    x = np.random.default_rng(0).uniform(-scale, scale, (n, width[0]))
    data = {"train_input": x, "train_label": np.full((n, 1), 7.0), "test_input": x / 2}
    data["test_label"] = np.full((n, 1), 7.0)
    stages = fit_schedule(width, data, smoothing=smoothing)
    for stage in stages:
        assert max(stage.train_rmse, stage.val_rmse, stage.test_rmse) < 1e-13
    assert stages.best.result.advice == ()
    assert fit_mlp([width[0], 4, 1], data).test_rmse < 1e-13


def test_of_two_outputs_one_may_be_one_number():
    x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    labels = np.stack([np.sin(2 * x[:, 0]), np.full(200, -3e5)], axis=1)
    model = KAN([2, 2, 2], seed=0)
    model.fit({"train_input": x, "train_label": labels}, opt="LM", steps=20)
    off = np.abs(model(x) - labels).max(axis=0)
    assert off[0] < 1e-2
    assert off[1] < 1e-9


def test_labels_far_from_zero_beside_their_spread_are_learnt_under_the_weak_smoothing():
    x = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    data = {"train_input": x, "train_label": 7.0 + 1e-6 * np.sin(3 * x)}
    stages = fit_schedule([1, 1], data, grids=(3, 5, 10), opt="LM")
    assert stages.best.val_rmse < 1e-9


def test_what_is_wrong_with_the_best_stage_is_part_of_the_advice():
    far = {**HELD, "test_input": 10 * HELD["test_input"]}
    with pytest.warns(KanWarning) as caught:
        stages = fit_schedule([2, 2, 1], far, grids=(3, 6), steps=10)
    assert {w.category for w in caught} == {ExtrapolationWarning, OverfitWarning}
    assert len(caught) == 2  # of all stages together
    told = stages.best.result.advice
    assert len(told) == 2
    assert stages.advice.endswith(" ".join(told))
    assert "test rows lie outside the range of the training samples" in stages.advice
    assert (stages[:1].smoothing, stages[:1].label_spread) == (stages.smoothing, stages.label_spread)
    assert stages.label_spread == pytest.approx(HELD["train_label"].std())


def test_the_summary_marks_the_best_stage():
    stages = fit_schedule([2, 1, 1], HELD, grids=(3, 6), steps=10, seed=0)
    lines = stages.summary().splitlines()
    assert len(lines) == 3
    marked = [line.startswith("*") for line in lines[1:]]
    assert marked.index(True) == stages.index(stages.best)
    assert sum(marked) == 1
    assert stages.advice in (advise(stages, 300),)
    with pytest.raises(IndexError, match="no stage"):
        _ = Schedule([], 300).best


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"grids": (5, 3)}, ValueError, "expected increasing numbers"),
        ({"grids": ()}, ValueError, "expected increasing numbers"),
        ({"restarts": 0}, ValueError, "restarts is 0"),
        ({"val_fraction": 1.0}, ValueError, r"val_fraction is 1\.0"),
        ({"init": "xavier"}, ValueError, "init is 'xavier'"),
        ({"init": ""}, ValueError, "init is ''"),
        ({"opt": "adam", "restarts": 2}, ValueError, "opt is 'adam'"),
        ({"opt": "lm"}, ValueError, "Did you mean 'LM'"),
        ({"smoothing": "gcw"}, ValueError, "Did you mean 'gcv'"),
        ({"fit_options": {"callback": print}}, ValueError, r"fit_options has \['callback'\]"),
        ({"fit_options": {"steps": 3, "opt": "LM"}}, ValueError, r"fit_options has \['opt', 'steps'\]"),
        ({"seed": None}, TypeError, "seed is None"),
        ({"opt": "LM", "fit_options": {"lamb": 0.1}}, ValueError, "lamb > 0; expected lamb = 0"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        fit_schedule([2, 1], DATA, **{"steps": 2, "grids": (3,), **options})


def test_one_sample_is_not_held_out():
    data = {"train_input": [[0.5, 0.5]], "train_label": [[1.0]]}
    stages = fit_schedule([2, 2, 1], data, grids=(3, 5), steps=5, restarts=2)
    assert np.isnan(stages[-1].val_rmse)
    assert stages[-1].train_rmse < 1e-6


def test_short_starts_are_as_many_as_documented():
    assert restarts_module.STARTS_PER_RESTART == 6
    assert "6 n short fits" in fit_schedule.__doc__.replace("\n    ", " ")


def test_a_stop_among_the_short_starts_keeps_the_scaler():
    data = create_dataset(smooth_function, n_var=2, train_num=50, seed=0)
    data["scaler"] = Scaler.fit(data["train_input"], data["train_label"])
    stages = fit_schedule([2, 2, 1], data, grids=(3,), restarts=2, callback=lambda p: True)
    assert stages[0].model.scaler is data["scaler"]


def test_a_refused_fit_does_not_touch_the_scaler():
    data = create_dataset(smooth_function, n_var=2, train_num=50, seed=0)
    data["scaler"] = Scaler.fit(data["train_input"], data["train_label"])
    model = KAN([2, 2, 1], seed=0)
    with pytest.raises(ValueError, match="lamb > 0"):
        model.fit(data, opt="LM", lamb=1.0)
    assert model.scaler is None


def test_a_stop_while_the_smoothing_is_chosen_reports_the_weight_in_use():
    model = KAN([2, 2, 1], 10, seed=0)
    result = model.fit(DATA, opt="LM", smoothing="gcv", callback=lambda p: p.n_iter >= 60)
    assert result.status is FitStatus.STOPPED
    assert result.smoothing > 0


def test_short_starts_are_short_whatever_auto_comes_to(monkeypatch):
    steps = []
    plain_fit = KAN.fit

    def counted(self, dataset, **options):
        steps.append(options["steps"])
        return plain_fit(self, dataset, **options)

    monkeypatch.setattr(KAN, "fit", counted)
    fit_schedule([2, 1, 1], HELD, grids=(3,), opt="auto", steps=5, restarts=2, fit_options={"lamb": 1e-4})
    assert steps == [2] * 12 + [5] * 2


def test_cross_validation_is_refused_where_its_matrices_would_fill_the_memory():
    with pytest.raises(ValueError, match="'gcv' with 5520 parameters; expected at most 5000"):
        KAN([2, 20, 20, 1], 8).fit({**DATA}, opt="LBFGS", smoothing="gcv", steps=1)


def test_a_slice_of_a_schedule_is_one_too():
    stages = fit_schedule([2, 1, 1], HELD, grids=(3, 5, 8), steps=5)
    coarse = stages[:2]
    assert isinstance(coarse, Schedule)
    assert [stage.grid for stage in coarse] == [3, 5]
    assert coarse.best in list(coarse)
    assert coarse.n_train == stages.n_train
    assert isinstance(stages[-1], type(coarse.best))


def test_huge_weights_count_like_equal_ones():
    data = {**DATA, "train_weight": np.full(400, 1e308)}
    one, other = KAN([2, 2, 1], seed=0), KAN([2, 2, 1], seed=0)
    assert one.fit(data, opt="LM", steps=5)["train_loss"] == other.fit(DATA, opt="LM", steps=5)["train_loss"]


def test_a_schedule_of_a_network_with_products():
    dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200, seed=0)
    stages = fit_schedule([2, [0, 1], 1], dataset, grids=(2, 4), steps=20, seed=0, base_fun="identity")
    assert [stage.model.n_mult for stage in stages] == [[0, 1, 0]] * 2
    assert stages.best.test_rmse < 1e-6
