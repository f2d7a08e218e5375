"""One run: from a configuration to a record, whatever happens on the way.

`run_one` never raises. What goes wrong becomes the status and the reason of the record, and the stages that
were finished before are kept.
"""

from __future__ import annotations

import contextlib
import io
import math
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

import kan_np
from sweeps import tasks
from sweeps.environment import environment
from sweeps.space import KAN_DEFAULTS, run_id
from sweeps.store import best_stage, canonical_json
from sweeps.time_limit import RunTimeout, TimeLimit

Record = dict[str, Any]


class RunStatus(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class RunOptions:
    """What surrounds a run without being part of its identity.

    `timeout` is in seconds; `save_models` is "all", "best" (see `sweeps.store.best_stage`) or "none";
    `csv_path` is where the table of a "csv/..." task is.
    """

    timeout: float | None = None
    save_models: str = "all"
    csv_path: str | None = None


class _Diverged(Exception):  # noqa: N818 - an outcome of a run, not a mistake
    """Training met NaN or infinite numbers."""


def training_seed(config: Mapping[str, Any]) -> int:
    """Return the seed of the random numbers of a run: the first 8 hexadecimal digits of its id."""
    return int(run_id(config)[:8], 16)


def run_one(config: Mapping[str, Any], options: RunOptions | None = None) -> Record:
    """Train one chain of models and return its record.

    Parameters
    ----------
    config : mapping
        The configuration of the run (see `sweeps.space.expand`); its hash is the run's id and its seed.
    options : RunOptions, optional
        Time limit, which models to keep, where the table is.

    Returns
    -------
    dict
        run_id, task, family, config, status ("ok", "failed", "timeout" or "diverged"), reason (empty if ok),
        wall_s, cpu_s (seconds), environment, and stages: a list of dicts with stage, grid (None for an MLP),
        n_params, train_rmse, val_rmse, test_rmse, wall_s (cumulative), n_iter, n_fev, status and model (the
        saved model as bytes, or None).
    """
    options = options or RunOptions()
    wall, cpu = time.perf_counter(), time.process_time()
    chain = _Chain(options.save_models)
    status, reason = RunStatus.OK, ""
    try:
        with TimeLimit(options.timeout) as limit:
            dataset = tasks.load_dataset(config, options.csv_path)
            train = _train_kan if config["family"] == "kan" else _train_mlp
            train(config, dataset, chain, limit)
    except RunTimeout as error:
        status, reason = RunStatus.TIMEOUT, f"{error}, {chain.place()}"
    except _Diverged as error:
        status, reason = RunStatus.DIVERGED, str(error)
    except Exception as error:  # a run that fails is a row of the results, not the end of the sweep
        status, reason = RunStatus.FAILED, _reason(error)
    return {
        "run_id": run_id(config),
        "task": config["task"],
        "family": config["family"],
        "config": dict(config),
        "status": status.value,
        "reason": reason,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "environment": environment(kan_np.__version__),
        "stages": chain.stages,
    }


class _Chain:
    """The stages of a run, collected as they end."""

    def __init__(self, save_models: str) -> None:
        self.stages: list[dict[str, Any]] = []
        self._save_models = save_models

    def add(self, model: Any, status: object, **values: Any) -> None:
        """Add a finished stage; raise `_Diverged` if its numbers are not finite."""
        status = str(getattr(status, "value", status))
        stage = {"stage": len(self.stages), **values, "status": status, "model": None}
        finite = math.isfinite(stage["train_rmse"]) and not math.isinf(stage["test_rmse"])
        self.stages.append(stage)
        if self._save_models == "all":
            stage["model"] = _model_bytes(model)
        elif self._save_models == "best" and finite and best_stage(self.stages) == stage["stage"]:
            for earlier in self.stages:
                earlier["model"] = None
            stage["model"] = _model_bytes(model)
        if status == "non-finite" or not finite:
            rmse = f"train RMSE {stage['train_rmse']:g}, test RMSE {stage['test_rmse']:g}"
            raise _Diverged(f"NaN or infinite numbers in {_stage_name(stage)}: {rmse}")

    def place(self) -> str:
        """Say how far the chain came."""
        return f"after {_stage_name(self.stages[-1])}" if self.stages else "before the first stage ended"


def _train_kan(config: Mapping[str, Any], dataset: tasks.Dataset, chain: _Chain, limit: TimeLimit) -> None:
    def on_stage(stage: Any) -> None:
        chain.add(
            stage.model,
            stage.status,
            grid=int(stage.grid),
            n_params=int(stage.n_params),
            train_rmse=float(stage.train_rmse),
            val_rmse=float(stage.val_rmse),
            test_rmse=float(stage.test_rmse),
            wall_s=float(stage.wall_s),
            n_iter=int(stage.n_iter),
            n_fev=int(stage.n_fev),
        )

    kan_np.fit_schedule(
        config["width"],
        dataset,
        grids=tuple(config["grids"]),
        k=config["k"],
        opt=config["opt"],
        steps=config["steps"],
        restarts=config["restarts"],
        seed=training_seed(config),
        callback=limit.check,
        on_stage=on_stage,
        **{name: config.get(name, default) for name, default in KAN_DEFAULTS.items()},
    )


def _train_mlp(config: Mapping[str, Any], dataset: tasks.Dataset, chain: _Chain, limit: TimeLimit) -> None:
    start = time.perf_counter()
    model = kan_np.MLP(config["width"], activation=config["activation"], seed=training_seed(config))
    result = model.fit(
        dataset, opt=config["opt"], steps=config["steps"], progress=False, callback=limit.check
    )
    chain.add(
        model,
        result.status,
        grid=None,
        n_params=int(model.n_params),
        train_rmse=_rmse(model, dataset, "train"),
        val_rmse=_rmse(model, dataset, "val"),
        test_rmse=_rmse(model, dataset, "test"),
        wall_s=time.perf_counter() - start,
        n_iter=int(result.n_iter),
        n_fev=int(result.n_fev),
    )


def warm_up(configs: Iterable[Mapping[str, Any]]) -> None:
    """Compile every kernel that the configurations need, by fitting tiny models of the same kinds.

    The compiled code lands in Numba's cache on disk, where workers that start later find it.
    """
    axis = np.linspace(-1.0, 1.0, 24)
    inputs = np.stack([axis, axis[::-1] ** 2], axis=1)
    labels = np.sin(inputs.sum(axis=1, keepdims=True))
    dataset = {f"{part}_input": inputs for part in ("train", "val", "test")}
    dataset |= {f"{part}_label": labels for part in ("train", "val", "test")}
    tiny: dict[str, dict[str, Any]] = {}
    for config in configs:
        small = {key: value for key, value in config.items() if key not in ("task", "data", "seed")}
        small |= {"width": [2, 2, 1], "steps": 1}
        if "grids" in small:
            small |= {"grids": [3, 5] if len(small["grids"]) > 1 else [3], "restarts": 1}
        tiny[canonical_json(small)] = small
    for config in tiny.values():
        train = _train_kan if config["family"] == "kan" else _train_mlp
        # What fails here fails again in its runs, which record the reason.
        with contextlib.suppress(Exception):
            train(config, dataset, _Chain("none"), TimeLimit(None))


def load_model_bytes(data: bytes) -> Any:
    """Return the model that was stored as bytes."""
    return kan_np.load_model(io.BytesIO(data))


def _model_bytes(model: Any) -> bytes:
    buffer = io.BytesIO()
    model.save(buffer)
    return buffer.getvalue()


def _rmse(model: Any, dataset: tasks.Dataset, part: str) -> float:
    if f"{part}_input" not in dataset:
        return math.nan
    residual = model(dataset[f"{part}_input"]) - dataset[f"{part}_label"]
    return float(np.sqrt(np.mean(np.square(residual))))


def _stage_name(stage: Mapping[str, Any]) -> str:
    return f"stage {stage['stage']}" + (f" (G = {stage['grid']})" if stage["grid"] else "")


def _reason(error: Exception) -> str:
    """Return the type and message of an error and the innermost place in these packages it went through."""
    roots = {Path(kan_np.__file__).parent, Path(__file__).parent}
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        for root in roots:
            if Path(frame.filename).is_relative_to(root):
                place = f" ({Path(frame.filename).relative_to(root.parent).as_posix()}:{frame.lineno})"
    return f"{type(error).__name__}: {error}{place}"
