"""Figures show what the store holds, are the same on every call, and leave no state behind."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import synthetic

from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.pareto import steps
from sweeps.page.figures import guide, has_pictures, task_figure
from sweeps.page.overview_figures import all_tasks_figure, summary_figure
from sweeps.page.style import file_names, power_of_ten, ratio_text, render, wrap
from sweeps.storage.store import Store


def result_of(directory, tasks=tuple(synthetic.FORMULAS), **options):
    synthetic.build(directory, tasks, **options)
    with Store.open(directory, readonly=True) as store:
        return aggregate(store)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return result_of(tmp_path_factory.mktemp("figures"))


def line_colours(axes):
    return {mpl.colors.to_hex(line.get_color()).upper() for line in axes.lines}


def test_the_step_lines_pass_through_every_front_point(result):
    for task in result.tasks:
        (axes,) = task_figure(task).axes
        drawn = [tuple(map(tuple, line.get_xydata())) for line in axes.lines]
        for front in task.fronts.values():
            x, y = [p.n_params for p in front], [p.test.median for p in front]
            xs, ys = steps(x, y, x_end=axes.get_xlim()[1])
            assert tuple(zip(xs, ys, strict=True)) in drawn
            assert set(zip(x, y, strict=True)) <= set(zip(xs, ys, strict=True))


def test_every_trained_model_is_a_dot(result):
    for task in result.tasks:
        (axes,) = task_figure(task).axes
        drawn = {tuple(point) for line in axes.lines for point in line.get_xydata()}
        for x, y in task.cloud.values():
            assert set(zip(x, y, strict=True)) <= drawn


def test_axes_are_logarithmic_and_say_what_is_better(result):
    (axes,) = task_figure(result.tasks[0]).axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert "fewer is better" in axes.get_xlabel()
    for word in ("test RMSE", "median over seeds", "lower is better"):
        assert word in axes.get_ylabel()
    assert axes.get_title(loc="left") == result.tasks[0].formula
    assert {"#0072B2", "#D55E00"} <= line_colours(axes)


def test_the_guide_falls_with_the_power_of_the_spline_order(result):
    for task in result.tasks:
        chain, k = guide(task)
        assert len({p.group_id for p in chain}) == 1
        (axes,) = task_figure(task).axes
        (line,) = [line for line in axes.lines if line.get_linestyle() == "--"]
        x, y = line.get_xydata().T
        edges = sum(a * b for a, b in pairwise(chain[0].width))
        grids = x / edges - k - 1
        assert grids[0] == pytest.approx(chain[0].grid)
        assert chain[0].grid < grids[-1] <= chain[-1].grid + 1e-9
        assert y == pytest.approx(y[0] * (grids / grids[0]) ** -(k + 1.0))
        assert chain[0].test.median / 2.5 <= y[0] <= chain[0].test.median
        assert [text.get_text() for text in axes.texts] == ["∝ G⁻⁴"]


def test_axes_of_a_narrow_range_have_more_than_one_number(tmp_path):
    rng = np.random.default_rng(0)
    records = [synthetic.mlp_record("t", [2, n, 1], "tanh", 0, rng) for n in (5, 6)]
    for record, error in zip(records, (3e-4, 2.5e-4), strict=True):
        record["stages"][0] |= {"val_rmse": error, "test_rmse": error}
    with Store.create(tmp_path, {}, "") as store:
        for record in records:
            store.add(record)
        (task,) = aggregate(store).tasks
    (axes,) = task_figure(task).axes
    low, high = axes.get_ylim()
    assert sum(low <= tick <= high for tick in axes.get_yticks()) >= 2


def test_there_is_no_guide_where_no_grid_was_refined(tmp_path):
    rng = np.random.default_rng(0)
    one = synthetic.kan_record("t", [2, 1], 0, rng)
    one["stages"] = one["stages"][:1]
    with Store.create(tmp_path, {}, "") as store:
        store.add(one)
        (task,) = aggregate(store).tasks
    assert guide(task) is None
    assert render(task_figure(task), "svg")


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_store_gives_the_same_bytes(result, kind):
    for make in (lambda: task_figure(result.tasks[0]), lambda: summary_figure(result)):
        assert render(make(), kind) == render(make(), kind)


def test_figures_neither_read_nor_change_the_settings_of_the_user(result):
    before = render(task_figure(result.tasks[0]), "svg")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "yellow", "svg.hashsalt": "mine"}):
        settings = dict(mpl.rcParams)
        assert render(task_figure(result.tasks[0]), "svg") == before
        assert dict(mpl.rcParams) == settings


def test_pyplot_is_not_loaded():
    code = "import sys, sweeps.page.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode
        == 0
    )


def test_a_picture_holds_no_date(result):
    assert b"<dc:date>" not in render(task_figure(result.tasks[0]), "svg")


def test_the_summary_has_a_row_for_every_function_sorted_by_ratio(result):
    (axes,) = summary_figure(result).axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    by_ratio = sorted(result.tasks, key=lambda task: task.overall.ratio)
    assert rows == [task.title for task in by_ratio]
    assert [text.get_text() for text in axes.texts] == [ratio_text(task.overall.ratio) for task in by_ratio]


def test_small_multiples_have_a_panel_for_every_function(result):
    titles = [axes.get_title(loc="left") for axes in all_tasks_figure(result, columns=3).axes]
    assert titles == ["ellipj", "ellipkinc", "jv", "lpmv_0", "", ""]


def test_points_far_above_the_frame_are_counted_in_the_figure(tmp_path):
    records = synthetic.records(("t",))
    good = next(r for r in records if r["status"] == "ok" and r["family"] == "mlp")
    wild = synthetic.mlp_record("t", [2, 99, 1], "tanh", 0, np.random.default_rng(0))
    wild["stages"][0] |= {"test_rmse": 1e30, "val_rmse": 1e30}
    with Store.create(tmp_path, {}, "") as store:
        for record in (good, wild):
            store.add(record)
        (task,) = aggregate(store).tasks
    (axes,) = task_figure(task).axes
    assert "↑ 1 worse point above the frame" in [text.get_text() for text in axes.texts]
    assert axes.get_ylim()[1] < 1e3


def test_dots_are_vectors_or_a_picture(result):
    task = result.tasks[0]
    n_dots = sum(x.size for x, _ in task.cloud.values())
    vectors, pictures = (render(task_figure(task, pictures=answer), "svg") for answer in (False, True))
    assert b"<image" not in vectors
    assert b"<image" in pictures
    assert pictures.count(b"<use") == vectors.count(b"<use") - n_dots


def test_all_dots_of_a_page_decide_together(result, monkeypatch):
    assert not has_pictures(result.tasks)
    n_dots = sum(x.size for task in result.tasks for x, _ in task.cloud.values())
    monkeypatch.setattr("sweeps.page.figures.MAX_VECTOR_POINTS", n_dots - 1)
    assert has_pictures(result.tasks)
    assert not has_pictures(result.tasks[1:])


@pytest.mark.parametrize(
    "formula", ["$x_1^2$ & \\frac{}", "a" * 500, "数 → 値", "", "<b>\n\tnew\x00line</b>"]
)
def test_any_formula_can_be_a_title(result, formula):
    from dataclasses import replace

    task = replace(result.tasks[0], description={"formula": formula, "name": formula or "f"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert render(task_figure(task), "svg").startswith(b"<?xml")
    assert len(wrap(formula).splitlines()) <= 2


def test_empty_and_zero_results_are_drawn(tmp_path):
    with Store.create(tmp_path, {}, "") as store:
        store.set_plan([("id", "t", "kan", {})])
        empty = aggregate(store)
        exact = synthetic.kan_record("t", [2, 1], 0, np.random.default_rng(0))
        for stage in exact["stages"]:
            stage |= {"test_rmse": 0.0, "val_rmse": 0.0}
        store.add(exact)
        zero = aggregate(store)
    for result in (empty, zero):
        for figure in (task_figure(result.tasks[0]), summary_figure(result), all_tasks_figure(result)):
            assert render(figure, "svg")


def test_file_names_are_safe_and_different():
    tasks = ["a/b", "a-b", "A-B", "<script>", "..", "", "csv/my data.csv", "summary", "x" * 300, "con/ü"]
    names = file_names(tasks)
    assert len({name.lower() for name in names.values()}) == len(tasks)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name) for name in names.values())
    assert file_names(["special/jv"]) == {"special/jv": "special-jv"}


def test_numbers_in_words():
    assert [power_of_ten(x) for x in (1e-12, 5e-4, 1.0, 20.0, 0.0)] == ["10⁻¹²", "5·10⁻⁴", "10⁰", "2·10¹", ""]
    assert [ratio_text(r) for r in (12.3, 0.5, 1.0, math.inf, 0.0)] == [
        "KAN 12×",
        "MLP 2.0×",
        "equal",
        "KAN exact",
        "MLP exact",
    ]
