"""The file under `sweeps.store.Store`: its tables and rows, its lock, and how it is read."""
