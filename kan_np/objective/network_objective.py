"""The objective of a KAN on samples: mean squared error + sparsity penalty + smoothing."""

from __future__ import annotations

from kan_np._validate import FloatArray
from kan_np.network.network import Network
from kan_np.objective.compiled import CompiledEvaluator, Memory
from kan_np.objective.evaluator import residual_weights
from kan_np.objective.layered import LayeredEvaluator
from kan_np.objective.loss import SQUARES, Loss
from kan_np.objective.loss_evaluator import LossEvaluator
from kan_np.objective.regularized_loss import RegularizedLoss, Samples
from kan_np.objective.smoothing import WEAK, Roughness, Smoother
from kan_np.objective.sparsity_penalty import Penalty, SparsityPenalty


def network_objective(
    net: Network,
    x: FloatArray,
    y: FloatArray,
    penalty: Penalty | None = None,
    weight: FloatArray | None = None,
    smoothing: float | str = 0.0,
    memory: Memory = Memory(),  # noqa: B008  it cannot be changed
    loss: Loss = SQUARES,
) -> RegularizedLoss:
    """f(theta) = sum_s v_s |f(x_s) - y_s|^2 + lamb R + smoothing S for a network on samples.

    For other losses than squares the first term is their weighted mean.

    Parameters
    ----------
    net : Network
        Its trained parameters are not used, its frozen ones are.
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    penalty : Penalty, optional
        R, see `kan_np.objective.sparsity_penalty`.
    weight : ndarray of shape (n_samples,), optional
        Sample weights; v_s = weight_s / (n_out sum of weight). Equal weights if not given.
    smoothing : float or "weak"
        Weight of S, over the spline edges, see `kan_np.objective.smoothing`; the attribute may be changed
        between evaluations. With "weak" `normal_equations` sets one weight for each edge.
    memory : Memory
        Bounds of the memory of a compiled evaluation.
    loss : Loss
        With other losses than squares `smoothing` is a number.
    """
    structure = net.structure

    def of_samples(
        x: FloatArray, y: FloatArray, weight: FloatArray | None = None
    ) -> tuple[CompiledEvaluator | LayeredEvaluator | LossEvaluator, SparsityPenalty]:
        evaluator: CompiledEvaluator | LayeredEvaluator
        if net.is_compiled:
            evaluator = CompiledEvaluator(structure, x, y, weight, memory)
        else:
            evaluator = LayeredEvaluator(structure, x, y, weight)
        regularizer = SparsityPenalty(penalty or Penalty(), structure, evaluator, x.shape[0])
        return evaluator if loss.is_squares else LossEvaluator(evaluator, loss, y, weight), regularizer

    evaluator, regularizer = of_samples(x, y, weight)
    samples = Samples(x, y, residual_weights(y, weight), of_samples)
    rough = Roughness.of(net.table, net.topology.source, weak=smoothing == WEAK)
    smoother = Smoother(rough, smoothing, net.topology.n_edges, net.table.n_basis)
    return RegularizedLoss(
        evaluator, net.values, regularizer, samples, structure.parameters, smoother, structure.has_base
    )
