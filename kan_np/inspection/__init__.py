"""What is inside a model and what it is worth: activations, scores, derivatives, the landscape of its loss.

Functions of a `kan_np.KAN` that leave it as it is, with the names that pykan's tutorials use. Those whose
first argument is called model are its methods, too, but for `batch_hessian`: ``model.get_act(x)`` is
``kan_np.inspection.get_act(model, x)``.
"""

from kan_np.inspection.activations import Activations, get_act, get_fun, get_range
from kan_np.inspection.attribution import Attribution, attribute, feature_interaction
from kan_np.inspection.connections import connection_cost
from kan_np.inspection.evaluation import evaluate, reg
from kan_np.inspection.input_derivatives import batch_hessian, batch_jacobian
from kan_np.inspection.loss_landscape import get_derivative

__all__ = [
    "Activations",
    "Attribution",
    "attribute",
    "batch_hessian",
    "batch_jacobian",
    "connection_cost",
    "evaluate",
    "feature_interaction",
    "get_act",
    "get_derivative",
    "get_fun",
    "get_range",
    "reg",
]
