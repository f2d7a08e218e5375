"""Pictures of models: a KAN with the function of every edge, one edge, one prediction, an MLP.

Figures are made without pyplot, so that nothing global changes; show one in a notebook by returning it, and
write it with ``figure.savefig("model.svg")``.
"""

from kan_np.plot.edge import plot_edge
from kan_np.plot.film import Film
from kan_np.plot.forgetting import plot_forgetting
from kan_np.plot.graph import ComputationalGraph
from kan_np.plot.mlp import plot_mlp
from kan_np.plot.network import plot_network

__all__ = ["ComputationalGraph", "Film", "plot_edge", "plot_forgetting", "plot_mlp", "plot_network"]
