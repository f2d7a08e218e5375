"""Collects the stages of a run: their errors, their models, and whether finer grids are still needed."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

from sweeps.records import best_stage
from sweeps.training.formula_stages import formula_stages

#: A finer grid counts as better if its validation RMSE is below this fraction of the one before; chosen by
#: judgement.
_WORTHWHILE = 0.99


class ChainEnd(Exception):  # noqa: N818 - the chain has ended as it should
    """Finer grids are not needed, or bring nothing."""


class Diverged(Exception):  # noqa: N818 - an outcome of a run, not a mistake
    """Training met NaN or infinite numbers."""


class StageRecorder:
    """Collects the stages of a run as they end.

    Parameters
    ----------
    save_models : str
        "all", "best" (see `sweeps.records.best_stage`) or "none".
    """

    def __init__(self, save_models: str) -> None:
        self.stages: list[dict[str, Any]] = []
        self._save_models = save_models

    def add(self, trained: Any, opt: str | None = None) -> None:
        """Add a finished `kan_np.Stage`; raise `Diverged` if its numbers are not finite.

        `opt` stands for the optimizer where the one of the stage says nothing to a reader.
        """
        status = str(getattr(trained.status, "value", trained.status))
        stage: dict[str, Any] = {
            "stage": len(self.stages),
            "grid": None if trained.grid is None else int(trained.grid),
            "n_params": int(trained.n_params),
            "train_rmse": float(trained.train_rmse),
            "val_rmse": float(trained.val_rmse),
            "test_rmse": float(trained.test_rmse),
            "wall_s": float(trained.wall_s),
            "n_iter": int(trained.n_iter),
            "n_fev": int(trained.n_fev),
            "status": status,
            "opt": str(trained.opt) if opt is None else opt,
            "model": None,
        }
        quantities = getattr(trained, "quantities", None)
        if quantities:
            stage["quantities"] = {name: float(value) for name, value in quantities.items()}
        finite = math.isfinite(stage["train_rmse"]) and not math.isinf(stage["test_rmse"])
        self.stages.append(stage)
        if trained.model is None:  # what a classical solver finds is no model
            pass
        elif self._save_models == "all":
            stage["model"] = _model_bytes(trained.model)
        elif self._save_models == "best" and finite and best_stage(self.stages) == stage["stage"]:
            for earlier in self.stages:
                earlier["model"] = None
            stage["model"] = _model_bytes(trained.model)
        if status == "non-finite" or not finite:
            rmse = f"train RMSE {stage['train_rmse']:g}, test RMSE {stage['test_rmse']:g}"
            raise Diverged(f"NaN or infinite numbers in {_stage_name(stage)}: {rmse}")

    def check_end(self, patience: int | None, enough: float | None) -> None:
        """Raise `ChainEnd` if the validation RMSE is low enough, or has not fallen for `patience` stages."""
        errors = [stage["val_rmse"] for stage in self.stages]
        if enough is not None and errors[-1] <= enough:
            raise ChainEnd
        if patience is None or len(errors) <= patience:
            return
        if min(errors[-patience:]) > _WORTHWHILE * min(errors[:-patience]):
            raise ChainEnd

    def add_formulas(self, found: Any, dataset: Mapping[str, Any], wall_s: float) -> None:
        """Add every formula of a finished `kan_np.Discovery`."""
        pairs = formula_stages(found, dataset, wall_s)
        self.stages += [stage for stage, _ in pairs]
        for stage, model in pairs:
            if self._save_models == "all" or (self._save_models == "best" and stage["formula"]["best"]):
                stage["model"] = _model_bytes(model)

    def add_measured(self, found: Any) -> None:
        """Add what a study has measured, a `sweeps.studies.measured.Measured`, as a stage without errors.

        A quantity that is NaN was looked for and not found; it stays, as None.
        """
        self.stages.append(
            {
                "stage": len(self.stages),
                "grid": None,
                "n_params": 0,
                **dict.fromkeys(("train_rmse", "val_rmse", "test_rmse"), math.nan),
                "wall_s": math.nan,
                "n_iter": 0,
                "n_fev": 0,
                "status": "measured",
                "opt": "",
                "model": None if self._save_models == "none" else found.to_bytes(),
                "quantities": {
                    name: None if math.isnan(value) else float(value)
                    for name, value in found.quantities.items()
                },
            }
        )

    def place(self) -> str:
        """In words how far the chain of stages came."""
        return f"after {_stage_name(self.stages[-1])}" if self.stages else "before the first stage ended"


def _model_bytes(model: Any) -> bytes:
    buffer = io.BytesIO()
    model.save(buffer)
    return buffer.getvalue()


def _stage_name(stage: Mapping[str, Any]) -> str:
    return f"stage {stage['stage']}" + (f" (G = {stage['grid']})" if stage["grid"] else "")
