"""Runs in the environment of pykan: a line of JSON in, a fit, a line of JSON out. See benchmarks/peers.py."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time

import numpy as np
import torch
from kan import KAN

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def fit(request: dict) -> dict:
    data = {name: torch.tensor(np.array(rows)) for name, rows in request["dataset"].items()}
    model = KAN(width=request["width"], grid=request["grid"], k=3, seed=request["seed"], auto_save=False)
    if request["speed"]:
        model = model.speed()
    clock = time.perf_counter()
    result = model.fit(data, opt="LBFGS", steps=request["steps"])
    return {
        "wall_s": time.perf_counter() - clock,
        "train_rmse": float(result["train_loss"][-1]),
        "test_rmse": float(result["test_loss"][-1]),
    }


for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()):
        answer = fit(json.loads(line))
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
