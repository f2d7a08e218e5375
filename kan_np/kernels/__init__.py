"""Numba kernels: arrays in, preallocated arrays out; no objects, no validation, no I/O."""
