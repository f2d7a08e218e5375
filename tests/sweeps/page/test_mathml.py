"""Formulas on a page: well-formed MathML that means what the text says, or the text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from sweeps.page.mathml import formula_html, short_text


def read(element: ET.Element) -> str:
    """Return MathML as Python text with every part in brackets: what a reader makes of it."""
    parts = [read(child) for child in element]
    if element.tag in ("mi", "mn", "mo"):
        text = (element.text or "").replace("−", "-")
        names = {"·": "*", "\u2062": "*", "π": "pi", "e": "E", "α": "alpha", "φ": "phi"}
        return names.get(text, text)
    if element.tag == "mfrac":
        return f"(({parts[0]})/({parts[1]}))"
    if element.tag == "msup":
        return f"(({parts[0]})**({parts[1]}))"
    if element.tag == "msub":
        return f"{parts[0]}_{parts[1].replace(',', '_')}"
    if element.tag == "msqrt":
        return f"sqrt({parts[0]})"
    text = "".join(parts)
    return re.sub(r"^\|(.*)\|$", r"Abs(\1)", text)


@pytest.mark.parametrize(
    "text",
    [
        "x*y",
        "exp(y**2 + sin(pi*x))",
        "a - (b - c)",
        "a - b - c",
        "-(a + b)*c",
        "-x**2",
        "(-x)**2",
        "2*3*x",
        "(a + b)*(c - d)/(1 + a*b)",
        "a/b/c",
        "a/(b/c)",
        "(a/b)**2",
        "(a**b)**c",
        "a**b**c",
        "x**(3/2)",
        "x**(-1)",
        "x*(-y)",
        "-a*b + c",
        "a*(-2*b)",
        "c - (-a*b)*c",
        "(-a + b)*c",
        "sqrt(x_1**2 + x_2**2)",
        "exp(-x**2/(2*s**2))/sqrt(2*pi*s**2)",
        "Abs(x) + tanh(5*x)",
        "alpha*phi_0_1_2(x_10)",
        "1.5e-9*x**2 - 2.25e12",
    ],
)
def test_it_means_what_the_text_says(text: str) -> None:
    import sympy

    markup = formula_html(text)
    assert markup.startswith("<math")
    names = {name: sympy.Symbol(name) for name in re.findall(r"[A-Za-z_]\w*", text)} | {"pi": sympy.pi}
    names |= {"E": sympy.E} | {f: getattr(sympy, f) for f in ("sin", "exp", "sqrt", "Abs", "tanh")}
    names["phi_0_1_2"] = sympy.Function("phi")
    shown = read(ET.fromstring(markup))  # noqa: S314  made here
    left, right = (sympy.sympify(one, locals=dict(names)) for one in (shown, text))
    numbers = {s: sympy.Rational(7 + 3 * i, 11) for i, s in enumerate(sorted(right.free_symbols, key=str))}
    assert left.free_symbols == right.free_symbols
    assert sympy.Abs(sympy.N((left - right).subs(numbers).replace(names["phi_0_1_2"], sympy.sin))) < 1e-9


def test_a_minus_stands_before_the_whole_product() -> None:
    assert "(" not in formula_html("-2.5*x*y")


def test_bessel_functions_have_their_order_as_an_index() -> None:
    assert "<msub><mi>J</mi><mn>0</mn></msub>" in formula_html("besselj(0, 20*x)")


@pytest.mark.parametrize(
    "text",
    [
        "a <b> c",
        "Piecewise((x, x > 0), (1, True))",
        "lambda*x",
        "",
        "x +",
        "f(x)(y)",
        "f(a=1)",
        "'<i>'",
        "f()",
    ],
)
def test_what_is_not_understood_is_shown_as_it_is(text: str) -> None:
    shown = formula_html(text)
    escaped = text.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;")
    assert shown == f'<code class="formula-text">{escaped}</code>'


def test_names_cannot_become_markup() -> None:
    assert "<script>" not in formula_html("x*y + <script>")
    assert "größe" in formula_html("2*größe")


def test_names_in_quotes_stay_names() -> None:
    shown = formula_html("2*'a-b' + 3*'L/D'**2 - 'pi'*pi*exp('e')")
    assert shown.startswith("<math")
    ET.fromstring(shown)  # noqa: S314  made here
    assert "<msup><mtext>&#x27;L/D&#x27;</mtext><mn>2</mn></msup>" in shown
    assert "<mtext>&#x27;pi&#x27;</mtext>" in shown
    assert "<mi>π</mi>" in shown
    assert "<mfrac>" not in shown
    assert "<msup><mi>e</mi><mtext>&#x27;e&#x27;</mtext></msup>" in shown
    assert "<mi>λ</mi>" in formula_html("2*'lambda'")


def test_names_in_quotes_cannot_become_markup_or_control_characters() -> None:
    shown = formula_html("x*'</math><script>\\x1b\\n&'")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert all(char.isprintable() for char in shown)
    assert formula_html("x*True").startswith("<code")


def test_different_names_are_shown_differently() -> None:
    for names in (("x1", "x_1"), ("alpha", "α"), ("x_1_2", "x_1__2"), ("pi", "'pi'"), ("a", "'a '")):
        first, second = ET.fromstring(formula_html(" + ".join(names)))[0][::2]  # noqa: S314  made here
        assert ET.tostring(first) != ET.tostring(second)


def test_numbers_in_names_are_not_rounded() -> None:
    long = " + ".join(f"0.12345678912345*'0.123456789 m_{i}'" for i in range(20))
    assert formula_html(long).startswith("<code")
    assert "0.12346*&#x27;0.123456789 m_3&#x27;" in formula_html(long)


def test_long_formulas_are_text_that_can_be_broken_into_lines() -> None:
    long = " + ".join(f"0.12345678912345*x_{i}" for i in range(40))
    assert formula_html(long).startswith("<code")
    assert "0.12346*x_39" in formula_html(long)


def test_numbers_are_rounded() -> None:
    assert short_text("3.0000000000000004*x_1 - 1.23456789e-10*y2") == "3*x_1 - 1.2346e-10*y2"
    assert "<mn>0.33333</mn>" in formula_html("0.333333333333*x")
