"""set_mode: an edge becomes a spline or a symbol, by pykan's letters."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np.functions.library import SymbolLibrary
from kan_np.inspection.model_type import KanModel
from kan_np.inspection.samples import network_inputs
from kan_np.methods.history import recorded
from kan_np.network.edge_index import checked_edge
from kan_np.surgery import auto_symbolic, edge_families, symbolic_edges

_SYMBOL, _SPLINE = "s", "n"
MODES = (_SYMBOL, _SPLINE, "sn", "ns")


@recorded
def set_mode(
    model: KanModel,
    l: int,  # noqa: E741
    i: int,
    j: int,
    mode: str,
    *,
    x: ArrayLike | dict[str, Any] | None = None,
    library: SymbolLibrary | None = None,
) -> None:
    """Make an edge numeric or symbolic, in place; pykan's ``set_mode``.

    An edge has one function, where pykan's have a spline and a symbol that are shown or hidden. Nothing is
    remembered: "s" takes the symbol that fits the edge best as it is now.

    Parameters
    ----------
    model : KAN
    l, i, j : int
        Layer, source and subnode, counted from 0.
    mode : {"s", "n", "sn", "ns"}
        "s": a symbol; the first of `suggest_symbolic`, if it is none yet. "n", and "sn" and "ns", by which
        pykan trains a spline beside the symbol: a spline, the nearest to the symbol on its grid.
    x : array_like of shape (n_samples, n_in), or dataset, optional
        Samples, where the symbol is fitted; spread over the grids of the inputs if None.
    library : SymbolLibrary, optional
        `kan_np.symbolic.default_library` if None.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge or mode, for samples that ``model(x)`` refuses, and where no symbol or spline
        comes near the edge.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([1, 1], grid=10, seed=0)
    >>> _ = model.fix_symbolic(0, 0, 0, "sin", fit=False, a=2.0)
    >>> model.set_mode(0, 0, 0, "n")
    >>> model.symbols
    {}
    >>> model.set_mode(0, 0, 0, "s")
    >>> model.symbols[0, 0, 0].name
    'sin'
    """
    edge = checked_edge(model.edges, (l, i, j))
    _validate.choice("mode", mode, MODES)
    net = model._network
    if mode != _SYMBOL:
        if edge in net.structure.symbols:
            model._network = symbolic_edges.unfix_symbolic(net, edge)
        elif edge in net.families:
            model._reshape(edge_families.set_family(net, edge[0], "bspline", [edge[1:]]))
        return
    if edge in net.structure.symbols:
        return
    samples = network_inputs(model, x)
    found = auto_symbolic.suggest_edge(net, edge, samples, library=library, top=1)
    if not found:
        raise ValueError(f"no symbol comes near edge {edge}; expected one to be named, by fix_symbolic.")
    model._network = symbolic_edges.fix_symbolic(net, edge, found[0].symbol, samples).network
