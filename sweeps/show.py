"""`kan-sweep show`: a run in words and pictures, from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.errors import UserError
from sweeps.store import Store, canonical_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Say = Callable[[str], None]


def show_run(
    store: Store, prefix: str, stage: int | None, out: Path | None, write: Say, say: Say
) -> list[Path]:
    """Print a run and draw its model; return the pictures that were written.

    One picture shows the network, a second one, `...-parity.png`, its predictions of the test samples against
    the truth.

    Parameters
    ----------
    store : Store
        Where the run is.
    prefix : str
        The run's id, or how it starts.
    stage : int, optional
        Which stage to draw; the best by validation error without it.
    out : Path, optional
        Where the picture goes.
    write, say : callable
        Take lines of results and lines of explanation.

    Raises
    ------
    UserError
        If there is no such run or stage, or the picture cannot be written.
    """
    record = store.run(prefix)
    for line in record_lines(record):
        write(line)
    if stage is None and not any(row["has_model"] for row in record["stages"]):
        say("no model of this run is stored: nothing to draw.")
        return []
    stage, data = _stage_and_model(store, record, stage)
    from sweeps.run_one import load_model_bytes

    model = load_model_bytes(data)
    path = out or store.directory / "figures" / f"run-{record['run_id']}-stage-{stage}.png"
    paths = [_save(model.plot(), path)]
    dataset = _dataset(store, record["config"], say)
    if dataset is not None:
        figure = parity_figure(model, dataset, f"{record['task']}, run {record['run_id']}, stage {stage}")
        paths.append(_save(figure, path.with_name(f"{path.stem}-parity{path.suffix}")))
    for path in paths:
        write(str(path))
    return paths


def record_lines(record: Mapping[str, Any]) -> list[str]:
    """Return a run as lines: what it is, how it ended, its configuration, a table of its stages."""
    lines = [
        f"run     {record['run_id']}",
        f"task    {record['task']}",
        f"status  {record['status']}" + (f": {record['reason']}" if record["reason"] else ""),
        f"time    {record['wall_s']:.2f} s ({record['cpu_s']:.2f} s of processor time)",
        "config",
    ]
    lines += [
        f"  {key:11} {value if isinstance(value, str) else canonical_json(value)}"
        for key, value in record["config"].items()
    ]
    if record["stages"]:
        lines.append(
            f"{'stage':>5} {'grid':>5} {'params':>7} {'train RMSE':>11} {'val RMSE':>11} {'test RMSE':>11} "
            f"{'seconds':>8} {'iterations':>10}  status"
        )
    lines += [
        f"{row['stage']:5d} {row['grid'] or '-':>5} {row['n_params']:7d} {row['train_rmse']:11.3e} "
        f"{row['val_rmse']:11.3e} {row['test_rmse']:11.3e} {row['wall_s']:8.2f} {row['n_iter']:10d}  "
        f"{row['status']}"
        for row in record["stages"]
    ]
    return lines


def parity_figure(model: Any, dataset: Mapping[str, Any], title: str) -> Figure:
    """Return a figure of the predictions of the test samples against their labels, in units of the data."""
    from matplotlib.figure import Figure

    truth, predicted = dataset["test_label"], model(dataset["test_input"])
    residual = float(np.sqrt(np.mean(np.square(predicted - truth))))
    if dataset.get("scaler") is not None:
        truth, predicted = (dataset["scaler"].unscale_label(y) for y in (truth, predicted))
    figure = Figure(figsize=(4.8, 4.8), layout="constrained")
    axes = figure.subplots()
    low, high = float(np.min(truth)), float(np.max(truth))
    axes.plot([low, high], [low, high], color="0.6", linewidth=1.0)
    for column in range(truth.shape[1]):
        axes.plot(truth[:, column], predicted[:, column], ".", markersize=3.0, alpha=0.6)
    axes.set_xlabel("truth, test samples")
    axes.set_ylabel("prediction")
    axes.set_title(f"{title}\ntest RMSE {residual:.2e}", fontsize="small")
    return figure


def _stage_and_model(store: Store, record: Mapping[str, Any], stage: int | None) -> tuple[int, bytes]:
    """Return the model that is asked for and its stage; the store knows which stage is the best."""
    data = store.model(record["run_id"], stage)
    if stage is not None:
        return stage, data
    kept = [row["stage"] for row in record["stages"] if row["has_model"]]
    return next(i for i in kept if store.model(record["run_id"], i) == data), data


def _dataset(store: Store, config: Mapping[str, Any], say: Say) -> dict[str, Any] | None:
    from sweeps.tasks import load_dataset

    csv_path = store.meta()["spec"].get("csv")
    try:
        dataset = load_dataset(config, csv_path)
    except (OSError, ValueError) as error:
        say(f"no picture of the predictions, for the data cannot be made: {error}")
        return None
    return dataset if "test_input" in dataset else None


def _save(figure: Figure, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write the picture {path}: {error}. Choose another --out.") from None
    return path
