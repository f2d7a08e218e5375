"""Differential equations beside jaxKAN: error against seconds, on the same points with the same network.

    python -m benchmarks.pde_peers --check --plot FILE

Poisson's equation with sin(pi x) sin(pi y) and Burgers' equation (`kan_np.pde.equations`), by networks
[2, 8, 8, 1] of Chebyshev polynomials of tanh, of degree 5 and 4, with boundary and initial values built in.
jaxKAN has the layers, residuals, decaying rates and attention of its tutorials on physics-informed networks,
in float64: Adam alone, and Adam followed by SciPy's L-BFGS. kan_np takes Levenberg-Marquardt steps, on
Poisson's equation also with the network that is recommended for it. Errors are relative L2 over an even grid
of 201 x 201 points.

Seconds are of one thread without compiling. jaxKAN's clock stands still while errors are measured; each point
of kan_np's curves is a whole call of `solve` with so many steps, from its start. jaxKAN comes in an
environment that is made for it (`benchmarks.peers`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks._common import Bar, show_bars, show_table
from benchmarks.peers.environments import PEERS, peer_python
from benchmarks.peers.process import Worker
from kan_np import KAN
from kan_np.pde import Problem, Term, equations, solve
from kan_np.pde.equations import Equation
from kan_np.pde.equations.burgers import VISCOSITY, concentrated
from kan_np.pde.equations.equation import smooth

#: Steps of calls whose times and errors make a curve.
_STEPS = (2, 4, 8, 15, 30, 60, 120, 250, 500)
_HIDDEN = 8
#: With the same network kan_np has to be nearer by this factor than jaxKAN, after so many seconds of training
#: and in the end.
_NEARER, _AFTER = 10.0, 10.0


@dataclass(frozen=True)
class Curve:
    """Seconds, steps and relative L2 errors of a way to solve an equation."""

    equation: str
    way: str
    n_params: int
    seconds: list[float]
    steps: list[int]
    errors: list[float]

    @property
    def best(self) -> int:
        """Place of the least error."""
        return int(np.argmin(self.errors))

    def by(self, seconds: float) -> float:
        """Least error until then; NaN if there is none yet."""
        return min(
            (e for t, e in zip(self.seconds, self.errors, strict=True) if t <= seconds), default=np.nan
        )


@dataclass(frozen=True)
class Case:
    """An equation and the degree of the network that both libraries have."""

    name: str
    degree: int

    def make(self, seed: int) -> Equation:
        """The equation on points that belong to a seed; Burgers' as jaxKAN's residual has it."""
        made: Equation = getattr(equations, self.name)(seed)
        return replace(made, problem=burgers_problem(seed)) if self.name == "burgers" else made


def burgers_problem(seed: int) -> Problem:
    """Burgers' equation without weights at the shock, on 2560 points, half of them near to it."""
    when = np.linspace(0.0, 1.0, 101)[1:]
    return Problem(
        [
            Term(f"u_t + u*u_x - {VISCOSITY!r}*u_xx", at=concentrated(2560, 0.02, seed), name="equation"),
            Term("u", at=np.stack([np.zeros(100), when], axis=1), weight=10.0, name="symmetry"),
        ],
        ("x", "t"),
        [(-1.0, 1.0), (0.0, 1.0)],
        lift="-sin(pi*x)",
        factor="t*(1 - x**2)",
    )


@dataclass(frozen=True)
class JaxKanWay:
    """How jaxKAN trains: Adam's first rate, attention to large residuals, its part of the time."""

    name: str
    rate: float
    attention: bool
    adam_share: float = 1.0


JAXKAN_WAYS = (
    JaxKanWay("jaxKAN, Adam", 1e-3, True),
    JaxKanWay("jaxKAN, Adam and L-BFGS", 1e-3, False, 0.2),
)
CASES = (Case("poisson", 5), Case("burgers", 4))


def by_jaxkan(case: Case, python: str, seed: int, seconds: float, way: JaxKanWay) -> Curve:
    """Error against seconds of jaxKAN."""
    equation = case.make(seed)
    order = [1, 0] if case.name == "burgers" else [0, 1]  # its residuals take t first
    points, *others = equation.problem.points()
    if case.name == "burgers":
        points = points[np.argsort(points[:, 1])]
    test = equation.test_points()
    with Worker("jaxkan_pde", python) as worker:
        found = worker.ask(
            "solve",
            equation=case.name,
            points=points[:, order].tolist(),
            symmetry=others[0][:, order].tolist() if others else [],
            test_points=test[:, order].tolist(),
            true=equation.reference(test, "u")["u"].tolist(),
            width=[2, _HIDDEN, _HIDDEN, 1],
            degree=case.degree,
            seed=seed,
            seconds=seconds,
            rate=way.rate,
            attention=way.attention,
            adam_seconds=way.adam_share * seconds,
        )
    times, steps, errors = zip(*found["curve"], strict=True)
    return Curve(case.name, way.name, found["n_params"], list(times), [int(s) for s in steps], list(errors))


