"""Formulas: functions of the paper from samples alone, each as a formula, and pykan's first tutorial."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.studies.measured import Measured

DESCRIPTION = (
    "Section 4.1 and figure 2.4 of the paper: known formulas are looked for in 1000 samples. A method is a "
    "function that discover searches; hello-steps takes the steps of pykan's first tutorial instead, on the "
    "same samples."
)
QUANTITIES = {
    "relative_error": "RMSE of the formula on 1000 fresh samples, over the spread of the labels",
    "exact": f"1 if that is below {1e-6:g}, otherwise 0",
    "numbers": "numbers, functions and spline parameters in what was found",
}
_UNIT = (-1.0, 1.0)
#: Seconds of processor time of a search.
_SECONDS, _QUICK_SECONDS, _EXACT = 60.0, 45.0, 1e-6
#: The functions that pykan's first tutorial tries on edges.
_TUTORIAL = ("x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs")


@dataclass(frozen=True)
class Known:
    """A formula that is looked for, the box of its samples, and what the paper says of it."""

    formula: str
    variables: tuple[str, ...]
    ranges: tuple[tuple[float, float], ...]
    function: Callable[..., Any]
    paper: str
    #: Functions that a user has to name, for no library has them.
    symbols: tuple[tuple[str, str], ...] = ()


def _bessel(x: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
    from scipy import special

    return np.exp(special.j0(20 * x) + y**2)


_HELLO = Known(
    "exp(sin(pi x) + y^2)",
    ("x", "y"),
    (_UNIT, _UNIT),
    lambda x, y: np.exp(np.sin(np.pi * x) + y**2),
    "figure 2.4: the formula, after a user has set the functions of the edges",
)
KNOWN = {
    "hello-steps": _HELLO,
    "hello": _HELLO,
    "product": Known(
        "x y",
        ("x", "y"),
        (_UNIT, _UNIT),
        lambda x, y: x * y,
        "4.1 (a): a [2,2,1] of lines and squares is seen",
    ),
    "quotient": Known(
        "x / y",
        ("x", "y"),
        ((0.5, 2.0),) * 2,
        lambda x, y: x / y,
        "4.1 (b): a [2,1,1] of logarithms and an exponential is seen",
    ),
    "bessel": Known(
        "exp(J0(20 x) + y^2)",
        ("x", "y"),
        (_UNIT, _UNIT),
        _bessel,
        "4.1 (d): J0(20 x) is learnt as a spline, for no library has it; here it is named",
        (("J0", "besselj(0, x)"),),
    ),
    "phase": Known(
        "tanh(5 (x1^4 + x2^4 + x3^4 - 1))",
        ("x1", "x2", "x3"),
        (_UNIT,) * 3,
        lambda x1, x2, x3: np.tanh(5 * (x1**4 + x2**4 + x3**4 - 1)),
        "4.1 (e): fourth powers and tanh are seen",
    ),
    "distance": Known(
        "sqrt((x1 - x2)^2 + (x3 - x4)^2)",
        ("x1", "x2", "x3", "x4"),
        (_UNIT,) * 4,
        lambda x1, x2, x3, x4: np.sqrt((x1 - x2) ** 2 + (x3 - x4) ** 2),
        "4.1 (f): a [4,3,3,1] is pruned to the [4,2,1,1] of the formula",
    ),
    "velocities": Known(
        "(u + v)/(1 + u v)",
        ("u", "v"),
        ((-0.9, 0.9),) * 2,
        lambda u, v: (u + v) / (1 + u * v),
        "section 3.3: a [2,1,1], whose functions would be artanh and tanh",
    ),
    "fourvar": Known(
        "exp((sin(pi (x1^2 + x2^2)) + sin(pi (x3^2 + x4^2))) / 2)",
        ("x1", "x2", "x3", "x4"),
        (_UNIT,) * 4,
        lambda a, b, c, d: np.exp((np.sin(np.pi * (a**2 + b**2)) + np.sin(np.pi * (c**2 + d**2))) / 2),
        "section 3.1 fits it, with no formula",
    ),
}
METHODS = tuple(KNOWN)
PAPER = {name: known.paper for name, known in KNOWN.items()}


def run(method: str, seed: int, quick: bool = False) -> Measured:
    """Look for one formula.

    Parameters
    ----------
    method : str
        A name of `KNOWN`.
    seed : int
        Of the samples and of the search.
    quick : bool
        Three quarters of the time.

    Raises
    ------
    ValueError
        For another method.
    """
    import kan_np

    if method not in KNOWN:
        raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}.")
    known = KNOWN[method]
    dataset = kan_np.create_dataset(
        lambda x: np.asarray(known.function(*x.T))[:, None],
        len(known.variables),
        ranges=known.ranges,
        seed=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)
        if method == "hello-steps":
            formula, numbers = _by_steps(dataset, seed, known.variables)
        else:
            formula, numbers = _searched(known, dataset, seed, _QUICK_SECONDS if quick else _SECONDS)
    label = dataset["test_label"]
    with np.errstate(all="ignore"):
        residual = formula.numpy()(dataset["test_input"]) - label
        error = float(np.sqrt(np.mean(np.square(residual))) / label.std())
    found = {"relative_error": error, "exact": float(error < _EXACT), "numbers": float(numbers)}
    return Measured(found, {known.formula: str(formula.expressions[0])})


def _searched(known: Known, dataset: Any, seed: int, seconds: float) -> tuple[Any, int]:
    import kan_np

    library = kan_np.discovery.wide_library()
    for name, formula in known.symbols:
        library = library.add(name, formula)
    search: Any = kan_np.discover
    best = search(dataset, library=library, var=known.variables, seconds=seconds, seed=seed).best
    return best.formula, best.n_numbers


def _by_steps(dataset: Any, seed: int, names: tuple[str, ...]) -> tuple[Any, int]:
    """Fit with a sparsity penalty, prune, refine, and let the edges become functions, as pykan's tutorial."""
    import kan_np

    x, y = dataset["train_input"], dataset["train_label"]
    model = kan_np.KAN(width=[2, 5, 1], grid=3, k=3, seed=seed)
    # Of pykan's metrics this is the one that left one hidden node from every start that was tried.
    model.fit(dataset, opt="LBFGS", steps=50, lamb=0.001, reg_metric="edge_backward")
    model = model.prune(x)
    model.fit(dataset, opt="LBFGS", steps=50)
    model = model.refine(10)
    model.fit(dataset, opt="LBFGS", steps=50)
    model.auto_symbolic(x, y, lib=list(_TUTORIAL))
    model.fit(dataset, opt="LM", steps=50)
    formula = model.symbolic_formula(var=list(names), x=x, y=y)
    return formula, _n_numbers(formula)


def _n_numbers(formula: Any) -> int:
    """Return how many numbers other than 1 and -1 and how many functions stand in a formula."""
    import sympy

    parts = [part for expression in formula.expressions for part in sympy.preorder_traversal(expression)]
    numbers = sum(1 for part in parts if part.is_number and not part.args and part not in (1, -1))
    return numbers + sum(1 for part in parts if isinstance(part, sympy.core.function.Application))
