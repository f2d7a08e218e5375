"""
Small networks on the edges
===========================

The package *MLP-KAN* (Zhangyanbo, 2024) puts a network with one hidden layer on every edge, which sees x and
sines and cosines of x, 2x and 4x. Its page trains [2, 5, 1] and [2, 1, 1] on exp(sin(pi x) + y^2) by Adam,
and shows that the first layer learns sin(pi x) and y^2 and the second exp; it prints no number. Here the same
networks are trained by Levenberg-Marquardt.
"""

# %%
# Two networks
# ------------

import os

import numpy as np
from matplotlib.figure import Figure

from kan_np import create_dataset, fit_schedule

QUICK = bool(os.environ.get("KAN_NP_QUICK_EXAMPLES"))


def target(rows):
    """exp(sin(pi x) + y^2)."""
    return np.exp(np.sin(np.pi * rows[:, [0]]) + rows[:, [1]] ** 2)


dataset = create_dataset(target, n_var=2, train_num=1000, test_num=1000, seed=0)


def train(width, hidden, restarts):
    """The best model of some restarts."""
    options = {"edges": "mlp", "opt": "LM", "steps": 20 if QUICK else 60, "seed": 0}
    return fit_schedule(width, dataset, grids=(hidden,), restarts=restarts, **options).best


narrow = train([2, 1, 1], hidden=8, restarts=2)
wide = train([2, 5, 1], hidden=4, restarts=1)
for name, stage in (("[2, 1, 1]", narrow), ("[2, 5, 1]", wide)):
    print(f"{name}: {stage.n_params} parameters, test RMSE {stage.test_rmse:.1e}")

# %%
# What the edges of [2, 1, 1] are
# -------------------------------
# An edge of the first layer is known up to a factor and a constant, which the second layer takes back:
# phi_1 = a sin(pi x) + b, phi_2 = a y^2 + c and phi_3(h) = exp((h - b - c) / a).


def scaled(phi, f, at):
    """Factor and constant that bring f nearest to phi, and how much they leave of its spread."""
    design = np.column_stack([f(at), np.ones(at.size)])
    factors = np.linalg.lstsq(design, phi(at), rcond=None)[0]
    return factors, float(np.sqrt(np.mean((design @ factors - phi(at)) ** 2)) / phi(at).std())


def sine(x):
    """sin(pi x)."""
    return np.sin(np.pi * x)


x = np.linspace(-1, 1, 201)
model = narrow.model
first, second, outer = (model.take_function(*edge) for edge in ((0, 0, 0), (0, 1, 0), (1, 0, 0)))
(a, b), sine_error = scaled(first, sine, x)
(a_2, c), square_error = scaled(second, np.square, x)
h = np.sort(a * sine(x) + b + a_2 * np.linspace(0, 1, 201) + c)
h = h[(h > np.quantile(h, 0.02)) & (h < np.quantile(h, 0.98))]
exp_error = float(np.abs(outer(h) / np.exp((h - b - c) / a) - 1.0).max())
print(
    f"first layer: {sine_error:.1e} from sin(pi x), {square_error:.1e} from y^2, times {a:.3f} and {a_2:.3f}"
)
print(f"second layer: at most {exp_error:.1e} from exp, relative")

# %%

figure = Figure(figsize=(8, 2.6), layout="constrained")
for axes, phi, at, f, name in zip(
    figure.subplots(1, 3),
    (first, second, outer),
    (x, x, h),
    (lambda x: a * sine(x) + b, lambda x: a_2 * x**2 + c, lambda h: np.exp((h - b - c) / a)),
    (r"$\sin(\pi x)$", "$y^2$", r"$\exp$"),
    strict=True,
):
    axes.plot(at, phi(at), color="#0072B2", lw=3, label="edge")
    axes.plot(at, f(at), color="#D55E00", ls="--", label=f"{name}, scaled")
    axes.margins(y=0.4)
    axes.legend(frameon=False, loc="upper right")
figure.savefig("mlp_edges.png")

# %%
# What the edges of [2, 5, 1] are
# -------------------------------
# Five nodes share the work: some edges are near to the sine and the square, others correct what these leave.

figure = Figure(figsize=(9, 5), layout="constrained")
for (i, j), axes in np.ndenumerate(figure.subplots(3, 5)):
    phi = wide.model.take_function(*((0, i, j) if i < 2 else (1, j, 0)))
    low_high = (-1.0, 1.0) if i < 2 else wide.model.knots[1][j][[0, -1]]
    at = np.linspace(*low_high, 201)
    axes.plot(at, phi(at), color="#0072B2")
    axes.set_title(rf"$\phi_{{{int(i == 2)},{i if i < 2 else j},{j if i < 2 else 0}}}$")
figure.savefig("mlp_edges_wide.png")
