"""The command that continues a sweep, from its stored command and another directory."""

from __future__ import annotations

import shlex
from pathlib import Path


def command_for(command: str, out: str | Path, *, whole: bool = False) -> str:
    """Return a command with another --out; with `whole` it is that of the sweep a shard is part of.

    Examples
    --------
    >>> command_for("kan-sweep run x.toml --shard 1/3 --out a", "b", whole=True)
    'kan-sweep run x.toml --out b'
    >>> command_for("kan-sweep run special", "b")
    'kan-sweep run special --out b'
    """
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        return ""
    kept: list[str] = []
    dropped = ("--out", "--shard") if whole else ("--out",)
    following = iter(words)
    for word in following:
        if word in dropped:
            next(following, None)
        elif not word.startswith(tuple(f"{name}=" for name in dropped)):
            kept.append(word)
    return shlex.join([*kept, "--out", str(out)])
