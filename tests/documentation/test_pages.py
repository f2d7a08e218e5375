"""The pages of the documentation: their Python and their commands run as printed, and figures hold."""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy

sys.path.insert(0, str(Path(__file__).parent))

import typer
from printed_pages import blocks, pages, run, text_of

from sweeps.cli import app, main

#: Pages that other files of the tests run.
RUN_ELSEWHERE = {
    "answers.md": "tests/sweeps/answer/test_answers_of_sweeps.py",
    "differential_equations.md": "tests/test_docs.py",
    "error_bars.md": "tests/test_readme.py",
    "formulas.md": "tests/discovery/test_formulas_page.py",
    "knots.md": "tests/test_docs.py",
    "localization.md": "tests/test_docs.py",
    "pykan_calls.md": "tests/test_pykan_calls.py",
    "scikit_learn.md": "tests/sklearn/test_page_on_estimators.py",
    "tables.md": "tests/test_docs.py",
}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the page runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_every_page_is_run_somewhere() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    for page in pages():
        if blocks(page, "python"):
            file = RUN_ELSEWHERE.get(page)
            text = here if file is None else (ROOT / file).read_text(encoding="utf-8")
            called = f'run("{page}"' if file is None else page
            assert called in text, f"{page}: no test runs its Python; add one to {Path(__file__).name}."


@pytest.mark.slow
def test_first_fit(folder: Path, capsys: Any) -> None:
    names, printed = run("start/first_fit.md", capsys)
    assert [stage.grid for stage in names["stages"]] == [3, 5, 10, 20, 50]
    assert names["stages"].best.test_rmse < 1e-6
    assert names["stages"].advice in printed
    assert names["result"]["test_loss"][-1] < 2e-3  # of the Lennard-Jones potential
    slope = -12 / names["r"] ** 13 + 6 / names["r"] ** 7
    assert names["force"] == pytest.approx(-slope, abs=0.5)
    assert "exp(y**2 + sin(pi*x))" in printed
    assert (folder / "model.png").stat().st_size > 10_000


def test_own_arrays(folder: Path, capsys: Any) -> None:
    names, _ = run("start/own_arrays.md", capsys)
    assert names["stages"].best.test_rmse < 0.02
    truth = names["rows"][:, 1] / (287.0 * names["rows"][:, 0])
    assert names["prediction"][:, 0] == pytest.approx(truth, abs=0.02)
    assert names["slopes"].shape == (2, 1, 2)
    assert (names["low"] < names["high"]).all()
    assert names["std"] == pytest.approx(0.01, rel=0.5)


def test_own_table(folder: Path, capsys: Any) -> None:
    rng = np.random.default_rng(0)
    table = rng.uniform(0, 10, (300, 2))
    energy = 3 * table[:, 0] + np.sin(table[:, 1])
    header = "pressure,temperature,energy"
    columns = np.column_stack([table, energy])
    np.savetxt(folder / "mydata.csv", columns, delimiter=",", header=header, comments="")
    later = rng.uniform(0, 10, (40, 2))
    rows = [f"{a};{b};{3 * a + np.sin(b)}".replace(".", ",") for a, b in later.tolist()]
    (folder / "later.csv").write_text("\n".join(["pressure;temperature;energy", *rows]))
    names, _ = run("start/own_table.md", capsys)
    assert 0.0 < names["test_rmse"] < 0.1
    assert 0.0 < names["later_rmse"] < 0.1
    assert np.sqrt(np.mean((names["prediction"][:, 0] - (3 * 1.5 + np.sin(2.5))) ** 2)) < 0.1
    assert names["low"] < names["prediction"] < names["high"]


@pytest.mark.slow
def test_training(folder: Path, capsys: Any) -> None:
    names, printed = run("training.md", capsys)
    assert [stage.grid for stage in names["stages"]] == [3, 5, 10]
    assert names["stages"].best.test_rmse < 1e-3
    assert names["result"].status == "stopped"
    assert len(names["result"]["test_r2"]) == len(names["result"]["test_mae"])
    assert "stopped" in printed
    assert [frame.step for frame in names["film"].frames] == [0, 2, 4, 6]
    assert (folder / "film.gif").stat().st_size > 5000
    assert (folder / "strip.pdf").stat().st_size > 5000


