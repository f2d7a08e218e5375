"""What a page says of a dot is what the store says, at the place where the figure has drawn it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import synthetic

from sweeps.analysis.aggregate import aggregate
from sweeps.page.figures import PARAMETERS, SECONDS, task_figure
from sweeps.page.gallery import Gallery
from sweeps.page.number_format import number
from sweeps.page.overview_figures import all_tasks_figure, shown_tasks
from sweeps.page.tooltips import dots_json, front_links, panel
from sweeps.storage.store import Store


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hover")
    records = synthetic.build(directory)
    with Store.open(directory, readonly=True) as store:
        return records, aggregate(store)


def places(pattern, svg):
    return np.array([[float(x), float(y)] for x, y in re.findall(pattern, svg)])


@pytest.mark.parametrize("cost", [PARAMETERS, SECONDS], ids=lambda cost: cost.name)
def test_links_lie_on_the_markers_of_the_front(sweep, tmp_path, cost):
    task = sweep[1].tasks[0]
    gallery = Gallery(tmp_path, {task.task: "here"})
    figure = task_figure(task, cost)
    gallery.add_task(figure, "f", "title", [(figure.axes[0], task, cost, "")])
    svg = gallery.graphics["f"]
    links = places(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    markers = places(r'<use [^>]*\bx="([\d.]+)" y="([\d.]+)"', svg)
    assert len(links) == sum(len(front) for front in cost.fronts(task).values())
    distance = np.abs(links[:, None] - markers[None]).max(axis=2).min(axis=1)
    assert distance.max() < 0.1


def test_every_panel_of_the_overview_leads_to_its_function_from_where_it_is(sweep, tmp_path):
    _, result = sweep
    names = {task.task: f"n{i}" for i, task in enumerate(result.tasks)}
    gallery = Gallery(tmp_path, names)
    figure = all_tasks_figure(result)
    tasks = shown_tasks(result)
    frames = [(axes, task, PARAMETERS, "") for axes, task in zip(figure.axes, tasks, strict=False)]
    gallery.add_overview(figure, "all", "title", frames)
    svg = gallery.graphics["all"]
    assert re.findall(r'href="#(n\d)"', svg) == [names[task.task] for task in tasks]
    markers = places(r'<use [^>]*\bx="([\d.]+)" y="([\d.]+)"', svg)
    for one in gallery.panels["all"]:
        for front in one.task.fronts.values():
            for point in front:
                place = one.place(point.n_params, point.test.median)
                assert np.abs(markers - place).max(axis=1).min() < 0.1


def test_a_link_says_what_the_point_is_and_where_its_row_is(sweep):
    task = sweep[1].tasks[0]
    figure = task_figure(task)
    text = front_links(panel(figure, figure.axes[0], task), "here")
    for front in task.fronts.values():
        for point in front:
            assert f'href="#here.{point.run_id}.{point.stage}"' in text
            assert f"run {point.run_id}, stage {point.stage}</title>" in text
            assert f"test RMSE {number(point.test.median)}" in text


def test_the_numbers_of_the_page_are_those_of_every_run(sweep):
    records, result = sweep
    data = json.loads(dots_json(result.tasks, {}))
    for task, configurations in zip(result.tasks, data["tasks"], strict=True):
        found = set()
        for family, _, stages, grids, params, _, runs, errors in configurations:
            for i, stage in enumerate(stages):
                for run, error in zip(runs, errors[i], strict=True):
                    if error is not None:
                        found.add((family, run, stage, grids[i], params[i], error))
        assert found == {
            (
                *(record["family"].upper(), record["run_id"][:8], stage["stage"], stage["grid"] or 0),
                *(stage["n_params"], float(f"{stage['test_rmse']:.3g}")),
            )
            for record in records
            for stage in record["stages"]
            if record["task"] == task.task and np.isfinite(stage["test_rmse"])
        }


def test_too_many_dots_are_left_out(sweep, monkeypatch):
    monkeypatch.setattr("sweeps.page.tooltips.MAX_DOTS", 10)
    data = json.loads(dots_json(sweep[1].tasks, {}))
    assert data["tasks"] == [[] for _ in sweep[1].tasks]


def test_nothing_in_the_numbers_can_end_the_script(tmp_path):
    rng = np.random.default_rng(0)
    with Store.create(tmp_path, {}, "") as store:
        store.add(synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng, opt="</script><!--"))
        text = dots_json(aggregate(store).tasks, {})
    assert "<" not in text
    assert "</script><!--" in json.loads(text)["tasks"][0][0][1]
