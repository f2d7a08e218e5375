"""The formula of a network as sympy expressions, its constants recognised as fractions, pi, e or roots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate
from kan_np._time_limit import last_in_time, never
from kan_np._validate import FloatArray
from kan_np._warnings import Finding, KanWarning, warn
from kan_np.data.columns import matched, names_in
from kan_np.functions.column_symbols import column_symbols, legend_of
from kan_np.functions.expression import numeric_of
from kan_np.functions.variables import checked_variables, latex_of, neutral_symbols, text_of
from kan_np.network.network import Network
from kan_np.symbolic.compose import EdgeIndex, compose, spline_functions
from kan_np.symbolic.shorter_forms import shorter_forms
from kan_np.training.progress import Show

if TYPE_CHECKING:
    import sympy

#: Without data, numbers may move the outputs by this part of their spread.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Formula:
    """The outputs of a model as sympy expressions: what ``model.symbolic_formula()`` returns.

    As pykan's pair, ``expressions, variables = formula`` and ``formula[0][0]`` work.

    Attributes
    ----------
    expressions : list of sympy.Expr
        One an output.
    variables : list of sympy.Symbol or sympy.Expr
        One a column of the data, used or not.
    splines : dict from (l, i, j) to str
        Edges that are no symbols, and the undefined functions that stand for them.
    max_error, rms_error : float
        Largest and root mean square difference from what the model predicts, over samples and outputs.
    functions : mapping of str to callable
        Numbers of the undefined functions.
    legend : mapping of str to str
        Names of the columns that variables stand for, where these are called otherwise: "t" for "t / h".

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], seed=0)
    >>> _ = model.fix_symbolic(0, 0, 0, "x^2", fit=False)
    >>> _ = model.fix_symbolic(0, 1, 0, "sin", fit=False, a=2.0)
    >>> formula = model.symbolic_formula()
    >>> formula
    Formula(x_1**2 + sin(2*x_2))
    >>> formula.latex()
    ['x_{1}^{2} + \\\\sin{\\\\left(2 x_{2} \\\\right)}']
    >>> formula.numpy()([[3.0, 0.0]])
    array([[9.]])
    """

    expressions: list[sympy.Expr]
    variables: list[Any]
    splines: dict[EdgeIndex, str]
    max_error: float
    rms_error: float
    functions: Mapping[str, Callable[[FloatArray], FloatArray]] = field(default_factory=dict, repr=False)
    legend: Mapping[str, str] = field(default_factory=dict)

    def latex(self) -> list[str]:
        """LaTeX of every output; names are escaped, and no two variables are written alike."""
        return [latex_of(expression, self.variables) for expression in self.expressions]

    def numpy(self) -> Callable[[ArrayLike], FloatArray]:
        """NumPy function (n_samples, n_var) -> (n_samples, n_out); NaN where the formula is not real.

        No name changes its numbers: variables may be called pi or sin. A table with named columns is matched
        by the columns that the variables stand for (`legend`), or are called as, unless these are x_1, x_2,
        ... and the table's are not.

        Raises
        ------
        ValueError
            If the variables are not symbols but expressions of others.
        """
        import sympy

        if not all(isinstance(name, sympy.Symbol) for name in self.variables):
            raise ValueError(
                f"the variables are {self.variables}; expected symbols, whose values can be given. Ask for "
                "the formula without var."
            )
        outputs = [numeric_of(self.variables, e, self.functions) for e in self.expressions]
        n_var = len(self.variables)

        def function(x: ArrayLike) -> FloatArray:
            samples = _validate.matrix("x", self._matched(x), n_var)
            return np.stack([output(*samples.T) for output in outputs], axis=1)

        return function

    def _matched(self, x: Any) -> ArrayLike:
        """The columns of a table in the order of the variables; arrays as they are."""
        found, names = names_in(x), [variable.name for variable in self.variables]
        if found is not None and not set(names) <= set(found):
            names = [self.legend.get(name, name) for name in names]
        unnamed = names == [f"x_{i}" for i in range(1, len(names) + 1)]
        if found is None or (unnamed and not set(names) <= set(found)):
            return x
        return matched("x", x, names)

    def renamed(self, var: Sequence[Any]) -> Formula:
        """The same with other names, or expressions, for the columns of the data."""
        names = variable_names(var, len(self.variables))
        there = dict(zip(self.variables, names, strict=True))
        return replace(
            self,
            expressions=[e.subs(there, simultaneous=True) for e in self.expressions],
            variables=names,
            legend={},
        )

    def named(self, columns: Sequence[str]) -> Formula:
        """The same with a symbol for every column of the data, and the legend to these.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([2, 1], seed=0)
        >>> _ = [model.fix_symbolic(0, i, 0, "x", fit=False) for i in (0, 1)]
        >>> model.symbolic_formula().named(["t / h", "p"])
        Formula(p + t; t = 't / h')
        """
        symbols = column_symbols(columns)
        return replace(self.renamed(list(symbols.values())), legend=legend_of(symbols))

    def legend_text(self) -> str:
        """What symbols stand for, those that occur: "t = 't / h', T = 'T / °C'"; empty without a legend."""
        used = set().union(*(expression.free_symbols for expression in self.expressions))
        names = {symbol.name for symbol in used}
        return ", ".join(f"{symbol} = {name!r}" for symbol, name in self.legend.items() if symbol in names)

    @property
    def complexity(self) -> float:
        """Length of all expressions: operations, functions twice, and a little for long numbers."""
        from kan_np.symbolic.simplify import size

        return sum(size(expression) for expression in self.expressions)

    def __iter__(self) -> Iterator[list[Any]]:
        """The expressions, then the variables."""
        yield self.expressions
        yield self.variables

    def __getitem__(self, index: int) -> list[Any]:
        """The expressions (0) or the variables (1)."""
        return (self.expressions, self.variables)[index]

    def __repr__(self) -> str:
        """The expressions, names that are no words in quotes, the legend, and what in them is no formula."""
        text = ", ".join(map(text_of, self.expressions))
        return f"Formula({'; '.join(filter(None, (text, self.legend_text(), self.what_is_left())))})"

    def what_is_left(self) -> str:
        """What of the model is no formula, and what to do about it; empty where all of it is one."""
        if not self.splines:
            return ""
        by_name = sorted((name, edge) for edge, name in self.splines.items())
        names = [n if n.startswith("phi_") else f"{n} of edge {edge}" for n, edge in by_name]
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        count = "1 edge is a spline" if len(names) == 1 else f"{len(names)} edges are splines"
        return (
            f"{count} still, {shown}: "
            "give them symbols (suggest_symbolic, fix_symbolic), or discover more seconds or a larger library"
        )


@dataclass(frozen=True)
class Units:
    """Columns of the data and how a network sees them: its input i is (x_i - shift_i) / scale_i.

    Attributes
    ----------
    used : ndarray of bool of shape (n_columns,)
        Columns of the data that are inputs.
    shift, scale : ndarray of shape (n_in,)
    out_shift, out_scale : ndarray of shape (n_out,)
        An output is, in the units of the labels, out_scale_j f_j + out_shift_j.
    """

    used: NDArray[np.bool_]
    shift: FloatArray
    scale: FloatArray
    out_shift: FloatArray
    out_scale: FloatArray


def symbolic_formula(
    net: Network,
    names: Sequence[Any],
    units: Units,
    x: FloatArray,
    y: FloatArray | None = None,
    *,
    digits: int | None = None,
    exact: bool = True,
    written_out: bool = False,
    over: Callable[[], object] = never,
    near: Callable[[], bool] = never,
    said: bool = True,
    show: Show | None = None,
) -> Formula:
    """Write a network as a formula, simplified, its constants recognised.

    Constants are taken for integers, fractions and multiples of pi, e and roots only where the labels `y`
    cannot tell the difference: all others are fitted to `y` again, and the error must not rise by more than
    its noise explains (`kan_np.symbolic.exact_constants`). Without labels the outputs of the network stand in
    for them, with a noise of 1e-9 of their spread. Where edges are splines, nothing is fitted but to these.

    Parameters
    ----------
    net : Network
    names : sequence of sympy.Expr
        What stands for the columns of the data, used or not; see `variable_names`.
    units : Units
    x : ndarray of shape (n_samples, n_in)
        Samples as the network takes them.
    y : ndarray of shape (n_samples, n_out), optional
        Labels as it was trained on.
    digits : int, optional
        Significant digits of the numbers that stay decimal.
    exact : bool
        Whether constants are recognised.
    written_out : bool
        Whether edges of other families than B-splines are written out, where they have a formula; nothing is
        then simplified or recognised, for such formulas are long.
    over : callable
        The name of a limit that is over, "" before: what is not simplified or recognised by then stays as it
        is.
    near : callable
        Whether that is soon.
    said : bool
        Whether a warning says so.
    show : callable, optional
        Takes how many outputs are written, and what is done.
    """
    inner = neutral_symbols(len(names))
    writer = _Writer(net, inner, units, x, exact, y, written_out)
    writer.over, writer.near, writer.said, writer.show = over, near, said, show
    expressions = [writer.output(j) for j in range(net.width[-1])]
    if digits is not None:
        expressions = [_rounded(expression, digits) for expression in expressions]
    errors = np.stack([writer.error(e, j) for j, e in enumerate(expressions)])
    shown = [e.subs(dict(zip(inner, names, strict=True)), simultaneous=True) for e in expressions]
    return Formula(
        shown,
        list(names),
        writer.splines,
        float(np.abs(errors).max()),
        root_mean_square(errors),
        writer.functions,
    )


class _Writer:
    """Writes the outputs of a network, in the units of the data."""

    def __init__(
        self,
        net: Network,
        names: list[Any],
        units: Units,
        samples: FloatArray,
        exact: bool,
        labels: FloatArray | None,
        written_out: bool,
    ) -> None:
        import sympy

        self.names, self.exact = names, exact
        self.as_it_is = written_out and bool(net.structure.bases)
        used = np.flatnonzero(units.used)
        inputs = [
            names[i] if m == 0.0 and s == 1.0 else (names[i] - sympy.Float(m, 17)) / sympy.Float(s, 17)
            for i, m, s in zip(used, units.shift, units.scale, strict=True)
        ]
        self.raw, self.splines = compose(net, inputs, written_out=written_out)
        self.functions = spline_functions(net, self.splines)
        self.x = np.zeros((samples.shape[0], len(names)))
        self.x[:, used] = samples * units.scale + units.shift
        self.shift, self.scale = units.out_shift, units.out_scale
        self.model_values = net.forward(samples) * self.scale + self.shift
        if not np.isfinite(self.model_values).all():
            raise ValueError("the model is not finite on the samples; expected x where it is.")
        self.labels = None if labels is None else labels * self.scale + self.shift

    over: Callable[[], object]
    near: Callable[[], bool]
    said: bool = True
    show: Show | None = None

    def output(self, j: int) -> Any:
        """The expression of output j, as far as it could be simplified in time."""
        expression, ended = last_in_time(self._steps(j), self.over, self.near)
        if self.said and not ended:
            why = {"callback": "callback ended it"}.get(str(self.over()), f"{self.over()} were over")
            text = f"the formula of output {j} is not simplified to its end, for {why}."
            warn([Finding(text, KanWarning)])
        return expression

    def _steps(self, j: int) -> Iterator[Any]:
        """The expression of output j as it is composed, then simpler and simpler."""
        import sympy

        expression, shift, scale = self.raw[j], float(self.shift[j]), float(self.scale[j])
        if (shift, scale) != (0.0, 1.0):
            expression = sympy.Float(scale, 17) * expression + sympy.Float(shift, 17)
        yield expression
        if self.as_it_is:
            return
        to_labels = self.labels is not None and not self.splines
        target = self.labels[:, j] if to_labels and self.labels is not None else self.model_values[:, j]
        yield from shorter_forms(
            expression,
            self.names,
            self.x,
            target,
            noise=0.0 if to_labels else _TOLERANCE * float(np.std(self.model_values[:, j])),
            functions=self.functions,
            exact=self.exact,
            tell=lambda what: self._tell(j, what),
        )

    def _tell(self, j: int, what: str) -> None:
        if self.show is not None:
            self.show(j, f"output {j}: {what}")

    def error(self, expression: Any, j: int) -> FloatArray:
        """Difference from the model on the samples."""
        values = numeric_of(self.names, expression, self.functions)(*self.x.T)
        if not np.isfinite(values).all():
            raise ValueError(
                f"the formula of output {j}, {expression}, is not real on {int((~np.isfinite(values)).sum())}"
                f" of {values.size} samples; expected x inside its domain, where the model was trained."
            )
        return values - self.model_values[:, j]


def variable_names(var: Sequence[Any] | None, count: int) -> list[Any]:
    """Return names of `count` columns as sympy expressions; x_1, x_2, ... for None."""
    import sympy

    if var is None:
        return [sympy.Symbol(f"x_{i}") for i in range(1, count + 1)]
    return checked_variables(var, count)


def checked_normalizer(name: str, given: Sequence[ArrayLike], count: int) -> tuple[FloatArray, FloatArray]:
    """Return a pair (mean, std) as arrays of `count` numbers, the latter above 0."""
    if not hasattr(given, "__len__") or len(given) != 2:
        raise ValueError(
            f"{name} is {_validate.shown(given)}; expected a pair (mean, std) of {count} numbers each."
        )
    mean, std = (_validate.vector(name, np.ravel(part)) for part in given)
    if mean.size != count or std.size != count or not (std > 0).all():
        raise ValueError(
            f"{name} has {mean.size} means and {std.size} deviations; expected {count} of each, the latter "
            "above 0."
        )
    return mean, std


def root_mean_square(values: FloatArray) -> float:
    """sqrt(mean v^2), of values of any size."""
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    return float(np.sqrt(np.mean(np.square(values / largest)))) * largest


def _rounded(expression: Any, digits: int) -> Any:
    import sympy

    return expression.xreplace(
        {number: sympy.Float(float(number), digits) for number in expression.atoms(sympy.Float)}
    )
