"""Trees: shapes of formulas, from which networks are built.

A `Tree` is a node of a network together with all that leads to it: a product of factors, each a sum of edges
from inputs or other trees. An edge is free (a spline at first, a symbol in the end) or straight, which passes
a value on. A tree that two others lead from is one node.

The shapes are those that formulas of few variables have, u standing for one variable or a straight line
through several (`kan_np.discovery.merged_variables`), and every f, g, h, k for any function of one variable:

    sum       sum_i f_i(u_i)                      outer      g(sum)
    product   prod_i f_i(u_i)                     sum + product
    g(product),  g(sum + product)
    f(u_i) g(sum of the others),  f(u_i) g(product of the others)
    g(sum + f(u_i) k(sum of the others))
    g(h(sum over some) + k(sum over the others)), h(...) + k(...)

and, for what none of them fits, dense networks. Of more than 8 variables only sums and dense networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

#: Of more variables than this there are no products.
MANY = 8


@dataclass(frozen=True)
class Tree:
    """A product of sums of edges.

    Attributes
    ----------
    factors : tuple of tuples of Edge
        One factor is a sum.
    number : int
        Tells apart nodes of one shape.
    """

    factors: tuple[tuple[Edge, ...], ...]
    number: int = 0

    @property
    def layer(self) -> int:
        """Layers from the inputs."""
        return 1 + max(_layer_of(edge.source) for factor in self.factors for edge in factor)

    @property
    def is_linear(self) -> bool:
        """Whether it is a sum of functions of inputs: linear in their coefficients."""
        return self.layer == 1 and len(self.factors) == 1


Source = int | Tree


class Edge(NamedTuple):
    """From an input or a tree; straight ones pass a value on, `scale` times at first."""

    source: Source
    straight: bool = False
    scale: float = 1.0


class Shape(NamedTuple):
    """A tree and what it is called."""

    name: str
    tree: Tree


class Layer(NamedTuple):
    """Edges (i, j) to subnodes j, with the scale of straight ones, None for others; subnodes of each node."""

    edges: dict[tuple[int, int], float | None]
    arity: tuple[int, ...]


def total(sources: Sequence[Source], number: int = 0) -> Tree:
    """sum_i f_i(u_i)."""
    return Tree((tuple(Edge(s) for s in sources),), number)


def product(sources: Sequence[Source]) -> Tree:
    """prod_i f_i(u_i)."""
    return Tree(tuple((Edge(s),) for s in sources))


def straight(*sources: Source) -> Tree:
    """A sum of sources as they are."""
    return Tree((tuple(Edge(s, straight=True) for s in sources),))


def ridge(first: Source, second: Source, slope: float) -> Tree:
    """A straight line through two variables: first + slope second, where training begins."""
    return Tree(((Edge(first, straight=True), Edge(second, straight=True, scale=slope)),))


def outer(source: Source) -> Tree:
    """g(u)."""
    return Tree(((Edge(source),),))


def times(source: Source, other: Tree) -> Tree:
    """f(u) g(other)."""
    return Tree(((Edge(outer(source), straight=True),), (Edge(other),)))


def shapes(sources: Sequence[Source]) -> list[Shape]:
    """Shapes in these variables, simple ones first.

    Examples
    --------
    >>> [shape.name for shape in shapes([0, 1])][:5]
    ['sum', 'product', 'g(sum)', 'sum + product', 'g(product)']
    """
    sources = list(sources)
    if len(sources) == 1:
        one = outer(sources[0])
        return [Shape("f", one), Shape("g(f)", outer(one))]
    every, whole = total(sources), product(sources)
    if len(sources) > MANY:
        return [Shape("sum", every), Shape("g(sum)", outer(every)), *_dense(sources)]
    found = [
        Shape("sum", every),
        Shape("product", straight(whole)),
        Shape("g(sum)", outer(every)),
        Shape("sum + product", straight(every, whole)),
        Shape("g(product)", outer(whole)),
    ]
    if len(sources) > 2:
        found += _split_off_one(sources, every)
    found += [Shape("g(sum + product)", outer(straight(every, whole)))]
    if len(sources) == 2:
        found += [Shape("f g(product)", straight(times(s, whole))) for s in sources]
    else:
        found += _with_inner_product(sources, every)
    if len(sources) == 4:
        found += _halves(sources)
    return found + _dense(sources)


def _dense(sources: list[Source]) -> list[Shape]:
    return [Shape(f"dense {m}", total([total(sources, q) for q in range(m)])) for m in (2, 3)]


def _split_off_one(sources: list[Source], every: Tree) -> Iterator[Shape]:
    for s in sources:
        others = [other for other in sources if other is not s]
        yield Shape("f g(sum)", straight(times(s, total(others))))
    for s in sources:
        others = [other for other in sources if other is not s]
        yield Shape("f g(product)", straight(times(s, product(others))))


def _with_inner_product(sources: list[Source], every: Tree) -> Iterator[Shape]:
    for s in sources:
        inner = times(s, total([other for other in sources if other is not s]))
        yield Shape("sum + f g(sum)", straight(every, inner))
        yield Shape("g(sum + f g(sum))", outer(straight(every, inner)))


def _halves(sources: list[Source]) -> Iterator[Shape]:
    for pair in combinations(range(1, len(sources)), 1):
        first = [sources[0], *(sources[q] for q in pair)]
        second = [s for s in sources if s not in first]
        halves = [total(first), total(second)]
        yield Shape("h(sum) + k(sum)", total(halves))
        yield Shape("g(h(sum) + k(sum))", outer(total(halves)))


def layers_of(tree: Tree, n_in: int) -> list[Layer]:
    """The layers of the network that computes a tree of `n_in` inputs, straight edges leading past layers.

    Examples
    --------
    >>> layers_of(outer(total([0, 1])), 2)
    [Layer(edges={(0, 0): None, (1, 0): None}, arity=(1,)), Layer(edges={(0, 0): None}, arity=(1,))]
    """
    rows: list[list[Tree]] = [[_lifted(tree, tree.layer)]]
    for _ in range(tree.layer - 1):
        fed: list[Tree] = []
        for edge in (edge for node in rows[0] for factor in node.factors for edge in factor):
            if isinstance(edge.source, Tree) and edge.source not in fed:
                fed.append(edge.source)
        # sums come before products, as everywhere
        rows.insert(0, sorted(fed, key=lambda node: len(node.factors) > 1))
    below: list[Sequence[Source]] = [list(range(n_in)), *rows[:-1]]
    return [_layer(sources, row) for sources, row in zip(below, rows, strict=True)]


def _layer(below: Sequence[Source], row: Sequence[Tree]) -> Layer:
    edges: dict[tuple[int, int], float | None] = {}
    subnode = 0
    for node in row:
        for factor in node.factors:
            for edge in factor:
                edges[below.index(edge.source), subnode] = edge.scale if edge.straight else None
            subnode += 1
    return Layer(dict(sorted(edges.items())), tuple(len(node.factors) for node in row))


def _layer_of(source: Source) -> int:
    return source.layer if isinstance(source, Tree) else 0


def _lifted(source: Source, layer: int) -> Tree:
    """The tree with edges from one layer to the next only, its top at `layer`."""
    if _layer_of(source) < layer:
        if layer == 1:
            return straight(source)
        return straight(_lifted(source, layer - 1))
    assert isinstance(source, Tree)  # noqa: S101  inputs have layer 0
    factors = []
    for factor in source.factors:
        edges = [
            edge if layer == 1 else edge._replace(source=_lifted(edge.source, layer - 1)) for edge in factor
        ]
        factors.append(tuple(edges))
    return Tree(tuple(factors), source.number)
