"""What people really have: odd names, units, offsets, few rows, noise, idle inputs, and the right answers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sympy

from kan_np import Discoveries, discover, standardized

G, K_B, C2, AVOGADRO = 6.674e-11, 1.380649e-23, 8.987551787368176e16, 6.02214076e23


def rows(n, n_in, low=1.0, high=2.0, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (n, n_in))


def normal(n, level, seed=1):
    return level * np.random.default_rng(seed).normal(size=n)


def table(x, y, **keys):
    return {"train_input": np.asarray(x, dtype=float), "train_label": np.asarray(y, dtype=float), **keys}


def best_of(x, y, keys=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return discover(table(x, y, **(keys or {})), **{"seconds": 20.0, "most_steps": 400} | options)


def text(found):
    return str(found.best.formula.expressions[0])


def same(expression, expected):
    """Whether two formulas are the same, numbers to 1e-9."""
    names = sorted(expression.free_symbols | expected.free_symbols, key=str)
    if expression.free_symbols != expected.free_symbols:
        return False
    at = {name: sympy.Rational(7 + 2 * k, 5) for k, name in enumerate(names)}
    one, other = (float(e.subs(at)) for e in (expression, expected))
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))


# ---------------------------------------------------------------------- constants, offsets and units

S = rows(80, 3)
T = np.arange(100.0)
YEARS = np.linspace(1950.0, 2024.0, 75)
DAYS = rows(150, 1, 0.0, 20.0)[:, 0]

EXACT = {
    "gravity in SI units": (
        S * [1e24, 1e3, 1e7],
        G * S[:, 0] * 1e24 * S[:, 1] * 1e3 / (S[:, 2] * 1e7) ** 2,
        "6.674e-11*x_1*x_2/x_3**2",
    ),
    "exp of 0 to 99": (T, np.exp(T), "exp(x_1)"),
    "a logarithm times Avogadro's number": (S[:, 0], AVOGADRO * np.log(S[:, 0]), "6.02214076e23*log(x_1)"),
    "9.81 and no 9.8100000000000005": (S[:, :2], 9.81 * S[:, 0] * S[:, 1], "9.81*x_1*x_2"),
    "half of 9.81": (S[:, 0], 9.81 / 2 * S[:, 0] ** 2, "4.905*x_1**2"),
    "Boltzmann's constant": (S[:, :2] * [300, 1e25], K_B * 3e27 * S[:, 0] * S[:, 1], "1.380649e-23*x_1*x_2"),
    "mass and energy": (S[:, 0] * 1e-30, C2 * 1e-30 * S[:, 0], "89875517873681760*x_1"),
    "degrees Celsius of kelvin": (200 + 200 * S[:, 0], 200 * S[:, 0] - 73.15, "x_1 - 273.15"),
    "a small slope on a large offset": (S[:, 0], 1e6 + 1e-3 * S[:, 0], "x_1/1000 + 1000000"),
    "years": (YEARS, 3 * YEARS - 5850, "3*x_1 - 5850"),
    "labels below 1e-200": (S[:, 0], 2e-200 * S[:, 0] ** 2, "2e-200*x_1**2"),
    "inputs below 1e-150": (S[:, :2] * 1e-150, 3 * S[:, 0] / S[:, 1], "3*x_1/x_2"),
    "labels above 1e200": (S[:, :2], -7e200 * S[:, 0] * S[:, 1], "-7e200*x_1*x_2"),
    "negative labels": (S[:, 0], -3 * S[:, 0] ** 2, "-3*x_1**2"),
    "labels of six decimals": (S[:, 0], np.round(3 * S[:, 0] ** 2, 6), "3*x_1**2"),
    "labels of single precision": (S[:, 0], np.float32(3 * S[:, 0] ** 2), "3*x_1**2"),
    "whole numbers": (T - 20, (T - 20) ** 2, "x_1**2"),
    "halves of powers": (S[:, :2], S[:, 0] ** 1.5 / np.sqrt(S[:, 1]), "x_1**(3/2)/sqrt(x_2)"),
    "an exponent that is no fraction": (S[:, :2], 2 * S[:, 0] ** 0.72 * S[:, 1], "2*x_1**0.72*x_2"),
    "inputs over ten decades": (10 ** (10 * S[:, :2]), 10 ** (10 * (S[:, 0] - S[:, 1])), "x_1/x_2"),
    "one row far away": (np.append(S[:, 0], 1e6), 2 * np.append(S[:, 0], 1e6), "2*x_1"),
    "a wave over three periods": (DAYS, np.sin(DAYS), "sin(x_1)"),
    "an input that is the label": (S, S[:, 1], "x_2"),
    "an input without variation": (np.c_[S[:, :2], np.full(80, 3.0)], S[:, 0] * S[:, 1], "x_1*x_2"),
    "idle inputs": (rows(80, 6), rows(80, 6)[:, 0] * rows(80, 6)[:, 3], "x_1*x_4"),
    "twelve inputs": (rows(100, 12), rows(100, 12)[:, 3] * rows(100, 12)[:, 7], "x_4*x_8"),
    "fifty inputs": (rows(150, 50), 5 * rows(150, 50)[:, 41] + 1, "5*x_42 + 1"),
    "more inputs than rows": (rows(20, 30), 4 * rows(20, 30)[:, 9], "4*x_10"),
    "four rows of a line": (T[:4], 2 * T[:4] + 1, "2*x_1 + 1"),
    "five rows of a line": (T[:5], 3 - T[:5] / 2, "3 - x_1/2"),
    "six rows of a square": (T[1:7], T[1:7] ** 2, "x_1**2"),
    "labels that are 7": (S, np.full(80, 7.0), "7"),
    "labels that are 0": (S, np.zeros(80), "0"),
    "labels that are 2.5e-9": (S, np.full(80, 2.5e-9), "2.5e-9"),
}


@pytest.mark.parametrize("case", EXACT)
def test_the_formula_is_met(case):
    x, y, expected = EXACT[case]
    found = best_of(x, y)
    (expression,) = found.best.formula.expressions
    assert found.best.exact, found
    assert same(expression, sympy.sympify(expected)), expression


@pytest.mark.parametrize("scale", [1.0, 1e9, 1e-9])
def test_units_change_nothing_but_the_numbers(scale):
    found = best_of(scale * S[:, :2], S[:, 0] ** 2 / S[:, 1] / scale)
    (expression,) = found.best.formula.expressions
    expected = sympy.sympify("x_1**2/x_2") * sympy.Float(scale**-2, 17)
    assert found.best.exact
    assert same(expression, expected), expression
    assert found.best.complexity <= 4.6


def test_labels_that_were_standardised_come_back():
    found = discover(standardized(table(S[:, :2], 9.81 * S[:, 0] * S[:, 1])), most_steps=400, seconds=600.0)
    assert text(found) == "9.81*x_1*x_2"


# ---------------------------------------------------------------------- names

NAMES = {
    "a constant and another one": ["pi", "E"],
    "the imaginary unit and a function": ["I", "sin"],
    "a quotient and two underscores": ["L/D", "x__2"],
    "a word of Python": ["lambda", "None"],
    "Greek letters with a unit": ["α / °", "T / °C"],
    "LaTeX": [r"$\ce{CO2}$", r"\alpha_{max}"],
    "per cent and a minus": ["50 %", "a-b"],
    "the other way round": ["x_2", "x_1"],
    "those of curves and parameters": ["f1", "theta0"],
    "those of sympy": ["Symbol", "S"],
    "numbers": ["1", "2"],
    "a line break with code": ["a\nimport os", "b; print(1)"],
    "the same but for blanks": ["t", "t "],
    "in capitals": ["t", "T"],
    "long": ["a" * 300, "a" * 299 + "b"],
}


#: Those whose names of columns are not the symbols of the formula.
OF_COLUMNS = [
    "a quotient and two underscores",
    "Greek letters with a unit",
    "LaTeX",
    "a line break with code",
]


@pytest.mark.parametrize(
    ("case", "given"), [*((case, "var") for case in NAMES), *((case, "feature_names") for case in OF_COLUMNS)]
)
def test_no_name_changes_a_number(case, given):
    names = NAMES[case]
    x, y = S[:, :2], np.pi * S[:, 0] ** 2 * np.e / S[:, 1]
    found = best_of(x, y, var=names) if given == "var" else best_of(x, y, {"feature_names": names})
    formula = found.best.formula
    assert found.best.exact
    np.testing.assert_allclose(formula.numpy()(x)[:, 0], y, rtol=1e-12)
    np.testing.assert_allclose(found.best.model.predict(x)[:, 0], y, rtol=1e-12)
    first, second = formula.variables
    other = sympy.Symbol("a"), sympy.Symbol("b")
    plain = formula.renamed(other).expressions[0]
    assert same(plain, sympy.pi * other[0] ** 2 * sympy.E / other[1]), plain
    assert first != second
    assert all(formula.latex()), repr(found)


@pytest.mark.parametrize("given", ["var", "feature_names"])
def test_a_name_that_is_there_twice_is_refused(given):
    dataset = table(S[:, :2], S[:, 0])
    options = {"var": ["t", "t"]} if given == "var" else {}
    dataset |= {"feature_names": ["t", "t"]} if given != "var" else {}
    with pytest.raises(ValueError, match="'t' more than once"):
        discover(dataset, **options)


# ---------------------------------------------------------------------- noise and few rows


@pytest.mark.parametrize("unit", [1.0, 1e-20])
def test_noise_decides_the_digits(unit):
    x = rows(200, 1)[:, 0]
    found = best_of(x, unit * (9.81 * x + normal(200, 0.01)), most_steps=100)
    (number,) = found.best.formula.expressions[0].atoms(sympy.Number) - {sympy.Integer(1)}
    assert float(number) / unit == pytest.approx(9.81, abs=0.01)
    assert len(str(found.best).split("*")[0].split("(")[1]) <= 10
    assert found.noise.level / unit == pytest.approx(0.01, rel=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_noise_does_not_bring_idle_inputs_in(seed):
    x = rows(200, 5, seed=seed)
    found = best_of(x, x[:, 0] * x[:, 1] + normal(200, 0.02, seed), most_steps=60)
    assert found.best.symbolic
    assert {str(s) for s in found.best.formula.expressions[0].free_symbols} == {"x_1", "x_2"}


@pytest.mark.parametrize(
    ("n", "n_in"), [(100, 1), *(pytest.param(n, d, marks=pytest.mark.slow) for n, d in ((100, 2), (60, 8)))]
)
def test_pure_noise_is_a_constant(n, n_in):
    found = best_of(rows(n, n_in), normal(n, 1.0), most_steps=60)
    assert found.best.symbolic
    assert not found.best.formula.expressions[0].free_symbols
    assert not found.best.exact


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("n", "seed"), [(6, 0), *(pytest.param(n, seed, marks=SLOW) for n in (4, 5) for seed in (1, 2))]
)
def test_few_rows_of_noise_are_a_constant(n, seed):
    found = best_of(rows(n, 1), normal(n, 1.0, seed), most_steps=40)
    assert not found.best.formula.expressions[0].free_symbols
    assert not found.best.exact


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_rows_are_refused(n):
    with pytest.raises(ValueError, match="expected at least 4"):
        best_of(rows(n, 1), np.arange(float(n)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_refused(bad):
    y = S[:, 0].copy()
    y[3] = bad
    with pytest.raises(ValueError, match="finite"):
        best_of(S, y)
    with pytest.raises(ValueError, match="finite"):
        best_of(y, S[:, 0])


def test_repeated_rows_say_the_noise():
    x = np.repeat(rows(30, 1), 4, axis=0)
    found = best_of(x, 2 * x[:, 0] + normal(120, 0.05), most_steps=60)
    assert found.noise.level == pytest.approx(0.05, rel=0.2)
    assert found.noise.source == "rows of equal inputs"
    assert found.noise.said(found.spread) in found.notes
    assert found.noise.said(found.spread) in repr(found).splitlines()


@SLOW
def test_two_classes_are_not_called_exact():
    found = best_of(S[:, :2], (S[:, 0] > 1.5).astype(float), lib=["x", "x^2"], most_steps=60)
    assert not found.best.exact


@SLOW
def test_many_inputs_say_which_were_left_out():
    x = rows(200, 12)
    y = np.sin(3 * x[:, 2]) * x[:, 5] + normal(200, 0.05)
    with pytest.warns(UserWarning, match="12 inputs"):
        found = discover(table(x, y), lib=["x", "sin"], most_steps=20)
    (note,) = (note for note in found.notes if "12 inputs" in note)
    matter, others = note.split("which matter most, not in ")
    assert "x_6" in matter
    assert "x_12" in others


# ---------------------------------------------------------------------- several outputs and tables


def test_each_of_several_outputs_has_its_own_formula():
    labels = np.column_stack([9.81 * S[:, 0] * S[:, 1], S[:, 2] ** 2, np.full(80, 3.0)])
    found = best_of(S, labels, {"target_names": ["E", "area", "three"]}, var=["m", "h", "r"])
    assert isinstance(found, Discoveries)
    assert [text(own) for own in found] == ["9.81*h*m", "r**2", "3"]
    assert found["area"] is found[1]
    np.testing.assert_allclose(found.numpy()(S), labels, rtol=1e-12)
    assert "area = r**2" in repr(found)
    assert found.table().count("complexity") == 3
    assert "<table" in found._repr_html_()
    with pytest.raises(ValueError, match="expected one of 'E', 'area', 'three'"):
        found["volume"]


def test_several_outputs_of_a_standardised_dataset():
    labels = np.column_stack([2 * S[:, 0], S[:, 0] * S[:, 1]])
    found = discover(standardized(table(S[:, :2], labels)), most_steps=400, seconds=600.0)
    assert [text(own) for own in found] == ["2*x_1", "x_1*x_2"]


def test_a_table_with_names():
    columns = {"m / kg": S[:, 0], "v / (m/s)": S[:, 1]}
    found = discover({"train_input": columns, "train_label": {"E / J": S[:, 0] * S[:, 1] ** 2 / 2}})
    assert text(found) == "m*v**2/2"
    assert found.best.formula.legend == {"m": "m / kg", "v": "v / (m/s)"}
    np.testing.assert_allclose(found.best.model.predict(columns)[:, 0], S[:, 0] * S[:, 1] ** 2 / 2)
