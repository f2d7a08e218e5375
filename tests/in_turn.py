"""Many small cases in one test: what pytest does around a test takes longer than some of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def in_turn(name: str, values: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize` with one name, but one test goes through all values.

    A failure says at which value it was. Fixtures that belong to a test are the same for all values.
    """
    cases = list(values)
    if not cases:
        raise ValueError(f"no values of {name}; expected some")

    def wrap(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def each(**given: Any) -> None:
            for value in cases:
                try:
                    function(**given, **{name: value})
                except BaseException as error:
                    error.add_note(f"with {name} = {value!r}")
                    raise

        signature = inspect.signature(function)
        rest = [own for own in signature.parameters.values() if own.name != name]
        if len(rest) == len(signature.parameters):
            raise TypeError(f"{function.__name__} has no argument {name!r}")
        each.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
        return each

    return wrap
