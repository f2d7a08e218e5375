"""Tests of how a formula is compared with the truth in the benchmark of 134 known equations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sympy
from sympy.parsing.sympy_parser import parse_expr

from benchmarks.formula.srbench import command, methods
from benchmarks.formula.srbench.constants import Adjustable
from benchmarks.formula.srbench.equations import Equation, read_equations
from benchmarks.formula.srbench.methods import Task, expression_of, with_fitted_numbers
from benchmarks.formula.srbench.report import bars_of
from benchmarks.formula.srbench.store import Store
from benchmarks.formula.srbench.verdicts import Verdict, is_solution, is_wrong_claim, judged

EQUATIONS = {equation.name: equation for equation in read_equations()}
GAUSSIAN, PERIOD = EQUATIONS["I.6.2"], EQUATIONS["test_5"]


def written(text: str) -> sympy.Expr:
    return parse_expr(text)


def verdict(equation: Equation, text: str, sigma: float = 0.0) -> Verdict:
    return judged(equation, written(text), data_seed=0, sigma=sigma, n=1000)


def test_the_table_has_all_equations_with_rows_on_which_they_are_real() -> None:
    assert len(EQUATIONS) == 134
    for equation in EQUATIONS.values():
        assert equation.truth.free_symbols <= set(equation.symbols)
        x = equation.rows(50, 0, "training")
        assert np.isfinite(equation.function(x)).all()
        assert (x >= equation.low).all()
        assert (x <= equation.high).all()


def test_noise_is_a_part_of_the_labels_rms_and_rows_are_other_ones_for_every_kind() -> None:
    x, y, sigma = GAUSSIAN.training(20_000, 0, 0.1)
    truth = GAUSSIAN.function(x)
    assert sigma == pytest.approx(0.1 * np.sqrt(np.mean(truth**2)))
    assert np.std(y - truth) == pytest.approx(sigma, rel=0.03)
    again, other = GAUSSIAN.training(10, 0, 0.1), GAUSSIAN.training(10, 1, 0.1)
    assert (again[0] == x[:10]).all()
    assert (other[0] != x[:10]).all()
    assert (GAUSSIAN.rows(10, 0, "fresh") != x[:10]).all()


def test_wider_ranges_keep_their_sign() -> None:
    lower, upper = Equation("f", "x", ("x", "y", "z"), (1.0, -2.0, -3.0), (5.0, 2.0, -1.0))._wider(0.5)
    assert lower.tolist() == [0.5, -4.0, -4.0]
    assert upper.tolist() == [7.0, 4.0, -0.5]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("I.6.2", "0.39894228040143268*exp(-0.5*x_2**2/x_1**2)/x_1"),
        ("I.6.2", "exp(-x_2**2/(2*x_1**2) - log(x_1) - log(2*pi)/2)"),
        ("test_5", "2*pi*x_1*sqrt(x_1/(x_2*x_3 + x_2*x_4))"),
        ("shearflow2", "sin(x_1)*(0.55 + 0.45*cos(2*x_2))"),
        ("vdp2", "-0.1*x_1"),
    ],
)
def test_a_right_formula_in_another_form_is_exact_and_a_solution(name: str, text: str) -> None:
    found = verdict(EQUATIONS[name], text)
    assert found.exact
    assert found.solution
    assert found.right_constants
    assert not is_wrong_claim(EQUATIONS[name], written(text), 0)


def test_a_wrong_number_is_not_exact_and_wrongly_called_so() -> None:
    text = "0.39894228040143268*exp(-0.5001*x_2**2/x_1**2)/x_1"
    found = verdict(GAUSSIAN, text)
    assert not found.exact
    assert found.solution
    assert not found.right_constants
    assert is_wrong_claim(GAUSSIAN, written(text), 0)
    assert verdict(GAUSSIAN, text, sigma=1e-3).right_constants
    assert not verdict(GAUSSIAN, text, sigma=1e-5).right_constants


def test_a_number_that_was_taken_for_another_one_is_no_solution() -> None:
    assert not is_solution(GAUSSIAN, written("0.4*exp(-x_2**2/(3*x_1**2))/x_1"), 0)[0]
    assert is_solution(GAUSSIAN, written("2*exp(-x_2**2/(2*x_1**2))/x_1/5"), 0) == (True, False)


def test_a_constant_difference_is_a_solution_and_a_superfluous_term_is_not() -> None:
    assert is_solution(GAUSSIAN, written("0.4*exp(-x_2**2/(2*x_1**2))/x_1 + 0.001"), 0) == (True, False)
    assert not is_solution(GAUSSIAN, written("0.4*exp(-x_2**2/(2*x_1**2))/x_1 + 0.001*x_1"), 0)[0]
    assert not is_solution(GAUSSIAN, written("0.4*exp(-(x_2 + 0.01)**2/(2*x_1**2))/x_1"), 0)[0]


def test_a_limit_of_a_flexible_function_is_no_solution() -> None:
    line = EQUATIONS["vdp2"]
    assert not is_solution(line, written("-10.0*sin(0.01*x_1)"), 0)[0]
    assert not is_solution(line, written("-0.1*x_1 - 1e-9*x_1**2"), 0)[0]


def test_a_flexible_formula_is_neither_exact_nor_a_solution_however_near_it_comes() -> None:
    quotient = EQUATIONS["II.38.14"]
    weights = np.polynomial.Chebyshev.interpolate(lambda u: 0.5 / (4 + 2 * u), 14).convert(
        kind=np.polynomial.Polynomial
    )
    text = (
        "x_1*(" + "+".join(f"({w!r})*((x_2 - 3)/2)**{i}" for i, w in enumerate(weights.coef.tolist())) + ")"
    )
    found = verdict(quotient, text)
    assert found.error < 1e-7
    assert not found.exact
    assert not found.solution
    assert is_wrong_claim(quotient, written(text), 0)


def test_a_formula_that_is_not_real_on_fresh_rows_is_nothing() -> None:
    found = verdict(GAUSSIAN, "log(x_1 - 2)")
    assert found.error == np.inf
    assert not found.exact
    assert not found.solution


def test_numbers_are_fitted_from_where_they_are() -> None:
    x = GAUSSIAN.rows(200, 0, "training")
    adjustable = Adjustable(written("0.5*exp(-0.4*(x_2/x_1)**2)/x_1"), 2)
    numbers, values = adjustable.fitted(x, GAUSSIAN.function(x))
    np.testing.assert_allclose(np.sort(numbers), [-0.5, 1 / np.sqrt(2 * np.pi)], rtol=1e-9)
    np.testing.assert_allclose(values, GAUSSIAN.function(x), rtol=1e-9)


@pytest.mark.parametrize(
    ("method", "text", "value"),
    [
        ("operon", "((-0.5) + (2.0 * ((x_1 ^ 2) / x_2)))", 17.5),
        ("rils-rols", "((2.000000*ln(x0))+x1)", 2 * np.log(3) + 1),
        ("gplearn", "add(sqrt(sub(X1, X0)), div(X0, 2.0))", np.sqrt(2) + 1.5),
    ],
)
def test_formulas_of_peers_are_read(method: str, text: str, value: float) -> None:
    expression = expression_of(text, 2, method)
    assert float(expression.subs({"x_1": 3.0, "x_2": 1.0})) == pytest.approx(value)


def test_numbers_of_a_peer_are_fitted_to_its_rows() -> None:
    x = PERIOD.rows(300, 0, "training")
    fitted = with_fitted_numbers(written("6.28*x_1**1.5/sqrt(x_2*(x_3 + x_4))"), x, PERIOD.function(x))
    assert judged(PERIOD, fitted, 0, 0.0, 300).exact


def test_what_is_known_is_not_searched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task("discover", "vdp2", 0.0, 0, 5.0, rows=100)
    path = tmp_path / "new" / "results.jsonl"
    store = Store(path)
    assert store.result(task) is None
    store.add(task, methods.run(task))
    with path.open("a") as file:
        file.write('{"task": {"meth')  # a run that was ended while it wrote
    found = Store(path).result(task)
    assert found is not None
    assert found["solved"]
    assert found["called_exact"]
    assert not found["wrongly_called_exact"]
    assert Store(path).result(Task("discover", "vdp2", 0.0, 1, 5.0, rows=100)) is None
    monkeypatch.setattr(methods, "revision", lambda: "another")
    assert Store(path).result(task) is None


def test_a_search_that_fails_is_one_that_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object) -> None:
        raise RuntimeError("no formula")

    monkeypatch.setattr(methods, "_discovered", fail)
    found = methods.run(Task("discover", "vdp2", 0.0, 0, 5.0, rows=100))
    assert found["failed"] == "RuntimeError: no formula"
    assert not found["solved"]
    assert found["missed"] == "failed"


def test_parts_have_every_search_once_and_peers_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "python_of", lambda method, given: "python")

    def names(part: str, method: str = "discover") -> list[str]:
        options = ["--part", part, "--noise", "0", "--data-seeds", "0", "--methods", method]
        return [task.name for task in command._tasks(command._parser().parse_args(options))[0]]

    parts = [name for i in (1, 2, 3) for name in names(f"{i}/3")]
    assert sorted(parts) == sorted(EQUATIONS)
    assert names("1/1") == list(EQUATIONS)
    assert names("1/1", "operon") == list(EQUATIONS)[::2]
    assert names("1/1", "gplearn") == list(EQUATIONS)[::4]


def test_bars_are_about_discover() -> None:
    def result(method: str, noise: float, solved: bool, cpu: float, wrong: bool = False):
        task = {"method": method, "noise": noise}
        return {"task": task, "solved": solved, "cpu": cpu, "wrongly_called_exact": wrong}

    results = [result("discover", 0.0, i < 3, i) for i in range(4)]
    results += [result("discover", 0.001, True, 50.0, wrong=True), result("operon", 0.0, False, 1.0)]
    bars = {bar.name: bar for bar in bars_of(results)}
    assert bars["exact at noise 0, % of 4 searches"].value == 75.0
    assert bars["exact at noise 0, % of 4 searches"].met
    assert bars["CPU seconds of solved at noise 0, median"].value == 1.0
    assert not bars["wrongly called exact"].met


def test_a_parabola_written_as_the_limit_of_a_cosine_is_no_solution() -> None:
    equation = EQUATIONS["predprey1"]
    assert verdict(equation, "-x_1**2 + 4*x_1 - x_2 + x_2/(x_1 + 1)").solution
    limit = "-x_2 + x_2/(x_1 + 1) + 11764004.0*cos(0.0004123*x_1 - 0.0008246) - 11764000.0"
    assert not verdict(equation, limit, sigma=1e-3).solution