def by_kan_np(
    case: Case, way: str, make: Callable[[int], KAN], starts: int, seed: int, limit: float
) -> Curve:
    """Error against seconds of `solve`, by calls with more and more steps."""
    equation = case.make(seed)
    models = [make(1000 * seed + i) for i in range(starts)]
    solve(equation.problem, models[0], steps=1)  # compiles what there is to compile
    times, errors, taken = [], [], []
    for steps in _STEPS:
        begun = time.perf_counter()
        solution = solve(equation.problem, models, steps=steps)
        times.append(time.perf_counter() - begun)
        errors.append(equation.errors(solution).l2)
        taken.append(steps)
        if sum(times) + 2.5 * times[-1] > limit or solution.stages[-1].steps < steps:
            break
    return Curve(case.name, way, models[0].n_params, times, taken, errors)


def measured(case: Case, python: str, seed: int, seconds: float) -> list[Curve]:
    """All curves of an equation."""
    equation = case.make(seed)
    found = [
        by_kan_np(case, "kan_np, same network", smooth(_HIDDEN, case.degree), 1, seed, seconds),
    ]
    if case.name == "poisson":
        found.append(by_kan_np(case, "kan_np, recommended", equation.network, equation.starts, seed, seconds))
    found += [by_jaxkan(case, python, seed, seconds, way) for way in JAXKAN_WAYS]
    for curve in found:
        last = curve.best
        print(
            f"{curve.equation}, {curve.way}: {curve.errors[last]:.1e} after {curve.seconds[last]:.1f} s",
            flush=True,
        )
    return found


def rows_of(curves: list[Curve]) -> list[tuple[object, ...]]:
    """Rows of the table: errors by certain times, and the least one."""
    return [
        (
            f"{curve.equation}, {curve.way}",
            curve.n_params,
            *(f"{curve.by(seconds):.1e}" for seconds in (1.0, 10.0, 60.0)),
            f"{curve.errors[curve.best]:.1e}",
            f"{curve.seconds[curve.best]:.1f}",
            curve.steps[curve.best],
        )
        for curve in curves
    ]


def bars_of(curves: list[Curve]) -> list[Bar]:
    """Errors of jaxKAN over those of kan_np with the same network, by equation: after a while, the least."""
    bars = []
    for case in CASES:
        own = [curve for curve in curves if curve.equation == case.name]
        if not own:
            continue
        theirs = [curve for curve in own if curve.way.startswith("jaxKAN")]
        same = next(curve for curve in own if curve.way == "kan_np, same network")
        for seconds, when in ((_AFTER, f"after {_AFTER:g} s"), (np.inf, "in the end")):
            ratio = min(curve.by(seconds) for curve in theirs) / same.by(seconds)
            name = f"{case.name}: jaxKAN's error over that of the same network, {when}"
            bars.append(Bar(name, ratio, _NEARER, True))
    return bars


def plot(curves: list[Curve], path: Path) -> None:
    """Error against seconds, one panel an equation."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(curve.equation for curve in curves))
    figure = Figure(figsize=(4.6 * len(names), 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    ways = list(dict.fromkeys(curve.way for curve in curves))
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(1, len(names), place, xscale="log", yscale="log")
        for curve in curves:
            if curve.equation == name:
                style = "o-" if curve.way.startswith("kan_np") else "-"
                color = f"C{ways.index(curve.way)}"
                axes.plot(curve.seconds, curve.errors, style, ms=3, color=color, label=curve.way)
        axes.set_title(name)
        axes.set_xlabel("seconds of one thread")
        axes.set_ylabel("relative L2 error" if place == 1 else "")
        axes.grid(alpha=0.3)
    handles = {
        text: h for axes in figure.axes for h, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, fontsize=8)
    figure.savefig(path, dpi=150)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--seed", type=int, default=0, help="of the points and models")
    parser.add_argument("--seconds", type=float, default=80.0, help="of training, each way (default 80)")
    parser.add_argument("--only", default=",".join(case.name for case in CASES), help="equations")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves: a .png file")
    parser.add_argument("--peer-python", help="a Python that has jaxKAN; by default an environment is made")
    options = parser.parse_args()
    python = peer_python(PEERS["jaxkan"], options.peer_python)
    with threadpool_limits(1):
        curves = [
            curve
            for case in CASES
            if case.name in options.only.split(",")
            for curve in measured(case, python, options.seed, options.seconds)
        ]
    show_table(
        f"Relative L2 errors after 1, 10 and 60 s, the least one and when, seed {options.seed}",
        ("equation, way", "parameters", "1 s", "10 s", "60 s", "least", "seconds", "steps"),
        rows_of(curves),
    )
    if options.plot is not None:
        plot(curves, options.plot)
    return show_bars(bars_of(curves), check=options.check)


if __name__ == "__main__":
    sys.exit(main())
