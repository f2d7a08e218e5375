"""Write tests/surgery/pykan_mixed.json: pykan models with products, affine nodes and symbols, and scores.

Run it in an environment that holds pykan 0.2.8 and torch, not in that of this project:

    python benchmarks/pykan_mixed.py tests/surgery/pykan_mixed.json

The models are float64, with grids that follow the samples and, where asked for, affine values away from 1
and 0. Arrays of scores are pykan's: (n_out, n_in) a layer. (For nodes of different arity pykan 0.2.8 cannot
compute them.)
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from kan import KAN

METRICS = {
    "edge_forward_spline_n": "acts_scale_spline",
    "edge_forward_spline_u": "edge_actscale",
    "edge_forward_sum": "acts_scale",
    "edge_backward": "edge_scores",
    "node_backward": "node_attribute_scores",
}
AFFINE = ("subnode_scale", "subnode_bias", "node_scale", "node_bias")


def arrays(tensors: list[torch.Tensor]) -> list[object]:
    return [t.detach().numpy().tolist() for t in tensors]


def spline_layer(model: KAN, l: int) -> dict[str, object]:  # noqa: E741
    layer, k = model.act_fun[l], model.k
    knots = layer.grid.detach().numpy()
    mask = layer.mask * (1.0 - model.symbolic_fun[l].mask.T)
    row: dict[str, object] = {
        "knots": knots[:, k : knots.shape[1] - k].tolist(),
        "coef": (layer.coef * layer.scale_sp[:, :, None] * mask[:, :, None]).detach().numpy().tolist(),
        "scale_base": (layer.scale_base * mask).detach().numpy().tolist(),
    }
    return row | {name: getattr(model, name)[l].detach().numpy().tolist() for name in AFFINE}


def table(
    width: list[int | list[int]], arity: int, symbols: list[Any], affine: bool, seed: int
) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        model = KAN(
            width=[list(n) if isinstance(n, list) else n for n in width],
            mult_arity=arity,
            grid=4,
            k=3,
            seed=seed,
            auto_save=False,
            ckpt_path=folder,
            noise_scale=1.0,
        )
    rng = np.random.default_rng(seed)
    samples = torch.tensor(rng.uniform(-1, 1, (60, model.width_in[0])))
    model.update_grid(samples)
    for l, i, j, name, constants in symbols:  # noqa: E741
        model.fix_symbolic(l, i, j, name, fit_params_bool=False, log_history=False)
        model.symbolic_fun[l].affine.data[j][i] = torch.tensor(constants)
    for name in AFFINE if affine else ():
        for values in getattr(model, name):
            values.data = torch.tensor(rng.uniform(0.5, 1.5, values.shape))
    outputs = model(samples).detach().numpy()
    scores, penalty = {}, {}
    for metric, attribute in METRICS.items():
        model.attribute()
        if metric == "node_backward":  # leaves other edge scores behind
            model.node_attribute()
        scores[metric] = arrays(getattr(model, attribute))
        penalty[metric] = float(model.get_reg(metric, 1.0, 2.0, 0.0, 0.0))
    model.attribute()
    return {
        "width": width,
        "mult_arity": arity,
        "grid": 4,
        "k": 3,
        "affine_trainable": affine,
        "layers": [spline_layer(model, layer) for layer in range(len(width) - 1)],
        "symbols": symbols,
        "samples": samples.numpy().tolist(),
        "outputs": outputs.tolist(),
        "scores": scores | {"node_scores": arrays(model.node_scores)},
        "penalty": penalty,
    }


def main(path: str) -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    sine = [0, 0, 1, "sin", [1.5, 0.2, 0.7, -0.1]]
    square = [1, 1, 0, "x^2", [1.0, 0.3, -0.6, 0.4]]
    rows = [
        table([2, [2, 2], 1], 2, [], False, 0),
        table([2, [1, 2], [2, 1], 2], 2, [sine], True, 1),
        table([3, [1, 2], 2], 3, [sine, square], False, 2),
        table([2, 3, 1], 2, [sine, square], False, 3),
    ]
    Path(path).write_text(json.dumps({"made_with": "pykan 0.2.8", "models": rows}))


if __name__ == "__main__":
    main(sys.argv[1])
