"""Searches end when their time is over, or the user says so, with what they have."""

from __future__ import annotations

import gc
import itertools
import sys
import threading
import time
import weakref

import numpy as np
import pytest
import sympy

from kan_np import KAN, SearchProgress, create_dataset, discover
from kan_np._time_limit import Limits, TimeOverError, end_if_over, ended_at, ended_when, last_in_time
from kan_np.discovery import search
from kan_np.discovery.terms import find
from kan_np.discovery.terms.polish import Samples


def endless():
    kept = []
    while True:
        kept.append([len(kept)])
        if len(kept) > 100_000:
            kept.clear()


def asked_for(count):
    """False so many times, then True."""
    left = iter(range(count))
    return lambda: next(left, None) is None


@pytest.mark.parametrize("collects", [True, False])
def test_a_block_that_makes_objects_is_ended_in_any_thread(collects):
    ended = []

    def run():
        try:
            with ended_when(asked_for(5)):
                endless()
        except TimeOverError:
            ended.append(sys.getprofile())

    (gc.enable if collects else gc.disable)()
    try:
        thread = threading.Thread(target=run)
        thread.start()
        run()
        thread.join(30)
    finally:
        gc.enable()
    assert ended == [None, None]


class Closed:
    def __del__(self):
        abs(-1)


def throws_away():
    """Generators, objects and weak references that are thrown away while functions go on being called."""
    kept = weakref.WeakValueDictionary()
    while True:
        any(abs(number) > 0 for number in (0, 1, 2))
        closed = Closed()
        kept["gone"] = closed
        weakref.finalize(closed, abs, -1)
        del closed


@pytest.mark.parametrize("limit", ["when", "at"])
def test_nothing_is_raised_where_python_would_only_print_it(limit, monkeypatch):
    printed = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    for calls in range(1, 200):
        over = asked_for(calls)
        monkeypatch.setattr(time, "monotonic", lambda over=over: float(over()))
        block = ended_at(0.5) if limit == "at" else ended_when(over, lambda: True)
        with pytest.raises(TimeOverError), block:
            throws_away()
    assert printed == []


def collects():
    while True:
        gc.collect(0)


def test_nothing_is_raised_in_callbacks_of_the_collector(monkeypatch):
    """Neither in that of a block inside, nor in one of somebody else."""
    printed = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)

    def elsewhere(phase, info):
        abs(len(phase))

    gc.callbacks.append(elsewhere)
    try:
        for calls in range(1, 100):
            over = asked_for(calls)
            with pytest.raises(TimeOverError), ended_when(over, lambda: True), ended_when(lambda: False):
                collects()
    finally:
        gc.callbacks.remove(elsewhere)
    assert printed == []


def test_callbacks_of_the_collector_do_not_stay():
    before = list(gc.callbacks)
    with ended_when(lambda: False):
        assert len(gc.callbacks) == len(before) + 1
    with pytest.raises(TimeOverError), ended_when(lambda: True):
        pytest.fail("the block began when its time was over")
    assert gc.callbacks == before


def test_loops_ask_for_the_innermost_block():
    end_if_over()
    inside = []
    with ended_when(lambda: False):
        with pytest.raises(TimeOverError), ended_when(lambda: bool(inside)):
            inside.append(end_if_over()) or end_if_over()
        end_if_over()
    assert inside == [None]


def test_of_forms_the_last_in_time_is_taken():
    def forms():
        yield 1
        yield 2
        endless()

    assert last_in_time(forms(), asked_for(3)) == (2, False)
    assert last_in_time(iter([1, 2]), lambda: False) == (2, True)


def test_the_limit_that_is_over_is_named():
    assert (Limits(None, None)(), Limits(None, None).near()) == ("", False)
    assert (Limits(600.0, 600.0)(), Limits(600.0, 600.0).near()) == ("", False)
    assert (Limits(1.0, None)(), Limits(1.0, None).near()) == ("", True)
    assert Limits(1e-12, None)() == "seconds"
    assert Limits(600.0, 1e-12)() == "max_seconds"
    with pytest.raises(ValueError, match="seconds is 0"):
        Limits(0.0, None)


def test_near_the_end_a_block_that_makes_no_objects_is_ended_too():
    calls = itertools.count()
    with pytest.raises(TimeOverError), ended_when(asked_for(1000), near=lambda: True):
        all(abs(-1) for _ in calls)
    assert next(calls) < 1000


def noisy(n=150):
    rng = np.random.default_rng(3)
    x = rng.uniform(1, 3, (n, 2))
    y = np.exp(np.sin(3 * x[:, 0]) * x[:, 1]) / (x[:, 0] + np.cos(5 * x[:, 1]) + 3)
    return {"train_input": x, "train_label": y + 0.1 * rng.normal(size=n)}


#: Asks of the clock before a search begins.
_ASKS_BEFORE = 10


class Clock:
    """Processor time that passes by being asked for; what is done after its end is counted."""

    def __init__(self, monkeypatch, step, end):
        self.step, self.end, self.now = step, end, 0.0
        self.late = dict.fromkeys(("attempts", "fits", "shapes"), 0)
        monkeypatch.setattr(time, "thread_time", self.ask)
        self.count(monkeypatch, find._Search, "_dictionary", "attempts")
        self.count(monkeypatch, Samples, "fitted", "fits")
        self.count(monkeypatch, search, "train_tree", "shapes")

    def ask(self):
        self.now += self.step
        return self.now

    def count(self, monkeypatch, owner, name, what):
        whole = getattr(owner, name)

        def counted(*given, **options):
            self.late[what] += self.now > self.end + _ASKS_BEFORE * self.step
            return whole(*given, **options)

        monkeypatch.setattr(owner, name, counted)


