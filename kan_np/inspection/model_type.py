"""What functions of a model need of it: the part of `kan_np.KAN` that the rooms below may use."""

from __future__ import annotations

from typing import Any, Protocol, Self, TypeVar

from numpy.typing import ArrayLike, NDArray

from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.data.columns import Columns
from kan_np.data.scaler import Scaler
from kan_np.network.network import Network
from kan_np.objective.loss import Loss


class KanModel(Protocol):
    """A KAN with the border between the units of the data and the numbers of its network."""

    scaler: Scaler | None
    grid_eps: float
    grid_margin: float
    _network: Network
    _start: Network
    _used: Any
    _columns: Columns
    _loss: Loss
    _training_range: FloatArray | None
    _followed: FloatArray | None
    _leeway: float
    _constant: Any
    _shrinkage: float | None
    _history: Any

    @property
    def width(self) -> list[int]: ...

    @property
    def grid(self) -> int: ...

    @property
    def k(self) -> int: ...

    @property
    def feature_names(self) -> list[str] | None: ...

    @property
    def input_id(self) -> NDArray[Any]: ...

    @property
    def n_params(self) -> int: ...

    @property
    def edges(self) -> list[NDArray[Any]]: ...

    @property
    def _is_untrained(self) -> bool: ...

    @property
    def _theta(self) -> FloatArray: ...

    def copy(self) -> Self: ...

    def _matched(self, dataset: Dataset) -> Dataset: ...

    def _samples(self, x: ArrayLike, first_row: int = 0) -> FloatArray: ...

    def _samples_or_spread(self, x: ArrayLike | None) -> FloatArray: ...

    def _labels(self, y: ArrayLike | None, n_samples: int) -> FloatArray | None: ...

    def _within(self, x: FloatArray) -> FloatArray: ...

    def _outputs(self, values: FloatArray) -> FloatArray: ...

    def _reshape(self, network: Network) -> None: ...

    def _with(self, network: Network) -> Self: ...

    def _move_grid(self, x: FloatArray, slack: float = 0.0) -> None: ...

    def _rmse(self, x: FloatArray, y: FloatArray) -> float: ...

    def _mean_loss(
        self,
        x: FloatArray,
        y: FloatArray,
        weight: FloatArray | None = None,
        unit: FloatArray | float = 1.0,
    ) -> float: ...


#: The same kind of model that was given.
M = TypeVar("M", bound=KanModel)
