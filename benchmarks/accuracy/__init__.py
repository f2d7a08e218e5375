"""Accuracy, one script a table. Every script takes --check and exits 1 when a bar is missed."""

import os

# Before NumPy is imported, here and in the workers, which inherit it: a BLAS pool of its own in every process
# would fight for the cores, and the times are those of one thread.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
