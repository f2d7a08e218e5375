"""The scripts of `examples` run from top to bottom, and what they print and say holds."""

from __future__ import annotations

import ast
import functools
import inspect

import numpy as np
import pytest
from scripts import EXAMPLES, run_script

pytestmark = pytest.mark.slow
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


@functools.cache
def run(name):
    """What a script leaves behind, quickly: its names, what it printed, and the sizes of its files.

    Every script has one test that runs it, so that processes that share the tests do not run it twice.
    """
    names, printed, files = run_script(EXAMPLES / f"{name}.py")
    assert printed.strip()
    assert "nan" not in printed
    return names, printed, files


def test_they_have_a_title_and_blocks():
    for name in NAMES:
        text = (EXAMPLES / f"{name}.py").read_text()
        title, line = ast.get_docstring(ast.parse(text)).splitlines()[:2]
        assert set(line) == {"="}, name
        assert len(line) >= len(title), name
        assert text.count("\n# %%\n") >= 2, name


def test_all_are_tested_and_run():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert set(NAMES) <= tested
    for name in NAMES:
        assert f'run("{name}")' in inspect.getsource(globals()[f"test_{name}"]), name


def test_own_training_loop():
    names, printed, files = run("own_training_loop")
    assert len(names["losses"]) == 100
    assert (np.diff(names["losses"][-51:]) < 0).all()
    assert names["losses"][-1] < 0.5 * names["losses"][0]
    np.testing.assert_allclose(names["gradient"], names["differences"], rtol=1e-6, atol=1e-9)
    assert "lower in every one of the last 50 epochs: True" in printed
    assert files["prediction.svg"] > 5000
    assert names["graph"].vertices[-1].value == pytest.approx(names["model"]([[0.25, 0.75]])[0, 0])
    x, y = names["x"], names["y"]
    assert np.mean((names["same"](x) - y) ** 2) == pytest.approx(
        names["model"].loss_and_gradient(x, y)[0], rel=1e-9
    )
    assert np.mean((names["best"](x) - y) ** 2) < 1e-12


def test_layers_like_torch():
    names, _, _ = run("layers_like_torch")
    assert names["network"](names["x"]).shape == (16, 1)
    assert names["result"]["test_loss"][-1] < 1e-4


def test_latent_space():
    names, _, files = run("latent_space")
    assert names["stages"].best.test_rmse < 0.03 * names["spread"]
    assert names["stages"].best.test_rmse < 0.1 * names["mlp"].test_rmse
    assert names["angle"] < 1.0  # degrees
    assert files["latent_space.png"] > 5000


def test_mlp_edges():
    """A third of the steps of the script, which reaches 1e-4: the functions can be told all the same."""
    names, _, files = run("mlp_edges")
    assert names["narrow"].test_rmse < 1e-2
    assert names["wide"].test_rmse < 0.1
    assert max(names["sine_error"], names["square_error"], names["exp_error"]) < 0.05
    assert names["a"] == pytest.approx(names["a_2"], rel=0.05)
    assert {"mlp_edges.png", "mlp_edges_wide.png"} <= set(files)


def test_piecewise_linear_edges():
    names, _, files = run("piecewise_linear_edges")
    for stages in (names["plain"], names["smooth"]):
        assert [stage.grid for stage in stages] == [10, 20, 40]
        assert stages[-1].test_rmse < 1e-2
        assert stages[-1].test_rmse < stages[0].test_rmse
    assert not np.array_equal(names["plain"][-1].model.theta, names["smooth"][-1].model.theta)
    assert files["piecewise_linear_edges.png"] > 5000


def test_frozen_base_stream():
    names, _, files = run("frozen_base_stream")
    assert names["frozen"].scale_base[0][0, 0] == 0.0
    assert names["free"].scale_base[0][0, 0] != 0.0
    assert names["errors"][-1] < names["errors"][0]
    assert names["errors"][-1] < names["free_errors"][-1]
    assert files["stream.png"] > 5000


def test_poisson_accuracy():
    names, printed, files = run("poisson_accuracy")
    # what the tutorial prints at its end
    assert names["squares"]["equation"] < 0.123
    assert names["squares"]["boundary"] < 1.5e-4
    assert names["error"] < 1.7e-4
    cubic, smooth, product = names["errors"].values()
    assert cubic < 2.7e-2
    assert smooth < 1e-6
    assert product < 1e-12
    assert "Formula(sin(pi*x)*sin(pi*y)) exact: True" in printed
    assert files["poisson_accuracy.png"] > 5000


def test_error_bars():
    names, _, files = run("error_bars")
    assert 0.85 < names["inside"] < 0.95
    assert len(names["caught"]) == 1
    assert "rows lie outside the range" in str(names["caught"][0].message)
    assert abs(-names["depth"].mean() - 0.25) < 3 * names["depth"].std()
    for width in names["widths"].values():
        assert width[-1, 0] > 2 * width[200, 0]
    assert files["error_bars.png"] > 5000


def test_knots():
    names, printed, files = run("knots")
    assert names["linear"] > 0.8
    assert names["accuracy"] > 0.75
    assert names["shares"]["chern_simons"] < names["shares"]["meridional_translation_real"]
    assert names["cusp"].r2 > 0.98
    assert "cusp_volume = longitudinal_translation*meridional_translation_imag/2" in printed
    assert files["knots.png"] > 5000


def test_mobility_edge():
    names, _, files = run("mobility_edge")
    assert names["agreement"] > 0.96
    assert names["accuracy"] > 0.95
    assert np.median(names["error"]) < 0.03
    assert files["mobility_edge.png"] > 5000


def test_continual_learning():
    names, printed, files = run("continual_learning")
    assert names["one"].whole[-1] < 4.1e-6
    found = names["found"]
    for name in ("KAN", "fixed"):
        assert found[name, True].whole[-1] < 0.5 * found[name, False].whole[-1]
    assert found["fixed", True].whole[-1] < 1.2 * names["result"]["test_loss"][-1]
    assert names["same"]
    assert "the same parameters as before: True" in printed
    assert {"forgetting.png", "continual_learning.png", "anchor.npz"} <= set(files)


def test_training_film():
    names, _, files = run("training_film")
    assert [frame.step for frame in names["film"].frames] == list(range(names["STEPS"] + 1))
    assert names["result"]["train_loss"][-1] < names["result"]["train_loss"][0]
    assert names["last"]["train_loss"][-1] <= names["first"]["train_loss"][-1]
    for name in ("training.gif", "further.gif", "training_strip.pdf", "training_strip.png", "last_frame.png"):
        assert files[name] > 3000
