"""From a TOML file, a suite or a table to the runs of a sweep."""
