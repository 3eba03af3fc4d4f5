"""The majority baseline on the clips of a published protocol, with which every published accuracy is compared."""

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
        """Accuracy of always predicting this class, 0 to 1."""
        return self.clips / self.total


def majority_of(protocol: str) -> Majority | None:
    """The majority class of all published clips; None if no paper gives their counts, or if folds are averaged."""
    if protocol not in PROTOCOLS:
        return None
    published = PROTOCOLS.get(protocol)
    datasets = published.datasets
    if published.average != "pooled" or not datasets or not set(datasets) <= set(published.counts):
        return None
    clips = {label: sum(published.counts[name].get(label, 0) for name in datasets) for label in published.classes}
    label = max(clips, key=lambda name: clips[name])
    return Majority(label, clips[label], sum(clips.values()))


def exactly_majority(rows: Iterable[PublishedRow]) -> list[str]:
    """A line for each published accuracy that equals that of the majority baseline in all printed decimals."""
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
