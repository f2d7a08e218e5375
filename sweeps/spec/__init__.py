"""Specifications of sweeps: read from a TOML file, a suite or a table, and expanded into runs."""
