"""Small and wide tables with default options: test RMSE over that of predicting the mean, which is bounded.

    python -m benchmarks.accuracy.tables --jobs 2 --check

Linnerud (20 rows, three outputs), 400 rows of 50 inputs of which ten matter, and twenty other small or wide
tables (see _tables.py), five draws of each. Everything as it comes: `KAN.fit` by Levenberg-Marquardt, by
L-BFGS, and with smoothing="gcv", `fit_schedule`, `fit_mlp`, and on some of the draws `kan-sweep auto`, an
output at a time; a Gaussian process and a linear model beside them. None sees the test rows. KANs have one
hidden layer, of five nodes up to twenty inputs and of three beyond. A ratio of 1 is the mean of the training
labels.

Bars: no draw above 1.2 by any way of kan_np; and where `auto` was asked, no way more than 1.3 times as bad as
its answer in the median.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import Bar, median, positive, show_bars, show_table
from benchmarks.accuracy._baselines import GP, LINEAR, MLP, Predictor, predictor
from benchmarks.accuracy._common import (
    Errors,
    data_seeds,
    geometric_mean,
    highest,
    parse,
    parser,
    pick_cases,
    run_tasks,
    spread,
)
from benchmarks.accuracy._tables import TABLES, folds
from kan_np import KAN, Dataset, fit_mlp, fit_schedule, load_model

FloatArray = NDArray[np.float64]

LM, LBFGS, GCV, SCHEDULE, AUTO = "fit LM", "fit L-BFGS", "fit gcv", "fit_schedule", "auto"
OURS = (LM, LBFGS, GCV, SCHEDULE, MLP, AUTO)
WAYS = (*OURS, GP, LINEAR)
MEAN_BAR, AUTO_BAR = 1.2, 1.3
#: A search ends by itself long before on most of these tables.
AUTO_BUDGET_S = 120


@dataclass(frozen=True)
class Draw:
    """One way on one draw of a table."""

    table: str
    data_seed: int
    way: str
    seed: int


def hidden(n_in: int) -> int:
    return 5 if n_in <= 20 else 3


def train(way: str, dataset: Dataset, seed: int) -> Predictor:
    """Return what a way makes of the training rows."""
    n_in, n_out = dataset["train_input"].shape[1], dataset["train_label"].shape[1]
    width = [n_in, hidden(n_in), n_out]
    if way == AUTO:
        return auto(dataset, seed)
    if way in (GP, LINEAR):
        return predictor(way, dataset)
    # inputs and labels are standardised, and no way is told of the test rows
    training = {"train_input": dataset["train_input"], "train_label": dataset["train_label"]}
    if way == SCHEDULE:
        return fit_schedule(width, training, seed=seed).best.model
    if way == MLP:
        return fit_mlp([n_in, 10, n_out], training, seed=seed).model
    model = KAN(width, seed=seed)
    if way == GCV:
        model.fit(training, opt="LM", smoothing="gcv")
    else:
        model.fit(training, opt="LM" if way == LM else "LBFGS")
    return model


def auto(dataset: Dataset, seed: int) -> Predictor:
    """Return the recommendation of `kan-sweep auto` for every output, from the training rows alone."""
    x, y = dataset["train_input"], dataset["train_label"]
    order = np.random.default_rng(seed).permutation(
        len(x)
    )  # the split is by place: another seed, another one
    parts = [_recommended(x[order], y[order, [output]]) for output in range(y.shape[1])]
    return lambda new: np.concatenate([part(new) for part in parts], axis=1)


def _recommended(x: FloatArray, y: FloatArray) -> Predictor:
    names = [*(f"x{i}" for i in range(x.shape[1])), "y"]
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "table.csv", Path(folder) / "out"
        rows = np.column_stack([x, y])
        np.savetxt(path, rows, delimiter=",", header=",".join(names), comments="", fmt="%.17g")
        command = [sys.executable, "-m", "sweeps", "auto", str(path), "--target", "y", "--no-report"]
        done = subprocess.run(
            [*command, "--seeds", "1", "--budget", str(AUTO_BUDGET_S), "--out", str(out)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")
        model = load_model(out / "recommended.npz")
    return model.predict


def ratio(draw: Draw) -> float:
    """Test RMSE over that of the mean of the training labels, which is 0; over all parts of a table."""
    squared, of_mean = 0.0, 0.0
    for dataset in folds(draw.table, draw.data_seed):
        truth = dataset["test_label"]
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is infinitely worse than the mean
            predicted = train(draw.way, dataset, draw.seed)(dataset["test_input"])
            squared += float(np.sum((predicted - truth) ** 2))
        of_mean += float(np.sum(truth**2))
    return float(np.sqrt(squared / of_mean)) if np.isfinite(squared) else float("inf")


def show_ways(errors: Mapping[str, Errors], over_auto: Mapping[str, Sequence[float]]) -> None:
    """Print what every way comes to over all draws, and its worst table."""
    rows = []
    for way, own in errors.items():
        every = {(key, seed): value for key, values in own.items() for seed, value in enumerate(values)}
        ((worst_table, worst_draw), _), worst = max(every.items(), key=lambda item: item[1])
        rows.append(
            (
                way,
                len(every),
                f"{median(every.values()):.2f}",
                f"{worst:.3g}",
                f"{worst_table}, {worst_draw}",
                sum(value > MEAN_BAR for value in every.values()),
                f"{median(over_auto[way]):.2f}" if over_auto.get(way) else "",
                f"{geometric_mean(over_auto[way]):.2f}" if over_auto.get(way) else "",
            )
        )
    header = ("", "draws", "median", "worst", "table, data seed", f"above {MEAN_BAR}", "over auto", "mean")
    show_table("Test RMSE over that of the mean; over auto: median and geometric mean", header, rows)


def show_tables(errors: Mapping[str, Errors]) -> None:
    rows = []
    for table in dict.fromkeys(table for own in errors.values() for table, _ in own):
        cells = []
        for own in errors.values():
            found = spread({key: values for key, values in own.items() if key[0] == table}, table)
            cells.append(f"{found.median:.2f} ({found.worst:.3g})")
        rows.append((table, *cells))
    show_table("By table: median (worst) over the draws", ("", *errors), rows)


def ratios_to_auto(errors: Mapping[str, Errors]) -> dict[str, list[float]]:
    """On the draws that auto has seen, medians over the seeds, by way."""
    known: Errors = errors.get(AUTO, {})
    return {
        way: [median(own[key]) / median(known[key]) for key in known]
        for way, own in errors.items()
        if way != AUTO
    }


def bars(errors: Mapping[str, Errors], over_auto: Mapping[str, Sequence[float]]) -> list[Bar]:
    found = [
        Bar(
            f"{way}: worst draw",
            highest(value for values in errors[way].values() for value in values),
            MEAN_BAR,
        )
        for way in OURS
        if way in errors
    ]
    return found + [
        Bar(f"{way} / auto, median", median(over_auto[way]), AUTO_BAR) for way in OURS if over_auto.get(way)
    ]


def main() -> int:
    made = parser(__doc__, seeds=1)
    made.add_argument("--tables", help=f"comma-separated choice of {', '.join(TABLES)} (default all)")
    made.add_argument("--ways", help=f"comma-separated choice of {', '.join(WAYS)} (default all)")
    made.add_argument(
        "--auto-draws", type=positive, default=2, help="draws of a table that auto is asked for (default 2)"
    )
    arguments = parse(made, tables="diabetes-40,dozen", auto_draws=1)
    tables, ways = pick_cases(TABLES, arguments.tables), pick_cases(WAYS, arguments.ways)
    if arguments.no_baselines:
        ways = [way for way in ways if way in OURS]
    draws = [
        Draw(table, data_seed, way, seed)
        for way in ways
        for table in tables
        for data_seed in data_seeds(arguments)[: arguments.auto_draws if way == AUTO else None]
        for seed in range(arguments.seeds if way not in (GP, LINEAR) else 1)
    ]
    errors: dict[str, dict[tuple[str, int], list[float]]] = {way: {} for way in ways}
    for draw, value in zip(draws, run_tasks(ratio, draws, arguments.jobs, "draws"), strict=True):
        errors[draw.way].setdefault((draw.table, draw.data_seed), []).append(value)
    found: dict[str, Errors] = dict(errors)
    over_auto = ratios_to_auto(found)
    show_tables(found)
    show_ways(found, over_auto)
    return show_bars(bars(found, over_auto), check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
