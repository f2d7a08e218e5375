"""Write tests/surgery/pykan_scores.json: small pykan models and the scores that pykan gives their parts.

Run it in an environment that holds pykan 0.2.8 and torch, not in that of this project:

    python benchmarks/pykan_scores.py tests/surgery/pykan_scores.json

The models are float64 and trained a little, so that grids differ from node to node; one edge of each is dead.
All arrays are pykan's: (n_out, n_in) a layer.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from kan import KAN

SCORES = {
    "edge_forward_spline_n": "acts_scale_spline",
    "edge_forward_spline_u": "edge_actscale",
    "edge_forward_sum": "acts_scale",
    "edge_backward": "edge_scores",
    "node_scores": "node_scores",
}


def arrays(tensors: list[torch.Tensor]) -> list[object]:
    return [t.detach().numpy().tolist() for t in tensors]


def table(width: list[int], grid: int, k: int, seed: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        model = KAN(
            width=list(width), grid=grid, k=k, seed=seed, auto_save=False, ckpt_path=folder, noise_scale=1.0
        )
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.uniform(-1, 1, (100, width[0])))
    y = torch.sin(3 * x).sum(dim=1, keepdim=True) * torch.arange(1.0, width[-1] + 1)
    data = {"train_input": x, "train_label": y, "test_input": x, "test_label": y}
    model.fit(data, opt="LBFGS", steps=2)
    model.remove_edge(0, 0, 0, log_history=False)
    layers = []
    for layer in model.act_fun:
        t = layer.grid.detach().numpy()
        coef = layer.coef * layer.scale_sp[:, :, None] * layer.mask[:, :, None]
        layers.append(
            {
                "knots": t[:, k : t.shape[1] - k].tolist(),
                "coef": coef.detach().numpy().tolist(),
                "scale_base": (layer.scale_base * layer.mask).detach().numpy().tolist(),
            }
        )
    samples = torch.tensor(rng.uniform(-1.2, 1.2, (40, width[0])))
    model.get_act(samples)
    model.attribute()
    scores = {name: arrays(getattr(model, attribute)) for name, attribute in SCORES.items()}
    scores["feature_score"] = model.feature_score.detach().numpy().tolist()
    model.node_attribute()
    scores["node_backward"] = arrays(model.node_attribute_scores)
    return {
        "width": width,
        "grid": grid,
        "k": k,
        "layers": layers,
        "samples": samples.numpy().tolist(),
        "scores": scores,
    }


def main(path: str) -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    rows = [table([2, 3, 1], 5, 3, 0), table([2, 3, 2, 2], 4, 2, 1), table([3, 2], 3, 3, 2)]
    Path(path).write_text(json.dumps({"made_with": "pykan 0.2.8", "models": rows}))


if __name__ == "__main__":
    main(sys.argv[1])
