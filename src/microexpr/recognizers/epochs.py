"""Recognizers that are trained in epochs and can keep what they had learned after each of them.

No epoch is ever chosen here. An audit looks at them, to show what choosing the epoch on the test subject is worth.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TypeVar

from .base import Recognizer, State

T = TypeVar("T")


class TrainedInEpochs(Recognizer):
    """A recognizer that is trained in epochs.

    Attributes:
        keep_every: what was learned is kept after every so many epochs, and after the last one; 0 keeps nothing.
        epoch_states_: epoch, from 1 -> what had been learned by then.
    """

    keep_every = 0
    epoch_states_: dict[int, State]

    def _keep(self, epoch: int, last: bool) -> None:
        """Keep what is learned now, if this epoch is one to keep."""
        if self.keep_every and (last or epoch % self.keep_every == 0):
            self.epoch_states_[epoch] = _copied(self.state())

    def at_each_epoch(self, predict: Callable[[], T]) -> Iterator[tuple[int, T]]:
        """What a function gives after each kept epoch; what was learned last is in place again afterwards.

        Args:
            predict: predicts with this recognizer.

        Yields:
            Epoch, from 1, and what the function returned.
        """
        last = _copied(self.state())
        for epoch, state in self.epoch_states_.items():
            self._take_state(state)
            yield epoch, predict()
        self._take_state(last)

    @abstractmethod
    def _take_state(self, state: State) -> None:
        """Put what `state` returned in the place of what is learned now."""


def _copied(state: State) -> State:
    """A state that later training does not change."""
    return {name: array.copy() for name, array in state.items()}
