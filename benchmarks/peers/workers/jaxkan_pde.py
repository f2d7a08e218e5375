"""jaxKAN on differential equations: its networks, residuals and optimizers, error against seconds.

The model is wrapped so that boundary values are built in, as its tutorial "Adaptive PIKANs" does; points can
count with the residual-based attention of that tutorial. Adam's steps are compiled in blocks; what is
compiled is run once before the clock starts, and errors are measured while it stands still.
"""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.flatten_util import ravel_pytree
from jaxkan.models.KAN import KAN
from jaxkan.models.utils import get_adam
from jaxkan.pikan.adaptive import update_rba_weights
from jaxkan.pikan.pde import get_burgers_res, get_poisson_res
from scipy.optimize import minimize

from benchmarks.peers.workers.library import Answer, Library, serve

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_cpu_enable_async_dispatch", False)

#: Settings of the tutorials: layers, decay of the rate, memory and step of the attention.
_LAYER = {
    "flavor": "exact",
    "residual": None,
    "external_weights": False,
    "init_scheme": {"type": "glorot_fine"},
    "add_bias": True,
}
_DECAY = {"schedule_type": "exponential", "decay_steps": 1000, "decay_rate": 0.9}
_GAMMA, _ETA = 0.999, 0.01
#: Errors are measured whenever so much more time has passed.
_APART = 1.12
_BLOCK = 20


class _Built(nnx.Module):
    """u = lift + factor N(z) in the order of coordinates of the library's residuals, z scaled to (-1, 1)."""

    def __init__(self, equation: str, width: list[int], degree: int, seed: int) -> None:
        self.network = KAN(width, "chebyshev", {"D": degree, **_LAYER}, seed)
        self.equation = equation

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.equation == "poisson":
            return jnp.prod(1.0 - x**2, axis=1, keepdims=True) * self.network(x)
        t, z = x[:, :1], x[:, 1:]
        inputs = jnp.concatenate([z, 2.0 * t - 1.0], axis=1)
        return -jnp.sin(jnp.pi * z) + t * (1.0 - z**2) * self.network(inputs)


class _TimeOverError(Exception):
    """Ends L-BFGS."""


class JaxKanPde(Library):
    packages = ("jaxkan", "jax", "optax", "scipy")

    def solve(
        self,
        equation: str,
        points: list[Any],
        symmetry: list[Any],
        test_points: list[Any],
        true: list[float],
        width: list[int],
        degree: int,
        seed: int,
        seconds: float,
        rate: float,
        attention: bool,
        adam_seconds: float,
    ) -> Answer:
        """Train for some seconds: times, steps and relative L2 errors.

        Parameters
        ----------
        equation : {"poisson", "burgers"}
        points, test_points : list of points
            In the order of the library's residuals: x, y or t, x.
        symmetry : list of points
            Where u = 0 is asked for with a weight of 10; may be empty.
        true : list of float
            Solution at the test points.
        seconds : float
            Of training.
        rate : float
            Of Adam, at first.
        attention : bool
            Whether points of large residuals count more.
        adam_seconds : float
            Of training; SciPy's L-BFGS takes over for the rest.
        """
        self._structure, leaves, self._rest = nnx.split(_Built(equation, width, degree, seed), nnx.Param, ...)
        leaves = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), leaves)  # made in single precision
        self._points, self._zero = jnp.array(points), jnp.array(symmetry)
        self._residual = get_poisson_res(1.0, 1.0) if equation == "poisson" else get_burgers_res(0.01 / np.pi)
        where, target = jnp.array(test_points), jnp.array(true)

        @jax.jit
        def error(leaves: Any) -> jax.Array:
            apart = self._merged(leaves)(where)[:, 0] - target
            return jnp.linalg.norm(apart) / jnp.linalg.norm(target)

        self._error, self._curve = error, []
        self._spent, self._steps = 0.0, 0
        leaves = self._adam(leaves, min(adam_seconds, seconds), rate, attention)
        if adam_seconds < seconds:
            self._lbfgs(leaves, seconds)
        n_params = sum(leaf.size for leaf in jax.tree.leaves(leaves))
        return {"curve": self._curve, "n_params": n_params}

    def _merged(self, leaves: Any) -> Any:
        return nnx.merge(self._structure, leaves, self._rest)

    def _loss(self, leaves: Any, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        model = self._merged(leaves)
        residual = self._residual(model, self._points)
        loss = jnp.mean((weights * residual) ** 2)
        if self._zero.size:
            loss += 10.0 * jnp.mean(model(self._zero) ** 2)
        return loss, residual

    def _note(self, leaves: Any) -> None:
        self._curve.append([self._spent, self._steps, float(self._error(leaves))])

    def _adam(self, leaves: Any, end: float, rate: float, attention: bool) -> Any:
        optimizer = get_adam(rate, **_DECAY)

        def step(_: int, carried: Any) -> Any:
            leaves, state, weights = carried
            gradient, residual = jax.grad(self._loss, has_aux=True)(leaves, weights)
            updates, state = optimizer.update(gradient, state, leaves)
            if attention:
                weights = update_rba_weights(residual, weights, _GAMMA, _ETA)
            return optax.apply_updates(leaves, updates), state, weights

        block = jax.jit(lambda *carried: jax.lax.fori_loop(0, _BLOCK, step, carried))
        carried = leaves, optimizer.init(leaves), jnp.ones((len(self._points), 1))
        jax.block_until_ready((block(*carried), self._error(leaves)))  # compiled before the clock starts
        due = 0.0
        while self._spent < end:
            begun = time.perf_counter()
            carried = jax.block_until_ready(block(*carried))
            self._spent += time.perf_counter() - begun
            self._steps += _BLOCK
            if self._spent >= due:
                self._note(carried[0])
                due = self._spent * _APART
        self._note(carried[0])
        return carried[0]

    def _lbfgs(self, leaves: Any, end: float) -> None:
        flat, restored = ravel_pytree(leaves)
        ones = jnp.ones((len(self._points), 1))
        value = jax.jit(jax.value_and_grad(lambda theta: self._loss(restored(theta), ones)[0]))
        jax.block_until_ready(value(flat))  # compiled before the clock starts
        due, begun = 0.0, time.perf_counter() - self._spent

        def noted(theta: Any) -> None:
            nonlocal due, begun
            self._spent = time.perf_counter() - begun
            self._steps += 1
            if self._spent >= due:
                self._note(restored(jnp.array(theta)))
                due = self._spent * _APART
                begun = time.perf_counter() - self._spent
            if self._spent > end:
                raise _TimeOverError

        def numbers(theta: Any) -> tuple[float, Any]:
            found, gradient = value(jnp.array(theta))
            return float(found), np.asarray(gradient, dtype=np.float64)

        options = {"maxiter": 10**6, "maxfun": 10**6, "maxcor": 50, "ftol": 0.0, "gtol": 0.0}
        theta = np.array(flat)
        try:
            theta = minimize(numbers, theta, jac=True, method="L-BFGS-B", callback=noted, options=options).x
            self._note(restored(jnp.array(theta)))
        except _TimeOverError:
            return


if __name__ == "__main__":
    serve(JaxKanPde())
