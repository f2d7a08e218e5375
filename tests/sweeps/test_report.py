"""The page is one file, escaped, complete, the same every time, and says what the store says."""

from __future__ import annotations

import csv
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import synthetic

from sweeps.aggregate import aggregate, verdict
from sweeps.errors import UserError
from sweeps.report import duration, inline_svg, number, write_report
from sweeps.store import Store, group_id

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Text, tags and attributes of a page; fails on tags that do not match."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.words, self.rows, self.open = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def page_of(path):
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    directory = tmp_path_factory.mktemp("report")
    records = synthetic.build(directory, missing=4)
    path = write_report(directory)
    with Store.open(directory, readonly=True) as store:
        return directory, records, aggregate(store), page_of(path)


def test_the_page_loads_nothing_from_anywhere(sweep):
    directory, _, _, page = sweep
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(page.tags)
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
    rows = [row for row in page.rows if len(row) == 10]
    fronts = [p for task in result.tasks for family in ("kan", "mlp") for p in task.fronts[family]]
    rows = [row for row in rows if row[0] in ("KAN", "MLP")]
    assert len(rows) == len(fronts)
    for row, point in zip(rows, fronts, strict=True):
        assert row[1] == str(list(point.width))
        assert row[2] == str(point.grid or point.activation)
        assert row[6].startswith(number(point.test.median))
        assert number(point.test.high) in row[6]
        command = " ".join(row[9].split())
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
        if record["status"] == "ok":
            for stage in record["stages"]:
                key = (record["task"], record["family"], group_id(record["config"]), stage["stage"])
                groups.setdefault(key, []).append(stage)
    points = {}
    for (task, family, _, _), stages in groups.items():
        val, test = (float(np.median([s[name] for s in stages])) for name in ("val_rmse", "test_rmse"))
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


def test_figures_are_there_as_png_and_svg(sweep):
    names = {path.name for path in (sweep[0] / "figures").iterdir()}
    stems = {"summary", "all-functions", *(task.replace("/", "-") for task in synthetic.FORMULAS)}
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("png", "svg")}


def test_the_same_store_gives_the_same_bytes(sweep):
    directory = sweep[0]

    def everything():
        paths = [
            directory / "report.html",
            directory / "front.csv",
            *sorted((directory / "figures").iterdir()),
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
    assert "script" not in page.tags
    assert page.text.count(NASTY) >= 8
    assert "<!--" not in path.read_text().replace("&lt;!--", "")


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


@pytest.mark.parametrize("kinds", ["none", "kan", "mlp", "failed"])
def test_a_sweep_that_has_just_begun_has_a_report(tmp_path, kinds):
    rng = np.random.default_rng(0)
    with Store.create(tmp_path, {}, "kan-sweep run x") as store:
        store.set_plan([("id", "special/jv", "kan", {})])
        if kinds == "kan":
            store.add(synthetic.kan_record("special/jv", [2, 1], 0, rng))
        if kinds == "mlp":
            store.add(synthetic.mlp_record("special/jv", [2, 5, 1], "tanh", 0, rng))
        if kinds == "failed":
            store.add(
                synthetic.record({"task": "special/jv", "family": "kan", "seed": 0}, [], status="failed")
            )
    page = page_of(write_report(tmp_path))
    assert "No comparison yet" in page.text
    assert "is not finished" in page.text
    assert ("No run of this function has ended well" in page.text) == (kinds in ("none", "failed"))


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
    assert {p.name for p in path.parent.iterdir()} == {"page.html", "figures", "front.csv"}
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


def test_a_page_of_many_runs_stays_small(tmp_path):
    rng = np.random.default_rng(0)
    with Store.create(tmp_path, {}, "") as store:
        for seed in range(1100):
            store.add(synthetic.kan_record("t", [2, 1 + seed % 50, 1], seed, rng))
    assert write_report(tmp_path).stat().st_size < 5e6


def test_inline_svg_is_told_apart_from_its_neighbours():
    svg = (
        '<?xml version="1.0"?>\n<svg width="9pt" viewBox="0 0 9 9"><!-- a --><g id="a"/>\n'
        '<use xlink:href="#a" clip-path="url(#a)"/></svg>'
    )
    assert inline_svg(svg, "p-", '"<') == (
        '<svg viewBox="0 0 9 9" role="img" aria-label="&quot;&lt;"><g id="p-a"/> '
        '<use xlink:href="#p-a" clip-path="url(#p-a)"/></svg>'
    )


def test_numbers_and_durations_in_words():
    assert [number(x) for x in (1.234e-5, 0.0, 12345.0, math.nan, math.inf)] == [
        "1.23e-5",
        "0.00e0",
        "1.23e4",
        "–",
        "∞",
    ]
    assert [duration(s) for s in (0.123, 12.3, 61, 7260, math.nan)] == [
        "0.12 s",
        "12 s",
        "1 min 1 s",
        "2 h 1 min",
        "–",
    ]
