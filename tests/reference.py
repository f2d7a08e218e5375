"""Slow, obviously right twins of the kernels, written from the formulas and nothing else.

They take complex numbers: f'(x) = Im f(x + i h) / h without cancellation (the complex step of Squire and
Trapp 1998), so gradients can be checked to rounding. Where a formula has a kink or an interval, the real
part decides.
"""

from __future__ import annotations

import math

import numpy as np


def continued_knots(knots, k):
    """The grid with k equal steps of (b - a) / G more on each side."""
    step = (knots[-1] - knots[0]) / (len(knots) - 1)
    q = np.arange(1, k + 1)
    return np.concatenate([knots[0] - step * q[::-1], knots, knots[-1] + step * q])


def cox_de_boor(x, t, k, interval):
    """All B-splines of order k on t at x, with `interval` saying which interval's polynomials to take."""
    n = len(t) - 1
    B = [np.where(interval == i, 1.0, 0.0) + 0.0 * x for i in range(n)]
    for d in range(1, k + 1):
        B = [
            (x - t[i]) / (t[i + d] - t[i]) * B[i] + (t[i + d + 1] - x) / (t[i + d + 1] - t[i + 1]) * B[i + 1]
            for i in range(n - d)
        ]
    return np.stack(B, axis=-1)


def slope_of_basis(x, t, k, interval):
    """dB_{i,k}/dx = k B_{i,k-1} / (t_{i+k} - t_i) - k B_{i+1,k-1} / (t_{i+k+1} - t_{i+1})."""
    if k == 0:
        return np.zeros((*np.shape(x), len(t) - 1))
    lower = cox_de_boor(x, t, k - 1, interval)
    i = np.arange(len(t) - 1 - k)
    return k * lower[..., i] / (t[i + k] - t[i]) - k * lower[..., i + 1] / (t[i + k + 1] - t[i + 1])


def basis(x, knots, k, extrapolation, reach=None):
    """Values of the G + k B-splines at x (n,), by the definition of each extrapolation: (n, G + k).

    `reach`: how far "smooth" carries the end polynomials on at each end, else as far as the end intervals,
    at least 3 % of the grid.
    """
    x = np.asarray(x)
    t = continued_knots(np.asarray(knots, float), k)
    a, b = knots[0], knots[-1]
    low, high = (t[0], t[-1]) if extrapolation == "zero" else (a, b)
    position = np.clip(x.real, low, high)
    last = len(t) - 2 if extrapolation == "zero" else len(t) - 2 - k
    interval = np.minimum(np.searchsorted(t, position, side="right") - 1, last)
    inside = (x.real >= low) & (x.real <= high)
    if extrapolation in ("smooth", "error"):  # the end polynomials as far as they reach, then a line
        least = 0.03 * (b - a)
        left, right = (max(knots[1] - a, least), max(b - knots[-2], least)) if reach is None else reach
        low, high = a - left, b + right
        inside = (x.real >= low) & (x.real <= high)
        position = np.clip(x.real, low, high)
    if extrapolation in ("smooth", "linear", "error"):
        end = np.where(inside, x, position)
        line = (x - end)[:, None] * slope_of_basis(end, t, k, interval)
        return cox_de_boor(end, t, k, interval) + np.where(inside[:, None], 0.0, line)
    if extrapolation == "constant":
        return cox_de_boor(np.where(inside, x, position), t, k, interval)
    values = cox_de_boor(x, t, k, interval)
    if extrapolation == "zero":
        values = np.where(inside[:, None], values, 0.0)
    return values


def base_function(name, x):
    """b(x)."""
    return {"silu": lambda: x / (1.0 + np.exp(-x)), "identity": lambda: x, "zero": lambda: 0.0 * x}[name]()


def edges(x, layer, k, base_fun, extrapolation):
    """phi_ij(x_i) of one layer (knots, coef, scale_base): (n_samples, n_in, n_out)."""
    knots, coef, weight = layer
    n_in, n_out = coef.shape[:2]
    phi = np.zeros((x.shape[0], n_in, n_out), dtype=np.result_type(x, coef, weight))
    for i in range(n_in):
        B = basis(x[:, i], knots[i], k, extrapolation)
        for j in range(n_out):
            phi[:, i, j] = weight[i, j] * base_function(base_fun, x[:, i]) + B @ coef[i, j]
    return phi


