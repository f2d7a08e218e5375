"""Write pykan's test errors on special functions, data seed by data seed; not a measurement of kan_np.

Run it in an environment that holds pykan 0.2.8 and torch beside this project, not in that of this project:

    python benchmarks/pykan_special.py benchmarks/accuracy/pykan_special.json --data-seeds 300,301,302

Functions, shapes and samples are those of the suite "special"; float64, one thread, k = 3, grids 3, 5, 10,
20, 50 in turn, 50 steps of L-BFGS of up to 20 iterations each a grid. What is kept of a function and data
seed is the lowest test RMSE of any stage of any model seed, chosen on the test samples themselves. The file
is written anew after every function, under "by_data_seed"; what else it holds stays.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from pathlib import Path

import torch
from kan import KAN

from kan_np import SuiteFunction, get_suite

GRIDS, ORDER, STEPS = (3, 5, 10, 20, 50), 3, 50
#: Where pykan is within a factor of 200 of kan_np; on the others nothing hangs on the data seed.
FUNCTIONS = "ellipj,ellipkinc,ellipeinc,jv,yv,kv,lpmv0,lpmv1,lpmv2"


def lowest_error(function: SuiteFunction, data_seed: int, seed: int) -> float:
    """Lowest test RMSE of the stages of one model; infinite where all diverge."""
    samples = function.dataset(seed=data_seed)
    parts = ("train_input", "train_label", "test_input", "test_label")
    dataset = {part: torch.tensor(samples[part]) for part in parts}
    errors = [float("inf")]
    with tempfile.TemporaryDirectory() as folder:  # pykan writes a history whether asked to or not
        model = KAN(
            width=list(function.shape), grid=GRIDS[0], k=ORDER, seed=seed, auto_save=False, ckpt_path=folder
        )
        for grid in GRIDS:
            if grid != GRIDS[0]:
                model = model.refine(grid)
            result = model.fit(dataset, opt="LBFGS", steps=STEPS)
            errors.append(float(result["test_loss"][-1]))
    return min(error for error in errors if not math.isnan(error))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--data-seeds", required=True, help="comma-separated")
    parser.add_argument("--seeds", default="1,2", help="of the models, comma-separated (default 1,2)")
    parser.add_argument("--functions", default=FUNCTIONS, help=f"comma-separated (default {FUNCTIONS})")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    suite = get_suite("special")
    for data_seed in arguments.data_seeds.split(","):
        for name in arguments.functions.split(","):
            errors = [lowest_error(suite[name], int(data_seed), int(s)) for s in arguments.seeds.split(",")]
            print(data_seed, name, errors, flush=True)
            written = (
                json.loads(arguments.file.read_text(encoding="utf-8")) if arguments.file.exists() else {}
            )
            written.setdefault("by_data_seed", {}).setdefault(data_seed, {})[name] = min(errors)
            arguments.file.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
