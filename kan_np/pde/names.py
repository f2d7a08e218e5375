"""Names in an equation: coordinates, outputs and their derivatives (u, u_x, u_xy), unknown numbers."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from kan_np.jets.multi_index import MultiIndex
from kan_np.kernels.jet_splines import HIGHEST


@dataclass(frozen=True)
class Names:
    """What an equation may speak of.

    Attributes
    ----------
    coordinates : tuple of str
        Columns of the points: ("x", "t").
    outputs : tuple of str
        Functions that are looked for: ("u",).
    unknowns : tuple of str
        Numbers that are looked for with them, such as a diffusivity.

    Examples
    --------
    >>> names = Names(("x", "t"), ("u",), ("D",))
    >>> names.derivative("u_xx"), names.derivative("u_xt"), names.derivative("x")
    ((0, (0, 0)), (0, (0, 1)), None)
    """

    coordinates: tuple[str, ...]
    outputs: tuple[str, ...]
    unknowns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        every = (*self.coordinates, *self.outputs, *self.unknowns)
        for name in every:
            if not (isinstance(name, str) and name.isidentifier()):
                raise ValueError(f"{name!r} is no name; expected letters and digits, such as 'x' or 'u1'.")
        twice = sorted({name for name in every if every.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} is used twice among coordinates, outputs and unknowns.")

    def derivative(self, name: str) -> tuple[int, MultiIndex] | None:
        """Number of the output and the coordinates it is differentiated by; None if it is no such name.

        Raises
        ------
        ValueError
            For a derivative of too high an order.
        """
        for number, output in enumerate(self.outputs):
            if name == output:
                return number, ()
            if name.startswith(f"{output}_"):
                index = self._coordinates_of(name[len(output) + 1 :])
                if index is not None:
                    if len(index) > HIGHEST:
                        raise ValueError(
                            f"{name} is a derivative of order {len(index)}; expected at most {HIGHEST}. "
                            "Write the equation as a system with a further output."
                        )
                    return number, tuple(sorted(index))
        return None

    def _coordinates_of(self, text: str) -> MultiIndex | None:
        """Coordinates whose names make up a text, one after the other: the longest names first."""
        if not text:
            return ()
        order = sorted(range(len(self.coordinates)), key=lambda i: -len(self.coordinates[i]))
        for i in order:
            if text.startswith(self.coordinates[i]):
                rest = self._coordinates_of(text[len(self.coordinates[i]) :])
                if rest is not None:
                    return (i, *rest)
        return None

    def check(self, name: str) -> None:
        """ValueError for a name that an equation may not have."""
        if name in self.coordinates or name in self.unknowns or self.derivative(name) is not None:
            return
        derived = [f"{u}_{x}" for u in self.outputs for x in self.coordinates]
        derived += [f"{u}_{x}{x}" for u in self.outputs for x in self.coordinates]
        known = [*self.coordinates, *self.outputs, *self.unknowns, *derived]
        near = difflib.get_close_matches(name, known, 1)
        raise ValueError(
            f"the equation has {name!r}"
            + (f" (did you mean {near[0]!r}?)" if near else "")
            + f"; expected coordinates {', '.join(self.coordinates)}, outputs {', '.join(self.outputs)}, "
            f"their derivatives such as {derived[0]} and {derived[-1]}"
            + (f", and unknowns {', '.join(self.unknowns)}." if self.unknowns else ".")
        )
