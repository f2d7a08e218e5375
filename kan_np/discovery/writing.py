"""From a network of the search to a candidate: its model, its formula, and how good that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._time_limit import last_in_time, never
from kan_np._validate import FloatArray
from kan_np.compiler import kanpiler
from kan_np.discovery.border import physical
from kan_np.discovery.candidate import Candidate, message_bits
from kan_np.discovery.noise import Noise, noise_of_rows
from kan_np.discovery.readable import readable
from kan_np.discovery.symbolic_search import is_symbolic
from kan_np.discovery.terms.polish import pooled
from kan_np.discovery.training import Data, descend, rmse, start_network, with_moved_grids
from kan_np.discovery.trees import total
from kan_np.discovery.unit_check import ColumnUnits
from kan_np.discovery.units import in_own_units, in_units_of_data
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.builtin import builtin_symbols
from kan_np.functions.column_symbols import column_symbols
from kan_np.functions.expression import numeric_of
from kan_np.functions.library import SymbolLibrary
from kan_np.functions.variables import checked_variables, neutral_symbols
from kan_np.functions.written import number_text
from kan_np.methods.formulas import units_of
from kan_np.network.network import Network
from kan_np.surgery.formula import Formula, root_mean_square, symbolic_formula, variable_names
from kan_np.symbolic.rounding import Parts, agrees, allowed_residuals, half_units
from kan_np.symbolic.shorter_forms import shorter_forms
from kan_np.symbolic.suggest import suggest_symbolic

if TYPE_CHECKING:
    import sympy

    from kan_np.model import KAN

#: RMSE below this part of the spread of the labels may be rounding.
_EXACT = 1e-10
#: So many samples more than numbers: fewer can be met by luck.
_SPARE = 2
#: Symbols that are tried for labels of one input.
_NEAREST = 3
#: Intervals of the grids of models that are made of formulas, which have no splines.
_GRID = 2
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
    units : ColumnUnits, optional
        What a formula has to fit; one that does not is not called exact.
    over, near : callable
        Whether the time is over: formulas then stay as long as they are; and whether it is soon.
    """

    raw: Data
    var: Sequence[Any] | None
    scaler: Any
    columns: Sequence[str] = ()
    units: ColumnUnits | None = None
    over: Callable[[], bool] = never
    near: Callable[[], bool] = never

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

    @property
    def spread(self) -> float:
        """Standard deviation of the training labels, in the units of the dataset."""
        return self.data.spread * self.of_label

    @cached_property
    def physical(self) -> tuple[FloatArray, FloatArray]:
        """All samples (n, n_in) and labels (n,), training ones first, as they were before standardising."""
        return physical(self.raw, self.scaler)

    @cached_property
    def noise(self) -> Noise | None:
        """The noise of the labels by the rows alone, in the units of the dataset."""
        raw = self.raw
        return noise_of_rows(np.concatenate([raw.x, raw.val_x]), np.concatenate([raw.y, raw.val_y])[:, 0])

    @cached_property
    def inputs(self) -> list[Any]:
        """Symbols that stand for the inputs in formulas that are searched: no name changes a number."""
        return neutral_symbols(self.raw.x.shape[1])

    @property
    def _normalizers(self) -> dict[str, Any]:
        """What had been done to the samples of a dataset that was standardised before."""
        if self.scaler is None:
            return {"normalizer": None, "output_normalizer": None}
        inputs, outputs = ("input_shift", "input_scale"), ("label_shift", "label_scale")
        return {
            "normalizer": [getattr(self.scaler, name) for name in inputs],
            "output_normalizer": [getattr(self.scaler, name) for name in outputs],
        }

    @cached_property
    def half_unit(self) -> float:
        """Half a unit of the labels' last digit, in parts of their spread; 0 if they have all of float64."""
        y = self.physical[1]
        spread = float(np.std(y / max(np.abs(y).max(), 1e-300))) * float(np.abs(y).max())
        return float(np.median(half_units(y))) / spread if spread > 0 else 0.0

    def candidate(self, name: str, network: Network, limited: bool = True) -> Candidate | None:
        """The model and the formula of a network; None where the formula is not real on all samples.

        What is not `limited` is written to its end, whatever the time.
        """
        data, of_inputs, of_label = self._scaled
        x, y = np.concatenate([data.x, data.val_x]), np.concatenate([data.y, data.val_y])
        network = descend(network, Data(x, y, data.val_x, data.val_y), 5).network
        model = as_model(in_units_of_data(network, of_inputs, of_label))
        try:
            formula = symbolic_formula(
                model._network,
                variable_names(None, len(self.inputs)),
                units_of(model, **self._normalizers),
                x * of_inputs,
                y * of_label,
                over=self.over if limited else never,
                near=self.near if limited else never,
                said=False,
            )
        except ValueError:
            return None
        model.scaler = self.scaler
        if is_symbolic(network):
            return self._judged(name, model, formula)
        errors = rmse(network, data.x, data.y), rmse(network, data.val_x, data.val_y)
        size = of_label if self.scaler is None else of_label * float(self.scaler.label_scale[0])
        formula = readable(formula, self.physical[0], errors[1] * size, self._taken)
        return self._candidate(name, model, formula, errors, False)

    def of_expression(self, name: str, expression: sympy.Expr, price: float = 0.0) -> Candidate | None:
        """The candidate of a formula that was found without a network, and the KAN that computes it.

        Its Floats are fitted to all samples and recognised, and the formula is shortened, as those of
        networks are.

        Parameters
        ----------
        name : str
            The kind of formula.
        expression : sympy.Expr
            In `inputs`, of the samples `physical`.
        price : float
            Bits for the choice of this formula among many.

        Returns
        -------
        Candidate or None
            None where the formula is not real on all samples.

        Raises
        ------
        ValueError
            For what no network computes: see `kan_np.kanpiler`.
        """
        x, y = self.physical
        forms = chain([expression], shorter_forms(expression, self.inputs, x, y))
        short, _ = last_in_time(forms, self.over, self.near)
        values = numeric_of(self.inputs, short)(*x.T)
        if not np.isfinite(values).all():
            return None
        model = self._compiled(short)
        model.scaler = self.scaler
        rest = model._network.forward(np.concatenate([self.raw.x, self.raw.val_x]))[:, 0]
        if self.scaler is not None:
            rest = rest * self.scaler.label_scale[0] + self.scaler.label_shift[0]
        rest = rest - values
        variables = variable_names(None, len(self.inputs))
        shown = short.xreplace(dict(zip(self.inputs, variables, strict=True)))
        formula = Formula([shown], variables, {}, float(np.abs(rest).max()), root_mean_square(rest))
        candidate = self._judged(name, model, formula)
        return replace(candidate, length=candidate.length + price)

    def if_possible(self, name: str, expression: sympy.Expr, price: float = 0.0) -> Candidate | None:
        """The candidate of `of_expression`; None also for what no network computes."""
        try:
            return self.of_expression(name, expression, price)
        except ValueError:
            return None

    def _compiled(self, expression: Any) -> KAN:
        """The KAN of a formula, which sees the samples as they were given; its grids are where they are."""
        import sympy

        if self.scaler is not None:
            units = zip(self.inputs, self.scaler.input_shift, self.scaler.input_scale, strict=True)
            there = {name: sympy.Float(s, 17) * name + sympy.Float(m, 17) for name, m, s in units}
            shift, scale = float(self.scaler.label_shift[0]), float(self.scaler.label_scale[0])
            expression = (expression.xreplace(there) - sympy.Float(shift, 17)) / sympy.Float(scale, 17)
        model = kanpiler(self.inputs, expression, _GRID, base_fun="zero")
        model._network = with_moved_grids(model._network, np.concatenate([self.raw.x, self.raw.val_x]))
        return model

    def _judged(self, name: str, model: KAN, formula: Formula) -> Candidate:
        """The candidate of a formula without splines, by its residuals."""
        n, (_, _, of_label) = len(self.raw.y), self._scaled
        rest = self._residuals(formula)
        size = of_label if self.scaler is None else of_label * float(self.scaler.label_scale[0])
        train, val = (root_mean_square(part / size) for part in (rest[:n], rest[n:]))
        return self._candidate(name, model, formula, (train, val), self._exact(formula, rest, val))

    def _candidate(
        self, name: str, model: KAN, formula: Formula, errors: tuple[float, float], exact: bool
    ) -> Candidate:
        """A candidate, given the errors on training and validation samples in units of `data`."""
        data, _, of_label = self._scaled
        n_splines = model._network.spline_params.size
        constants = sum(len(e.atoms(_float())) for e in formula.expressions)
        largest = float(max(np.abs(data.y).max(), np.abs(data.val_y).max(), 1e-300))
        rounding = max(1e-15 * largest, data.noise)
        misfit, units = self._units_said(formula)
        # splines have learned the training samples by heart: only others tell of their error
        n, n_train = len(data.y) + len(data.val_y), len(data.y)
        error = errors[1] if n_splines else pooled(errors, (n_train, n - n_train))
        return Candidate(
            name,
            model,
            self._named(formula),
            errors[0] * of_label,
            errors[1] * of_label,
            formula.complexity + n_splines,
            exact and not misfit,
            message_bits(error, rounding, n, formula.complexity, constants + n_splines),
            misfit,
            units,
        )

    def _units_said(self, formula: Formula) -> tuple[str, str]:
        """What of a formula does not fit the units of the columns, and the units of its numbers."""
        if self.units is None:
            return "", ""
        named = self._named(formula)
        if all(variable.is_Symbol for variable in named.variables):
            formula = named
        (expression,) = formula.expressions
        misfit = self.units.misfit(expression, formula.variables)
        if misfit:
            return misfit, ""
        found = self.units.constants(expression, formula.variables)
        return "", ", ".join(f"{number_text(float(number))} in {unit}" for number, unit in found)

    def _named(self, formula: Formula) -> Formula:
        if self.var is not None:
            return formula.renamed(self.var)
        return formula.named(self.columns) if self.columns else formula

    @property
    def _taken(self) -> list[str]:
        """Names of the inputs, or of what these are made of."""
        if self.var is not None:
            return [str(s) for v in checked_variables(self.var, len(self.inputs)) for s in v.free_symbols]
        return list(column_symbols(self.columns).values())

    def names_of(self, columns: Sequence[int]) -> str:
        """Names of columns as text."""
        names = self.var if self.var is not None else self.columns
        return ", ".join(str(names[i]) if names else f"x_{i + 1}" for i in columns)

    def constant(self) -> Candidate | None:
        """The mean of the labels."""
        data = self.data
        mean = float(np.concatenate([data.y, data.val_y]).mean())
        return self.candidate("constant", self._of_lines({}, mean), limited=False)

    def line(self) -> Candidate | None:
        """The straight line through all inputs that vary."""
        data = self.data
        x, y = np.concatenate([data.x, data.val_x]), np.concatenate([data.y, data.val_y])
        varies = np.flatnonzero(np.ptp(x, axis=0) > 0)
        if varies.size == 0 or varies.size + 1 + _SPARE > len(y):
            return None
        matrix = np.column_stack([x[:, varies], np.ones(len(y))])
        slopes, *_ = np.linalg.lstsq(matrix, y[:, 0], rcond=None)
        by_input = dict(zip(varies.tolist(), slopes[:-1].tolist(), strict=True))
        return self.candidate("line", self._of_lines(by_input, slopes[-1]), limited=False)

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
        x, y = self.physical
        return np.asarray(formula.numpy()(x)[:, 0] - y)

    def _exact(self, formula: Formula, rest: FloatArray, val_rmse: float) -> bool:
        """Whether the labels themselves cannot tell the formula from what made them."""
        x, y = self.physical
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


def _leaves(expression: Any) -> list[Any]:
    import sympy

    return [part for part in sympy.preorder_traversal(expression) if not part.args]


def _float() -> Any:
    import sympy

    return sympy.Float
