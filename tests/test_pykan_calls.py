"""The page from pykan's calls to ours: its Python runs, its names exist, no tutorial's call is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kan_np
from kan_np import KAN

PAGE = (Path(__file__).parent.parent / "docs" / "pykan_calls.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and "| --- |" not in line]

#: Calls and options in pykan's 42 tutorials, those about devices and of torch itself left out.
CALLS = """
add_symbolic attribute augment_input auto_swap auto_symbolic batch_hessian batch_jacobian
create_dataset create_dataset_from_data detect_separability ex_round expand_depth expand_width
fit fix_symbolic get_act get_derivative get_fun get_range kanpiler nsimplify parameters perturb
plot plot_tree prune prune_edge prune_input prune_node refine reg remove_node rewind set_mode
speed suggest_symbolic symbolic_formula test_separability test_symmetry test_symmetry_var train
tree unfix_symbolic update_grid update_grid_from_samples
"""
OPTIONS = """
base_fun batch grid_eps grid_range in_vars lamb loss_fn lr metrics mult_arity noise_scale opt
out_vars reg_metric save_fig sb_trainable singularity_avoiding sp_trainable sparse_init steps
stop_grid_update_step
"""


@pytest.mark.parametrize("name", [*CALLS.split(), *OPTIONS.split()])
def test_every_call_of_a_tutorial_has_a_line(name):
    assert any(re.search(rf"\b{name}\b", row[0]) for row in ROWS)


def test_what_the_page_names_is_there():
    named = [name for row in ROWS for name in re.findall(r"`([\w.]+)", row[1])]
    assert len(named) > 50
    for name in named:
        thing = KAN if name.startswith("model.") else kan_np
        for part in name.split(".")[1:]:
            thing = getattr(thing, part)
    missing = {name for name in CALLS.split() if not (hasattr(KAN, name) or hasattr(kan_np, name))}
    assert missing == {
        *("add_symbolic", "nsimplify", "parameters", "speed"),  # under other names, or not needed
        *("detect_separability", "plot_tree", "test_separability", "test_symmetry", "test_symmetry_var"),
        "tree",
    }


def test_its_python_runs_as_printed(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for text in re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        exec(compile(text, "pykan_calls.md", "exec"), names)  # noqa: S102  the code under test is the page's
    shown = capsys.readouterr().out
    assert "['0.0', '0.0 => fit => 0.1', '0.1 => prune => 0.2']" in shown
    assert names["after"] < 0.1 * names["before"]
    assert names["curvatures"].min() > -1e-3 * names["curvatures"].max()
    assert names["longer"]["train_input"].shape == (1000, 3)
    assert "exp(" in shown
    assert list(tmp_path.iterdir()) == []
