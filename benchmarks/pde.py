"""Differential equations by small KANs and MLPs, beside classical solvers: errors and seconds.

    python -m benchmarks.pde --check

Every equation of `kan_np.pde.equations` without unknown numbers is solved with five seeds of the model, each
on points of its own (`equation(seed).solve(seed)`), by the KAN that is recommended for it and by an MLP of
tanh with the same optimizer, Levenberg-Marquardt by orthogonal transformations (of Burgers' and of Allen and
Cahn's equation by normal equations). Errors are relative, in Euclidean norm over an even grid of the domain
(201 points along each of two coordinates, 2001 along one): of the values (L2), of values and first
derivatives (H1), and the largest. Seconds are processor time of one thread, all starts and stages
included. The classical solver is `classical_solution`: Chebyshev collocation, with Radau steps in time, or
Runge-Kutta steps. Networks and settings were chosen on seeds 100 and above;
those that are reported are 0 to 4. A bar holds the median.

    python -m benchmarks.pde --inverse --check

The diffusivity of a heat equation from 1000 samples with 1 % noise, 50 sets of data: root mean square error
over the Cramer-Rao bound, and how often the interval of 95 % holds the truth; the same with rates of
predators and prey, for which there is no bar.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks._common import Bar, median, positive, shape_text, show_bars, show_table
from kan_np.pde import equations
from kan_np.pde.equations import Equation, Errors
from kan_np.pde.equations.classical_solutions import classical_solution

#: Relative L2 and seconds that the median may take; the best that is known of KANs elsewhere.
BARS = {
    "poisson": (1e-6, 60.0),
    "poisson_paper": (1e-5, 120.0),
    "helmholtz": (1e-5, 120.0),
    "heat": (1e-6, 60.0),
    "burgers": (1e-4, 120.0),
    "allen_cahn": (1e-3, 120.0),
    "oscillator": (1e-6, 10.0),
}
FORWARD = (*BARS, "poisson_unit_square", "schroedinger", "lotka_volterra", "kovasznay")
#: Networks of an equation: the KAN that is recommended, a KAN of sums of splines, an MLP.
WAYS = ("recommended", "sums", "mlp")
#: Half the length of a normal distribution's 95 % interval, in standard deviations.
_HALF = 1.959963984540054


class Run:
    """One solution: its errors and what it took."""

    def __init__(self, equation: Equation, seed: int, by: str) -> None:
        begun = time.process_time()
        solution = equation.solve(seed, by=by)
        self.seconds = time.process_time() - begun
        self.errors = equation.errors(solution)
        self.n_params = solution.stages[-1].n_params
        self.fresh = max(solution.stages[-1].fresh.values())
        self.unknowns = max(
            (abs(solution.unknowns[name] / true - 1.0) for name, true in equation.true.items()), default=0.0
        )


def classical(name: str) -> tuple[Errors, float]:
    """Errors and seconds of the classical solver."""
    equation = getattr(equations, name)()
    equation.errors_of(equation.reference)  # the reference is made once, and not counted
    begun = time.process_time()
    solution = classical_solution(equation)
    solution(equation.test_points()[:1], *equation.problem.names.outputs)
    seconds = time.process_time() - begun
    return equation.errors_of(solution), seconds


def networks(equation: Equation, by: str) -> str | None:
    """The network in words; None if there is none of this kind."""
    if by == "mlp":
        return f"MLP {shape_text(equation.mlp(0).width)}"
    make = equation.network if by == "recommended" else equation.sums
    if make is None:
        return None
    model = make(0)
    kinds = {family for family, _ in model.families.values()} - {"linear"} or {"spline"}
    n_products = model.n_mult[1]
    return f"KAN {shape_text(model.width)} {'of products, ' if n_products else ''}{'/'.join(sorted(kinds))}"


def spread(values: Sequence[float]) -> str:
    """Median, and the worst in brackets."""
    return f"{median(values):.1e} ({max(values):.1e})"


def forward(names: Sequence[str], seeds: Sequence[int], *, mlps: bool) -> list[Bar]:
    """Solve equations, print the table, return the bars."""
    rows, bars = [], []
    for name in names:
        make = getattr(equations, name)
        for by in WAYS if mlps else WAYS[:1]:
            network = networks(make(), by)
            if network is None:
                continue
            make().solve(99, by=by, steps=1)  # compiles what there is to compile
            runs = [Run(make(seed), seed, by) for seed in seeds]
            rows.append(
                (
                    f"{name}, {network}",
                    runs[0].n_params,
                    *(
                        spread([getattr(run.errors, kind) for run in runs])
                        for kind in ("l2", "h1", "maximum")
                    ),
                    spread([run.fresh for run in runs]),
                    f"{median(run.seconds for run in runs):.1f} ({max(run.seconds for run in runs):.1f})",
                )
            )
            print("  ".join(map(str, rows[-1])), flush=True)
            if name in BARS and by == WAYS[0]:
                bar, limit = BARS[name]
                bars.append(Bar(f"{name}: relative L2, median", median(run.errors.l2 for run in runs), bar))
                bars.append(Bar(f"{name}: seconds, median", median(run.seconds for run in runs), limit))
        errors, seconds = classical(name)
        rows.append(
            (
                f"{name}, classical",
                "",
                *(f"{e:.1e}" for e in (errors.l2, errors.h1, errors.maximum)),
                "",
                f"{seconds:.3f}",
            )
        )
    show_table(
        f"Relative errors and seconds: median (worst) of seeds {list(seeds)}",
        ("equation, solver", "parameters", "L2", "H1", "maximum", "residual elsewhere", "seconds"),
        rows,
    )
    return bars


def inverse(n: int, first: int) -> list[Bar]:
    """Unknown numbers from noisy data: print the table, return the bars."""
    rows, bars = [], []
    for name in ("heat_inverse", "lotka_volterra_inverse"):
        errors: dict[str, list[float]] = {}
        inside: dict[str, list[bool]] = {}
        bounds, seconds = [], []
        for seed in range(first, first + n):
            equation = getattr(equations, name)(seed)
            begun = time.process_time()
            solution = equation.solve(seed)
            seconds.append(time.process_time() - begun)
            for unknown, true in equation.true.items():
                off = solution.unknowns[unknown] - true
                errors.setdefault(unknown, []).append(off)
                inside.setdefault(unknown, []).append(abs(off) <= _HALF * solution.standard_errors[unknown])
            bounds.append(equations.least_standard_error(equation) if name == "heat_inverse" else np.nan)
        for unknown, own in errors.items():
            rms, covered = float(np.sqrt(np.mean(np.square(own)))), float(np.mean(inside[unknown]))
            ratio = rms / float(np.sqrt(np.mean(np.square(bounds))))
            rows.append(
                (
                    f"{name}, {unknown}",
                    f"{rms:.2e}",
                    f"{np.mean(own):+.1e}",
                    f"{ratio:.2f}",
                    f"{covered:.0%}",
                    f"{median(seconds):.1f}",
                )
            )
            if name == "heat_inverse":
                bars += [
                    Bar("D: error over the Cramer-Rao bound", ratio, 1.3),
                    Bar("D: interval of 95 % holds", covered, 0.90, at_least=True),
                    Bar("D: interval of 95 % does not always hold", covered, 0.99),
                ]
    show_table(
        f"Unknown numbers from noisy data, {n} sets",
        ("equation, number", "RMS error", "mean error", "over the bound", "95 % holds", "seconds"),
        rows,
    )
    return bars


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=positive, default=5, help="of models and points")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(FORWARD), help="equations, separated by commas")
    parser.add_argument("--no-mlps", action="store_true")
    parser.add_argument(
        "--inverse", action="store_true", help="unknown numbers from data, 50 sets (or --data-seeds)"
    )
    parser.add_argument("--data-seeds", type=positive, default=50)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with threadpool_limits(1):
        equations.heat_inverse().solve(99, steps=1)  # compiles what there is to compile
        if options.inverse:
            bars = inverse(options.data_seeds, options.first_seed)
        else:
            bars = forward(options.only.split(","), seeds, mlps=not options.no_mlps)
    return show_bars(bars, check=options.check)


if __name__ == "__main__":
    sys.exit(main())
