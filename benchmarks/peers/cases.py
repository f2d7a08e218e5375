"""What is measured: networks with their parameters and samples as plain numbers, fits, and the bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from benchmarks._common import shape_text

FloatArray = NDArray[np.float64]
Numbers = dict[str, Any]

#: Floating-point operations an edge and sample that loss and gradient cost at least.
FLOPS_AN_EDGE = 30
#: Times the arithmetic floor that loss and gradient may take where a case has this bar.
FLOOR_BAR = 5.0
#: Largest difference of outputs and gradients, relative to the largest of them.
SAME = 1e-10


@dataclass(frozen=True)
class Contender:
    """A peer in one of its ways, as the workers name them."""

    peer: str
    variant: str
    title: str


CONTENDERS = (
    Contender("pykan", "default", "pykan"),
    Contender("pykan", "speed", "pykan, speed"),
    Contender("jaxkan", "base", "jaxKAN base"),
    Contender("jaxkan", "spline", "jaxKAN spline"),
)
#: Those that a bar of a peer looks at: the quickest of them counts.
JUDGED = {"pykan": ("default",), "jaxkan": ("base", "spline")}


@dataclass(frozen=True)
class Network:
    """A spline network on n samples, and how many times faster than which peer its gradient has to be."""

    width: tuple[int, ...]
    grid: int
    k: int = 3
    base: bool = True
    n_samples: int = 1000
    bars: dict[str, float] = field(default_factory=dict)
    floor_bar: bool = False

    @property
    def name(self) -> str:
        samples = f", {self.n_samples:,} samples" if self.n_samples != 1000 else ""
        return f"{shape_text(self.width)} G={self.grid}{samples}"

    @property
    def floor_flops(self) -> int:
        return FLOPS_AN_EDGE * sum(a * b for a, b in pairwise(self.width)) * self.n_samples

    def numbers(self) -> Numbers:
        """Return parameters, samples and outputs: edge (i, j) carries w_ij SiLU(x) + sum_m c_ijm B_m(x).

        The nodes of a layer share one grid, which reaches a little beyond the values that arrive there: what
        the libraries do outside of their grids, where they differ, plays no part.

        Returns
        -------
        dict
            width, grid, k, base; a layer each ``coef`` (n_in, n_out, G + k), ``scale_base`` (n_in, n_out),
            ``knots`` (n_in, G + 1) and, with k more on either side, ``t``; ``x``, ``y`` and ``outputs``
            (n_samples, n), the last computed by SciPy.
        """
        rng = np.random.default_rng(0)
        values = rng.uniform(-1.0, 1.0, (self.n_samples, self.width[0]))
        numbers: Numbers = {"width": self.width, "grid": self.grid, "k": self.k, "base": self.base}
        numbers |= {"x": values.tolist(), "coef": [], "scale_base": [], "knots": [], "t": []}
        numbers["y"] = np.exp(np.sin(np.pi * values)).sum(axis=1, keepdims=True).tolist()
        for n_in, n_out in pairwise(self.width):
            coef = rng.normal(size=(n_in, n_out, self.grid + self.k)) / np.sqrt(n_in)
            weights = rng.normal(size=(n_in, n_out)) / np.sqrt(n_in) * self.base
            t = _knots(values, self.grid, self.k)
            numbers["coef"].append(coef.tolist())
            numbers["scale_base"].append(weights.tolist())
            numbers["t"].append(np.tile(t, (n_in, 1)).tolist())
            numbers["knots"].append(np.tile(t[self.k : self.k + self.grid + 1], (n_in, 1)).tolist())
            splines = [BSpline(t, c.T, self.k)(values[:, i]) for i, c in enumerate(coef)]
            values = np.sum(splines, axis=0) + values / (1.0 + np.exp(-values)) @ weights
        return numbers | {"outputs": values.tolist()}


def _knots(values: FloatArray, grid: int, k: int) -> FloatArray:
    """Equally spaced knots: `grid` intervals that reach beyond the values, and k more on either side."""
    margin = 1e-3 * np.ptp(values)
    inner, step = np.linspace(values.min() - margin, values.max() + margin, grid + 1, retstep=True)
    beyond = step * np.arange(1, k + 1)
    return np.concatenate([inner[0] - beyond[::-1], inner, inner[-1] + beyond])


NETWORKS = (
    Network((2, 1, 1), 3, bars={"pykan": 150.0, "jaxkan": 9.0}),
    Network((2, 5, 1), 5, bars={"pykan": 170.0, "jaxkan": 25.0}),
    Network((2, 5, 1), 20, bars={"pykan": 180.0, "jaxkan": 40.0}),
    Network((4, 9, 9, 1), 5, bars={"pykan": 100.0, "jaxkan": 18.0}, floor_bar=True),
    Network((2, 5, 1), 5, n_samples=10_000, floor_bar=True),
)
#: The piecewise linear edges of mlp-kan, with its default of 64 points.
LINEAR = Network((2, 5, 1), 63, k=1, base=False)


@dataclass(frozen=True)
class Fit:
    """A whole fit by L-BFGS, and how many times faster than the peer it has to be."""

    name: str
    peer: str
    width: tuple[int, ...]
    steps: int
    dataset: Numbers
    bar: float
    grid: int | None = None

    def request(self, seed: int, steps: int | None = None) -> Numbers:
        """What the workers are asked; with another number of steps for warming up."""
        network = {"width": self.width} if self.grid is None else {"width": self.width, "grid": self.grid}
        return {**network, "steps": steps or self.steps, "seed": seed, "dataset": self.dataset}


def fits() -> list[Fit]:
    """pykan's hello world and Lennard-Jones against pykan, an MLP against scikit-learn's."""
    rng = np.random.default_rng(0)
    x, r = rng.uniform(-1.0, 1.0, (2000, 2)), rng.uniform(0.95, 2.0, (1050, 1))
    y = np.exp(np.sin(np.pi * x[:, :1]) + x[:, 1:] ** 2)
    hello, energy = _dataset(x, y, 1000), _dataset(r, r**-12.0 - r**-6.0, 50)
    trained = {name: rows for name, rows in hello.items() if name.startswith("train")}
    return [
        Fit("hello world [2,5,1] G=5, 50 steps", "pykan", (2, 5, 1), 50, hello, 100.0, grid=5),
        Fit("Lennard-Jones [1,2,1] G=5, 20 steps", "pykan", (1, 2, 1), 20, energy, 100.0, grid=5),
        Fit("MLP [2,20,20,1], time an evaluation", "scikit-learn", (2, 20, 20, 1), 10, trained, 3.0),
    ]


def _dataset(x: FloatArray, y: FloatArray, train_num: int) -> Numbers:
    return {
        "train_input": x[:train_num].tolist(),
        "train_label": y[:train_num].tolist(),
        "test_input": x[train_num:].tolist(),
        "test_label": y[train_num:].tolist(),
    }
