"""What a sweep costs besides its training: overhead, scaling, resume, report, memory.

``python -m benchmarks.sweeps --check`` measures all of it and exits 1 when a bar is missed.
"""

import os

# Before NumPy is imported, here and in the commands and workers, which inherit it: one model is one thread.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
