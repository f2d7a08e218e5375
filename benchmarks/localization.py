"""Anderson localisation: mobility edges of three quasiperiodic chains from spectra alone.

    python -m benchmarks.localization --check

What is measured stands in `sweeps.studies.localization`: data seeds 10 to 14 (`--first-seed`, `--seeds`),
each of 300 chains of 610 sites with 40 states of each; a fifth of the chains is held out.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks._common import Bar, median, positive, show_bars, show_table
from sweeps.studies.localization import METHODS, run
from sweeps.studies.measured import Measured

#: What may be lost against the theory's own accuracy.
SHORT_BY = 0.003
ACCURACIES = ("theory", "linear", "kan", "kan_wide", "product", "formula")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter chains, less time")
    parser.add_argument("--first-seed", type=int, default=10)
    parser.add_argument("--seeds", type=positive, default=5)
    parser.add_argument("--only", default=",".join(METHODS), help="models, with commas between them")
    options = parser.parse_args(arguments)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    bars = []
    with threadpool_limits(1):
        for model in options.only.split(","):
            bars += show_model(model, seeds, [run(model, seed, options.quick) for seed in seeds])
    return show_bars(bars, check=options.check)


def show_model(model: str, seeds: range, found: Sequence[Measured]) -> list[Bar]:
    """Print the tables of one model; its bars."""
    columns = {
        name: [one.quantities[name] for one in found] for name in ACCURACIES if name in found[0].quantities
    }
    title = f"{model}: accuracy on held-out chains, data seeds {seeds[0]} to {seeds[-1]}"
    show_table(title, ("decision", "median", "worst", "seeds"), accuracy_rows(columns))
    boundaries = [
        (
            seed,
            "" if math.isnan(one.quantities["zero_set"]) else f"{one.quantities['zero_set']:.1e}",
            "yes" if one.quantities["exact"] else "no",
            one.formulas.get("boundary", "none"),
        )
        for seed, one in zip(seeds, found, strict=True)
    ]
    show_table(f"{model}: the boundary", ("seed", "zero set", "theory's", "formula"), boundaries)
    if "product" in columns:
        logits = [(seed, one.formulas["product node"]) for seed, one in zip(seeds, found, strict=True)]
        show_table(f"{model}: network with a product node, its edges symbols", ("seed", "logit"), logits)
    short = [
        Bar(
            f"{model}: {name} minus theory",
            median(_missed_as_worst(np.subtract(columns[name], columns["theory"]))),
            -SHORT_BY,
            at_least=True,
        )
        for name in ("kan_wide" if "kan_wide" in columns else "kan", "product", "formula")
        if name in columns
    ]
    exact = float(np.mean([one.quantities["exact"] for one in found]))
    return [*short, Bar(f"{model}: share of seeds with the theory's formula", exact, 1.0, at_least=True)]


def accuracy_rows(columns: Mapping[str, Sequence[float]]) -> list[tuple[str, str, str, str]]:
    """Median and worst of the seeds that have a number, and how many of all do."""
    rows = []
    for name, own in columns.items():
        there = [value for value in own if not math.isnan(value)]
        shown = [f"{median(there):.4f}", f"{min(there):.4f}"] if there else ["none", "none"]
        rows.append((name, *shown, f"{len(there)} of {len(own)}"))
    return rows


def _missed_as_worst(differences: NDArray[np.float64]) -> list[float]:
    """A seed without a formula is worse than any other."""
    return [-math.inf if math.isnan(value) else float(value) for value in differences]


if __name__ == "__main__":
    sys.exit(main())
