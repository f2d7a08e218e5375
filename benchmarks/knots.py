"""Knots: the signature from the geometry of the complement, the natural slope, and relations without a label.

    python -m benchmarks.knots --check

By default the 2,000 knots of the package; ``--knots 10000`` takes so many from the user's folder, where they
are made if they are not there (`kan_np.data.make_knots`). For split seeds 300 to 304 (`--first-seed`,
`--seeds`), a fifth of the knots held out:

1. classification of the signature by cross-entropy: a KAN [6,1,n] of about 200 parameters and a larger one,
   an MLP of 50 nodes (scikit-learn's, until it converges), the two-parameter linear rule on the natural
   slope, rounded to even numbers, and the most frequent class. The paper's KAN has 81.6 %, on another sample
   with 17 columns.
2. attribution: the shares of the columns in the larger KAN, by `feature_score`.
3. the slope as a formula: what `discover` finds of (mu_r, mu_i, lambda) with the signature as a noisy label,
   and the form c lambda mu_r / (mu_r^2 + k mu_i^2) with its two numbers fitted to the signature; r2 of both
   with the natural slope.
4. relations without a label by `find_relations`.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable

import numpy as np
import sympy
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks._common import Bar, median, positive, show_bars, show_table
from kan_np import KAN, KanWarning, discover, find_relations
from kan_np.data.knots import FEATURES, KnotTable, load_knots, natural_slope
from kan_np.symbolic.exact_constants import with_exact_numbers

FloatArray = NDArray[np.float64]
Ints = NDArray[np.int64]

PAPER = 0.816
TRANSLATIONS = FEATURES[:3]
CUSP = ("meridional_translation_imag", "longitudinal_translation", "cusp_volume")
LINEAR, SMALL, LARGE, NETWORK = "slope, linear rule", "KAN [6,1,n]", "KAN [6,5,n]", "MLP [6,50,n]"


def columns(knots: KnotTable, names: tuple[str, ...]) -> FloatArray:
    return np.stack([knots[name] for name in names], axis=1).astype(np.float64)


def kan(hidden: int, x: FloatArray, y: Ints, seed: int) -> tuple[KAN, int]:
    """A classifier of the columns; steps and grids were chosen by judgement."""
    classes = int(y.max()) + 1
    model = KAN([x.shape[1], hidden, classes], grid=5 if hidden == 1 else 3, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        model.fit({"train_input": x, "train_label": y}, "LBFGS", 30, loss="cross_entropy", lamb=0.0)
    return model, model.n_params


def classified(knots: KnotTable, seed: int) -> tuple[dict[str, tuple[float, int]], FloatArray]:
    """Accuracy and parameters of every model on held-out knots; shares of the columns in the larger KAN."""
    x, signature = columns(knots, FEATURES), knots["signature"]
    _, y = np.unique(signature, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(y))
    held, train = order[: len(y) // 5], order[len(y) // 5 :]
    found: dict[str, tuple[float, int]] = {}

    def add(name: str, right: FloatArray, n_params: int) -> None:
        found[name] = (float(np.mean(right)), n_params)

    slope = natural_slope(knots)
    line = np.polyfit(slope[train], signature[train], 1)
    add(LINEAR, 2 * np.round(np.polyval(line, slope[held]) / 2) == signature[held], 2)
    shares = np.zeros(len(FEATURES))
    scaler = StandardScaler().fit(x[train])
    inputs, outputs = scaler.transform(x[train]), scaler.transform(x[held])
    for name, hidden in ((SMALL, 1), (LARGE, 5)):
        model, n_params = kan(hidden, inputs, y[train], 0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KanWarning)
            add(name, model.predict_class(outputs) == y[held], n_params)
            score = model.feature_score(inputs)
        shares = score / score.sum()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp = MLPClassifier((50,), max_iter=2000, random_state=0).fit(inputs, y[train])
    size = sum(array.size for array in (*mlp.coefs_, *mlp.intercepts_))
    add(NETWORK, mlp.predict(outputs) == y[held], size)
    add("most frequent", np.bincount(y[train]).argmax() == y[held], 0)
    return found, shares


def slope_formulas(knots: KnotTable, seed: int, seconds: float) -> tuple[str, float, str, float]:
    """The formula that is found and the one of the given form, each with its r2 with the natural slope."""
    x, label = columns(knots, TRANSLATIONS), knots["signature"].astype(np.float64)
    train = np.random.default_rng(seed).permutation(len(label))[: 4 * len(label) // 5]
    names = sympy.symbols("mu_r mu_i lam", real=True)
    data = {"train_input": x[train], "train_label": label[train, None]}
    found = discover(data, var=list(names), seconds=seconds, seed=seed).best.formula
    mu_r, mu_i, lam = names
    form = -sympy.Float(0.5) * lam * mu_r / (mu_r**2 + sympy.Float(0.9) * mu_i**2)
    fitted, _ = with_exact_numbers(form, names, x[train], label[train])
    slope = natural_slope(knots)
    values = [found.numpy()(x)[:, 0], sympy.lambdify(names, fitted)(*x.T)]
    r2 = [float(np.corrcoef(own, slope)[0, 1] ** 2) for own in values]
    return str(found.expressions[0]), r2[0], str(fitted), r2[1]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--seeds", type=positive, default=5)
    parser.add_argument("--knots", type=int, default=2000, help="more than 2000 are made by snappy")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each search for a formula")
    parser.add_argument("--only", default="classes,slope,relations", help="parts, with commas between them")
    options = parser.parse_args(arguments)
    if options.knots > 2000:
        from kan_np.data.make_knots import cached_knots

        knots = cached_knots(options.knots, progress=True)
    else:
        knots = {name: column[: options.knots] for name, column in load_knots().items()}
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    parts: dict[str, Callable[[], list[Bar]]] = {
        "classes": lambda: show_classes(knots, seeds),
        "slope": lambda: show_slope(knots, seeds, options.seconds),
        "relations": lambda: show_relations(knots, seeds),
    }
    bars = []
    with threadpool_limits(1):
        for part in options.only.split(","):
            bars += parts[part]()
    return show_bars(bars, check=options.check)


def show_classes(knots: KnotTable, seeds: range) -> list[Bar]:
    results = [classified(knots, seed) for seed in seeds]
    names = list(results[0][0])
    rows, medians = [], {}
    for name in names:
        accuracy = [found[name][0] for found, _ in results]
        medians[name] = median(accuracy)
        rows.append((name, f"{medians[name]:.4f}", f"{min(accuracy):.4f}", results[0][0][name][1]))
    title = f"Signature of {len(knots['signature'])} knots, split seeds {seeds[0]} to {seeds[-1]}"
    show_table(title, ("model", "median accuracy", "worst", "parameters"), rows)
    shares = np.median([shares for _, shares in results], axis=0)
    show_table(
        "Shares of the columns in the larger KAN",
        ("column", "median share"),
        [(name, f"{share:.3f}") for name, share in zip(FEATURES, shares, strict=True)],
    )
    top = [set(np.argsort(-own)[:3]) == {0, 1, 2} for _, own in results]
    return [
        Bar("small KAN minus the linear rule", medians[SMALL] - medians[LINEAR], -0.01, at_least=True),
        Bar("larger KAN minus the MLP", medians[LARGE] - medians[NETWORK], -0.01, at_least=True),
        Bar("small KAN: accuracy", medians[SMALL], PAPER, at_least=True),
        Bar("splits with the translations first", float(np.mean(top)), 1.0, at_least=True),
    ]


def show_slope(knots: KnotTable, seeds: range, seconds: float) -> list[Bar]:
    results = [slope_formulas(knots, seed, seconds) for seed in seeds]
    for title, k in (("Found by discover", 0), ("Of the given form", 2)):
        rows = [(seed, f"{own[k + 1]:.6f}", own[k]) for seed, own in zip(seeds, results, strict=True)]
        show_table(f"{title}: r2 with the natural slope", ("seed", "r2", "formula"), rows)
    return [
        Bar("slope found by discover: median r2", median(own[1] for own in results), 0.9999, at_least=True),
        Bar("slope of the given form: worst r2", min(own[3] for own in results), 0.9999, at_least=True),
    ]


def show_relations(knots: KnotTable, seeds: range) -> list[Bar]:
    names = ("signature", *FEATURES)
    table = {name: knots[name].astype(np.float64) for name in names}
    counts: dict[tuple[str, ...], list[float]] = {}
    exact = []
    for seed in seeds:
        found = find_relations(table, n_starts=3, max_searches=6, seed=100 * seed)
        for one in found:
            counts.setdefault(one.columns, []).append(one.r2)
        cusp = found.of(*CUSP)
        formula = "" if cusp is None else str(cusp.solve(table, "cusp_volume").best.formula.expressions[0])
        exact.append(formula == "longitudinal_translation*meridional_translation_imag/2")
    rows = [
        (", ".join(columns), len(r2), f"{np.median(r2):.4f}")
        for columns, r2 in sorted(counts.items(), key=lambda item: (-len(item[1]), -np.median(item[1])))
    ]
    show_table(f"Relations, of {len(seeds)} seeds", ("columns", "seeds", "median r2"), rows)
    cusp_r2 = counts.get(CUSP, [])
    return [
        Bar("seeds that find the cusp volume", len(cusp_r2) / len(seeds), 1.0, at_least=True),
        Bar("cusp volume: worst r2", min(cusp_r2, default=np.nan), 0.98, at_least=True),
        Bar("cusp volume = lambda mu_i / 2 exactly", float(np.mean(exact)), 1.0, at_least=True),
    ]


if __name__ == "__main__":
    sys.exit(main())
