"""Knots: the signature from the geometry of the complement, the natural slope, and relations without a label.

    python -m benchmarks.knots --check

What is measured stands in `sweeps.studies.knots`: split seeds 10 to 14 (`--first-seed`, `--seeds`) of the
2,000 knots of the package, a fifth held out. The paper's KAN has 81.6 %, on another sample with 17 columns.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks._common import Bar, median, positive, show_bars, show_table
from kan_np.data.knots import FEATURES
from sweeps.studies.knots import METHODS, run
from sweeps.studies.measured import Measured

PAPER = 0.816
CLASSIFIERS = ("frequent", "rule", "kan-small", "kan-large", "mlp")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--quick", action="store_true", help="fewer steps and seconds")
    parser.add_argument("--first-seed", type=int, default=10)
    parser.add_argument("--seeds", type=positive, default=5)
    parser.add_argument("--only", default=",".join(METHODS), help="methods, with commas between them")
    options = parser.parse_args(arguments)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with threadpool_limits(1):
        found = {
            method: [run(method, seed, options.quick) for seed in seeds] for method in options.only.split(",")
        }
    show_accuracies(found, seeds)
    for method in ("slope", "slope-form"):
        if method in found:
            rows = [
                (seed, f"{one.quantities['slope_r2']:.6f}", one.formulas["signature"])
                for seed, one in zip(seeds, found[method], strict=True)
            ]
            show_table(f"{method}: r2 with the natural slope", ("seed", "r2", "formula"), rows)
    if "relations" in found:
        show_relations(found["relations"])
    return show_bars(bars(found), check=options.check)


def show_accuracies(found: dict[str, list[Measured]], seeds: range) -> None:
    """Print accuracy of every classifier, and the shares of the columns in the larger KAN."""
    rows = []
    for method in (name for name in CLASSIFIERS if name in found):
        accuracy = values(found[method], "accuracy")
        size = int(found[method][0].quantities["parameters"])
        rows.append((method, f"{median(accuracy):.4f}", f"{min(accuracy):.4f}", size))
    title = f"Signature of held-out knots, split seeds {seeds[0]} to {seeds[-1]}"
    show_table(title, ("method", "median accuracy", "worst", "parameters"), rows)
    if "kan-large" in found:
        shares = np.median([one.arrays["shares"] for one in found["kan-large"]], axis=0)
        named = [(name, f"{share:.3f}") for name, share in zip(FEATURES, shares, strict=True)]
        show_table("Shares of the columns in the larger KAN", ("column", "median share"), named)


def show_relations(found: Sequence[Measured]) -> None:
    """Print how many seeds find every relation."""
    counts: dict[str, list[str]] = {}
    for one in found:
        for columns, text in one.formulas.items():
            if columns != "cusp_volume":
                counts.setdefault(columns, []).append(text)
    ordered = sorted(counts.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = [(columns, len(texts), ", ".join(sorted(set(texts)))) for columns, texts in ordered]
    show_table(f"Relations, of {len(found)} seeds", ("columns", "seeds", "r2"), rows)


def values(found: Sequence[Measured], name: str) -> list[float]:
    return [one.quantities[name] for one in found]


def bars(found: dict[str, list[Measured]]) -> list[Bar]:
    """Return the bars of the methods that were measured."""
    middle = {name: median(values(found[name], "accuracy")) for name in CLASSIFIERS if name in found}
    made = []
    if {"kan-small", "rule"} <= set(middle):
        gap = middle["kan-small"] - middle["rule"]
        made += [
            Bar("kan-small minus the linear rule", gap, -0.01, at_least=True),
            Bar("kan-small: accuracy", middle["kan-small"], PAPER, at_least=True),
        ]
    if {"kan-large", "mlp"} <= set(middle):
        first = float(np.mean(values(found["kan-large"], "translations_first")))
        made += [
            Bar("kan-large minus the MLP", middle["kan-large"] - middle["mlp"], -0.01, at_least=True),
            Bar("kan-large: splits with the translations first", first, 1.0, at_least=True),
        ]
    for method in (name for name in ("slope", "slope-form") if name in found):
        made.append(
            Bar(f"{method}: median r2", median(values(found[method], "slope_r2")), 0.9999, at_least=True)
        )
    if "relations" in found:
        r2, exact = (values(found["relations"], name) for name in ("cusp_r2", "cusp_exact"))
        made += [
            Bar("cusp volume: worst r2", min(r2), 0.98, at_least=True),
            Bar("cusp volume = lambda mu_i / 2: share of seeds", float(np.mean(exact)), 1.0, at_least=True),
        ]
    return made


if __name__ == "__main__":
    sys.exit(main())
