"""Anderson localisation: mobility edges of three quasiperiodic chains from their spectra alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.studies.measured import Measured

DESCRIPTION = (
    "Section 4.4 of the paper: which eigenstates of a chain are localised, by KANs and by a formula of the "
    "mobility edge. 300 chains of 610 sites with 40 states of each; a state is localised if its fractal "
    "dimension is below 0.5; a fifth of the chains is held out. A method is a model of chains."
)
METHODS = ("mosaic", "generalized", "modified")
QUANTITIES = {
    "theory": "share of held-out states on the right side of the theory's mobility edge",
    "linear": "the same share by a linear logit",
    "kan": "the same by a KAN [2,1] or [4,2,1,1], the best of several starts by a fifth of the other chains",
    "kan_wide": "the same by [4,3,1,1], of modified chains",
    "product": "the same by a network with a product node whose edges are symbols, of modified chains",
    "formula": "the same by the formula that discover_boundary finds",
    "zero_set": "median distance of the formula from the theory's edge in lambda, on held-out states",
    "exact": "1 if the formula is the theory's, all numbers exact, otherwise 0",
}
PAPER = {
    "theory": "table 5: generalized 99.2 %, modified 98.6 %",
    "kan": "table 5: generalized 98.7 %; modified about 75 % ([4,2,1,1]) and 98.4 % ([4,3,1,1])",
    "formula": "table 5: generalized 98.9 %, modified 97.1 %, by automatic symbols",
    "generalized": "1.52 E^2 + 21.06 alpha E + 0.66 E + 3.55 alpha^2 + 0.91 alpha + 45.13 lambda - 54.45 = 0",
    "mosaic": "a KAN [2,1] draws the edge; no formula is printed",
    "modified": "lambda cosh p = E + e^p is brought out by hand in four steps",
}
#: Of every model the theory's edge solved for lambda, by the parameters but lambda and the energy.
_Edge = Callable[..., NDArray[np.float64]]
EDGES: dict[str, _Edge] = {
    "mosaic": lambda energy: 2.0 / np.abs(energy),
    "generalized": lambda alpha, energy: 1.0 - 0.5 * alpha * energy,
    "modified": lambda p, energy: (energy + np.exp(p)) / np.cosh(p),
}
#: The column that formulas are solved for, and the theory's formula.
_WRITTEN = {
    "mosaic": ("lam", "2/energy"),
    "generalized": ("lam", "1 - alpha*energy/2"),
    "modified": ("energy", "lam*cosh(p) - exp(p)"),
}
_SHAPES: dict[str, dict[str, list[Any]]] = {
    "mosaic": {"kan": [2, 1]},
    "generalized": {"kan": [4, 2, 1, 1]},
    "modified": {"kan": [4, 2, 1, 1], "kan_wide": [4, 3, 1, 1]},
}
#: Chains and sites, seconds of processor time of a search: by judgement. Starts, weights of smoothing and
#: steps of a KAN: chosen on data seeds 0 to 2.
_CHAINS, _SITES, _SECONDS = 300, 610, 30.0
_QUICK_CHAINS, _QUICK_SITES, _QUICK_SECONDS = 150, 233, 10.0
_STARTS, _SMOOTHING, _STEPS = 5, (1e-4, 1e-3, 1e-2, 1e-1), 60
_QUICK_STARTS, _QUICK_SMOOTHING = 3, (1e-3, 1e-1)


@dataclass(frozen=True)
class Chains:
    """States of chains of one model, every fifth chain held out."""

    model: str
    table: dict[str, NDArray[Any]]
    parameters: tuple[str, ...]

    @classmethod
    def of(cls, model: str, seed: int, quick: bool = False) -> Chains:
        """Return those of a seed, fewer and shorter ones if quick."""
        import kan_np

        count, sites = (_QUICK_CHAINS, _QUICK_SITES) if quick else (_CHAINS, _SITES)
        table = kan_np.data.load_localization(model, count, n_sites=sites, seed=seed)
        return cls(model, table, tuple(kan_np.data.localization.MODELS[model].ranges))

    @property
    def held(self) -> NDArray[np.bool_]:
        """Which rows are held out."""
        return np.asarray(self.table["spectrum"] % 5 == 0)

    def rows(self, names: Any) -> NDArray[np.float64]:
        """Return columns side by side."""
        return np.stack([self.table[name] for name in names], axis=1)

    def accuracy(self, decision: NDArray[np.float64]) -> float:
        """Return the share of held-out states on the right side, by a decision function of all rows."""
        held = self.held
        return float(np.mean((decision[held] > 0) == self.table["localized"][held]))

    def validated(self, names: Any) -> dict[str, NDArray[Any]]:
        """Return the training rows, but those of a fifth of the chains as validation rows."""
        x, label = self.rows(names), self.table["localized"][:, None]
        rest = self.table["spectrum"] % 5
        parts = {"train": rest > 1, "val": rest == 1}
        return {
            f"{part}_{what}": values[rows]
            for part, rows in parts.items()
            for what, values in (("input", x), ("label", label))
        }

    def data(self, names: Any) -> dict[str, NDArray[Any]]:
        """Return the training rows as `fit` takes them."""
        train = ~self.held
        return {
            "train_input": self.rows(names)[train],
            "train_label": self.table["localized"][train, None],
        }


def run(method: str, seed: int, quick: bool = False) -> Measured:
    """Measure theory, networks and the formula of the boundary on the chains of one model.

    Parameters
    ----------
    method : str
        A model of chains: "mosaic", "generalized" or "modified".
    seed : int
        Of the chains and of the search.
    quick : bool
        Fewer and shorter chains, and less time.

    Raises
    ------
    ValueError
        For another method.
    """
    import kan_np

    if method not in METHODS:
        raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}.")
    chains = Chains.of(method, seed, quick)
    edge = kan_np.data.localization.MODELS[method].edge
    own = [chains.table[name] for name in chains.parameters]
    full = ["phi", *chains.parameters, "energy"]
    names = full[1:] if method == "mosaic" else full
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)
        quantities = {
            "theory": chains.accuracy(edge(*own, chains.table["energy"])),
            "linear": chains.accuracy(_linear(chains, names)),
        }
        for name, width in _SHAPES[method].items():
            model = _fitted(chains, names, width, seed, quick)
            quantities[name] = chains.accuracy(model(chains.rows(names))[:, 0])
        formulas: dict[str, str] = {}
        if method == "modified":
            formulas["product node"], quantities["product"] = _with_product(chains, seed, quick)
        found, x = _boundary(chains, _QUICK_SECONDS if quick else _SECONDS, seed)
    solved = np.full(len(x), np.nan)
    quantities |= {"formula": np.nan, "zero_set": np.nan, "exact": 0.0}
    if found is not None:
        zero_set, solved = _zero_set(chains, found, x)
        quantities["formula"], quantities["zero_set"] = chains.accuracy(found.decision(x)), zero_set
        quantities["exact"] = float(_is_theory(method, found))
        formulas["boundary"] = found.equation
    held = chains.held
    arrays = {name: chains.table[name][held] for name in (*chains.parameters, "energy", "localized")}
    return Measured(quantities, formulas, {**arrays, "edge": solved[held]})


def _fitted(chains: Chains, names: Any, width: list[Any], seed: int, quick: bool) -> Any:
    """Return the best of several starts and weights of smoothing by its loss on chains left for that."""
    import kan_np

    data = chains.validated(names)
    starts, weights = (_QUICK_STARTS, _QUICK_SMOOTHING) if quick else (_STARTS, _SMOOTHING)
    best, least = None, np.inf
    for start in range(starts):
        for weight in weights:
            model = kan_np.KAN(width, grid=5, seed=starts * seed + start)
            model.fit(data, "LM", _STEPS, loss="cross_entropy", standardize=True, smoothing=weight)
            sign = 2.0 * data["val_label"][:, 0] - 1.0
            loss = float(np.mean(np.logaddexp(0.0, -sign * model(data["val_input"])[:, 0])))
            if best is None or loss < least:
                best, least = model, loss
    return best


def _linear(chains: Chains, names: Any) -> NDArray[np.float64]:
    import kan_np

    model = kan_np.KAN([len(names), 1], edges="linear", affine_trainable=True, seed=0)
    model.fit(chains.data(names), "LM", _STEPS, loss="cross_entropy", standardize=True)
    return np.asarray(model(chains.rows(names))[:, 0])


def _with_product(chains: Chains, seed: int, quick: bool) -> tuple[str, float]:
    """Return the logit of a network with a product of two sums, its edges symbols, and its accuracy."""
    names = [*chains.parameters, "energy"]
    data = chains.data(names)
    model = _fitted(chains, names, [len(names), [1, 1], 1], seed, quick)
    model.auto_symbolic(data["train_input"], lib=["x", "x^2", "exp"], min_r2=0.9)
    model.fit(data, "LM", _STEPS, loss="cross_entropy", standardize=True)
    formula = model.symbolic_formula(names, exact=False, digits=3)
    return str(formula[0][0]), chains.accuracy(model(chains.rows(names))[:, 0])


def _boundary(chains: Chains, seconds: float, seed: int) -> tuple[Any, NDArray[np.float64]]:
    """Return the best formula of the boundary, None if none was found, and its columns of all rows.

    Spectra of mosaic chains are symmetric: they are given |E| for E.
    """
    import kan_np

    columns = {name: chains.table[name] for name in (*chains.parameters, "energy")}
    if chains.model == "mosaic":
        columns["energy"] = np.abs(columns["energy"])
    train = ~chains.held
    data: dict[str, Any] = {
        "train_input": {name: column[train] for name, column in columns.items()},
        "train_label": chains.table["localized"][train],
    }
    found = kan_np.discover_boundary(
        data,
        columns=[_WRITTEN[chains.model][0]],
        groups=chains.table["spectrum"][train],
        seconds=seconds,
        seed=seed,
    )
    return found.best if len(found) else None, np.stack(list(columns.values()), axis=1)


def _zero_set(chains: Chains, found: Any, x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return the median of |lambda - theory| on the boundary over held-out states, and lambda of all rows.

    Of a formula for the energy, lambda is where that is the energy of the row.
    """
    import kan_np

    others = [name for name in chains.parameters if name != "lam"]
    edge = EDGES[chains.model](*[chains.table[name] for name in others], chains.table["energy"])
    low, high = kan_np.data.localization.MODELS[chains.model].ranges["lam"]
    solved = _in_lambda(chains, found, x, low, high)
    inside = chains.held & (edge >= low) & (edge <= high)
    gap = np.abs(solved - edge)[inside]
    return float(np.median(np.where(np.isfinite(gap), gap, high - low))), solved


