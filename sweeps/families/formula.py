"""Searches for formulas with `kan_np.discover` as a family of a sweep."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sweeps.checks import TomlTable, axis, real, whole
from sweeps.families.family import Axis, Config, Family, HiddenWidths, Training
from sweeps.training.time_limit import RunTimeout

#: How long a formula is looked for, in seconds of processor time, and from how many starts of each shape.
SECONDS, RESTARTS = 60.0, 6
MAX_SECONDS = 86400.0
#: Part of the time limit that a search may use; what it has begun takes the rest.
_SEARCH_SHARE = 0.75


class FormulaFamily(Family):
    """A search for formulas; a run is one search, and every formula that it found is a stage."""

    label = one_model = "formula"
    colour = "#009E73"
    has_hidden = False
    searches_formulas = True
    can_classify = False

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return no hidden layers: a search finds its shapes by itself."""
        return ()

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return how long, and from how many starts, is searched."""
        seconds = axis(real(0.0, MAX_SECONDS), f"numbers from 0 to {MAX_SECONDS:g}")
        return [
            ("seconds", table.take("seconds", seconds, (SECONDS,))),
            ("restarts", table.take("restarts", axis(whole(1), "integers >= 1"), (RESTARTS,))),
        ]

    def cost(self, config: Config) -> float:
        """Return the time that a search may take."""
        return float(config["seconds"])

    def n_models(self, n_stages: int) -> int:
        """Return 1 for a search that found anything: its formulas are one model."""
        return min(n_stages, 1)

    def text(self, config: Config) -> str:
        """Return how long is searched."""
        return f"{self.name} within {config['seconds']:g} s"

    def train(self, training: Training) -> None:
        """Look for formulas; a time limit shortens the search, which then keeps what it has found."""
        import kan_np

        config, dataset, limit = training.config, training.dataset, training.limit
        seconds, start = config["seconds"], time.perf_counter()
        if limit.seconds is not None:
            seconds = min(seconds, _SEARCH_SHARE * limit.seconds)
        found = kan_np.discover(
            dataset,
            # Columns of tables become symbols; a suite says what its variables are called.
            var=None if "table" in dataset else dataset.get("feature_names"),
            seconds=seconds,
            restarts=config["restarts"],
            seed=training.seed,
        )
        assert isinstance(found, kan_np.Discovery)  # noqa: S101  of one label column
        training.recorder.add_formulas(found, dataset, time.perf_counter() - start)
        if not found.best.exact and seconds < config["seconds"] and found.cpu_s > seconds:
            raise RunTimeout(f"the search was cut short by the limit of {limit.seconds:g} s")

    def small(self, config: Config) -> Sequence[dict[str, Any]]:
        """Return a search without time, which compiles what every search needs."""
        return [{"family": self.name, "seconds": 0.0, "restarts": 1, "seed": 0}]
