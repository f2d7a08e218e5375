"""Derivatives of a model by its inputs, in the units of the data."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.scaler import Scaler
from kan_np.jets.input_derivatives import InputDerivatives
from kan_np.jets.multi_index import DerivativeSet, MultiIndex
from kan_np.jets.network import output_derivatives
from kan_np.kernels.jet_splines import HIGHEST
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network


class HasDerivatives:
    """A model whose outputs are differentiated by its inputs."""

    #: Between the units of the data and the numbers of the network; None where these are the same.
    scaler: Scaler | None
    #: Parameters and arithmetic: never changed, only replaced.
    _network: Network | MlpNetwork

    @abstractmethod
    def _samples(self, x: ArrayLike, first_row: int = 0) -> FloatArray:
        """Inputs in the units of the data as the network takes them."""

    @abstractmethod
    def _within(self, x: FloatArray) -> FloatArray:
        """Inputs with those outside where the edges are followed brought back to its ends."""

    def input_jacobian(self, x: ArrayLike) -> FloatArray:
        """Exact derivatives d f_j / d x_i of ``model(x)``, in the units of the data.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)

        Returns
        -------
        ndarray of shape (n_samples, n_out, n_in)

        Raises
        ------
        ValueError
            As ``model(x)``.
        """
        samples = self._samples(x)
        self._network.check_inputs(samples)
        within = self._within(samples)
        jacobian = self._network.input_jacobian(within)
        if within is not samples:
            jacobian = jacobian * (within == samples)[:, None, :]
        if self.scaler is None:
            return jacobian
        return jacobian * self.scaler.label_scale[:, None] / self.scaler.input_scale

    def derivatives(self, x: ArrayLike, order: int = 2) -> InputDerivatives:
        """Exact derivatives of ``model(x)`` by the inputs up to an order, in the units of the data.

        Every edge is differentiated by its formula and derivatives are taken through the layers by the chain
        rule (Faa di Bruno's formula). Splines of order k have k - 1 continuous derivatives.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)
        order : {1, 2, 3}
            Highest order.

        Returns
        -------
        InputDerivatives
            ``d.value``, ``d.gradient``, ``d.hessian``, ``d.laplacian``, and by name ``d[0, 1]``.

        Raises
        ------
        ValueError, TypeError
            As ``model(x)``, and for another order.

        Examples
        --------
        >>> from kan_np import KAN
        >>> d = KAN([2, 3, 1], k=5, seed=0).derivatives([[0.1, 0.2], [0.3, 0.4]])
        >>> d.hessian.shape
        (2, 1, 2, 2)
        """
        order = _validate.integer("order", order, 1, HIGHEST)
        samples = self._samples(x)
        self._network.check_inputs(samples)
        within, n_in = self._within(samples), samples.shape[1]
        found = output_derivatives(self._network, within, list(DerivativeSet.up_to(n_in, order).indices))
        scaled: dict[MultiIndex, FloatArray] = {}
        for index, values in found.items():
            inputs = list(index)
            if within is not samples:  # held where the training range ends: constant beyond
                values = values * (within == samples)[:, inputs].all(axis=1)[:, None]
            if self.scaler is not None:
                values = values * (self.scaler.label_scale / np.prod(self.scaler.input_scale[inputs]))
                values = values if index else values + self.scaler.label_shift
            scaled[index] = values
        return InputDerivatives(scaled, n_in)

    def input_hessian(self, x: ArrayLike) -> FloatArray:
        """Exact second derivatives d^2 f_j / d x_i d x_h of ``model(x)``, in the units of the data.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)

        Returns
        -------
        ndarray of shape (n_samples, n_out, n_in, n_in)

        Raises
        ------
        ValueError
            As ``model(x)``.
        """
        return self.derivatives(x).hessian
