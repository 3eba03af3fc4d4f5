"""The majority baseline on the clips of a published protocol, which every published accuracy is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..protocols import PROTOCOLS
from .published import PublishedRow

WAR = "weighted_average_recall"
NOTE = "majority: accuracy of always predicting the most frequent class of all clips of the published protocol"


@dataclass(frozen=True)
class Majority:
    """The most frequent class of a protocol's published clips.

    Attributes:
        label: the class.
        clips: number of its clips.
        total: number of all clips.
    """

    label: str
    clips: int
    total: int

    @property
    def accuracy(self) -> float:
        """Of always predicting it, 0 to 1."""
        return self.clips / self.total


def majority_of(protocol: str) -> Majority | None:
    """The majority class of all published clips; None where no paper counts them, or where folds are averaged."""
    if protocol not in PROTOCOLS:
        return None
    rules = PROTOCOLS.get(protocol)
    if rules.average != "pooled" or not rules.datasets or not set(rules.datasets) <= set(rules.counts):
        return None
    clips = {label: sum(rules.counts[name].get(label, 0) for name in rules.datasets) for label in rules.classes}
    label = max(clips, key=lambda name: clips[name])
    return Majority(label, clips[label], sum(clips.values()))


def exactly_majority(rows: Iterable[PublishedRow]) -> list[str]:
    """One line for each published accuracy that equals that of the majority baseline, as far as it is printed."""
    lines = []
    for row in rows:
        majority, value = majority_of(row.protocol), row.metrics.get(WAR)
        if majority is None or value is None:
            continue
        decimals = max(2, len(f"{value}") - 2)
        if round(majority.accuracy, decimals) == value:
            clips = f"{majority.clips} of {majority.total} clips ({100 * majority.accuracy:.1f} %)"
            lines.append(
                f"{row.method}: the printed {100 * value:g} % is exactly that of the majority class, {clips}: "
                f'always predicting "{majority.label}" scores the same'
            )
    return lines
