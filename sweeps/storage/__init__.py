"""The store of a sweep, one SQLite file: writing, reading, locking, checking, merging, repairing."""
