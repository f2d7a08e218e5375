"""Optimizers by name, and the choice of one for a fit.

An optimizer is a function ``minimize(objective, theta, max_iter, on_iteration) -> Outcome``, and the number
of its iterations that count as one step of a fit. To add one, write a file and a line in `OPTIMIZERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kan_np._validate import FloatArray, choice
from kan_np.objective.objective import SampledObjective
from kan_np.optimize import first_order, lbfgs, levenberg_marquardt, scipy_minimizers
from kan_np.optimize.first_order import StepOptions
from kan_np.optimize.outcome import Outcome


@dataclass(frozen=True)
class Optimizer:
    """A minimiser, and the problems that it can be used for.

    Attributes
    ----------
    minimize : callable
    iterations_per_step : int
        How many of its iterations make one step.
    squares_only : bool
        Whether it needs a Gauss-Newton matrix, which sums of squares and other losses with second derivatives
        have where there is no sparsity penalty.
    needs_residuals : bool
        Whether the loss must be the squared error itself.
    first_order : bool
        Whether its steps have a given length and go on from where the model is, without looking for the
        minimum: a fit then neither chooses a prior nor sets outputs to constants.
    follows_loss : bool
        Whether the weights of ``smoothing="weak"`` may change before every iteration.
    max_params : int
        Largest number of parameters; its matrices then take a few gigabytes.
    """

    minimize: Callable[[SampledObjective, FloatArray, int, Callable[[FloatArray], bool]], Outcome]
    iterations_per_step: int
    squares_only: bool = False
    needs_residuals: bool = False
    first_order: bool = False
    follows_loss: bool = False
    max_params: int = 2**62


OPTIMIZERS = {
    "LBFGS": Optimizer(lbfgs.minimize, lbfgs.ITERATIONS_PER_STEP),
    "LM": Optimizer(
        levenberg_marquardt.minimize,
        levenberg_marquardt.ITERATIONS_PER_STEP,
        squares_only=True,
        follows_loss=True,
        max_params=levenberg_marquardt.MAX_PARAMS,
    ),
}
#: Largest numbers of parameters n of SciPy's minimisers that need more n x n matrices at a time than
#: Levenberg-Marquardt: "BFGS" has six, "SLSQP" eleven, "dogbox" nine and "trf" thirteen, the others two or
#: three.
_MAX_PARAMS = {"BFGS": 7000, "SLSQP": 5000, "dogbox": 5500, "trf": 4500}
for _name in scipy_minimizers.GRADIENT_METHODS:
    _most = _MAX_PARAMS.get(_name, 2**62)
    OPTIMIZERS[_name] = Optimizer(
        scipy_minimizers.minimizer(_name), lbfgs.ITERATIONS_PER_STEP, max_params=_most
    )
for _name in (*scipy_minimizers.CURVATURE_METHODS, *scipy_minimizers.LEAST_SQUARES_METHODS):
    _most = _MAX_PARAMS.get(_name, levenberg_marquardt.MAX_PARAMS)
    OPTIMIZERS[_name] = Optimizer(
        scipy_minimizers.minimizer(_name),
        1,
        squares_only=True,
        needs_residuals=_name in scipy_minimizers.LEAST_SQUARES_METHODS,
        max_params=_most,
    )

for _name in first_order.METHODS:
    OPTIMIZERS[_name] = Optimizer(
        first_order.Minimizer(_name, StepOptions()), first_order.ITERATIONS_PER_STEP, first_order=True
    )

#: ``opt="auto"``: Levenberg-Marquardt or L-BFGS, by the number of parameters and the loss.
AUTO = "auto"

#: Largest number of parameters for which "auto" chooses Levenberg-Marquardt. The time of its iterations grows
#: with the square of the number of parameters, later with the cube; `benchmarks/accuracy/optimizers.py`
#: measures from which size on L-BFGS gets further in the same time.
AUTO_LM_PARAMS = 1500


#: Optimizers of other libraries, with the one to use instead.
_OTHERS = dict.fromkeys(("adamw", "nadam", "adamax", "rmsprop", "adagrad"), "Adam")
_OTHERS |= dict.fromkeys(("levenberg-marquardt", "gauss-newton"), "LM")
_OTHERS |= {"l-bfgs": "LBFGS"} | {name.lower(): name for name in OPTIMIZERS}


def check_optimizer(opt: object) -> str:
    """Return `opt` if it is the name of an optimizer or "auto".

    Raises
    ------
    ValueError
        If it is not; the message names what comes nearest.
    """
    return choice("opt", opt, (*OPTIMIZERS, AUTO), _OTHERS)


def choose_optimizer(
    opt: str, n_params: int, least_squares: bool, *, squares: bool = True, curved: bool = True
) -> str:
    """Name of the optimizer for a fit: `opt` itself, or the choice of "auto".

    Parameters
    ----------
    opt : str
    n_params : int
    least_squares : bool
        Whether there is no sparsity penalty.
    squares : bool
        Whether the loss is the squared error.
    curved : bool
        Whether it has second derivatives by the outputs.

    Raises
    ------
    ValueError
        If the optimizer needs a sum of squares and the objective is none, or if there are more parameters
        than its matrices may have rows.
    """
    if opt == AUTO:
        return "LM" if least_squares and curved and n_params <= AUTO_LM_PARAMS else "LBFGS"
    if OPTIMIZERS[opt].squares_only and not curved:
        raise ValueError(
            f"opt is {opt!r} with a loss without second derivatives; expected one that returns its Hessian "
            "by the outputs, too, or opt='LBFGS'."
        )
    if OPTIMIZERS[opt].needs_residuals and not squares:
        raise ValueError(
            f"opt is {opt!r} with another loss than squares; expected loss='squares', because it works on "
            "residuals. Use opt='LM', 'LBFGS' or 'auto'."
        )
    if OPTIMIZERS[opt].squares_only and not least_squares:
        raise ValueError(
            f"opt is {opt!r} with lamb > 0; expected lamb = 0, because {_METHODS.get(opt, opt)} minimises "
            "sums of squares, and the penalties of lamb are none. Use opt='LBFGS' or 'auto', or a penalty of "
            "squares: smoothing of a KAN, weight_decay of an MLP."
        )
    if n_params > OPTIMIZERS[opt].max_params:
        raise ValueError(
            f"opt is {opt!r} with {n_params} parameters; expected at most {OPTIMIZERS[opt].max_params}, "
            "because its matrices have as many rows and columns. Use opt='LBFGS' or 'auto'."
        )
    return opt


def check_step_options(opt: str, options: StepOptions) -> None:
    """Raise for options that an optimizer does not have.

    Raises
    ------
    ValueError
        The message names the optimizers that have the option.
    """
    method = first_order.METHODS.get(opt)
    for option, value in options.given.items():
        if method is None or option not in method.options:
            having = [name for name, other in first_order.METHODS.items() if option in other.options]
            why = "it finds the length of every step by itself, on all samples"
            raise ValueError(
                f"{option} is {value!r} with opt={opt!r}; expected {option} only with "
                f"{' or '.join(f'opt={name!r}' for name in having)}. Leave it out"
                + (f": {why}." if method is None else ".")
            )


def with_step_options(name: str, options: StepOptions) -> Optimizer:
    """The optimizer of one fit: of those with steps of a given length a new one with these options."""
    optimizer = OPTIMIZERS[name]
    if not optimizer.first_order:
        return optimizer
    return replace(optimizer, minimize=first_order.Minimizer(name, options))


_METHODS = {"LM": "Levenberg-Marquardt"}
