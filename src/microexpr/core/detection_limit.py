"""How small a movement would have been found in a recording, and the sentences that say it."""

from __future__ import annotations

from dataclasses import dataclass

Points = tuple[tuple[float, float], ...]
"""(pixels of a face 224 wide, probability 0 to 1), rising."""


@dataclass(frozen=True)
class DetectionCurve:
    """How likely a movement of one kind and duration is found in a recording, by its size.

    Attributes:
        movement: what moves: `brow raise`, `lid raise` or `mouth corner raise`.
        action_units: the action units that were injected, e.g. `1+2`.
        milliseconds: from onset to offset.
        half: size at which half of the movements are found, in pixels of a face 224 pixels wide; None where that is
            more than `DetectionLimit.largest`, and 0.25 where it is less.
        nine_in_ten: size at which nine in ten are found, likewise.
        low, high: limits of `half` within which it lies with 80 %, given the few movements that were injected.
        trials: number of movements of this kind and duration that were injected; where it is 0, the other fields follow
            from other kinds and durations alone.
        found: number of them that were found.
        curve: (pixels, probability that a movement of that size is found).
    """

    movement: str
    action_units: str
    milliseconds: int
    half: float | None
    nine_in_ten: float | None
    low: float
    high: float
    trials: int
    found: int
    curve: Points = ()

    def text(self, largest: float) -> str:
        """`100 ms is found from 0.9 px on (half) and 1.6 px (nine in ten)`; `largest` as in `DetectionLimit`."""
        if self.half is None:
            return f"{self.milliseconds} ms is not found up to {largest:g} px"
        half = f"{self.milliseconds} ms is found from {self.half:.2g} px on (half)"
        if self.nine_in_ten is None:
            return f"{half} and not nine times in ten up to {largest:g} px"
        return f"{half} and {self.nine_in_ten:.2g} px (nine in ten)"


@dataclass(frozen=True)
class DetectionLimit:
    """How small a movement would have been found in a recording: known movements were injected at its quiet places.

    Attributes:
        curves: one for each kind and duration; empty where nothing could be measured.
        places: number of quiet places at which movements were injected.
        trials: number of movements that were injected.
        one_side: how many times larger a movement on one side of the face has to be.
        largest: largest size that was injected, in pixels of a face 224 pixels wide.
        reason: why there are no curves; "" where there are.
    """

    curves: tuple[DetectionCurve, ...] = ()
    places: int = 0
    trials: int = 0
    one_side: float = 1.0
    largest: float = 8.0
    reason: str = ""

    def sentences(self) -> tuple[str, ...]:
        """What is found in this recording, a sentence for each kind of movement, and what these rest on."""
        if not self.curves:
            return (f"How small a movement is found in this recording was not measured: {self.reason}.",)
        kinds: dict[str, list[str]] = {}
        for curve in self.curves:
            if curve.trials:
                kinds.setdefault(curve.movement, []).append(curve.text(self.largest))
        found = (f"In this recording a {kind} of {', one of '.join(texts)}." for kind, texts in kinds.items())
        return (*found, self.basis)

    @property
    def basis(self) -> str:
        """What the numbers rest on."""
        return (
            f"Measured with {self.trials} movements injected at {self.places} quiet places, in pixels of a face 224 px "
            f"wide. A movement on one side of the face has to be {self.one_side:.1f} times as large; in speech and "
            "beside other movements all have to be larger."
        )
