"""A clip is known by its images and by what the protocol reveals, not by where it lies."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ...core.clip import Clip, Sample
from .base import LEAK_CHECKS, TOLERANCE, Finding, LeakCheck, largest_difference
from .trial import Trial

MAX_CLIPS = 6


@LEAK_CHECKS.register("names")
@dataclass(frozen=True)
class Names(LeakCheck):
    """Clips are prepared and predicted again from copies whose names say nothing, with no other file beside them."""

    question = "knows a clip by its images alone"
    catches = "labels or apex frames taken from names, paths or sheets"

    def look(self, trial: Trial) -> Finding:
        """Prepare and predict copies without names."""
        clips = [example.clip for example in (*trial.test, *trial.train)][:MAX_CLIPS]
        if any(step.files(clip) for step in trial.chain.steps for clip in clips):
            return Finding("not tried", "a step of the chain reads more than one file of each clip")
        with TemporaryDirectory(prefix="copy-") as folder:
            for number, clip in enumerate(clips):
                found = self._compare(trial, clip, _nameless(trial.blind(clip), Path(folder), number))
                if found is not None:
                    return found
        return Finding("passed", f"{len(clips)} clips were prepared and predicted alike under names that say nothing")

    def _compare(self, trial: Trial, clip: Clip, copy: Clip) -> Finding | None:
        sample = trial.samples[clip.id]
        try:
            nameless = trial.chain(copy)
        except Exception as error:  # of a plug-in: whatever it misses
            why = f"{type(error).__name__}: {error}"
            return Finding("leak", f"a copy of '{clip.id}' cannot be prepared without what lies beside it ({why})")
        revealed = ", ".join(trial.data.protocol.reveal) or "nothing"
        for name, array in sample.arrays.items():
            if (difference := largest_difference(array, nameless.array(name))) > TOLERANCE:
                return Finding(
                    "leak",
                    f"'{name}' of '{clip.id}' changes by {difference:.2g} of its largest value when the clip has "
                    f"another name and lies elsewhere; the protocol reveals {revealed}",
                )
        pair = [trial.recognizer.predict_proba([one]) for one in (sample, _renamed(sample, copy))]
        if (difference := largest_difference(*pair)) > TOLERANCE:
            return Finding(
                "leak", f"the probabilities of '{clip.id}' change by {difference:.2g} when only its name is another one"
            )
        return None


def _nameless(clip: Clip, folder: Path, number: int) -> Clip:
    """A copy of a clip's images under names that say nothing; the data set's name stays, which is no secret."""
    target = folder / f"{number}" / f"images{clip.source.suffix if clip.source.is_file() else ''}"
    target.parent.mkdir()
    if clip.source.is_dir():
        shutil.copytree(clip.source, target)
    elif clip.source.is_file():  # a recipe that reads no images needs none
        shutil.copy(clip.source, target)
    person = f"{clip.dataset}/person-{number}"
    return dataclasses.replace(clip, id=f"{person}/clip", subject=person, source=target)


def _renamed(sample: Sample, copy: Clip) -> Sample:
    return dataclasses.replace(sample, clip=copy)
