"""Pictures: every edge is drawn, with the opacity that its score asks for, and nothing overlaps."""

from __future__ import annotations

import itertools
import subprocess
import sys
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba

from kan_np import KAN, MLP
from kan_np.plot import layout, names, reading
from kan_np.plot.network import _thinned
from kan_np.symbolic import default_library

SHAPES = [[1, 2, 1], [2, 5, 1], [4, 9, 9, 1], [17, 5, 14]]
LONG = "temperature of the outer shell [K]"


def network(width, seed=0):
    return KAN(width, grid=4, seed=seed, init="wide")


def samples(n, n_in, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, n_in))


def part(figure, name):
    """The one artist of that name."""
    (found,) = [c for c in figure.axes[0].collections if c.get_gid() == name]
    return found


def has(figure, name):
    return any(c.get_gid() == name for c in figure.axes[0].collections)


def texts(figure):
    return [t.get_text() for t in figure.axes[0].texts]


def squares(figure, layer):
    """Corners (left, bottom, right, top) of the squares of a layer, in inches."""
    corners = [p.vertices[:4] for p in part(figure, f"squares-{layer}").get_paths()]
    return np.array([[*c.min(axis=0), *c.max(axis=0)] for c in corners]).reshape(-1, 4)


def boxes(figure):
    """Bounding boxes of all squares and texts, in pixels, and the size of the sheet."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    axes = figure.axes[0]
    found = []
    for collection in axes.collections:
        if (collection.get_gid() or "").startswith("squares"):
            layer = squares(figure, collection.get_gid().split("-")[1])
            found += [axes.transData.transform(box.reshape(2, 2)).ravel() for box in layer]
    n_squares = len(found)
    found += [t.get_window_extent(renderer).extents for t in axes.texts if t.get_text()]
    return np.array(found), n_squares, figure.bbox.size


def overlapping(found, slack=0.0):
    low, high = found[:, None, :2], found[:, None, 2:]
    meet = (np.minimum(high, found[:, 2:]) - np.maximum(low, found[:, :2]) > slack).all(axis=2)
    return np.argwhere(np.triu(meet, 1))


def png(figure):
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=60, metadata={"Software": None})
    return buffer.getvalue()


@pytest.mark.parametrize("width", SHAPES, ids=str)
def test_every_edge_has_a_square_a_curve_and_two_wires(width):
    figure = network(width).plot()
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(width)):
        assert len(squares(figure, layer)) == n_in * n_out
        assert len(part(figure, f"curves-{layer}").get_segments()) == n_in * n_out
        assert len(part(figure, f"wires-{layer}").get_segments()) == 2 * n_in * n_out
        assert not has(figure, f"plain-{layer}")


@pytest.mark.slow
@pytest.mark.parametrize("width", SHAPES, ids=str)
@pytest.mark.parametrize("named", [False, True])
def test_nothing_overlaps_and_nothing_leaves_the_sheet(width, named):
    model = network(width)
    options = {}
    if named:
        options = {
            "in_vars": [f"{LONG} {i}" for i in range(width[0])],
            "out_vars": [f"signature_{j}" for j in range(width[-1])],
            "title": "A long title that says at length what there is to see " * 2,
            "indices": True,
        }
    found, n_squares, size = boxes(model.plot(**options))
    assert n_squares == sum(a * b for a, b in itertools.pairwise(width))
    assert len(found) == n_squares + (
        width[0] + width[-1] if not named else width[0] + width[-1] + 1 + n_squares
    )
    assert overlapping(found).size == 0
    assert (found[:, :2] > 0).all()
    assert (found[:, 2:] < size).all()


@pytest.mark.slow
@pytest.mark.parametrize("width", [*SHAPES, [12, 12, 12]], ids=str)
def test_wires_join_source_square_and_target_and_cross_no_square(width):
    full = [np.ones(shape, dtype=bool) for shape in itertools.pairwise(width)]
    plan = layout.arrange(full, [~f for f in full])
    step = np.linspace(0, 1, 400)[:, None]
    for layer, drawn in enumerate(plan.edges):
        corner = np.array([(p.left, p.bottom) for p in drawn])
        for p in drawn:
            np.testing.assert_allclose(p.into[0], (plan.node_x[layer][p.i], plan.node_y[layer]))
            np.testing.assert_allclose(p.out[-1], (plan.node_x[layer + 1][p.j], plan.node_y[layer + 1]))
            for end in (p.into[-1], p.out[0]):
                off = np.abs(end - (p.left + plan.side / 2, p.bottom + plan.side / 2)).max()
                assert off == pytest.approx(plan.side / 2)
            wires = [a + step * (b - a) for wire in (p.into, p.out) for a, b in itertools.pairwise(wire)]
            points = np.concatenate(wires)[:, None, :]
            inside = ((points > corner + 1e-9) & (points < corner + plan.side - 1e-9)).all(axis=2)
            assert not inside.any()


@pytest.mark.parametrize(
    ("metric", "score"),
    [
        ("backward", "edge_backward"),
        ("forward_n", "edge_forward_sum"),
        ("forward_u", "edge_forward_spline_u"),
    ],
)
@pytest.mark.parametrize("beta", [3.0, 0.7])
def test_opacity_is_tanh_of_the_score(metric, score, beta):
    model, x = network([2, 3, 1]), samples(100, 2)
    figure = model.plot(x, metric=metric, beta=beta)
    for layer, scores in enumerate(model.edge_scores(x, score)):
        expected = np.tanh(beta * scores).ravel()
        assert np.ptp(expected) > 0 or expected.size == 1
        np.testing.assert_allclose(part(figure, f"squares-{layer}").get_edgecolor()[:, 3], expected)
        np.testing.assert_allclose(part(figure, f"curves-{layer}").get_color()[:, 3], expected)
        np.testing.assert_allclose(part(figure, f"wires-{layer}").get_color()[::2, 3], expected)


def test_backward_opacity_counts_every_output_in_full():
    model, x = network([2, 3, 4]), samples(100, 2)
    colours = part(model.plot(x), "squares-1").get_edgecolor()
    np.testing.assert_allclose(colours[:, 3], np.tanh(3.0 * 4 * model.edge_scores(x)[1]).ravel())


def test_hidden_nodes_are_as_dark_as_their_strongest_edge():
    model, x = network([2, 3, 1]), samples(100, 2)
    figure = model.plot(x)
    scores = model.edge_scores(x)
    dots = [c for c in figure.axes[0].collections if c.get_gid() is None]
    strength = (1.0 - dots[1].get_facecolor()[:, 0]) / (1.0 - to_rgba("#1a1a1a")[0])
    strongest = np.maximum(scores[0].max(axis=0), scores[1].max(axis=1))
    np.testing.assert_allclose(strength, np.maximum(np.tanh(3.0 * strongest), 0.25))


def test_curves_are_the_edges_of_the_model_over_the_samples():
    model = KAN([2, 2, 1], 4, 3, seed=3, noise_scale=2.0, grid_range=[[-1, 1], [0, 3]])
    inputs = np.array([[-0.5, 0.0], [0.5, 2.0], [0.1, 1.0]])
    (x, phi), (h, _) = reading.edge_curves(model._network, inputs, 50)
    np.testing.assert_allclose(x[:, [0, -1]], [[-0.5, 0.5], [0.0, 2.0]])
    hidden = model._network.node_values(np.ascontiguousarray(x.T))[2:4]
    np.testing.assert_allclose(phi.sum(axis=0), hidden, atol=1e-12)
    reached = model._network.node_values(inputs)[2:4]
    np.testing.assert_allclose(h[:, [0, -1]], np.column_stack([reached.min(axis=1), reached.max(axis=1)]))


def test_a_drawn_curve_is_the_function_in_its_square():
    model = KAN([1, 1], base_fun="identity")
    model.set_parameters([np.zeros((1, 1, 8))], [np.array([[-2.0]])])
    figure = model.plot(np.array([[-1.0], [1.0]]))
    (line,), ((left, bottom, right, top),) = part(figure, "curves-0").get_segments(), squares(figure, 0)
    inset = 0.1 * (right - left)
    expected = [[left + inset, top - inset], [right - inset, bottom + inset]]
    np.testing.assert_allclose(line, expected)


def test_thinned_curves_stay_within_the_tolerance():
    t = np.linspace(0, 1, 500)
    curve = np.column_stack([t, np.sin(20 * t)])
    few = _thinned(curve, 0.01)
    assert 10 < len(few) < 150
    assert np.abs(np.interp(t, *few.T) - curve[:, 1]).max() <= 0.01
    assert len(_thinned(np.column_stack([t, 3 * t]), 0.01)) == 2


def test_names_and_title_appear():
    sympy = pytest.importorskip("sympy")
    model = network([3, 2, 2])
    assert texts(model.plot()) == ["$x_{1}$", "$x_{2}$", "$x_{3}$", "$y_{1}$", "$y_{2}$"]
    assert texts(network([1, 1]).plot())[-1] == "$y$"
    x0 = sympy.Symbol("x_0")
    figure = model.plot(in_vars=["mass", r"$\alpha$", x0**2], out_vars=["u", "v"], title="Energy")
    assert texts(figure) == ["mass", r"$\alpha$", "$x_{0}^{2}$", "u", "v", "Energy"]


def test_names_that_are_no_formulas_are_drawn_as_they_stand():
    sympy = pytest.importorskip("sympy")
    model = network([4, 2, 1])
    given = [r"$\ce{CO2}$", "50 %\x1b[31m", sympy.Symbol(r"$\ce{O2}$"), sympy.Symbol("L/D")]
    shown = [r"\$\ce{CO2}\$", r"50 %\x1b[31m", r"\$\ce{O2}\$", "L/D"]
    figure = model.plot(in_vars=given, out_vars=["$_$"])
    assert texts(figure) == [*shown, r"\$_\$"]
    figure.savefig(BytesIO())
    labels = [model.plot_edge(0, i, 0, in_vars=given).axes[0].get_xlabel() for i in range(4)]
    assert labels == shown


def test_names_stand_side_by_side_then_upright_then_shortened():
    assert not names.fit_row(["mass", "speed"], 2.0).upright
    row = names.fit_row(["mass", LONG], 0.5)
    assert row.upright
    assert row.names == ["mass", LONG]
    short = names.fit_row([30 * "name "], 0.5).names[0]
    assert len(short) < 60
    assert short.startswith("name name")
    assert "…" in short
    formula = "$" + 30 * r"\alpha + " + "1$"
    assert names.fit_row([formula], 0.5).names == [formula]


def test_dead_edges_are_left_out_and_weak_ones_on_request():
    model, x = network([2, 3, 1]), samples(100, 2)
    coef, weight = model.coef, model.scale_base
    coef[0][1, 2], weight[0][1, 2] = 0.0, 0.0
    model.set_parameters(coef, weight)
    assert len(squares(model.plot(x), 0)) == 5
    scores = model.edge_scores(x)
    threshold = float(np.median(scores[0]))
    figure = model.plot(x, threshold=threshold)
    assert len(squares(figure, 0)) == (scores[0] >= threshold).sum()
    assert 0 < len(squares(figure, 0)) < 5
    assert len(squares(model.plot(x, threshold=100.0), 0)) == 0


def test_large_networks_draw_the_strongest_edges_of_each_node():
    model = network([20, 30, 1])
    x = samples(50, 20)
    figure = model.plot(x)
    room = layout.room_for(20)
    assert 0 < room < 30
    assert len(squares(figure, 0)) == 20 * room
    scores = model.edge_scores(x)[0]
    drawn = part(figure, "squares-0").get_edgecolor()[:, 3].reshape(20, room)
    strongest = np.sort(np.tanh(3.0 * scores), axis=1)[:, -room:]
    np.testing.assert_allclose(np.sort(drawn, axis=1), strongest)
    assert len(part(figure, "plain-0").get_segments()) == 20 * (30 - room)
    assert overlapping(boxes(figure)[0]).size == 0
    crowd = network([120, 1]).plot()
    assert len(squares(crowd, 0)) == 0
    assert len(part(crowd, "plain-0").get_segments()) == 120


def test_the_size_of_the_figure_can_be_given():
    model = network([4, 9, 9, 1])
    figure = model.plot(figsize=(7, 8), title="small", in_vars=[LONG] * 4)
    np.testing.assert_allclose(figure.get_size_inches(), (7, 8))
    found, n_squares, size = boxes(figure)
    assert n_squares == 126
    assert overlapping(found).size == 0
    assert (found[:, :2] > 0).all()
    assert (found[:, 2:] < size).all()


SYMBOLS = {(0, 0, 1): "x^2", (1, 1, 0): "exp"}


def with_symbols():
    """A network two edges of which are symbols."""
    model = network([2, 3, 1])
    for edge, name in SYMBOLS.items():
        model.fix_symbolic(*edge, name, fit=False, c=0.5)
    return model


def test_symbols_are_written_in_another_colour():
    figure = with_symbols().plot()
    assert texts(figure)[-2:] == ["x²", "exp"]
    for layer, size in ((0, 6), (1, 3)):
        orange = [(layer, *divmod(e, [3, 1][layer])) in SYMBOLS for e in range(size)]
        for name, plain in (("squares", "#1a1a1a"), ("curves", "#0072B2")):
            artist = part(figure, f"{name}-{layer}")
            colours = artist.get_edgecolor() if name == "squares" else artist.get_color()
            expected = [to_rgba("#D55E00" if o else plain)[:3] for o in orange]
            np.testing.assert_allclose(colours[:, :3], expected)
    assert overlapping(boxes(figure)[0]).size == 0


def test_indices_are_written_under_the_squares():
    shown = texts(with_symbols().plot(indices=True))
    assert shown[3:] == [
        "0,0,0",
        "0,0,1 x²",
        "0,0,2",
        "0,1,0",
        "0,1,1",
        "0,1,2",
        "1,0,0",
        "1,1,0 exp",
        "1,2,0",
    ]


def test_what_does_not_vary_is_drawn_without_warning():
    model = KAN([2, 2, 1], seed=0)
    model.set_parameters(
        [np.full_like(c, 0.25) for c in model.coef], [np.zeros_like(w) for w in model.scale_base]
    )
    for x in (None, np.zeros((1, 2))):
        png(model.plot(x))
        png(model.plot_edge(0, 1, 0, x))


def test_figures_are_the_same_every_time_and_nothing_else_changes():
    model = network([2, 5, 1])
    model.plot()  # matplotlib loads its fonts
    settings, stream, before = dict(mpl.rcParams), np.random.get_state()[1].copy(), model._theta.copy()  # noqa: NPY002
    x = samples(20, 2)
    x.setflags(write=False)
    for draw in (
        lambda: model.plot(x, title="t"),
        lambda: model.plot_edge(0, 1, 2),
        lambda: model.plot_edge(1, 0, 0, x),
    ):
        assert png(draw()) == png(draw())
    assert dict(mpl.rcParams) == settings
    assert (np.random.get_state()[1] == stream).all()  # noqa: NPY002
    assert (model._theta == before).all()


def test_pyplot_is_not_loaded():
    code = (
        "import sys\n"
        "from kan_np import KAN, MLP\n"
        "KAN([2, 1]).plot().savefig(sys.stdout.buffer, format='svg')\n"
        "KAN([2, 1]).plot_edge(0, 0, 0), MLP([2, 1]).plot()\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_an_edge_is_drawn_with_its_parts_knots_and_samples():
    model = KAN([2, 3, 1], grid=4, seed=0, init="wide", grid_range=[[-1, 1], [0, 2]])
    x = samples(150, 2)
    axes = model.plot_edge(0, 1, 2, x, in_vars=["t", "u"]).axes[0]
    assert axes.get_xlabel() == "u"
    lines = {line.get_label(): line for line in axes.lines}
    assert set(lines) == {r"$\varphi$", "spline", "base"}
    at, phi = lines[r"$\varphi$"].get_data()
    assert at[0] == pytest.approx(x[:, 1].min())
    parts = lines["spline"].get_ydata() + lines["base"].get_ydata()
    np.testing.assert_allclose(parts, phi, atol=1e-14)
    alone = KAN([1, 1], grid=4, grid_range=(0, 2))
    alone.set_parameters([model.coef[0][1:2, 2:3]], [model.scale_base[0][1:2, 2:3]], [model.knots[0][1:2]])
    np.testing.assert_allclose(alone(at)[:, 0], phi, atol=1e-14)
    # knots as far as half the range of the samples beyond them
    np.testing.assert_allclose(axes.get_xticks(minor=True), [0.0, 0.5, 1.0, 1.5])
    bars = [p for p in axes.patches if p.get_label() != "outside the grid" and p.get_width() < 0.1]
    count, _ = np.histogram(x[:, 1], bins=50)
    heights = np.array([p.get_height() for p in bars])
    np.testing.assert_allclose(heights / heights.max(), count / count.max())


def test_few_samples_are_drawn_one_by_one_and_a_candidate_over_the_edge():
    model, x = network([2, 3, 1]), samples(20, 2)
    figure = model.plot_edge(1, 0, 0, x, symbol=("log", np.log))
    (rug,) = figure.axes[0].collections
    reached = model._network.node_values(x)[2]
    np.testing.assert_allclose([s[0, 0] for s in rug.get_segments()], reached)
    (candidate,) = [line for line in figure.axes[0].lines if line.get_label() == "log"]
    at, value = candidate.get_data()
    assert (at <= 0).any()
    np.testing.assert_array_equal(np.isnan(value), at <= 0)
    np.testing.assert_allclose(value[at > 0], np.log(at[at > 0]))
    assert figure.axes[0].get_xlabel() == "$h_{1,0}$"
    png(figure)


def test_an_edge_that_is_a_symbol_is_orange_with_its_formula():
    model = with_symbols()
    (line,) = model.plot_edge(0, 0, 1).axes[0].lines
    assert line.get_label() == "$0.5 x^{2}$"
    assert line.get_color() == "#D55E00"
    at, phi = line.get_data()
    np.testing.assert_allclose(phi, model.symbols[0, 0, 1](at))
    assert model.plot_edge(0, 0, 0).axes[0].lines[0].get_label() == r"$\varphi$"


@pytest.mark.slow
@pytest.mark.parametrize("name", default_library().names)
def test_formulas_of_all_symbols_can_be_drawn(name):
    model = network([1, 1])
    model.fix_symbolic(0, 0, 0, name, fit=False, a=1.2345678, b=0.3, c=2.0, d=-1e-9)
    label = names.formula_of(model.symbols[0, 0, 0])
    assert label.startswith("$")
    assert "1.2345" not in label
    assert names.width_of(label, 10.0) > 0
    png(model.plot_edge(0, 0, 0))


@pytest.mark.parametrize(
    ("width", "arity"), [([2, [5, 2], 1], 2), ([3, [2, 2], [0, 2]], 3), ([2, [1, 1]], 2)]
)
def test_products_are_circles_over_a_dot_for_each_factor(width, arity):
    model = KAN(width, 4, mult_arity=arity, seed=0, init="wide")
    figure = model.plot()
    found, n_squares, size = boxes(figure)
    assert n_squares == sum(mask.sum() for mask in model.edges)
    assert overlapping(found).size == 0
    assert (found[:, :2] > 0).all()
    assert (found[:, 2:] < size).all()
    collections = figure.axes[0].collections
    n_products = [m for m in model.n_mult if m]
    circles = [c.get_offsets() for c in collections if c.get_gid() == "products"]
    stems = [c.get_segments() for c in collections if c.get_gid() == "factors"]
    assert [len(c) for c in circles] == n_products
    assert [len(s) for s in stems] == [arity * m for m in n_products]
    for centres, wires in zip(circles, stems, strict=True):
        ends = np.array([wire[1] for wire in wires])
        np.testing.assert_allclose(ends, np.repeat(centres, arity, axis=0))
        assert all(wire[0][1] < wire[1][1] for wire in wires)


def test_wires_end_at_the_factors_of_products_and_at_sums():
    full = [np.ones((2, 5), dtype=bool), np.ones((3, 1), dtype=bool)]
    plan = layout.arrange(full, [~f for f in full], arities=[(1, 2, 2), (1,)])
    assert [x.size for x in plan.node_x] == [2, 3, 1]
    for layer, drawn in enumerate(plan.edges):
        for p in drawn:
            np.testing.assert_allclose(p.out[-1], plan.ends[layer][p.j])
    np.testing.assert_allclose(plan.ends[0][0], (plan.node_x[1][0], plan.node_y[1]))
    for node, factors in ((1, [1, 2]), (2, [3, 4])):
        np.testing.assert_allclose(plan.ends[0][factors, 0].mean(), plan.node_x[1][node])
        assert (plan.ends[0][factors, 1] < plan.node_y[1]).all()
    assert (np.diff(plan.ends[0][:, 0]) > 0).all()


def test_an_edge_that_was_cut_is_not_drawn():
    model = network([2, 3, 1])
    model.fix_symbolic(0, 1, 2, "0", fit=False)
    assert sum(len(part(model.plot(), f"squares-{layer}").get_paths()) for layer in (0, 1)) == 8


def test_an_mlp_is_drawn_with_all_its_weights():
    axes = MLP([2, 3, 1]).plot().axes[0]
    assert [len(c.get_segments()) for c in axes.collections[:2]] == [6, 3]
    assert [t.get_text() for t in axes.texts] == ["$x_{1}$", "$x_{2}$", "$y$"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.plot(in_vars=["a"]), ValueError, r"in_vars has 1 names, \['a'\]; expected 2"),
        (lambda m: m.plot(out_vars="y"), TypeError, "out_vars is 'y'; expected a list of 1 names"),
        (lambda m: m.plot(in_vars=["a", 3]), TypeError, r"in_vars\[1\] is 3; expected text or a SymPy"),
        (lambda m: m.plot(title="$x_{$"), ValueError, "title is .* cannot be read .* balanced"),
        (lambda m: m.plot(metric="backwards"), ValueError, "Did you mean 'backward'"),
        (lambda m: m.plot(beta=-1), ValueError, "beta is -1"),
        (lambda m: m.plot(np.zeros((3, 4))), ValueError, "4 columns.*expected 2"),
        (lambda m: m.plot(figsize=(3, 1.2)), ValueError, "figsize leaves .* at least .* higher or wider"),
        (lambda m: m.plot(figsize=3), TypeError, r"figsize is 3; expected \(width, height\)"),
        (lambda m: m.plot(figsize=(0.2, 3)), ValueError, r"figsize is 0\.2"),
        (lambda m: m.plot_edge(2, 0, 0), ValueError, "l is 2; expected 0 to 1, for the 2 layers of edges"),
        (lambda m: m.plot_edge(0, 2, 0), ValueError, "i is 2; expected 0 to 1, for the 2 sources of layer 0"),
        (
            lambda m: m.plot_edge(1, 0, 1),
            ValueError,
            "j is 1; expected 0 to 0, for the 1 targets .*Count from 0",
        ),
        (lambda m: m.plot_edge(0, -1, 0), ValueError, "i is -1"),
        (lambda m: m.plot_edge(0, 0.5, 0), TypeError, "i is 0.5"),
        (lambda m: m.plot_edge(0, 0, 0, symbol="sin"), TypeError, "expected a name and a function"),
        (lambda m: m.plot_edge(0, 0, 0, symbol=("1", lambda t: 1.0)), ValueError, "returns shape"),
    ],
)
def test_bad_input_gets_one_clear_message(call, error, message):
    with pytest.raises(error, match=message):
        call(KAN([2, 5, 1]))
