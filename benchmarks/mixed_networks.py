"""Networks with symbols and products, and spline networks with as many edges, for the benchmark scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kan_np import KAN

#: Symbols that alternate with splines in [3,5,1].
_SYMBOLS = ("sin", "x^2", "exp", "tanh", "cos", "x", "gaussian", "x^3", "abs", "log")


@dataclass(frozen=True)
class MixedNetwork:
    """A network that is no sum of splines alone, and its splines: what it is compared with."""

    name: str
    make: Callable[[], KAN]
    splines: tuple[int, ...]

    def twin(self) -> KAN:
        """A network of as many spline edges, on the same grids."""
        return KAN(self.splines, 5, seed=0)


def _formula() -> KAN:
    """exp(sin(a x_0 + b) + x_1^2), the formula of pykan's first example."""
    model = KAN([2, 1, 1], 5, seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=3.1)
    model.fix_symbolic(0, 1, 0, "x^2", fit=False)
    model.fix_symbolic(1, 0, 0, "exp", fit=False)
    return model


def _half() -> KAN:
    """[3,5,1], every other edge a symbol."""
    model = KAN([3, 5, 1], 5, seed=0)
    edges = [(l, i, j) for l, mask in enumerate(model.edges) for i, j in np.argwhere(mask).tolist()]  # noqa: E741
    for number, edge in enumerate(edges[::2]):
        name = _SYMBOLS[number % len(_SYMBOLS)]
        model.fix_symbolic(*edge, name, fit=False, a=0.7, b=2.0 if name == "log" else 0.1)
    return model


MIXED = (
    MixedNetwork("[2,1,1] of sin, x^2 and exp", _formula, (2, 1, 1)),
    MixedNetwork("[2,[2,1],1] with a product", lambda: KAN([2, [2, 1], 1], 5, seed=0), (2, 4, 1)),
    MixedNetwork("[3,5,1], half of it symbols", _half, (3, 5, 1)),
)
