"""The page is one file, escaped, complete, the same every time, and says what the store says."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from statistics import median

import numpy as np
import pytest
import synthetic
from html_page import page_of

from sweeps.analysis.aggregate import aggregate
from sweeps.errors import UserError
from sweeps.page.figures import MAX_VECTOR_POINTS
from sweeps.page.number_format import number
from sweeps.page.report import write_report
from sweeps.page.verdict import verdict
from sweeps.records import group_id
from sweeps.storage.store import Store


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    directory = tmp_path_factory.mktemp("report")
    records = synthetic.build(directory, missing=4)
    path = write_report(directory)
    with Store.open(directory, readonly=True) as store:
        return directory, records, aggregate(store), page_of(path)


@pytest.mark.slow
def test_the_page_loads_nothing_from_anywhere(sweep):
    directory, _, _, page = sweep
    assert page.tags.count("script") == 2
    assert not {"link", "iframe", "object", "embed", "base"} & set(page.tags)
    for tag, name, value in page.attributes:
        if name in ("src", "srcset", "data", "action", "poster"):
            pytest.fail(f"{tag} {name}={value}")
        if name in ("href", "xlink:href"):
            assert value.startswith(("#", "data:image/png;base64,")), value
    text = (directory / "report.html").read_text()
    assert "http://" not in text
    assert "https://" not in text
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_links_and_references_lead_to_something_and_ids_are_unique(sweep):
    page = sweep[3]
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {
        v[1:] for _, name, v in page.attributes if name in ("href", "xlink:href") and v.startswith("#")
    }
    targets |= {m for _, _, value in page.attributes for m in re.findall(r"url\(#([^)]*)\)", value)}
    assert targets <= set(ids)


def test_counts_are_those_of_the_store(sweep):
    directory, records, result, page = sweep
    with Store.open(directory, readonly=True) as store:
        counts = store.counts()
    assert counts["finished"] == len(records)
    assert f"{counts['planned']} planned, {counts['finished']} recorded: {counts['ok']} ok" in page.text
    assert "1 failed, 1 timed out, 1 diverged; 4 missing" in page.text
    assert f"{counts['stages']}models trained" in page.text
    assert "3 of 140 runs did not end well" in page.text
    assert verdict(result) in page.text


def test_an_unfinished_sweep_says_what_is_missing_and_how_to_go_on(sweep):
    page = sweep[3]
    assert "4 of 144 planned runs are missing" in page.text
    assert page.text.count(synthetic.COMMAND) >= 2


def test_a_finished_sweep_does_not(tmp_path):
    synthetic.build(tmp_path, ("t",))
    assert "not finished" not in page_of(write_report(tmp_path)).text


def test_every_front_point_is_a_row_with_a_command_that_shows_it(sweep):
    directory, _, result, page = sweep
    rows = [row for row in page.rows if len(row) == 11]
    fronts = [p for task in result.tasks for family in ("kan", "mlp") for p in task.fronts[family]]
    rows = [row for row in rows if row[0] in ("KAN", "MLP")]
    assert len(rows) == len(fronts)
    for row, point in zip(rows, fronts, strict=True):
        assert row[1] == str(list(point.width))
        assert row[2] == str(point.grid or point.activation)
        assert row[3] == point.opt_text == "LM"
        assert row[7].startswith(number(point.test.median))
        assert number(point.test.high) in row[7]
        command = " ".join(row[10].split())
        assert command == f"kan-sweep show {directory} {point.run_id} --stage {point.stage}"


def test_a_stage_whose_model_was_not_kept_gets_a_command_that_works(tmp_path):
    record = synthetic.kan_record("t", [2, 1], 0, np.random.default_rng(0))
    for stage in record["stages"][:-1]:
        stage["model"] = None
    with Store.create(tmp_path, {}, "") as store:
        store.add(record)
    page = page_of(write_report(tmp_path))
    assert page.text.count("--stage") == 1
    assert "--stage 3" in page.text
    assert "no model was kept" in page.text


def brute_force_front(records):
    """Fronts straight from the records: {(task, family): {(n_params, median test RMSE)}}."""
    groups = {}
    for record in records:
        for stage in record["stages"]:
            key = (record["task"], record["family"], group_id(record["config"]), stage["stage"])
            groups.setdefault(key, []).append(stage)
    seeds = Counter(group_id(record["config"]) for record in records)
    points = {}
    for (task, family, group, _), stages in groups.items():
        absent = [math.inf] * (seeds[group] - len(stages))
        val, test = (
            median([*(math.inf if math.isnan(s[name]) else s[name] for s in stages), *absent])
            for name in ("val_rmse", "test_rmse")
        )
        if math.isinf(val) or math.isinf(test):
            continue
        points.setdefault((task, family), []).append((stages[0]["n_params"], val, test))
    return {
        key: sorted(
            (n, test)
            for n, val, test in own
            if not any(m <= n and v <= val and (m < n or v < val) for m, v, _ in own)
        )
        for key, own in points.items()
    }


def test_front_csv_is_the_front_of_brute_force(sweep):
    directory, records, _, _ = sweep
    with (directory / "front.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for row in rows:
        found.setdefault((row["task"], row["family"]), []).append(
            (int(row["n_params"]), float(row["test_rmse"]))
        )
        assert float(row["test_rmse_min"]) <= float(row["test_rmse"]) <= float(row["test_rmse_max"])
    assert {key: sorted(value) for key, value in found.items()} == brute_force_front(records)


def test_figures_are_there_as_vectors_and_pixels(sweep):
    names = {path.name for path in (sweep[0] / "figures").iterdir()}
    tasks = [task.replace("/", "-") for task in synthetic.FORMULAS]
    stems = {"summary", "all-functions", *tasks, *(f"{task}-time" for task in tasks)}
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("png", "svg", "pdf")}


def test_tables_are_there_as_csv_and_latex(sweep):
    directory, _, result, _ = sweep
    names = {path.name for path in (directory / "tables").iterdir()}
    stems = {name.rpartition(".")[0] for name in names}
    assert {"best", "wins", "standings", "slopes", "compute", "failures"} <= stems
    assert {f"front-{task.replace('/', '-')}" for task in synthetic.FORMULAS} <= stems
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("csv", "tex")}
    with (directory / "tables" / "wins.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["kan_wins"]) for row in rows] == [score.kan_wins for score in result.scores]
    for row, score in zip(rows, result.scores, strict=True):
        assert float(row["share_of_kans_low"]) == score.kan_share.low
        assert score.kan_share.low <= score.kan_share.value <= score.kan_share.high


@pytest.mark.slow
def test_the_same_store_gives_the_same_bytes(sweep):
    directory = sweep[0]

    def everything():
        paths = [
            directory / "report.html",
            directory / "front.csv",
            *sorted((directory / "figures").iterdir()),
            *sorted((directory / "tables").iterdir()),
        ]
        return {path.name: path.read_bytes() for path in paths}

    before = everything()
    write_report(directory)
    assert everything() == before


NASTY = '<script>alert("x")</script>&\'"<!--'


def test_all_text_is_escaped(tmp_path):
    rng = np.random.default_rng(0)
    environment = {"cpu": NASTY, "versions": {NASTY: NASTY}}
    with Store.create(tmp_path, {"name": NASTY, "title": NASTY}, f"kan-sweep run {NASTY}") as store:
        store.set_tasks({NASTY: {"formula": NASTY, "name": NASTY, "variables": [NASTY], "ranges": [[0, 1]]}})
        store.add(synthetic.kan_record(NASTY, [2, 1], 0, rng, environment=environment))
        store.add(synthetic.mlp_record(NASTY, [2, 5, 1], "tanh", 0, rng, environment=environment))
        store.add(synthetic.kan_record(NASTY, [2, 2, 1], 0, rng, status="failed", reason=NASTY))
        store.add(synthetic.mlp_record("other", [2, 5, 1], "tanh", 0, rng))
    path = write_report(tmp_path)
    page = page_of(path)
    assert page.tags.count("script") == 2
    assert page.text.count(NASTY) >= 8
    assert "<!--" not in path.read_text().replace("&lt;!--", "")


def test_the_machine_is_up_front_and_the_specification_at_the_end(tmp_path):
    spec = {
        "title": "mine",
        "csv": "/somewhere/private/table.csv",
        "data": {"val_fraction": 0.25},
        "seeds": [0, 1],
        "models": [{"family": "kan", "hidden": ["suggested", [5, 5]], "grids": [[3, 5]], "steps": [20]}],
    }
    with Store.create(tmp_path, spec, "kan-sweep run mine.toml") as store:
        store.add(synthetic.kan_record("csv/table", [2, 1], 0, np.random.default_rng(0)))
    text = page_of(write_report(tmp_path)).text
    head = text[: text.index("How to read this")]
    assert "Example CPU @ 3.0 GHz, 2 cores; Python 3.11.7, kan_np 0.1.0, joblib 1.6.0, numba" in head
    assert "csv: table.csv; data: val_fraction 0.25; seeds: 0, 1" in text
    assert "KAN: grids [3, 5]; hidden suggested, [5, 5]; steps 20" in text
    assert "private" not in text


def test_samples_are_counted_after_the_split_and_what_was_left_out_is_said(tmp_path):
    counts = {"n_train": 800, "n_val": 200, "n_test": 1000, "left_out": ["all 3 KANs are left out."]}
    rng = np.random.default_rng(0)
    with Store.create(tmp_path, {}, "") as store:
        store.set_tasks({"a": counts, "b": counts | {"left_out": []}})
        for task in ("a", "b"):
            store.add(synthetic.mlp_record(task, [2, 5, 1], "tanh", 0, rng))
    text = page_of(write_report(tmp_path)).text
    assert text.count("800 training, 200 validation, 1000 test samples") == 2
    assert text.count("All 3 KANs are left out.") == 2
    assert "All 3 KANs are left out. (a)" in text


@pytest.mark.slow
@pytest.mark.parametrize("validation", [True, False])
@pytest.mark.parametrize("task", ["special/jv", "csv/jv"])
def test_sentences_fit_the_data(tmp_path, validation, task):
    synthetic.build(tmp_path, (task,), seeds=1, validation=validation)
    text = page_of(write_report(tmp_path)).text
    assert ("in the units of the function" in text) == task.startswith("special/")
    assert ("in standard deviations of the target" in text) == task.startswith("csv/")
    assert ("neither to train nor to choose" in text) == validation
    assert ("chosen by validation error." in text) == validation
    assert ("several random starts" in text) is False
    assert "one seed tells nothing about chance" in text


@pytest.mark.slow
def test_a_store_that_was_joined_without_a_shard_is_not_the_whole_sweep(tmp_path):
    synthetic.build(tmp_path, ("t",), seeds=1)
    with Store.open(tmp_path) as store:
        assert "not the whole sweep" not in page_of(write_report(tmp_path)).text
        store.set_meta(lacks="2/4 3/4")
    text = page_of(write_report(tmp_path)).text
    assert "This is not the whole sweep. It was joined without shards 2/4, 3/4," in text
    assert synthetic.COMMAND in text


def test_a_median_over_fewer_seeds_says_so(tmp_path):
    rng = np.random.default_rng(0)
    with Store.create(tmp_path, {}, "") as store:
        for seed in range(3):
            store.add(synthetic.kan_record("t", [2, 1], seed, rng))
            outcome = {"status": "timeout"} if seed == 2 else {}
            record = synthetic.mlp_record("t", [2, 5, 1], "tanh", seed, rng, **outcome)
            store.add(record | {"stages": []} if outcome else record)
    page = page_of(write_report(tmp_path))
    assert page.text.count("2 of 3 seeds") >= 2
    (row,) = [row for row in page.rows if len(row) == 11 and row[0] == "MLP"]
    assert row[8] == "2 of 3"
    rows = csv.DictReader((tmp_path / "front.csv").read_text().splitlines())
    (front,) = [row for row in rows if row["family"] == "mlp"]
    assert (front["n_seeds"], front["n_runs"]) == ("2", "3")


def test_runs_that_are_not_in_the_plan_are_counted_on_the_page(tmp_path):
    rng = np.random.default_rng(0)
    old, new = (synthetic.mlp_record("t", [2, n, 1], "tanh", 0, rng) for n in (5, 6))
    with Store.create(tmp_path, {}, "") as store:
        store.add(old)
        store.add(new)
        store.set_plan([(new["run_id"], "t", "mlp", new["config"])])
    text = page_of(write_report(tmp_path)).text
    assert "1 planned, 1 recorded" in text
    assert "1 from earlier specifications in the same directory" in text
    assert old["run_id"] not in text


def test_without_validation_the_page_says_that_models_were_chosen_on_test(tmp_path):
    synthetic.build(tmp_path, ("t",), validation=False)
    assert "No validation split: chosen on test." in page_of(write_report(tmp_path)).text


def test_failures_are_listed_with_their_reasons(sweep):
    page = sweep[3]
    rows = [row for row in page.rows if len(row) == 5 and row[0] == "special/ellipj"]
    assert rows == [
        ["special/ellipj", "KAN", "failed", "1", "ValueError: grid is 0 & <small>"],
        ["special/ellipj", "KAN", "timeout", "1", "stopped after 60 s"],
        ["special/ellipj", "MLP", "diverged", "1", "loss became non-finite at step 3"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kinds", ["none", "kan", "mlp", "failed"])
def test_a_sweep_that_has_just_begun_has_a_report(tmp_path, kinds):
    rng = np.random.default_rng(0)
    failed = synthetic.record({"task": "special/jv", "family": "kan", "seed": 0}, [], status="failed")
    records = {
        "none": [],
        "kan": [synthetic.kan_record("special/jv", [2, 1], 0, rng)],
        "mlp": [synthetic.mlp_record("special/jv", [2, 5, 1], "tanh", 0, rng)],
        "failed": [failed],
    }[kinds]
    with Store.create(tmp_path, {}, "kan-sweep run x") as store:
        planned = [(r["run_id"], r["task"], r["family"], r["config"]) for r in records]
        store.set_plan([("id", "special/jv", "kan", {}), *planned])
        for record in records:
            store.add(record)
    page = page_of(write_report(tmp_path))
    assert "No comparison yet" in page.text
    assert "is not finished" in page.text
    assert ("No model of this function has a finite median error" in page.text) == (
        kinds in ("none", "failed")
    )


def test_a_report_is_written_while_a_sweep_runs(tmp_path):
    rng = np.random.default_rng(0)
    with Store.create(tmp_path, {}, "") as store:
        store.add(synthetic.kan_record("t", [2, 1], 0, rng))
        assert write_report(tmp_path).is_file()
        store.add(synthetic.kan_record("t", [2, 1], 1, rng))


def test_the_page_can_be_put_elsewhere_with_all_that_belongs_to_it(tmp_path):
    synthetic.build(tmp_path / "sweep", ("t",))
    path = write_report(tmp_path / "sweep", tmp_path / "talk" / "page.html")
    assert path == tmp_path / "talk" / "page.html"
    assert {p.name for p in path.parent.iterdir()} == {"page.html", "page_files"}
    assert {p.name for p in (path.parent / "page_files").iterdir()} == {"figures", "tables", "front.csv"}
    assert "page_files/front.csv" in page_of(path).text
    before = (tmp_path / "talk" / "front.csv", tmp_path / "sweep" / "front.csv")
    assert not any(file.exists() for file in before)
    assert not (tmp_path / "sweep" / "report.html").exists()


def test_no_store_and_no_place_are_clear_errors(tmp_path):
    with pytest.raises(UserError, match="has no sweep in it"):
        write_report(tmp_path)
    synthetic.build(tmp_path, ("t",), seeds=1)
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot write .*figures"):
        write_report(tmp_path)
    assert (tmp_path / "figures").read_text() == "in the way"
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".report")]


@pytest.mark.slow
def test_a_page_of_many_models_stays_small_and_says_why(tmp_path):
    rng = np.random.default_rng(0)
    n_runs = MAX_VECTOR_POINTS // len(synthetic.GRIDS) + 50
    with Store.create(tmp_path, {}, "") as store:
        for seed in range(n_runs):
            task = ("s", "t")[seed % 2]
            store.add(synthetic.kan_record(task, [2, 1 + seed % 50, 1], seed, rng))
    page = page_of(write_report(tmp_path))
    assert (tmp_path / "report.html").stat().st_size < 5e6
    assert page.tags.count("use") < MAX_VECTOR_POINTS / 2
    assert "so many that the figures carry them as pictures" in page.text


def test_the_dots_of_a_small_page_are_drawn_one_by_one(sweep):
    page = sweep[3]
    assert page.tags.count("use") > 2 * sum(x.size for t in sweep[2].tasks for x, _ in t.cloud.values())
    assert "carry them as pictures" not in page.text
