"""Tests of symbols begin with the built-in library."""

from symbol_library import _built_in_library  # noqa: F401  a fixture of every test here
