"""CAS(ME)^2: the 57 micro-expressions of its long videos as clips, of 14 subjects at 30 frames per second."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ..core.clip import Clip
from ..synthetic import Kind, Timing
from . import _sheets as sheets
from ._intervals import micro_clips
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .casme_sq import SHEETS, STIMULI, SUBJECTS, CasmeSq
from .synthetic.clip_videos import ClipVideos
from .synthetic.clips import ClipSpec, Labels, RecordingSpec, assign_labels, clip_spec, split_evenly, subsample_counts

MACRO = Timing(onset=3, apex=15, offset=33, frames=37, fps=30)
"""When a macro-expression of a synthetic copy moves."""

PEOPLE = 14
VIDEOS = 33
LABELS: dict[Labels, int] = {
    ("negative", ""): 21,
    ("others", ""): 19,
    ("surprise", ""): 9,
    ("positive", ""): 8,
}
"""Micro-expressions by emotion; the release has no objective classes."""


@DATASETS.register("casme_sq_micro")
class CasmeSqMicro(Dataset):
    """The folder of `casme_sq`, and its rules: a row is a clip of its video, `casme_sq_micro/s15/disgust1_1`.

    Micro is what the sheet calls so: 10 of the 57 last longer than half a second. In 44 rows of the sheet the offset is
    0, which ends a movement at its apex; where the apex is 0, it is taken half-way. Rows whose apex lies after the
    offset are issues: (onset, apex, offset) = (1221, 1230, 1224), (2169, 2203, 2202) and (2407, 2455, 2451) are known.

    The people are those of `casme_sq`, under other names: never train on one and test on the other.
    """

    info = DatasetInfo(
        title="CAS(ME)^2, micro-expressions",
        citation=CasmeSq.info.citation,
        access=CasmeSq.info.access,
        fps=30,
        clips=sum(LABELS.values()),
        subjects=PEOPLE,
        counts={"emotion": {emotion: n for (emotion, _), n in LABELS.items()}},
        source="rows of the sheet",
        more_labels=("action_units", "self_report"),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of micro-expressions, as the reader of the long videos understands them."""
        videos, issues = CasmeSq(self.root).read()
        return micro_clips(videos, "casme_sq_micro"), issues

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The sheet, and of each video the frames around its expressions, 480x640.

        Each person has a macro-expression, too, which is no clip.
        """
        videos = ClipVideos(RecordingSpec("casme_sq", 30, (480, 640), image_scale, framing="wide"), pause=30)
        numbers = {f"s{number}": i for i, number in enumerate(SUBJECTS, 1)}
        rows: list[tuple[object, ...]] = []

        def write(spec: ClipSpec, kind: Kind, timing: Timing | None = None) -> None:
            code, _, title = next(stimulus for stimulus in STIMULI if stimulus[1] == spec.name.partition("_")[0])
            folder = root / "rawpic" / spec.subject / f"{spec.subject[1:]}_{code}{title}"
            times = videos.write(spec, folder, "img{:03d}.jpg", timing, kind)
            labels = (spec.action_units, spec.emotion, f"{kind}-expression", spec.emotion)
            rows.append((numbers[spec.subject], spec.name, *times, *labels))

        for spec in clip_specs(subjects, seed):
            write(spec, "micro")
        for subject in dict.fromkeys(row[0] for row in rows):
            name = next(name for name, number in numbers.items() if number == subject)
            write(clip_spec("casme_sq", name, f"{STIMULI[0][1]}_9", ("positive", "I"), seed), "macro", MACRO)
        rule1 = [(int(name[1:]), name, number) for name, number in numbers.items()]
        rule2 = [(code, name) for code, name, _ in STIMULI]
        sheets.write_tables(root / SHEETS[1], {"CASFEcode_final": rows, "naming rule1": rule1, "naming rule2": rule2})


def clip_specs(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The micro-expressions of a synthetic copy; a whole one has 57 in 33 videos, dealt to 14 people evenly."""
    names = [f"s{number}" for number in SUBJECTS[:PEOPLE]][:subjects]
    counts = dict(zip(names, split_evenly(sum(LABELS.values()), PEOPLE), strict=False))
    videos = dict(zip(names, split_evenly(VIDEOS, PEOPLE), strict=False))
    specs, used = [], Counter[str]()
    for subject, labels in assign_labels(subsample_counts(LABELS, sum(counts.values())), counts, seed):
        number, video = divmod(used[subject], videos[subject])
        used[subject] += 1
        specs.append(clip_spec("casme_sq", subject, f"{STIMULI[video][1]}_{number + 1}", labels, seed))
    return specs
