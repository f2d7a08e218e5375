"""Writes the checkpoints of this folder with pykan 0.2.8, and what it computes from them.

To be run where pykan and torch are installed: ``python write.py`` in this folder. No test runs it.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from kan import KAN

# so that every checkpoint has knots, coefficients and constants of its own
torch.manual_seed(0)


def trained(**options):
    """A network that was trained on samples beyond its first grid."""
    model = KAN(auto_save=False, **options)
    x = 3.0 * torch.rand(200, 2) - 1.0
    data = {
        "train_input": x,
        "test_input": x,
        "train_label": torch.sin(x[:, [0]]) * x[:, [1]],
        "test_label": x[:, [0]],
    }
    model.fit(data, steps=6, lamb=1e-3, lamb_entropy=2.0)
    return model


def with_everything():
    """Products, scales and biases, a symbol, an edge and a node that are gone."""
    model = trained(width=[2, [3, 2], 1], grid=4, k=3, seed=1, affine_trainable=True, base_fun="identity")
    model.fix_symbolic(0, 0, 1, "sin", fit_params_bool=False)
    model.symbolic_fun[0].affine.data[1, 0] = torch.tensor([1.5, -0.25, 0.75, 0.5])
    model.remove_edge(0, 1, 0)
    model.remove_node(1, 2)
    return model


CASES = {
    "splines": lambda: trained(width=[2, 4, 1], grid=5, k=3, seed=0),
    "everything": with_everything,
    "arities": lambda: trained(width=[2, [1, 2], 1], grid=3, k=2, seed=2, mult_arity=[[], [2, 3], []]),
}


def main():
    expected = {}
    for name, made in CASES.items():
        model = made()
        x = 5.0 * torch.rand(40, 2) - 2.5  # also outside the grid
        model(x)
        model.saveckpt(name)
        Path(f"{name}_cache_data").unlink()  # samples, which no reader needs
        expected[name] = {"x": x.tolist(), "y": model(x).tolist()}
    Path("expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
