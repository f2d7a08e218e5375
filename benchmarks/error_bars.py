"""Coverage, interval score and CRPS of error bars, beside scikit-learn's Gaussian process.

    python -m benchmarks.error_bars --check

Ten noisy functions with 400 rows (normal noise, 10 % of the spread of the function) and scikit-learn's
diabetes, five data seeds (300 to 304; with diabetes five splits). The model is a KAN [n, 3, 1] of grid 3 as
it comes, `fit(dataset, "LM")`; the Gaussian process has one length an input and white noise. "conformal"
holds a quarter of the rows out of the fit. Coverage is that of 1000 fresh rows with noise (of the rows left
over from diabetes) by intervals of 90 %; interval score and CRPS are in standard deviations of the noise (of
the labels of diabetes), the interval score of the true distribution being 4.13 and its CRPS 0.564. A table
has medians over the data seeds; the bars are for the mean coverage of all functions and seeds.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from benchmarks._common import Bar, median, positive, show_bars, show_table
from kan_np import KAN, MLP, KanWarning, Scaler, split_validation
from kan_np.uncertainty.scores import coverage, crps, interval_score

_LEVEL, _NOISE, _ROWS, _FRESH = 0.9, 0.1, 400, 1000
_METHODS = ("laplace", "conformal", "jackknife+", "ensemble")
#: Half the length of a normal distribution's 90 % interval.
_HALF = 1.6448536269514722

Function = Callable[[np.ndarray], np.ndarray]
#: Number of inputs, uniform in (-1, 1), and the function.
FUNCTIONS: dict[str, tuple[int, Function]] = {
    "sin(3x)": (1, lambda x: np.sin(3 * x[:, 0])),
    "1/(1+9x^2)": (1, lambda x: 1 / (1 + 9 * x[:, 0] ** 2)),
    "|x|": (1, lambda x: np.abs(x[:, 0])),
    "exp(sin(pi x)+y^2)": (2, lambda x: np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)),
    "x y": (2, lambda x: x[:, 0] * x[:, 1]),
    "sqrt(x^2+y^2)": (2, lambda x: np.hypot(x[:, 0], x[:, 1])),
    "tanh(5x) y": (2, lambda x: np.tanh(5 * x[:, 0]) * x[:, 1]),
    "x exp(-y^2)+z": (3, lambda x: x[:, 0] * np.exp(-(x[:, 1] ** 2)) + x[:, 2]),
    "sin(x+2y) z": (3, lambda x: np.sin(x[:, 0] + 2 * x[:, 1]) * x[:, 2]),
    "Friedman 1": (
        5,
        lambda x: (
            10 * np.sin(np.pi * (x[:, 0] + 1) * (x[:, 1] + 1) / 4)
            + 5 * x[:, 2] ** 2
            + 5 * x[:, 3]
            + 2.5 * x[:, 4]
        ),
    ),
}


@dataclass(frozen=True)
class Table:
    """Rows to fit and fresh rows; scores are in units of `unit`."""

    x: np.ndarray
    y: np.ndarray
    new: np.ndarray
    label: np.ndarray
    unit: float


def drawn(name: str, seed: int) -> Table:
    """A table of a function, or a split of diabetes."""
    rng = np.random.default_rng(seed)
    if name == "diabetes":
        x, y = load_diabetes(return_X_y=True)
        order = rng.permutation(len(y))
        train, test = order[:300], order[300:]
        scaler = Scaler.fit(x[train], y[train])
        rows, labels = scaler.scale_input(x), scaler.scale_label(y)
        return Table(rows[train], labels[train], rows[test], labels[test], 1.0)
    n_in, f = FUNCTIONS[name]
    x = rng.uniform(-1, 1, (_ROWS + _FRESH, n_in))
    clean = f(x)[:, None]
    mean, spread = clean[:_ROWS].mean(), clean[:_ROWS].std()
    y = (clean - mean) / spread + rng.normal(0, _NOISE, (len(x), 1))
    return Table(x[:_ROWS], y[:_ROWS], x[_ROWS:], y[_ROWS:], _NOISE)


@dataclass(frozen=True)
class Judged:
    """Coverage, interval score, CRPS, root mean square error, seconds."""

    coverage: float
    interval: float
    crps: float
    rmse: float
    seconds: float

    @classmethod
    def of(cls, table: Table, y: np.ndarray, std: np.ndarray, ends: tuple, begun: float) -> Judged:
        label, unit = table.label, table.unit
        return cls(
            coverage(label, *ends),
            interval_score(label, *ends, _LEVEL) / unit,
            crps(label, y, std) / unit,
            float(np.sqrt(np.mean((y - label) ** 2))) / unit,
            time.process_time() - begun,
        )


def by_model(table: Table, method: str, kind: str) -> Judged:
    """A KAN or an MLP with error bars by a method."""
    begun, n_in = time.process_time(), table.x.shape[1]
    dataset = {"train_input": table.x, "train_label": table.y}
    if method == "conformal":
        dataset = split_validation(dataset, 0.25)
    model = KAN([n_in, 3, 1], grid=3, seed=0) if kind == "KAN" else MLP([n_in, 10, 1], seed=0)
    model.fit(dataset, "LM")
    model.calibrate(dataset, method)
    y, std, *ends = model.predict(table.new, return_std=True, interval=_LEVEL)
    return Judged.of(table, y, std, tuple(ends), begun)


def by_gaussian_process(table: Table) -> Judged:
    """scikit-learn's Gaussian process, its lengths and its noise by marginal likelihood."""
    begun, n_in = time.process_time(), table.x.shape[1]
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * RBF(np.ones(n_in), (1e-2, 1e3)) + WhiteKernel(
        0.01, (1e-6, 1e1)
    )
    process = GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=0, normalize_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(table.x, table.y[:, 0])
    y, std = (part[:, None] for part in process.predict(table.new, return_std=True))
    return Judged.of(table, y, std, (y - _HALF * std, y + _HALF * std), begun)


