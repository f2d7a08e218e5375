"""Limited-memory BFGS on a flat vector: scipy's L-BFGS-B without bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize as scipy_minimize

from kan_np._validate import FloatArray
from kan_np.objective import Objective
from kan_np.optimize.outcome import Outcome
from kan_np.optimize.status import FitStatus

#: Iterations in one step, as in torch.optim.LBFGS that pykan calls (max_iter=20).
ITERATIONS_PER_STEP = 20

#: Correction pairs. pykan keeps 10; 20 gives lower losses in the same time (benchmarks/README.md).
_MEMORY = 20


class _NonFiniteError(ArithmeticError):
    """The objective or its gradient is NaN or infinite."""


class _NoDirectionError(ArithmeticError):
    """The search direction is not finite: gradient differences underflow at a minimum."""


class _StoppedError(Exception):
    """The callback asked to stop."""


def minimize(
    objective: Objective,
    theta: FloatArray,
    max_iter: int,
    on_iteration: Callable[[FloatArray], bool],
) -> Outcome:
    """Minimise for at most `max_iter` iterations.

    Parameters
    ----------
    objective : Objective
    theta : ndarray of shape (n_params,)
        Start; not changed.
    max_iter : int
    on_iteration : callable
        Called with the accepted parameters after every iteration (``objective.mse`` and ``objective.reg``
        belong to them); returning True stops.

    Returns
    -------
    Outcome
        Never raises for NaN or infinity: the last finite parameters come back with status NON_FINITE.

    Notes
    -----
    After a failed line search the memory is dropped and the search goes on along the gradient, once; a
    second failure without progress is STALLED.

    Source: Byrd, Lu, Nocedal, Zhu (1995), SIAM J. Sci. Comput. 16, 1190.
    """
    best = theta.copy()
    n_iter = 0

    def value_and_gradient(x: FloatArray) -> tuple[float, FloatArray]:
        if not np.isfinite(x).all():
            raise _NoDirectionError
        value, gradient = objective(x)
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            raise _NonFiniteError
        return value, gradient

    def accepted(x: FloatArray) -> None:
        nonlocal best, n_iter
        best = x.copy()
        n_iter += 1
        try:
            stop = on_iteration(best)
        except StopIteration as error:  # scipy would take it for its own signal and swallow it
            raise RuntimeError("the callback raised StopIteration; return True to stop a fit") from error
        if stop:
            raise _StoppedError

    failed_at = -1
    while n_iter < max_iter:
        try:
            result = scipy_minimize(
                value_and_gradient,
                best,
                jac=True,
                method="L-BFGS-B",
                callback=accepted,
                options={
                    "maxcor": _MEMORY,
                    "maxiter": max_iter - n_iter,
                    "maxfun": 2**31 - 1,
                    "ftol": 0.0,
                    "gtol": 0.0,
                    "maxls": 30,
                },
            )
        except _NonFiniteError:
            return Outcome(best, FitStatus.NON_FINITE, n_iter)
        except _NoDirectionError:
            return Outcome(best, FitStatus.CONVERGED, n_iter)
        except _StoppedError:
            return Outcome(best, FitStatus.STOPPED, n_iter)
        if result.status == 0:
            return Outcome(best, FitStatus.CONVERGED, n_iter)
        if n_iter < max_iter:
            if failed_at == n_iter:
                return Outcome(best, FitStatus.STALLED, n_iter)
            failed_at = n_iter
    return Outcome(best, FitStatus.STEP_LIMIT, n_iter)
