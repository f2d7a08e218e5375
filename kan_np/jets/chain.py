"""The chain rule along edges: from derivatives of nodes to those of functions of them, and back.

With U_c the derivative number c of a node u, the derivatives of phi(u) are

    Y_0 = phi(u),    Y_c = sum_m phi^(m)(u) P_cm,    P_cm = sum over terms of count prod_blocks U_block,

where P does not depend on the edge: it is computed once for a node. Backwards, with D_c = d L / d Y_c,

    A_m = sum_c D_c P_cm         multiplies d phi^(m) / d theta in the derivatives by parameters,
    d L / d U_0 = sum_m A_m phi^(m + 1),
    d L / d U_b = sum over c and terms with block b of  count (D_c phi^(m)) prod_other blocks U.

Derivatives of nodes have the shape (n_derivatives, n_nodes, n), functions of edges (n_edges, n_orders, n).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kan_np._validate import FloatArray
from kan_np.jets.multi_index import DerivativeSet
from kan_np.kernels import jet_chain
from kan_np.kernels.arrays import Ints
from kan_np.kernels.jet_chain import BLOCK, ChainTable


@lru_cache(maxsize=64)
def chain_table(derivatives: DerivativeSet) -> ChainTable:
    """The products of a set of derivatives as kernels read them."""
    products: list[tuple[int, int, int]] = []  # c, m, place
    starts, counts, blocks = [0], list[float](), list[tuple[int, ...]]()
    n_higher = 0
    for c, terms in enumerate(derivatives.chain):
        for m in sorted({term.m for term in terms}):
            products.append((c, m, -1 if m == 1 else n_higher))
            n_higher += m > 1
            own = [term for term in terms if term.m == m]
            counts += [float(term.count) for term in own]
            blocks += [(*term.blocks, 0, 0)[:3] for term in own]
            starts.append(len(counts))
    columns = np.array(products, dtype=np.int64).reshape(-1, 3).T
    return ChainTable(
        c=columns[0].copy(),
        m=columns[1].copy(),
        place=columns[2].copy(),
        term_start=np.array(starts, dtype=np.int64),
        factor=np.array(counts, dtype=np.float64),
        blocks=np.array(blocks, dtype=np.int64).reshape(-1, 3),
    )


class Chain:
    """Products of the derivatives of some nodes, for one set of derivatives.

    Parameters
    ----------
    derivatives : DerivativeSet
    nodes : ndarray of shape (n_derivatives, n_nodes, n)
    """

    def __init__(self, derivatives: DerivativeSet, nodes: FloatArray) -> None:
        self._table, self.order = chain_table(derivatives), derivatives.order
        self.nodes = np.ascontiguousarray(nodes)
        self._products = np.empty((int((self._table.place >= 0).sum()), *nodes.shape[1:]))
        if self._products.size:
            jet_chain.fill_products(self._table, self.nodes, self._products)

    def product(self, c: int, m: int) -> FloatArray | None:
        """P_cm, (n_nodes, n), for c > 0; None where the chain rule has no such term."""
        found = np.flatnonzero((self._table.c == c) & (self._table.m == m))
        if not found.size:
            return None
        place = int(self._table.place[found[0]])
        return self.nodes[c] if place < 0 else self._products[place]

    def add_values(self, curves: FloatArray, source: Ints, target: Ints, sums: FloatArray) -> None:
        """Add Y to the sums that are the targets: curves[e, m] = phi^(m) at the node source[e]."""
        jet_chain.add_values(self._table, self.nodes, self._products, curves, source, target, sums)

    def by_curves(self, by_sums: FloatArray, source: Ints, target: Ints) -> FloatArray:
        """A_m for m = 0 .. order, (n_edges, order + 1, n), from the derivatives by the sums."""
        out = np.zeros((source.size, self.order + 1, by_sums.shape[2]))
        jet_chain.add_by_curves(self._table, self.nodes, self._products, by_sums, source, target, out)
        return out

    def pull(
        self,
        by_sums: FloatArray,
        by_curves: FloatArray,
        curves: FloatArray,
        source: Ints,
        target: Ints,
        by_nodes: FloatArray,
    ) -> None:
        """Add d L / d U to by_nodes, of the shape of `nodes`; curves go up to m = order + 1."""
        work = np.empty((len(self._products), BLOCK))
        jet_chain.add_by_nodes(
            self._table, self.nodes, curves, by_curves, by_sums, source, target, work, by_nodes
        )
