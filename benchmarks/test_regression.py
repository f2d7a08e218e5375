"""The check of ratios lets unchanged kernels pass, and names those that take twice the time and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import regression
from benchmarks.evaluations import EVALUATIONS
from kan_np.objective.compiled import CompiledEvaluator
from kan_np.objective.mlp_objective import MlpEvaluator

SLOWED = [
    (CompiledEvaluator, "loss_and_gradient", {"loss and gradient", "penalised loss and gradient"}),
    (CompiledEvaluator, "normal_equations", {"normal equations"}),
    (MlpEvaluator, "loss_and_gradient", {"loss and gradient"}),
]


@pytest.fixture(scope="module")
def ratios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ratios of the kernels as they are, on this machine."""
    path = tmp_path_factory.mktemp("regression") / "ratios.json"
    regression.store(path, rounds=60)
    return path


def too_slow(ratios: Path, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Kernels of which the check says that they are; its exit code has to agree."""
    code = regression.main(["--check", "--ratios", str(ratios)])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.endswith("FAIL |")]
    assert code == (1 if rows else 0)
    return {row.split("|")[1].strip() for row in rows}


def test_the_stored_ratios_are_those_of_the_kernels() -> None:
    stored = json.loads(regression.RATIOS.read_text())["ratios"]
    assert stored.keys() == {evaluation.name for evaluation in EVALUATIONS}


def test_unchanged_kernels_pass(ratios: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert too_slow(ratios, capsys) == set()


@pytest.mark.parametrize(("owner", "name", "kinds"), SLOWED)
def test_a_kernel_that_works_twice_is_noticed(
    owner: type,
    name: str,
    kinds: set[str],
    ratios: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    once = getattr(owner, name)

    def twice(self: Any, *arguments: Any) -> Any:
        once(self, *arguments)
        return once(self, *arguments)

    monkeypatch.setattr(owner, name, twice)
    monkeypatch.setattr(regression, "AGAIN_AFTER_S", 0.0)
    assert too_slow(ratios, capsys) == {
        entry.name
        for entry in EVALUATIONS
        if entry.kind in kinds and (entry.network.grid is None) == (owner is MlpEvaluator)
    }


def test_ratios_of_other_kernels_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ratios.json"
    path.write_text(json.dumps({"conditions": regression.conditions(), "ratios": {"a kernel": 1.0}}))
    with pytest.raises(SystemExit, match="2"):
        regression.main(["--check", "--ratios", str(path)])
    assert "--update" in capsys.readouterr().err
