"""The functions: seven toys of arXiv:2404.19756 and the Feynman suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from kan_np import create_dataset, get_suite


@dataclass(frozen=True)
class Problem:
    """A function to find, and where it is sampled."""

    name: str
    formula: str
    variables: tuple[str, ...]
    ranges: tuple[tuple[float, float], ...]
    function: Callable[..., Any]
    #: Functions that the library needs beside its own.
    symbols: tuple[tuple[str, str], ...] = ()

    def dataset(self, noise: float, seed: int = 0) -> dict[str, Any]:
        """1000 samples to train on, their labels with noise, and 1000 fresh ones without."""

        def f(x: Any) -> Any:
            return self.function(*x.T)[:, None]

        dataset = create_dataset(f, len(self.variables), ranges=self.ranges, seed=seed)
        label = dataset["train_label"]
        error = np.random.default_rng(seed + 1).normal(size=label.shape)
        return {**dataset, "train_label": label + noise * label.std() * error}


def toys() -> list[Problem]:
    """Toys of the paper."""
    unit = (-1.0, 1.0)
    return [
        Problem("product", "x y", ("x", "y"), (unit, unit), lambda x, y: x * y),
        Problem("quotient", "x / y", ("x", "y"), (unit, (0.5, 2.0)), lambda x, y: x / y),
        Problem(
            "bessel",
            "exp(J0(20 x) + y^2)",
            ("x", "y"),
            (unit, unit),
            lambda x, y: np.exp(special.j0(20 * x) + y**2),
            (("J0", "besselj(0, x)"),),
        ),
        Problem(
            "phase",
            "tanh(5 (x1^4 + x2^4 + x3^4 - 1))",
            ("x1", "x2", "x3"),
            (unit,) * 3,
            lambda x1, x2, x3: np.tanh(5 * (x1**4 + x2**4 + x3**4 - 1)),
        ),
        Problem(
            "velocities",
            "(u + v)/(1 + u v)",
            ("u", "v"),
            ((-0.9, 0.9),) * 2,
            lambda u, v: (u + v) / (1 + u * v),
        ),
        Problem(
            "distance",
            "sqrt((x1 - x2)^2 + (x3 - x4)^2)",
            ("x1", "x2", "x3", "x4"),
            (unit,) * 4,
            lambda x1, x2, x3, x4: np.sqrt((x1 - x2) ** 2 + (x3 - x4) ** 2),
        ),
        Problem(
            "logarithms",
            "sin(2 (log x + log y))",
            ("x", "y"),
            ((0.2, 5.0),) * 2,
            lambda x, y: np.sin(2 * (np.log(x) + np.log(y))),
        ),
    ]


def feynman() -> list[Problem]:
    """The Feynman suite."""
    return [Problem(f.name, f.formula, f.variables, f.ranges, f.function) for f in get_suite("feynman")]
