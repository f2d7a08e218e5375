"""Helpers of the benchmarks: bounds (bars) that results must meet, tables of results, options."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bar:
    """A measured figure and its limit; NaN meets no limit."""

    name: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return bool(self.value >= self.limit if self.at_least else self.value <= self.limit)


def positive(text: str) -> int:
    """Return a whole number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}; expected at least 1")
    return number


def show_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a header, columns aligned: the first to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    sizes = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        padded = [cell.rjust(size) for cell, size in zip(row[1:], sizes[1:], strict=True)]
        lines.append("| " + " | ".join([row[0].ljust(sizes[0]), *padded]) + " |")
    rule = "|-" + "-|-".join("-" * size for size in sizes) + "-|"
    print(f"\n{title}\n")
    print("\n".join([lines[0], rule, *lines[1:]]), flush=True)


def show_bars(bars: Sequence[Bar], *, check: bool) -> int:
    """Print what was met and what was missed; the exit code of the script."""
    rows = [
        (
            bar.name,
            f"{bar.value:.3g}",
            f"{'>=' if bar.at_least else '<='} {bar.limit:.3g}",
            "pass" if bar.met else "FAIL",
        )
        for bar in bars
    ]
    show_table("Bars", ("bar", "measured", "limit", "result"), rows)
    missed = sum(not bar.met for bar in bars)
    print(f"\n{missed} of {len(bars)} bars missed" if missed else f"\nall {len(bars)} bars met")
    return 1 if check and missed else 0


def median(values: Iterable[float]) -> float:
    """Median, NaN if any value is."""
    return float(np.median(np.fromiter(values, dtype=np.float64)))


def shape_text(shape: Iterable[int]) -> str:
    """[2,5,1]"""
    return "[" + ",".join(map(str, shape)) + "]"
