"""Whether labels are a smooth function of one quantity, without knowing which: neighbours along it compared.

With the samples in the order of u, z_k is compared with the line through its neighbours,

    r_k = z_k - (1 - t_k) z_(k-1) - t_k z_(k+1),    t_k = (u_k - u_(k-1)) / (u_(k+1) - u_(k-1)).

If z = g(u) for a smooth g, r is as small as the square of the distance, and else of the size of z. So any
number of quantities u and of factors F, z = y / F, can be compared by sorting; g may oscillate.

Source: differences of neighbours as in the Gamma test (Stefansson, Koncar and Jones, Neural Computing and
Applications 5 (1997), 131-133), in one variable.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray


def roughness_along(u: FloatArray, z: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """Root mean square of what neighbours along u leave of each column of z, in parts of its deviation.

    Parameters
    ----------
    u : ndarray of shape (n,)
    z : ndarray of shape (n, m)
    weight : ndarray of shape (n, m), optional
        Factors of the residuals and of the deviation.

    Returns
    -------
    ndarray of shape (m,)
        About sqrt(3/2) for columns that u says nothing about, once they are weighted by sqrt(2/3): about 1.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(1, 2, (400, 2))
    >>> z = np.column_stack([np.sin(9 * x[:, 0] * x[:, 1]), x[:, 0]])
    >>> found = roughness_along(x[:, 0] * x[:, 1], z)
    >>> bool(found[0] < 0.02), bool(found[1] > 0.5)
    (True, True)
    """
    order = np.argsort(u, kind="stable")
    u, z = u[order], z[order]
    apart = u[2:] - u[:-2]
    with np.errstate(all="ignore"):
        t = np.where(apart > 0, (u[1:-1] - u[:-2]) / np.where(apart > 0, apart, 1.0), 0.5)[:, None]
        rest = z[1:-1] - (1 - t) * z[:-2] - t * z[2:]
        rest = rest / np.sqrt(1.0 + np.square(1 - t) + np.square(t))
        if weight is None:
            deviation = z.std(axis=0)
        else:
            weight = weight[order]
            rest = rest * weight[1:-1]
            square = np.square(weight)
            middle = (square * z).sum(axis=0) / square.sum(axis=0)
            deviation = np.sqrt(np.mean(square * np.square(z - middle), axis=0))
        found = np.sqrt(np.mean(np.square(rest), axis=0)) / deviation
    return np.asarray(np.where(np.isfinite(found), found, np.inf))
