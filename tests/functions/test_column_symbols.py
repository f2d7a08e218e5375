"""Symbols for the columns of a table: words that mean nothing else, different ones, and their legend."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kan_np import KAN, column_symbols, dataset_from_arrays, discover, load_model
from kan_np.functions.column_symbols import legend_of
from kan_np.functions.names import is_word
from kan_np.symbolic import SymbolLibrary

EXPECTED = {
    "t / h": "t",
    "T / °C": "T",
    "p/kPa": "p",
    "v / (m/s)": "v",
    "mass, kg": "mass",
    "m [kg]": "m",
    "yield (%)": "yield_",
    "humidity (%)": "humidity",
    "cat. (mol%)": "cat",
    "pi": "pi_",
    "e": "e_",
    "sin": "sin_",
    "lambda": "lambda_",
    "L/D": "L_D",
    "a-b": "a_b",
    "x__2": "x_2",
    "50 %": "x_50",
    "α": "alpha",
    "ΔT / K": "Delta_T",
    r"$\alpha_1$": "alpha_1",
    r"$\ce{CO2}$": "CO2",
    r"$T_{\mathrm{max}}$ / K": "T_max",
    "solvent=THF": "solvent_THF",
    "Größe / cm": "Größe",
    "x₂": "x2",
    "a\nimport os": "a_import_os",
    "": "x",
    "x_1": "x_1",
    "mass": "mass",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_symbol_is_the_name_without_unit_and_signs(name: str) -> None:
    assert column_symbols([name]) == {name: EXPECTED[name]}


def test_names_that_would_be_alike_get_numbers_and_plain_names_stay() -> None:
    assert column_symbols(["T (K)", "T / °C", "T", "T_1", "p / Pa"]) == {
        "T (K)": "T_2",
        "T / °C": "T_3",
        "T": "T",
        "T_1": "T_1",
        "p / Pa": "p",
    }
    assert legend_of(column_symbols(["T", "p / Pa"])) == {"p": "p / Pa"}


@given(st.lists(st.text(max_size=12), unique=True, max_size=6))
def test_symbols_are_different_words(names: list[str]) -> None:
    symbols = list(column_symbols(names).values())
    assert len(set(symbols)) == len(names) == len(symbols)
    assert all(map(is_word, symbols))


NAMES = ["t / h", "pi", "yield (%)"]


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, dict]:
    x = np.random.default_rng(0).uniform(0.5, 2.0, (150, 3))
    dataset = dataset_from_arrays(x, 2 * x[:, 0] + 3 * x[:, 1] ** 2, val_fraction=0.0)
    return x, dataset | {"feature_names": NAMES}


def test_what_discover_finds_is_written_in_symbols_with_a_legend(data: tuple[np.ndarray, dict]) -> None:
    x, dataset = data
    library = SymbolLibrary(SymbolLibrary().select(["x", "x^2", "0"]))
    found = discover(dataset, library=library, seconds=20)
    formula = found.best.formula
    assert str(formula.expressions[0]) in ("3*pi_**2 + 2*t", "2*t + 3*pi_**2")
    assert formula.legend == {"t": "t / h", "pi_": "pi", "yield_": "yield (%)"}
    assert formula.legend_text() == "t = 't / h', pi_ = 'pi'"
    assert "t = 't / h', pi_ = 'pi'" in repr(found.best)
    assert found.table().splitlines()[-1].startswith("with t = 't / h', pi_ = 'pi'")
    assert "with t = &#x27;t / h&#x27;, pi_ = &#x27;pi&#x27;" in found._repr_html_()
    # A table is matched by its own names, whatever the symbols are.
    table = {"yield (%)": x[:, 2], "pi": x[:, 1], "t / h": x[:, 0]}
    np.testing.assert_allclose(formula.numpy()(table)[:, 0], 2 * x[:, 0] + 3 * x[:, 1] ** 2, rtol=1e-12)
    assert r"\text{pi\_}^{2}" in formula.latex()[0]
    named = discover(dataset, library=library, seconds=20, var=["a", "b", "c"]).best.formula
    assert named.legend == {}


def test_a_model_with_names_writes_its_formula_in_symbols(data: tuple[np.ndarray, dict]) -> None:
    _, dataset = data
    model = KAN([3, 1], grid=3, seed=0)
    model.fit(dataset, steps=3)
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    model = load_model(buffer)
    for i, symbol in enumerate(["x", "x^2", "0"]):
        model.fix_symbolic(0, i, 0, symbol, fit=False)
    formula = model.symbolic_formula()
    assert {str(s) for s in formula.expressions[0].free_symbols} == {"t", "pi_"}
    assert repr(formula) == "Formula(pi_**2 + t; t = 't / h', pi_ = 'pi')"
    model.feature_names = None
    assert repr(model.symbolic_formula()) == "Formula(x_1 + x_2**2)"
