"""From a network of the search to a candidate: its model, its formula, and how good that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.border import physical
from kan_np.discovery.candidate import Candidate, message_bits
from kan_np.discovery.symbolic_search import is_symbolic
from kan_np.discovery.training import Data, descend, rmse, start_network
from kan_np.discovery.trees import total
from kan_np.discovery.units import in_own_units, in_units_of_data
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.builtin import builtin_symbols
from kan_np.functions.library import SymbolLibrary
from kan_np.network.network import Network
from kan_np.symbolic.rounding import Parts, agrees, allowed_residuals, half_units
from kan_np.symbolic.suggest import suggest_symbolic

if TYPE_CHECKING:
    from kan_np.model import KAN
    from kan_np.surgery.formula import Formula

#: RMSE below this part of the spread of the labels may be rounding.
_EXACT = 1e-10
#: So many samples more than numbers: fewer can be met by luck.
_SPARE = 2
#: Symbols that are tried for labels of one input.
_NEAREST = 3
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Writer:
    """Writes networks that were trained on `data` in units of their own.

    Attributes
    ----------
    raw : Data
        In the units of the dataset.
    var : sequence of str or sympy.Expr, optional
    scaler : Scaler, optional
        Of the dataset.
    columns : sequence of str
        Names of the inputs in the dataset, which become symbols where `var` is None; empty without names.
    """

    raw: Data
    var: Sequence[Any] | None
    scaler: Any
    columns: Sequence[str] = ()

    @cached_property
    def _scaled(self) -> tuple[Data, FloatArray, float]:
        return in_own_units(self.raw)

    @property
    def data(self) -> Data:
        """What networks are trained on."""
        return self._scaled[0]

    @property
    def of_label(self) -> float:
        """Unit of the labels of `data`, in that of the dataset's."""
        return self._scaled[2]

    @cached_property
    def _physical(self) -> tuple[FloatArray, FloatArray]:
        return physical(self.raw, self.scaler)

    @property
    def _normalizers(self) -> dict[str, Any]:
        """What had been done to the samples of a dataset that was standardised before."""
        if self.scaler is None:
            return {}
        inputs, outputs = ("input_shift", "input_scale"), ("label_shift", "label_scale")
        return {
            "normalizer": [getattr(self.scaler, name) for name in inputs],
            "output_normalizer": [getattr(self.scaler, name) for name in outputs],
        }

    @cached_property
    def half_unit(self) -> float:
        """Half a unit of the labels' last digit, in parts of their spread; 0 if they have all of float64."""
        y = self._physical[1]
        spread = float(np.std(y / max(np.abs(y).max(), 1e-300))) * float(np.abs(y).max())
        return float(np.median(half_units(y))) / spread if spread > 0 else 0.0

    def candidate(self, name: str, network: Network) -> Candidate | None:
        """The model and the formula of a network; None where the formula is not real on all samples."""
        data, of_inputs, of_label = self._scaled
        x, y = np.concatenate([data.x, data.val_x]), np.concatenate([data.y, data.val_y])
        network = descend(network, Data(x, y, data.val_x, data.val_y), 5).network
        model = as_model(in_units_of_data(network, of_inputs, of_label))
        try:
            formula = model.symbolic_formula(x=x * of_inputs, y=y * of_label, **self._normalizers)
        except ValueError:
            return None
        model.scaler = self.scaler
        n = len(data.y)
        if is_symbolic(network):
            rest = self._residuals(formula)
            size = of_label if self.scaler is None else of_label * float(self.scaler.label_scale[0])
            errors = [_root_mean_square(part / size) for part in (rest[:n], rest[n:])]
            exact = self._exact(formula, rest, errors[1])
        else:
            errors = [rmse(network, data.x, data.y), rmse(network, data.val_x, data.val_y)]
            exact = False
        n_splines = network.spline_params.size
        constants = sum(len(e.atoms(_float())) for e in formula.expressions)
        rounding = max(1e-15 * max(float(np.abs(y).max()), 1e-300), data.noise)
        return Candidate(
            name,
            model,
            self._named(formula),
            errors[0] * of_label,
            errors[1] * of_label,
            formula.complexity + n_splines,
            exact,
            message_bits(errors[1], rounding, data.val_y.size, formula.complexity, constants + n_splines),
        )

    def _named(self, formula: Formula) -> Formula:
        if self.var is not None:
            return formula.renamed(self.var)
        return formula.named(self.columns) if self.columns else formula

    def names_of(self, columns: Sequence[int]) -> str:
        """Names of columns as text."""
        names = self.var if self.var is not None else self.columns
        return ", ".join(str(names[i]) if names else f"x_{i + 1}" for i in columns)

    def constant(self) -> Candidate | None:
        """The mean of the labels."""
        data = self.data
        mean = float(np.concatenate([data.y, data.val_y]).mean())
        return self.candidate("constant", self._of_lines({}, mean))

    def line(self) -> Candidate | None:
        """The straight line through all inputs that vary."""
        data = self.data
        x, y = np.concatenate([data.x, data.val_x]), np.concatenate([data.y, data.val_y])
        varies = np.flatnonzero(np.ptp(x, axis=0) > 0)
        if varies.size == 0 or varies.size + 1 + _SPARE > len(y):
            return None
        matrix = np.column_stack([x[:, varies], np.ones(len(y))])
        slopes, *_ = np.linalg.lstsq(matrix, y[:, 0], rcond=None)
        return self.candidate(
            "line", self._of_lines(dict(zip(varies.tolist(), slopes[:-1].tolist(), strict=True)), slopes[-1])
        )

    def symbols(self, library: SymbolLibrary) -> Iterator[Candidate]:
        """Of one input: the symbols that are nearest to the labels themselves.

        Of labels that range over many powers of ten splines learn the largest alone.
        """
        data = self.data
        x, y = np.concatenate([data.x, data.val_x])[:, 0], np.concatenate([data.y, data.val_y])[:, 0]
        network = start_network(total([0]), data, 2, np.random.default_rng(0))
        for fit in suggest_symbolic(x, y, library=library, top=_NEAREST, compose=True):
            edge = SymbolicEdge(fit.symbol, fit.a, fit.b, fit.c, fit.d)
            candidate = self.candidate(fit.name, network.with_symbols({(0, 0, 0): edge}))
            if candidate is not None:
                yield candidate

    def _of_lines(self, slopes: dict[int, float], offset: float) -> Network:
        sources = list(range(self.data.x.shape[1]))
        network = start_network(total(sources), self.data, 2, np.random.default_rng(0))
        zero, line = (next(s for s in builtin_symbols() if s.name == name) for name in ("0", "x"))
        edges = {
            i: SymbolicEdge(line, c=slopes[i]) if i in slopes else SymbolicEdge(zero, c=0.0) for i in sources
        }
        first = next(iter(slopes), 0)
        edges[first] = SymbolicEdge(edges[first].symbol, c=edges[first].c, d=float(offset))
        return network.with_symbols({(0, i, 0): edge for i, edge in edges.items()})

    def _residuals(self, formula: Formula) -> FloatArray:
        """Formula minus labels, in physical units."""
        x, y = self._physical
        return np.asarray(formula.numpy()(x)[:, 0] - y)

    def _exact(self, formula: Formula, rest: FloatArray, val_rmse: float) -> bool:
        """Whether the labels themselves cannot tell the formula from what made them."""
        x, y = self._physical
        (expression,) = formula.expressions
        numbers = sum(1 for part in _leaves(expression) if part.is_number and part not in (1, -1))
        if numbers + _SPARE > len(y):
            return False
        _, rounding = Parts(formula.variables, x).of(expression)
        if self.scaler is not None:  # taking the mean away has rounded the labels
            rounding = np.maximum(rounding, _EPS * abs(float(self.scaler.label_shift[0])))
        near = val_rmse <= max(_EXACT * self.data.spread, 1e3 * _EPS) or self.half_unit > 0
        return near and agrees(rest, allowed_residuals(rounding, y))


def as_model(network: Network) -> KAN:
    """The KAN of a network."""
    from kan_np.model import KAN
    from kan_np.network.width import Shape as Width

    width = Width.of(network)
    model = KAN(width.pykan, mult_arity=width.mult_arity, base_fun=network.base_fun, k=network.k)
    model._network = network
    return model


def _root_mean_square(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _leaves(expression: Any) -> list[Any]:
    import sympy

    return [part for part in sympy.preorder_traversal(expression) if not part.args]


def _float() -> Any:
    import sympy

    return sympy.Float
