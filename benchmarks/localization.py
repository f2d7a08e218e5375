"""Anderson localisation: mobility edges of three quasiperiodic chains from spectra alone.

    python -m benchmarks.localization --check

For data seeds 300 to 304 (`--first-seed`, `--seeds`), each of 300 chains of 610 sites with 40 states of each,
of which a fifth of the chains is held out; a state is localised if its fractal dimension is below 0.5
(`kan_np.data.localization` has models and ranges):

1. accuracy on the held-out chains of theory, of KANs by cross-entropy (mosaic [2,1], generalized [4,2,1,1],
modified
   [4,2,1,1] and [4,3,1,1], in the columns phi, parameters, energy) and of a linear rule;
2. the mobility edge as a formula lam = h by `discover_boundary`: its accuracy, and the zero set against
theory: the
   median of |h - theory| over held-out states whose theoretical edge lies in the range of lam;
3. modified: a network with a product node, its edges symbols.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass

import numpy as np
import sympy
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks._common import Bar, median, positive, show_bars, show_table
from kan_np import KAN, KanWarning, discover_boundary
from kan_np.data.localization import MODELS, load_localization

FloatArray = NDArray[np.float64]

SHAPES = {
    "mosaic": {"KAN [2,1]": [2, 1]},
    "generalized": {"KAN [4,2,1,1]": [4, 2, 1, 1]},
    "modified": {"KAN [4,2,1,1]": [4, 2, 1, 1], "KAN [4,3,1,1]": [4, 3, 1, 1]},
}
#: The theoretical edge, solved for lam, by the parameters but lam and the energy.
EDGES = {
    "mosaic": lambda energy: 2.0 / np.abs(energy),
    "generalized": lambda alpha, energy: 1.0 - 0.5 * alpha * energy,
    "modified": lambda p, energy: (energy + np.exp(p)) / np.cosh(p),
}
EDGES_WRITTEN = {
    "mosaic": "2/energy",
    "generalized": "1 - alpha*energy/2",
    "modified": "(energy + exp(p))/cosh(p)",
}
SHORT_BY = 0.003


@dataclass(frozen=True)
class Chains:
    """Spectra of one model, split by chains."""

    model: str
    table: dict[str, NDArray]
    held: NDArray[np.bool_]

    @classmethod
    def of(cls, model: str, seed: int) -> Chains:
        table = load_localization(model, seed=seed)
        return cls(model, table, table["spectrum"] % 5 == 0)

    @property
    def parameters(self) -> list[str]:
        return list(MODELS[self.model].ranges)

    def rows(self, names: list[str]) -> FloatArray:
        return np.stack([self.table[name] for name in names], axis=1)

    def accuracy(self, decision: FloatArray) -> float:
        """Share of held-out states on the right side, by a decision function of all rows."""
        return float(np.mean((decision[self.held] > 0) == self.table["localized"][self.held]))

    def theory(self) -> FloatArray:
        return MODELS[self.model].edge(*[self.table[name] for name in self.parameters], self.table["energy"])

    def data(self, names: list[str]) -> dict[str, FloatArray]:
        """Training rows for `fit`."""
        x, train = self.rows(names), ~self.held
        return {"train_input": x[train], "train_label": self.table["localized"][train, None]}


def fitted(chains: Chains, names: list[str], width: list, seed: int = 0, **options) -> KAN:
    """The best of three starts by training loss; their number and the steps were chosen by judgement."""
    best, least = None, np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        for start in range(3):
            model = KAN(width, seed=10 * seed + start, **{"grid": 5, **options})
            result = model.fit(chains.data(names), "LM", 40, loss="cross_entropy", standardize=True)
            if result["train_loss"][-1] < least:
                best, least = model, result["train_loss"][-1]
    assert best is not None
    return best


def logit(model: KAN, x: FloatArray) -> FloatArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        return model(x)[:, 0]


def linear_rule(chains: Chains, names: list[str]) -> FloatArray:
    """Decision of all rows by a linear logit."""
    model = KAN([len(names), 1], edges="linear", affine_trainable=True, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        model.fit(chains.data(names), "LM", 40, loss="cross_entropy", standardize=True)
    return logit(model, chains.rows(names))


def zero_set_error(chains: Chains, h: FloatArray) -> float:
    """Median of |h - theory| over held-out states whose edge lies where lam was drawn."""
    names = [name for name in chains.parameters if name != "lam"]
    edge = EDGES[chains.model](*[chains.table[name] for name in names], chains.table["energy"])
    low, high = MODELS[chains.model].ranges["lam"]
    inside = chains.held & (edge >= low) & (edge <= high)
    return float(np.median(np.abs(h - edge)[inside]))


def is_theory(model: str, h: sympy.Expr) -> bool:
    """Whether h is the theory's edge, all its numbers being exact."""
    theory = sympy.sympify(EDGES_WRITTEN[model], {str(name): name for name in h.free_symbols})
    gap = sympy.simplify((h - theory).rewrite(sympy.exp))
    return not h.atoms(sympy.Float) and bool(gap == 0)


