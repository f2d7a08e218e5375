"""Canonical texts: put together from their parts, they are those of the whole."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps._collection import paused_collection
from sweeps.records import canonical_json, member_json, object_json, read_json, text_id

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=6)


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_an_object_is_put_together_from_its_members(config: dict[str, Any]) -> None:
    text = object_json(member_json(name, value) for name, value in config.items())
    assert text == canonical_json(config)
    assert text == json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@given(st.lists(VALUES, max_size=5))
def test_texts_are_read_together(values: list[Any]) -> None:
    assert read_json(map(canonical_json, values)) == values


def test_an_id_is_the_beginning_of_the_sha_256() -> None:
    assert text_id("abc") == "ba7816bf8f01cfea"


def test_the_search_for_garbage_goes_on_after_a_pause_and_after_an_error() -> None:
    assert gc.isenabled()
    with paused_collection(), paused_collection():
        assert not gc.isenabled()
    with pytest.raises(ZeroDivisionError), paused_collection():
        raise ZeroDivisionError
    assert gc.isenabled()
    gc.disable()
    try:
        with paused_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
