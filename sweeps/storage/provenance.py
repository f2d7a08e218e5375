"""The provenance of the numbers in a report: machines, versions, specification."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def machine_view(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return all that is known of a machine, as names and texts."""
    return [(str(key), plain(value)) for key, value in environment.items()]


def machine_line(environment: Mapping[str, Any]) -> str:
    """Return the machine and the versions that matter most, on one line.

    Examples
    --------
    >>> machine_line({"cpu": "Example CPU", "cores": 2, "python": "3.11.7", "versions": {"numpy": "2.4.6"}})
    'Example CPU, 2 cores; Python 3.11.7, numpy 2.4.6'
    """
    cores = environment.get("cores")
    machine = [environment.get("cpu"), f"{cores} core{'' if cores == 1 else 's'}" if cores else None]
    versions = environment.get("versions")
    software = [f"Python {environment['python']}"] if environment.get("python") else []
    if isinstance(versions, Mapping):
        ours_first = sorted(versions, key=lambda name: (name != "kan_np", name))
        software += [f"{name} {versions[name]}" for name in ours_first]
    parts = (", ".join(str(text) for text in texts if text) for texts in (machine, software))
    return "; ".join(part for part in parts if part)


def spec_view(spec: Mapping[str, Any]) -> list[str]:
    """Return a specification as lines: what is learned, each kind of model, then everything else.

    Examples
    --------
    >>> spec_view({"suite": "special", "models": [{"family": "kan", "hidden": [[5]]}], "seeds": [0]})
    ['suite: special; seeds: 0', 'KAN: hidden [5]']
    """
    general = []
    for key, value in spec.items():
        if key in ("models", "title", "name"):
            continue
        # Where a table lies on somebody's disk is nobody else's business.
        general.append(f"{key}: {Path(value).name if key in ('csv', 'test') else plain(value)}")
    lines = ["; ".join(general)] if general else []
    for model in spec.get("models") or ():
        axes = (f"{key} {plain(value)}" for key, value in model.items() if key != "family")
        lines.append(f"{str(model.get('family', 'model')).upper()}: {'; '.join(axes)}")
    return lines


def plain(value: Any) -> str:
    """Return nested values as text without quotes; inner lists in brackets."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(f"[{plain(v)}]" if isinstance(v, (list, tuple)) else plain(v) for v in value)
    return str(value)
