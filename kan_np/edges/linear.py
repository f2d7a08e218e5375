"""Straight lines through the origin: phi(x) = w x, one weight an edge.

A layer of such edges is a matrix, as before, between and after the layers of other families in the embeddings
of GraphKAN (arXiv:2406.13597). It has no constants: the biases of an affine layer are those of the layer
behind it, or of ``affine_trainable=True``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.family import Basis, ConstantError, RowsKernel, as_float, register
from kan_np.kernels.basis_families import line_rows

#: Weight of w^2 in the prior of few samples: the integral of phi'^2 over a unit interval, for an interval of
#: three standard deviations to each side of a normal distribution would be 36; for a uniform one it is 12.
_RIDGE = 12.0


@register
@dataclass(frozen=True, eq=False)
class Linear(Basis):
    """The function x; its only size is 1."""

    name: ClassVar[str] = "linear"
    kernel: ClassVar[RowsKernel | None] = staticmethod(line_rows)
    smallest: ClassVar[int] = 1
    largest: ClassVar[int] = 1
    sizes: ClassVar[tuple[int, ...]] = (1,)
    has_constants: ClassVar[bool] = False
    is_short: ClassVar[bool] = True

    @property
    def follows_samples(self) -> bool:
        """False: x is taken as it is."""
        return False

    @property
    def n_params(self) -> int:
        """The weight."""
        return 1

    @property
    def constant(self) -> NoReturn:
        """There is none.

        Raises
        ------
        ConstantError
        """
        raise ConstantError(
            "edges of the family 'linear' are w x, which is no constant; expected an edge of another family, "
            "or affine_trainable=True, whose biases take constants."
        )

    def local_values(self, t: FloatArray, nu: int) -> FloatArray:
        """Derivatives of t by t."""
        return np.stack([t if nu == 0 else np.full(t.shape, float(nu == 1))])

    def values(self, x: FloatArray, nu: int = 0) -> FloatArray:
        """Derivatives of x by x: (n_nodes, n) gives (n_nodes, 1, n)."""
        return np.asarray(np.moveaxis(self.local_values(x, nu), 0, 1), dtype=np.float64)

    def derivatives(self, x: FloatArray, highest: int) -> FloatArray:
        """See `Basis`."""
        out = np.zeros((x.shape[0], 1, highest + 1, x.shape[1]))
        out[:, 0, 0] = x
        out[:, 0, 1:2] = 1.0
        return out

    def expression(self, theta: FloatArray, node: int, x: Any) -> Any:
        """w x; see `EdgeFamily`."""
        return as_float(theta[0]) * x

    def prior_matrix(self, curvature: float) -> FloatArray:
        """A ridge on the weight; see `EdgeFamily`."""
        return np.full((1, 1), _RIDGE)
