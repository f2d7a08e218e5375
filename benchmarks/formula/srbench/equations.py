"""The 134 equations: read from the table, sampled with SRBench's noise."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.parsing.sympy_parser import parse_expr

from kan_np.functions.expression import numeric_of

Rows = NDArray[np.float64]

#: Names of functions in the table that sympy writes otherwise.
_FUNCTIONS = {"arcsin": sympy.asin, "arccos": sympy.acos}
#: Draws of rows until there are enough on which the formula is real.
_MOST_DRAWS = 100


@dataclass(frozen=True)
class Equation:
    """A known formula and the box in which it is sampled.

    Attributes
    ----------
    name, formula : str
        As the table has them.
    variables : tuple of str
    low, high : tuple of float
        Ranges of the variables.
    """

    name: str
    formula: str
    variables: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def symbols(self) -> list[sympy.Symbol]:
        """x_1, x_2, ...: what stands for the variables in everything that is compared."""
        return symbols(len(self.variables))

    @cached_property
    def truth(self) -> sympy.Expr:
        """The formula in x_1, x_2, ..."""
        names = dict(zip(self.variables, self.symbols, strict=True))
        return parse_expr(self.formula, local_dict={**_FUNCTIONS, **names})

    @cached_property
    def function(self) -> Callable[[Rows], Rows]:
        """Rows (n, n_variables) to labels (n,); NaN where the formula is not real."""
        return function_of(self.truth, len(self.variables))

    def rows(self, n: int, seed: int, kind: str, margin: float = 0.0) -> Rows:
        """Rows, uniform in the box, on which the formula is finite; other ones for every `kind` and seed.

        Each range goes on by `margin` times its width on both sides, as far as its sign does not change.
        """
        low, high = self._wider(margin)
        rng = np.random.default_rng([seed, zlib.crc32(f"{kind} {self.name}".encode())])
        found = np.empty((0, len(low)))
        for _ in range(_MOST_DRAWS):
            drawn = low + (high - low) * rng.random((n, len(low)))
            found = np.concatenate([found, drawn[np.isfinite(self.function(drawn))]])
            if len(found) >= n:
                return found[:n]
        raise ValueError(f"{self.name} is real on {len(found)} of {_MOST_DRAWS * n} rows; expected {n}")

    def _wider(self, margin: float) -> tuple[Rows, Rows]:
        low, high = np.array(self.low), np.array(self.high)
        further = margin * (high - low)
        lower, upper = low - further, high + further
        lower = np.where((low >= 0) & (lower <= 0), low / 2, lower)
        upper = np.where((high <= 0) & (upper >= 0), high / 2, upper)
        return lower, upper

    def training(self, n: int, seed: int, noise: float) -> tuple[Rows, Rows, float]:
        """Rows, labels with noise, and its standard deviation: `noise` times the RMS of the labels."""
        x = self.rows(n, seed, "training")
        y = self.function(x)
        sigma = noise * float(np.sqrt(np.mean(np.square(y))))
        rng = np.random.default_rng([seed, zlib.crc32(f"noise {self.name}".encode())])
        return x, y + sigma * rng.normal(size=n), sigma


def symbols(n: int) -> list[sympy.Symbol]:
    """x_1 to x_n."""
    return [sympy.Symbol(f"x_{i + 1}") for i in range(n)]


def function_of(expression: sympy.Expr, n: int) -> Callable[[Rows], Rows]:
    """Rows (n_rows, n) to values (n_rows,) of an expression in x_1 to x_n."""
    numeric = numeric_of(symbols(n), expression)

    def function(x: Rows) -> Rows:
        return numeric(*x.T)

    return function


def read_equations() -> list[Equation]:
    """All of the table, in its order."""
    with Path(__file__).with_name("equations.csv").open(encoding="utf-8", newline="") as file:
        return [_equation(row) for row in csv.DictReader(file)]


def _equation(row: dict[str, Any]) -> Equation:
    ranges = [part.split() for part in row["ranges"].split(";")]
    names, low, high = zip(*ranges, strict=True)
    return Equation(row["name"], row["formula"], names, tuple(map(float, low)), tuple(map(float, high)))
