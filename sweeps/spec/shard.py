"""Shards: parts of a sweep that different machines compute, and which run belongs to which.

Where there is no scheduler to hand out runs, n machines each carry out one of n shards into a store of its
own, and `sweeps.storage.merge` joins the stores. A run's shard follows from its configuration and n alone:
nobody has to be asked, a repeated shard does the same runs, and a specification that grows moves no run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.errors import UserError
from sweeps.records import group_id

_SHARD = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class Shard:
    """The shard `number` of `count`, the first is 1.

    Examples
    --------
    >>> str(Shard(3, 8))
    '3/8'
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @property
    def folder(self) -> str:
        """The name of a directory for it."""
        return f"shard-{self.number}-of-{self.count}"

    def has(self, config: Mapping[str, Any]) -> bool:
        """Say whether a run belongs to this shard.

        Runs that differ in their seed only take equally long, so the seeds of one model go to one shard after
        the other; which one is first is as good as random.
        """
        return (int(group_id(config)[:8], 16) + int(config["seed"])) % self.count == self.number - 1


def parse_shard(text: str) -> Shard:
    """Return the shard that a text such as "3/8" stands for.

    Raises
    ------
    UserError
        If it is none.

    Examples
    --------
    >>> parse_shard("3/8")
    Shard(number=3, count=8)
    """
    found = _SHARD.fullmatch(text.strip())
    shard = Shard(int(found[1]), int(found[2])) if found else Shard(0, 0)
    if not 1 <= shard.number <= shard.count:
        raise UserError(
            f"--shard is {text!r}; expected i/n with i from 1 to n, as 3/8 for the third of eight."
        )
    return shard


def shard_of(meta: Mapping[str, Any]) -> Shard | None:
    """Return the shard that a store holds, None for a whole sweep; `meta` is `Store.meta`.

    Raises
    ------
    UserError
        If the store is called a shard and has the plan of something else.

    Examples
    --------
    >>> shard_of({"title": "t", "shard": "3/8", "plan_of": "0123456789abcdef 3/8"})
    Shard(number=3, count=8)
    """
    # An earlier version set the plan first: a store whose first start was killed says it there alone.
    named, planned = meta["shard"], meta["plan_of"].partition(" ")[2]
    if named and meta["plan_of"] and named != planned:
        raise UserError(
            f"the store of {meta['title']!r} is called shard {named} and has the plan of "
            f"{f'shard {planned}' if planned else 'a whole sweep'}, so that nobody can tell which of them it "
            "holds. Compute it again in a new --out."
        )
    text = named or planned
    return parse_shard(text) if text else None
