"""A term at its points: the residual for given parameters, and its derivatives by all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from kan_np._validate import FloatArray
from kan_np.jets.multi_index import DerivativeSet
from kan_np.jets.network import jets_of
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network
from kan_np.pde.form import Form
from kan_np.pde.residual import Residual


class FormPass:
    """The looked-for functions and the derivatives that are asked for, at fixed points.

    Parameters
    ----------
    form : Form
    network : Network or MlpNetwork
        Of this structure; its values are given to every pass.
    wanted : iterable of str
        Names of derivatives, as "u_xx".
    points : ndarray of shape (n, n_coordinates)
    """

    def __init__(
        self, form: Form, network: Network | MlpNetwork, wanted: Iterable[str], points: FloatArray
    ) -> None:
        names = form.names
        found = {name: names.derivative(name) for name in wanted}
        self._places = {name: own for name, own in found.items() if own is not None}
        self._set = DerivativeSet.containing(index for _, index in self._places.values())
        self._jets = jets_of(network, self._set, fixed=True)
        self._inputs = form.inputs(points, self._set)
        self._lift, self._factor = form.lift(points, self._set), form.factor(points, self._set)
        self._shape = (len(self._set.indices), len(names.outputs), len(points))

    def forward(self, values: FloatArray) -> dict[str, FloatArray]:
        """The wanted derivatives by name, each (n,)."""
        u = self._jets.forward(values, self._inputs)
        if self._factor is not None:
            product = np.zeros_like(u)
            for c, terms in enumerate(self._set.product):
                for a, b, count in terms:
                    product[c] += count * self._factor[a] * u[b]
            u = product
        if self._lift is not None:
            u = u + self._lift
        return {name: u[self._set.number[index], j] for name, (j, index) in self._places.items()}

    def backward(self, slopes: dict[str, FloatArray], out: FloatArray) -> None:
        """Write derivatives by all values to `out`, given those by the wanted derivatives."""
        by_u = np.zeros(self._shape)
        for name, (j, index) in self._places.items():
            by_u[self._set.number[index], j] += slopes[name]
        if self._factor is not None:
            by_network = np.zeros(self._shape)
            for c, terms in enumerate(self._set.product):
                for a, b, count in terms:
                    by_network[b] += count * self._factor[a] * by_u[c]
            by_u = by_network
        self._jets.backward(by_u, out)


#: Points whose derivatives are computed together: so few that they stay in the cache of a core.
_BLOCK = 1024


class TermPass:
    """The residual of one term at its points; the network passes over them block by block.

    Parameters
    ----------
    residual : Residual
    form : Form
    network : Network or MlpNetwork
    points : ndarray of shape (n, n_coordinates)
    target : ndarray of shape (n,), optional
    """

    def __init__(
        self,
        residual: Residual,
        form: Form,
        network: Network | MlpNetwork,
        points: FloatArray,
        target: FloatArray | None = None,
    ) -> None:
        self.n = len(points)
        self._residual, self._target, self._unknowns = residual, target, form.names.unknowns
        self._n_values = network.theta.size if isinstance(network, MlpNetwork) else network.values.size
        blocks = [slice(at, min(at + _BLOCK, self.n)) for at in range(0, self.n, _BLOCK)]
        self._blocks = [(here, FormPass(form, network, residual.sought, points[here])) for here in blocks]
        self._given = {
            name: points[:, i] for i, name in enumerate(form.names.coordinates) if name in residual.arguments
        }
        self._points = points

    @property
    def has_target(self) -> bool:
        """Whether the residual is compared with data."""
        return self._target is not None

    def forward(self, values: FloatArray, unknowns: FloatArray) -> FloatArray:
        """The residual, less its target: (n,)."""
        self._arguments = {
            **self._given,
            **self._sought(values),
            **dict(zip(self._unknowns, unknowns.tolist(), strict=True)),
        }
        found = self._residual(self._arguments, self.n)
        return found if self._target is None else found - self._target

    def _sought(self, values: FloatArray) -> dict[str, FloatArray]:
        """The derivatives that the residual asks for, by name, each (n,)."""
        parts = [own.forward(values) for _, own in self._blocks]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def rows(self, scale: float, rows: FloatArray) -> None:
        """Write scale times the derivatives by values, then unknowns, to rows (n_values + n_unknowns, n)."""
        scaled = self._scaled(scale)
        for here, form in self._blocks:
            self._write_rows(here, form, scaled, rows[:, here])

    def row_blocks(self, scale: float) -> Iterator[tuple[slice, FloatArray]]:
        """What `rows` writes, block by block: which points, and their rows."""
        scaled = self._scaled(scale)
        for here, form in self._blocks:
            rows = np.empty((self._n_values + len(self._unknowns), here.stop - here.start))
            self._write_rows(here, form, scaled, rows)
            yield here, rows

    def gradient(self, weights: FloatArray, out: FloatArray) -> None:
        """Write the sum over points of weights times derivatives by values, then unknowns, to `out`."""
        scaled = self._scaled(weights)
        out[:] = 0.0
        own = np.empty(self._n_values)
        for here, form in self._blocks:
            form.backward({name: slope[here] for name, slope in scaled.items()}, own)
            out[: self._n_values] += own
        for place, name in enumerate(self._unknowns):
            if name in scaled:
                out[self._n_values + place] = float(np.sum(scaled[name]))

    def _scaled(self, factor: float | FloatArray) -> dict[str, FloatArray]:
        """Derivatives of the residual by its arguments times a factor, by name, each (n,)."""
        return {name: factor * s for name, s in self._residual.slopes(self._arguments, self.n).items()}

    def _write_rows(
        self, here: slice, form: FormPass, scaled: dict[str, FloatArray], rows: FloatArray
    ) -> None:
        form.backward({name: slope[here] for name, slope in scaled.items()}, rows[: self._n_values])
        for place, name in enumerate(self._unknowns):
            rows[self._n_values + place] = scaled[name][here] if name in scaled else 0.0

    def refuse_not_finite(self, name: str, values: FloatArray, unknowns: FloatArray) -> None:
        """ValueError naming the first point where the residual is not finite."""
        found = self.forward(values, unknowns)
        if not np.isfinite(found).all():
            row = int(np.flatnonzero(~np.isfinite(found))[0])
            raise ValueError(
                f"the residual {name!r} is {found[row]} at point {row}, {self._points[row].tolist()}, for "
                "the untrained network; expected finite numbers. Leave such points out, or write the "
                "equation without the pole."
            )
        for by, slope in self._residual.slopes(self._arguments, self.n).items():
            if not np.isfinite(slope).all():
                row = int(np.flatnonzero(~np.isfinite(slope))[0])
                raise ValueError(
                    f"the derivative of the residual {name!r} by {by} is {slope[row]} at point {row}, "
                    f"{self._points[row].tolist()}, for the untrained network; expected finite numbers."
                )
