"""Which derivatives by the inputs are computed, and the chain and product rules for them.

A derivative is named by the inputs it is taken by, in increasing order: () is the value, (0,) is d/dx_0,
(0, 1) is d^2/dx_0 dx_1, (1, 1) is d^2/dx_1^2. For a function phi of a node u the chain rule (Faa di Bruno's
formula) is

    d^alpha phi(u) = sum over partitions of alpha into blocks of  phi^(m)(u) prod_blocks d^block u,

m being the number of blocks, and for a product  d^alpha (u v) = sum over parts beta of alpha of
d^beta u d^(alpha - beta) v (Leibniz). Sources: L. Comtet, Advanced Combinatorics (1974), section 3.4; A.
Griewank and A. Walther, Evaluating Derivatives (2008), chapter 13.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, combinations_with_replacement

#: Inputs a derivative is taken by, in increasing order.
MultiIndex = tuple[int, ...]


@dataclass(frozen=True)
class ChainTerm:
    """One term of the chain rule: count phi^(m)(u) times the product of the derivatives `blocks` of u.

    Attributes
    ----------
    m : int
        Order of the derivative of phi: the number of blocks.
    blocks : tuple of int
        Numbers of derivatives.
    count : int
    """

    m: int
    blocks: tuple[int, ...]
    count: int


@dataclass(frozen=True)
class DerivativeSet:
    """A set of derivatives that contains what the chain rule needs of lower orders, the value first.

    Attributes
    ----------
    indices : tuple of tuple of int

    Examples
    --------
    >>> DerivativeSet.containing([(1, 1)]).indices
    ((), (1,), (1, 1))
    """

    indices: tuple[MultiIndex, ...]

    @classmethod
    def containing(cls, wanted: Iterable[MultiIndex]) -> DerivativeSet:
        """The smallest set with these derivatives."""
        found: set[MultiIndex] = {()}
        for index in wanted:
            ordered = tuple(sorted(index))
            found |= {part for size in range(len(ordered) + 1) for part in combinations(ordered, size)}
        return cls(tuple(sorted(found, key=lambda index: (len(index), index))))

    @classmethod
    def up_to(cls, n_inputs: int, order: int) -> DerivativeSet:
        """All derivatives by n_inputs inputs of at most this order."""
        orders = range(order + 1)
        return cls(tuple(i for n in orders for i in combinations_with_replacement(range(n_inputs), n)))

    @property
    def order(self) -> int:
        """Highest order among them."""
        return max(len(index) for index in self.indices)

    @cached_property
    def number(self) -> dict[MultiIndex, int]:
        """Place of each derivative in `indices`."""
        return {index: place for place, index in enumerate(self.indices)}

    @cached_property
    def chain(self) -> tuple[tuple[ChainTerm, ...], ...]:
        """The terms of the chain rule of every derivative; none for the value, which is phi(u)."""
        found = []
        for index in self.indices:
            blocks = Counter(
                tuple(sorted(self.number[tuple(index[p] for p in block)] for block in partition))
                for partition in _partitions(tuple(range(len(index))))
            )
            terms = [ChainTerm(len(own), own, count) for own, count in blocks.items()]
            found.append(tuple(terms) if index else ())
        return tuple(found)

    @cached_property
    def product(self) -> tuple[tuple[tuple[int, int, int], ...], ...]:
        """(beta, alpha - beta, count) for every derivative alpha of a product, by numbers."""
        found = []
        for index in self.indices:
            places = range(len(index))
            pairs: Counter[tuple[int, int]] = Counter()
            for size in range(len(index) + 1):
                for part in combinations(places, size):
                    one = tuple(index[p] for p in part)
                    other = tuple(index[p] for p in places if p not in part)
                    pairs[self.number[one], self.number[other]] += 1
            found.append(tuple((one, other, count) for (one, other), count in pairs.items()))
        return tuple(found)


def _partitions(items: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    """All partitions of a set into blocks."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for size in range(len(rest) + 1):
        for others in combinations(rest, size):
            left = tuple(item for item in rest if item not in others)
            for partition in _partitions(left):
                yield [(first, *others), *partition]
