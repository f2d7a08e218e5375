"""One run and its configuration, whose hash is the id of the run.

The same configuration is the same run in every sweep, on every machine and in every order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.families import family_of
from sweeps.records import canonical_json, text_id

#: The meaning of a configuration. In format 1 extrapolation was "linear" by default, "LBFGS" the only
#: optimizer, and an MLP had no restarts; its runs are read but never repeated.
CONFIG_FORMAT = 2


@dataclass(frozen=True, slots=True)
class RunConfig:
    """One run: train one chain of models on one task with one seed."""

    run_id: str
    task: str
    family: str
    config: Mapping[str, Any]


def run_id(config: Mapping[str, Any]) -> str:
    """Return the id of a run: the first 16 hexadecimal digits of the SHA-256 of its canonical JSON.

    Examples
    --------
    >>> run_id({"b": 1, "a": 2}) == run_id({"a": 2, "b": 1})
    True
    """
    return text_id(canonical_json(dict(config)))


def option(config: Mapping[str, Any], name: str) -> Any:
    """Return an option of a stored configuration, spelt out in it or not; None if it was not given.

    Examples
    --------
    >>> option({"format": 2, "family": "kan"}, "extrapolation")
    'smooth'
    """
    return spelt_out(config).get(name)


def spelt_out(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a stored configuration with the options that it leaves to their defaults."""
    return family_of(str(config.get("family"))).spelt_out(config)
