"""From data to formulas in one call."""

from kan_np.discovery.call import discover
from kan_np.discovery.candidate import Candidate, Discovery
from kan_np.discovery.library import wide_library
from kan_np.discovery.outputs import Discoveries

__all__ = ["Candidate", "Discoveries", "Discovery", "discover", "wide_library"]
