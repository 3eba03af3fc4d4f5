"""Warnings at the top of every report, whatever the kind of run."""

from __future__ import annotations

from collections.abc import Sequence

from ..experiments.run_folder import Run

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


def join_warnings(groups: Sequence[tuple[str, Sequence[str]]]) -> tuple[list[str], list[str]]:
    """(warnings that hold for every run, other warnings after the name of their run).

    Args:
        groups: (name, warnings) of each run.
    """
    common = [line for line in groups[0][1] if all(line in lines for _, lines in groups)]
    own = [f"{name}: {line}" for name, lines in groups for line in lines if line not in common]
    return common, own
