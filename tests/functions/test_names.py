"""Names of variables: whatever they are, formulas compute the same, and are read as what they mean."""

from __future__ import annotations

import ast
import pickle
import random

import numpy as np
import pytest
import sympy
from matplotlib.textpath import TextPath

from kan_np import KAN, dataset_from_arrays, discover
from kan_np.functions.names import is_word, latex_names
from kan_np.functions.variables import symbol_of, text_of
from kan_np.symbolic import SymbolLibrary

WORDS = """
    pi e E I sin exp sqrt log lambda None import beta gamma array jv numpy select nan oo x_001 x_1 phi_0_0_0
    argument_000000 S N Q Si print L/D a-b a*b x__2 x_ _x # a_b x^2 ~ $ $x$ $_{$ $\\ce{CO2}$ \\input{x}
    \\frac{ { } \\ ' " '" x1 µ μ π größe 温度 Δx α alpha (1 x) 1 2x T_max xhat xabs a,b f(x) 'x1'
"""
SPACED = [
    "",
    " ",
    " x",
    "x ",
    "t / h",
    "50 %",
    "a & b",
    "a\nimport os",
    "\x1b[31m",
    "\u202e",
    "x = 1",
    "# no",
]
NASTY = [*WORDS.split(), *SPACED]


def evaluated(text, values):
    """The number of a formula's text, read as its docstring says: words and strings are variables."""

    def read(node):
        match node:
            case ast.Constant(value=str(name)) | ast.Name(id=name):
                return {"pi": np.pi, "E": np.e}[name] if name not in values else values[name]
            case ast.Constant(value=value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -read(operand)
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                return getattr(np, name)(read(argument))
            case ast.BinOp(left=left, op=op, right=right):
                one, two = read(left), read(right)
                match op:
                    case ast.Add():
                        return one + two
                    case ast.Sub():
                        return one - two
                    case ast.Mult():
                        return one * two
                    case ast.Div():
                        return one / two
                    case ast.Pow():
                        return one**two
        raise AssertionError(ast.dump(node))

    return read(ast.parse(text, mode="eval").body)


def fixed_model():
    """Sum of sin(2 u) and v^2 times pi, of exp w, and of a product in a hidden node."""
    model = KAN([4, 1], seed=0)
    for i, (name, constants) in enumerate(
        [("sin", {"a": 2.0}), ("x^2", {"c": np.pi}), ("exp", {}), ("x", {"c": -0.5})]
    ):
        model.fix_symbolic(0, i, 0, name, fit=False, **constants)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_numbers_and_text_do_not_depend_on_names(seed):
    names = random.Random(seed).sample(NASTY, 4)
    model = fixed_model()
    x = np.random.default_rng(seed).uniform(0.5, 2.0, (20, 4))
    formula = model.symbolic_formula(var=names)
    expected = model.predict(x)
    assert np.allclose(formula.numpy()(x), expected, rtol=1e-12)
    plain = model.symbolic_formula()
    assert np.allclose(plain.renamed(names).numpy()(x), expected, rtol=1e-12)
    text = text_of(formula.expressions[0])
    assert str(formula) == f"Formula({text})"
    assert text == str(formula.expressions[0])  # printed by sympy itself
    assert np.allclose(evaluated(text, dict(zip(names, x.T, strict=True))), expected[:, 0], rtol=1e-12)
    assert all(char.isprintable() for char in text + formula.latex()[0])
    again = pickle.loads(pickle.dumps(formula.expressions[0]))
    assert again == formula.expressions[0]
    computed = sympy.lambdify(formula.variables, formula.expressions[0])
    assert np.allclose(computed(*x.T), expected[:, 0], rtol=1e-12)


@pytest.mark.parametrize("name", NASTY)
def test_the_latex_of_a_name_is_escaped_and_can_be_drawn(name):
    (latex,) = latex_names([name]).values()
    assert TextPath((0.0, 0.0), f"$3 {latex}^{{2}}$") is not None
    inside = latex
    for escaped in (r"\backslash", *(f"\\{char}" for char in "%&#$_{}")):
        inside = inside.replace(escaped, "")
    assert not set("%&#$^~") & set(inside)
    assert inside.count("{") == inside.count("}")
    commands = {r"\text", r"\mathrm", r"\alpha", r"\beta", r"\gamma", r"\lambda", r"\mu", r"\phi"}
    assert {part.split("{")[0].split("_")[0] for part in _commands(inside)} <= commands


def _commands(latex):
    return ["\\" + part for part in latex.split("\\")[1:]]


def test_distinct_names_are_distinct_in_text_and_latex():
    texts = {text_of(symbol_of(name)) for name in NASTY}
    assert len(texts) == len(NASTY)
    assert len(set(latex_names(NASTY).values())) == len(NASTY)
    # not even by spaces, which LaTeX leaves out: a b is a product
    assert len({latex.replace(" ", "") for latex in latex_names(["ab", "a b", "a", "b"]).values()}) == 4
    found = latex_names(["x^", "x\u02c6", "x~", "x\u02dc"])
    assert len(set(found.values())) == 4
    for name in ("e", "pi", "sin"):
        assert latex_names([name])[name] not in {sympy.latex(sympy.E), sympy.latex(sympy.pi), r"\sin"}


def test_words_stay_as_they_are_and_symbols_of_sympy():
    for name in ("x", "x_1", "mass", "T_max", "alpha", "größe"):
        assert is_word(name)
        assert symbol_of(name) == sympy.Symbol(name)
    model = fixed_model()
    formula = model.symbolic_formula(var=["u", "v", "w", "z"])
    assert formula[0][0].subs(sympy.Symbol("w"), 0).has(sympy.Symbol("u"))


@pytest.mark.parametrize(
    "var",
    [
        ["a", "b", "a", "c"],
        ["a", sympy.Symbol("a", real=True), "b", "c"],
        ["L/D", "b", "L/D", "c"],
        [sympy.Symbol("t") ** 2, "b", "c", sympy.Symbol("t") ** 2],
        [sympy.Symbol("t") ** 2, sympy.Symbol("t", real=True), "b", "c"],
    ],
)
def test_names_twice_are_refused(var):
    with pytest.raises(ValueError, match=r"var has .* more than once; expected a different name"):
        fixed_model().symbolic_formula(var=var)
    with pytest.raises(ValueError, match="more than once"):
        fixed_model().symbolic_formula().renamed(var)


def test_expressions_of_one_variable_may_stand_for_several_columns():
    t = sympy.Symbol("t")
    formula = fixed_model().symbolic_formula(var=[t, t + 1, 2 * t, t**2])
    assert formula.expressions[0].free_symbols == {t}


@pytest.mark.parametrize(
    ("var", "error", "message"),
    [
        (["x", "x"], ValueError, "var has 'x' more than once"),
        (["x"], ValueError, "var has 1 names; expected 2"),
        (["x", 3], TypeError, "var has 3; expected text"),
        ("xy", TypeError, "expected a sequence of 2 names"),
    ],
)
def test_discover_refuses_names_before_it_trains(var, error, message, monkeypatch):
    monkeypatch.setattr("kan_np.discovery.search.train_tree", None)
    x = np.random.default_rng(0).uniform(0.5, 2.0, (50, 2))
    with pytest.raises(error, match=message):
        discover({"train_input": x, "train_label": x.sum(axis=1)}, var=var)


def test_a_search_under_names_of_constants_finds_the_same_formula():
    x = np.random.default_rng(0).uniform(0.5, 2.0, (150, 2))
    dataset = dataset_from_arrays(x, 2 * x[:, 0] + 3 * x[:, 1] ** 2, val_fraction=0.0)
    library = SymbolLibrary(SymbolLibrary().select(["x", "x^2", "0"]))
    for names in (["pi", "e"], ["a-b", "L/D"], ["humidity (%)", r"$\ce{CO2}$"]):
        best = discover(dataset, library=library, var=names, seconds=20).best
        assert best.exact
        assert np.allclose(best.formula.numpy()(x)[:, 0], 2 * x[:, 0] + 3 * x[:, 1] ** 2, rtol=1e-12)
        assert best.formula.expressions[0] == 2 * symbol_of(names[0]) + 3 * symbol_of(names[1]) ** 2
        assert f"3*{names[1]!r}**2" in repr(best)
        drawn = [text.get_text() for text in best.plot().axes[0].texts]
        assert {name.replace("$", r"\$") for name in names} <= set(drawn)


def test_tables_are_matched_by_the_names_of_a_formula():
    formula = fixed_model().symbolic_formula(var=["a", "pi", "c", "d e"])
    x = np.random.default_rng(0).uniform(0.5, 2.0, (5, 4))
    table = np.zeros(5, dtype=[("d e", float), ("c", float), ("a", float), ("pi", float)])
    for i, name in enumerate(["a", "pi", "c", "d e"]):
        table[name] = x[:, i]
    assert np.array_equal(formula.numpy()(table), formula.numpy()(x))
    with pytest.raises(ValueError, match="and not 'pi'"):
        formula.numpy()(table[["a", "c", "d e"]])
