"""Classification beside scikit-learn: iris, wine, breast cancer, digits and two moons.

    python -m benchmarks.classification --check

Accuracy by stratified five-fold cross-validation with shuffled rows, inputs standardised by the training
rows, for split seeds 300 to 304 (`--first-seed`, `--seeds`): KANs fitted with ``loss="cross_entropy"`` and
otherwise by default, LogisticRegression, and MLPClassifier with its 100 hidden nodes until it converges. The
shapes of the KANs were chosen on split seeds 0 to 5. Two moons: 1000 points with noise 0.1, half of them
held out, a KAN of two edges, and the formula that `auto_symbolic` makes of its logit.

Bars: on the three small tables the mean accuracy of the better of the two minus 0.005, with at most a tenth
of the MLP's parameters; on digits 0.965 with at most 7,510 parameters, as many as the MLP has, and a fold in
60 s of processor time; on the moons 0.99 in the median, of the model and of the formula.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks._common import Bar, median, positive, show_bars, show_table
from kan_np import KAN, KanWarning

FloatArray = NDArray[np.float64]
Ints = NDArray[np.int64]

OURS, LINEAR, MLP = "KAN", "LogisticRegression", "MLPClassifier"
SHORT_BY, PARAMETERS = 0.005, 0.1
DIGITS_BAR, DIGITS_PARAMETERS, DIGITS_SECONDS = 0.965, 7510, 60.0
MOONS_BAR = 0.99
N_MOONS = 1000


@dataclass(frozen=True)
class Table:
    """A table of scikit-learn, and the KAN for it."""

    load: Callable[[], Any]
    width: list[int]
    options: dict[str, Any]
    fit: dict[str, Any]


TABLES = {
    "iris": Table(datasets.load_iris, [4, 3], {"grid": 1, "k": 2, "base_fun": "zero"}, {"opt": "auto"}),
    "wine": Table(datasets.load_wine, [13, 2, 3], {"grid": 1, "k": 2, "base_fun": "zero"}, {"opt": "auto"}),
    "breast cancer": Table(
        datasets.load_breast_cancer, [30, 1], {"grid": 1, "k": 2, "base_fun": "identity"}, {"opt": "auto"}
    ),
    "digits": Table(
        datasets.load_digits, [64, 10], {"grid": 2, "k": 2, "base_fun": "zero"}, {"opt": "LBFGS"}
    ),
}


@dataclass
class Found:
    """Accuracies of one model on all folds, its parameters and the longest fit."""

    accuracy: list[float] = field(default_factory=list)
    n_params: int = 0
    longest_s: float = 0.0

    def add(self, right: FloatArray, n_params: int, seconds: float) -> None:
        self.accuracy.append(float(np.mean(right)))
        self.n_params, self.longest_s = n_params, max(self.longest_s, seconds)

    @property
    def mean(self) -> float:
        return float(np.mean(self.accuracy))


def kan(table: Table, x: FloatArray, y: Ints) -> tuple[Callable[[FloatArray], Ints], int]:
    model = KAN(table.width, seed=0, **table.options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        model.fit({"train_input": x, "train_label": y}, loss="cross_entropy", **table.fit)

    def predict(x: FloatArray) -> Ints:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KanWarning)
            return model.predict_class(x)

    return predict, model.n_params


def linear(table: Table, x: FloatArray, y: Ints) -> tuple[Callable[[FloatArray], Ints], int]:
    model = LogisticRegression(max_iter=1000).fit(x, y)
    return model.predict, model.coef_.size + model.intercept_.size


def mlp(table: Table, x: FloatArray, y: Ints) -> tuple[Callable[[FloatArray], Ints], int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLPClassifier(max_iter=1000, random_state=0).fit(x, y)
    return model.predict, sum(array.size for array in (*model.coefs_, *model.intercepts_))


WAYS = {OURS: kan, LINEAR: linear, MLP: mlp}


def cross_validated(table: Table, seeds: range, ways: list[str]) -> dict[str, Found]:
    """All folds of all splits, by model."""
    x, y = table.load(return_X_y=True)
    found = {way: Found() for way in ways}
    for seed in seeds:
        for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(x, y):
            scaler = StandardScaler().fit(x[train])
            inputs, held = scaler.transform(x[train]), scaler.transform(x[test])
            for way in ways:
                begun = time.process_time()
                predict, n_params = WAYS[way](table, inputs, y[train])
                seconds = time.process_time() - begun
                found[way].add(predict(held) == y[test], n_params, seconds)
    return found


def moons(seed: int) -> tuple[float, float, str]:
    """Held-out accuracy of the model and of its formula, and the formula."""
    x, y = datasets.make_moons(N_MOONS, noise=0.1, random_state=seed)
    half = N_MOONS // 2
    data = {"train_input": x[:half], "train_label": y[:half]}
    model = KAN([2, 1], grid=3, seed=0)
    model.fit(data, "LM", 50, loss="cross_entropy")
    own = np.mean(model.predict_class(x[half:]) == y[half:])
    symbols = model.copy()
    symbols.auto_symbolic(x[:half], min_r2=0.8)
    symbols.fit(data, "LM", 50, loss="cross_entropy")
    formula = symbols.symbolic_formula(["x", "y"], exact=False)
    right = np.mean((formula.numpy()(x[half:])[:, 0] > 0) == y[half:])
    return float(own), float(right), str(formula[0][0])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--seeds", type=positive, default=5)
    parser.add_argument(
        "--only", default=",".join([*TABLES, "moons"]), help="tables, with commas between them"
    )
    parser.add_argument("--ways", default=",".join(WAYS), help="models, with commas between them")
    options = parser.parse_args(arguments)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    ways, wanted = options.ways.split(","), options.only.split(",")
    bars, rows = [], []
    with threadpool_limits(1):
        for name in [name for name in TABLES if name in wanted]:
            found = cross_validated(TABLES[name], seeds, ways)
            for way, one in found.items():
                lowest = min(np.mean(part) for part in np.split(np.array(one.accuracy), len(seeds)))
                cells = (f"{one.mean:.4f}", f"{lowest:.4f}", one.n_params, f"{one.longest_s:.2f}")
                rows.append((f"{name}, {way}", *cells))
            bars += bars_of(name, found)
        if rows:
            title = f"Accuracy by cross-validation, split seeds {seeds[0]} to {seeds[-1]}"
            show_table(title, ("table, model", "mean", "worst split", "parameters", "longest fit / s"), rows)
        if "moons" in wanted:
            bars += show_moons(seeds)
    return show_bars(bars, check=options.check)


def bars_of(name: str, found: dict[str, Found]) -> list[Bar]:
    """What a table must show; nothing where models were left out."""
    if not set(found) >= ({OURS} if name == "digits" else set(WAYS)):
        return []
    ours = found[OURS]
    if name == "digits":
        return [
            Bar("digits: accuracy", ours.mean, DIGITS_BAR, at_least=True),
            Bar("digits: parameters", ours.n_params, DIGITS_PARAMETERS),
            Bar("digits: seconds a fold", ours.longest_s, DIGITS_SECONDS),
        ]
    best = max(found[LINEAR].mean, found[MLP].mean)
    return [
        Bar(f"{name}: accuracy minus that of the best", ours.mean - best, -SHORT_BY, at_least=True),
        Bar(f"{name}: parameters over the MLP's", ours.n_params / found[MLP].n_params, PARAMETERS),
    ]


def show_moons(seeds: range) -> list[Bar]:
    results = [moons(seed) for seed in seeds]
    rows = [
        (seed, f"{own:.3f}", f"{right:.3f}") for seed, (own, right, _) in zip(seeds, results, strict=True)
    ]
    show_table("Two moons, held out", ("data seed", "model", "formula"), rows)
    print(f"\nlogit of data seed {seeds[0]}: {results[0][2]}")
    return [
        Bar("moons: accuracy of the model", median(own for own, _, _ in results), MOONS_BAR, at_least=True),
        Bar("moons: accuracy of the formula", median(of for _, of, _ in results), MOONS_BAR, at_least=True),
    ]


if __name__ == "__main__":
    sys.exit(main())