def test_continual_learning(folder: Path, capsys: Any) -> None:
    names, _ = run("continual_learning.md", capsys)
    assert names["error"] < 5e-3  # what ten intervals leave
    assert names["anchor"].n_phases == 2
    assert names["kept"].whole[-1] < 0.1 * names["plain"].whole[-1]
    assert (folder / "forgetting.png").stat().st_size > 5000


def test_units(folder: Path, capsys: Any) -> None:
    names, _ = run("units.md", capsys)
    assert names["result"]["test_loss"][-1] < 1e-2 * names["frequency"].std()
    assert names["model"].predict([[500e-9]])[0, 0] == pytest.approx(2.998e8 / 500e-9, rel=1e-2)


def test_smoothing(folder: Path, capsys: Any) -> None:
    names, _ = run("smoothing.md", capsys)
    rough, smooth = names["errors"]
    assert smooth < 0.6 * rough
    assert names["result"].shrinkage > 0.0


def test_losses(folder: Path, capsys: Any) -> None:
    names, _ = run("losses.md", capsys)
    assert names["result"]["test_accuracy"][-1] > 0.9
    assert names["classifier"].predict_class([[0.9, 0.0]]).tolist() == [2]


def test_editing(folder: Path, capsys: Any) -> None:
    names, _ = run("editing.md", capsys)
    first, second, third = names["model"].feature_score(names["x"])
    assert min(first, second) > 10 * third
    assert names["smaller"].n_params < names["model"].n_params
    assert names["phi"](0.5, nu=1).shape == ()


@pytest.mark.slow
def test_symbols(folder: Path, capsys: Any) -> None:
    names, _ = run("symbols.md", capsys)
    first, second = sympy.symbols("x_1 x_2")
    assert names["formula"][0][0] == sympy.exp(sympy.sin(sympy.pi * first) + second**2)
    assert names["formula"].max_error < 1e-9
    assert (folder / "pruned.png").stat().st_size > 5_000


def test_a_cluster_of_a_batch_system(folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    class Cluster(contextlib.nullcontext):
        scheduler_address = "tcp://10.0.0.1:8786"

        def __init__(self, **options: Any) -> None:
            super().__init__(self)

        def scale(self, jobs: int) -> None:
            assert jobs > 1

    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=Cluster))
    monkeypatch.setattr("subprocess.run", commands.append)
    (folder / "spec.toml").write_text('suite = "toy"\n[[models]]\nfamily = "mlp"\nhidden = [[2]]\n')
    run("clusters.md", capsys)
    program, *arguments = commands[0]
    assert (program, arguments[-1]) == ("kan-sweep", Cluster.scheduler_address)
    assert main([*arguments, "--dry-run"]) == 0


@pytest.mark.slow
def test_two_outputs(folder: Path, capsys: Any) -> None:
    names, printed = run("how_to/two_outputs.md", capsys)
    assert names["model"].predict(names["rows"])[0] == pytest.approx([1.5, 1e6], rel=1e-3)
    assert (names["errors"] < 1e-3 * names["dataset"]["test_label"].std(axis=0)).all()
    assert "['u*v', '1000000.0*u**2']" in printed


def test_a_symbol(folder: Path, capsys: Any) -> None:
    from kan_np.symbolic import remove_symbolic

    try:
        names, _ = run("how_to/symbol.md", capsys)
    finally:
        for name in ("J0", "cos^3"):
            with contextlib.suppress(ValueError):
                remove_symbolic(name)
    x = sympy.Symbol("x")
    found = sympy.lambdify(x, names["formula"].expressions[0])
    at = np.linspace(-1, 1, 9)
    assert found(at) == pytest.approx(2 * np.cos(1.5 * at) ** 3, abs=1e-6)


