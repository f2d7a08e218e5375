"""From formulas to the layers of a network that computes them, every function of one variable an edge.

A sum is a node; a product of several factors is a node of products, each of its factors a sum; a power or a
function of one variable is an edge c f(a x + b) + d from the node of its argument, a and b being those of an
argument that is a straight line in one node. Parts that are equal are one node. Between two nodes there is
one edge: of x + x^2 the second term has a node of its own. Edges lead from one layer to the next, so that
what is used further up is passed on by straight edges, which round nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kan_np._validate import listed
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.builtin import builtin_symbols
from kan_np.functions.expression import variable
from kan_np.functions.library import SymbolLibrary, make_symbol
from kan_np.functions.symbol import Symbol
from kan_np.functions.tape import number_of

if TYPE_CHECKING:
    import sympy


class PlannedLayer(NamedTuple):
    """The edges (i, j) from the nodes below to subnodes, and how many subnodes each node has."""

    symbols: dict[tuple[int, int], SymbolicEdge]
    arity: tuple[int, ...]


class _Edge(NamedTuple):
    """c f(a u + b) of the source u: an input or a node, by its number."""

    source: int
    symbol: Symbol
    a: float
    b: float
    c: float


class _Sum(NamedTuple):
    """A sum of edges, no two from the same source, and a constant."""

    edges: tuple[_Edge, ...]
    constant: float

    def times(self, factor: float) -> _Sum:
        return _Sum(tuple(e._replace(c=factor * e.c) for e in self.edges), factor * self.constant)


def planned_layers(
    expressions: Sequence[sympy.Expr], inputs: Sequence[sympy.Symbol], library: SymbolLibrary
) -> list[PlannedLayer]:
    """The layers of a network whose outputs are the expressions.

    Parameters
    ----------
    expressions : sequence of sympy.Expr
    inputs : sequence of sympy.Symbol
    library : SymbolLibrary
        Its symbols are the edges; functions that it does not have become symbols made of their formula.

    Raises
    ------
    ValueError
        For variables that are no inputs, numbers that are not real, functions of several variables, and
        functions that have no formula.

    Examples
    --------
    >>> import sympy
    >>> from kan_np.functions.library import SymbolLibrary
    >>> x, y = sympy.symbols("x y")
    >>> layers = planned_layers([sympy.exp(x * y)], [x, y], SymbolLibrary())
    >>> [(layer.arity, [edge.name for edge in layer.symbols.values()]) for layer in layers]
    [((2,), ['x', 'x']), ((1,), ['exp'])]
    """
    for unknown in sorted(set().union(*(e.free_symbols for e in expressions)) - set(inputs), key=str):
        raise ValueError(f"the formula has the variable {unknown}; expected only inputs: {listed(inputs)}.")
    plan = _Plan(inputs, library)
    outputs = [plan.factors_of(expression) for expression in expressions]
    if not all(len(factors) > 1 for factors in outputs):  # sums come before products, whatever their order
        outputs = [[plan.sum_of(expression)] for expression in expressions]
    return plan.layers([tuple(factors) for factors in outputs])


@dataclass
class _Plan:
    """Nodes so far, by number: the inputs come first."""

    inputs: Sequence[Any]
    library: SymbolLibrary
    nodes: dict[tuple[_Sum, ...], int] = field(default_factory=dict)
    #: Layer of each input and node, and the factors of each node.
    layer: list[int] = field(default_factory=list)
    factors: list[tuple[_Sum, ...]] = field(default_factory=list)
    sums: dict[Any, _Sum] = field(default_factory=dict)
    known: dict[Any, Symbol] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layer = [0] * len(self.inputs)
        self.factors = [()] * len(self.inputs)
        self.line, self.zero = (next(s for s in builtin_symbols() if s.name == name) for name in ("x", "0"))
        for symbol in (*builtin_symbols(), *self.library):
            self.known[symbol.sympy(variable())] = symbol

    # ------------------------------------------------------------------ from formulas to nodes

    def sum_of(self, part: Any) -> _Sum:
        """The part as a sum of edges from inputs and nodes."""
        if part not in self.sums:
            self.sums[part] = self._sum_of(part)
        return self.sums[part]

    def factors_of(self, part: Any) -> list[_Sum]:
        """The part as a product of sums of edges: one factor if it is none."""
        if not part.is_Mul or not part.free_symbols:
            return [self.sum_of(part)]
        number, rest = part.as_independent(*self.inputs, as_Add=False)
        if not rest.is_Mul:
            return [self.sum_of(part)]
        first, *others = [self.sum_of(factor) for factor in rest.args]
        return [first.times(_real(number)), *others]

    def _sum_of(self, part: Any) -> _Sum:
        from sympy.core.function import AppliedUndef

        if part.is_number and not part.has(AppliedUndef):
            return _Sum((), _real(part))
        if part in self.inputs:
            return self._straight(list(self.inputs).index(part))
        if part.is_Add:
            return self._total([self.sum_of(term) for term in part.args])
        if part.is_Mul:
            number, rest = part.as_independent(*self.inputs, as_Add=False)
            if number != 1:
                return self.sum_of(rest).times(_real(number))
            return self._straight(self._node(tuple(self.factors_of(part))))
        if part.is_Pow:
            return self._power(part)
        return self._function(part)

    def _power(self, part: Any) -> _Sum:
        import sympy

        base, exponent = part.base, part.exp
        if exponent.free_symbols:
            if not base.free_symbols and not _real(base) > 0:
                raise ValueError(f"the formula has {part}; expected a base above 0.")
            return self.sum_of(sympy.exp(exponent * sympy.log(base), evaluate=False))
        if isinstance(exponent, sympy.Float) and float(exponent).is_integer():
            exponent = sympy.Integer(int(exponent))
        return self._edge(variable() ** exponent, base)

    def _function(self, part: Any) -> _Sum:
        """A function of one argument that varies, or of one variable in several of them."""
        from sympy.core.function import Application, AppliedUndef

        for unknown in sorted(part.atoms(AppliedUndef), key=str):
            raise ValueError(
                f"the formula has the function {unknown.func}, which is not known; expected functions of "
                "sympy. Write out what it stands for."
            )
        moving = [argument for argument in part.args if argument.free_symbols]
        if len(moving) == 1 and isinstance(part, Application):
            inside = [variable() if argument is moving[0] else argument for argument in part.args]
            return self._edge(part.func(*inside), moving[0])
        if len(part.free_symbols) == 1:
            (only,) = part.free_symbols
            return self._edge(part.xreplace({only: variable()}), only)
        raise ValueError(
            f"the formula has {type(part).__name__} of several variables, {part}; expected sums, products, "
            "powers and functions of one variable."
        )

    def _edge(self, function: Any, argument: Any) -> _Sum:
        """The edge of a function, in `variable()`, of a part."""
        inner = self.sum_of(argument)
        if function == variable():
            return inner
        if len(inner.edges) == 1 and inner.edges[0].symbol is self.line:
            source, a, b = inner.edges[0].source, inner.edges[0].c, inner.constant
        else:
            source, a, b = self._node((inner,)), 1.0, 0.0
        return _Sum((_Edge(source, self._symbol(function), a, b, 1.0),), 0.0)

    def _symbol(self, function: Any) -> Symbol:
        if function not in self.known:
            try:
                self.known[function] = make_symbol(str(function), function)
            except (ValueError, TypeError) as error:
                raise ValueError(f"the formula has {function}, which cannot be an edge: {error}") from error
        return self.known[function]

    def _straight(self, source: int) -> _Sum:
        return _Sum((_Edge(source, self.line, 1.0, 0.0, 1.0),), 0.0)

    def _total(self, terms: Sequence[_Sum]) -> _Sum:
        """The sum of sums; edges beside others of the same source lead through nodes of their own."""
        unlike: dict[tuple[int, Symbol, float, float], float] = {}
        for edge in (edge for term in terms for edge in term.edges):
            unlike[edge[:4]] = unlike.get(edge[:4], 0.0) + edge.c
        taken = {source for source, symbol, *_ in unlike if symbol is self.line}
        edges: list[_Edge] = []
        for (source, symbol, a, b), c in unlike.items():
            edge = _Edge(source, symbol, a, b, c)
            if symbol is not self.line and source in taken:
                node = self._node((_Sum((edge._replace(c=1.0),), 0.0),))
                edge = _Edge(node, self.line, 1.0, 0.0, c)
            taken.add(source)
            edges.append(edge)
        return _Sum(tuple(edges), sum(term.constant for term in terms))

    def _node(self, factors: tuple[_Sum, ...]) -> int:
        """The number of the node of a product of sums, of one sum without a factor."""
        if factors not in self.nodes:
            self.nodes[factors] = len(self.layer)
            self.layer.append(self._above(factors))
            self.factors.append(factors)
        return self.nodes[factors]

    def _above(self, factors: tuple[_Sum, ...]) -> int:
        return 1 + max((self.layer[edge.source] for factor in factors for edge in factor.edges), default=0)

    # ------------------------------------------------------------------ from nodes to layers

    def layers(self, outputs: Sequence[tuple[_Sum, ...]]) -> list[PlannedLayer]:
        """The layers that lead to the outputs."""
        rows = [list(outputs)]
        planned: list[PlannedLayer] = []
        for layer in range(max(map(self._above, outputs)) - 1, -1, -1):
            sources = {edge.source for node in rows[0] for factor in node for edge in factor.edges}
            below = sorted(sources, key=lambda s: (len(self._at(s, layer)) > 1, s))
            if layer == 0:
                below = list(range(len(self.inputs)))
            planned.insert(0, self._planned(below, rows[0]))
            rows.insert(0, [self._at(source, layer) for source in below])
        return planned

    def _at(self, source: int, layer: int) -> tuple[_Sum, ...]:
        """What a source is in a layer: its own factors, or itself passed on."""
        return self.factors[source] if self.layer[source] == layer else (self._straight(source),)

    def _planned(self, below: Sequence[int], row: Sequence[tuple[_Sum, ...]]) -> PlannedLayer:
        place = {source: i for i, source in enumerate(below)}
        symbols: dict[tuple[int, int], SymbolicEdge] = {}
        for j, factor in enumerate(factor for node in row for factor in node):
            own = {(place[e.source], j): SymbolicEdge(e.symbol, e.a, e.b, e.c) for e in factor.edges}
            first = min(own, default=(0, j))
            edge = own.get(first, SymbolicEdge(self.zero, c=0.0))
            own[first] = replace(edge, d=factor.constant)
            symbols |= own
        return PlannedLayer(dict(sorted(symbols.items())), tuple(len(node) for node in row))


def _real(number: Any) -> float:
    value = number_of(number)
    if not np.isfinite(value):
        raise ValueError(f"the formula has the number {number}; expected finite real numbers.")
    return value
