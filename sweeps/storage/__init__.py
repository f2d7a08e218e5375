"""The file under `sweeps.storage.store.Store`: its tables and rows, its lock, and how it is read."""
