"""Compiling what runs need before they begin: every kind of run once, on tiny data."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from numba import typeof

from kan_np import FitStatus
from kan_np.objective import compiled as objective_module
from kan_np.optimize import levenberg_marquardt
from sweeps import run_one as module
from sweeps.families import FAMILIES
from sweeps.run_one import (
    run_one,
    tiny_configs,
    warm_up,
)

DATA = {"n_train": 60, "n_test": 40, "seed": 0, "val_fraction": 0.2}


KAN: dict[str, Any] = {
    "format": 2,
    "task": "toy/product",
    "data": DATA,
    "family": "kan",
    "width": [2, 2, 1],
    "k": 3,
    "grids": [3, 5, 10],
    "opt": "LBFGS",
    "steps": 2,
    "restarts": 1,
    "seed": 0,
}


MLP: dict[str, Any] = {
    "format": 2,
    "task": "toy/product",
    "data": DATA,
    "family": "mlp",
    "width": [2, 5, 1],
    "activation": "tanh",
    "opt": "LBFGS",
    "steps": 3,
    "restarts": 1,
    "seed": 0,
}


def test_warm_up_covers_every_kind_once_and_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, Any]] = []
    for family in ("kan", "mlp"):
        monkeypatch.setattr(
            FAMILIES[family],
            "train",
            lambda given: seen.append((given.config["family"], given.config.get("k"))) or 1 / 0,
        )
    others = {"seed": 5, "width": [2, 9, 1], "steps": 9, "restarts": 4}
    configs = [KAN, KAN | others, KAN | {"k": 2}, KAN | {"init": "power"}, MLP, MLP | others]
    warm_up(configs)
    assert sorted(seen, key=str) == [("kan", 2), ("kan", 3), ("mlp", None)]


def grids_and_optimizers(*configs: dict[str, Any]) -> list[tuple[Any, ...]]:
    return sorted((c["family"], c["opt"], *c.get("grids", ())) for c in tiny_configs(configs))


def test_warm_up_goes_through_both_optimizers_and_the_coarsest_and_finest_grids() -> None:
    auto = KAN | {"opt": "auto"}
    found = grids_and_optimizers(auto, auto | {"grids": [5, 50]}, auto | {"grids": [2, 3]}, MLP)
    assert found == [("kan", "LBFGS", 2, 50), ("kan", "LM", 2, 50), ("mlp", "LBFGS")]
    # What "auto" stands for is not done again for those that name an optimizer.
    assert grids_and_optimizers(auto, KAN, KAN | {"opt": "LM", "grids": [20]}) == [
        ("kan", "LBFGS", 3, 20),
        ("kan", "LM", 3, 20),
    ]
    assert grids_and_optimizers(KAN | {"grids": [7]}) == [("kan", "LBFGS", 7)]


def test_tiny_configurations_do_not_change_those_that_they_stand_for() -> None:
    config = KAN | {"opt": "auto"}
    before = pickle.dumps(config)
    tiny_configs([config, config | {"grids": [100]}])
    assert pickle.dumps(config) == before


@pytest.mark.parametrize("config", [KAN | {"grids": [3, 40]}, MLP])
def test_what_warm_up_trains_can_be_trained(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []
    real = module._train

    def train(given: dict[str, Any], *rest: Any) -> None:
        real(given, *rest)
        trained.append(given["opt"])

    monkeypatch.setattr(module, "_train", train)
    warm_up([config | {"opt": "auto"}])
    assert sorted(trained) == ["LBFGS", "LM"]


class NoBetterPoint(levenberg_marquardt.NormalSearch):
    """LM that finds no step at all, as where a finer grid starts at its optimum."""

    def iterate(self) -> FitStatus:
        return FitStatus.CONVERGED


@pytest.mark.parametrize("smoothing", ["weak", "gcv"])
def test_warm_up_compiles_what_an_additive_model_may_need(
    smoothing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its fit has no step to take, which depends on the data."""
    used: set[tuple[str, Any]] = set()
    real = objective_module.bound

    def noting(kernel: Any, *arguments: Any) -> Any:
        used.add((kernel.__name__, tuple(map(typeof, arguments))))
        return real(kernel, *arguments)

    monkeypatch.setattr(objective_module, "bound", noting)
    config = {key: KAN[key] for key in ("task", "data", "k", "seed")}
    config |= {"family": "additive", "width": [2, 1], "grids": [3, 5], "steps": 9, "smoothing": smoothing}
    warm_up([config])
    warmed = set(used)
    used.clear()
    monkeypatch.setattr(levenberg_marquardt, "NormalSearch", NoBetterPoint)
    assert run_one(config)["status"] == "ok"
    assert "loss_and_gradient" in {name for name, _ in used}
    assert used <= warmed
