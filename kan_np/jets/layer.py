"""One layer of a KAN on derivatives of nodes: sums of edges, products of sums, scales and biases."""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.jets.chain import Chain
from kan_np.jets.linear import groups_of
from kan_np.jets.multi_index import DerivativeSet
from kan_np.kernels.arrays import Ints
from kan_np.kernels.jet_chain import BLOCK
from kan_np.kernels.jet_products import multiply_sums, pull_products
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
        self._has_products = layer.n_subnodes > layer.n_out
        self._sum_start = np.concatenate([[0], np.cumsum(layer.arity)])
        terms = [(c, *term) for c, own in enumerate(derivatives.product) for term in own]
        #: Leibniz' rule and the sums of each node, as kernels read them.
        self._rule = (
            np.array([term[:3] for term in terms], dtype=np.int64),
            np.array([float(term[3]) for term in terms]),
            self._sum_start,
        )
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
        if self._has_products:
            self._partial = np.empty(self._scaled.shape)
            multiply_sums(*self._rule, self._scaled, self._partial)
            self._products = self._partial[:, self._sum_start[1:] - 1]
        else:
            self._products = self._scaled
        if affine is None:
            return self._products
        found = affine.node_scale[:, None] * self._products
        found[0] += affine.node_bias[:, None]
        return found

    def _to_sums(self, by_nodes: FloatArray, out: FloatArray) -> FloatArray:
        """Derivatives by those of the sums; those by scales and biases are written to `out`."""
        affine = self._affine
        if affine is None and not self._has_products:
            return by_nodes
        by_products = by_nodes if affine is None else affine.node_scale[:, None] * by_nodes
        by_scaled = by_products
        if self._has_products:
            by_scaled, work = np.empty(self._scaled.shape), np.empty((2 * len(self._scaled), BLOCK))
            by_products = np.ascontiguousarray(by_products)
            pull_products(*self._rule, self._scaled, self._partial, by_products, work, by_scaled)
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
