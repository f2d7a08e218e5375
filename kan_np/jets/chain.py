"""The chain rule along edges: from derivatives of nodes to those of functions of them, and back.

With U_c the derivative number c of a node u, the derivatives of phi(u) are

    Y_0 = phi(u),    Y_c = sum_m phi^(m)(u) P_cm,    P_cm = sum over terms of count prod_blocks U_block,

where P does not depend on the edge: it is computed once for a node. Backwards, with D_c = d L / d Y_c,

    A_m = sum_c D_c P_cm         multiplies d phi^(m) / d theta in the derivatives by parameters,
    d L / d U_0 = sum_m A_m phi^(m + 1),
    d L / d U_b = sum over c and terms with block b of  count (D_c phi^(m)) prod_other blocks U.

Arrays have the derivative first, then the node or edge, then the sample.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.jets.multi_index import DerivativeSet
from kan_np.kernels.arrays import Ints


class Chain:
    """Products of the derivatives of some nodes, for one set of derivatives.

    Parameters
    ----------
    derivatives : DerivativeSet
    nodes : ndarray of shape (n_derivatives, n_nodes, n)
    """

    def __init__(self, derivatives: DerivativeSet, nodes: FloatArray) -> None:
        self._set, self.nodes = derivatives, nodes
        self.order = derivatives.order
        #: P_cm by (c, m); absent where it is 0 for every node.
        self.products: dict[tuple[int, int], FloatArray] = {}
        for c, terms in enumerate(derivatives.chain):
            for term in terms:
                product = float(term.count) * nodes[term.blocks[0]]
                for block in term.blocks[1:]:
                    product = product * nodes[block]
                if product.any():
                    before = self.products.get((c, term.m))
                    self.products[c, term.m] = product if before is None else before + product

    def values(self, curves: FloatArray, source: Ints | slice) -> FloatArray:
        """Y: curves[m] are phi^(m) of edges, (n_edges, n), and `source` their nodes."""
        out = np.zeros((len(self._set.indices), *curves.shape[1:]))
        out[0] = curves[0]
        for (c, m), product in self.products.items():
            out[c] += curves[m] * product[source]
        return out

    def by_curves(self, by_values: FloatArray, source: Ints | slice) -> FloatArray:
        """A_m for m = 0 .. order, (order + 1, n_edges, n), from D (n_derivatives, n_edges, n)."""
        out = np.zeros((self.order + 1, *by_values.shape[1:]))
        out[0] = by_values[0]
        for (c, m), product in self.products.items():
            out[m] += by_values[c] * product[source]
        return out

    def pull(
        self, by_values: FloatArray, by_curves: FloatArray, curves: FloatArray, source: Ints
    ) -> FloatArray:
        """d L / d U, of the shape of `nodes`; curves go up to m = order + 1."""
        out = np.zeros(self.nodes.shape)
        gather = np.zeros((self.nodes.shape[1], source.size))  # sums over the edges of a node
        gather[source, np.arange(source.size)] = 1.0
        out[0] = gather @ np.einsum("mes,mes->es", by_curves, curves[1 : self.order + 2])
        for c, terms in enumerate(self._set.chain):
            of_order: dict[int, FloatArray] = {}
            for term in terms:
                if term.m not in of_order:
                    of_order[term.m] = gather @ (by_values[c] * curves[term.m])
                for place, block in enumerate(term.blocks):
                    rest = float(term.count) * of_order[term.m]
                    for other in term.blocks[:place] + term.blocks[place + 1 :]:
                        rest = rest * self.nodes[other]
                    out[block] += rest
        return out
