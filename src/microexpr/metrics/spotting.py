"""How well intervals were found: one set of scores for micro-, macro- and all expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ..core.clip import Interval
from ..core.errors import UsageError
from ..core.events import Event
from .intervals import SpottingScore, interval_f1, overlap, strs
from .recognition import macro_f1

Span = TypeVar("Span", Interval, Event)
"""What has an onset and an offset, in frames with both ends."""

Found = Mapping[str, Sequence[Interval]]
"""Video -> intervals."""

KINDS = ("micro", "macro", "all")

COARSE = ("negative", "positive", "surprise")
_JOINED = {
    "negative": {"negative", "anger", "contempt", "disgust", "fear", "repression", "sadness"},
    "positive": {"positive", "happiness"},
    "surprise": {"surprise"},
}


@dataclass(frozen=True)
class SpottingReport:
    """Scores of a spotter over videos.

    Attributes:
        scores: `micro`, `macro`, `all` -> counts, precision, recall, F1. Micro and macro are matched on their own, and
            `all` sums their counts, as MEGC 2020 does: a find of the wrong kind is a miss and a false alarm.
        either: the same when the kind does not matter.
        false_alarms: a minute, of those in `either`.
        onset_error: mean absolute error of the onset in ms over the intervals matched in `either`; nan without any.
    """

    scores: Mapping[str, SpottingScore]
    either: SpottingScore
    false_alarms: float
    onset_error: float


def evaluate_spotting(
    truth: Found, found: Found, seconds: Mapping[str, float], fps: Mapping[str, float]
) -> SpottingReport:
    """Precision, recall and F1 at IoU .5 over all videos, false alarms a minute and the onset's error.

    Args:
        truth, found: the true and the found intervals of each video, in the same frame numbers.
        seconds, fps: length of each video of `truth`, and its frames per second.

    Raises:
        UsageError: a video without its length or frame rate, or one that is not above 0.
    """
    for video in truth:
        if not seconds.get(video, 0) > 0 or not fps.get(video, 0) > 0:
            raise UsageError(f"video '{video}': give its seconds and frames per second, both above 0")
    kinds = {kind: interval_f1(_spans(truth, kind), _spans(found, kind)) for kind in ("micro", "macro")}
    pooled = SpottingScore(*(sum(getattr(s, name) for s in kinds.values()) for name in ("tp", "fp", "fn")))
    either = interval_f1(_spans(truth), _spans(found))
    errors = [
        abs(real.onset - guess.onset) / fps[video] * 1000
        for video, intervals in truth.items()
        for real, guess in match_intervals(intervals, found.get(video, ()))
    ]
    alarms = either.fp / (sum(seconds[video] for video in truth) / 60) if truth else 0.0
    return SpottingReport({**kinds, "all": pooled}, either, alarms, float(np.mean(errors)) if errors else float("nan"))


@dataclass(frozen=True)
class SpotThenRecognize:
    """How well intervals were found and named (MEGC 2025).

    Attributes:
        kind: of the intervals, `micro`, `macro` or `all`.
        spotting_f1: of finding them, 0 to 1.
        analysis_f1: macro F1 over three coarse classes of the intervals that were found, 0 to 1.
        judged: how many found intervals have a true coarse class.
        left_out: how many have none (`others`); they count for spotting only.
    """

    kind: str
    spotting_f1: float
    analysis_f1: float
    judged: int
    left_out: int

    @property
    def strs(self) -> float:
        """The product of both F1."""
        return strs(self.spotting_f1, self.analysis_f1)


def spot_then_recognize(
    report: SpottingReport, truth: Sequence[str], guess: Sequence[str], kind: str = "micro"
) -> SpotThenRecognize:
    """STRS of MEGC 2025 (arXiv 2506.15298): F1 of spotting times F1 of recognition on the true positives.

    Args:
        report: of the spotting.
        truth: the word for each true positive, as its release has it.
        guess: the recognizer's word for each, "" for none, which counts as wrong.
        kind: which intervals are meant.

    Raises:
        UsageError: not one guess a truth, or a guess that has no coarse class.
    """
    if len(truth) != len(guess):
        raise UsageError(f"{len(truth)} true positives but {len(guess)} guesses; give one each")
    if strange := sorted({word for word in guess if word and coarse(word) is None}):
        raise UsageError(f"guess '{strange[0]}' is neither negative, positive nor surprise; use a recognizer of these")
    known = [(coarse(real), coarse(word) or "") for real, word in zip(truth, guess, strict=True)]
    judged = [(real, word) for real, word in known if real is not None]
    f1 = macro_f1([real for real, _ in judged], [word for _, word in judged], COARSE) if judged else 0.0
    return SpotThenRecognize(kind, report.scores[kind].f1, f1, len(judged), len(known) - len(judged))


def coarse(word: str) -> str | None:
    """Negative, positive or surprise, as MEGC 2019 joins emotions; None for a word that is none of them (`others`)."""
    return next((name for name, words in _JOINED.items() if word.lower() in words), None)


def match_intervals(truth: Sequence[Span], found: Sequence[Span], iou: float = 0.5) -> list[tuple[Span, Span]]:
    """True and found intervals of one video matched one to one, best overlap first, as `metrics.interval_f1` does."""
    every = [
        (overlap((r.onset, r.offset), (f.onset, f.offset)), i, j)
        for i, r in enumerate(truth)
        for j, f in enumerate(found)
    ]
    rows: set[int] = set()
    columns: set[int] = set()
    matched = []
    for value, i, j in sorted(every, key=lambda one: -one[0]):
        if value >= iou and i not in rows and j not in columns:
            rows.add(i)
            columns.add(j)
            matched.append((truth[i], found[j]))
    return matched


def _spans(videos: Found, kind: str = "") -> dict[str, list[tuple[int, int]]]:
    return {v: [(i.onset, i.offset) for i in every if kind in ("", i.kind)] for v, every in videos.items()}
