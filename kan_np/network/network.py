"""A KAN as an immutable object: its structure, its parameters, and everything that is computed from them.

Operations on a `Network` (moved or finer grids, other parameters or symbols) return a new one. It is
evaluated by compiled kernels (`kan_np.network.compiled`), unless a symbol or family has no compiled function;
then layer by layer in NumPy (`kan_np.network.layered`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable, default_reach, refuse_outside
from kan_np.edges.family import EdgeFamily
from kan_np.edges.knots import refined_knots
from kan_np.edges.symbol import SymbolicEdge, kernel_of
from kan_np.kernels.arrays import Net
from kan_np.network import compiled, layered
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.kernel_arrays import spline_arrays
from kan_np.network.layer import Layer, joined, layers_of, merged_bases
from kan_np.network.structure import Affine, Part, Structure
from kan_np.network.topology import Topology

_CHUNK = 8192  # rows of a prediction that are in memory at once


@dataclass(frozen=True, eq=False)
class Network:
    """A KAN: structure, and the values of all its parameters.

    Attributes
    ----------
    structure : Structure
    values : ndarray of shape (n_values,)
        All numbers, in the order of `kan_np.network.structure`.
    """

    structure: Structure
    values: FloatArray

    @classmethod
    def of_splines(
        cls, topology: Topology, table: SplineTable, base_fun: str, spline_params: FloatArray
    ) -> Network:
        """A network of splines and sums, from parameters of shape (n_edges, n_row)."""
        return cls(Structure(topology, table, base_fun), np.array(spline_params, dtype=np.float64).ravel())

    @classmethod
    def from_layers(
        cls,
        layers: Sequence[Layer],
        ties: tuple[tuple[EdgeIndex, ...], ...] = (),
        frozen: frozenset[Part] = frozenset(),
    ) -> Network:
        """A network from its layers; tied edges get the parameters of the first of each group."""
        return cls(*joined(layers, ties, frozen))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers one by one."""
        return layers_of(self.structure, self.values)

    # ---------------------------------------------------------------- shape

    @property
    def topology(self) -> Topology:
        """Nodes, sums and spline edges."""
        return self.structure.topology

    @property
    def table(self) -> SplineTable:
        """The B-splines of every source node."""
        return self.structure.table

    @property
    def base_fun(self) -> str:
        """Name of the base function b."""
        return self.structure.base_fun

    @property
    def has_base(self) -> int:
        """1 if a spline edge has a base weight w in front of its coefficients, else 0."""
        return self.structure.has_base

    @property
    def width(self) -> tuple[int, ...]:
        """Nodes of each layer, inputs first."""
        return self.topology.width

    @property
    def width_in(self) -> tuple[int, ...]:
        """Subnodes of each layer, inputs first."""
        return self.topology.width_in

    @property
    def arities(self) -> tuple[tuple[int, ...], ...]:
        """Number of factors of every node, for each layer above the inputs: 1 for a sum."""
        return self.topology.arities

    @property
    def masks(self) -> list[NDArray[np.bool_]]:
        """True where there is an edge of any kind: an array of shape (n_in, n_subnodes) for each layer."""
        masks = self.topology.masks
        for edges in self.structure.bases:
            masks = [mask | own for mask, own in zip(masks, edges.topology.masks, strict=True)]
        for layer, i, j in self.structure.symbols:
            masks[layer][i, j] = True
        return masks

    @property
    def k(self) -> int:
        """Order of the splines."""
        return self.table.k

    @property
    def extrapolation(self) -> str:
        """What spline edges do outside their grid."""
        return self.table.extrapolation

    @property
    def knots(self) -> list[FloatArray]:
        """Knots of each layer's sources: arrays of shape (n_in, G + 1)."""
        return [self.table.knots[self._sources(layer)].copy() for layer in range(len(self.width) - 1)]

    @property
    def reach(self) -> list[FloatArray]:
        """How far splines extend beyond the grids of each layer's sources: (n_in, 2); see `SplineTable`."""
        return [self.table.reach[self._sources(layer)].copy() for layer in range(len(self.width) - 1)]

    def _sources(self, layer: int) -> slice:
        return slice(int(self.topology.node_start[layer]), int(self.topology.node_start[layer + 1]))

    # ---------------------------------------------------------------- numbers

    @property
    def n_params(self) -> int:
        """Number of trained parameters."""
        return self.structure.n_params

    @property
    def spline_params(self) -> FloatArray:
        """Parameters of the spline edges: (n_edges, n_row)."""
        return self.values[: self.structure.ends.splines].reshape(-1, self.structure.n_row)

    @property
    def coef(self) -> list[FloatArray]:
        """Spline coefficients of each layer, (n_in, n_subnodes, G + k); zeros where there is no spline."""
        return self.topology.by_layer(self.spline_params[:, self.has_base :])

    @property
    def scale_base(self) -> list[FloatArray]:
        """Base weights of each layer, (n_in, n_subnodes); zeros where there is none."""
        params = self.spline_params
        return self.topology.by_layer(params[:, 0] if self.has_base else np.zeros(params.shape[0]))

    @property
    def constants(self) -> FloatArray:
        """a, b, c, d of the symbolic edges: (n_symbols, 4)."""
        ends = self.structure.ends
        return self.values[ends.bases : ends.symbols].reshape(-1, 4)

    @property
    def symbols(self) -> dict[EdgeIndex, SymbolicEdge]:
        """All symbolic edges by layer, source and subnode."""
        pairs = zip(self.structure.symbols.items(), self.constants.tolist(), strict=True)
        return {edge: SymbolicEdge(symbol, *own) for (edge, symbol), own in pairs}

    @property
    def affine(self) -> Affine:
        """Scales and biases above the inputs; 1 and 0 where there are none."""
        return self.structure.split_affine(self.values)

    @property
    def families(self) -> dict[EdgeIndex, tuple[str, int]]:
        """Family and size of the edges that are neither B-splines nor symbols."""
        return {
            edge: (edges.basis.name, edges.basis.size)
            for edges in self.structure.bases
            for edge in edges.topology.edges
        }

    @property
    def largest_grid(self) -> int | None:
        """Largest number of intervals that all families of its edges can be refined to; None for any."""
        kinds = {type(edges.basis) for edges in self.structure.bases}
        return min((kind.largest for kind in kinds if kind.smallest < kind.largest), default=None)

    @property
    def ties(self) -> tuple[tuple[EdgeIndex, ...], ...]:
        """Groups of edges that are one function."""
        return self.structure.ties

    @property
    def frozen(self) -> frozenset[Part]:
        """Parameters that keep their values."""
        return self.structure.frozen

    @property
    def theta(self) -> FloatArray:
        """Trained parameters as one vector."""
        parameters = self.structure.parameters
        return self.values if parameters is None else parameters.vector(self.values)

    def with_theta(self, theta: FloatArray) -> Network:
        """The same network with other trained parameters."""
        theta = np.array(theta, dtype=np.float64).ravel()
        parameters = self.structure.parameters
        if parameters is None:
            return replace(self, values=theta)
        values = self.values.copy()
        parameters.fill(theta, values)
        return replace(self, values=values)

    # ---------------------------------------------------------------- other networks

    def with_knots(self, knots: FloatArray, reach: FloatArray | None = None) -> Network:
        """The network refitted on other grids, exactly if these contain the old: `SplineTable.carry_over`."""
        stays = np.array_equal(knots, self.table.knots)
        if stays and reach is not None and np.array_equal(reach, self.table.reach):
            return self
        table = SplineTable.build(knots, self.table.k, self.table.extrapolation, reach)
        structure = replace(self.structure, table=table)
        if stays:  # the coefficients are kept without rounding
            return replace(self, structure=structure)
        b, params = self.has_base, self.spline_params
        with np.errstate(over="ignore", invalid="ignore"):  # "continue" may explode far outside the old grid
            coef = self.table.carry_over(table, params[:, b:], self.topology.source)
        if knots.shape == self.table.knots.shape:  # frozen values stay bit for bit where their grid stays
            kept = (knots == self.table.knots).all(axis=1)[
                self.topology.source
            ] & self.structure.frozen_splines
            coef[kept] = params[kept, b:]
        carried = np.hstack([params[:, :b], coef]).ravel()
        net = Network(structure, np.concatenate([carried, self.values[self.structure.ends.splines :]]))
        # coefficients are solved for source by source: those of tied edges may differ by rounding
        return net.with_theta(net.theta) if self.ties else net

    def with_layer_knots(self, layer: int, knots: FloatArray, reach: FloatArray | None = None) -> Network:
        """As `with_knots` for the grids of one layer's sources."""
        everywhere, reaches = self.table.knots.copy(), self.table.reach.copy()
        here = self._sources(layer)
        everywhere[here] = knots
        reaches[here] = default_reach(knots) if reach is None else reach
        return self.with_knots(everywhere, reaches)

    def refined(self, grid: int) -> Network:
        """The network on grids of `grid` intervals."""
        net = self.with_knots(refined_knots(self.table.knots, grid), self.table.reach)
        if not self.structure.bases:
            return net
        layers = []
        for layer in net.layers:
            finer = []
            for own in layer.bases:
                basis = own.basis.grown(grid)
                coef = own.basis.carry_over(basis, own.coef, own.topology.source)
                finer.append(replace(own, basis=basis, coef=coef))
            layers.append(replace(layer, bases=merged_bases(finer)))
        return self._of(layers, self.structure.frozen, net.table)

    def with_splines(
        self,
        coef: Sequence[FloatArray],
        scale_base: Sequence[FloatArray],
        knots: Sequence[FloatArray] | None = None,
    ) -> Network:
        """The network with other coefficients, base weights and grids, in the shape of these properties."""
        structure = self.structure
        if knots is not None:
            table = SplineTable.build(np.concatenate(list(knots)), self.k, self.extrapolation)
            structure = replace(structure, table=table)
        columns = [self.topology.by_edge(scale_base)[:, None]] * self.has_base
        params = np.hstack([*columns, self.topology.by_edge(coef)]).ravel()
        return Network(structure, np.concatenate([params, self.values[self.structure.ends.splines :]]))

    def with_symbols(self, symbols: Mapping[EdgeIndex, SymbolicEdge | None]) -> Network:
        """The network with symbols at these edges; edges that get None become splines that are zero."""
        layers = list(self.layers)
        for number, layer in enumerate(self.layers):
            own = {(i, j): symbol for (at, i, j), symbol in symbols.items() if at == number}
            if own:
                layers[number] = layer.with_symbols(own)
        splines, before = self.topology.edge_number, self.structure.symbols
        changed = {
            edge for edge, symbol in symbols.items() if edge not in (splines if symbol is None else before)
        }
        frozen = frozenset(part for part in self.structure.frozen if part[0] not in changed)
        return self._of(layers, frozen, self.table)

    def with_basis(
        self, layer: int, edges: Sequence[tuple[int, int]], basis: EdgeFamily, coef: FloatArray
    ) -> Network:
        """The network with edges (i, j) of a layer in another family; coef has shape (n_edges, n_params).

        Other edges of the layer with the same family, size and settings get the intervals of `basis`, too.
        """
        layers = list(self.layers)
        layers[layer] = layers[layer].with_basis(edges, basis, coef)
        return self._of(layers, self._frozen_elsewhere(layer, edges), self.table)

    def _frozen_elsewhere(self, layer: int, edges: Sequence[tuple[int, int]]) -> frozenset[Part]:
        """The frozen parameters without those of some edges of a layer, which change their kind."""
        changed = {(layer, i, j) for i, j in edges}
        return frozenset(part for part in self.structure.frozen if part[0] not in changed)

    def with_layer_intervals(self, layer: int, ends: FloatArray, moves: NDArray[np.bool_]) -> Network:
        """The network with edges of other families than B-splines refitted on other intervals.

        `ends` (n_in, 2) are the new ends for the sources of a layer where `moves` is True.
        """
        if not self.structure.bases or not moves.any():
            return self
        layers, moved = list(self.layers), []
        for own in layers[layer].bases:
            low = np.where(moves, ends[:, 0], own.basis.low)
            high = np.where(moves, ends[:, 1], own.basis.high)
            basis = own.basis.moved(low, high)
            coef = own.basis.carry_over(basis, own.coef, own.topology.source)
            moved.append(replace(own, basis=basis, coef=coef))
        layers[layer] = replace(layers[layer], bases=tuple(moved))
        return self._of(layers, self.structure.frozen, self.table)

    def _of(self, layers: Sequence[Layer], frozen: frozenset[Part], table: SplineTable) -> Network:
        """A network of other layers, with the tied edges and the choice of evaluation of this one."""
        structure, values = joined(layers, self.ties, frozen, table)
        return Network(replace(structure, evaluation=self.structure.evaluation), values)

    def with_frozen(self, frozen: frozenset[Part]) -> Network:
        """The same network with other frozen parameters."""
        return replace(self, structure=replace(self.structure, frozen=frozen))

    def with_constant_output(self, output: int, value: float) -> Network:
        """The network with one output replaced by a constant; no edge to this output may be a symbol.

        Where none of its edges can be a constant the network stays as it is.
        """
        target = self.topology.sum_start[-2] + output
        groups = [edges for edges in self.structure.bases if edges.basis.has_constants]
        targets = [self.topology.target, *(edges.topology.target for edges in groups)]
        n_edges = sum(int((own == target).sum()) for own in targets)
        if n_edges == 0:
            return self
        share = value / n_edges
        params, values = self.spline_params.copy(), self.values.copy()  # B-splines sum to 1
        own = self.topology.target == target
        params[own] = 0.0
        params[own, self.has_base :] = share
        values[: params.size] = params.ravel()
        for start, edges in zip(self.structure.basis_starts, self.structure.bases, strict=True):
            coef = values[start : start + edges.n_values].reshape(-1, edges.basis.n_params)
            here = edges.topology.target == target
            if edges.basis.has_constants:
                coef[here] = edges.basis.constants(coef[here], np.full(int(here.sum()), share))
            else:
                coef[here] = 0.0
        return replace(self, values=values)

    def shared_grids(self, layer: int) -> list[list[int]]:
        """Groups of a layer's sources whose grids must be the same: spline edges from them are tied."""
        return self.structure.shared_grids(layer)

    # ---------------------------------------------------------------- values

    @property
    def is_compiled(self) -> bool:
        """Whether every family and every symbol has a compiled function."""
        bases = all(edges.basis.kernel is not None for edges in self.structure.bases)
        return bases and all(kernel_of(symbol) is not None for symbol in self.structure.symbols.values())

    @property
    def net(self) -> Net:
        """Nodes and splines as the arrays that kernels read."""
        return spline_arrays(self.structure)

    def node_values(self, x: FloatArray) -> FloatArray:
        """Values of every node, inputs included: (n_samples, n_in) -> (n_nodes, n_samples)."""
        if self.is_compiled:
            return compiled.node_values(self.structure, self.net, self.values, x)
        return layered.node_values(self.structure, self.values, x)

    def edge_values(self, layer: int, x: FloatArray) -> FloatArray:
        """phi of every edge of layer l at values of its sources: (n_in, n) -> (n_in, n_subnodes, n)."""
        return layered.edge_values(self.structure, self.values, layer, x)

    def forward(self, x: FloatArray) -> FloatArray:
        """Outputs (n_samples, n_out), computed in chunks so that memory does not grow with hidden nodes."""
        if self.is_compiled:
            return compiled.forward(self.structure, self.net, self.values, x, _CHUNK)
        parts = [x[low : low + _CHUNK] for low in range(0, max(x.shape[0], 1), _CHUNK)]
        return np.concatenate([layered.forward(self.structure, self.values, part) for part in parts])

    def input_jacobian(self, x: FloatArray) -> FloatArray:
        """d f_j / d x_i at every sample: (n_samples, n_in) -> (n_samples, n_out, n_in)."""
        if self.is_compiled:
            return compiled.input_jacobian(self.structure, self.net, self.values, x)
        parts = [x[low : low + _CHUNK] for low in range(0, max(x.shape[0], 1), _CHUNK)]
        return np.concatenate([layered.input_jacobian(self.structure, self.values, part) for part in parts])

    def check_inputs(self, x: FloatArray, first_row: int = 0) -> None:
        """Raise for inputs of splines outside their grids under ``extrapolation="error"``."""
        if self.extrapolation == "error":
            for i in np.unique(self.topology.source[: self.topology.edge_start[1]]).tolist():
                knots = self.table.knots[i]
                refuse_outside(f"input {i}", x[:, i], knots[0], knots[-1], first_row)
