"""pykan's tutorials in `examples/pykan`: none is missing, and each runs, prints and ends with its result."""

from __future__ import annotations

import ast
import math

import pytest
from scripts import EXAMPLES, run_script

FOLDER = EXAMPLES / "pykan"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
#: pykan's tutorials, as its repository names them.
TUTORIALS = [
    "hellokan",
    "API_10_device",
    "API_11_create_dataset",
    "API_12_checkpoint_save_load_model",
    "API_1_indexing",
    "API_2_plotting",
    "API_3_extract_activations",
    "API_4_initialization",
    "API_5_grid",
    "API_6_training_hyperparameter",
    "API_7_pruning",
    "API_8_regularization",
    "API_9_video",
    "Community_1_physics_informed_kan",
    "Community_2_protein_sequence_classification",
    "Example_10_relativity-addition",
    "Example_11_encouraing_linear",
    "Example_12_unsupervised_learning",
    "Example_13_phase_transition",
    "Example_14_knot_supervised",
    "Example_15_knot_unsupervised",
    "Example_1_function_fitting",
    "Example_3_deep_formula",
    "Example_4_classfication",
    "Example_5_special_functions",
    "Example_6_PDE_interpretation",
    "Example_7_PDE_accuracy",
    "Example_8_continual_learning",
    "Example_9_singularity",
    "Interp_10A_swap",
    "Interp_10B_swap",
    "Interp_10_hessian",
    "Interp_11_sparse_init",
    "Interp_1_Hello_MultKAN",
    "Interp_2_Advanced_MultKAN",
    "Interp_3_KAN_Compiler",
    "Interp_4_feature_attribution",
    "Interp_5_test_symmetry",
    "Interp_6_test_symmetry_NN",
    "Interp_8_adding_auxillary_variables",
    "Interp_9_different_plotting_metrics",
    "Physics_1_Lagrangian",
    "Physics_2A_conservation_law",
    "Physics_2B_conservation_law_2D",
    "Physics_3_blackhole",
    "Physics_4A_constitutive_laws_P11",
    "Physics_4B_constitutive_laws_P12_with_prior",
    "Physics_4C_constitutive_laws_P12_without_prior",
]
#: Why a tutorial has no script.
NOT_PORTED = {"API_10_device": "about graphics cards, which are not used here"}


def script_of(tutorial):
    """API_11_create_dataset is api_11_create_dataset."""
    return tutorial.lower().replace("-", "_")


def test_every_tutorial_has_its_script_and_no_other_is_there():
    assert set(NAMES) == {script_of(name) for name in TUTORIALS if name not in NOT_PORTED}


@pytest.mark.parametrize("name", NAMES)
def test_a_script_has_a_title_blocks_and_a_result(name):
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    title, line = ast.get_docstring(ast.parse(text)).splitlines()[:2]
    assert set(line) == {"="}
    assert len(line) >= len(title)
    assert text.count("\n# %%\n") >= 2
    assert "pykan" in ast.get_docstring(ast.parse(text))
    assert "\nRESULT = {\n" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_runs(name):
    names, printed, _ = run_script(FOLDER / f"{name}.py")
    assert printed.strip()
    assert "nan" not in printed.split()
    result = names["RESULT"]
    assert set(result) - {"differs"} == {"tutorial", "what", "loss", "pykan"}
    assert result.get("differs", "x")
    assert script_of(result["tutorial"]) == name
    assert result["tutorial"] in TUTORIALS
    assert math.isfinite(result["loss"])
    assert result["pykan"] is None or result["pykan"] >= 0
    assert result["what"]
