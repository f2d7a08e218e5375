"""Reports and comparisons of sweeps: HTML pages, tables and figures."""
