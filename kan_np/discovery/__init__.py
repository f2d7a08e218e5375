"""From data to formulas in one call."""

from kan_np.discovery.candidate import Candidate, Discovery
from kan_np.discovery.library import wide_library
from kan_np.discovery.search import discover

__all__ = ["Candidate", "Discovery", "discover", "wide_library"]
