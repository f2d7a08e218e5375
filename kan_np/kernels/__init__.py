"""Numba kernels: they read arrays and write into arrays that they are given; no objects, checks or I/O."""
