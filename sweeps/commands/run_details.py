"""The output of `kan-sweep show`: a run from the store as text and figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps._safe_text import one_line
from sweeps.errors import UserError
from sweeps.records import best_stage, canonical_json
from sweeps.spec.data_summary import legend_text
from sweeps.storage.store import Store

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
        Where the picture goes; without a suffix it gets .png.
    write, say : callable
        Take lines of results and lines of explanation.

    Raises
    ------
    UserError
        If there is no such run or stage, or the picture cannot be written.
    """
    record = store.run(prefix)
    for line in record_lines(record, legend_text(store.tasks().get(record["task"], {}))):
        write(line)
    if stage is None:
        kept = [row for row in record["stages"] if row["has_model"]]
        if not kept:
            say("no model of this run is stored: nothing to draw.")
            return []
        stage = best_stage(kept)
    from sweeps.run_one import load_model_bytes

    try:
        model = load_model_bytes(store.model(record["run_id"], stage))
    except ValueError as error:
        raise UserError(
            f"the model of stage {stage} of run {record['run_id']} cannot be read: {error} Nothing was drawn."
        ) from None
    path = out or store.directory / "figures" / f"run-{record['run_id']}-stage-{stage}.png"
    if not path.suffix:
        path = path.with_name(f"{path.name}.png")
    paths = [_save(model.plot(), path)]
    dataset = _dataset(store, record["config"], say)
    if dataset is not None:
        figure = parity_figure(model, dataset, f"{record['task']}, run {record['run_id']}, stage {stage}")
        paths.append(_save(figure, path.with_name(f"{path.stem}-parity{path.suffix}")))
    for path in paths:
        write(str(path))
    return paths


def record_lines(record: Mapping[str, Any], legend: str = "") -> list[str]:
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
            f"{'seconds':>8} {'iterations':>10}  {'optimizer':9}  status"
        )
    lines += [
        f"{row['stage']:5d} {row['grid'] or '-':>5} {row['n_params']:7d} {row['train_rmse']:11.3e} "
        f"{row['val_rmse']:11.3e} {row['test_rmse']:11.3e} {row['wall_s']:8.2f} {row['n_iter']:10d}  "
        f"{row['opt'] or record['config'].get('opt', '-'):9}  {row['status']}"
        for row in record["stages"]
    ]
    for row in record["stages"]:
        if row.get("formula"):
            lines += [
                f"formula of stage {row['stage']}, {_about(row['formula'])}",
                f"  {row['formula']['formula']}",
            ]
    if legend and any(row.get("formula") for row in record["stages"]):
        lines.append(f"with {legend}")
    return [one_line(line) for line in lines]


def _about(formula: Mapping[str, Any]) -> str:
    words = [f"complexity {formula['complexity']:.4g}", f"{formula['n_constants']} numbers"]
    words += [word for word in ("exact", "best") if formula[word]]
    return ", ".join(words)


def parity_figure(model: Any, dataset: Mapping[str, Any], title: str) -> Figure:
    """Return a figure of the predictions of the test samples against their labels.

    Axes and the RMSE in the title are in the units of the data.
    """
    from matplotlib.figure import Figure

    x, truth = dataset["test_input"], dataset["test_label"]
    scaler = dataset.get("scaler")
    if scaler is not None:
        x, truth = x * scaler.input_scale + scaler.input_shift, scaler.unscale_label(truth)
    predicted = model(x)
    with np.errstate(over="ignore"):  # an infinite error says as much
        residual = float(np.sqrt(np.mean(np.square(predicted - truth))))
    figure = Figure(figsize=(4.8, 4.8), layout="constrained")
    axes = figure.subplots()
    low, high = float(np.min(truth)), float(np.max(truth))
    axes.plot([low, high], [low, high], color="0.6", linewidth=1.0)
    for column in range(truth.shape[1]):
        axes.plot(truth[:, column], predicted[:, column], ".", markersize=3.0, alpha=0.6)
    axes.set_xlabel("truth, test samples")
    axes.set_ylabel("prediction")
    axes.set_title(f"{title}\ntest RMSE {residual:.2e} in the units of the axes", fontsize="small")
    return figure


def _dataset(store: Store, config: Mapping[str, Any], say: Say) -> dict[str, Any] | None:
    from sweeps.spec.tasks import load_dataset

    try:
        dataset = load_dataset(config, *_table_paths(store))
    except (OSError, ValueError) as error:
        say(f"no picture of the predictions, for the data cannot be made: {_told(error)}")
        return None
    return dataset if "test_input" in dataset else None


def _table_paths(store: Store) -> tuple[str | None, str | None]:
    """Return where the table of a sweep is, and that of its test rows, None for what there is not.

    Where it was, or beside the results, or beside each other, if they were moved.
    """
    meta = store.meta()
    given, test = meta["spec"].get("csv"), meta["spec"].get("test")
    if given is None:
        return None, None
    table = _found([Path(meta["table"] or given), *_beside(store.directory, given)])
    if test is None:
        return str(table), None
    return str(table), str(
        _found([Path(test), *_beside(table.parent, test), *_beside(store.directory, test)])
    )


def _beside(directory: Path, given: str) -> list[Path]:
    return [directory / given, directory / Path(given).name]


def _found(places: list[Path]) -> Path:
    """Return the first place that is a file; if none is, the first one, for the message."""
    return next((path for path in places if path.is_file()), places[0])


def _save(figure: Figure, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write the picture {path}: {_told(error)}. Choose another --out.") from None
    return path


def _told(error: Exception) -> str:
    """Return what an error says, without its number."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
