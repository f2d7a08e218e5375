"""Computes one run: makes the data, trains the models, and returns a record even if training fails.

`run_one` never raises. What goes wrong becomes the status and the reason of the record, and the stages that
were finished before are kept.
"""

from __future__ import annotations

import contextlib
import io
import math
import time
import traceback
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kan_np
from sweeps.environment import code_of, environment, kernel
from sweeps.families import family_of
from sweeps.families.family import Measuring, Solving, Training
from sweeps.records import canonical_json
from sweeps.spec import tasks
from sweeps.spec.equations import is_equation, load_equation
from sweeps.spec.run_config import run_id
from sweeps.spec.studies import is_study, study_of_run
from sweeps.spec.table_rows import Dataset, classifies
from sweeps.training.log_loss import log_losses
from sweeps.training.stage_recorder import Diverged, StageRecorder
from sweeps.training.time_limit import RunTimeout, TimeLimit

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

    `timeout` is in seconds; a run ends at `deadline` too, which runs launched together share, and is not
    begun after it. That is a time of this process (`time.monotonic`), and travels to another one as the
    seconds that are left: clocks may be set, and those of two machines differ. `save_models` is "all", "best"
    (see `sweeps.records.best_stage`) or "none"; `csv_path` is where the table of a "csv/..." task is,
    `test_path` that of its test rows if they have one.
    """

    timeout: float | None = None
    save_models: str = "all"
    csv_path: str | None = None
    test_path: str | None = None
    deadline: float | None = None

    def seconds_left(self) -> float | None:
        """Return the limit of a run that is begun now, None without one; 0 where the deadline is past."""
        if self.deadline is None:
            return self.timeout
        left = max(0.0, self.deadline - time.monotonic())
        return left if self.timeout is None else min(left, self.timeout)

    def __getstate__(self) -> dict[str, Any]:
        left = None if self.deadline is None else self.deadline - time.monotonic()
        return vars(self) | {"deadline": left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        left = state["deadline"]
        vars(self).update(state, deadline=None if left is None else left + time.monotonic())


def training_seed(config: Mapping[str, Any]) -> int:
    """Return the seed of the random numbers of a run: the first 8 hexadecimal digits of its id."""
    return int(run_id(config)[:8], 16)


def run_one(config: Mapping[str, Any], options: RunOptions | None = None) -> Record:
    """Train one chain of models and return its record.

    Parameters
    ----------
    config : mapping
        The configuration of the run (see `sweeps.spec.expansion.expand`); its hash is the run's id and seed.
    options : RunOptions, optional
        Time limit, which models to keep, where the table is.

    Returns
    -------
    dict
        run_id, task, family, config, status ("ok", "failed", "timeout" or "diverged"), reason (empty if ok),
        wall_s, cpu_s (seconds), environment, and stages: a list of dicts with stage, grid (None for an MLP),
        n_params, train_rmse, val_rmse, test_rmse, wall_s (cumulative), n_iter, n_fev, status, opt (the
        optimizer that was used) and model (the saved model as bytes, or None). Where a formula was looked
        for every stage is one of those found, with it as `formula`: its text, latex, complexity, n_constants,
        whether it is exact, and whether it is the best.
    """
    options = options or RunOptions()
    wall, cpu = time.perf_counter(), time.process_time()
    recorder = StageRecorder(options.save_models)
    status, reason = RunStatus.OK, ""
    limit = TimeLimit(options.seconds_left())
    try:
        if limit.seconds == 0.0:
            raise RunTimeout("not begun, for the time was over")
        with limit:
            if is_equation(config):
                _solve(config, recorder, limit)
            elif is_study(config):
                family_of(config["family"]).measure(Measuring(config, study_of_run(config), recorder))
            else:
                dataset = tasks.load_dataset(config, options.csv_path, options.test_path)
                _train(config, dataset, recorder, limit)
    except RunTimeout as error:
        status, reason = RunStatus.TIMEOUT, f"{error}, {recorder.place()}"
    except Diverged as error:
        status, reason = RunStatus.DIVERGED, str(error)
    except Exception as error:  # a run that fails is a row of the results, not the end of the sweep
        status, reason = RunStatus.FAILED, _reason(error)
        if limit.forced:  # the alarm, of which native code that was interrupted made something else
            status, reason = RunStatus.TIMEOUT, f"{limit.forced}, {recorder.place()}"
    return make_record(
        config, status, reason, time.perf_counter() - wall, time.process_time() - cpu, recorder.stages
    )


def make_record(
    config: Mapping[str, Any],
    status: RunStatus,
    reason: str,
    wall_s: float,
    cpu_s: float = math.nan,
    stages: Sequence[dict[str, Any]] = (),
) -> Record:
    """Return the record of a run, also of one whose process could not write it; see `run_one`."""
    return {
        "run_id": run_id(config),
        "task": config["task"],
        "family": config["family"],
        "config": dict(config),
        "status": status.value,
        "reason": reason,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "environment": current_environment(),
        "stages": list(stages),
    }


def current_environment() -> dict[str, Any]:
    """Return the environment that the runs of this process are computed in."""
    load_models()
    return environment(kan_np.__version__)


def current_code() -> str:
    """Return what `sweeps.environment.code_of` says of `current_environment`, and import nothing for it."""
    return code_of({"versions": {"kan_np": kan_np.__version__}, "kernel": kernel()})


def load_models() -> None:
    """Import what trains models, with the libraries that have threads of their own and are named in a record.

    Only what is loaded can be held to one thread, and is found by `current_environment`.
    """
    from kan_np import fit_mlp, fit_schedule  # noqa: F401 - the package imports them as they are asked for


def _train(config: Mapping[str, Any], dataset: Dataset, recorder: StageRecorder, limit: TimeLimit) -> None:
    """Do what the family of a configuration asks for.

    What a fit warns of is told by the errors and the status of its stage: thousands of runs would repeat it.
    """
    training = Training(config, dataset, recorder, limit, training_seed(config))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)
        family_of(config["family"]).train(training)


def _solve(config: Mapping[str, Any], recorder: StageRecorder, limit: TimeLimit) -> None:
    """Have the family of a configuration solve its equation."""
    solving = Solving(config, load_equation(config), recorder, limit, training_seed(config))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)
        family_of(config["family"]).solve(solving)


def warm_up(configs: Iterable[Mapping[str, Any]]) -> None:
    """Compile every kernel that the configurations need, by fitting tiny models of the same kinds.

    The compiled code lands in Numba's cache on disk, where workers that start later find it. There are so
    many samples that no fit needs a prior: to choose one would take a thousand evaluations, and no other
    kernels.
    """
    axis = np.linspace(-1.0, 1.0, 400)
    inputs = np.stack([axis, axis[::-1] ** 2], axis=1)
    labels = np.sin(inputs.sum(axis=1, keepdims=True))
    dataset = {f"{part}_input": inputs for part in ("train", "val", "test")}
    dataset |= {f"{part}_label": labels for part in ("train", "val", "test")}
    for config in tiny_configs(configs):
        # What fails here fails again in its runs, which record the reason.
        if is_equation(config):
            with contextlib.suppress(Exception):
                _solve(config, StageRecorder("none"), TimeLimit(None))
            continue
        data = _of_classes(dataset, config) if classifies(config) else dataset
        with contextlib.suppress(Exception):
            _train(config, data, StageRecorder("none"), TimeLimit(None))


def _of_classes(dataset: Dataset, config: Mapping[str, Any]) -> Dataset:
    """Return a dataset with numbers of as many classes as a configuration has outputs, two for one."""
    n_classes = max(int(config["width"][-1]), 2)
    labels = {f"{part}_label": dataset[f"{part}_label"] for part in ("train", "val", "test")}
    numbers = {name: np.floor((y + 1.0) / 2.0001 * n_classes) for name, y in labels.items()}
    return dataset | numbers


def tiny_configs(configs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return small configurations that go through all the code that `configs` go through, each kind once.

    A chain of grids keeps its coarsest and its finest, for the matrix of LM is put together in one way on
    coarse grids and in another on fine ones; "auto" stands for both optimizers.
    """
    tiny: dict[str, dict[str, Any]] = {}
    for config in configs:
        if is_equation(config):
            if family_of(config["family"]).is_network:  # a classical solver needs no compiled code
                kind, one = _small_solution(config)
                tiny.setdefault(canonical_json(kind), one)
            continue
        for one in family_of(config["family"]).small(config):
            small = tiny.setdefault(canonical_json(one), one)
            if "grids" in config:
                grids = {*config["grids"], *small.get("grids", ())}
                small["grids"] = sorted({min(grids), max(grids)})
    return list(tiny.values())


