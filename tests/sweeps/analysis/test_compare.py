"""Two sweeps side by side: ratios that are known, what differs, and a page that loads nothing."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import synthetic
from html_page import page_of

from sweeps import cli
from sweeps.analysis.compare import compare_sweeps, overall_ratios, same_runs
from sweeps.errors import UserError
from sweeps.page.compare_page import write_comparison
from sweeps.page.compare_text import comparison_verdict, provenance_table, ratios_table
from sweeps.storage.store import Store

TASKS = ("special/jv", "special/ellipj")
LATER = synthetic.ENVIRONMENT | {"versions": synthetic.ENVIRONMENT["versions"] | {"kan_np": "0.2.0"}}


def build(directory, factor=1.0, tasks=TASKS, environment=None, n_train=1000):
    """The synthetic sweep with all its errors multiplied."""
    with Store.create(directory, {"name": directory.name, "seeds": [0, 1, 2]}, "kan-sweep run x") as store:
        descriptions = synthetic.descriptions(tasks)
        store.set_tasks({task: values | {"n_train": n_train} for task, values in descriptions.items()})
        for record in synthetic.records(tasks):
            for stage in record["stages"]:
                stage |= {name: factor * stage[name] for name in ("train_rmse", "val_rmse", "test_rmse")}
            store.add(record | {"environment": environment or synthetic.ENVIRONMENT})
    return directory


def test_errors_that_are_twice_as_large_everywhere_have_the_ratio_two(tmp_path):
    found = compare_sweeps(build(tmp_path / "a"), build(tmp_path / "b", 2.0))
    assert found.names == ("a", "b")
    ratios = [ratio for pair in found.pairs for ratio in pair.ratios]
    assert [ratio.family for ratio in ratios] == ["kan", "mlp"] * 2
    for ratio in ratios:
        assert ratio.equal.value == pytest.approx(2.0)
        assert ratio.best.value == pytest.approx(2.0)
        # The same runs are drawn from both, and each has twice the error.
        assert (ratio.equal.low, ratio.equal.high) == pytest.approx((2.0, 2.0))
    for family, n, ratio in overall_ratios(found):
        assert (family, n) in (("kan", 2), ("mlp", 2))
        assert ratio.value == pytest.approx(2.0)
    back = compare_sweeps(tmp_path / "b", tmp_path / "a")
    assert back.pairs[0].ratios[0].equal.value == pytest.approx(0.5)


def test_functions_without_a_finished_run_are_not_compared(tmp_path):
    build(tmp_path / "a")
    with Store.create(tmp_path / "b", {"name": "b", "seeds": [0, 1, 2]}, "kan-sweep run b") as store:
        store.set_tasks(synthetic.descriptions(TASKS))
        plan = synthetic.records(TASKS)
        store.set_plan([(run["run_id"], run["task"], run["family"], run["config"]) for run in plan])
        for record in synthetic.records(TASKS[:1]):
            store.add(record)
    found = compare_sweeps(tmp_path / "a", tmp_path / "b")
    assert [pair.first.task for pair in found.pairs] == [TASKS[0]]
    assert found.left_out == {TASKS[1]: "no finished model in b"}


def test_the_verdict_names_the_better_one_or_says_that_it_may_be_chance(tmp_path):
    build(tmp_path / "a")
    build(tmp_path / "much", 100.0)
    build(tmp_path / "same")
    for pair in (("a", "much"), ("much", "a")):
        text = comparison_verdict(compare_sweeps(*(tmp_path / name for name in pair)))
        assert text.count("errors of a are 100 [100, 100] times smaller") == 2
    text = comparison_verdict(compare_sweeps(tmp_path / "a", tmp_path / "same"))
    assert "do not differ beyond chance" in text


def test_other_seeds_are_drawn_for_themselves(tmp_path):
    rng = np.random.default_rng(0)
    for name, seeds in (("a", range(3)), ("b", range(3, 6))):
        with Store.create(tmp_path / name, {}, "") as store:
            for seed in seeds:
                store.add(synthetic.kan_record("t", [2, 1], seed, rng))
    (ratio,) = compare_sweeps(tmp_path / "a", tmp_path / "b").pairs[0].ratios
    assert ratio.equal.low < ratio.equal.value < ratio.equal.high
    assert ratio.equal.low < ratio.best.value < ratio.equal.high


def test_models_that_are_in_both_are_counted(tmp_path):
    found = compare_sweeps(build(tmp_path / "a"), build(tmp_path / "b"))
    n_models = sum(len(own["stages"]) for own in synthetic.records(TASKS))
    assert same_runs(found) == (n_models, n_models)
    shared, equal = same_runs(compare_sweeps(tmp_path / "a", build(tmp_path / "c", 1.5)))
    assert shared == n_models
    # What is infinite stays so.
    assert equal < 5


def test_only_what_differs_is_listed(tmp_path):
    found = compare_sweeps(build(tmp_path / "a"), build(tmp_path / "b", environment=LATER))
    rows = {row[0]: row[1:] for row in provenance_table(found).rows}
    assert rows["version: kan_np"] == ["0.1.0", "0.2.0"]
    assert rows["specification: name"] == ["a", "b"]
    assert not {"version: numpy", "cpu", "command", "specification: seeds"} & rows.keys()


def test_functions_that_only_one_of_them_has_are_named_and_left_out(tmp_path):
    found = compare_sweeps(build(tmp_path / "a", tasks=("s", "t")), build(tmp_path / "b", tasks=("t", "u")))
    assert [pair.first.task for pair in found.pairs] == ["t"]
    assert found.alone == (["s"], ["u"])
    text = page_of(write_comparison(found, tmp_path / "page.html")).text
    assert "Only a has learnt s." in text
    assert "Only b has learnt u." in text


def table_sweep(directory, *, seeds=range(3), **data):
    """A sweep over a table, whose data are those of every run with some changed."""
    data = {"target": "y", "features": ["a"], "sha256": "0" * 64, "test_fraction": 0.2, "seed": 0} | data
    rng = np.random.default_rng(0)
    with Store.create(directory, {"name": "t"}, "kan-sweep run t.csv --target y") as store:
        for task in ("csv/t", "special/jv"):
            for seed in seeds:
                options = {"data": data} if task == "csv/t" else None
                store.add(synthetic.kan_record(task, [2, 1], seed, rng, options=options))
    return directory


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"target": "z"}, "target: y | z"),
        ({"sha256": "1" * 64}, "table: 000000000000... | 111111111111..."),
        ({"seed": 1}, "seed of the samples: 0 | 1"),
        ({"test_fraction": 0.5}, "test_fraction: 0.2 | 0.5"),
        ({"features": ["a", 'b},"family":']}, 'features: a | a, b},"family":'),
        ({"folds": 5}, "folds: – | 5"),
    ],
)
def test_functions_of_one_name_with_other_samples_are_left_out_with_the_reason(
    changed, told, tmp_path, capsys
):
    arguments = [table_sweep(tmp_path / "a"), table_sweep(tmp_path / "b", **changed)]
    found = compare_sweeps(*arguments)
    assert [pair.first.task for pair in found.pairs] == ["special/jv"]
    assert found.left_out == {"csv/t": f"the samples differ ({told})"}
    page = tmp_path / "page.html"
    assert cli.main(["compare", *map(str, arguments), "-o", str(page)]) == 0
    assert f"left out: csv/t: the samples differ ({told})" in capsys.readouterr().out
    assert f"csv/t: the samples differ ({told})" in page_of(page).text


def test_nothing_to_compare_is_an_error_that_says_why(tmp_path, capsys):
    build(tmp_path / "a")
    build(tmp_path / "b", n_train=500)
    assert (
        cli.main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(tmp_path / "x.html")]) == 2
    )
    message = capsys.readouterr().err
    assert "nothing in" in message
    assert "special/jv: the samples differ (n_train: 1000 | 500)" in message
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(("left", "right"), [(1, 1), (1, 3), (3, 1)])
def test_of_one_seed_nothing_is_said_about_chance(left, right, tmp_path):
    table_sweep(tmp_path / "a", seeds=range(left))
    table_sweep(tmp_path / "b", seeds=range(10, 10 + right))
    found = compare_sweeps(tmp_path / "a", tmp_path / "b")
    text = comparison_verdict(found)
    assert "one seed tells nothing about chance, and there is no interval" in text
    assert ("configuration of a" in text, "and of b" in text or "configuration of b" in text) == (
        left == 1,
        right == 1,
    )
    assert "smaller" not in text
    for pair in found.pairs:
        for ratio in pair.ratios:
            assert np.isnan([ratio.equal.low, ratio.best.low]).all()


def test_the_page_is_one_file_with_both_fronts(tmp_path):
    found = compare_sweeps(build(tmp_path / "a"), build(tmp_path / "b", 2.0))
    path = write_comparison(found, tmp_path / "talk" / "page.html")
    page, text = page_of(path), path.read_text()
    assert "http://" not in text
    assert "https://" not in text
    assert page.tags.count("script") == 2
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = {value for tag, name, value in page.attributes if tag == "a" and name == "href"}
    assert {link[1:] for link in links} <= set(ids)
    labels = [value for tag, name, value in page.attributes if tag == "a" and name == "aria-label"]
    for name, result in zip(found.names, found.results, strict=True):
        n_points = sum(
            len(front)
            for task in result.tasks
            for fronts in (task.fronts, task.time_fronts)
            for front in fronts.values()
        )
        assert sum(label.startswith(f"{name}: ") for label in labels) == n_points
    files = {
        file.relative_to(path.parent / "page_files").as_posix()
        for file in path.parent.rglob("*.*")
        if file.parent.parent == path.parent / "page_files"
    }
    stems = ["ratios", *(f"special-{name}{end}" for name in ("jv", "ellipj") for end in ("", "-time"))]
    assert files == {f"figures/{stem}.{kind}" for stem in stems for kind in ("svg", "pdf", "png")} | {
        f"tables/{stem}.{kind}" for stem in ("ratios", "provenance") for kind in ("csv", "tex")
    }


@pytest.mark.slow
def test_sweeps_without_a_common_family_or_finished_model_still_have_a_page(tmp_path):
    rng = np.random.default_rng(0)
    kan, mlp = synthetic.kan_record("t", [2, 1], 0, rng), synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng)
    for name, record in (("a", kan), ("b", mlp), ("c", mlp | {"stages": [], "status": "failed"})):
        with Store.create(tmp_path / name, {}, "") as store:
            store.add(record)
    for other in ("b", "c"):
        found = compare_sweeps(tmp_path / "a", tmp_path / other)
        assert "No family has a finished model" in page_of(write_comparison(found, tmp_path / "x.html")).text
        arguments = [str(tmp_path / "a"), str(tmp_path / other), "-o", str(tmp_path / "y.html")]
        assert cli.main(["compare", *arguments]) == 1


def test_what_cannot_be_compared_is_a_clear_error(tmp_path):
    build(tmp_path / "a", tasks=("s",))
    build(tmp_path / "b", tasks=("t",))
    with pytest.raises(UserError, match=r"no function in common: s in the one, t in the other"):
        compare_sweeps(tmp_path / "a", tmp_path / "b")
    with pytest.raises(UserError, match="are the same sweep"):
        compare_sweeps(tmp_path / "a", tmp_path / "x" / ".." / "a")
    with pytest.raises(UserError, match="has no sweep in it"):
        compare_sweeps(tmp_path / "a", tmp_path / "missing")


def test_directories_of_one_name_are_told_apart_by_where_they_are(tmp_path):
    found = compare_sweeps(build(tmp_path / "old" / "runs"), build(tmp_path / "new" / "runs"))
    assert found.names == ("old", "new")


def test_the_command_prints_the_ratios_and_writes_the_page(tmp_path, capsys):
    build(tmp_path / "a")
    build(tmp_path / "b", 2.0)
    page = tmp_path / "page.html"
    assert cli.main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(page)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Test error of b over that of a")
    assert len([line for line in lines if line.startswith(("jv", "ellipj"))]) == 4
    assert lines[-1] == str(page)
    with (tmp_path / "page_files" / "tables" / "ratios.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["ratio_at_equal_parameters"]) for row in rows] == pytest.approx([2.0] * 4)
    assert len(ratios_table(compare_sweeps(tmp_path / "a", tmp_path / "b")).rows) == 4
    assert cli.main(["compare", str(tmp_path / "a"), str(tmp_path / "a")]) == 2
