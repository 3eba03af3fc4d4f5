"""Recognizers that are trained in epochs and can be asked after each of them.

No epoch is ever chosen here, and asking changes nothing that is learned. An audit keeps the answers, to show what
choosing the epoch on the test subject is worth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import nn

from .base import Recognizer


class TrainedInEpochs(Recognizer):
    """A recognizer that is trained in epochs.

    Attributes:
        keep_every: `after_epoch` is called after every so many epochs, and after the last one; 0 never calls it.
        after_epoch: predicts something with the recognizer that it is called with, as that is after an epoch.
        outputs_by_epoch_: epoch, from 1 -> what `after_epoch` returned.
    """

    keep_every = 0
    after_epoch: Callable[[Recognizer], np.ndarray]
    outputs_by_epoch_: dict[int, np.ndarray]

    def _keep(self, module: nn.Module, epoch: int, last: bool) -> None:
        """Keep what is predicted now, if this epoch is one to keep; the module is left in evaluation mode."""
        if self.keep_every and (last or epoch % self.keep_every == 0):
            self.classes_ = self.classes  # it can predict from now on
            module.eval()
            self.outputs_by_epoch_[epoch] = self.after_epoch(self)