def _in_lambda(
    chains: Chains, found: Any, x: NDArray[np.float64], low: float, high: float, points: int = 400
) -> NDArray[np.float64]:
    """Return lambda where the decision of a formula first changes its sign; NaN where it does not."""
    if str(found.column) == "lam":
        return np.asarray(found.solved(x))
    place = chains.parameters.index("lam")
    lam = np.linspace(low, high, points)
    values = np.empty((len(x), points))
    for k, value in enumerate(lam):
        moved = x.copy()
        moved[:, place] = value
        values[:, k] = found.decision(moved)
    with np.errstate(all="ignore"):  # formulas may have poles
        changes = values[:, 1:] * values[:, :-1] <= 0
    first, rows = changes.argmax(axis=1), np.arange(len(x))
    before, after = values[rows, first], values[rows, first + 1]
    with np.errstate(all="ignore"):
        share = before / (before - after)
    return np.where(changes.any(axis=1), lam[first] + share * (lam[1] - lam[0]), np.nan)


def _is_theory(model: str, found: Any) -> bool:
    """Whether a formula is the theory's edge, all its numbers being exact."""
    import sympy

    column, text = _WRITTEN[model]
    names = {str(name): name for name in found.variables}
    gap = sympy.simplify((found.expression - sympy.sympify(text, names)).rewrite(sympy.exp))
    return str(found.column) == column and not found.expression.atoms(sympy.Float) and bool(gap == 0)
