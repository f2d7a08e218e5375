"""The base class of a family of models: its options, number of parameters, cost, training and appearance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.checks import TomlTable
from sweeps.families.widths import layer_text
from sweeps.training.stage_recorder import StageRecorder
from sweeps.training.time_limit import TimeLimit

#: Numbers of nodes of the hidden layers, or pairs of sums and products; see `sweeps.families.widths`.
HiddenWidths = tuple[Any, ...]
#: A name of the configuration, and the values of it to try.
Axis = tuple[str, tuple[Any, ...]]
Config = Mapping[str, Any]

#: In place of hidden widths: those that are suggested for a task.
SUGGESTED = "suggested"
#: The hidden layers of a family that has none.
NO_HIDDEN: tuple[HiddenWidths] = ((),)


@dataclass(frozen=True)
class Training:
    """The input of a family's training: configuration of a run, samples, and the recorder of results.

    `seed` is that of the random numbers of the run.
    """

    config: Config
    dataset: dict[str, Any]
    recorder: StageRecorder
    limit: TimeLimit
    seed: int

    @property
    def classifies(self) -> bool:
        """Whether classes are told apart, by cross-entropy; labels are then their numbers."""
        return bool(self.config.get("data", {}).get("task") == "classification")

    def options(self, **fixed: Any) -> dict[str, Any]:
        """Return the rules of training, the same for every family that does not fix its own.

        Samples are held out by the sweep, or by nobody: `val_fraction` here is of what `config["data"]` left.
        Tables are standardised, suites are trained on as they are.
        """
        rules = fixed or {name: self.config[name] for name in ("opt", "steps", "restarts")}
        fixed_by_sweeps = {"val_fraction": 0.0, "standardize": False, "callback": self.limit.check}
        return rules | {"seed": self.seed} | fixed_by_sweeps


@dataclass(frozen=True)
class Solving:
    """What a family gets to solve a differential equation.

    `equation` is an `Equation` of `kan_np.pde.equations`; `seed` is that of the random numbers of the run.
    """

    config: Config
    equation: Any
    recorder: StageRecorder
    limit: TimeLimit
    seed: int


@dataclass(frozen=True)
class Measuring:
    """What a family gets to measure a method of a study; `study` is a `sweeps.studies.Study`."""

    config: Config
    study: Any
    recorder: StageRecorder


class Family:
    """A family of models: its options in a specification, its size and cost, its training, its appearance.

    A family is a class that derives from this one and an object in `sweeps.families`. An object of this class
    itself is a family of which only the name is known, from a store of another version: it can be shown but
    not trained.

    Attributes
    ----------
    name : str
        As configurations and specifications have it.
    label : str
        As figures and tables write it.
    one_model : str
        What one of its models is called where there is a single one.
    one_model_of_many : str
        What one of its models is called after "the".
    colour, marker, line : str
        How figures draw it; of matplotlib.
    is_network : bool
        Whether it is one of the networks that a report compares with each other.
    has_splines : bool
        Whether its models have B-splines, whose error falls with the grid in a known way.
    has_hidden : bool
        Whether a table of a specification gives hidden layers.
    has_suggested_shape : bool
        Whether the widths that are suggested for a task may be used.
    is_baseline : bool
        Whether it is a baseline, with which networks are compared.
    is_deterministic : bool
        Whether its training has one solution, whatever the seed.
    searches_formulas : bool
        Whether a run searches for formulas instead of training models of one width.
    can_classify : bool
        Whether its models can tell classes apart.
    fits_samples : bool
        Whether its models are fitted to samples, of a function or in a table.
    solves_equations : bool
        Whether its models solve differential equations.
    measures_studies : bool
        Whether a run is a method of a study.
    defaults : mapping
        Options that enter a configuration only where they differ from these values.
    """

    label: str
    one_model: str
    one_model_of_many: str
    colour: str
    marker = "D"
    line: Any = "-"
    is_network = False
    has_splines = False
    has_hidden = True
    has_suggested_shape = False
    is_baseline = False
    is_deterministic = False
    searches_formulas = False
    can_classify = True
    fits_samples = True
    solves_equations = False
    measures_studies = False
    defaults: Mapping[str, Any] = {}

    def __init__(self, name: str) -> None:
        self.name = name
        self.label = getattr(type(self), "label", name.upper())
        self.one_model = getattr(type(self), "one_model", self.label)
        self.one_model_of_many = getattr(type(self), "one_model_of_many", f"model of {self.label}")
        self.colour = getattr(type(self), "colour", OTHER_COLOURS[sum(name.encode()) % len(OTHER_COLOURS)])

    def __repr__(self) -> str:
        return f"<family {self.name}>"

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return the hidden layers that a `[[models]]` table asks for; a UserError if they cannot be used."""
        raise table.error(f"family {self.name!r} is not known here.")

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return the other axes of a `[[models]]` table; a UserError if they cannot be used."""
        raise table.error(f"family {self.name!r} is not known here.")

    def products(self, axes: Sequence[Axis]) -> list[list[Axis]]:
        """Return the axes of a table as one or more products, where some values go with some others only."""
        return [list(axes)]

    def misfit(self, config: Config) -> str:
        """Return why a configuration cannot be trained, as a sentence; "" if it can."""
        return ""

    def spelt_out(self, config: Config) -> Config:
        """Return a stored configuration with the options that it leaves to their defaults."""
        return {**self.defaults, **config} if self.defaults else config

    def n_params(self, config: Config, grid: int | None = None) -> int | None:
        """Return the number of parameters of a model, on a grid where it has grids; None: it is not known."""
        return None

    def cost(self, config: Config) -> float:
        """Return a rough estimate of the seconds that a run takes on one core."""
        return 0.0

    def n_models(self, n_stages: int) -> int:
        """Return the number of trained models in a run of `n_stages` stages."""
        return n_stages

    def text(self, config: Config) -> str:
        """Return a configuration in a few words, without its optimizer."""
        text = f"{self.name} [{','.join(map(layer_text, config.get('width', ())))}]"
        if "grids" in config:
            text += f" k={config['k']} G={','.join(map(str, config['grids']))}"
        return text + (f" {config['activation']}" if "activation" in config else "")

    def train(self, training: Training) -> None:
        """Train what a configuration asks for, and give every stage to `training.recorder`."""
        raise ValueError(f"family is {self.name!r}; expected one that this version of sweeps can train.")

    def solve(self, solving: Solving) -> None:
        """Solve the equation as a configuration asks for, and give every stage to `solving.recorder`."""
        raise ValueError(f"family is {self.name!r}; expected one that solves differential equations.")

    def measure(self, measuring: Measuring) -> None:
        """Measure a method of a study, and give what it measured to `measuring.recorder`."""
        raise ValueError(f"family is {self.name!r}; expected one that measures studies.")

    def is_for(self, description: Mapping[str, Any]) -> bool:
        """Say whether there is such a model for a task, of which a description is known."""
        return True

    def misplaced(self, axes: Sequence[Axis], of_equations: bool) -> str:
        """Return which axis of a table is not for equations, or for samples, as a sentence; "" if none."""
        return ""

    def small(self, config: Config) -> Sequence[dict[str, Any]]:
        """Return small configurations that need the same compiled code as `config`, to compile it.

        They have no task, seed or fold, and of their data only whether classes are to be told apart.
        """
        return ()


#: Of families that have no colour of their own.
OTHER_COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")
#: Options that have no influence on which code a run needs.
_NOT_A_KIND = ("task", "data", "grids", "init", "fold", "patience", "enough")


def small_kind(config: Config, width: Sequence[int]) -> dict[str, Any]:
    """Return a configuration of a width with one step that needs the same compiled code as `config`.

    Of several grids the coarsest and the finest stay: the matrix of Levenberg-Marquardt is put together in
    one way on coarse grids and in another on fine ones.
    """
    kind = {key: value for key, value in config.items() if key not in _NOT_A_KIND}
    task = config.get("data", {}).get("task")
    if task is not None:
        kind["data"] = {"task": task}
    return kind | {"width": list(width), "steps": 1, "restarts": 1, "seed": 0}
