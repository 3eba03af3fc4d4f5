"""The run folder of action units."""

from __future__ import annotations

from ..core.action_units import ACTION_UNITS
from .recognition_run import RecognitionRun


class ActionUnitsRun(RecognitionRun):
    """A run of recognizing action units.

    It is stored like one of recognition; `label` and `predicted` are action units as sheets write them (`4+L10`), and
    the probabilities are `p_R1`, `p_L1`, `p_R2` ...: of each action unit on the person's right and left side.
    """

    kind = "action-units"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Action units by side, as `units_by_side` orders them: R1, L1, R2, L2, ..."""
        return tuple(f"{side}{number}" for number in ACTION_UNITS for side in "RL")
