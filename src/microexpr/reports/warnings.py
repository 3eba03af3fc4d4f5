"""Warnings at the top of every report, whatever the kind of run."""

from __future__ import annotations

from collections.abc import Sequence

from ..experiments.data import MAX_FACELESS
from ..experiments.recognition_run import Prediction, RecognitionMetadata
from ..experiments.run_folder import Run
from ..protocols import LEAKING_IMAGES, LEAKING_VIDEOS, Protocol

MANY_FACELESS = 0.05
"""Fraction of clips without a face above which a report says so in capitals."""

SYNTHETIC = "The faces are synthetic: these numbers show that the program works, never that it recognizes emotions."


def run_warnings(runs: Sequence[Run], unit: str, items: str, published: str) -> list[str]:
    """What a reader must know of runs before quoting a number of them, each line once.

    Args:
        runs: runs of any kind.
        unit: plural of the units of a run, e.g. `folds`.
        items: plural of the items of its data, e.g. `clips`.
        published: what a subset is a subset of, e.g. `protocol`.
    """
    lines = [SYNTHETIC] if any(run.synthetic for run in runs) else []
    for run in runs:
        if not run.complete:
            failed = run.failed()
            example = f"; {len(failed)} failed, e.g. {next(iter(failed.items()))}" if failed else ""
            lines.append(
                f"PARTIAL: {len(run.done())} of {len(run.unit_names)} {unit} of '{run.folder}' are done{example}."
            )
    for run in runs:
        metadata = run.metadata
        if metadata.quick:
            lines.append("QUICK: made smaller by --quick (fewer subjects, smaller images, fewer epochs).")
        if metadata.subset:
            more = f"; and {len(metadata.subset) - 6} more differences" if len(metadata.subset) > 6 else ""
            lines.append(f"SUBSET of the published {published}: " + "; ".join(metadata.subset[:6]) + more + ".")
        if metadata.left_out:
            lines.append(f"{len(metadata.left_out)} {items} left out for lack of images, e.g. {metadata.left_out[0]}.")
    return list(dict.fromkeys(lines))


def seen_warnings(metadata: RecognitionMetadata, subjects: int) -> list[str]:
    """A line about test subjects whom a saved model was trained on, if there are any.

    Args:
        metadata: of the run.
        subjects: number of all test subjects.
    """
    if not metadata.seen:
        return []
    return [
        f"TRAINED ON TEST SUBJECTS: the model was trained on {len(metadata.seen)} of the {subjects} subjects of this "
        f"test (or does not say that it was not), e.g. {metadata.seen[0]}: these scores say nothing about new people."
    ]


_LEAKS = {
    LEAKING_IMAGES: "images of the same subjects, even of the same clips, are on both sides of this split",
    LEAKING_VIDEOS: "other clips of the test clip's subject are trained on in every fold of this split",
}


def leak_warnings(protocol: Protocol) -> list[str]:
    """A line about a split that has the same subjects on both sides, if this is one."""
    return [f"LEAKS: {_LEAKS[protocol.split]}; its scores say nothing about new people."] if protocol.leaks else []


def face_warnings(rows: Sequence[Prediction], consequence: str) -> list[str]:
    """A line about the clips in which no face was found, if there are any; a loud one where they are many.

    Args:
        rows: predictions of one run.
        consequence: what follows for these clips.
    """
    faceless = sum(not row.face_found for row in rows)
    if not faceless:
        return []
    line = f"no face was found in {faceless} of {len(rows)} clips ({100 * faceless / len(rows):.0f} %): {consequence}"
    if faceless > MAX_FACELESS * len(rows):
        return [f"NO FACE: {line}; the scores of this run say nothing about its recognizer."]
    return [f"NO FACE: {line}." if faceless > MANY_FACELESS * len(rows) else f"{line[0].upper()}{line[1:]}."]


MAX_NAMES = 3
"""Largest number of runs that a shared warning names."""


def join_warnings(groups: Sequence[tuple[str, Sequence[str]]]) -> tuple[list[str], list[str]]:
    """(warnings that hold for every run, other warnings after the names of their runs, each said once).

    Args:
        groups: (name, warnings) of each run; each part of a report says its own warnings again.
    """
    runs_of: dict[str, list[str]] = {}
    for name, lines in groups:
        for line in lines:
            runs_of.setdefault(line, []).append(name)
    common = [line for line in groups[0][1] if all(line in lines for _, lines in groups)]
    return common, [f"{_names(names)}: {line}" for line, names in runs_of.items() if line not in common]


def _names(names: Sequence[str]) -> str:
    """Names of runs; of many the first ones and how many more."""
    if len(names) <= MAX_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: MAX_NAMES - 1])} and {len(names) - MAX_NAMES + 1} more runs"
