"""SiLU, tanh and their derivatives, for the residual functions of edges and the nodes of an MLP."""

from __future__ import annotations

from kan_np.kernels._jit import entry, jit, jit_exact
from kan_np.kernels.exponential import OCTET, silu_octet, tanh_octet

SILU, TANH = 0, 1


@jit_exact
def silu(x, at, n, value, slope, to):
    """SiLU and its derivative of n numbers from the flat index `at` on, up to the next full octet."""
    for s in range(0, n, OCTET):
        silu_octet(x, at + s, value, slope, to + s)


@jit_exact
def tanh(x, at, n, value, slope, to):
    """As `silu` for tanh."""
    for s in range(0, n, OCTET):
        tanh_octet(x, at + s, value, slope, to + s)


@jit
def apply(kind, z, n, slope):
    """The activation of the first n numbers of z, a multiple of OCTET, in place."""
    if kind == TANH:
        tanh(z, 0, n, z, slope, 0)
    else:
        silu(z, 0, n, z, slope, 0)


@entry
def activate(kind, z, slope, tail, tail_slope):
    """Replace the numbers of z (n_nodes, n) by their activations, and those of `slope` by the derivatives.

    What does not fill an octet goes through `tail` and `tail_slope`, both (1, OCTET), by the same arithmetic.
    """
    n = z.shape[1]
    whole = z.size // OCTET * OCTET
    apply(kind, z, whole, slope)
    for s in range(z.size - whole):
        tail[0, s] = z[(whole + s) // n, (whole + s) % n]
    apply(kind, tail, OCTET, tail_slope)
    for s in range(z.size - whole):
        z[(whole + s) // n, (whole + s) % n] = tail[0, s]
        slope[(whole + s) // n, (whole + s) % n] = tail_slope[0, s]


@entry
def pull_back(weights, delta, slope, out):
    """out[i, s] = weights[i, 0] delta[0, s] slope[i, s]: from one node above to the nodes below it."""
    for i in range(out.shape[0]):
        for s in range(out.shape[1]):
            out[i, s] = weights[i, 0] * delta[0, s] * slope[i, s]
