"""Edge families by name: those of the library, and those that users registered."""

from __future__ import annotations

from kan_np import _validate
from kan_np.edges import chebyshev, fourier, gaussian, linear, mlp, piecewise_linear, rational, sine, wavelet
from kan_np.edges.family import BSPLINE, FAMILIES, EdgeFamily

#: Modules of the library whose families register themselves when they are imported.
LIBRARY = (chebyshev, fourier, gaussian, linear, mlp, piecewise_linear, rational, sine, wavelet)
#: Names of the families of the library, B-splines first.
LIBRARY_NAMES = (
    BSPLINE,
    *sorted(
        name for name, cls in FAMILIES.items() if cls.__module__ in {module.__name__ for module in LIBRARY}
    ),
)


def family(name: object) -> type[EdgeFamily]:
    """The class that is registered under a name; B-splines are no `EdgeFamily` and have none.

    Raises
    ------
    ValueError, TypeError
        For a name that no family has.

    Examples
    --------
    >>> from kan_np.edges.registry import family
    >>> family("chebyshev").__name__
    'Chebyshev'
    """
    return FAMILIES[_validate.choice("family", name, tuple(sorted(FAMILIES)))]


def family_names() -> tuple[str, ...]:
    """The names of all families, B-splines first."""
    return (BSPLINE, *sorted(FAMILIES))
