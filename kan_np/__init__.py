"""Kolmogorov-Arnold networks on NumPy, Numba and SciPy.

The public names are listed in `__init__.pyi`. Each is imported when it is first used, so that a program that
only makes datasets does not load the compiler.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