def _small_solution(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the code that a solution needs depends on, and one step of such a solution.

    Derivatives of one layer are those of any number, and of one equation those of any other.
    """
    small = dict(config) | {"steps": 1, "restarts": 1, "seed": 0}
    if "grids" in small:
        small["grids"] = [min(small["grids"])]
    kind = {
        name: small[name] for name in ("family", "edges", "k", "opt", "squash", "activation") if name in small
    }
    return kind | {"n_in": config["width"][0]}, small


def squared_errors(
    model: bytes, config: Mapping[str, Any], options: RunOptions, part: str
) -> NDArray[np.float64]:
    """Return the squared error of a stored model at every sample of a part of its data, shape (n,).

    Parameters
    ----------
    model : bytes
        As a record has it.
    config : mapping
        The configuration of its run.
    options : RunOptions
        Where the tables are.
    part : str
        "train", "val" or "test". Several outputs are averaged, in the numbers that they were trained on.
    """
    dataset = tasks.load_dataset(config, options.csv_path, options.test_path)
    trained = load_model_bytes(model)
    trained.scaler = None  # the samples are standardised
    residual = trained(dataset[f"{part}_input"]) - dataset[f"{part}_label"]
    with np.errstate(over="ignore"):  # an infinite error says as much
        return np.asarray(np.mean(np.square(residual), axis=1))


def sample_losses(
    model: bytes, config: Mapping[str, Any], options: RunOptions, part: str
) -> NDArray[np.float64]:
    """Return the loss of a stored model at every sample of a part of its data, shape (n,).

    Squared errors in standard deviations of the target, or log losses of classes; otherwise as
    `squared_errors`.
    """
    if not classifies(config):
        return squared_errors(model, config, options, part)
    dataset = tasks.load_dataset(config, options.csv_path, options.test_path)
    scaler = dataset["scaler"]
    x = dataset[f"{part}_input"] * scaler.input_scale + scaler.input_shift
    return log_losses(outputs_of(load_model_bytes(model), config, x), dataset[f"{part}_label"])


def outputs_of(model: Any, config: Mapping[str, Any], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return predictions, or probabilities of classes, (n, n_out), for inputs in the units of the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)  # of rows outside: errors tell what comes of it
        return np.asarray(model.predict_proba(x) if classifies(config) else model.predict(x))


def load_model_bytes(data: bytes) -> Any:
    """Return the model that was stored as bytes."""
    return kan_np.load_model(io.BytesIO(data))


def _reason(error: Exception) -> str:
    """Return the type and message of an error and the innermost place in these packages it went through."""
    roots = {Path(kan_np.__file__).parent, Path(__file__).parent}
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        for root in roots:
            if Path(frame.filename).is_relative_to(root):
                place = f" ({Path(frame.filename).relative_to(root.parent).as_posix()}:{frame.lineno})"
    return f"{type(error).__name__}: {error}{place}"
