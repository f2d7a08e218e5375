"""How often `discover` finds the formula that generated the data.

    python -m benchmarks.formula toys
    python -m benchmarks.formula feynman
    python -m benchmarks.formula srbench --check

``--noise 0.01`` adds noise of one per cent of the spread of the labels; names after it choose functions.
`srbench` is the ground-truth track of SRBench, with options and a docstring of its own
(`benchmarks.formula.srbench`).
"""
