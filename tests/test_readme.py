"""The README's Python runs as it is printed, and its figures hold."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from sweeps.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def block(word):
    found = [b for b in BLOCKS if word in b]
    assert len(found) == 1, f"{len(found)} python blocks of the README contain {word!r}"
    return found[0]


def run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  the code under test is the README's
    return names


def test_every_python_block_is_run_by_a_test_below():
    words = (
        "load_model",
        "1 / r**12",
        "load_csv",
        "fit_schedule([2, 1, 1]",
        "discover(dataset",
        "auto_symbolic",
        "cross_entropy",
        "SLURMCluster",
    )
    assert sorted(block(w) for w in words) == sorted(BLOCKS)


def test_hello_world(tmp_path, monkeypatch):
    names = run(block("load_model"), tmp_path, monkeypatch)
    assert names["result"]["test_loss"][-1] < 6e-3
    x = np.array([[0.3, -0.4]])
    assert names["model"](x) == pytest.approx(names["f"](x), abs=0.05)
    assert (tmp_path / "model.png").stat().st_size > 10_000
    assert (names["again"](x) == names["model"](x)).all()


def test_classes(tmp_path, monkeypatch):
    names = run(block("cross_entropy"), tmp_path, monkeypatch)
    assert names["result"]["test_accuracy"][-1] > 0.9
    assert names["classifier"].predict_class([[0.9, 0.0]]).tolist() == [2]


def test_lennard_jones(tmp_path, monkeypatch):
    names = run(block("1 / r**12"), tmp_path, monkeypatch)
    assert names["result"]["test_loss"][-1] < 2e-3


def test_schedule(tmp_path, monkeypatch, capsys):
    names = run(block("load_model"), tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    exec(compile(block("fit_schedule([2, 1, 1]"), "README.md", "exec"), names)  # noqa: S102
    assert [s.grid for s in names["stages"]] == [3, 5, 10, 20, 50]
    assert names["stages"].best.test_rmse < 1e-6
    assert names["model"] is names["stages"].best.model
    assert names["stages"].advice in capsys.readouterr().out


@pytest.mark.slow
def test_from_fit_to_formula(tmp_path, monkeypatch, capsys):
    names = run(block("discover(dataset"), tmp_path, monkeypatch)
    x, y = sympy.symbols("x y")
    assert names["found"].best.formula[0][0] == sympy.exp(sympy.sin(sympy.pi * x) + y**2)
    samples = np.array([[0.3, -0.4]])
    assert names["predict"](samples) == pytest.approx(names["f"](samples), rel=1e-12)
    exec(compile(block("auto_symbolic"), "README.md", "exec"), names)  # noqa: S102
    first, second = sympy.symbols("x_1 x_2")
    assert names["formula"][0][0] == sympy.exp(sympy.sin(sympy.pi * first) + second**2)
    assert names["formula"].max_error < 1e-9
    assert (tmp_path / "pruned.png").stat().st_size > 5_000
    assert "exp(y**2 + sin(pi*x))" in capsys.readouterr().out


def test_own_table(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    table = rng.uniform(0, 10, (300, 2))
    energy = 3 * table[:, 0] + np.sin(table[:, 1])
    np.savetxt(
        tmp_path / "mydata.csv",
        np.column_stack([table, energy]),
        delimiter=",",
        header="pressure,temperature,energy",
        comments="",
    )
    later = rng.uniform(0, 10, (40, 2))
    rows = [f"{a};{b};{3 * a + np.sin(b)}".replace(".", ",") for a, b in later.tolist()]
    (tmp_path / "later.csv").write_text("\n".join(["pressure;temperature;energy", *rows]))
    names = run(block("load_csv"), tmp_path, monkeypatch)
    assert 0.0 < names["test_rmse"] < 0.1
    assert 0.0 < names["later_rmse"] < 0.1
    assert np.sqrt(np.mean((names["prediction"][:, 0] - (3 * 1.5 + np.sin(2.5))) ** 2)) < 0.1
    assert names["low"] < names["prediction"] < names["high"]


def test_a_cluster_of_a_batch_system(tmp_path, monkeypatch):
    commands = []

    class Cluster(contextlib.nullcontext):
        scheduler_address = "tcp://10.0.0.1:8786"

        def __init__(self, **options):
            super().__init__(self)

        def scale(self, jobs):
            assert jobs > 1

    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=Cluster))
    monkeypatch.setattr("subprocess.run", commands.append)
    (tmp_path / "spec.toml").write_text('suite = "toy"\n[[models]]\nfamily = "mlp"\nhidden = [[2]]\n')
    run(block("SLURMCluster"), tmp_path, monkeypatch)
    program, *arguments = commands[0]
    assert (program, arguments[-1]) == ("kan-sweep", Cluster.scheduler_address)
    assert main([*arguments, "--dry-run"]) == 0


def test_the_page_on_edge_families_runs_and_prints_what_it_says(capsys):
    page = (Path(__file__).parent.parent / "docs" / "edge_families.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    said = code.rstrip().rsplit("# ", 1)[1]
    exec(compile(code, "docs/edge_families.md", "exec"), {"__name__": __name__})  # noqa: S102
    assert capsys.readouterr().out.strip() == said


def test_the_page_on_error_bars_runs(tmp_path, monkeypatch):
    page = (Path(__file__).parent.parent / "docs" / "error_bars.md").read_text()
    names = run(page.split("```python\n")[1].split("```")[0], tmp_path, monkeypatch)
    assert names["low"] < names["prediction"] < names["high"]
    assert 0.05 < names["std"] < 0.2
    assert (tmp_path / "model.npz").exists()
