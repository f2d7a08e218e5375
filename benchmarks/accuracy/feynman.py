"""The 27 Feynman equations: kan_np's best KAN and best MLP beside the paper's.

    python -m benchmarks.accuracy.feynman --jobs 2 --check

Depth, width and stage are chosen by validation RMSE, for KANs and for MLPs, on every data seed anew; a
Gaussian process, cubic RBF interpolation and a linear model get the same samples. The searches of a data seed
may take 20 minutes on two cores; with another number of processes the time of two is computed and judged.
"""

from __future__ import annotations

from benchmarks._common import Bar, show_bars
from benchmarks.accuracy._common import choose, parse, parser
from benchmarks.accuracy._shapes import add_search_options, best_shapes
from kan_np import get_suite

MINUTES_BAR, CORES = 20.0, 2


def main() -> int:
    made = parser(__doc__, seeds=1, jobs=CORES)
    add_search_options(made)
    arguments = parse(made, functions="I.6.2,I.29.16", steps=10, restarts=1, finalists=1)
    functions = choose(get_suite("feynman"), arguments.functions)
    title = "Feynman equations, shapes chosen by validation RMSE"
    bars, seconds = best_shapes("feynman", title, functions, arguments)
    minutes = seconds * arguments.jobs / CORES / 60 / arguments.data_seeds
    what = f"minutes a data seed on {CORES} cores, {len(functions)} functions"
    bars.append(Bar(what, minutes, MINUTES_BAR))
    return show_bars(bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
