"""Hints for keyword arguments of pykan, scikit-learn and others that do not exist in kan_np."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_OF_FITS = "it is an argument of fit, and in fit_options={...} one of fit_schedule and fit_mlp"
_STEPS = "use fit(steps=...)"
_WATCH = "progress=True shows a bar, and callback=f calls f after every iteration"
_MEASURES = "use fit(metrics=...); losses of training, test_* and val_* samples are in the result without it"
_PICTURES = "draw the model with model.plot(), after the fit or in callback=f"
_FILM = "use fit(callback=Film('film.gif')) with Film of kan_np.plot, a picture of every step"
_PLACE = "leave it out: everything is computed on the CPU, in float64"
_POLES = "leave it out: poles of symbols are kept away from the samples without it"
_FILES = "leave it out: nothing is written until model.save(path)"
_EDGES = "leave it out: edges become symbols by model.fix_symbolic and model.auto_symbolic"

#: Keywords of other libraries for `fit`, with what to do instead.
FIT = {
    "learning_rate": "use fit(lr=...), with opt='Adam' or 'SGD'",
    "batch_size": "use fit(batch=...), with opt='Adam' or 'SGD'",
    "device": _PLACE,
    "dtype": _PLACE,
    "log": _WATCH,
    "verbose": _WATCH,
    "display_metrics": _MEASURES,
    "save_fig": _FILM,
    "save_fig_freq": _FILM,
    "img_folder": _FILM,
    "in_vars": _PICTURES,
    "out_vars": _PICTURES,
    "beta": _PICTURES,
    "singularity_avoiding": _POLES,
    "y_th": _POLES,
    "optimizer": "use fit(opt=...)",
    "epochs": _STEPS,
    "n_epochs": _STEPS,
    "max_iter": _STEPS,
    "weight_decay": "use fit(lamb=...), of an MLP fit(weight_decay=...), of a KAN fit(smoothing=...)",
    "alpha": "use fit(lamb=...), of an MLP fit(weight_decay=...), of a KAN fit(smoothing=...)",
    "validation_data": "put val_input and val_label into the dataset, or use split_validation(dataset)",
    "sample_weight": "put it into the dataset as train_weight",
    "X": "give a dataset, as fit(dataset_from_arrays(X, y))",
    "y": "give a dataset, as fit(dataset_from_arrays(X, y))",
}
#: Those for models; keywords for fits are included, since `fit_schedule` and `fit_mlp` pass options to the
#: model.
MODEL = FIT | {
    "loss": _OF_FITS,
    "loss_fn": _OF_FITS,
    "metrics": _OF_FITS,
    "lr": _OF_FITS,
    "batch": _OF_FITS,
    "momentum": _OF_FITS,
    "device": _PLACE,
    "dtype": _PLACE,
    "round": _FILES,
    "auto_save": _FILES,
    "ckpt_path": _FILES,
    "state_id": _FILES,
    "save_act": "leave it out: values on edges are computed where they are asked for",
    "first_init": "leave it out: a model has its starting parameters when it is made",
    "symbolic_enabled": _EDGES,
    "family": "use edges=",
    "scale_sp": "leave it out: the scales of splines are part of their coefficients, which are trained",
    "scale_base": "use scale_base_mu= and scale_base_sigma=",
    "hidden_layer_sizes": "use width=[inputs, ..., outputs]",
    "layers": "use width=[inputs, ..., outputs]",
    "grid_size": "use grid=",
    "spline_order": "use k=",
}
DATASET = {"device": _PLACE, "dtype": _PLACE}


def explained(
    hints: Mapping[str, str], more: Callable[[], Iterable[str]] = tuple
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that adds to the error about an unknown keyword what to do instead.

    Parameters
    ----------
    hints : mapping
        Keywords of other libraries, each with half a sentence on what to do.
    more : callable
        Gives the keywords that a function with ``**options`` takes by them.

    Raises
    ------
    TypeError
        By the decorated function, for a keyword that it does not have.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(function).parameters.values()
        named = [p.name for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD]

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            unknown = [name for name in kwargs if name not in named]
            if unknown:
                known = [*named, *more()]
                unknown = [name for name in unknown if name not in known]
                if unknown:
                    raise TypeError(_answer(function.__qualname__, unknown[0], known, hints))
            return function(*args, **kwargs)

        return call

    return decorate


def explained_fit(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate ``fit`` of a model as `explained`; also explains what to call in place of ``fit(X, y)``."""
    names = list(inspect.signature(function).parameters)
    places = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    inner = explained(FIT)(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        given = dict(zip(names, args, strict=False)) | kwargs
        if not isinstance(given.get("dataset", {}), Mapping) and not isinstance(given.get("opt", ""), str):
            raise TypeError(
                "fit takes one dataset, not inputs and labels: make it with "
                "dataset = dataset_from_arrays(X, y), and call fit(dataset). KANRegressor and "
                "KANClassifier of kan_np.sklearn take fit(X, y)."
            )
        if len(args) > len(places):
            raise TypeError(
                f"{function.__qualname__} takes {', '.join(names[1 : len(places)])} by position; pass all "
                "other arguments by name, as in fit(dataset, 'LBFGS', 50, lamb=0.01)."
            )
        return inner(*args, **kwargs)

    return call


def _answer(function: str, name: str, known: list[str], hints: Mapping[str, str]) -> str:
    called = function.removesuffix(".__init__")
    if name in hints:
        return f"{called} has no argument {name!r}; {hints[name]}."
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{called} has no argument {name!r}; expected some of {', '.join(known)}.{hint}"
