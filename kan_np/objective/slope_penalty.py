"""The penalty `smooth_penalty` of piecewise linear edges: the mean squared difference of neighbouring slopes.

    P(theta) = mean over edges and inner knots of (m_{r+1} - m_r)^2,    m_r the slope on the r-th interval

It is 0 for straight lines alone, a sum of squares of the parameters, and grows as edges bend and zigzag.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.piecewise_linear import PiecewiseLinear
from kan_np.network.network import Network
from kan_np.objective.shrinkage import EdgeSquares


class SlopePenalty:
    """P of the piecewise linear edges of a network, on their present intervals.

    Parameters
    ----------
    net : Network

    Raises
    ------
    ValueError
        If no edge is piecewise linear with at least two intervals.
    """

    def __init__(self, net: Network) -> None:
        groups = [
            number
            for number, edges in enumerate(net.structure.bases)
            if isinstance(edges.basis, PiecewiseLinear) and edges.basis.size > 1
        ]
        if not groups:
            raise ValueError(
                "smooth_penalty is given, but no edge is piecewise linear with at least two intervals, whose "
                "slopes it compares; expected 0, or edges='piecewise_linear'."
            )
        own = [net.structure.bases[number] for number in groups]
        n_terms = sum(edges.topology.n_edges * (edges.basis.size - 1) for edges in own)
        self._parts = []
        for number, edges in zip(groups, own, strict=True):
            basis, source = edges.basis, edges.topology.source
            bends = np.diff(np.eye(basis.n_params), 2, axis=0)
            scale = (basis.size / (basis.high - basis.low)[source]) ** 2 / n_terms
            self._parts.append(EdgeSquares(net, number, scale, bends.T @ bends))

    def value_and_slope(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """P and its gradient at the flat vector theta."""
        found = [part.value_and_slope(theta) for part in self._parts]
        return sum(value for value, _ in found), np.sum([slope for _, slope in found], axis=0)

    def add_curvature(self, hessian: FloatArray, weight: float) -> None:
        """Add weight times the second derivatives of P to a matrix in place."""
        for part in self._parts:
            part.add_curvature(hessian, weight)