def main(argv: list[str] | None = None) -> int:
    """Print a table for every method, and the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--seeds", type=positive, default=5, help="data seeds, from --first on")
    parser.add_argument("--first", type=positive, default=300, help="first data seed")
    parser.add_argument("--methods", nargs="+", default=list(_METHODS), choices=_METHODS)
    parser.add_argument("--mlp", action="store_true", help="the same for MLPs [n, 10, 1]")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore", KanWarning)
    names, seeds = [*FUNCTIONS, "diabetes"], range(options.first, options.first + options.seeds)
    tables = {(name, seed): drawn(name, seed) for name in names for seed in seeds}
    ways = {"Gaussian process": by_gaussian_process}
    for kind in ("KAN", "MLP") if options.mlp else ("KAN",):
        for method in options.methods:
            ways[f"{kind}, {method}"] = lambda table, m=method, k=kind: by_model(table, m, k)
    means, rows = {}, {}
    for way, judge in ways.items():
        own = {name: [judge(tables[name, seed]) for seed in seeds] for name in names}
        rows[way], means[way] = own, float(np.mean(_by_function(own)))
        _show(way, own)
    show_table(
        "All: coverage, mean, lowest and highest of the functions; scores over those of the Gaussian process",
        ("method", "coverage %", "lowest", "highest", "interval score", "CRPS"),
        [
            (
                way,
                f"{100 * means[way]:.1f}",
                *(f"{100 * end(_by_function(rows[way])):.1f}" for end in (min, max)),
                *(f"{_ratio(rows, way, what):.3f}" for what in ("interval", "crps")),
            )
            for way in ways
        ],
    )
    bars = []
    for method, low, high in (("conformal", 0.87, 0.93), ("laplace", 0.85, 0.95)):
        if method in options.methods:
            value = means[f"KAN, {method}"]
            bars += [
                Bar(f"{method}: mean coverage", value, low, at_least=True),
                Bar(f"{method}: mean coverage", value, high),
            ]
    return show_bars(bars, check=options.check)


def _show(way: str, own: dict[str, list[Judged]]) -> None:
    """The table of one method."""
    header = ("function", "coverage %", "lowest", "interval score", "CRPS", "RMSE", "s")
    cells = []
    for name, found in own.items():
        covered = [100 * one.coverage for one in found]
        scores = [
            median(getattr(one, what) for one in found) for what in ("interval", "crps", "rmse", "seconds")
        ]
        cells.append(
            (name, f"{np.mean(covered):.1f}", f"{min(covered):.1f}", *(f"{own:.3g}" for own in scores))
        )
    show_table(f"{way}: medians over data seeds (coverage: mean and lowest)", header, cells)


def _by_function(own: dict[str, list[Judged]]) -> list[float]:
    """Mean coverage over the data seeds, of every function."""
    return [float(np.mean([one.coverage for one in found])) for found in own.values()]


def _ratio(rows: dict[str, dict[str, list[Judged]]], way: str, what: str) -> float:
    """Geometric mean over the functions of the median score over that of the Gaussian process."""
    logs = [
        np.log(median(getattr(one, what) for one in rows[way][name]))
        - np.log(median(getattr(one, what) for one in rows["Gaussian process"][name]))
        for name in rows[way]
    ]
    return float(np.exp(np.mean(logs)))


if __name__ == "__main__":
    sys.exit(main())
