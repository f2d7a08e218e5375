"""jaxKAN. Variants: its layer types "base" and "spline", the two that are B-splines with a base function.

Its layers come with two more parameters, a weight a spline and a bias a node. They are left out: the same
function is then computed with fewer operations. The whole step is jitted, arguments in and gradient out.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxkan.models.KAN import KAN

from benchmarks.peers.workers.library import Answer, EdgeLibrary, serve

jax.config.update("jax_enable_x64", True)
# on one core a second thread that waits for the first is only a detour
jax.config.update("jax_cpu_enable_async_dispatch", False)


class JaxKan(EdgeLibrary):
    packages = ("jaxkan", "jax", "numpy")

    def load(self, numbers: Answer, variant: str) -> Answer:
        options = {"G": numbers["grid"], "k": numbers["k"], "external_weights": False, "add_bias": False}
        model = KAN(numbers["width"], layer_type=variant, required_parameters=options, seed=0)
        self._flat = variant == "base"  # its coefficients are rows, edge after edge
        layers = zip(model.layers, numbers["coef"], numbers["scale_base"], numbers["t"], strict=True)
        for layer, coef, scale_base, t in layers:
            grid = np.array(t)
            by_output = np.array(coef).transpose(1, 0, 2)
            layer.grid.item = jnp.array(np.tile(grid, (layer.n_out, 1)) if self._flat else grid)
            shape = (-1, by_output.shape[2]) if self._flat else by_output.shape
            layer.c_basis = nnx.Param(jnp.array(by_output.reshape(shape)))
            layer.c_res = nnx.Param(jnp.array(np.array(scale_base).T))
        self._jit(model, numbers)
        return {}

    def _jit(self, model: Any, numbers: Answer) -> None:
        """Compile loss and gradient of a model on the samples."""
        self._x, self._y = jnp.array(numbers["x"]), jnp.array(numbers["y"])
        structure, params, rest = nnx.split(model, nnx.Param, ...)
        # a plain list: jax takes it apart in C++, an nnx.State in Python
        self._leaves, self._tree = jax.tree.flatten(params)

        def outputs(leaves: list[jax.Array], x: jax.Array) -> jax.Array:
            return nnx.merge(structure, jax.tree.unflatten(self._tree, leaves), rest)(x)

        def loss(leaves: list[jax.Array], x: jax.Array, y: jax.Array) -> jax.Array:
            return jnp.mean((outputs(leaves, x) - y) ** 2)

        self._outputs, self._loss_and_gradient = outputs, jax.jit(jax.value_and_grad(loss))

    def evaluate(self) -> Answer:
        leaves = self._step()[1]
        layers = nnx.to_pure_dict(jax.tree.unflatten(self._tree, leaves))["layers"]
        coef, scale_base = [], []
        for _, layer in sorted(layers.items()):
            n_out, n_in = layer["c_res"].shape
            coef.append(np.reshape(layer["c_basis"], (n_out, n_in, -1)).transpose(1, 0, 2).tolist())
            scale_base.append(np.transpose(layer["c_res"]).tolist())
        outputs = self._outputs(self._leaves, self._x).tolist()
        return {"outputs": outputs, "gradient": {"coef": coef, "scale_base": scale_base}}

    def load_family(self, numbers: Answer, variant: str) -> Answer:
        """Take a network of its layers "chebyshev" (variants: its flavors), "fourier", "rbf" or "sine"."""
        self._family, size = numbers["family"], numbers["size"]
        options: Answer = {"D": size, "add_bias": False}
        if self._family == "chebyshev":
            options["flavor"] = variant
        if self._family == "gaussian":
            low, high = numbers["interval"]
            std = (high - low) / size / np.sqrt(2.0)  # exp(-(x / std)^2 / 2) there, exp(-(x / h)^2 here
            options |= {"D": size + 1, "kernel": {"type": "gaussian", "std": float(std)}}
            options["grid_range"] = (low, high)
        kind = {"gaussian": "rbf"}.get(self._family, self._family)
        model = KAN(numbers["width"], layer_type=kind, required_parameters=options, seed=0)
        for layer, given in zip(model.layers, numbers["params"], strict=True):
            self._fill(layer, np.array(given).transpose(1, 0, 2), size)
        self._jit(model, numbers)
        return {}

    def _fill(self, layer: Any, params: Any, size: int) -> None:
        """Set the parameters of a layer from (n_out, n_in, n_params)."""
        if self._family == "chebyshev":
            layer.c_basis = nnx.Param(jnp.array(params))
        elif self._family == "fourier":
            layer.c_cos = nnx.Param(jnp.array(params[..., 1 : 1 + size]))
            layer.c_sin = nnx.Param(jnp.array(params[..., 1 + size :]))
        elif self._family == "gaussian":
            # made in single precision by the library
            layer.grid.item = jnp.array(
                np.tile(np.linspace(*layer.grid.grid_range, size + 1), (layer.n_in, 1))
            )
            layer.c_basis = nnx.Param(jnp.array(params[..., 1:]))
        else:
            a, w, p = (params[..., q * size : (q + 1) * size] for q in range(3))
            w, p = w[0, 0], p[0, 0]
            mean = np.exp(-0.5 * w**2) * np.sin(p)
            deviation = np.sqrt(0.5 * (1.0 - np.exp(-2.0 * w**2) * np.cos(2.0 * p)) - mean**2) + 1e-8
            layer.omega, layer.phase = nnx.Param(jnp.array(w[:, None])), nnx.Param(jnp.array(p[:, None]))
            layer.c_basis = nnx.Param(jnp.array(a * deviation))

    def evaluate_family(self) -> Answer:
        """Outputs, and the gradient by those parameters that are the same in both libraries."""
        layers = nnx.to_pure_dict(jax.tree.unflatten(self._tree, self._step()[1]))["layers"]
        own = [layer for _, layer in sorted(layers.items())]
        gradient: dict[str, Any] = {}
        if self._family == "chebyshev":
            gradient["params"] = [np.transpose(layer["c_basis"], (1, 0, 2)).tolist() for layer in own]
        elif self._family == "gaussian":
            parts = [np.transpose(layer["c_basis"], (1, 0, 2)) for layer in own]
            gradient["without_constant"] = [part.tolist() for part in parts]
        elif self._family == "fourier":
            parts = [np.concatenate([layer["c_cos"], layer["c_sin"]], axis=2) for layer in own]
            gradient["without_constant"] = [part.transpose(1, 0, 2).tolist() for part in parts]
        return {"outputs": self._outputs(self._leaves, self._x).tolist(), "gradient": gradient}

    def _step(self) -> Any:
        return jax.block_until_ready(self._loss_and_gradient(self._leaves, self._x, self._y))


if __name__ == "__main__":
    serve(JaxKan())
