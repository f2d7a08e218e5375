"""How often `discover` finds the formula that generated the data.

    python -m benchmarks.formula toys
    python -m benchmarks.formula feynman

``--noise 0.01`` adds noise of one per cent of the spread of the labels; names after it choose functions.
"""