def test_a_loss(folder: Path, capsys: Any) -> None:
    names, _ = run("how_to/loss.md", capsys)
    y, f = np.zeros((5, 1)), np.linspace(-2, 2, 5)[:, None]
    values, gradient, hessian = names["log_cosh"](y, f)
    assert values == pytest.approx(0.01 * np.log(np.cosh(f[:, 0] / 0.1)))
    step = 1e-6
    ahead, behind = names["log_cosh"](y, f + step), names["log_cosh"](y, f - step)
    assert gradient[:, 0] == pytest.approx((ahead[0] - behind[0]) / (2 * step), abs=1e-8)
    assert hessian == pytest.approx((ahead[1] - behind[1]) / (2 * step), abs=1e-8)
    x, squares = names["x"], names["KAN"]([1, 1], grid=5, seed=0)
    squares.fit(names["dataset"], opt="LM", steps=30)
    assert names["error"] < 0.5 * np.sqrt(np.mean((squares.predict(x) - np.sin(3 * x)) ** 2))


def test_an_edge_family_of_ones_own(folder: Path, capsys: Any) -> None:
    _, printed = run("how_to/edge_family.md", capsys)
    said = [text.rstrip().rsplit("# ", 1)[1] for _, text in blocks("how_to/edge_family.md", "python")]
    assert printed.splitlines() == said


def test_a_task_of_ones_own(folder: Path, capsys: Any) -> None:
    run("how_to/sweep_task.md", capsys)
    ((_, command),) = blocks("how_to/sweep_task.md", "sh")
    assert main([*shlex.split(command)[1:], "--dry-run"]) == 0


def test_from_pykan(folder: Path, capsys: Any) -> None:
    names, _ = run("migrating/from_pykan.md", capsys)
    assert names["result"]["train_loss"][-1] < 0.1


def test_from_pysr(folder: Path, capsys: Any) -> None:
    _, printed = run("migrating/from_pysr.md", capsys)
    said = blocks("migrating/from_pysr.md", "python")[0][1].rstrip().rsplit("# ", 1)[1]
    assert printed.splitlines()[-1] == said == "5*m/(2*r**2)"


def test_from_an_mlp(folder: Path, capsys: Any) -> None:
    pytest.importorskip("sklearn")
    names, _ = run("migrating/from_mlp.md", capsys)
    assert names["model"].score(names["X"], names["y"]) > 0.9


def test_specifications_of_the_page_on_sweeps_are_plans(folder: Path, capsys: Any) -> None:
    specifications = [text for _, text in blocks("sweeps.md", "toml")]
    assert len(specifications) == 2
    # two functions, three seeds, three KANs and four MLPs; five functions, three sets of samples, three edges
    for text, runs in zip(specifications, (2 * 3 * (3 + 4), 5 * 3 * 3), strict=True):
        (folder / "spec.toml").write_text(text, encoding="utf-8")
        assert main(["run", "spec.toml", "--dry-run"]) == 0
        assert f"{runs} runs in all" in capsys.readouterr().out


def _commands(page: str) -> list[list[str]]:
    """The calls of kan-sweep in the blocks of a page."""
    text = "\n".join(text for _, text in blocks(page, "sh")).replace("\\\n", " ")
    lines = re.sub(r"\$[A-Z_]+", "1", text).splitlines()  # variables of a batch system
    words = [shlex.split(line, comments=True) for line in lines]
    starts = [(line, line.index("kan-sweep")) for line in words if "kan-sweep" in line]
    return [line[start:] for line, start in starts]


@pytest.mark.parametrize("page", [page for page in pages() if "kan-sweep" in text_of(page)])
def test_commands_have_the_options_that_pages_give_them(page: str) -> None:
    group: Any = typer.main.get_command(app)
    for _, name, *arguments in _commands(page):
        with group.commands[name].make_context(name, arguments) as context:
            assert context.params
