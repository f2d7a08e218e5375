"""Families of edge functions: B-splines, Chebyshev polynomials, piecewise linear and named functions."""
