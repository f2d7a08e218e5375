"""Methods that start a model anew from something else: random splines, samples, another model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np.inspection.model_type import KanModel, M
from kan_np.inspection.samples import network_inputs
from kan_np.methods.history import recorded
from kan_np.surgery import perturbation
from kan_np.surgery.other_grids import with_grid


@recorded
def perturb(
    model: KanModel,
    mag: float = 1.0,
    mode: str = "non-intrusive",
    *,
    seed: int | np.random.Generator = 0,
    x: ArrayLike | dict[str, Any] | None = None,
) -> None:
    """Put random splines on edges, in place, so that they can be trained; pykan's ``perturb``.

    For networks that were compiled from a formula (`kanpiler`), or given more nodes (`expand_width`).

    Parameters
    ----------
    model : KAN
    mag : float
        Magnitude: 1 is that of the splines of a new model.
    mode : {"non-intrusive", "all", "minimal"}
        "non-intrusive": edges to nodes that have none, from all nodes below, and where edges to the outputs
        are missing splines that are zero. The function stays. "minimal": the edges that are there. "all": all
        edges, missing ones, too. The last two make symbols splines first, the nearest on their grids: an edge
        has one function, where pykan adds a spline to the symbol.
    seed : int or numpy.random.Generator
    x : array_like of shape (n_samples, n_in), or dataset, optional
        Samples, which the grids follow first: they should where symbols become splines.

    Raises
    ------
    ValueError, TypeError
        For an unknown mode, a magnitude below 0, samples that ``model(x)`` refuses, and symbols without a
        finite spline on their grid. The model is then unchanged.

    Examples
    --------
    >>> import sympy
    >>> from kan_np import kanpiler
    >>> u, v = sympy.symbols("u v")
    >>> model = kanpiler([u, v], sympy.sin(u) + v**2)
    >>> before, n_params = model([[0.3, 0.4]]), model.n_params
    >>> model.expand_depth()
    >>> model.expand_width(1, 3)
    >>> model.perturb()
    >>> bool((model([[0.3, 0.4]]) == before).all()), model.n_params > n_params
    (True, True)
    """
    mag = _validate.real("mag", mag, 0.0)
    rng = _validate.generator("seed", seed)
    moved = model.copy()
    if x is not None:
        moved._move_grid(network_inputs(model, x))
    model._reshape(perturbation.perturbed(moved._network, mag, mode, rng))


@recorded
def initialize_from_another_model(
    model: M, another_model: M, x: ArrayLike | dict[str, Any] | None = None
) -> M:
    """Take over the function of another model, in place, on grids with the number of intervals of this one.

    pykan's function of this name, and its ``initialize_grid_from_another_model``. `refine` returns a new
    model instead. The finer grid of the same range is exact where the number of intervals is a multiple.
    Symbols, products, locks and what the other knows of its data are taken over, too.

    Parameters
    ----------
    model : KAN
    another_model : KAN
        Of the same width.
    x : array_like of shape (n_samples, n_in), or dataset, optional
        Samples: grids cover their values in the other model, by ``grid_eps``. Without such they cover the
        ranges of its grids.

    Returns
    -------
    KAN
        The model itself.

    Raises
    ------
    ValueError, TypeError
        For a model of another kind, width or order, and samples that ``another_model(x)`` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> coarse, fine = KAN([2, 5, 1], grid=3, seed=0), KAN([2, 5, 1], grid=12, seed=1)
    >>> fine.initialize_from_another_model(coarse).grid
    12
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> bool(abs(fine(x) - coarse(x)).max() < 1e-12)
    True
    """
    if not isinstance(another_model, type(model)):
        raise TypeError(f"another_model is {_validate.shown(another_model)}; expected a model like this one.")
    own, other = model._network, another_model._network
    for name, here, there in (
        ("width", own.width, other.width),
        ("number of factors", own.arities, other.arities),
        ("order k", own.k, other.k),
        ("base function", own.base_fun, other.base_fun),
    ):
        if here != there:
            raise ValueError(f"another_model has the {name} {there!r}; expected that of this one, {here!r}.")
    samples = None if x is None else network_inputs(another_model, x)
    taken = with_grid(other, model.grid, samples, model.grid_eps, model.grid_margin)
    model.scaler, model._used = another_model.scaler, another_model._used.copy()
    model._columns, model._loss = another_model._columns, another_model._loss
    model._training_range, model._followed = another_model._training_range, another_model._followed
    model._leeway, model._constant = another_model._leeway, None
    model._network = taken
    return model
