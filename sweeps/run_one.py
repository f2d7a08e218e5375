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
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kan_np
from sweeps import tasks
from sweeps.environment import code_of, environment, kernel
from sweeps.records import ADDITIVE, AUTO, BASELINES, FORMULA, LINEAR, SKLEARN, canonical_json
from sweeps.space import KAN_DEFAULTS, run_id
from sweeps.training.baselines import LEAST_SQUARES_STEPS, fit_sklearn
from sweeps.training.stage_recorder import Chain, ChainEnd, Diverged
from sweeps.training.time_limit import RunTimeout, TimeLimit

Record = dict[str, Any]

#: Part of the time limit that a search for a formula may use; what it has begun takes the rest.
_SEARCH_SHARE = 0.75


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
        The configuration of the run (see `sweeps.space.expand`); its hash is the run's id and its seed.
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
    chain = Chain(options.save_models)
    status, reason = RunStatus.OK, ""
    limit = TimeLimit(options.seconds_left())
    try:
        if limit.seconds == 0.0:
            raise RunTimeout("not begun, for the time was over")
        with limit:
            dataset = tasks.load_dataset(config, options.csv_path, options.test_path)
            _train(config, dataset, chain, limit)
    except RunTimeout as error:
        status, reason = RunStatus.TIMEOUT, f"{error}, {chain.place()}"
    except Diverged as error:
        status, reason = RunStatus.DIVERGED, str(error)
    except Exception as error:  # a run that fails is a row of the results, not the end of the sweep
        status, reason = RunStatus.FAILED, _reason(error)
        if limit.forced:  # the alarm, of which native code that was interrupted made something else
            status, reason = RunStatus.TIMEOUT, f"{limit.forced}, {chain.place()}"
    return make_record(
        config, status, reason, time.perf_counter() - wall, time.process_time() - cpu, chain.stages
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


def _train(config: Mapping[str, Any], dataset: tasks.Dataset, chain: Chain, limit: TimeLimit) -> None:
    """Do what the family of a configuration asks for.

    What a fit warns of is told by the errors and the status of its stage: thousands of runs would repeat it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)
        _TRAIN[config["family"]](config, dataset, chain, limit)


def _train_kan(config: Mapping[str, Any], dataset: tasks.Dataset, chain: Chain, limit: TimeLimit) -> None:
    options = {name: config.get(name, default) for name, default in KAN_DEFAULTS.items()}
    _through_grids(config, dataset, chain, options | _training_options(config, limit))


def _through_grids(
    config: Mapping[str, Any],
    dataset: tasks.Dataset,
    chain: Chain,
    options: Mapping[str, Any],
    opt: str | None = None,
) -> None:
    def on_stage(trained: Any) -> None:
        chain.add(trained, opt)
        chain.check_end(config.get("patience"), config.get("enough"))

    with contextlib.suppress(ChainEnd):
        kan_np.fit_schedule(
            config["width"],
            dataset,
            grids=tuple(config["grids"]),
            k=config["k"],
            on_stage=on_stage,
            **options,
        )


def _train_mlp(config: Mapping[str, Any], dataset: tasks.Dataset, chain: Chain, limit: TimeLimit) -> None:
    training = _training_options(config, limit)
    chain.add(kan_np.fit_mlp(config["width"], dataset, activation=config["activation"], **training))


def _train_linear(config: Mapping[str, Any], dataset: tasks.Dataset, chain: Chain, limit: TimeLimit) -> None:
    """Solve least squares: an MLP without a hidden layer, which Levenberg-Marquardt brings to the optimum."""
    training = _training_options(config, limit, **_EXACT, steps=LEAST_SQUARES_STEPS)
    free = {"weight_decay": 0.0}  # least squares however few the samples are
    chain.add(kan_np.fit_mlp(config["width"], dataset, fit_options=free, **training), opt="")


def _train_additive(
    config: Mapping[str, Any], dataset: tasks.Dataset, chain: Chain, limit: TimeLimit
) -> None:
    """Solve least squares in the coefficients of one spline an input: a KAN without a hidden layer."""
    training = _training_options(config, limit, **_EXACT, steps=config["steps"])
    smoothing = config.get("smoothing", KAN_DEFAULTS["smoothing"])
    _through_grids(config, dataset, chain, training | {"smoothing": smoothing}, opt="")


def _train_sklearn(config: Mapping[str, Any], dataset: tasks.Dataset, chain: Chain, limit: TimeLimit) -> None:
    def as_model(*parts: Any) -> kan_np.MLP:
        model = kan_np.MLP.from_weights(*parts)
        model.feature_names, model.target_names = dataset.get("feature_names"), dataset.get("target_names")
        model.classes = dataset.get("classes")
        return model

    chain.add(fit_sklearn(config, dataset, training_seed(config), as_model))


def _find_formula(config: Mapping[str, Any], dataset: tasks.Dataset, chain: Chain, limit: TimeLimit) -> None:
    """Look for formulas; a time limit shortens the search, which then keeps what it has found."""
    seconds, start = config["seconds"], time.perf_counter()
    if limit.seconds is not None:
        seconds = min(seconds, _SEARCH_SHARE * limit.seconds)
    found = kan_np.discover(
        dataset,
        var=dataset.get("feature_names"),
        seconds=seconds,
        restarts=config["restarts"],
        seed=training_seed(config),
    )
    chain.add_formulas(found, dataset, time.perf_counter() - start)
    if not found.best.exact and seconds < config["seconds"] and found.cpu_s > seconds:
        raise RunTimeout(f"the search was cut short by the limit of {limit.seconds:g} s")


_TRAIN: dict[str, Callable[[Mapping[str, Any], tasks.Dataset, Chain, TimeLimit], None]] = {
    "kan": _train_kan,
    "mlp": _train_mlp,
    FORMULA: _find_formula,
    LINEAR: _train_linear,
    ADDITIVE: _train_additive,
    SKLEARN: _train_sklearn,
}
#: How the sums of squares of models without a hidden layer are minimised: from one start, to the end.
_EXACT: Mapping[str, Any] = {"opt": "LM", "restarts": 1}


def _training_options(config: Mapping[str, Any], limit: TimeLimit, **fixed: Any) -> dict[str, Any]:
    """Return the rules of training, the same for every family that does not fix its own.

    Samples are held out by the sweep, or by nobody: `val_fraction` here is of what `config["data"]` left.
    """
    rules = fixed or {name: config[name] for name in ("opt", "steps", "restarts")}
    return rules | {"seed": training_seed(config), "val_fraction": 0.0, "callback": limit.check}


def warm_up(configs: Iterable[Mapping[str, Any]]) -> None:
    """Compile every kernel that the configurations need, by fitting tiny models of the same kinds.

    The compiled code lands in Numba's cache on disk, where workers that start later find it.
    """
    axis = np.linspace(-1.0, 1.0, 24)
    inputs = np.stack([axis, axis[::-1] ** 2], axis=1)
    labels = np.sin(inputs.sum(axis=1, keepdims=True))
    dataset = {f"{part}_input": inputs for part in ("train", "val", "test")}
    dataset |= {f"{part}_label": labels for part in ("train", "val", "test")}
    for config in tiny_configs(configs):
        # What fails here fails again in its runs, which record the reason.
        with contextlib.suppress(Exception):
            _train(config, dataset, Chain("none"), TimeLimit(None))


def tiny_configs(configs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return small configurations that go through all the code that `configs` go through, each kind once.

    A KAN keeps its coarsest and its finest grid, for the matrix of LM is put together in one way on coarse
    grids and in another on fine ones; "auto" stands for both optimizers.
    """
    tiny: dict[str, dict[str, Any]] = {}
    for config in configs:
        family = config["family"]
        if family == FORMULA:
            tiny[FORMULA] = {"family": FORMULA, "seconds": 0.0, "restarts": 1, "seed": 0}
            continue
        if family == SKLEARN:  # which compiles nothing
            continue
        kind = {key: value for key, value in config.items() if key not in _NOT_A_KIND}
        width = [2, 1] if family in BASELINES else [2, 2, 1]
        kind |= {"width": width, "steps": 1, "restarts": 1, "seed": 0}
        opts = () if family in BASELINES else ("LM", "LBFGS") if config["opt"] == AUTO else (config["opt"],)
        kinds = [kind | {"opt": opt} for opt in opts] or [kind]
        if family == ADDITIVE or (family == "kan" and opts == ("LM",)):
            # A fit by LM that finds no better point takes the loss with its gradient, as LBFGS always does.
            kinds.append(kind | {"family": "kan", "width": [2, 2, 1], "opt": "LBFGS"})
        for one in kinds:
            small = tiny.setdefault(canonical_json(one), one)
            if "grids" in config:
                grids = {*config["grids"], *small.get("grids", ())}
                small["grids"] = sorted({min(grids), max(grids)})
    return list(tiny.values())


_NOT_A_KIND = ("task", "data", "grids", "init", "fold", "patience", "enough")


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
        "train", "val" or "test". Several outputs are averaged.
    """
    dataset = tasks.load_dataset(config, options.csv_path, options.test_path)
    residual = load_model_bytes(model)(dataset[f"{part}_input"]) - dataset[f"{part}_label"]
    with np.errstate(over="ignore"):  # an infinite error says as much
        return np.asarray(np.mean(np.square(residual), axis=1))


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
