"""Write models as files, with the library that Python finds: not a test.

    PYTHONPATH=<folder with kan_np of a revision> python tests/golden/write.py FOLDER

How the files beside this were made, one folder for each format of model files: by the last revision that
wrote the format. `expected.json` holds outputs at `inputs`, computed from these files when they were added
(`python tests/golden/write.py --outputs`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def inputs(n_in: int) -> np.ndarray:
    """Inside the grids, on knots, at their ends and outside."""
    rng = np.random.default_rng(n_in)
    special = np.array([-1.0, -0.2, 0.0, 0.6, 1.0, 1.7, -2.5])
    return np.concatenate([rng.uniform(-1.0, 1.0, (9, n_in)), np.repeat(special[:, None], n_in, axis=1)])


def models() -> dict:
    """By name, as many kinds as the revision knows."""
    from kan_np import KAN, MLP, create_dataset

    data = create_dataset(
        lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=300, seed=0
    )
    found = {"untrained": KAN([3, 4, 2], grid=4, k=2, seed=1), "mlp": MLP([2, 4, 1], seed=0)}
    found["trained"] = KAN([2, 3, 1], grid=5, k=3, seed=0)
    found["uneven"] = KAN([2, 2, 1], grid=6, k=3, grid_eps=0.02, seed=0)
    found["no_base"] = KAN([2, 2, 1], grid=5, k=1, base_fun="zero", seed=0)
    for name in ("trained", "uneven", "no_base", "mlp"):
        found[name].fit(data, opt="LM", steps=3)
    for extrapolation in ("linear", "constant", "zero", "continue"):
        found[extrapolation] = KAN([2, 2, 1], grid=3, extrapolation=extrapolation, seed=2)
    if hasattr(KAN, "remove_edge"):
        found["pruned"] = found["trained"].remove_edge(0, 0, 1)
    if hasattr(KAN, "fix_symbolic"):
        mixed = KAN([2, [2, 1], 1], grid=3, seed=3, affine_trainable=True)
        mixed.fix_symbolic(0, 0, 0, "sin", fit=False)
        mixed.lock(0, [(1, 0), (1, 1)])
        mixed.fit(data, opt="LM", steps=3)
        found["mixed"] = mixed
    few = {name: rows[:20] for name, rows in data.items() if name.startswith("train")}
    found["few_samples"] = KAN([2, 2, 1], seed=0)
    found["few_samples"].fit(few, opt="LM", steps=3)
    return found


def main(target: str) -> None:
    from kan_np import load_model

    if target == "--outputs":
        expected = {}
        for path in sorted(HERE.glob("format_*/*.npz")):
            model = load_model(path)
            key = f"{path.parent.name}/{path.stem}"
            expected[key] = [row.tolist() for row in model(inputs(model.width[0]))]
        (HERE / "expected.json").write_text(json.dumps(expected, indent=0) + "\n", encoding="utf-8")
        return
    folder = Path(target)
    folder.mkdir(exist_ok=True, parents=True)
    for name, model in models().items():
        model.save(folder / f"{name}.npz")


if __name__ == "__main__":
    main(sys.argv[1])
