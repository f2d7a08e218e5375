"""The sentences, numbers and rows of a report in special cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import synthetic
from html_page import page_of

from sweeps.analysis.results import Interval
from sweeps.page.html import inline_svg
from sweeps.page.number_format import duration, interval_text, number
from sweeps.page.report import write_report
from sweeps.storage.store import Store


def test_inline_svg_is_told_apart_from_its_neighbours():
    svg = (
        '<?xml version="1.0"?>\n<svg width="9pt" viewBox="0 0 9 9"><!-- a --><g id="a"/>\n'
        '<use xlink:href="#a" clip-path="url(#a)"/></svg>'
    )
    assert inline_svg(svg, "p-", "n", '"<') == (
        '<svg viewBox="0 0 9 9" role="img" aria-label="&quot;&lt;" data-name="n"><g id="p-a"/> '
        '<use xlink:href="#p-a" clip-path="url(#p-a)"/></svg>'
    )


def test_a_slope_has_one_kind_of_minus():
    assert interval_text(Interval(-2.1, -0.00012, 0.00012)) == "−2.1 [−1.20e−4, 1.20e−4]"


def test_numbers_and_durations_in_words():
    assert [number(x) for x in (1.234e-5, 0.0, 12345.0, math.nan, math.inf)] == [
        "1.23e-5",
        "0",
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


def test_stale_runs_are_counted_and_in_nothing_else(tmp_path):
    rng = np.random.default_rng(0)
    old_machine = synthetic.ENVIRONMENT | {
        "versions": synthetic.ENVIRONMENT["versions"] | {"kan_np": "0.0.9"}
    }
    old = synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng, environment=old_machine)
    new = synthetic.mlp_record("t", [2, 6, 1], "tanh", 0, rng)
    with Store.create(tmp_path, {}, "kan-sweep run x") as store:
        store.set_plan([(r["run_id"], "t", "mlp", r["config"]) for r in (old, new)])
        store.add(old)
        store.add(new)
    text = page_of(write_report(tmp_path)).text
    assert "1 of 2 planned runs were computed by another version" in text
    assert "kan-sweep run x --rerun stale" in text
    assert new["run_id"] in text
    assert old["run_id"] not in text
    assert "is not finished" not in text


def test_reasons_that_differ_in_their_numbers_are_one_row(tmp_path):
    rng = np.random.default_rng(0)
    with Store.create(tmp_path, {}, "") as store:
        for seed in range(3):
            record = synthetic.kan_record(
                "t", [2, 1], seed, rng, status="timeout", reason=f"after {seed}.5 s"
            )
            store.add(record)
    rows = [row for row in page_of(write_report(tmp_path)).rows if row[0] == "timeout"]
    assert rows == [["timeout", "3", "after 0.5 s", "KAN", "1"]]


@pytest.mark.parametrize(("factor", "good"), [(1.04, True), (1.2, False)])
def test_a_baseline_that_is_as_good_is_said_to_be(tmp_path, factor, good):
    rng = np.random.default_rng(0)
    network = synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng)
    error = network["stages"][0]["test_rmse"]
    config = {"format": 2, "task": "t", "family": "linear", "width": [2, 1], "seed": 0}
    stage = synthetic.stage(0, None, 3, 1.0, rng, opt="") | {"test_rmse": factor * error}
    with Store.create(tmp_path, {}, "") as store:
        store.add(network)
        store.add(synthetic.record(config, [stage]))
    page = page_of(write_report(tmp_path))
    assert ("The linear model is as good as the best network" in page.text) is good
    assert ("No baseline comes within 5% of the best network." in page.text) is not good
    assert [row for row in page.rows if len(row) == 11 and row[0] == "linear"]
