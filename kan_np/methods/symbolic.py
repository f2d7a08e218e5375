"""Methods that make edges symbols, or splines again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._time_limit import Limits
from kan_np.edges.symbol import CONSTANTS
from kan_np.functions.library import SymbolLibrary, checked_library
from kan_np.functions.symbol import Symbol
from kan_np.inspection.model_type import KanModel
from kan_np.methods.history import recorded
from kan_np.network.edge_index import EdgeIndex, checked_edge
from kan_np.surgery import auto_symbolic as automatic
from kan_np.surgery import symbolic_edges
from kan_np.surgery.auto_symbolic import AutoSymbolic
from kan_np.symbolic.fit_symbol import SymbolFit
from kan_np.training.progress import SearchCallback, Watch, progress_bar


@recorded
def fix_symbolic(
    model: KanModel,
    l: int,  # noqa: E741
    i: int,
    j: int,
    symbol: str | Symbol,
    *,
    x: ArrayLike | None = None,
    fit: bool = True,
    a: float | None = None,
    b: float | None = None,
    c: float | None = None,
    d: float | None = None,
    library: SymbolLibrary | None = None,
) -> SymbolFit:
    """Make the edge from node i of layer l to subnode j of the next a symbol: c f(a x + b) + d.

    The constants are trained on with the rest of the model. Edges that are locked with this one become
    the same symbol. ``"0"`` cuts an edge down to a constant.

    Parameters
    ----------
    model : KAN
    l, i, j : int
        Layer, source and subnode, counted from 0.
    symbol : str or Symbol
        f, by its name in the library.
    x : array_like of shape (n_samples, n_in), optional
        Samples; where they reach the edge, the symbol is fitted to it. If not given, it is fitted over
        the grid of the edge.
    fit : bool
        Whether to fit the constants; else they are those given.
    a, b, c, d : float, optional
        For ``fit=False``: 1, 0, 1, 0 if not given.
    library : SymbolLibrary, optional
        Where a name is looked up; `kan_np.symbolic.default_library` if None.

    Returns
    -------
    SymbolFit
        The constants, and how well they fit the edge as it was.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge or symbol, for constants with ``fit=True``, and where the edge is not
        finite on the samples. The model is then unchanged.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], seed=0)
    >>> fitted = model.fix_symbolic(0, 0, 0, "sin", fit=False, a=2.0)
    >>> model.fix_symbolic(0, 1, 0, "x").name
    'x'
    >>> {edge: symbol.name for edge, symbol in model.symbols.items()}, model.n_params
    ({(0, 0, 0): 'sin', (0, 1, 0): 'x'}, 6)
    """
    edge = checked_edge(model.edges, (l, i, j))
    if not isinstance(symbol, Symbol):
        symbol = checked_library(library)[symbol]
    constants = zip(CONSTANTS, (a, b, c, d), strict=True)
    given = {name: _validate.real(name, value) for name, value in constants if value is not None}
    if fit and given:
        raise ValueError(
            f"{', '.join(given)} given with fit=True; expected constants only with fit=False. Without "
            "them the constants are fitted to the edge."
        )
    samples = None if x is None else model._samples(x)
    fixed = symbolic_edges.fix_symbolic(model._network, edge, symbol, samples, None if fit else given)
    model._network = fixed.network
    return fixed.fit


@recorded
def unfix_symbolic(model: KanModel, l: int, i: int, j: int) -> None:  # noqa: E741
    """Make a symbolic edge the spline that is nearest to it on its grid, by least squares.

    Edges that are locked with it become the same spline, on a common grid.

    Parameters
    ----------
    model : KAN
    l, i, j : int
        Layer, source and subnode, counted from 0.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge, or it is no symbol.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([1, 1], grid=10, seed=0)
    >>> fitted = model.fix_symbolic(0, 0, 0, "sin", fit=False)
    >>> before = model([[0.5]])
    >>> model.unfix_symbolic(0, 0, 0)
    >>> bool(abs(model([[0.5]]) - before) < 1e-6), model.symbols
    (True, {})
    """
    edge = checked_edge(model.edges, (l, i, j))
    model._network = symbolic_edges.unfix_symbolic(model._network, edge)


def suggest_symbolic(
    model: KanModel,
    l: int,  # noqa: E741
    i: int,
    j: int,
    x: ArrayLike | None = None,
    *,
    lib: Sequence[str] | None = None,
    library: SymbolLibrary | None = None,
    top: int = 5,
    noise: float | None = None,
    compose: bool = False,
) -> list[SymbolFit]:
    """Which symbols the edge from node i of layer l to subnode j of the next may be, best first.

    Parameters
    ----------
    model : KAN
    l, i, j : int
        Layer, source and subnode, counted from 0.
    x : array_like of shape (n_samples, n_in), optional
        Samples, such as ``dataset["train_input"]``; spread over the grids of the inputs if None.
    lib : sequence of str, optional
        Names to try; all of the library if None.
    library : SymbolLibrary, optional
        `kan_np.symbolic.default_library` if None.
    top : int
        How many to return.
    noise : float, optional
        Error of the outputs below which differences mean nothing, such as the RMSE of the model; in the
        units of the data.
    compose : bool
        Where no symbol fits, offer sums and products of a few functions as well, such as x^3 - x.

    Returns
    -------
    list of SymbolFit
        As `kan_np.symbolic.suggest_symbolic` ranks them, samples being weighted as for `auto_symbolic`.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge, for unknown names, and samples that ``model(x)`` refuses.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], seed=0)
    >>> _ = model.fix_symbolic(0, 0, 0, "tanh", fit=False, a=2.0)
    >>> model.suggest_symbolic(0, 0, 0, lib=["x", "tanh", "sin"], top=1)[0].name
    'tanh'
    """
    edge = checked_edge(model.edges, (l, i, j))
    samples = model._samples_or_spread(x)
    noise = None if noise is None else _validate.real("noise", noise, 0.0)
    if noise is not None and model.scaler is not None:
        noise /= float(np.sqrt(np.mean(np.square(model.scaler.label_scale))))
    return automatic.suggest_edge(
        model._network, edge, samples, lib=lib, library=library, top=top, noise=noise, compose=compose
    )


@recorded
def auto_symbolic(
    model: KanModel,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    lib: Sequence[str] | None = None,
    library: SymbolLibrary | None = None,
    edges: Sequence[EdgeIndex] | None = None,
    min_r2: float = 0.99,
    steps: int = 10,
    seconds: float | None = None,
    max_seconds: float | None = None,
    progress: bool = False,
    callback: SearchCallback | None = None,
    compose: bool = False,
) -> AutoSymbolic:
    """Make symbols of the edges that symbols fit, in place, the surest first; the others stay splines.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in), optional
        Samples, such as ``dataset["train_input"]``; spread over the grids of the inputs if None.
    y : array_like of shape (n_samples, n_out), optional
        Labels. With them the error of the model says what differences between symbols mean, the model is
        trained for some steps after each symbol, and a symbol that leaves ten times the error of the
        splines is taken back.
    lib : sequence of str, optional
        Names to try; all of the library if None.
    library : SymbolLibrary, optional
        `kan_np.symbolic.default_library` if None.
    edges : sequence of (l, i, j), optional
        Edges to look at; all splines if None.
    min_r2 : float
        Least part of the variance of an edge that a symbol must explain.
    steps : int
        Steps of Levenberg-Marquardt after each symbol, with labels.
    seconds, max_seconds : float, optional
        Limits of processor time of the thread and of wall-clock time: edges that are no symbols by then
        stay splines.
    progress : bool
        Show a bar on a terminal.
    callback : callable, optional
        Takes a `kan_np.SearchProgress` after every edge; True ends it there, and the others stay splines.
    compose : bool
        Whether an edge that no symbol fits may be a sum or product of a few functions, such as x^3 - x or
        x exp(-x) (`kan_np.symbolic.small_formulas`).

    Returns
    -------
    AutoSymbolic
        The fit of every edge that became a symbol, by (l, i, j), `splines` that stay, and `rmse`.

    Raises
    ------
    ValueError, TypeError
        For unknown names or edges, and samples that ``model(x)`` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, create_dataset
    >>> f = lambda x: np.sin(3 * x[:, [0]]) + x[:, [1]] ** 2
    >>> dataset = create_dataset(f, n_var=2, train_num=300, seed=0)
    >>> x, y = dataset["train_input"], dataset["train_label"]
    >>> model = KAN([2, 1], grid=8, seed=0)
    >>> _ = model.fit(dataset, opt="LM", steps=20)
    >>> found = model.auto_symbolic(x, y, lib=["x", "x^2", "sin"])
    >>> [found[edge].name for edge in sorted(found)], found.splines
    (['sin', 'x^2'], ())
    """
    min_r2 = _validate.real("min_r2", min_r2)
    steps = _validate.integer("steps", steps, 0)
    samples = model._samples_or_spread(x)
    labels = model._labels(y, len(samples))
    library = checked_library(library)
    if lib is not None:
        library = SymbolLibrary(library.select(lib))
    error = 0.0 if labels is None else model._rmse(samples, labels)
    unit = None if model.scaler is None else model.scaler.label_scale
    limit = Limits(seconds, max_seconds)
    n_edges = model._network.topology.n_edges if edges is None else None
    with progress_bar("symbols of edges", n_edges, progress) as show:
        watch = Watch(show, callback, n_edges)
        symbolic = automatic.auto_symbolic(
            model._network,
            samples,
            labels,
            library,
            error=error,
            edges=edges,
            min_r2=min_r2,
            steps=steps,
            unit=unit,
            over=lambda: watch.stopped or limit(),
            show=watch,
            compose=compose,
        )
    model._network = symbolic.network
    return symbolic.found
