"""LM beside LBFGS, and labels that tell configurations apart."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
import synthetic
from html_page import page_of
from small_sweep import call, write_spec

from kan_np import optimize
from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.optimizers import compare_optimizers
from sweeps.analysis.variants import varied_options
from sweeps.commands.overview import model_text, run_lines
from sweeps.commands.run_details import record_lines
from sweeps.families.optimizers import is_one_update, optimizer_names, sees_gradient_alone, step_cost
from sweeps.page.figures import task_figure
from sweeps.page.overview_figures import summary_figure
from sweeps.page.report import write_report
from sweeps.page.style import family_handles, ratio_text
from sweeps.storage.store import Store


def with_errors(record, *errors, seconds=1.0):
    """Keep a stage for each error; each stage takes so many seconds of its own."""
    record["stages"] = record["stages"][: len(errors)]
    for number, (stage, error) in enumerate(zip(record["stages"], errors, strict=True), start=1):
        stage |= {"val_rmse": error, "test_rmse": error, "wall_s": number * seconds}
    return record


def stored(directory, records):
    with Store.create(directory, {"title": "optimizers"}, "kan-sweep run x") as store:
        for record in records:
            store.add(record)
        return aggregate(store)


def compared(result):
    return {pair.family: pair for pair in compare_optimizers(result.tasks, result.n_by_optimizer)}


def both(rng, task="t", *, seeds=1, lm=(1e-4, 1e-6), lbfgs=(2e-4, 8e-6)):
    """KANs of one configuration trained with LM and with LBFGS."""
    records = []
    for seed in range(seeds):
        for opt, errors, seconds in (("LM", lm, 0.5), ("LBFGS", lbfgs, 3.0)):
            one = synthetic.kan_record(task, [2, 2, 1], seed, rng, opt=opt)
            records.append(with_errors(one, *errors, seconds=seconds))
    return records


def test_ratios_are_medians_over_functions_of_medians_over_pairs(tmp_path):
    rng = np.random.default_rng(0)
    # Ratios 2 and 8 on a, 3 and 5 on b, 100 on c: medians 5, 4 and 100.
    records = both(rng, "a", seeds=2)
    records += both(rng, "b", lm=(1e-3, 1e-3), lbfgs=(3e-3, 5e-3))
    records += both(rng, "c", lm=(1e-3,), lbfgs=(1e-1,))
    pair = compared(stored(tmp_path, records))["kan"]
    assert (pair.n_pairs, pair.n_tasks) == (5, 3)
    assert pair.ratio == pytest.approx(5.0)
    assert pair.n_models == (7, 7)
    assert pair.seconds == pytest.approx((0.5, 3.0))


def test_only_models_that_differ_in_nothing_but_the_optimizer_are_compared(tmp_path):
    rng = np.random.default_rng(0)
    records = both(rng)
    for changed in ({"steps": 99}, {"restarts": 4}, {"smoothing": 1e-3}):
        other = synthetic.kan_record("t", [2, 2, 1], 0, rng, opt="LBFGS", options=changed)
        records.append(with_errors(other, 1.0, 1.0))
    records.append(with_errors(synthetic.kan_record("t", [2, 1], 0, rng, opt="LBFGS"), 1.0))
    pair = compared(stored(tmp_path, records))["kan"]
    assert (pair.n_pairs, pair.ratio) == (2, pytest.approx(5.0))
    assert pair.n_models == (2, 9)


def test_what_auto_came_to_is_compared_by_the_optimizer_that_was_used(tmp_path):
    rng = np.random.default_rng(0)
    auto = with_errors(synthetic.kan_record("t", [2, 2, 1], 0, rng, opt="auto"), 1e-4, 1e-6)
    auto["stages"][1]["opt"] = "LBFGS"  # the finer grid was too large for LM
    lbfgs = with_errors(synthetic.kan_record("t", [2, 2, 1], 0, rng, opt="LBFGS"), 4e-4, 9e-6)
    pair = compared(stored(tmp_path, [auto, lbfgs]))["kan"]
    assert (pair.n_pairs, pair.ratio) == (1, pytest.approx(4.0))
    assert pair.n_models == (1, 3)


@pytest.mark.slow
def test_a_sweep_with_one_optimizer_has_nothing_to_compare(tmp_path):
    rng = np.random.default_rng(0)
    for opt in ("LM", "LBFGS", "auto"):
        result = stored(tmp_path / opt, [synthetic.kan_record("t", [2, 1], 0, rng, opt=opt)])
        assert compared(result) == {}
        write_report(tmp_path / opt)
        assert "LM and LBFGS" not in page_of(tmp_path / opt / "report.html").text


def test_without_a_pair_there_is_a_row_with_counts_and_times_only(tmp_path):
    rng = np.random.default_rng(0)
    kan = with_errors(synthetic.kan_record("t", [2, 1], 0, rng, opt="LM"), 0.1, seconds=2.0)
    mlp = with_errors(synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng, opt="LBFGS"), 0.1, seconds=4.0)
    found = compared(stored(tmp_path, [kan, mlp]))
    assert list(found) == ["kan", "mlp"]
    assert (found["kan"].n_models, found["mlp"].n_models) == ((1, 0), (0, 1))
    assert math.isnan(found["kan"].ratio)
    assert found["kan"].seconds[0] == 2.0
    assert math.isnan(found["kan"].seconds[1])
    rows = [row for row in page_of(write_report(tmp_path)).rows if len(row) == 7]
    assert rows[1:] == [
        ["KAN", "1", "0", "2.00 s", "–", "0", "–"],
        ["MLP", "0", "1", "–", "4.00 s", "0", "–"],
    ]


@pytest.mark.parametrize(
    ("lm", "lbfgs", "ratio", "text"),
    [(0.0, 0.1, math.inf, "LM exact"), (0.1, 0.0, 0.0, "LBFGS exact"), (0.0, 0.0, 1.0, "equal")],
)
def test_exact_models_are_compared_too(tmp_path, lm, lbfgs, ratio, text):
    records = both(np.random.default_rng(0), lm=(lm,), lbfgs=(lbfgs,))
    pair = compared(stored(tmp_path, records))["kan"]
    assert pair.ratio == ratio
    assert ratio_text(pair.ratio, "LM", "LBFGS") == text


def test_a_failed_model_is_no_pair(tmp_path):
    records = both(np.random.default_rng(0), lbfgs=(math.inf, 8e-6))
    assert compared(stored(tmp_path, records))["kan"].n_pairs == 1


def test_the_report_has_the_comparison_as_a_small_table(tmp_path):
    rng = np.random.default_rng(0)
    mlps = [
        with_errors(synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng, opt=opt), error)
        for opt, error in (("LM", 0.3), ("LBFGS", 0.1))
    ]
    stored(tmp_path, [*both(rng), *mlps])
    page = page_of(write_report(tmp_path))
    rows = [row for row in page.rows if len(row) == 7]
    assert rows == [
        ["family", "LM", "LBFGS", "LM", "LBFGS", "compared", "smaller error"],
        ["KAN", "2", "2", "0.50 s", "3.00 s", "2of 1 function", "LM 5.0×"],
        ["MLP", "1", "1", "1.00 s", "1.00 s", "1of 1 function", "LBFGS 3.0×"],
    ]
    assert "Hollow markers: models trained with LBFGS" in page.text


def test_groups_that_differ_only_in_the_optimizer_have_different_labels(tmp_path):
    rng = np.random.default_rng(0)
    records = both(rng, lm=(1e-4, 1e-6), lbfgs=(1e-4, 1e-6))
    auto = with_errors(synthetic.kan_record("t", [2, 2, 1], 0, rng, opt="auto"), 1e-4, 1e-6)
    result = stored(tmp_path, [*records, auto])
    assert {point.opt_text for point in result.tasks[0].points} == {"LM", "LBFGS", "LM (auto)"}
    page = page_of(write_report(tmp_path))
    fronts = [tuple(row[:4]) for row in page.rows if len(row) == 11 and row[0] == "KAN"]
    assert len(fronts) == len(set(fronts)) == 6
    front = list(csv.DictReader((tmp_path / "front.csv").read_text().splitlines()))
    keys = {(row["grid"], row["opt"], row["opt_asked"]) for row in front}
    assert len(keys) == len(front) == 6
    with Store.open(tmp_path, readonly=True) as store:
        lines = run_lines(store)[1:]
        shown = record_lines(store.run(auto["run_id"]))
    assert len({line[50:] for line in lines}) == 3
    assert sum("LM (auto)" in line for line in lines) == 1
    assert any("optimizer" in line for line in shown)
    assert sum(" LM " in line for line in shown) == 2


def test_groups_that_differ_in_another_option_say_which(tmp_path):
    rng = np.random.default_rng(0)
    records = [
        with_errors(synthetic.kan_record("t", [2, 2, 1], 0, rng, options=options), 1e-4)
        for options in ({}, {"restarts": 4}, {"smoothing": "gcv"}, {"init": "power", "smoothing": 1e-3})
    ]
    records.append(with_errors(synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng), 1.0))
    points = stored(tmp_path, records).tasks[0].points
    assert {point.options for point in points if point.family == "mlp"} == {""}
    assert {point.options for point in points if point.family == "kan"} == {
        "restarts 1, init default, smoothing weak",
        "restarts 4, init default, smoothing weak",
        "restarts 1, init default, smoothing gcv",
        "restarts 1, init power, smoothing 0.001",
    }
    text = page_of(write_report(tmp_path)).text
    assert "restarts 1, init default, smoothing gcv" in text
    rows = csv.DictReader((tmp_path / "front.csv").read_text().splitlines())
    assert sum("smoothing gcv" in row["options"] for row in rows) == 1


def test_options_that_come_with_the_shape_tell_nothing_apart():
    config = {"format": 2, "task": "t", "family": "kan", "grids": [3, 5], "k": 3}
    configs = [config | {"width": [2, 5, 1], "seed": seed} for seed in (0, 1)]
    configs.append(config | {"width": [2, 9, 1], "grids": [3]})  # cut by max_params
    configs.append(config | {"width": [2, 5, 1], "task": "u", "k": 2})
    assert varied_options(configs) == {"kan": []}
    configs.append(config | {"width": [2, 5, 1], "extrapolation": "smooth", "grids": [3, 6]})
    assert varied_options(configs) == {"kan": ["grids"]}


def test_a_model_in_words_has_its_optimizer():
    config = {"family": "kan", "width": [2, 1], "k": 3, "grids": [3, 5]}
    assert model_text(config) == "kan [2,1] k=3 G=3,5"
    assert model_text(config | {"opt": "LM"}) == "kan [2,1] k=3 G=3,5 LM"
    assert model_text(config | {"opt": "auto"}, "LBFGS") == "kan [2,1] k=3 G=3,5 LBFGS (auto)"


def test_hollow_markers_are_those_of_lbfgs(tmp_path):
    rng = np.random.default_rng(0)
    records = both(rng, lm=(1e-4,), lbfgs=(1.0, 1e-6))
    mlp = with_errors(synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng, opt="LBFGS"), 1e-3)
    result = stored(tmp_path, [*records, mlp])
    (task,) = result.tasks
    (axes,) = task_figure(task).axes
    drawn = {}
    for container in axes.containers:
        line = container.lines[0]
        for x, y in line.get_xydata():
            drawn[x, y] = line.get_markerfacecolor() == "white"
    expected = {
        (p.n_params, p.test.median): p.opt == "LBFGS" for front in task.fronts.values() for p in front
    }
    assert drawn == expected
    assert set(expected.values()) == {True, False}
    labels = [handle.get_label() for handle in family_handles([task])]
    assert labels == ["KAN front, LM", "KAN front, LBFGS", "MLP front, LBFGS"]
    (figure_legend,) = summary_figure(result).legends
    assert [text.get_text() for text in figure_legend.get_texts()] == ["best KAN, LBFGS", "best MLP, LBFGS"]


def test_the_optimizers_of_a_specification_are_those_of_the_library():
    assert optimizer_names() == (*optimize.OPTIMIZERS, optimize.AUTO)
    gradient = {"LBFGS", "L-BFGS-B", "BFGS", "CG", "TNC", "SLSQP"}
    assert set(filter(sees_gradient_alone, optimizer_names())) == gradient
    assert not sees_gradient_alone("an optimizer of another version")
    assert set(filter(is_one_update, optimizer_names())) == {"Adam", "SGD"}
    assert not is_one_update("an optimizer of another version")
    costs = {opt: step_cost(opt, 135, 1000, 1e-4) for opt in ("Adam", "LBFGS", "LM")}
    assert costs["Adam"] < min(costs["LBFGS"], costs["LM"])


@pytest.mark.slow
def test_all_optimizers_are_an_axis_of_a_sweep(tmp_path):
    spec = write_spec(tmp_path / "s.toml", seeds=1, steps=1)
    axis = 'opt = ["L-BFGS-B", "trf", "LM", "Adam"]'
    spec.write_text(spec.read_text().replace('opt = "auto"', axis))
    done = call("run", spec, "--out", tmp_path / "out", "--backend", "sequential")
    assert done.returncode == 0, done.stderr
    with Store.open(tmp_path / "out") as store:
        records = [record for batch in store.records() for record in batch]
    used = {record["config"]["opt"] for record in records if record["status"] == "ok"}
    assert used == {"L-BFGS-B", "trf", "LM", "Adam"}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "trf" in page
