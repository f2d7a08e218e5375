"""Further fits of a model to parts of its data, or from other starts, for jackknife+ and ensembles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kan_np import _validate
from kan_np.data.check import Dataset
from kan_np.training.estimator import Estimator
from kan_np.training.fit import fit_checked

#: (dataset, seed) -> fitted model, for other data or another start.
Refit = Callable[[Dataset, int], Estimator]


def same_fit(model: Estimator, *, new_start: bool) -> Refit:
    """The fit that made this model, for other data and from its own start or, by the seed, from new ones.

    Raises
    ------
    ValueError
        If the model is not what one fit from a random start has made.
    """
    recipe = model._recipe
    if recipe is None or recipe.network is not model._network:
        raise ValueError(
            "the model is not what one call of fit made of a random start (it was trained in several steps, "
            "changed, or read from a file), so that the fit cannot be repeated; pass refit=, a function that "
            "trains such a model, as lambda data, seed: fit_schedule(width, data, seed=seed).best.model."
        )

    def again(dataset: Dataset, seed: int) -> Estimator:
        fresh = model._anew(seed) if new_start else model.copy()
        if not new_start:
            fresh._network = fresh._start
        fresh._error_bars = fresh._recipe = None
        options = recipe.options  # the scaler is that of the model, whatever the samples
        if model.scaler is None:
            options = replace(options, standardize=False)
        fit_checked(fresh, dataset, options, recipe.penalty, None)
        return fresh

    return again


def checked_refit(refit: object, model: Estimator) -> Refit:
    """A function of the user, whose result is looked at.

    Raises
    ------
    TypeError, ValueError
        If it is no function, or returns something else than a model of as many inputs and outputs.
    """
    if not callable(refit):
        raise TypeError(
            f"refit is {_validate.shown(refit)}; expected a function of a dataset and a seed that returns a "
            "fitted model."
        )

    def again(dataset: Dataset, seed: int) -> Estimator:
        fitted = refit(dataset, seed)
        if not isinstance(fitted, Estimator):
            raise TypeError(
                f"refit returned {_validate.shown(fitted)}; expected a fitted KAN or MLP, of a schedule "
                "its .best.model."
            )
        ends = fitted.width[0], fitted.width[-1]
        if ends != (model.width[0], model.width[-1]):
            raise ValueError(
                f"refit returned a model of {ends[0]} inputs and {ends[1]} outputs; expected "
                f"{model.width[0]} and {model.width[-1]}."
            )
        return fitted

    return again
