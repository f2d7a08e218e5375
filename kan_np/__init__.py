"""Kolmogorov-Arnold networks on NumPy, Numba and SciPy.

The public names stand in `__init__.pyi`. Each is imported when it is first used: whoever asks for a dataset
need not wait for a compiler.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
