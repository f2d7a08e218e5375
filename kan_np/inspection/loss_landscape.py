"""The landscape of the loss around a model: its gradient, Hessian and curvatures by the parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._memory import check_memory
from kan_np._validate import FloatArray
from kan_np.inspection.model_type import KanModel
from kan_np.objective.network_objective import network_objective
from kan_np.objective.sparsity_penalty import Penalty

DERIVATIVES = ("hessian", "jacobian", "spectrum")
LOSS_MODES = ("pred", "reg", "all")
METHODS = ("differences", "gauss_newton")

#: Step of the differences, relative to the size of a parameter: with four points the error of the formula
#: grows with its fourth power and that of rounding falls with its first, so that eps^(1/5) balances both.
_STEP = float(np.finfo(np.float64).eps) ** 0.2


def get_derivative(
    model: KanModel,
    inputs: ArrayLike,
    labels: ArrayLike,
    derivative: str = "hessian",
    loss_mode: str = "pred",
    *,
    method: str = "differences",
    reg_metric: str = "edge_forward_spline_n",
    lamb: float = 0.0,
    lamb_l1: float = 1.0,
    lamb_entropy: float = 0.0,
) -> FloatArray:
    """Derivatives of the loss by the trained parameters; pykan's ``get_derivative``.

    The loss is L = mean (f(x) - y)^2, or the loss that the model was fitted with, of the numbers of the
    network, and R the sparsity penalty. The eigenvalues of the Hessian are the curvatures of the landscape:
    near zero, which is most of them in a large network, parameters can move without a change of the loss.

    Parameters
    ----------
    model : KAN
    inputs : array_like of shape (n_samples, n_in)
    labels : array_like of shape (n_samples, n_out)
        In the units of the data.
    derivative : {"hessian", "jacobian", "spectrum"}
        The second or first derivatives, or the eigenvalues of the Hessian in ascending order.
    loss_mode : {"pred", "reg", "all"}
        L, R, or L + `lamb` R.
    method : {"differences", "gauss_newton"}
        Of the Hessian: by differences of the exact gradient, of fourth order, 4 n_params evaluations; or the
        Gauss-Newton matrix 2 J^T J / n of L alone, at once. It has no negative eigenvalue, and is the Hessian
        where residuals are zero, and where the model is linear in its parameters.
    reg_metric, lamb, lamb_l1, lamb_entropy
        R, as for ``fit``.

    Returns
    -------
    ndarray of shape (n_params, n_params), or (n_params,)
        By the parameters in the order of ``model.theta``. (pykan's arrays have one axis more, of length 1.)

    Raises
    ------
    ValueError, TypeError
        For unknown names, data that do not fit the model, "gauss_newton" of R, and matrices that do not fit
        in memory.

    Notes
    -----
    Where edges are splines of order 0 or 1, or R has kinks, gradients jump, and differences of them are not
    curvatures.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> x = np.linspace(-1, 1, 50)[:, None]
    >>> model = KAN([1, 1], grid=3, seed=0)
    >>> curvatures = model.get_derivative(x, x**2, "spectrum")
    >>> curvatures.shape, bool(curvatures[0] > -1e-9)
    ((7,), True)
    """
    _validate.choice("derivative", derivative, DERIVATIVES)
    _validate.choice("loss_mode", loss_mode, LOSS_MODES)
    _validate.choice("method", method, METHODS)
    lamb = _validate.real("lamb", lamb, 0.0)
    gradient, gauss_newton = _loss(
        model, inputs, labels, loss_mode, Penalty(lamb, lamb_l1, lamb_entropy, reg_metric=reg_metric)
    )
    theta = model._theta
    if derivative == "jacobian":
        return gradient(theta)
    n = theta.size
    check_memory(f"the Hessian by {n} parameters", 24 * n**2, "Prune the model or use a coarser grid.")
    if method == "differences":
        hessian = _differences(gradient, theta)
    elif loss_mode == "pred" or (loss_mode == "all" and lamb == 0):
        hessian = gauss_newton(theta)
    else:
        raise ValueError(
            f"method is 'gauss_newton' with loss_mode={loss_mode!r}; expected 'pred': the penalty is no sum "
            "of squares. Use method='differences'."
        )
    return np.asarray(np.linalg.eigvalsh(hessian)) if derivative == "spectrum" else hessian


Derivative = Callable[[FloatArray], FloatArray]


def _loss(
    model: KanModel, inputs: ArrayLike, labels: ArrayLike, mode: str, penalty: Penalty
) -> tuple[Derivative, Derivative]:
    """Gradient of what `mode` names as a function of the parameters, and Gauss-Newton matrix of L."""
    x = model._samples(inputs)
    model._network.check_inputs(x)
    x = model._within(x)
    y = model._labels(model._loss.labels("labels", labels, model.width[-1]), len(x))
    if y is None:
        raise TypeError("labels is None; expected labels of the samples.")
    loss = model._loss.checked(y, model._network.forward(x))
    plain = network_objective(model._network, x, y, loss=loss)

    def gauss_newton(theta: FloatArray) -> FloatArray:
        lower = np.tril(plain.normal_equations(theta)[2])
        return np.asarray(lower + np.tril(lower, -1).T)

    if mode == "pred" or (mode == "all" and penalty.lamb == 0):
        return (lambda theta: plain(theta)[1]), gauss_newton
    lamb = 1.0 if mode == "reg" else penalty.lamb
    given = Penalty(lamb, penalty.lamb_l1, penalty.lamb_entropy, reg_metric=penalty.reg_metric)
    penalised = network_objective(model._network, x, y, given, loss=loss)
    if mode == "all":
        return (lambda theta: penalised(theta)[1]), gauss_newton
    return (lambda theta: penalised(theta)[1] - plain(theta)[1]), gauss_newton


def _differences(gradient: Derivative, theta: FloatArray) -> FloatArray:
    """Hessian by central differences of fourth order of the gradient, made symmetric."""
    hessian = np.empty((theta.size, theta.size))
    for p in range(theta.size):
        h = _STEP * max(abs(float(theta[p])), 1.0)
        shift = np.zeros_like(theta)
        shift[p] = h
        near = gradient(theta + shift) - gradient(theta - shift)
        far = gradient(theta + 2.0 * shift) - gradient(theta - 2.0 * shift)
        hessian[p] = (8.0 * near - far) / (12.0 * h)
    return 0.5 * (hessian + hessian.T)