def with_product(chains: Chains) -> tuple[str, float]:
    """Modified chains by a network with a product of functions of p and lam: its formula and accuracy."""
    names = [*chains.parameters, "energy"]
    model = fitted(chains, names, [3, [1, 1], 1])
    x = chains.data(names)["train_input"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        model.auto_symbolic(x, lib=["x", "x^2", "exp"], min_r2=0.9)
        model.fit(chains.data(names), "LM", 60, loss="cross_entropy", standardize=True)
    formula = model.symbolic_formula(names, exact=False, digits=3)
    return str(formula[0][0]), chains.accuracy(logit(model, chains.rows(names)))


def accuracies(chains: Chains) -> dict[str, float]:
    full = ["phi", *chains.parameters, "energy"]
    names = full[1:] if chains.model == "mosaic" else full
    found = {
        "theory": chains.accuracy(chains.theory()),
        "linear": chains.accuracy(linear_rule(chains, names)),
    }
    for name, width in SHAPES[chains.model].items():
        model = fitted(chains, names, width)
        found[name] = chains.accuracy(logit(model, chains.rows(names)))
    return found


def formula(chains: Chains, seconds: float, seed: int) -> tuple[str, float, float, bool]:
    """The boundary: its equation, accuracy, zero-set error, and whether it is the theory's.

    Mosaic chains are given |E| for E, for their spectra are symmetric.
    """
    names = [*chains.parameters, "energy"]
    columns = {name: chains.table[name] for name in names}
    if chains.model == "mosaic":
        columns["energy"] = np.abs(columns["energy"])
    train = ~chains.held
    data = {
        "train_input": {name: column[train] for name, column in columns.items()},
        "train_label": chains.table["localized"][train],
    }
    groups = chains.table["spectrum"][train]
    found = discover_boundary(data, columns=["lam"], groups=groups, seconds=seconds, seed=seed).best
    x = np.stack(list(columns.values()), axis=1)
    error = zero_set_error(chains, found.solved(x))
    exact = is_theory(chains.model, found.expression)
    return found.equation, chains.accuracy(found.decision(x)), error, exact


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--seeds", type=positive, default=5)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each search for a formula")
    parser.add_argument("--only", default=",".join(MODELS), help="models, with commas between them")
    options = parser.parse_args(arguments)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    bars = []
    with threadpool_limits(1):
        for model in options.only.split(","):
            bars += show_model(model, seeds, options.seconds)
    return show_bars(bars, check=options.check)


def show_model(model: str, seeds: range, seconds: float) -> list[Bar]:
    all_chains = [Chains.of(model, seed) for seed in seeds]
    found = [accuracies(chains) for chains in all_chains]
    formulas = [formula(chains, seconds, seed) for chains, seed in zip(all_chains, seeds, strict=True)]
    columns = {name: [own[name] for own in found] for name in found[0]}
    columns["formula"] = [accuracy for _, accuracy, _, _ in formulas]
    rows = [(name, f"{median(own):.4f}", f"{min(own):.4f}") for name, own in columns.items()]
    show_table(
        f"{model}: accuracy on held-out chains, data seeds {seeds[0]} to {seeds[-1]}",
        ("decision", "median", "worst"),
        rows,
    )
    show_table(
        f"{model}: the boundary",
        ("seed", "zero set", "theory's", "formula"),
        [
            (seed, f"{error:.1e}", "yes" if exact else "no", equation)
            for seed, (equation, _, error, exact) in zip(seeds, formulas, strict=True)
        ],
    )
    bars = [
        Bar(
            f"{model}: {name} minus theory",
            median(columns[name]) - median(columns["theory"]),
            -SHORT_BY,
            at_least=True,
        )
        for name in [list(SHAPES[model])[-1], "formula"]
    ]
    bars.append(
        Bar(
            f"{model}: formula is the theory's",
            float(np.mean([own[3] for own in formulas])),
            1.0,
            at_least=True,
        )
    )
    if model == "modified":
        products = [with_product(chains) for chains in all_chains]
        show_table(
            "modified: network with a product node, its edges symbols",
            ("seed", "accuracy", "logit"),
            [(seed, f"{own:.4f}", text) for seed, (text, own) in zip(seeds, products, strict=True)],
        )
        gap = median(own for _, own in products) - median(columns["theory"])
        bars.append(Bar("modified: product node minus theory", gap, -SHORT_BY, at_least=True))
    return bars


if __name__ == "__main__":
    sys.exit(main())
