"""What `model.derivatives(x)` returns: derivatives of the outputs by the inputs, by name and as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np.jets.multi_index import MultiIndex


@dataclass(frozen=True, eq=False)
class InputDerivatives:
    """Derivatives of the outputs of a model by its inputs, at some samples.

    ``d[i]`` is d f / d x_i, ``d[i, j]`` is d^2 f / d x_i d x_j, ``d[()]`` the values themselves: arrays of
    shape (n_samples, n_out). The order of the inputs does not matter.

    Attributes
    ----------
    by_inputs : mapping of tuple of int to ndarray of shape (n_samples, n_out)
    n_in : int
        Number of inputs.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 3, 1], k=5, seed=0)
    >>> d = model.derivatives([[0.1, 0.2]])
    >>> d.value.shape, d.gradient.shape, d.hessian.shape, d[0, 1].shape
    ((1, 1), (1, 1, 2), (1, 1, 2, 2), (1, 1))
    >>> bool(abs(d.laplacian - d[0, 0] - d[1, 1]).max() < 1e-12)
    True
    """

    by_inputs: Mapping[MultiIndex, FloatArray]
    n_in: int

    def __getitem__(self, inputs: int | MultiIndex) -> FloatArray:
        index = tuple(sorted((inputs,) if isinstance(inputs, (int, np.integer)) else inputs))
        if index not in self.by_inputs:
            highest = max(map(len, self.by_inputs))
            raise KeyError(
                f"{inputs!r} is no derivative of order {highest} or less by inputs 0 to {self.n_in - 1}; "
                "name the inputs, as d[0, 1], and ask for the order, as derivatives(x, order=3)."
            )
        return self.by_inputs[index]

    @property
    def value(self) -> FloatArray:
        """The outputs: (n_samples, n_out)."""
        return self[()]

    @property
    def gradient(self) -> FloatArray:
        """d f_j / d x_i: (n_samples, n_out, n_in)."""
        return np.stack([self[i] for i in range(self.n_in)], axis=-1)

    @property
    def hessian(self) -> FloatArray:
        """d^2 f_j / d x_i d x_h: (n_samples, n_out, n_in, n_in)."""
        inputs = range(self.n_in)
        return np.stack([np.stack([self[i, h] for h in inputs], axis=-1) for i in inputs], axis=-2)

    @property
    def laplacian(self) -> FloatArray:
        """Sum of the second derivatives by each input: (n_samples, n_out)."""
        return np.sum([self[i, i] for i in range(self.n_in)], axis=0)

    def __repr__(self) -> str:
        n, n_out = self.value.shape
        order = max(map(len, self.by_inputs))
        return f"InputDerivatives({n} samples, {self.n_in} inputs, {n_out} outputs, up to order {order})"
