"""How variables of a function are combined, one after the other: a tree that is found by tests of symmetry.

Variables on which a function depends through one quantity alone become a branch, branches are joined
likewise, until nothing can be joined any more. What joins the branches is tested, too: at the root a sum, a
product or a function of a sum; further in a function of a sum, all that can be told of a quantity whose scale
is free.

Source: pykan's ``plot_tree`` (`kan.hypothesis`), after AI Feynman 2.0 (arXiv:2006.10782).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from kan_np._validate import FloatArray
from kan_np.structure.derivatives import Derivatives
from kan_np.structure.hypotheses import connected, generally_separable, symmetric, worst
from kan_np.structure.separability import additive, multiplicative, tested
from kan_np.structure.source import Function, Source, source_of

#: Slopes within a factor of two of their root mean square are of usual size.
_USUAL = float(np.log(2.0))


@dataclass(frozen=True)
class Tree:
    """A variable, or a quantity of the branches below it.

    Attributes
    ----------
    kind : str
        "variable"; or how the branches are joined: "sum", "product", "function of a sum" (products are such,
        too, further in), or "function", of which no more is known.
    variables : tuple of int
        Columns.
    branches : tuple of Tree
        None of a variable.
    """

    kind: str
    variables: tuple[int, ...]
    branches: tuple[Tree, ...] = ()

    @property
    def depth(self) -> int:
        """Steps to the furthest variable."""
        return 1 + max((branch.depth for branch in self.branches), default=-1)

    def __str__(self) -> str:
        if not self.branches:
            return f"x_{self.variables[0] + 1}"
        inner = ", ".join(map(str, self.branches))
        return f"{self.kind}({inner})"


def find_tree(f: Function | Sequence[Function] | ArrayLike, x: ArrayLike) -> Tree:
    """Find how the variables of a function are combined.

    Variables on which the function does not depend are in no branch.

    Parameters
    ----------
    f, x
        As for `detect_separability`.

    Returns
    -------
    Tree
        `kan_np.plot.plot_tree` draws it.

    Raises
    ------
    ValueError, TypeError
        As `detect_separability`; also if the function depends on no variable.

    Notes
    -----
    What joins the variables of an inner branch is read where all others are those of one row of `x`, at which
    f changes with the branch as much as it usually does. Values of f are then needed up to 4 % of the range
    of each column outside of it.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 4))
    >>> f = lambda x: (x[:, 0] ** 2 + x[:, 1] ** 2) ** 2 + (x[:, 2] ** 2 + x[:, 3] ** 2) ** 2
    >>> print(find_tree(f, x))
    sum(function of a sum(x_1, x_2), function of a sum(x_3, x_4))
    """
    source = source_of(f, x)
    d = source.derivatives()
    used = [i for i in range(d.n_in) if not _idle(d, i)] if d.spread > 0.0 else []
    if not used:
        raise ValueError("f does not depend on any column of x; a tree needs one at least.")
    if len(used) < d.n_in:
        source = source.restricted(used, np.median(source.x, axis=0))
        d = source.derivatives()
    # in columns of the source, which are numbered anew
    nodes = [Tree("variable", (i,)) for i in range(len(used))]
    while len(nodes) > 2:
        joined = _joined(nodes, d)
        if len(joined) in (1, len(nodes)):
            break
        nodes = [group[0] if len(group) == 1 else _node(_kind(source, group, d), group) for group in joined]
    root = nodes[0] if len(nodes) == 1 else _node(_root_kind(source, nodes, d), nodes)
    return _renumbered(root, used)


def _joined(nodes: list[Tree], d: Derivatives) -> list[list[Tree]]:
    """The nodes that become one each: those of which the function depends through one quantity."""
    n = len(nodes)
    linked = np.zeros((n, n), dtype=bool)
    for a, b in combinations(range(n), 2):
        found = symmetric(d, nodes[a].variables + nodes[b].variables).passed
        linked[a, b] = linked[b, a] = found
    groups = []
    for group in connected(linked):
        members = [nodes[k] for k in group]
        whole = [i for node in members for i in node.variables]
        if len(group) > 2 and len(group) < n and not symmetric(d, whole).passed:
            # pairs that agree, but not all of them together: the pairs, and what is left
            first = next((a, b) for a, b in combinations(group, 2) if linked[a, b])
            groups += [[nodes[k] for k in first], *([nodes[k]] for k in group if k not in first)]
        else:
            groups.append(members)
    return groups


def _node(kind: str, branches: Sequence[Tree]) -> Tree:
    return Tree(kind, tuple(i for branch in branches for i in branch.variables), tuple(branches))


def _kind(source: Source, branches: Sequence[Tree], d: Derivatives) -> str:
    """Whether the branches are joined by a function of a sum: of one variable of each, the others fixed.

    Other variables of a branch change its quantity alone, so that one stands for it.
    """
    own = [_strongest(branch, d) for branch in branches]
    few = source.restricted(own, d.x[_typical(d, own)])
    groups = [[k] for k in range(len(branches))]
    return "function of a sum" if generally_separable(few, groups).passed else "function"


def _root_kind(source: Source, branches: Sequence[Tree], d: Derivatives) -> str:
    pairs = [(i, j) for a, b in combinations(branches, 2) for i in a.variables for j in b.variables]
    if worst(additive(d, i, j) for i, j in pairs).passed:
        return "sum"
    if worst(multiplicative(d, i, j) for i, j in pairs).passed:
        return "product"
    return _kind(source, branches, d)


def _strongest(branch: Tree, d: Derivatives) -> int:
    """The variable of a branch that the function changes with the most."""
    change = np.abs(d.gradient).mean(axis=0) * np.ptp(d.x, axis=0)
    return max(branch.variables, key=lambda i: float(change[i]))


def _typical(d: Derivatives, columns: Sequence[int]) -> int:
    """The number of the point nearest to the middle at which slopes by these columns are of usual size.

    At the middle itself the function may vanish, whatever these variables are; far from it less is known of
    samples.
    """
    slopes = np.abs(d.gradient[:, columns])
    with np.errstate(divide="ignore"):
        off = np.abs(np.log(slopes / np.sqrt(np.mean(np.square(slopes), axis=0)))).max(axis=1)
    away = np.square((d.x - np.median(d.x, axis=0)) / np.ptp(d.x, axis=0)).sum(axis=1)
    return int(np.argmin(np.where(off <= max(_USUAL, float(off.min())), away, np.inf)))


def _idle(d: Derivatives, i: int) -> bool:
    def change(d: Derivatives) -> FloatArray:
        return d.gradient[:, i] * float(np.ptp(d.x[:, i]))

    return tested(d, change, np.full(len(d.x), d.spread)).passed


def _renumbered(tree: Tree, columns: Sequence[int]) -> Tree:
    own = tuple(columns[i] for i in tree.variables)
    return Tree(tree.kind, own, tuple(_renumbered(branch, columns) for branch in tree.branches))
