"""Studies as a family of a sweep: a run is one method of a study with one seed."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from sweeps.checks import TomlTable, axis, text, truth
from sweeps.families.family import Axis, Config, Family, HiddenWidths, Measuring
from sweeps.studies import SEARCHES

#: A rough cost in seconds on one core: studies take from seconds to a minute.
_COST_S, _QUICK_COST_S = 30.0, 10.0


class StudyFamily(Family):
    """Methods of a study; a run is what one of them measures."""

    label = one_model = "study"
    one_model_of_many = "method of a study"
    colour = "#CC79A7"
    has_hidden = False
    can_classify = fits_samples = False
    measures_studies = True
    defaults = MappingProxyType({"quick": False})

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return no hidden layers: a study makes its models by itself."""
        return ()

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return the methods, and whether a smaller size of them is measured."""
        if not table.has("method"):
            raise table.error("method is missing; expected method = [...], with methods of the study.")
        return [
            ("method", table.take("method", axis(text, "names of methods"), ())),
            ("quick", table.take("quick", axis(truth, "true and false"), (False,))),
        ]

    def cost(self, config: Config) -> float:
        """Return a rough estimate of the seconds that a run takes on one core."""
        return _QUICK_COST_S if config.get("quick") else _COST_S

    def text(self, config: Config) -> str:
        """Return the method."""
        return f"{config.get('method', '')}{' quick' if config.get('quick') else ''}"

    def measure(self, measuring: Measuring) -> None:
        """Have the study measure the method, and record what it returns."""
        config = measuring.config
        found = measuring.study.run(config["method"], config["seed"], bool(config.get("quick")))
        measuring.recorder.add_measured(found)

    def small(self, config: Config) -> Sequence[dict[str, Any]]:
        """Return small networks of splines, and a search without time where a study searches for formulas."""
        rules: dict[str, Any] = {"steps": 1, "restarts": 1, "seed": 0}
        kan = {"family": "kan", "width": [2, 2, 1], "grids": [3, 20], "k": 3, **rules}
        networks = [kan | {"opt": "LM"}, kan | {"opt": "LBFGS"}]
        search = {"family": "formula", "seconds": 0.0, "restarts": 1, "seed": 0}
        searches = str(config.get("task", "")).partition("/")[2] in SEARCHES
        return [*networks, search] if searches else networks
