"""Runs that do to their process what a test asks for, in place of training anything."""

from __future__ import annotations

import collections
import itertools
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeps.run_one import Record, RunOptions, RunStatus, make_record, run_one
from sweeps.spec.run_config import RunConfig, run_id

MEBIBYTE = 2**20


def made_up(*faults: str, folder: Path | None = None, seconds: float = 0.01) -> list[RunConfig]:
    """Return a run for every fault; "" is a good one. `seconds` is what they are expected to take."""
    configs = [
        {
            "task": "toy/product",
            "family": "formula",
            "seconds": seconds,
            "seed": seed,
            "fault": fault,
            "folder": str(folder),
        }
        for seed, fault in enumerate(faults)
    ]
    return [RunConfig(run_id(config), config["task"], config["family"], config) for config in configs]


class NeedsRoom:
    """Does what `misbehave` does, and cannot be passed on where SCRATCH names a file that is full."""

    def __reduce__(self) -> tuple[Any, ...]:
        Path(os.environ.get("SCRATCH", os.devnull)).write_text("something")
        return NeedsRoom, ()

    def __call__(self, config: Mapping[str, Any], options: RunOptions) -> Record:
        return misbehave(config, options)


class Unreadable(str):
    """The number of a process, which no other one can read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return read_elsewhere, (str(self),)


def read_elsewhere(maker: str) -> Unreadable:
    """Raise an error unless this is the process that is named."""
    if os.getpid() != int(maker):
        raise OSError("this cannot be read here")
    return Unreadable(maker)


def unreadable(run: RunConfig) -> RunConfig:
    """Return such a run with something in it that no other process can be sent."""
    config = {**run.config, "folder": Unreadable(os.getpid())}
    return RunConfig(run_id(config), run.task, run.family, config)


def misbehave(config: Mapping[str, Any], options: RunOptions) -> Record:
    """Return a record at once, unless the configuration asks for a fault."""
    begin = time.perf_counter()
    first = Path(config["folder"]) / f"begun-{config['seed']}"
    match config["fault"]:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die once" if not first.exists():
            first.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        case "kill parent":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600.0)
        case "exit":
            os._exit(3)
        case "hang":
            # A loop in C that neither ends nor lets go of the interpreter: no signal, no thread gets through.
            collections.deque(itertools.repeat(0), maxlen=0)
        case "grow":
            kept = [b"x" * MEBIBYTE for _ in range(4096)]
            raise AssertionError(f"{len(kept)} MiB were not too much")
        case "wait":
            time.sleep(600.0)
        case "held":
            with first.open("a") as file:
                file.write("begun\n")
            while not (first.parent / "go").exists():
                time.sleep(0.01)
    return make_record(config, RunStatus.OK, "", time.perf_counter() - begin)


def networks_die(config: Mapping[str, Any], options: RunOptions) -> Record:
    """Train everything but KANs, which kill their process."""
    if config["family"] == "kan":
        os.kill(os.getpid(), signal.SIGKILL)
    return run_one(config, options)


def networks_hang(config: Mapping[str, Any], options: RunOptions) -> Record:
    """Train everything but KANs, which never answer."""
    if config["family"] == "kan":
        return misbehave(dict(config) | {"fault": "hang", "folder": ""}, options)
    return run_one(config, options)