def forward(x, layers, k, base_fun, extrapolation):
    """Values of every node layer and every edge layer."""
    nodes, phis = [np.asarray(x)], []
    for layer in layers:
        phis.append(edges(nodes[-1], layer, k, base_fun, extrapolation))
        nodes.append(phis[-1].sum(axis=1))
    return nodes, phis


def absolute(z):
    """|z| continued from the real axis."""
    return z * np.sign(z.real)


def spread(z):
    """Standard deviation over samples with n - 1, continued from the real axis; 0 for a constant."""
    n = z.shape[0]
    square = ((z - z.mean(axis=0)) ** 2).sum(axis=0) / max(n - 1, 1)
    return np.where(square == 0, 0.0, np.sqrt(np.where(square == 0, 1.0, square)))


def edge_scores(nodes, phis, metric):
    """pykan's scores of every layer from the values of nodes and edges; every node is a sum."""
    N, E = [spread(x) for x in nodes], [spread(phi) for phi in phis]
    if metric == "edge_forward_spline_u":
        return E
    if metric in ("edge_forward_spline_n", "edge_forward_sum"):
        return [e / (n + 0.1)[:, None] for e, n in zip(E, N[:-1], strict=True)]
    passed = [e / (n + 1e-4)[None, :] for e, n in zip(E, N[1:], strict=True)]
    A = [np.full(len(N[-1]), 1.0 / len(N[-1]))]
    B = []
    for step in passed[::-1]:
        B.insert(0, step * A[0][None, :])
        A.insert(0, B[0].sum(axis=1))
    if metric == "edge_backward":
        return B
    shares = []
    for layer in range(1, len(nodes)):  # every node by itself, down to the inputs
        down = np.diag(A[layer])
        for step in passed[layer - 1 :: -1]:
            down = step @ down
        shares.append(down)
    return shares


def penalty(nodes, phis, layers, weights, metric):
    """pykan's R; weights = (lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff)."""
    l1, entropy, coef_weight, diff_weight = weights
    total = 0.0
    for v in edge_scores(nodes, phis, metric):
        p = v / (v.sum(axis=0, keepdims=True) + 1.0)
        q = v / (v.sum(axis=1, keepdims=True) + 1.0)
        into = -np.mean(np.sum(p * np.log2(p + 1e-4), axis=0))
        out_of = -np.mean(np.sum(q * np.log2(q + 1e-4), axis=1))
        total += l1 * v.sum() + entropy * (into + out_of)
    for _, coef, _ in layers:
        n_out = coef.shape[1]
        total += coef_weight * absolute(coef).sum() / n_out
        total += diff_weight * absolute(np.diff(coef, axis=2)).sum() / n_out
    return total


def objective(x, y, layers, k, base_fun, extrapolation, lamb, weights, metric):
    """mean (f(x) - y)^2 + lamb R."""
    nodes, phis = forward(x, layers, k, base_fun, extrapolation)
    loss = np.mean((nodes[-1] - y) ** 2)
    if lamb:
        loss = loss + lamb * penalty(nodes, phis, layers, weights, metric)
    return loss


def unpack(theta, model):
    """Layers (knots, coef, scale_base) of a model for the flat vector theta, in the documented order."""
    P = model.grid + model.k + (model.base_fun != "zero")
    rows = theta.reshape(-1, P)
    layers, at = [], 0
    for n_in, n_out, knots in zip(model.width[:-1], model.width[1:], model.knots, strict=True):
        part = rows[at : at + n_in * n_out].reshape(n_in, n_out, P)
        at += n_in * n_out
        weight = part[..., 0] if model.base_fun != "zero" else np.zeros((n_in, n_out))
        layers.append((knots, part[..., P - model.grid - model.k :], weight))
    return layers


