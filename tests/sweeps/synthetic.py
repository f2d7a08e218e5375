"""A store of made-up records that look like a sweep: chains of KAN grids, MLPs, seeds, failures, NaN."""

from __future__ import annotations

import hashlib
import math
from itertools import pairwise
from pathlib import Path

import numpy as np

from sweeps.records import canonical_json
from sweeps.storage.store import Store

ENVIRONMENT = {
    "python": "3.11.7",
    "platform": "Linux 6.1.0 x86_64",
    "cpu": "Example CPU @ 3.0 GHz",
    "cores": 2,
    "blas": "openblas 0.3.30 Haswell",
    "versions": {
        "kan_np": "0.1.0",
        "numpy": "2.4.6",
        "scipy": "1.17.1",
        "numba": "0.68.1",
        "joblib": "1.6.0",
    },
}
COMMAND = "kan-sweep run special --preset quick --out runs/special"
FORMULAS = {
    "special/ellipj": "sn(u | m), Jacobian elliptic function",
    "special/ellipkinc": "F(phi | m), incomplete elliptic integral of the first kind",
    "special/jv": "J_nu(x), Bessel function of the first kind",
    "special/lpmv_0": "P_n^0(x), associated Legendre function",
}
GRIDS = (3, 5, 10, 20)
KAN_WIDTHS = ([2, 1, 1], [2, 2, 1], [2, 5, 1])
MLP_WIDTHS = ([2, 5, 1], [2, 10, 10, 1], [2, 20, 20, 1])


def kan_params(width, grid, k=3):
    return sum(a * b for a, b in pairwise(width)) * (grid + k + 1)


def mlp_params(width):
    return sum((a + 1) * b for a, b in pairwise(width))


def used(opt):
    """The optimizer that trains a small model."""
    return "LM" if opt == "auto" else opt


def stage(number, grid, n_params, error, rng, *, validation=True, model=None, opt="LM"):
    """One trained model whose three errors scatter around `error`."""
    train, val, test = error * np.exp(0.15 * rng.standard_normal(3) + [-0.2, 0.0, 0.0])
    return {
        "stage": number,
        "grid": grid,
        "n_params": n_params,
        "train_rmse": float(train),
        "val_rmse": float(val) if validation else math.nan,
        "test_rmse": float(test),
        "wall_s": 0.05 * (number + 1) * n_params**0.5,
        "n_iter": 50 * (number + 1),
        "n_fev": 61 * (number + 1),
        "status": "converged",
        "opt": opt,
        "model": model,
    }


def record(config, stages, *, status="ok", reason="", environment=None):
    text = canonical_json(config)
    return {
        "run_id": hashlib.sha256(text.encode()).hexdigest()[:16],
        "task": config["task"],
        "family": config["family"],
        "config": config,
        "status": status,
        "reason": reason,
        "wall_s": stages[-1]["wall_s"] if stages else 0.5,
        "cpu_s": stages[-1]["wall_s"] * 0.98 if stages else 0.5,
        "environment": environment or ENVIRONMENT,
        "stages": stages,
    }


def kan_record(task, width, seed, rng, *, scale=1.0, validation=True, opt="LM", options=None, **outcome):
    config = {
        "format": 2,
        "task": task,
        "data": {"n_train": 1000, "n_test": 1000, "seed": 0, "val_fraction": 0.2},
        "family": "kan",
        "width": width,
        "k": 3,
        "grids": list(GRIDS),
        "opt": opt,
        "steps": 50,
        "restarts": 1,
        "seed": seed,
    } | (options or {})
    hidden = sum(width[1:-1]) or 1
    floor, start = 6e-5 * scale / hidden**2, 0.6 * scale / hidden**0.5
    luck = float(np.exp(0.5 * rng.standard_normal()))
    stages = []
    for number, grid in enumerate(GRIDS):
        error = luck * (start * (grid + 1.0) ** -3.4 + floor * (grid / 3) ** 0.3)
        n_params = kan_params(width, grid)
        model = f"{task} {width} {seed} {grid}".encode()
        stages.append(
            stage(number, grid, n_params, error, rng, validation=validation, model=model, opt=used(opt))
        )
    return record(config, stages, **outcome)


