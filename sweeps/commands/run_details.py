"""The output of `kan-sweep show`: a run from the store as text and figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps._safe_text import one_line
from sweeps.analysis.target_units import error_words, is_other_target, short_error_words, unit_of_run
from sweeps.errors import UserError
from sweeps.families import family_of
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
    the truth; of classes it is `...-confusion.png`, how many of each are taken for which. Of an equation it
    is `...-solution.png`: the solution, its error and residual, and where it bends.

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
    description = store.tasks().get(record["task"], {})
    for line in record_lines(record, description):
        write(line)
    if family_of(record["family"]).measures_studies:
        say("a study has no model to draw; its figures are made by: kan-sweep report " + str(store.directory))
        return []
    if stage is None:
        kept = [row for row in record["stages"] if row["has_model"]]
        if not kept:
            say("no model of this run is stored: nothing to draw.")
            return []
        stage = best_stage(kept)
    from sweeps.run_one import load_model_bytes
    from sweeps.spec.equations import is_equation

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
    dataset = None
    if is_equation(record["config"]):
        figure = _solution_picture(record, stage, model)
        paths.append(_save(figure, path.with_name(f"{path.stem}-solution{path.suffix}")))
    else:
        dataset = _dataset(store, record["config"], say)
    if dataset is not None:
        title = f"{record['task']}, run {record['run_id']}, stage {stage}"
        of_classes = "class_names" in dataset
        figure = (confusion_picture if of_classes else parity_figure)(model, dataset, title)
        what = "confusion" if of_classes else "parity"
        paths.append(_save(figure, path.with_name(f"{path.stem}-{what}{path.suffix}")))
    for path in paths:
        write(str(path))
    return paths


def record_lines(record: Mapping[str, Any], description: Mapping[str, Any] | None = None) -> list[str]:
    """Return a run as lines: what it is, how it ended, its configuration, a table of its stages.

    `description` is that of its task: errors are in the units of the target if it tells them, and symbols of
    formulas have a legend.
    """
    told = description or {}
    legend = legend_text(told)
    if is_other_target(told, canonical_json(record["config"])):
        told = {}
    unit = unit_of_run(told, record["config"].get("fold", 0))
    is_table = record["task"].startswith("csv/")
    error, words = error_words(told, is_table)
    train, val, test = short_error_words(told, is_table)
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
        if words or error != "RMSE":
            lines.append(f"errors are {error}{' ' if words else ''}{words}{_spread_of(told, unit)}")
        lines.append(
            f"{'stage':>5} {'grid':>5} {'params':>7} "
            f"{train:>11} {val:>11} {test:>11} "
            f"{'seconds':>8} {'iterations':>10}  {'optimizer':9}  status"
        )
    lines += [
        f"{row['stage']:5d} {row['grid'] or '-':>5} {row['n_params']:7d} {row['train_rmse'] * unit:11.3e} "
        f"{row['val_rmse'] * unit:11.3e} {row['test_rmse'] * unit:11.3e} "
        f"{row['wall_s']:8.2f} {row['n_iter']:10d}  "
        f"{row['opt'] or record['config'].get('opt', '-'):9}  {row['status']}"
        for row in record["stages"]
    ]
    lines += [
        f"stage {row['stage']}: "
        + ", ".join(
            f"{name} not found" if value is None else f"{name} {value:.6g}" for name, value in own.items()
        )
        for row in record["stages"]
        if (own := row.get("quantities"))
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


def _spread_of(description: Mapping[str, Any], unit: float) -> str:
    """Return how errors become shares of the spread of the target, where that is known."""
    if not description.get("target_scale"):
        return ""
    return f", whose spread (standard deviation) in the training rows is {unit:.4g}"


def _about(formula: Mapping[str, Any]) -> str:
    words = [f"complexity {formula['complexity']:.4g}", f"{formula['n_constants']} numbers"]
    words += [word for word in ("exact", "best") if formula[word]]
    return ", ".join(words)


def parity_figure(model: Any, dataset: Mapping[str, Any], title: str) -> Figure:
    """Return a figure of the predictions of the test samples against their labels.

    Axes and the RMSE in the title are in the units of the data, and beside it as a share of their spread.
    """
    from matplotlib.figure import Figure

    x, truth = _test_rows(dataset)
    predicted = model(x)
    with np.errstate(over="ignore"):  # an infinite error says as much
        residual = float(np.sqrt(np.mean(np.square(predicted - truth))))
    figure = Figure(figsize=(4.8, 4.8), layout="constrained")
    axes = figure.subplots()
    low, high = float(np.min(truth)), float(np.max(truth))
    axes.plot([low, high], [low, high], color="0.6", linewidth=1.0)
    for column in range(truth.shape[1]):
        axes.plot(truth[:, column], predicted[:, column], ".", markersize=3.0, alpha=0.6)
    names: list[str] = list(dataset.get("target_names") or ())
    target = f": {one_line(names[0])[:40]}" if len(names) == 1 else ""
    axes.set_xlabel(f"measured{target}" if names else "truth, test samples", parse_math=False)
    axes.set_ylabel(f"predicted{target}" if names else "prediction", parse_math=False)
    spread = float(np.std(truth))
    share = f", {100 * residual / spread:.3g} % of their spread" if spread > 0 else ""
    told = f"{title}\ntest RMSE {residual:.3g} in the units of the axes{share}"
    axes.set_title(told, fontsize="small", parse_math=False)
    return figure


def _solution_picture(record: Mapping[str, Any], stage: int, model: Any) -> Figure:
    """Return a figure of the solution that a stored network is."""
    from sweeps.spec.equations import load_equation, solution_of

    quantities = record["stages"][stage].get("quantities", {})
    figure: Figure = solution_of(record["config"], model, quantities).plot(
        load_equation(record["config"]).reference
    )
    return figure


def confusion_picture(model: Any, dataset: Mapping[str, Any], title: str) -> Figure:
    """Return a figure of how many test samples of every class are taken for which."""
    from sweeps.page.answer_figures import confusion_figure

    x, numbers = _test_rows(dataset)
    names = list(dataset["class_names"])
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, (numbers[:, 0].astype(np.int64), model.predict_class(x)), 1)
    target = str(dataset["target_names"][0]).rpartition("=")[0]
    told = {"class_names": names, "confusion": confusion.tolist(), "target": target}
    figure = confusion_figure(told)
    share = np.trace(confusion) / max(confusion.sum(), 1)
    figure.suptitle(f"{title}\n{share:.1%} of the test samples are right", fontsize="small", parse_math=False)
    return figure


def _test_rows(dataset: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return inputs and labels of the test samples in the units of the data."""
    x, truth, scaler = dataset["test_input"], dataset["test_label"], dataset.get("scaler")
    if scaler is None:
        return x, truth
    x = x * scaler.input_scale + scaler.input_shift
    return x, truth if "class_names" in dataset else scaler.unscale_label(truth)


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
