"""auto_symbolic: a symbol for every edge that one fits, the surest first.

On an edge, errors count by what they do to the outputs: samples are weighted with the squared derivative of
the outputs by the edge, and the error of the model, divided by its root mean square, is the noise below which
two symbols fit alike (`kan_np.symbolic.suggest`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.functions.library import SymbolLibrary, default_library
from kan_np.network.edge_index import EdgeIndex
from kan_np.surgery.attribution import default_samples
from kan_np.surgery.symbolic_edges import fix_symbolic
from kan_np.symbolic.curves import Curve, curves
from kan_np.symbolic.fit_symbol import SymbolFit
from kan_np.symbolic.suggest import suggest_symbolic

if TYPE_CHECKING:
    from kan_np.training.views import Views


#: Points of an edge that symbols are fitted to.
_POINTS = 300
#: With labels, a symbol may leave this many times the error of the splines, after training.
_WORSE = 10.0


@dataclass(frozen=True)
class AutoSymbolic(Mapping[EdgeIndex, SymbolFit]):
    """What `auto_symbolic` did: the fit of every edge that became a symbol, in that order.

    Attributes
    ----------
    fits : dict from (l, i, j) to SymbolFit
    splines : tuple of places
        Edges that stay splines.
    rmse : list of float
        Error of the model on the samples before the first symbol and after each; empty without labels.
    """

    fits: dict[EdgeIndex, SymbolFit]
    splines: tuple[EdgeIndex, ...]
    rmse: list[float] = field(default_factory=list)

    def __getitem__(self, place: EdgeIndex) -> SymbolFit:
        """Fit of one edge."""
        return self.fits[place]

    def __iter__(self) -> Iterator[EdgeIndex]:
        """Edges that became symbols."""
        return iter(self.fits)

    def __len__(self) -> int:
        """Number of edges that became symbols."""
        return len(self.fits)

    def __repr__(self) -> str:
        """Symbols by edge, and the splines."""
        found = ", ".join(f"{place}: {fit.name}, r2={fit.r2:.6f}" for place, fit in self.fits.items())
        return f"AutoSymbolic({{{found}}}, splines={list(self.splines)})"


def auto_symbolic(
    model: Views,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    lib: Sequence[str] | None = None,
    library: SymbolLibrary | None = None,
    edges: Sequence[EdgeIndex] | None = None,
    min_r2: float = 0.99,
    steps: int = 10,
) -> AutoSymbolic:
    """Make symbols of the edges that symbols fit, in place; the others stay splines.

    Parameters
    ----------
    model : KAN
        Changed in place.
    x : array_like of shape (n_samples, n_in), optional
        Samples, such as ``dataset["train_input"]``; spread over the grids of the inputs if None.
    y : array_like of shape (n_samples, n_out), optional
        Labels. With them the error of the model says what differences between symbols mean, the model is
        trained for some steps after each symbol, and a symbol that leaves ten times the error of the
        splines is taken back.
    lib : sequence of str, optional
        Names to try; all of the library if None.
    library : SymbolLibrary, optional
        `default_library()` if None.
    edges : sequence of (l, i, j), optional
        Edges to look at; all splines if None.
    min_r2 : float
        Least part of the variance of an edge that a symbol must explain.
    steps : int
        Steps of Levenberg-Marquardt after each symbol, with labels.

    Returns
    -------
    AutoSymbolic

    Raises
    ------
    ValueError, TypeError
        For unknown names or edges, and samples that ``model(x)`` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, create_dataset
    >>> from kan_np.surgery.auto_symbolic import auto_symbolic
    >>> f = lambda x: np.sin(3 * x[:, [0]]) + x[:, [1]] ** 2
    >>> dataset = create_dataset(f, n_var=2, train_num=300, seed=0)
    >>> model = KAN([2, 1], grid=8, seed=0)
    >>> _ = model.fit(dataset, opt="LM", steps=20)
    >>> found = auto_symbolic(model, dataset["train_input"], dataset["train_label"], lib=["x", "x^2", "sin"])
    >>> [found[place].name for place in sorted(found)], found.splines
    (['sin', 'x^2'], ())
    """
    min_r2 = _validate.real("min_r2", min_r2)
    steps = _validate.integer("steps", steps, 0)
    samples = _checked_samples(model, x)
    labels = None if y is None else _checked_labels(model, samples, y)
    library = default_library() if library is None else library
    if lib is not None:
        library = SymbolLibrary(library.select(lib))
    left = _places(model, samples, edges)
    fits: dict[EdgeIndex, SymbolFit] = {}
    history = [] if labels is None else [model._rmse(samples, labels)]
    first, stays = (history[0] if history else 0.0), []
    while left:
        error = history[-1] if history else 0.0
        found = curves(model._network, samples)
        left = [place for place in left if place in found]  # edges locked with a fixed one are fixed too
        if not left:
            break
        best = {place: _best(found[place], error, library) for place in left}
        place = min(left, key=lambda place: best[place].one_minus_r2)
        left.remove(place)
        fit, before = best[place], model._network
        if fit.r2 < min_r2 and found[place].y.std() > 0:
            stays.append(place)
            continue
        fix_symbolic(model, *place, fit.symbol, fit=False, a=fit.a, b=fit.b, c=fit.c, d=fit.d)
        if labels is not None:
            _train(model, samples, labels, steps)
            error = model._rmse(samples, labels)
            if not error <= max(_WORSE * first, 1e-12 * float(np.abs(labels).max())):
                model._network = before
                stays.append(place)
                continue
            history.append(error)
        fits[place] = fit
    return AutoSymbolic(fits, tuple(sorted(stays)), history)


def _best(curve: Curve, error: float, library: SymbolLibrary) -> SymbolFit:
    some = curve.thinned(_POINTS)
    weight = np.square(some.gain)
    usable = bool(np.isfinite(weight).all() and weight.max() > 0)
    noise = error / curve.mean_gain if usable else 0.0
    return suggest_symbolic(
        some.x, some.y, library=library, top=1, noise=noise, weight=weight if usable else None
    )[0]


def _train(model: Views, x: FloatArray, y: FloatArray, steps: int) -> None:
    from kan_np.objective.sparsity_penalty import Penalty
    from kan_np.optimize.levenberg_marquardt import minimize

    if steps == 0:
        return
    with one_thread():
        objective = model._objective(x, y, Penalty(), None, 0.0)
        model._theta = minimize(objective, model._theta, steps, lambda _: False).theta


def _places(model: Views, samples: FloatArray, edges: Sequence[EdgeIndex] | None) -> list[EdgeIndex]:
    splines = list(curves(model._network, samples[:2]))
    if edges is None:
        return splines
    asked = [tuple(int(q) for q in place) for place in edges]
    unknown = [place for place in asked if place not in splines]
    if unknown:
        raise ValueError(f"edges has {unknown}; expected some of the spline edges {splines}.")
    return [place for place in splines if place in asked]


def _checked_samples(model: Views, x: ArrayLike | None) -> FloatArray:
    if x is None:
        return default_samples(model)
    samples = _validate.matrix("x", model._select("x", x), model.width[0])
    model._network.check_inputs(samples)
    return samples


def _checked_labels(model: Views, samples: FloatArray, y: ArrayLike) -> FloatArray:
    labels = np.asarray(y, dtype=np.float64)
    labels = _validate.matrix("y", labels[:, None] if labels.ndim == 1 else labels, model.width[-1])
    if labels.shape[0] != samples.shape[0]:
        raise ValueError(
            f"y has {labels.shape[0]} rows and x {samples.shape[0]}; expected as many, x being given with y."
        )
    return labels


def suggest_edge(
    model: Views,
    l: int,  # noqa: E741
    i: int,
    j: int,
    x: ArrayLike | None = None,
    *,
    lib: Sequence[str] | None = None,
    library: SymbolLibrary | None = None,
    top: int = 5,
    noise: float | None = None,
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
        `default_library()` if None.
    top : int
        How many to return.
    noise : float, optional
        Error of the outputs below which differences mean nothing, such as the RMSE of the model.

    Returns
    -------
    list of SymbolFit
        As `suggest_symbolic` ranks them, samples being weighted as `auto_symbolic` does.

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
    samples = _checked_samples(model, x)
    found = curves(model._network, samples, symbols=True)
    place = l, i, j
    if place not in found:
        raise ValueError(f"there is no edge {place}; expected one of {list(found)}.")
    some = found[place].thinned(_POINTS)
    weight = np.square(some.gain)
    usable = bool(np.isfinite(weight).all() and weight.max() > 0)
    given = None if noise is None else _validate.real("noise", noise, 0.0)
    return suggest_symbolic(
        some.x,
        some.y,
        library=library,
        lib=lib,
        top=top,
        noise=given / found[place].mean_gain if given is not None and usable else None,
        weight=weight if usable else None,
    )
