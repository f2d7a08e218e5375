"""A differential equation as a sum of squares: terms that are 0 where equation, boundary and data are met."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np._warnings import Finding, KanWarning, warn
from kan_np.jets.multi_index import DerivativeSet
from kan_np.pde.form import Form
from kan_np.pde.names import Names
from kan_np.pde.points import Sampler, given
from kan_np.pde.residual import Residual

#: A weight that makes all terms with it move the parameters alike; see `kan_np.pde.objective`.
BALANCED = "balanced"


class PdeWarning(KanWarning):
    """Something about an equation that is probably not meant."""


class Term:
    """One condition: a residual that is to be 0 (or a target) at points.

    Its part of the objective is  weight * mean over the points of (residual - target)^2.

    Parameters
    ----------
    residual : str, sympy.Expr or callable
        "u_t - D*u_xx" or a function whose arguments have such names and are arrays of shape (n,),
        ``lambda u_t, u_xx, D: u_t - D * u_xx``; see `kan_np.pde.residual`.
    at : Sampler or array_like of shape (n, n_coordinates)
        Points, or what draws them: `grid`, `sobol`, `uniform`, `boundary`.
    weight : float or "balanced"
    target : array_like of shape (n,), optional
        Values of the residual, in place of 0, at given points: data, or the right side of an equation.
    name : str, optional
        For tables; the residual itself if None.
    derivatives : callable, optional
        Derivatives of a function by its arguments, as a dict by name; by the complex step if None.

    Examples
    --------
    >>> from kan_np.pde import Term, grid
    >>> Term("u_xx + u_yy", at=grid([(-1, 1), (-1, 1)], 20), weight=0.01).weight
    0.01
    """

    def __init__(
        self,
        residual: Any,
        at: Sampler | ArrayLike,
        *,
        weight: float | str = 1.0,
        target: ArrayLike | None = None,
        name: str | None = None,
        derivatives: Callable[..., Mapping[str, Any]] | None = None,
    ) -> None:
        self.definition, self.at, self.name = residual, at, name
        if isinstance(weight, str):
            self.weight: float | str = _validate.choice("weight", weight, (BALANCED,))
        else:
            self.weight = _validate.real("weight", weight, 0.0)
        self.target = None if target is None else _validate.vector("target", target)
        if self.target is not None and isinstance(at, Sampler):
            raise ValueError("a target belongs to given points; expected an array of points as `at`.")
        self.derivatives = derivatives


class BoundTerm:
    """A term of a problem, with its names resolved.

    Attributes
    ----------
    name : str
    residual : Residual
    sampler : Sampler
    weight : float or "balanced"
    target : ndarray or None
    is_data : bool
        Whether it compares the functions themselves with a target, which may be noisy. A target of
        derivatives is the right side of an equation.
    """

    def __init__(self, term: Term, names: Names) -> None:
        self.residual = Residual(term.definition, names, term.derivatives)
        self.name = term.name or self.residual.shown
        n = len(names.coordinates)
        self.sampler = term.at if isinstance(term.at, Sampler) else given(term.at, n)
        self.weight, self.target = term.weight, term.target
        self._found = [own for name in self.residual.sought if (own := names.derivative(name)) is not None]
        self.is_data = self.target is not None and not any(index for _, index in self._found)
        points = self.sampler.points()
        if points.ndim != 2 or points.shape[1] != n:
            raise ValueError(
                f"the points of {self.name!r} have shape {points.shape}; expected (n, {n}) for the "
                f"coordinates {', '.join(names.coordinates)}."
            )
        if self.target is not None and self.target.size != len(points):
            raise ValueError(
                f"the target of {self.name!r} has {self.target.size} values and {len(points)} points; "
                f"expected as many."
            )

    def is_condition(self, form: Form) -> bool:
        """Whether it fixes one of many solutions: data, values of an output, or points on the boundary."""
        if not any(index for _, index in self._found):
            return bool(self._found)
        points = self.sampler.points()
        room = 1e-9 * (form.high - form.low)
        on_face = (points <= form.low + room) | (points >= form.high - room)
        return bool(on_face.any(axis=1).all())


class Problem:
    """A differential equation, its conditions and data, and how the functions are made of a network.

    Parameters
    ----------
    terms : sequence of Term
    coordinates : sequence of str
    domain : sequence of (low, high)
        Of every coordinate.
    outputs : sequence of str
        The functions that are looked for.
    unknowns : mapping of str to float, optional
        Numbers that are looked for, too, with first guesses: an inverse problem.
    lift, factor : expression or mapping of output to expression, optional
        u = lift + factor * network; see `kan_np.pde.form`.
    periodic : sequence of str
        Coordinates in which the functions are periodic.

    Examples
    --------
    >>> from kan_np.pde import Problem, Term, boundary, grid
    >>> box = [(-1.0, 1.0), (-1.0, 1.0)]
    >>> problem = Problem(
    ...     [
    ...         Term("u_xx + u_yy + 2*pi**2*sin(pi*x)*sin(pi*y)", at=grid(box, 20), name="equation"),
    ...         Term("u", at=boundary(box, 20), weight=100.0, name="boundary"),
    ...     ],
    ...     coordinates=("x", "y"),
    ...     domain=box,
    ... )
    >>> problem
    Problem(u of x, y; 2 terms: equation, boundary)
    """

    def __init__(
        self,
        terms: Sequence[Term],
        coordinates: Sequence[str],
        domain: Sequence[tuple[float, float]],
        outputs: Sequence[str] = ("u",),
        *,
        unknowns: Mapping[str, float] | None = None,
        lift: Any = None,
        factor: Any = None,
        periodic: Sequence[str] = (),
    ) -> None:
        guesses = {} if unknowns is None else dict(unknowns)
        self.names = Names(tuple(coordinates), tuple(outputs), tuple(guesses))
        self.unknowns = {name: _validate.real(name, value) for name, value in guesses.items()}
        self.form = Form(self.names, domain, periodic, lift, factor)
        if not terms:
            raise ValueError("a problem has no terms; expected at least one Term.")
        self.terms = [BoundTerm(term, self.names) for term in terms]
        names = [term.name for term in self.terms]
        for number, term in enumerate(self.terms):
            if names.count(term.name) > 1:
                term.name = f"{term.name} ({names[: number + 1].count(term.name)})"
        for term in self.terms:
            self._refuse_outside(term)
        self._check_sought()

    @property
    def n_inputs(self) -> int:
        """Inputs that a network for it has."""
        return self.form.n_inputs

    @property
    def n_outputs(self) -> int:
        """Outputs that a network for it has."""
        return len(self.names.outputs)

    def _refuse_outside(self, term: BoundTerm) -> None:
        points, form = term.sampler.points(), self.form
        room = 1e-9 * (form.high - form.low)
        outside = ~((points >= form.low - room) & (points <= form.high + room)).all(axis=1)
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            limits = zip(self.names.coordinates, form.low, form.high, strict=True)
            raise ValueError(
                f"{int(outside.sum())} of {len(points)} points of {term.name!r} lie outside of the domain, "
                f"the first is point {row}, {points[row].tolist()}; expected "
                f"{', '.join(f'{a:g} <= {x} <= {b:g}' for x, a, b in limits)}."
            )

    def _check_sought(self) -> None:
        """Every output and unknown has to be in a term; a differential equation needs conditions."""
        sought = {name for term in self.terms for name in term.residual.sought}
        found = {
            self.names.outputs[own[0]] for name in sought if (own := self.names.derivative(name)) is not None
        }
        missing = [u for u in self.names.outputs if u not in found]
        missing += [p for p in self.names.unknowns if p not in sought]
        if missing:
            raise ValueError(f"{missing[0]!r} is in none of the terms; expected it in an equation.")
        fixed = not self.form.is_plain or any(term.is_condition(self.form) for term in self.terms)
        # measured derivatives beside an equation
        fixed = fixed or len({term.target is None for term in self.terms}) > 1
        if not fixed:
            text = (
                "the problem has no term for a boundary, an initial value or data: many functions satisfy "
                "the equation. Add one, such as Term('u', at=boundary(...)), or a lift and a factor."
            )
            warn([Finding(text, PdeWarning)])

    def network_inputs(self, points: FloatArray) -> FloatArray:
        """Inputs of the network at points (n, n_coordinates): (n, n_inputs)."""
        return self.form.inputs(points, DerivativeSet(((),)))[0].T

    def points(self, round_: int = 0) -> list[FloatArray]:
        """The points of every term."""
        return [term.sampler.points(round_) for term in self.terms]

    def __repr__(self) -> str:
        n = len(self.terms)
        unknown = f", {', '.join(self.names.unknowns)} unknown" if self.names.unknowns else ""
        return (
            f"Problem({', '.join(self.names.outputs)} of {', '.join(self.names.coordinates)}{unknown}; "
            f"{n} term{'s' * (n != 1)}: {', '.join(term.name for term in self.terms)})"
        )
