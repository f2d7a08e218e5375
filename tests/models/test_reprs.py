"""What results and models show of themselves: one line or a small table as text, and HTML in notebooks."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

from kan_np import KAN, MLP, FitResult, FitStatus, create_dataset, discover, fit_mlp, fit_schedule
from kan_np.discovery.candidate import Candidate, Discovery
from kan_np.schedule.stage import Schedule

VOID = {"br", "img", "path", "use", "meta", "rect"}


class Page(HTMLParser):
    """Texts by element, and whether every element that is opened is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.seen, self.texts = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def page(shown):
    read = Page(shown._repr_html_())
    assert not read.open
    return read


def data(n=60):
    return create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=n, test_num=10, seed=0)


def test_a_result_shows_its_last_losses_and_how_it_ended():
    history = {"train_loss": [1.0, 0.12345678], "test_loss": [2.0, 0.25], "reg": [0.0, 0.0]}
    result = FitResult(history, FitStatus.STEP_LIMIT, 20, 31, 0.5, "LM", advice=("Use x < 3.",))
    assert repr(result) == (
        "FitResult('step limit', opt='LM', n_iter=20, train_loss=0.1235, test_loss=0.25, 1 advice)"
    )
    assert "reg=3" in repr(FitResult(history | {"reg": [3.0]}, FitStatus.CONVERGED, 1, 1, 0.1, "LBFGS"))
    shown = page(result)
    assert {"train_loss", "0.1235", "test_loss", "0.25", "Use x < 3."} <= set(shown.texts)
    assert "reg" not in shown.texts
    assert repr(FitResult({"train_loss": []}, FitStatus.STOPPED, 0, 0, 0.0, "LM")).startswith("FitResult(")


@pytest.mark.parametrize("model", [KAN([2, 3, 1], seed=0), MLP([2, 4, 1], seed=0)], ids=["KAN", "MLP"])
def test_a_model_shows_its_line_and_its_drawing(model):
    shown = page(model)
    assert repr(model) in shown.texts
    assert shown.seen.count("svg") == 1
    assert model._repr_html_() == model._repr_html_()


def test_models_that_cannot_be_drawn_show_their_line():
    large = MLP([100, 200, 1], seed=0)
    assert page(large).texts == [repr(large)]
    huge = KAN([1, 1], seed=0)
    huge.theta = np.full(huge.n_params, 1e308)
    assert repr(huge) in page(huge).texts


def test_a_schedule_is_a_table():
    stages = fit_schedule([1, 1], data(), grids=(2, 4), opt="LM", steps=3)
    text = repr(stages)
    assert text.splitlines()[0] == "Schedule of 2 grids"
    assert text.endswith(stages.summary())
    assert repr(stages[0]).startswith(f"Stage({stages[0].model!r}, train_rmse=")
    assert len(repr(stages[0])) < 160
    shown = page(stages)
    assert {"G", "val RMSE", "2", "4"} <= set(shown.texts)
    assert shown.seen.count("b") == 7  # the cells of the best stage
    assert "svg" in shown.seen
    empty = Schedule([], 10)
    assert repr(empty) == "Schedule([])"
    assert page(empty).texts == ["Schedule([])"]


def test_an_mlp_has_a_stage_without_a_grid():
    stage = fit_mlp([1, 2, 1], data(), opt="LM", steps=2)
    assert "train_rmse=" in repr(stage)
    assert "-" in page(Schedule([stage], 10)).texts


def test_a_discovery_is_a_table_of_formulas():
    found = discover(data(), lib=["x", "x^2", "0"], restarts=1, var=["a<b"])
    assert isinstance(found, Discovery)
    assert isinstance(found.best, Candidate)
    text = repr(found)
    assert text.splitlines()[0].startswith(f"Discovery of {len(found.candidates)} formulas, best Candidate(")
    assert text.endswith(found.table())
    shown = page(found)
    assert "formula" in shown.texts
    assert any(cell.startswith("$") and cell.endswith("$") for cell in shown.texts)
    assert "svg" in shown.seen