@pytest.mark.slow
@pytest.mark.parametrize("end", [0.2, 1.0])
def test_nothing_is_begun_after_the_end(monkeypatch, end):
    dataset = noisy()
    discover(dataset, most_steps=1)
    clock = Clock(monkeypatch, 0.005, end)
    found = discover(dataset, seconds=end)
    assert clock.late == {"attempts": 0, "fits": 0, "shapes": 0}
    # what is left to be asked is asked by pieces of writing that are not begun any more
    assert clock.now < end + 100 * clock.step
    assert any("s were over before everything had been tried" in note for note in found.notes)
    assert np.isfinite(found.best.val_rmse)


def test_polishing_of_sums_asks_the_clock_at_every_formula(monkeypatch):
    dataset = noisy()
    x, y = dataset["train_input"], dataset["train_label"]
    fitted = []
    whole = Samples.fitted
    monkeypatch.setattr(Samples, "fitted", lambda self, e, *a: fitted.append(now[0]) or whole(self, e, *a))
    now = [0.0]

    def passing():
        now[0] += 0.05
        return now[0]

    monkeypatch.setattr(time, "thread_time", passing)
    found = find.find_sums(x[:120], y[:120], x[120:], y[120:], seconds=1.5)
    assert max(fitted) <= 1.5 + 0.05
    assert len(found) > 1


def test_a_search_without_time_has_a_constant_and_a_line():
    found = discover(noisy(), seconds=0.0)
    assert {candidate.shape for candidate in found.candidates} <= {"constant", "line"}
    assert all(len(repr(float(n))) < 6 for n in found.best.formula.expressions[0].atoms(sympy.Float))


def test_the_callback_is_told_the_best_and_ends_the_search():
    seen = []

    def callback(progress):
        seen.append(progress)
        return len(seen) == 3

    found = discover(noisy(), seconds=30.0, callback=callback)
    assert len(seen) == 3
    assert all(isinstance(progress, SearchProgress) for progress in seen)
    assert seen[-1].best.val_rmse == min(progress.best.val_rmse for progress in seen)
    assert seen[-1].total == 30.0
    assert any("callback ended the search" in note for note in found.notes)
    assert found.n_trained == 0


def test_a_callback_that_answers_something_else_than_true_changes_nothing():
    x = np.random.default_rng(0).uniform(1, 2, (80, 2))
    dataset = {"train_input": x, "train_label": x[:, 0] / (1 + x[:, 1])}
    told = []
    plain = discover(dataset, most_steps=60)
    watched = discover(dataset, most_steps=60, callback=lambda progress: told.append(progress.text) or 1)
    assert watched.best.formula.expressions == plain.best.formula.expressions
    assert told[0].startswith("sums of products")


def test_of_several_outputs_all_end():
    dataset = noisy(60)
    dataset["train_label"] = np.column_stack([dataset["train_label"]] * 2)
    counted = itertools.count(1)
    found = discover(dataset, seconds=30.0, callback=lambda progress: next(counted) >= 2)
    assert next(counted) == 3
    assert len(found) == 2
    assert all(np.isfinite(one.best.val_rmse) for one in found)


@pytest.mark.parametrize("call", [discover, lambda data, **k: KAN([2, 1], seed=0).auto_symbolic(**k)])
def test_a_callback_must_be_one(call):
    with pytest.raises(TypeError, match="callback is 3; expected a function that takes a SearchProgress"):
        call(noisy(20), callback=3)


def trained():
    dataset = create_dataset(lambda x: np.sin(3 * x[:, [0]]) + x[:, [1]] ** 2, n_var=2, train_num=200, seed=0)
    model = KAN([2, 1], grid=5, seed=0)
    model.fit(dataset, opt="LM", steps=10)
    return model, dataset["train_input"]


def test_edges_become_symbols_until_the_callback_or_the_seconds_end_it():
    model, x = trained()
    seen = []
    found = model.copy().auto_symbolic(
        x, lib=["sin", "x^2"], callback=lambda progress: seen.append(progress) or True
    )
    assert (len(found), len(found.splines)) == (1, 1)
    assert [(progress.done, progress.total) for progress in seen] == [(1, 2)]
    assert len(model.copy().auto_symbolic(x, seconds=1e-12)) == 0
    assert len(model.auto_symbolic(x, lib=["sin", "x^2"], seconds=600.0)) == 2


def test_a_product_of_four_sums_is_written():
    model = KAN([4, [0, 1], 1], mult_arity=4, seed=0)
    for j in range(4):
        for i in range(4):
            model.fix_symbolic(0, i, j, "x^2", fit=False, a=1.0 + 0.1 * i, b=0.3 * j)
    model.fix_symbolic(1, 0, 0, "x", fit=False)
    formula = model.symbolic_formula(seconds=60.0)
    assert formula.max_error < 1e-9
    assert isinstance(formula.expressions[0], sympy.Expr)
