"""What a run is made of beyond `sweeps.run_one`: its stages, its time limit, formulas."""
