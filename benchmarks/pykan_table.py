"""Write tests/models/pykan_table.json: parameters of small pykan models and what pykan computes from them.

Run it in an environment that holds pykan 0.2.8 and torch, not in that of this project:

    python benchmarks/pykan_table.py tests/models/pykan_table.json

The models are float64, trained a little so that grids differ from node to node, and evaluated inside their
grids, on knots, and outside. The penalty R of pykan is stored with them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from kan import KAN

METRICS = (
    "edge_forward_spline_n",
    "edge_forward_spline_u",
    "edge_forward_sum",
    "edge_backward",
    "node_backward",
)


def table(width: list[int], grid: int, k: int, seed: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        model = KAN(
            width=list(width), grid=grid, k=k, seed=seed, auto_save=False, ckpt_path=folder, noise_scale=1.0
        )
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.uniform(-1, 1, (200, width[0])))
    y = torch.sin(3 * x).sum(dim=1, keepdim=True) * torch.ones(1, width[-1])
    data = {"train_input": x, "train_label": y, "test_input": x, "test_label": y}
    model.fit(data, opt="LBFGS", steps=2)
    layers = []
    for layer in model.act_fun:
        t = layer.grid.detach().numpy()
        layers.append(
            {
                "knots": t[:, k : t.shape[1] - k].tolist(),
                "coef": (layer.coef * layer.scale_sp[:, :, None] * layer.mask[:, :, None])
                .detach()
                .numpy()
                .tolist(),
                "scale_base": (layer.scale_base * layer.mask).detach().numpy().tolist(),
            }
        )
    knots = model.act_fun[0].grid.detach().numpy()
    points = np.concatenate(
        [rng.uniform(-1, 1, (12, width[0])), rng.uniform(-2.5, 2.5, (12, width[0])), knots.T[1:-1]]
    )
    outputs = model(torch.tensor(points)).detach().numpy()
    model.get_act(x)
    penalty = {}
    for metric in METRICS:
        model.attribute()
        if metric == "node_backward":  # leaves other edge scores behind
            model.node_attribute()
        penalty[metric] = float(model.get_reg(metric, 1.0, 2.0, 0.0, 0.0))
    return {
        "width": width,
        "grid": grid,
        "k": k,
        "layers": layers,
        "inputs": points.tolist(),
        "outputs": outputs.tolist(),
        "samples": x.numpy().tolist(),
        "penalty": penalty,
    }


def main(path: str) -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    rows = [table([2, 3, 1], 5, 3, 0), table([1, 2, 2, 2], 4, 2, 1), table([3, 1], 3, 3, 2)]
    Path(path).write_text(json.dumps({"made_with": "pykan 0.2.8", "models": rows}))


if __name__ == "__main__":
    main(sys.argv[1])