def roots(x, y, layers, k, base_fun, extrapolation, weight, smoothing):
    """Numbers whose squares sum to the weighted mean squared error + smoothing * roughness: a vector.

    First sqrt(v_s) (f_j(x_s) - y_sj) with v_s = weight_s / (n_out sum of weight), sample by sample, then
    sqrt(smoothing) (c_{m+1} - 2 c_m + c_{m-1}) of every edge.
    """
    nodes, _ = forward(x, layers, k, base_fun, extrapolation)
    v = weight / (y.shape[1] * weight.sum())
    parts = [(np.sqrt(v)[:, None] * (nodes[-1] - y)).ravel()]
    for _, coef, _ in layers:
        for m in range(1, coef.shape[2] - 1):
            bend = coef[:, :, m + 1] - 2.0 * coef[:, :, m] + coef[:, :, m - 1]
            parts.append(np.sqrt(smoothing) * bend.ravel())
    return np.concatenate(parts)


def mlp(x, layers, activation):
    """Outputs of an MLP given [(W, b), ...]."""
    act = {
        "tanh": np.tanh,
        "relu": lambda z: np.where(z.real > 0, z, 0.0),
        "silu": lambda z: z / (1.0 + np.exp(-z)),
    }[activation]
    h = np.asarray(x)
    for l, (weights, bias) in enumerate(layers):  # noqa: E741
        h = h @ weights + bias
        if l < len(layers) - 1:
            h = act(h)
    return h


def add_row(factor, source, at, target, to):
    """target[to + d] += factor * source[at + d], d = 0..3, by flat indices; returns the new target."""
    new = target.copy()
    for d in range(4):
        new.ravel()[to + d] += factor * source.ravel()[at + d]
    return new


def add_product(factor, start, table, at, target, to):
    """target[to + d] += sum_r factor[start + r] * table[at + 4 r + d]."""
    new = target.copy()
    for d in range(4):
        for r in range(4):
            new.ravel()[to + d] += factor.ravel()[start + r] * table.ravel()[at + 4 * r + d]
    return new


def powers(u):
    """Rows (u^3, u^2, u, 1)."""
    return np.stack([u**3, u**2, u, np.ones_like(u)], axis=1)


def param_grad_quad(factor, start, u, at, place, target, to, apart):
    """target[to + s apart + place[at + s] + d] += factor[start + s] * u[at + s]^(3 - d), s and d = 0..3."""
    new = target.copy()
    for s in range(4):
        for d in range(4):
            there = to + s * apart + place[at + s] + d
            new.ravel()[there] += factor.ravel()[start + s] * u[at + s] ** (3 - d)
    return new


def polynomial_values(table, first, place, u):
    """Cubics and their derivatives; coefficients of sample s are at first + place[s], highest power first."""
    c = np.stack([table.ravel()[first + p : first + p + 4] for p in place])
    return (c * powers(u)).sum(axis=1), 3 * c[:, 0] * u**2 + 2 * c[:, 1] * u + c[:, 2]


def complex_step(f, theta, h=1e-30):
    """Gradient of a real-analytic scalar f at theta."""
    grad = np.empty(theta.size)
    for i in range(theta.size):
        moved = theta.astype(complex)
        moved[i] += 1j * h
        grad[i] = np.imag(f(moved)) / h
    return grad


def complex_step_jacobian(f, theta, h=1e-30):
    """Derivatives d f_i / d theta_j of a real-analytic vector f at theta: (n, p)."""
    columns = []
    for i in range(theta.size):
        moved = theta.astype(complex)
        moved[i] += 1j * h
        columns.append(np.imag(f(moved)) / h)
    return np.stack(columns, axis=1)


def tile_values(theta, panel, edges):
    """Sum over rows r of theta[e, r] panel[r, s] for the edges e."""
    return np.stack([sum(theta[e, r] * panel[r] for r in range(len(panel))) for e in edges])


def tile_param_grad(delta, panels, targets):
    """Sum over panels and samples of delta[target, sample] panel[r, sample], a row a target."""
    samples = panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)
    return np.stack([[np.sum(delta[j] * row) for row in samples] for j in targets])


def tile_input_grad(theta, delta, panel, edges, targets):
    """Sum over edges e and rows r of delta[target, s] theta[e, r] panel[r, s]."""
    return sum(delta[j] * row for j, row in zip(targets, tile_values(theta, panel, edges), strict=True))


