"""Networks changed after training: pruned, some edges symbols or tied, and what their edges are worth."""

from kan_np.surgery import attribution, pruning

__all__ = ["attribution", "pruning"]
