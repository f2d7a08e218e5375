"""Sweeps of runs of a few milliseconds each, which show the overhead of a run."""

from __future__ import annotations

from pathlib import Path

_SPEC = """
title = "tiny runs"
suite = "toy"
tasks = ["product"]
seeds = {runs}

[data]
n_train = 50
n_test = 20

[[models]]
family = "mlp"
hidden = [[2]]
opt = "LM"
steps = 1
"""


def tiny_spec(folder: Path, runs: int) -> Path:
    """Write the specification of so many tiny runs and return its path."""
    path = folder / f"tiny-{runs}.toml"
    path.write_text(_SPEC.format(runs=runs))
    return path