def weighted_rows(weight, at, apart, step, rows, size):
    """Sum over r of weight[at + t apart + r step] rows[r, s], a row a t < size; weights by flat index."""
    flat = weight.ravel()
    return np.stack(
        [sum(flat[at + t * apart + r * step] * row for r, row in enumerate(rows)) for t in range(size)]
    )


#: Symbols as functions of complex numbers.
SYMBOLS = {
    "sin": np.sin,
    "exp": np.exp,
    "tanh": np.tanh,
    "x^2": lambda u: u * u,
    "x^3": lambda u: u * u * u,
    "x": lambda u: u,
    "0": lambda u: 0.0 * u,
}

#: Which of a, b, c, d are trained.
FREE = {"sin": "abcd", "tanh": "abcd", "exp": "acd", "x^2": "bcd", "x^3": "bcd", "x": "cd", "0": "d"}


def unpack_mixed(theta, model):
    """What each layer of a model has for the flat vector theta, in the documented order.

    The parameters of all splines by (l, i, j), the free constants of all symbols, then, each by layer, scales
    and biases of subnodes, scales and biases of nodes. Locked edges take their numbers where the first of
    them comes.
    """
    theta = list(theta)
    shared, known = {place: group[0] for group in model.locks for place in group}, {}

    def take(place, n):
        first = shared.get(place, place)
        if first not in known:
            known[first] = [theta.pop(0) for _ in range(n)]
        return known[first]

    has_base = model.base_fun != "zero"
    masks = enumerate(model.edges)
    places = [(number, int(i), int(j)) for number, mask in masks for i, j in np.argwhere(mask)]
    n_row = has_base + model.grid + model.k
    splines = {place: take(place, n_row) for place in places if place not in model.symbols}
    symbols = {}
    for place in places:
        if place in model.symbols:
            edge = model.symbols[place]
            own = dict(zip("abcd", edge.constants, strict=True))
            own.update(zip(FREE[edge.name], take(place, len(FREE[edge.name])), strict=True))
            symbols[place] = (edge.name, *(own[name] for name in "abcd"))
    shapes = zip(model.width[1:], model.n_mult[1:], model.mult_arity[1:], strict=True)
    arities = [[1] * (n - m) + own for n, m, own in shapes]
    affine = [[] for _ in arities]
    if model.affine_trainable:
        for size in (sum, sum, len, len):
            for own, arity in zip(affine, arities, strict=True):
                own.append(np.array([theta.pop(0) for _ in range(size(arity))]))
    assert not theta

    def of(layer, found):
        return {place[1:]: own for place, own in found.items() if place[0] == layer}

    return [
        (knots, of(number, splines), of(number, symbols), arities[number], affine[number] or None)
        for number, knots in enumerate(model.knots)
    ]


def mixed_edges(x, layer, k, base_fun, extrapolation):
    """phi_ij(x_i) of one layer of `unpack_mixed`: (n_samples, n_in, n_subnodes)."""
    knots, splines, symbols, arity, _ = layer
    numbers = [value for own in splines.values() for value in own]
    numbers += [value for own in symbols.values() for value in own[1:]]
    phi = np.zeros((x.shape[0], x.shape[1], sum(arity)), dtype=np.result_type(x, *numbers))
    for (i, j), own in splines.items():
        B = basis(x[:, i], knots[i], k, extrapolation)
        phi[:, i, j] = B @ np.array(own[-B.shape[1] :])
        if base_fun != "zero":
            phi[:, i, j] += own[0] * base_function(base_fun, x[:, i])
    for (i, j), (name, a, b, c, d) in symbols.items():
        phi[:, i, j] = c * SYMBOLS[name](a * x[:, i] + b) + d
    return phi


def mixed_forward(x, layers, k, base_fun, extrapolation):
    """Values of the outputs of a network with symbols, products and affine values."""
    for layer in layers:
        z = mixed_edges(x, layer, k, base_fun, extrapolation).sum(axis=1)
        arity, affine = layer[3:]
        s, b, t, d = affine or (1.0, 0.0, 1.0, 0.0)
        z = s * z + b
        ends = np.cumsum([0, *arity])
        x = np.stack([z[:, p:q].prod(axis=1) for p, q in zip(ends[:-1], ends[1:], strict=True)], axis=1)
        x = t * x + d
    return x


