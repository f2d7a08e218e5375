"""Derivatives of networks by inputs and by one parameter, edge by edge from the formulas: a slow twin.

A parameter is one more variable: derivatives by it follow from the same chain and product rules, to which an
edge with this parameter adds its own d phi^(m) / d theta.
"""

from __future__ import annotations

import numpy as np

from kan_np.edges.composition import DERIVATIVES
from kan_np.edges.pointwise import Pointwise
from kan_np.jets.multi_index import DerivativeSet
from kan_np.network.layer import layers_of
from kan_np.network.layered import values_by_layer


def with_parameter(derivatives, n_in):
    """These derivatives, and each of them by the parameter, which is the variable n_in."""
    return DerivativeSet.containing([(*index, n_in) for index in derivatives.indices])


def plain_jets(network, derivatives, x, parameter=None):
    """Derivatives of the outputs by index: each (n_out, n).

    With `parameter`, a number of a value of the network, `derivatives` may go by the variable n_in, too.
    """
    n_in = x.shape[1]
    nodes = [{(): x[:, i], (i,): np.ones(len(x))} for i in range(n_in)]
    places = values_by_layer(network.structure)
    for layer, own in zip(layers_of(network.structure, network.values), places, strict=True):
        found = np.flatnonzero(own == parameter) if parameter is not None else []
        nodes = layer_jets(layer, derivatives, nodes, (n_in,), int(found[0]) if len(found) else -1)
    zero = np.zeros(len(x))
    return {index: np.stack([u.get(index, zero) for u in nodes]) for index in derivatives.indices}


def layer_jets(layer, derivatives, nodes, variable, parameter):
    """Jets of the nodes above; `parameter` is the place of the one among the values of the layer, or -1."""
    n = len(nodes[0][()])
    sums = [{} for _ in range(layer.n_subnodes)]
    at = 0
    for i, j, n_params, curve, slopes in edges_of(layer):
        r = parameter - at if at <= parameter < at + n_params else None
        at += n_params
        x = nodes[i][()]
        for index in derivatives.indices:
            value = chained(derivatives, index, nodes[i], lambda m, curve=curve, x=x: curve(m, x))
            if r is not None and variable[0] in index:
                rest = tuple(v for v in index if v != variable[0])
                value = value + chained(
                    derivatives, rest, nodes[i], lambda m, slopes=slopes, x=x, r=r: slopes(m, x)[r]
                )
            sums[j][index] = sums[j].get(index, 0.0) + value
    affine = layer.affine or layer.unit_affine
    constants = [
        [{(): np.full(n, value)} for value in part] for part in (affine[0], affine[1], affine[2], affine[3])
    ]
    flat = [constant for part in constants for constant in part]
    if layer.affine is not None and parameter >= at:
        flat[parameter - at][variable] = np.ones(n)
    scale, bias, node_scale, node_bias = constants
    scaled = [plus(product(derivatives, s, z), b) for s, z, b in zip(scale, sums, bias, strict=True)]
    above = []
    for node, first in enumerate(np.cumsum([0, *layer.arity[:-1]])):
        total = scaled[first]
        for other in scaled[first + 1 : first + layer.arity[node]]:
            total = product(derivatives, total, other)
        above.append(plus(product(derivatives, node_scale[node], total), node_bias[node]))
    return above


def chained(derivatives, index, u, curve):
    """The chain rule for one derivative."""
    if not index:
        return curve(0)
    total = np.zeros_like(u[()])
    for term in derivatives.chain[derivatives.number[index]]:
        blocks = [u.get(derivatives.indices[block]) for block in term.blocks]
        if all(block is not None for block in blocks):
            total = total + term.count * curve(term.m) * np.prod(blocks, axis=0)
    return total


def product(derivatives, f, g):
    out = {}
    for c, terms in enumerate(derivatives.product):
        for a, b, count in terms:
            left, right = f.get(derivatives.indices[a]), g.get(derivatives.indices[b])
            if left is not None and right is not None:
                index = derivatives.indices[c]
                out[index] = out.get(index, 0.0) + count * left * right
    return out


def plus(f, g):
    return {index: f.get(index, 0.0) + g.get(index, 0.0) for index in {**f, **g}}


def edges_of(layer):
    """Source, subnode, number of parameters, phi^(m)(x) and d phi^(m) / d theta of every edge, in order."""
    for (_, i, j), theta in zip(layer.topology.edges, layer.spline_params, strict=True):
        psi = spline_functions(layer, i)
        yield i, j, theta.size, lambda m, x, psi=psi, theta=theta: theta @ psi(m, x), psi
    for own in layer.bases:
        for (_, i, j), theta in zip(own.topology.edges, own.coef, strict=True):
            basis = own.basis.part([i])
            if isinstance(basis, Pointwise):
                yield (
                    *(i, j, theta.size),
                    lambda m, x, basis=basis, theta=theta: basis.phi(theta[None], x[None], m)[0],
                    lambda m, x, basis=basis, theta=theta: basis.by_params(theta[None], x[None], m)[0],
                )
            else:
                yield (
                    *(i, j, theta.size),
                    lambda m, x, basis=basis, theta=theta: theta @ basis.values(x[None], m)[0],
                    lambda m, x, basis=basis: basis.values(x[None], m)[0],
                )
    for (i, j), edge in layer.symbols.items():
        a, b, c, d = edge.constants

        def f(m, x, edge=edge, a=a, b=b):
            return edge.symbol.guarded(a * x + b, m)[m]

        def curve(m, x, f=f, a=a, c=c, d=d):
            return c * a**m * f(m, x) + (d if m == 0 else 0.0)

        def slopes(m, x, f=f, a=a, c=c):
            by_b = c * a**m * f(m + 1, x)
            by_a = by_b * x + (m * c * a ** (m - 1) * f(m, x) if m else 0.0)
            return [by_a, by_b, a**m * f(m, x), np.full_like(x, float(m == 0))]

        yield i, j, 4, curve, slopes


def spline_functions(layer, i):
    """psi_r^(m) of node i: the base function, if there is one, and all B-splines."""

    def psi(m, x):
        splines = layer.table.part(slice(i, i + 1)).design_matrices(x[None], m)[0].T
        base = [DERIVATIVES[layer.base_fun](x, m)[m]] if layer.has_base else []
        return np.vstack([*base, splines])

    return psi
