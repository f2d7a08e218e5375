"""Charts: coordinates theta of the lines u = alpha t + beta, t in [-1, 1], that suit a symbol.

A fit moves in one or two coordinates that are free of redundancy and scaled so that a unit step means
much the same everywhere; a chart of a symbol with a limited domain has no line that leaves it.

    Centre     u = +-(t - sinh theta)                      powers, abs: a drops out
    Edge       u = e + o (gap + 1 +- t)                    log, roots, 1/x^n: a drops out, domain beyond e
    Rate       u = +- exp(theta) (t -+ 1)                  exp: b drops out
    Line       u = +- exp(theta_0) t + theta_1             sin, tanh, ...
    Between    u from s(theta_0) to s(theta_1)             arcsin, arctanh: domain [l, h]
    Ray        u = e + o (gap + exp(theta_0) (1 +- t))     a half line as domain, a not redundant

gap = theta^2 where f is finite at e, so that the gap can close, and exp(theta) otherwise; s maps the real
line onto [l, h] by a sine where f is finite at the ends and onto (l, h) by tanh otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from kan_np._validate import FloatArray
from kan_np.kernels import lines


class Lines(NamedTuple):
    """m lines: alpha and beta (m,), and their derivatives by the p coordinates, (m, p)."""

    alpha: FloatArray
    beta: FloatArray
    d_alpha: FloatArray
    d_beta: FloatArray


class Chart(Protocol):
    """Coordinates of lines."""

    @property
    def low(self) -> tuple[float, ...]:
        """Least coordinates."""

    @property
    def high(self) -> tuple[float, ...]:
        """Largest coordinates."""

    @property
    def numbers(self) -> lines.Chart:
        """The chart as kernels read it."""

    def lines(self, theta: FloatArray) -> Lines:
        """Lines at `theta`, of shape (m, p)."""


_ANY = 1e4


@dataclass(frozen=True)
class Centre:
    """u = sign (t - sinh theta): the centre of a power, up to 1500 half ranges away."""

    sign: float
    low: tuple[float, ...] = (-8.0,)
    high: tuple[float, ...] = (8.0,)

    @property
    def numbers(self) -> lines.Chart:
        """The chart as kernels read it."""
        return lines.Chart(lines.CENTRE, self.sign, 0.0, 0.0, 0.0, 0.0, 0)

    def lines(self, theta: FloatArray) -> Lines:
        """Lines at `theta`, of shape (m, 1)."""
        alpha = np.full(theta.shape[0], self.sign)
        return Lines(
            alpha, -self.sign * np.sinh(theta[:, 0]), np.zeros_like(theta), -self.sign * np.cosh(theta)
        )


@dataclass(frozen=True)
class Edge:
    """u = edge + outward (gap + 1 + side t), gap >= 0; u = edge at t = -side (1 + gap)."""

    edge: float
    outward: float
    side: float
    closed: bool

    @property
    def low(self) -> tuple[float, ...]:
        """Least coordinates."""
        return (-_ANY,) if self.closed else (-30.0,)

    @property
    def high(self) -> tuple[float, ...]:
        """Largest coordinates."""
        return (_ANY,) if self.closed else (9.0,)

    @property
    def numbers(self) -> lines.Chart:
        """The chart as kernels read it."""
        return lines.Chart(lines.EDGE, self.side, self.edge, 0.0, self.outward, 0.0, int(self.closed))

    def lines(self, theta: FloatArray) -> Lines:
        """Lines at `theta`, of shape (m, 1)."""
        gap, slope = _gap(theta, self.closed)
        alpha = np.full(theta.shape[0], self.outward * self.side)
        beta = self.edge + self.outward * (gap[:, 0] + 1.0)
        return Lines(alpha, beta, np.zeros_like(theta), self.outward * slope)


@dataclass(frozen=True)
class Rate:
    """u = sign exp(theta) (t - sign), between -2 exp(theta) and 0: no exponential overflows."""

    sign: float
    low: tuple[float, ...] = (-7.0,)
    high: tuple[float, ...] = (6.5,)

    @property
    def numbers(self) -> lines.Chart:
        """The chart as kernels read it."""
        return lines.Chart(lines.RATE, self.sign, 0.0, 0.0, 0.0, 0.0, 0)

    def lines(self, theta: FloatArray) -> Lines:
        """Lines at `theta`, of shape (m, 1)."""
        rate = np.exp(theta)
        return Lines(self.sign * rate[:, 0], -rate[:, 0], self.sign * rate, -rate)


@dataclass(frozen=True)
class Line:
    """u = sign exp(theta_0) (t - theta_1) + offset.

    Where samples tell the centre well and the rate badly, as in tails (offset 0) and about the extremum of a
    slow sine (offset pi/2), the valley of the cost runs straight along theta_0.
    """

    sign: float
    offset: float = 0.0
    low: tuple[float, ...] = (-7.0, -_ANY)
    high: tuple[float, ...] = (9.0, _ANY)

    @property
    def numbers(self) -> lines.Chart:
        """The chart as kernels read it."""
        return lines.Chart(lines.LINE, self.sign, 0.0, 0.0, 0.0, self.offset, 0)

    def lines(self, theta: FloatArray) -> Lines:
        """Lines at `theta`, of shape (m, 2)."""
        alpha = self.sign * np.exp(theta[:, 0])
        shift, none = -alpha * theta[:, 1], np.zeros_like(alpha)
        d_alpha, d_beta = np.stack([alpha, none], 1), np.stack([shift, -alpha], 1)
        return Lines(alpha, shift + self.offset, d_alpha, d_beta)


@dataclass(frozen=True)
class Between:
    """u(-1) and u(1) anywhere in [bottom, top]."""

    bottom: float
    top: float
    closed: bool

    @property
    def low(self) -> tuple[float, ...]:
        """Least coordinates."""
        return (-20.0, -20.0)

    @property
    def high(self) -> tuple[float, ...]:
        """Largest coordinates."""
        return (20.0, 20.0)

    @property
    def numbers(self) -> lines.Chart:
        """The chart as kernels read it."""
        return lines.Chart(lines.BETWEEN, 0.0, self.bottom, self.top, 0.0, 0.0, int(self.closed))

    def lines(self, theta: FloatArray) -> Lines:
        """Lines at `theta`, of shape (m, 2)."""
        middle, half = (self.bottom + self.top) / 2, (self.top - self.bottom) / 2
        if self.closed:
            ends, slopes = np.sin(theta), np.cos(theta)
        else:
            ends = np.tanh(theta)
            slopes = 1.0 - np.square(ends)
        ends, slopes = middle + half * ends, half * slopes / 2
        alpha, beta = (ends[:, 1] - ends[:, 0]) / 2, (ends[:, 0] + ends[:, 1]) / 2
        return Lines(alpha, beta, slopes * [-1.0, 1.0], slopes)


@dataclass(frozen=True)
class Ray:
    """u = edge + outward (gap + exp(theta_0) (1 + side t)), gap of theta_1."""

    edge: float
    outward: float
    side: float
    closed: bool

    @property
    def low(self) -> tuple[float, ...]:
        """Least coordinates."""
        return (-7.0, -_ANY if self.closed else -30.0)

    @property
    def high(self) -> tuple[float, ...]:
        """Largest coordinates."""
        return (9.0, _ANY if self.closed else 9.0)

    @property
    def numbers(self) -> lines.Chart:
        """The chart as kernels read it."""
        return lines.Chart(lines.RAY, self.side, self.edge, 0.0, self.outward, 0.0, int(self.closed))

    def lines(self, theta: FloatArray) -> Lines:
        """Lines at `theta`, of shape (m, 2)."""
        scale = np.exp(theta[:, 0])
        gap, slope = _gap(theta[:, 1], self.closed)
        o, none = self.outward, np.zeros_like(scale)
        return Lines(
            o * self.side * scale,
            self.edge + o * (gap + scale),
            np.stack([o * self.side * scale, none], 1),
            np.stack([o * scale, o * slope], 1),
        )


def _gap(theta: FloatArray, closed: bool) -> tuple[FloatArray, FloatArray]:
    if closed:
        return np.square(theta), 2.0 * theta
    gap = np.exp(theta)
    return gap, gap
