"""The functions: seven toys of arXiv:2404.19756, the Feynman suite, and ten of chemistry and engineering."""

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


def others() -> list[Problem]:
    """Ten functions of chemistry and engineering, for which nothing in the search was chosen."""
    usual = (0.5, 2.0)
    return [
        Problem(
            "arrhenius",
            "A exp(-E/T)",
            ("A", "E", "T"),
            ((1.0, 5.0), (1.0, 4.0), usual),
            lambda a, e, t: a * np.exp(-e / t),
        ),
        Problem(
            "michaelis",
            "v s/(k + s)",
            ("v", "s", "k"),
            ((1.0, 3.0), (0.1, 4.0), (0.2, 2.0)),
            lambda v, s, k: v * s / (k + s),
        ),
        Problem(
            "darcy",
            "f l v^2/(2 d)",
            ("f", "l", "v", "d"),
            ((0.1, 1.0), (1.0, 4.0), usual, usual),
            lambda f, l, v, d: f * l * v**2 / (2 * d),  # noqa: E741
        ),
        Problem(
            "nernst",
            "u - t log(q)",
            ("u", "t", "q"),
            (usual, usual, (0.2, 5.0)),
            lambda u, t, q: u - t * np.log(q),
        ),
        Problem(
            "step",
            "k (1 - exp(-t/tau))",
            ("k", "t", "tau"),
            ((1.0, 3.0), (0.1, 4.0), usual),
            lambda k, t, tau: k * (1 - np.exp(-t / tau)),
        ),
        Problem(
            "debye",
            "-z^2 sqrt(i)/(1 + sqrt(i))",
            ("z", "i"),
            ((1.0, 3.0), (0.05, 2.0)),
            lambda z, i: -(z**2) * np.sqrt(i) / (1 + np.sqrt(i)),
        ),
        Problem(
            "impedance",
            "sqrt(r^2 + w^2 l^2)",
            ("r", "w", "l"),
            (usual,) * 3,
            lambda r, w, l: np.sqrt(r**2 + w**2 * l**2),  # noqa: E741
        ),
        Problem(
            "radiation",
            "s (t^4 - u^4)",
            ("s", "t", "u"),
            ((0.5, 1.0), usual, usual),
            lambda s, t, u: s * (t**4 - u**4),
        ),
        Problem("parallel", "r s/(r + s)", ("r", "s"), (usual, usual), lambda r, s: r * s / (r + s)),
        Problem(
            "antoine",
            "exp(a - b/(t + 1))",
            ("a", "b", "t"),
            ((0.0, 2.0), (1.0, 4.0), (0.0, 3.0)),
            lambda a, b, t: np.exp(a - b / (t + 1)),
        ),
    ]


#: By the names of the suites.
SUITES = {"toys": toys, "feynman": feynman, "others": others}
