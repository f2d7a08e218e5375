"""Large made-up sweeps: a specification of very many configurations, and a store that holds all their runs.

Nothing is trained. Errors and times are drawn at random around plausible values, so that files, fronts and
tables have the sizes and shapes of a real sweep of that many runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sweeps._command import tell
from sweeps.environment import environment
from sweeps.families import family_of
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.plan import n_models
from sweeps.spec.run_config import RunConfig
from sweeps.spec.spec_reader import read_spec
from sweeps.storage.store import DATABASE_NAME, Store

_HEAD = """
suite = "special"
tasks = ["ellipj", "ellipkinc", "ellipeinc", "jv", "yv", "kv", "iv", "lpmv0", "lpmv1", "lpmv2"]
seeds = {seeds}
save_models = "best"
"""
_KANS = """
[[models]]
family = "kan"
hidden = {shapes}
grids = {grids}
k = [2, 3]
opt = ["LM", "LBFGS"]
smoothing = ["weak", "gcv"]
grid_eps = [0.0, 0.25, 0.5, 0.75, 1.0]
"""
_MLPS = """
[[models]]
family = "mlp"
width = [3, 5, 8, 12, 20]
depth = [2, 3, 4, 5, 6]
activation = ["tanh", "silu"]
opt = ["LM", "LBFGS"]
steps = [50, 100, 200, 400]
"""
_SHAPES = [[n] * depth for depth in (1, 2) for n in range(1, 11)]

#: 10 functions of 8000 KANs and 2000 MLPs, every one of them a run of a single model: 100,000 runs.
SINGLES = (
    _HEAD.format(seeds=1)
    + _KANS.format(shapes=_SHAPES, grids=[[g] for g in (2, 3, 5, 7, 10, 14, 20, 30, 50, 100)])
    + (_MLPS + "restarts = [1, 2, 3, 4, 5]\n")
)
#: 10 functions of 2400 chains of four KANs and 400 MLPs, two seeds each: 56,000 runs of 200,000 models, which
#: are 100,000 points of a report.
CHAINS = (
    _HEAD.format(seeds=2)
    + (_KANS.format(shapes=_SHAPES, grids=[3, 5, 10, 20]) + 'init = ["pykan", "power", "wide"]\n')
    + _MLPS
)
#: Bytes of a stored model: a small one, as those of such a sweep are.
_MODEL_BYTES = 2000


def finished_sweep(room: Path, name: str, text: str) -> tuple[Path, Path]:
    """Return a specification and the directory of its finished sweep, made in `room` if missing."""
    spec, out = room / f"{name}.toml", room / name
    if not (out / DATABASE_NAME).is_file():
        tell(f"making up the sweep {name} in {out} ...")
        fill(spec, out, text)
    return spec, out


def fill(path: Path, directory: Path, text: str) -> np.ndarray:
    """Write a specification and the store of its finished sweep; return how many seconds each run took."""
    path.write_text(text)
    spec = read_spec(path)
    infos = tasks.describe(spec)
    runs = expand(spec, infos)
    seconds = np.empty(len(runs))
    with Store.create(directory, spec.to_dict(), f"kan-sweep run {path.name}") as store:
        store.set_tasks(tasks.descriptions(spec, infos))
        plan = [(run.run_id, run.task, run.family, run.config) for run in runs]
        store.set_plan(plan, tasks.plan_of(spec, infos))
        for number, record in enumerate(records(runs)):
            clock = time.perf_counter()
            store.add(record)
            seconds[number] = time.perf_counter() - clock
    return seconds


def records(runs: Iterable[RunConfig]) -> Iterator[dict[str, Any]]:
    """Yield a record for every run, with the model of its last stage; one in 500 has diverged at its end."""
    rng = np.random.default_rng(0)
    machine = environment("made up")
    model = rng.bytes(_MODEL_BYTES)
    for number, run in enumerate(runs):
        diverged = number % 500 == 499
        stages = _stages(run.config, rng, model)
        wall = stages[-1]["wall_s"]
        yield {
            "run_id": run.run_id,
            "task": run.task,
            "family": run.family,
            "config": run.config,
            "status": "diverged" if diverged else "ok",
            "reason": f"NaN or infinite numbers, kind {number % 7}" if diverged else "",
            "wall_s": wall,
            "cpu_s": 0.98 * wall,
            "environment": machine,
            "stages": stages,
        }


def _stages(config: Mapping[str, Any], rng: np.random.Generator, model: bytes) -> list[dict[str, Any]]:
    luck = math.exp(0.5 * rng.standard_normal())
    scatter = np.exp(0.15 * rng.standard_normal((n_models(config), 3)))
    stages, wall = [], 0.0
    for number, factors in enumerate(scatter):
        grid = config["grids"][number] if config["family"] == "kan" else None
        n_params = family_of(config["family"]).n_params(config, grid)
        error = luck * (0.5 * (grid + 1.0) ** -3.4 + 1e-5 * grid if grid else 2.0 * n_params**-1.1)
        wall += 2e-4 * n_params
        stages.append(
            {
                "stage": number,
                "grid": grid,
                "n_params": n_params,
                "train_rmse": 0.8 * error * factors[0],
                "val_rmse": error * factors[1],
                "test_rmse": error * factors[2],
                "wall_s": wall,
                "n_iter": 50 * (number + 1),
                "n_fev": 61 * (number + 1),
                "status": "converged",
                "opt": config["opt"],
                "model": model if number == len(scatter) - 1 else None,
            }
        )
    return stages
