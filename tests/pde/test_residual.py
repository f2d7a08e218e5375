"""Residuals as text, sympy expressions and functions agree, and so do their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np.pde.names import Names
from kan_np.pde.residual import Residual

NAMES = Names(("x", "t"), ("u", "v"), ("D",))
N = 7


def written(x, u, u_x, u_xt, v, D):
    return u * u_x - D * u_xt + np.sin(x) * np.exp(v)


def derivatives(x, u, u_x, u_xt, v, D):
    return {"u": u_x, "u_x": u, "u_xt": -D, "v": np.sin(x) * np.exp(v), "D": -u_xt}


TEXT = "u*u_x - D*u_tx + sin(x)*exp(v)"
x, u, u_x, u_xt, v, D = sympy.symbols("x u u_x u_xt v D")
FORMS = {
    "text": Residual(TEXT.replace("u_tx", "u_xt"), NAMES),
    "two sides": Residual("u*u_x + sin(x)*exp(v) = D*u_xt", NAMES),
    "sympy": Residual(u * u_x - D * u_xt + sympy.sin(x) * sympy.exp(v), NAMES),
    "equality": Residual(sympy.Eq(u * u_x, D * u_xt - sympy.sin(x) * sympy.exp(v)), NAMES),
    "positive symbols": Residual(
        sympy.Symbol("u", positive=True) * u_x - D * u_xt + sympy.sin(x) * sympy.exp(v), NAMES
    ),
    "complex step": Residual(written, NAMES),
    "given": Residual(written, NAMES, derivatives),
}


def arguments():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=N) for name in ("x", "u", "u_x", "u_xt", "v")} | {"D": 0.3}


@pytest.mark.parametrize("form", FORMS)
def test_values_and_derivatives_agree_with_differences(form):
    residual, at = FORMS[form], arguments()
    np.testing.assert_allclose(residual(at, N), written(**at), rtol=1e-13)
    slopes = residual.slopes(at, N)
    assert sorted(slopes) == ["D", "u", "u_x", "u_xt", "v"]
    for name, slope in slopes.items():
        h = 1e-6
        expected = (residual(at | {name: at[name] + h}, N) - residual(at | {name: at[name] - h}, N)) / (2 * h)
        np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-8)


def test_complex_step_is_exact():
    at = arguments()
    exact, stepped = FORMS["text"].slopes(at, N), FORMS["complex step"].slopes(at, N)
    for name, slope in exact.items():
        np.testing.assert_allclose(stepped[name], slope, rtol=1e-14)


def test_coordinates_of_mixed_derivatives_are_in_any_order():
    assert NAMES.derivative("u_tx") == NAMES.derivative("u_xt") == (0, (0, 1))
    assert NAMES.derivative("v_ttt") == (1, (1, 1, 1))
    assert NAMES.derivative("u_y") is None
    long = Names(("x", "x1"), ("u",))
    assert long.derivative("u_x1x") == (0, (0, 1))


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("u_tt - u_xz", "'u_xz'.*did you mean"),
        ("u_xx - E*u", "expected coordinates x, t, outputs u, v, .* and unknowns D"),
        ("u_xxxx", "order 4; expected at most 3"),
        ("x + t", "no output and no unknown"),
        ("u_x +", "no equation that sympy can read"),
        ("u = v = 0", "2 signs of equality"),
        (lambda *a: a[0], "no named arguments"),
        (lambda u, w: u, "'w'"),
    ],
)
def test_what_is_no_equation_is_refused(definition, words):
    with pytest.raises(ValueError, match=words):
        Residual(definition, NAMES)
    with pytest.raises(TypeError, match="expected text, a sympy expression or a function"):
        Residual(3.0, NAMES)


def test_wrong_shapes_and_types_are_refused():
    at = arguments()
    with pytest.raises(ValueError, match=r"shape \(7, 1\); expected \(7,\)"):
        Residual(lambda u: u[:, None], NAMES)(at, N)
    with pytest.raises(TypeError, match="complex128; expected real numbers"):
        Residual(lambda u: u + 1j, NAMES)(at, N)
    with pytest.raises(ValueError, match="by u_x are missing"):
        Residual(lambda u, u_x: u * u_x, NAMES, lambda u, u_x: {"u": u_x}).slopes(at, N)
    with pytest.raises(ValueError, match="leave them out"):
        Residual("u", NAMES, lambda u: {"u": 1.0})
    assert (Residual(lambda D: D, NAMES)(at, N) == 0.3).all()  # a number stands for all points


def test_functions_that_are_not_for_complex_numbers_are_refused():
    at = arguments()
    for function in (lambda u: np.abs(u) * u, lambda u: np.real(u) ** 2):
        with pytest.raises(ValueError, match="Give `derivatives`"):
            Residual(function, NAMES).slopes(at, N)
    found = Residual(lambda u: np.abs(u) * u, NAMES, lambda u: {"u": 2 * np.abs(u)}).slopes(at, N)
    np.testing.assert_allclose(found["u"], 2 * np.abs(at["u"]))
