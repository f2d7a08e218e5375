"""A simulated run: its record follows from its configuration without any training."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sweeps.families import family_of
from sweeps.run_one import RunOptions, RunStatus, make_record
from sweeps.spec.run_config import run_id

_MODEL = bytes(range(250)) * 8


def simulated_run(config: Mapping[str, Any], options: RunOptions | None = None) -> dict[str, Any]:
    """Return the record of a run of one model without training it."""
    start = time.perf_counter()
    grid = config["grids"][0] if "grids" in config else None
    n_params = family_of(config["family"]).n_params(config, grid)
    luck = 0.5 + int(run_id(config)[:8], 16) / 2**32
    error = luck / n_params**2
    stage = {
        "stage": 0,
        "grid": grid,
        "n_params": n_params,
        "train_rmse": 0.8 * error,
        "val_rmse": error,
        "test_rmse": 1.1 * error,
        "wall_s": 1e-4 * n_params,
        "n_iter": 50,
        "n_fev": 61,
        "status": "converged",
        "opt": config["opt"],
        "model": _MODEL,
    }
    return make_record(config, RunStatus.OK, "", wall_s=time.perf_counter() - start, stages=[stage])
