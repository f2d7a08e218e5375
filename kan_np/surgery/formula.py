"""The formula of a model as sympy expressions, its constants recognised as fractions, pi, e or roots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.columns import matched, names_in
from kan_np.functions.expression import numeric_of
from kan_np.functions.variables import checked_variables, latex_of, text_of
from kan_np.surgery.attribution import default_samples
from kan_np.symbolic.compose import EdgeIndex, compose, spline_functions
from kan_np.symbolic.exact_constants import with_exact_numbers
from kan_np.symbolic.normal_form import normal_form
from kan_np.symbolic.simplify import simplified

if TYPE_CHECKING:
    import sympy

    from kan_np.training.views import Views

#: Without data, numbers may move the outputs by this part of their spread.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Formula:
    """The outputs of a model as sympy expressions.

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

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], seed=0)
    >>> _ = model.fix_symbolic(0, 0, 0, "x^2", fit=False)
    >>> _ = model.fix_symbolic(0, 1, 0, "sin", fit=False, a=2.0)
    >>> from kan_np.surgery.formula import symbolic_formula
    >>> formula = symbolic_formula(model)
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

    def latex(self) -> list[str]:
        """LaTeX of every output; names are escaped, and no two variables are written alike."""
        return [latex_of(expression, self.variables) for expression in self.expressions]

    def numpy(self) -> Callable[[ArrayLike], FloatArray]:
        """NumPy function (n_samples, n_var) -> (n_samples, n_out); NaN where the formula is not real.

        No name changes its numbers: variables may be called pi or sin. A table with named columns is matched
        by the names of the variables, unless these are x_1, x_2, ... and the table's are not.

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
        unnamed = names == [f"x_{i}" for i in range(1, len(names) + 1)]
        if found is None or (unnamed and not set(names) <= set(found)):
            return x
        return matched("x", x, names)

    def renamed(self, var: Sequence[Any]) -> Formula:
        """The same with other names, or expressions, for the columns of the data."""
        names = _names(var, len(self.variables))
        there = dict(zip(self.variables, names, strict=True))
        return replace(
            self, expressions=[e.subs(there, simultaneous=True) for e in self.expressions], variables=names
        )

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
        """The expressions, names that are no words in quotes, and what in them is no formula."""
        text = ", ".join(map(text_of, self.expressions))
        return f"Formula({text}; {self.what_is_left()})" if self.splines else f"Formula({text})"

    def what_is_left(self) -> str:
        """What of the model is no formula, and what to do about it; empty where all of it is one."""
        if not self.splines:
            return ""
        names = list(self.splines.values())
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        count = "1 edge is a spline" if len(names) == 1 else f"{len(names)} edges are splines"
        return (
            f"{count} still, {shown}: "
            "give them symbols (suggest_symbolic, fix_symbolic), or discover more seconds or a larger library"
        )


def symbolic_formula(
    model: Views,
    var: Sequence[Any] | None = None,
    normalizer: Sequence[ArrayLike] | None = None,
    digits: int | None = None,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    output_normalizer: Sequence[ArrayLike] | None = None,
    exact: bool = True,
) -> Formula:
    """Write a model as a formula, simplified, its constants recognised.

    Constants are taken for integers, fractions and multiples of pi, e and roots only where the labels `y`
    cannot tell the difference: all others are fitted to `y` again, and the error must not rise by more than
    its noise explains (`kan_np.symbolic.exact_constants`). Without labels the outputs of the model take their
    place, with a noise of 1e-9 of their spread. Where edges are splines, nothing is fitted but to the model.

    Parameters
    ----------
    model : KAN
    var : sequence of str or sympy.Expr, optional
        Names of the columns of the data, no two alike; x_1, x_2, ... if None. Any text is a name: what is no
        word, or means a function or a number, is written in quotes (`kan_np.functions.names`).
    normalizer : (mean, std), optional
        What had been done to the inputs: the model's input i is (x_i - mean_i) / std_i. The scaler of the
        model if None.
    digits : int, optional
        Significant digits of the numbers that stay decimal.
    x : array_like of shape (n_samples, n_in), optional
        Samples of the model's inputs, as it was trained on; spread over its grids if None.
    y : array_like of shape (n_samples, n_out), optional
        Labels, as it was trained on.
    output_normalizer : (mean, std), optional
        Of the outputs, as `normalizer`.
    exact : bool
        Whether constants are recognised.

    Returns
    -------
    Formula

    Raises
    ------
    ValueError, TypeError
        For names, normalizers or samples that do not fit the model, labels without samples, and where the
        formula or the model is not finite on the samples.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([1, 1, 1], seed=0)
    >>> _ = model.fix_symbolic(0, 0, 0, "log", fit=False, b=2.0)
    >>> _ = model.fix_symbolic(1, 0, 0, "exp", fit=False, a=2.0)
    >>> symbolic_formula(model, var=["t"]).expressions
    [(t + 2)**2]
    """
    digits = None if digits is None else _validate.integer("digits", digits, 1)
    columns = model._used.size
    names = _names(var, columns)
    samples = _samples(model, x)
    labels = _labels(model, samples, y)
    inner = _inner_symbols(columns)
    scalers = _scalers(model, normalizer, output_normalizer)
    writer = _Writer(model, inner, scalers, samples, exact, labels)
    expressions = [writer.output(j) for j in range(model.width[-1])]
    if digits is not None:
        expressions = [_rounded(expression, digits) for expression in expressions]
    errors = np.stack([writer.error(e, j) for j, e in enumerate(expressions)])
    shown = [e.subs(dict(zip(inner, names, strict=True)), simultaneous=True) for e in expressions]
    return Formula(
        shown,
        names,
        writer.splines,
        float(np.abs(errors).max()),
        float(np.sqrt(np.mean(np.square(errors)))),
        writer.functions,
    )


class _Scalers:
    """Shift and scale of inputs and outputs."""

    def __init__(self, inputs: tuple[FloatArray, FloatArray], outputs: tuple[FloatArray, FloatArray]) -> None:
        self.shift, self.scale = inputs
        self.out_shift, self.out_scale = outputs


class _Writer:
    """Writes the outputs of a model, in the units of the data."""

    def __init__(
        self,
        model: Views,
        names: list[Any],
        scalers: _Scalers,
        samples: FloatArray,
        exact: bool,
        labels: FloatArray | None,
    ) -> None:
        import sympy

        self.names, self.exact = names, exact
        used = model.input_id
        inputs = [
            names[i] if m == 0.0 and s == 1.0 else (names[i] - sympy.Float(m, 17)) / sympy.Float(s, 17)
            for i, m, s in zip(used, scalers.shift, scalers.scale, strict=True)
        ]
        self.raw, self.splines = compose(model._network, inputs)
        self.functions = spline_functions(model._network, self.splines)
        self.x = np.zeros((samples.shape[0], len(names)))
        self.x[:, used] = samples * scalers.scale + scalers.shift
        self.shift, self.scale = scalers.out_shift, scalers.out_scale
        self.model_values = model._network.forward(samples) * self.scale + self.shift
        if not np.isfinite(self.model_values).all():
            raise ValueError("the model is not finite on the samples; expected x where it is.")
        self.labels = None if labels is None else labels * self.scale + self.shift

    def output(self, j: int) -> Any:
        """The expression of output j."""
        import sympy

        expression, shift, scale = self.raw[j], float(self.shift[j]), float(self.scale[j])
        if (shift, scale) != (0.0, 1.0):
            expression = sympy.Float(scale, 17) * expression + sympy.Float(shift, 17)
        if not self.splines:
            expression = normal_form(expression)
        if self.exact:
            expression = self._with_exact_numbers(expression, j)
        short = simplified(expression, self.names, self.x, self.functions)
        if not self.exact or self.splines or short == expression or not short.has(sympy.Float):
            return short
        # what was multiplied out or gathered leaves roundings behind
        again = self._with_exact_numbers(short, j)
        return again if again == short else simplified(again, self.names, self.x, self.functions)

    def _with_exact_numbers(self, expression: Any, j: int) -> Any:
        to_labels = self.labels is not None and not self.splines
        target = self.labels[:, j] if to_labels and self.labels is not None else self.model_values[:, j]
        noise = 0.0 if to_labels else _TOLERANCE * float(np.std(self.model_values[:, j]))
        found, rmse = with_exact_numbers(
            expression, self.names, self.x, target, noise=noise, functions=self.functions
        )
        return found if np.isfinite(rmse) else expression

    def error(self, expression: Any, j: int) -> FloatArray:
        """Difference from the model on the samples."""
        values = numeric_of(self.names, expression, self.functions)(*self.x.T)
        if not np.isfinite(values).all():
            raise ValueError(
                f"the formula of output {j}, {expression}, is not real on {int((~np.isfinite(values)).sum())}"
                f" of {values.size} samples; expected x inside its domain, where the model was trained."
            )
        return values - self.model_values[:, j]


def _inner_symbols(count: int) -> list[Any]:
    """Real symbols that stand for the columns while the formula is written, ordered as they are."""
    import sympy

    return [sympy.Symbol(f"x_{i:03d}", real=True) for i in range(1, count + 1)]


def _names(var: Sequence[Any] | None, count: int) -> list[Any]:
    import sympy

    if var is None:
        return [sympy.Symbol(f"x_{i}") for i in range(1, count + 1)]
    return checked_variables(var, count)


def _samples(model: Views, x: ArrayLike | None) -> FloatArray:
    if x is None:
        return default_samples(model)
    return _validate.matrix("x", model._select("x", x), model.width[0])


def _labels(model: Views, samples: FloatArray, y: ArrayLike | None) -> FloatArray | None:
    if y is None:
        return None
    labels = np.asarray(y, dtype=np.float64)
    labels = _validate.matrix("y", labels[:, None] if labels.ndim == 1 else labels, model.width[-1])
    if labels.shape[0] != samples.shape[0]:
        raise ValueError(
            f"y has {labels.shape[0]} rows and x {samples.shape[0]}; expected as many, x being given with y."
        )
    return labels


def _scalers(
    model: Views, inputs: Sequence[ArrayLike] | None, outputs: Sequence[ArrayLike] | None
) -> _Scalers:
    n_in, n_out, scaler = model.width[0], model.width[-1], model.scaler
    if inputs is not None:
        shift, scale = _normalizer("normalizer", inputs, model._used.size)
        first = shift[model.input_id], scale[model.input_id]
    else:
        first = (
            (np.zeros(n_in), np.ones(n_in))
            if scaler is None
            else (np.asarray(scaler.input_shift), np.asarray(scaler.input_scale))
        )
    if outputs is not None:
        return _Scalers(first, _normalizer("output_normalizer", outputs, n_out))
    if scaler is None or inputs is not None:
        return _Scalers(first, (np.zeros(n_out), np.ones(n_out)))
    return _Scalers(first, (np.asarray(scaler.label_shift), np.asarray(scaler.label_scale)))


def _normalizer(name: str, given: Sequence[ArrayLike], count: int) -> tuple[FloatArray, FloatArray]:
    if not hasattr(given, "__len__") or len(given) != 2:
        raise ValueError(
            f"{name} is {_validate.shown(given)}; expected a pair (mean, std) of {count} numbers each."
        )
    mean, std = (_validate.vector(name, np.ravel(np.asarray(part, dtype=float))) for part in given)
    if mean.size != count or std.size != count or not (std > 0).all():
        raise ValueError(
            f"{name} has {mean.size} means and {std.size} deviations; expected {count} of each, the latter "
            "above 0."
        )
    return mean, std


def _rounded(expression: Any, digits: int) -> Any:
    import sympy

    return expression.xreplace(
        {number: sympy.Float(float(number), digits) for number in expression.atoms(sympy.Float)}
    )
