"""Networks that pykan saved."""

from kan_np.pykan.checkpoint import load_pykan

__all__ = ["load_pykan"]
