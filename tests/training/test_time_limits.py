"""Limits of wall-clock time, and progress that is silent where there is no terminal."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest

from kan_np import KAN, create_dataset, discover, fit_schedule
from kan_np._time_limit import TimeOverError, deadline, ended_at
from kan_np._warnings import KanWarning
from kan_np.training.progress import progress_bar


def endless():
    while True:
        abs(-1)


def test_a_block_that_never_ends_is_ended_in_any_thread():
    ended = []

    def run():
        try:
            with ended_at(time.monotonic() + 0.05):
                endless()
        except TimeOverError:
            ended.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    run()
    thread.join(30)
    assert ended == [True, True]


def test_without_a_limit_nothing_is_asked_and_a_profiler_is_kept():
    seen = []
    with ended_at(None):
        assert sys.getprofile() is None

    def profiler(frame, event, argument):
        seen.append(event)

    sys.setprofile(profiler)
    try:
        with ended_at(time.monotonic() + 60.0):
            pass
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("wrong", [0, -1.0, "soon", np.nan])
def test_limits_are_numbers_above_zero(wrong):
    with pytest.raises((ValueError, TypeError), match="max_seconds"):
        deadline(wrong)


def small_dataset():
    return create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100, seed=0)


def test_a_schedule_ends_with_its_time_and_keeps_what_it_has():
    stages = fit_schedule([2, 3, 1], small_dataset(), grids=(3, 5, 10), steps=50, max_seconds=1e-3, seed=0)
    assert len(stages) == 1
    assert stages[0].status.value == "stopped"
    assert np.isfinite(stages[0].train_rmse)


def test_a_limit_that_is_not_reached_changes_no_bit():
    dataset = small_dataset()
    options = {"grids": (3,), "steps": 4, "seed": 0}
    plain, limited = (fit_schedule([2, 2, 1], dataset, max_seconds=s, **options) for s in (None, 600.0))
    x = dataset["test_input"]
    assert np.array_equal(plain.best.model(x), limited.best.model(x))


def test_a_callback_of_the_user_still_stops_a_limited_schedule():
    asked = []

    def callback(progress):
        asked.append(progress)
        return len(asked) > 2

    stages = fit_schedule([2, 2, 1], small_dataset(), grids=(3, 5), callback=callback, max_seconds=600.0)
    assert stages[0].status.value == "stopped"
    assert len(asked) == 3


def symbolic_model():
    model = KAN([2, 1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "x^2", fit=False, a=1.5, b=0.25)
    model.fix_symbolic(0, 1, 0, "sin", fit=False, a=2.0)
    model.fix_symbolic(1, 0, 0, "exp", fit=False, a=0.5)
    return model


def test_a_formula_that_is_cut_short_still_is_the_model():
    model = symbolic_model()
    with pytest.warns(KanWarning, match="not simplified to its end, for max_seconds were over"):
        formula = model.symbolic_formula(max_seconds=1e-9)
    assert formula.max_error < 1e-12
    x = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    assert formula.numpy()(x) == pytest.approx(model(x))
    whole = model.symbolic_formula(max_seconds=600.0)
    assert whole.expressions == model.symbolic_formula().expressions


@pytest.mark.parametrize(
    ("limit", "why"),
    [({"seconds": 1e-12}, "seconds were over"), ({"callback": lambda progress: True}, "callback ended it")],
)
def test_formulas_are_written_as_far_as_there_is_time(limit, why):
    model = symbolic_model()
    with pytest.warns(KanWarning, match=f"not simplified to its end, for {why}"):
        formula = model.symbolic_formula(**limit)
    assert formula.max_error < 1e-12


def test_edges_that_are_not_reached_in_time_stay_splines():
    model = KAN([2, 1], grid=5, seed=0)
    dataset = create_dataset(lambda x: np.sin(3 * x[:, [0]]) + x[:, [1]] ** 2, n_var=2, train_num=200, seed=0)
    model.fit(dataset, opt="LM", steps=10)
    found = model.copy().auto_symbolic(dataset["train_input"], max_seconds=1e-9)
    assert len(found) == 0
    assert sorted(found.splines) == [(0, 0, 0), (0, 1, 0)]
    found = model.auto_symbolic(dataset["train_input"], lib=["sin", "x^2"], max_seconds=600.0)
    assert len(found) == 2


@pytest.mark.slow
def test_a_search_for_formulas_ends_with_its_time_and_has_something():
    rng = np.random.default_rng(0)
    dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=60, seed=0)
    dataset["train_label"] = dataset["train_label"] + rng.normal(0, 0.3, dataset["train_label"].shape)
    begin = time.monotonic()
    found = discover(dataset, seconds=600.0, max_seconds=0.5, restarts=1)
    assert np.isfinite(found.best.val_rmse)
    assert time.monotonic() - begin < 300.0
    assert any("before everything had been tried" in note for note in found.notes)


def test_progress_is_silent_without_a_terminal_and_without_being_asked(capsys):
    model = symbolic_model()
    fit_schedule([2, 2, 1], small_dataset(), grids=(3,), steps=2, progress=True)
    model.symbolic_formula(exact=False, progress=True)
    for wanted in (True, False):
        with progress_bar("what", None, wanted) as show:
            show(1, "text")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
