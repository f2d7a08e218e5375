"""Fifteen special functions, after the table of special functions in arXiv:2404.19756.

The paper gives no ranges; these avoid poles and regions of very large values. The suggested widths are the
paper's smallest ones, for kv its best one. The spherical harmonics are named by order and degree (sph12 has m
= 1, n = 2), with theta the polar and phi the azimuthal angle. `paper_kan_rmse` is the best result of the
paper.
"""

from __future__ import annotations

import numpy as np
import scipy

from kan_np.data.suites import Suite, SuiteFunction, entry


def _legendre(m: int, shape: tuple[int, ...], paper: tuple[float, float]) -> SuiteFunction:
    """Associated Legendre function of order m and real degree v, with the Condon-Shortley phase."""
    box = {"v": (0.0, 4.0), "x": (-0.9, 0.9)}
    return entry(f"lpmv{m}", f"P_v^{m}(x)", box, shape, lambda v, x: scipy.special.lpmv(m, v, x), paper=paper)


def _harmonic(m: int, n: int, shape: tuple[int, ...], paper: tuple[float, float]) -> SuiteFunction:
    """Real part of the spherical harmonic of order m and degree n."""
    return entry(
        f"sph{m}{n}",
        f"Re Y_{n}^{m}(theta, phi)",
        {"theta": (0.0, np.pi), "phi": (0.0, 2 * np.pi)},
        shape,
        lambda theta, phi: scipy.special.sph_harm_y(n, m, theta, phi).real,
        paper=paper,
    )


SUITE = Suite(
    "special",
    "Fifteen special functions of mathematical physics, after arXiv:2404.19756",
    (
        entry(
            "ellipj",
            "sn(u | m)",
            {"u": (0.0, 4.0), "m": (0.0, 1.0)},
            (2, 2, 1),
            lambda u, m: scipy.special.ellipj(u, m)[0],
            paper=(0.000133, 0.000648),
        ),
        entry(
            "ellipkinc",
            "F(phi | m)",
            {"phi": (0.0, np.pi / 2), "m": (0.0, 0.95)},
            (2, 2, 1, 1),
            lambda phi, m: scipy.special.ellipkinc(phi, m),
            paper=(0.000124, 0.000552),
        ),
        entry(
            "ellipeinc",
            "E(phi | m)",
            {"phi": (0.0, np.pi / 2), "m": (0.0, 1.0)},
            (2, 2, 1, 1),
            lambda phi, m: scipy.special.ellipeinc(phi, m),
            paper=(8.26e-05, 0.000304),
        ),
        entry(
            "jv",
            "J_v(z)",
            {"v": (0.0, 3.0), "z": (0.1, 10.0)},
            (2, 2, 1),
            lambda v, z: scipy.special.jv(v, z),
            paper=(0.00164, 0.00552),
        ),
        entry(
            "yv",
            "Y_v(z)",
            {"v": (0.0, 3.0), "z": (1.0, 10.0)},
            (2, 3, 1),
            lambda v, z: scipy.special.yv(v, z),
            paper=(1.49e-05, 0.000345),
        ),
        entry(
            "kv",
            "K_v(z)",
            {"v": (0.0, 3.0), "z": (0.5, 5.0)},
            (2, 2, 1),
            lambda v, z: scipy.special.kv(v, z),
            paper=(2.52e-05, 0.000167),
        ),
        entry(
            "iv",
            "I_v(z)",
            {"v": (0.0, 3.0), "z": (0.1, 5.0)},
            (2, 4, 3, 2, 1, 1),
            lambda v, z: scipy.special.iv(v, z),
            paper=(0.00928, 0.0107),
        ),
        _legendre(0, (2, 2, 1), (5.25e-05, 0.0174)),
        _legendre(1, (2, 4, 1), (0.00069, 0.0015)),
        _legendre(2, (2, 2, 1), (0.000226, 0.000943)),
        _harmonic(0, 1, (2, 1, 1), (2.21e-07, 1.25e-06)),
        _harmonic(1, 1, (2, 2, 1), (0.000122, 0.00067)),
        _harmonic(0, 2, (2, 1, 1), (1.95e-07, 2.85e-06)),
        _harmonic(1, 2, (2, 2, 1), (1.5e-05, 0.00184)),
        _harmonic(2, 2, (2, 2, 1), (9.45e-05, 0.000621)),
    ),
)
