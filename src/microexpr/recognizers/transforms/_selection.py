"""What transforms that choose some of the features share: which were chosen, and giving them back."""

from __future__ import annotations

import numpy as np

from ..base import State
from .base import Transform


class Selection(Transform):
    """A transform that keeps some of the values of an array.

    Attributes:
        chosen_: positions of the chosen values.
        length_: number of all.
    """

    chosen_: np.ndarray
    length_: int

    def _transform(self, array: np.ndarray) -> np.ndarray:
        return self._check_length(array, self.length_)[self.chosen_]

    def state(self) -> State:
        """Return the positions of the chosen features, and the number of all."""
        return {"chosen": self.chosen_, "length": np.array(self.length_)}

    def _restore(self, state: State) -> None:
        self.chosen_, self.length_ = state["chosen"], int(state["length"])
