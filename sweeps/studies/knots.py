"""Knots: signature and natural slope from the geometry of the complement; relations without a label."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.studies.measured import Measured

DESCRIPTION = (
    "Section 4.3 of the paper on the 2,000 knots of kan_np.data.load_knots: the signature is predicted from "
    "six columns, a fifth of the knots being held out; the slope is looked for in the signature as a noisy "
    "label; relations are found without a label. The paper's table has 17 columns and other knots."
)
METHODS = ("frequent", "rule", "kan-small", "kan-large", "mlp", "slope", "slope-form", "relations")
QUANTITIES = {
    "accuracy": "share of held-out knots whose signature is right",
    "parameters": "numbers of the model",
    "translations_first": "1 if the three translations have the largest shares in the model, otherwise 0",
    "slope_r2": "squared correlation of the formula with the natural slope, all knots",
    "cusp_r2": "part of the variance that vanishes in the relation of the cusp volume, 0 without it",
    "cusp_exact": "1 if discover solves that relation as lambda mu_i / 2, otherwise 0",
    "relations": "relations that were found",
}
PAPER = {
    "frequent": "not printed",
    "rule": "the slope by hand: 83.1 % (table 4, formula A)",
    "kan-small": "[17,1,14] of about 200 parameters: 81.6 % (table 3); three columns: 78.2 %",
    "kan-large": "not printed",
    "mlp": "Davies et al., 300,000 parameters: 78 % (table 3); pykan's issue 249: 96 % if trained longer",
    "slope": "formula D of [3,2,1]: r2 0.947 with the signature, 0.997 with the slope (table 4)",
    "relations": "three clusters in 200 networks; of the cusp: log V = log mu_r + log lambda (section 4.3)",
}
_TRANSLATIONS = ("meridional_translation_real", "meridional_translation_imag", "longitudinal_translation")
_CUSP = (*_TRANSLATIONS[1:], "cusp_volume")
#: Seconds of processor time of searches, steps of classifiers: by judgement.
_SECONDS, _QUICK_SECONDS, _STEPS, _QUICK_STEPS = 40.0, 20.0, 60, 20
#: Hidden nodes and grid; hidden nodes of the MLP.
_KANS = {"kan-small": (1, 5), "kan-large": (5, 3)}
_MLP = 50


def run(method: str, seed: int, quick: bool = False) -> Measured:
    """Measure one method on one split of the knots.

    Parameters
    ----------
    method : str
        "frequent", the most frequent signature; "rule", a straight line in the natural slope, rounded to even
        numbers; "kan-small" [6,1,n] and "kan-large" [6,5,n] by cross-entropy; "mlp" [6,50,n] of tanh, trained
        as long; "slope", discover with the signature as a noisy label of mu_r, mu_i and
        lambda; "slope-form", the numbers of c lambda mu_r / (mu_r^2 + k mu_i^2) fitted to the signature;
        "relations", `kan_np.find_relations`.
    seed : int
        Of the split, and of the search.
    quick : bool
        Fewer steps and seconds.

    Raises
    ------
    ValueError
        For another method.
    """
    import kan_np

    if method not in METHODS:
        raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}.")
    knots = kan_np.data.load_knots()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)
        if method == "relations":
            return _relations(knots, seed, quick)
        if method.startswith("slope"):
            return _slope(knots, method, seed, _QUICK_SECONDS if quick else _SECONDS)
        return _classes(knots, method, seed, quick)


def split(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows for training, and a fifth that is held out."""
    order = np.random.default_rng(seed).permutation(n)
    return order[n // 5 :], order[: n // 5]


def _columns(knots: Any, names: Any) -> NDArray[np.float64]:
    return np.stack([knots[name] for name in names], axis=1).astype(np.float64)


def _classes(knots: Any, method: str, seed: int, quick: bool) -> Measured:
    import kan_np

    names = kan_np.data.knots.FEATURES
    signature, slope = knots["signature"], kan_np.data.knots.natural_slope(knots)
    train, held = split(len(signature), seed)
    x = _columns(knots, names)
    x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
    values, classes = np.unique(signature, return_inverse=True)
    quantities: dict[str, float] = {}
    arrays: dict[str, NDArray[Any]] = {"slope": slope[held], "signature": signature[held]}
    if method == "frequent":
        guess, parameters = np.full(len(held), values[np.bincount(classes[train]).argmax()]), 1
    elif method == "rule":
        line = np.polyfit(slope[train], signature[train], 1)
        guess, parameters = 2 * np.round(np.polyval(line, slope[held]) / 2), 2
        arrays["line"] = line
    else:
        data = {"train_input": x[train], "train_label": classes[train]}
        model = _classifier(method, len(names), len(values), seed)
        model.fit(data, "LBFGS", _QUICK_STEPS if quick else _STEPS, loss="cross_entropy")
        guess, parameters = values[model.predict_class(x[held])], model.n_params
    if method in _KANS:
        shares = model.feature_score(x[train])
        first = {names[i] for i in np.argsort(-shares)[:3]}
        quantities["translations_first"] = float(first == set(_TRANSLATIONS))
        arrays["shares"] = shares / shares.sum()
    quantities |= {"accuracy": float(np.mean(guess == signature[held])), "parameters": float(parameters)}
    return Measured(quantities, {}, {**arrays, "guess": np.asarray(guess, dtype=np.float64)})


def _classifier(method: str, n_in: int, n_classes: int, seed: int) -> Any:
    """Return a KAN, or an MLP of tanh; all get the same optimizer and as many steps."""
    import kan_np

    if method == "mlp":
        return kan_np.MLP([n_in, _MLP, n_classes], activation="tanh", seed=seed)
    hidden, grid = _KANS[method]
    return kan_np.KAN([n_in, hidden, n_classes], grid=grid, seed=seed)


def _slope(knots: Any, method: str, seed: int, seconds: float) -> Measured:
    import kan_np

    x, label = _columns(knots, _TRANSLATIONS), knots["signature"].astype(np.float64)
    slope = kan_np.data.knots.natural_slope(knots)
    train, _ = split(len(label), seed)
    if method == "slope":
        data = {"train_input": x[train], "train_label": label[train, None]}
        search: Any = kan_np.discover
        best = search(data, var=["mu_r", "mu_i", "lam"], seconds=seconds, seed=seed).best
        values, text = best.formula.numpy()(x)[:, 0], str(best.formula.expressions[0])
        parameters = best.n_numbers
    else:
        c, k = _fitted_form(x[train], label[train])
        values = c * x[:, 2] * x[:, 0] / (x[:, 0] ** 2 + k * x[:, 1] ** 2)
        text, parameters = f"{c:.4g}*lam*mu_r/(mu_r**2 + {k:.4g}*mu_i**2)", 2
    r2 = float(np.corrcoef(values, slope)[0, 1] ** 2)
    return Measured(
        {"slope_r2": r2, "parameters": float(parameters)},
        {"signature": text},
        {"slope": slope, "values": values},
    )


def _fitted_form(x: NDArray[np.float64], label: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return c and k of c lambda mu_r / (mu_r^2 + k mu_i^2) by least squares."""
    from scipy.optimize import least_squares

    def residual(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        below = x[:, 0] ** 2 + theta[1] * x[:, 1] ** 2
        return np.asarray(theta[0] * x[:, 2] * x[:, 0] / below - label)

    return np.asarray(least_squares(residual, [-0.5, 1.0], x_scale=[0.1, 0.1]).x)


def _relations(knots: Any, seed: int, quick: bool) -> Measured:
    import kan_np

    names = ("signature", *kan_np.data.knots.FEATURES)
    train, _ = split(len(knots["signature"]), seed)
    table: Any = {name: knots[name][train].astype(np.float64) for name in names}
    found = kan_np.find_relations(table, n_starts=3, max_searches=3 if quick else 6, seed=100 * seed)
    cusp, solved = found.of(*_CUSP), ""
    if cusp is not None:
        search: Any = cusp.solve(table, "cusp_volume", most_steps=20)
        solved = str(search.best.formula.expressions[0])
    exact = solved == "longitudinal_translation*meridional_translation_imag/2"
    return Measured(
        {
            "cusp_r2": 0.0 if cusp is None else float(cusp.r2),
            "cusp_exact": float(exact),
            "relations": float(len(found)),
        },
        {"cusp_volume": solved, **{", ".join(one.columns): f"r2 = {one.r2:.4f}" for one in found}},
        {"r2": np.array([one.r2 for one in found])},
    )