def mlp_record(
    task, width, activation, seed, rng, *, scale=1.0, validation=True, opt="LM", options=None, **outcome
):
    config = {
        "format": 2,
        "task": task,
        "data": {"n_train": 1000, "n_test": 1000, "seed": 0, "val_fraction": 0.2},
        "family": "mlp",
        "width": width,
        "activation": activation,
        "opt": opt,
        "steps": 200,
        "restarts": 1,
        "seed": seed,
    } | (options or {})
    n_params = mlp_params(width)
    slow = {"tanh": 1.0, "silu": 1.4, "relu": 12.0}[activation]
    error = 0.15 * scale * slow * n_params**-0.95 * float(np.exp(0.35 * rng.standard_normal()))
    one = stage(0, None, n_params, error, rng, validation=validation, model=b"mlp", opt=used(opt))
    return record(config, [one], **outcome)


def formula_record(task, seed, found, *, options=None, **outcome):
    """A search that found `found`: (text, complexity, n_constants, error, exact) each, the last one best."""
    config = {
        "format": 2,
        "task": task,
        "data": {"n_train": 1000, "n_test": 1000, "seed": 0, "val_fraction": 0.2},
        "family": "formula",
        "seconds": 60.0,
        "restarts": 6,
        "seed": seed,
    } | (options or {})
    stages = []
    for number, (text, complexity, n_constants, error, exact) in enumerate(found):
        one = dict.fromkeys(("train_rmse", "val_rmse", "test_rmse"), error)
        one |= {
            "stage": number,
            "grid": None,
            "n_params": n_constants,
            "wall_s": 3.0,
            "n_iter": 0,
            "n_fev": 0,
        }
        one |= {"status": "exact" if exact else "approximate", "opt": "", "model": b"a model"}
        one["formula"] = {
            "formula": text,
            "latex": f"\\mathrm{{{text}}}",
            "complexity": complexity,
            "n_constants": n_constants,
            "exact": exact,
            "best": number == len(found) - 1,
        }
        stages.append(one)
    return record(config, stages, **outcome)


def records(tasks=tuple(FORMULAS), *, seeds=3, validation=True):
    """Every run of a small sweep, in a fixed order, with one run each that failed, hung, diverged."""
    rng = np.random.default_rng(7)
    everything = []
    for index, task in enumerate(tasks):
        scale = 10.0 ** (index - 1) if index < 3 else 3.0
        for seed in range(seeds):
            for width in KAN_WIDTHS:
                # The last task is made easy for MLPs: a report must be able to say that KANs lose.
                worse = 2e5 if task == list(tasks)[-1] and len(tasks) > 3 else 1.0
                everything.append(
                    kan_record(task, width, seed, rng, scale=scale * worse**0.5, validation=validation)
                )
            for width in MLP_WIDTHS:
                everything += [
                    mlp_record(task, width, activation, seed, rng, scale=scale, validation=validation)
                    for activation in ("tanh", "silu", "relu")
                ]
    break_some(everything)
    return everything


def break_some(everything):
    """Make the first runs of the list end badly, each in its own way."""
    everything[0] |= {
        "status": "timeout",
        "reason": "stopped after 60 s",
        "stages": everything[0]["stages"][:2],
    }
    everything[1] |= {"status": "failed", "reason": "ValueError: grid is 0 & <small>", "stages": []}
    everything[3] |= {"status": "diverged", "reason": "loss became non-finite at step 3"}
    everything[3]["stages"][0] |= {"test_rmse": math.nan, "val_rmse": math.nan}
    everything[5]["stages"][0] |= {"test_rmse": math.inf, "val_rmse": math.inf}


def descriptions(tasks=tuple(FORMULAS)):
    return {
        task: {
            "formula": FORMULAS.get(task, task),
            "variables": ["u", "m"],
            "ranges": [[0.0, 4.0], [0.0, 1.0]],
            "n_train": 1000,
            "n_test": 1000,
        }
        for task in tasks
    }


def build(directory: Path, tasks=tuple(FORMULAS), *, seeds=3, validation=True, missing=0):
    """Write the store; the last `missing` runs are planned but not there. Return the records that are."""
    everything = records(tasks, seeds=seeds, validation=validation)
    done = everything[: len(everything) - missing]
    with Store.create(directory, {"name": "special-quick", "title": "Special functions"}, COMMAND) as store:
        store.set_tasks(descriptions(tasks))
        store.set_plan([(r["run_id"], r["task"], r["family"], r["config"]) for r in everything])
        for one in done:
            store.add(one)
    return done