def line_cost(f, weight, z):
    """1 - R^2 of the best c f + d for z of weighted mean 0 and variance 1, by least squares."""
    root = np.sqrt(weight)
    matrix = np.stack([f / max(np.abs(f).max(), 1e-300), np.ones_like(f)], 1) * root[:, None]
    solution = np.linalg.lstsq(matrix, z * root, rcond=1e-13)[0]
    return float(np.square(z * root - matrix @ solution).sum())


def line_derivatives(f, slope, t, weight, z, d_alpha, d_beta):
    """(normal matrix, gradient) of Kaufman's derivatives of the residuals z - c f - d."""
    centred = f - weight @ f
    unit = centred / np.sqrt(weight @ np.square(centred))
    c = weight @ (centred * z) / (weight @ np.square(centred))
    rest = z - (weight @ (unit * z)) * unit
    columns = [c * slope * (a * t + b) for a, b in zip(d_alpha, d_beta, strict=True)]
    columns = [column - weight @ column for column in columns]
    columns = [column - (weight @ (column * unit)) * unit for column in columns]
    normal = np.array([[weight @ (p * q) for p in columns] for q in columns])
    return normal, np.array([weight @ (p * rest) for p in columns])


def first_apart(order, points, distance, most):
    """The first rows of `order`, at most so many, that differ from all before by `distance` somewhere."""
    kept = []
    for i in order:
        if all((np.abs(points[i] - points[k]) > distance).any() for k in kept):
            kept.append(i)
    return kept[:most]


def edge_function(name, theta, x, low, high, size, setting=0.0):
    """phi(x) of an edge of a family of the library, by its formula for one number x."""
    if name == "piecewise_linear":
        knots = [low + (high - low) * r / size for r in range(size + 1)]
        r = min(max(sum(knot <= x for knot in knots) - 1, 0), size - 1)
        slope = (theta[r + 1] - theta[r]) / (knots[r + 1] - knots[r])
        return theta[r] + slope * (x - knots[r])
    if name == "chebyshev":
        z = math.tanh(x) if setting else 2 * (x - low) / (high - low) - 1
        inside = min(max(z, -1.0), 1.0)
        angle, total = math.acos(inside), 0.0
        for r, c in enumerate(theta):
            slope = r**2 * inside ** (r + 1) if abs(inside) == 1 else 0.0  # T_r' at the ends
            total += c * (math.cos(r * angle) + slope * (z - inside))
        return total
    if name == "gaussian":
        step = (high - low) / size
        centres = [low + step * r for r in range(size + 1)]
        bells = [math.exp(-(((x - g) / (setting * step)) ** 2)) for g in centres]
        return theta[0] + sum(c * bell for c, bell in zip(theta[1:], bells, strict=True))
    if name == "fourier":
        z = 2 * math.pi * (x - 0.5 * (low + high)) / (setting * (high - low))
        waves = [math.cos(k * z) for k in range(1, size + 1)] + [math.sin(k * z) for k in range(1, size + 1)]
        return theta[0] + sum(c * wave for c, wave in zip(theta[1:], waves, strict=True))
    if name == "linear":
        return theta[0] * x
    if name in ("wavelet", "sine"):
        first, second, third = (theta[k * size : (k + 1) * size] for k in range(3))
        total = theta[-1]
        for a, b, c in zip(first, second, third, strict=True):
            u = (x - b) / c
            hat = 2 / (math.sqrt(3) * math.pi**0.25) * (1 - u**2) * math.exp(-(u**2) / 2)
            total += a * (hat if name == "wavelet" else math.sin(b * x + c))
        return total
    if name == "rational":
        above = sum(p * x**j for j, p in enumerate(theta[: size + 1]))
        below = sum(q * x**j for j, q in enumerate(theta[size + 1 :], start=1))
        return above / (1 + below**2)
    waves = range(int(setting))
    features = [x, *(math.sin(2**j * x) for j in waves), *(math.cos(2**j * x) for j in waves)]
    n = len(features)
    total = theta[-1]
    for h in range(size):
        weights = theta[h * n : (h + 1) * n]
        z = sum(w * f for w, f in zip(weights, features, strict=True)) + theta[n * size + h]
        total += theta[(n + 1) * size + h] * z / (1 + math.exp(-z))
    return total
