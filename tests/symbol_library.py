"""Every test of symbols starts from the built-in library and leaves no other behind."""

from __future__ import annotations

import pytest

from kan_np.functions import library


@pytest.fixture(autouse=True)
def _built_in_library(monkeypatch):
    monkeypatch.setattr(library, "_library", None)
