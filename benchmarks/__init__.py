"""Benchmarks of accuracy and speed; with --check a script exits with 1 if it misses one of its bars."""
