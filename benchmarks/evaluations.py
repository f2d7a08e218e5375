"""Standard networks on 1000 samples and functions that evaluate them, for the benchmark scripts.

`test_history` keeps the times of these evaluations, `regression` watches their ratios.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import shape_text
from kan_np import KAN, MLP, Dataset, create_dataset
from kan_np.objective.objective import Objective
from kan_np.objective.sparsity_penalty import Penalty

Call = Callable[[], object]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """A KAN, or an MLP where there is no grid."""

    width: tuple[int, ...]
    grid: int | None = None

    @property
    def name(self) -> str:
        return shape_text(self.width) + (" MLP" if self.grid is None else f" G={self.grid}")

    def model(self) -> KAN | MLP:
        """Return the network with its starting parameters."""
        return MLP(self.width, seed=0) if self.grid is None else KAN(self.width, self.grid, seed=0)

    def dataset(self) -> Dataset:
        """Return 1000 training and 1000 test samples of exp(sin(pi x_0) + sum of the other x_i^2)."""
        return create_dataset(_labels, n_var=self.width[0], train_num=1000, test_num=1000, seed=0)


def _labels(x: FloatArray) -> FloatArray:
    exponent: FloatArray = np.sin(np.pi * x[:, :1]) + np.square(x[:, 1:]).sum(axis=1, keepdims=True)
    return np.exp(exponent)


@dataclass(frozen=True)
class Evaluation:
    """One of `KINDS`, of one network."""

    kind: str
    network: Network

    @property
    def name(self) -> str:
        return f"{self.kind}, {self.network.name}"

    def prepare(self) -> Call:
        """Return a call that evaluates once, by a model whose grids have followed the samples."""
        model, dataset = self.network.model(), self.network.dataset()
        if isinstance(model, KAN):
            model.update_grid(dataset["train_input"])
        return KINDS[self.kind](model, dataset["train_input"], dataset["train_label"])


def _objective(model: KAN | MLP, x: FloatArray, y: FloatArray, lamb: float = 0.0) -> Objective:
    return model._objective(x, y, Penalty(lamb))


KINDS: dict[str, Callable[[KAN | MLP, FloatArray, FloatArray], Call]] = {
    "prediction": lambda model, x, y: partial(model, x),
    "loss": lambda model, x, y: partial(_objective(model, x, y).value, model._theta),
    "loss and gradient": lambda model, x, y: partial(_objective(model, x, y), model._theta),
    "penalised loss and gradient": lambda model, x, y: partial(_objective(model, x, y, 1e-3), model._theta),
    "normal equations": lambda model, x, y: partial(_objective(model, x, y).normal_equations, model._theta),
}

SMALL = Network((2, 5, 1), 5)
FINE = Network((2, 5, 1), 50)
DEEP = Network((4, 9, 9, 1), 5)
PERCEPTRON = Network((2, 20, 20, 1))
STANDARD = (Network((2, 1, 1), 3), SMALL, Network((2, 5, 1), 20), DEEP, PERCEPTRON)

EVALUATIONS = (
    *(Evaluation("loss and gradient", network) for network in STANDARD),
    Evaluation("penalised loss and gradient", DEEP),
    *(Evaluation("normal equations", network) for network in (SMALL, FINE, PERCEPTRON)),
    Evaluation("loss", SMALL),
    *(Evaluation("prediction", network) for network in (DEEP, PERCEPTRON)),
)
