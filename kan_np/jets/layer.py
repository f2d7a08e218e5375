"""One layer of a KAN on derivatives of nodes: sums of edges, products of sums, scales and biases."""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.jets.chain import Chain
from kan_np.jets.linear import groups_of
from kan_np.jets.multi_index import DerivativeSet
from kan_np.kernels.arrays import Ints
from kan_np.network.layer import Layer
from kan_np.network.structure import Affine


class LayerJets:
    """Derivatives of the nodes above a layer from those of the nodes below, and back.

    Parameters
    ----------
    layer : Layer
    places : ndarray of int
        Where the values of the layer are among those of the network, in the order of `values_by_layer`.
    derivatives : DerivativeSet
    is_first : bool
        Whether the nodes below are the inputs: derivatives by them are not needed.
    fixed : bool
        Whether these are the same in all passes.
    """

    def __init__(
        self, layer: Layer, places: Ints, derivatives: DerivativeSet, *, is_first: bool, fixed: bool
    ) -> None:
        self.layer, self._set, self._is_first = layer, derivatives, is_first
        self._fixed = fixed and is_first
        self._groups = groups_of(layer, places, is_first=is_first, fixed=fixed)
        self._affine: Affine | None = layer.affine
        n_affine = 0 if layer.affine is None else sum(part.size for part in layer.affine)
        self._affine_places = places[places.size - n_affine :]
        cuts = np.cumsum(layer.arity)[:-1]
        self._factors = np.split(np.arange(layer.n_subnodes), cuts)
        self._has_products = layer.n_subnodes > layer.n_out
        self._chain: Chain | None = None

    def forward(self, values: FloatArray, nodes: FloatArray) -> FloatArray:
        """Derivatives of the nodes above, (n_derivatives, n_out, n), with these values of the network."""
        if self._chain is None or not self._fixed:
            self._chain = Chain(self._set, nodes)
        self._sums = np.zeros((len(nodes), self.layer.n_subnodes, nodes.shape[2]))
        for group in self._groups:
            group.forward(values, self._chain, self._sums)
        if self.layer.affine is not None:
            lengths = np.cumsum([part.size for part in self.layer.affine[:-1]])
            self._affine = Affine(*np.split(values[self._affine_places], lengths))
        return self._nodes()

    def backward(self, by_nodes: FloatArray, out: FloatArray) -> FloatArray:
        """Write derivatives by all values of the layer to `out`, (n_values,) or (n_values, n).

        Parameters
        ----------
        by_nodes : ndarray of shape (n_derivatives, n_out, n)
            Derivatives by those of the nodes above.
        out : ndarray
            Of one axis for sums over samples, of two for a number of every sample.

        Returns
        -------
        ndarray of shape (n_derivatives, n_in, n)
            Derivatives by those of the nodes below; empty for the first layer.
        """
        chain = self._chain
        if chain is None:
            raise RuntimeError("backward was called before forward.")
        by_sums = np.ascontiguousarray(self._to_sums(by_nodes, out))
        below = np.zeros((0, 0, 0)) if self._is_first else np.zeros_like(chain.nodes)
        for group in self._groups:
            group.backward(by_sums, chain, out)
            if not self._is_first:
                group.pull(by_sums, chain, below)
        return below

    def _nodes(self) -> FloatArray:
        """Derivatives of the nodes from those of the sums."""
        affine, self._scaled = self._affine, self._sums
        if affine is None and not self._has_products:
            return self._sums
        if affine is not None:
            self._scaled = affine.subnode_scale[:, None] * self._sums
            self._scaled[0] += affine.subnode_bias[:, None]
        found = np.empty((len(self._scaled), self.layer.n_out, self._scaled.shape[2]))
        self._before: list[list[FloatArray]] = []  # products of the factors before each
        for node, own in enumerate(self._factors):
            product, before = self._scaled[:, own[0]], []
            for factor in own[1:]:
                before.append(product)
                product = self._product(product, self._scaled[:, factor])
            self._before.append(before)
            found[:, node] = product
        self._products = found
        if affine is None:
            return found
        found = affine.node_scale[:, None] * found
        found[0] += affine.node_bias[:, None]
        return found

    def _product(self, f: FloatArray, g: FloatArray) -> FloatArray:
        """Derivatives of a product of two functions, (n_derivatives, n)."""
        out = np.zeros_like(f)
        for c, terms in enumerate(self._set.product):
            for a, b, count in terms:
                out[c] += count * f[a] * g[b]
        return out

    def _product_pull(self, by_product: FloatArray, g: FloatArray) -> FloatArray:
        """Derivatives by those of f, given those by the derivatives of f g."""
        out = np.zeros_like(g)
        for c, terms in enumerate(self._set.product):
            for a, b, count in terms:
                out[a] += count * by_product[c] * g[b]
        return out

    def _to_sums(self, by_nodes: FloatArray, out: FloatArray) -> FloatArray:
        """Derivatives by those of the sums; those by scales and biases are written to `out`."""
        affine = self._affine
        if affine is None and not self._has_products:
            return by_nodes
        by_products = by_nodes if affine is None else affine.node_scale[:, None] * by_nodes
        by_scaled = np.empty_like(self._scaled)
        for node, own in enumerate(self._factors):
            pulled = by_products[:, node]
            for factor, before in zip(own[:0:-1], reversed(self._before[node]), strict=True):
                by_scaled[:, factor] = self._product_pull(pulled, before)
                pulled = self._product_pull(pulled, self._scaled[:, factor])
            by_scaled[:, own[0]] = pulled
        if affine is None:
            return by_scaled
        found = np.concatenate(
            [
                (by_scaled * self._sums).sum(axis=0),
                by_scaled[0],
                (by_nodes * self._products).sum(axis=0),
                by_nodes[0],
            ]
        )
        out[self._affine_places] = found if out.ndim == 2 else found.sum(axis=1)
        return affine.subnode_scale[:, None] * by_scaled
