"""Search directions of limited-memory BFGS.

Iterates x_i with gradients g_i leave pairs s_i = x_{i+1} - x_i and y_i = g_{i+1} - g_i. The last m of them,
oldest first, make an inverse Hessian of H = gamma I, gamma = s.y / y.y of the newest pair, by

    H <- (I - rho s y^T) H (I - rho y s^T) + rho s s^T,    rho = 1 / s.y,

and -H g comes out of two loops over the pairs, 4 m p multiplications for p parameters, without any matrix.

Source: J. Nocedal and S. J. Wright, Numerical Optimization, 2nd ed. (2006), (7.19), (7.20), Algorithm 7.4.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry, jit

EPSILON = np.finfo(np.float64).eps


@entry
def next_direction(S, Y, scalars, gradient, step, count):
    """Update the pairs by the last step and replace the last direction by the next one, -H g.

    S and Y (m + 1, p) hold pair i in row i % m, and in row m the last direction and the gradient it started
    from: `step` times the one is the new s, `gradient` less the other the new y. The pair is left out unless
    s.y > eps |s| |y|, and so it is for step 0, with which a search begins. `count` is the number of pairs so
    far; 0 forgets all. scalars (3, m): rho and gamma of each pair, and scratch. Returns the slope -g.H g and
    the new count.
    """
    m, p = scalars.shape[1], gradient.shape[0]
    count = learn(S, Y, scalars, gradient, step, count)
    for j in range(p):
        S[m, j] = -gradient[j]
        Y[m, j] = gradient[j]
    oldest = max(count - m, 0)
    for i in range(count - 1, oldest - 1, -1):
        row = i % m
        scalars[2, row] = scalars[0, row] * dot(S, row, S, m)
        add(-scalars[2, row], Y, row, S, m)
    if count > 0:
        gamma = scalars[1, (count - 1) % m]
        for j in range(p):
            S[m, j] *= gamma
    for i in range(oldest, count):
        row = i % m
        add(scalars[2, row] - scalars[0, row] * dot(Y, row, S, m), S, row, S, m)
    return dot(S, m, Y, m), count


@entry
def slope_along(S, gradient):
    """Slope along the last direction."""
    total = 0.0
    for j in range(gradient.shape[0]):
        total += S[S.shape[0] - 1, j] * gradient[j]
    return total


@jit
def learn(S, Y, scalars, gradient, step, count):
    """Replace the oldest pair by the new one if that has positive curvature; return the new count."""
    m, p = scalars.shape[1], gradient.shape[0]
    row = count % m
    ss, sy, yy = 0.0, 0.0, 0.0
    for j in range(p):
        s, y = step * S[m, j], gradient[j] - Y[m, j]
        ss += s * s
        sy += s * y
        yy += y * y
    if not sy > EPSILON * np.sqrt(ss) * np.sqrt(yy):  # written so that NaN is left out, too
        return count
    for j in range(p):
        S[row, j] = step * S[m, j]
        Y[row, j] = gradient[j] - Y[m, j]
    scalars[0, row] = 1.0 / sy
    scalars[1, row] = sy / yy
    return count + 1


@jit
def dot(left, i, right, h):
    """left[i] . right[h]."""
    total = 0.0
    for j in range(left.shape[1]):
        total += left[i, j] * right[h, j]
    return total


@jit
def add(factor, source, i, target, h):
    """target[h] += factor * source[i]."""
    for j in range(source.shape[1]):
        target[h, j] += factor * source[i, j]
