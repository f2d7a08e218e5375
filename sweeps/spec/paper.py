"""The parts of the KAN paper (arXiv:2404.19756) that `kan-sweep run paper` carries out, one sweep each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sweeps.checks import pick
from sweeps.spec.spec_reader import DEFAULT_PRESET, FULL, parse_spec, read_spec, suite_spec
from sweeps.spec.studies import study_names, study_values
from sweeps.spec.sweep_spec import EQUATIONS, SweepSpec

#: What `kan-sweep run` calls the whole of it, and its presets.
PAPER = "paper"
PAPER_PRESETS = (DEFAULT_PRESET, FULL)


@dataclass(frozen=True)
class Part:
    """A part of the paper: one sweep with a store of its own.

    Attributes
    ----------
    name : str
        Of its folder.
    title : str
        As the page has it.
    section : str
        Where it is in the paper.
    differs : str
        In what its protocol differs from the paper's, in sentences.
    is_study : bool
        Whether it is a study (`sweeps.studies`).
    """

    name: str
    title: str
    section: str
    differs: str
    is_study: bool = False

    def spec(self, preset: str = FULL) -> SweepSpec:
        """Return its specification; a UserError for a preset that is none of `PAPER_PRESETS`."""
        quick = pick(f"a preset of {PAPER}", preset, PAPER_PRESETS) == DEFAULT_PRESET
        if self.is_study:
            values = study_values([self.name], quick=quick) | {"title": f"KAN paper: {self.title}"}
            return parse_spec(values, f"part {self.name}", default_title=self.name)
        folder = resources.files("sweeps.spec") / "presets" / PAPER
        file = (folder / DEFAULT_PRESET if quick else folder) / f"{self.name}.toml"
        return read_spec(Path(str(file))) if file.is_file() else _SUITES[self.name]()


#: Parts that at full size are a suite with the preset of its name.
_SUITES: dict[str, Callable[[], SweepSpec]] = {EQUATIONS: lambda: suite_spec(EQUATIONS)}

_SWEPT = (
    Part(
        "toy",
        "Five functions with a known form",
        "Section 3.1, figure 3.1",
        "The paper trains all networks by L-BFGS. Here small ones are trained by Levenberg and Marquardt's "
        "method, which goes on where L-BFGS has stopped, KANs and MLPs alike, and large ones by L-BFGS. A "
        "few short fits choose the start of a KAN that has more than one layer. Every model is trained on "
        "several sets of samples; the paper shows one line for each.",
    ),
    Part(
        "special",
        "Fifteen special functions",
        "Section 3.2, table 1, figure 3.2",
        "The paper gives neither the ranges of the inputs nor the numbers of samples, so that its errors "
        "are a hint of the size and no target. Its shapes come from pruning; here each function has the "
        "shape that the table names, and [2, 5, 1]. It takes the best of three seeds by test error; here "
        "models are chosen by validation error, and the median and the worst over sets of samples are told.",
    ),
    Part(
        "feynman",
        "Twenty-seven Feynman functions",
        "Section 3.3, table 2, figure D.1",
        "As with the special functions: ranges and samples are not given in the paper, whose numbers are "
        "the best over shapes, depths and seeds by test error.",
    ),
    Part(
        "pde",
        "Differential equations",
        "Section 3.4, figure 3.3",
        "The paper solves one Poisson equation, sin(pi x) sin(pi y^2), by L-BFGS on 10 000 points with the "
        "boundary as a part of the loss, and speaks of mean squares of 1e-7 for a KAN of width 10 and 1e-5 "
        "for an MLP of 4 layers of width 100; a mean square of 1e-7 is a relative L2 error of 7.3e-4. Here "
        "that equation is poisson_paper, among others. Networks are trained by Levenberg and Marquardt's "
        "method; beside them stands the classical solver of each equation.",
    ),
)
_STUDIED = {
    "continual": (
        "Continual learning",
        "Section 3.5, figure 3.4, pykan's Example 8",
        "pykan scores each phase after it was learnt; here every phase is scored after every phase, and the "
        "whole line in the end. The fit is by Levenberg and Marquardt's method instead of L-BFGS. An MLP is "
        "trained twice, as the paper does it, and held by anchors.",
    ),
    "formulas": (
        "Formulas",
        "Sections 2.5 and 4.1, figures 2.4 and 4.1",
        "In the paper a person looks at the functions on the edges and says what they are. Here nobody "
        "does: a search gets samples and returns a formula, which is right or not.",
    ),
    "knots": (
        "Knots",
        "Section 4.3, tables 3 and 4",
        "The paper's table has 17 columns of other knots. Here are six columns of 2000 knots, which ship "
        "with kan_np. Beside the networks stand a rule of two numbers on the natural slope, which the paper "
        "has, too, and an MLP that is trained until it converges.",
    ),
    "localization": (
        "Anderson localization",
        "Section 4.4, table 5",
        "The paper does not say how long its chains are, how many states it has, or from where on a state is "
        "localised. Here a state is localised if its fractal dimension is below 0.5. Formulas come from a "
        "search, where the paper takes a person, or symbols that are set automatically.",
    ),
    "film": (
        "The film of a fit",
        "pykan's tutorial on videos",
        "pykan writes one picture a step and leaves the film to another package; here the film is a "
        "callback.",
    ),
}


def parts() -> dict[str, Part]:
    """Return all parts by name, in their order.

    Examples
    --------
    >>> list(parts())[:4]
    ['toy', 'special', 'feynman', 'pde']
    """
    studied = [_study(name) for name in study_names()]
    return {part.name: part for part in (*_SWEPT, *studied)}


def _study(name: str) -> Part:
    title, section, differs = _STUDIED.get(name, (name.capitalize(), "", ""))
    return Part(name, title, section, differs, is_study=True)
