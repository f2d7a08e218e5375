"""Parts of a run that `sweeps.run_one` uses: recorder of stages, time limit, stages of formulas."""
