"""What a lift, a factor and periodic coordinates build in, as conditions on functions not made of them.

u = g + m N is g where m vanishes, whatever the network N is, and so are its first derivatives across a face
where those of m vanish too. A formula that is found for u itself has to be told so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np.jets.multi_index import DerivativeSet, MultiIndex
from kan_np.kernels.jet_splines import HIGHEST
from kan_np.pde.form import Form
from kan_np.pde.points import boundary

#: Points along every coordinate of a face.
_POINTS = 17
#: A factor below this part of its derivatives vanishes.
_NOTHING = 1e-12


@dataclass(frozen=True)
class BuiltIn:
    """A derivative of an output that is given on a face.

    Attributes
    ----------
    output : int
    index : MultiIndex
        Which derivative.
    points : ndarray of shape (n, n_coordinates)
    target : ndarray of shape (n,)
    opposite : ndarray of shape (n, n_coordinates), optional
        Where the same derivative is taken away: the other end of a periodic coordinate.
    """

    output: int
    index: MultiIndex
    points: FloatArray
    target: FloatArray
    opposite: FloatArray | None = None


def built_in_conditions(form: Form) -> list[BuiltIn]:
    """All that the form of the functions says of their values on the faces of the domain."""
    found: list[BuiltIn] = []
    for i, name in enumerate(form.names.coordinates):
        if name in form.periodic:
            found += _periodic(form, i)
            continue
        for end in ("low", "high"):
            found += _on_face(form, i, end)
    return found


def _face(form: Form, i: int, end: str) -> FloatArray:
    bounds = list(zip(form.low.tolist(), form.high.tolist(), strict=True))
    return boundary(bounds, _POINTS, sides=[(i, end)]).points()


def _on_face(form: Form, i: int, end: str) -> list[BuiltIn]:
    points, derivatives = _face(form, i, end), DerivativeSet.containing([(i,) * HIGHEST])
    lift, factor = form.lift(points, derivatives), form.factor(points, derivatives)
    if factor is None:
        return []
    found = []
    for output in range(len(form.names.outputs)):
        size = float(np.abs(factor[:, output]).max())
        for order in range(HIGHEST):
            place = derivatives.number[(i,) * order]
            if float(np.abs(factor[place, output]).max()) > _NOTHING * size:
                break
            target = np.zeros(len(points)) if lift is None else lift[place, output]
            found.append(BuiltIn(output, (i,) * order, points, target))
    return found


def _periodic(form: Form, i: int) -> list[BuiltIn]:
    low, high = _face(form, i, "low"), _face(form, i, "high")
    outputs = range(len(form.names.outputs))
    return [
        BuiltIn(output, (i,) * order, low, np.zeros(len(low)), high)
        for output in outputs
        for order in range(HIGHEST)
    ]
