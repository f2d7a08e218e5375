"""Formulas that a solution may be, simple ways first: what the network is, symbols on its edges, a search.

Numbers in them are Floats and free: they are as good as the solution, and the equation settles them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kan_np._validate import FloatArray
from kan_np.discovery.candidate import Candidate
from kan_np.discovery import discover
from kan_np.functions.library import SymbolLibrary
from kan_np.model import KAN
from kan_np.network.network import Network
from kan_np.pde.form import Form
from kan_np.symbolic.compose import compose
from kan_np.symbolic.normal_form import normal_form

if TYPE_CHECKING:
    import sympy

#: Parts of the time for a first search, which often is enough, and for a second one.
_SHARES = (0.15, 0.85)
#: Formulas of each search that are tried, the best first.
_TRIED = 4


def of_network(network: Network, form: Form, variables: Sequence[sympy.Symbol]) -> list[Any] | None:
    """The formulas of the functions if every edge of the network is a symbol; None otherwise."""
    outputs, left = compose(network, form.input_expressions(variables))
    if left:
        return None
    return [normal_form(expression) for expression in form.composed(outputs, variables)]


def with_symbols(
    model: KAN,
    inputs: FloatArray,
    outputs: FloatArray,
    lib: Sequence[str] | None,
    library: SymbolLibrary | None,
) -> Network:
    """The network with symbols on the edges that symbols fit, trained on the outputs after each."""
    trial = model.copy()
    trial.scaler = None
    trial.auto_symbolic(inputs, outputs, lib=lib, library=library)
    return trial._network


def of_values(
    points: FloatArray,
    values: FloatArray,
    variables: Sequence[sympy.Symbol],
    *,
    lib: Sequence[str] | None,
    library: SymbolLibrary | None,
    seconds: float,
    seed: int,
) -> Iterator[list[Any]]:
    """Formulas that are found for the values of the functions, (n, n_outputs), at points.

    Those of one function come one after the other, the best first; of several the best of each.
    """
    budget = seconds / values.shape[1]
    for share in _SHARES:
        found = []
        for column in values.T:
            dataset = {"train_input": points, "train_label": column[:, None]}
            own = discover(dataset, lib=lib, library=library, seconds=share * budget, seed=seed)
            found.append(_best_first([own.best, *own.candidates[::-1]])[:_TRIED])
        several = len(found) > 1
        for those in zip(*(own[:1] if several else own for own in found), strict=True):
            yield [_with_free_numbers(candidate, variables, points) for candidate in those]


def _best_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Formulas without splines, each once."""
    return list({id(candidate): candidate for candidate in candidates if candidate.symbolic}.values())


def _with_free_numbers(candidate: Candidate, variables: Sequence[Any], points: FloatArray) -> Any:
    formula = candidate.model.symbolic_formula(x=points, exact=False)
    (expression,) = formula.expressions
    return expression.subs(dict(zip(formula.variables, variables, strict=True)), simultaneous=True)
