"""A recognizer on movements that somebody coded in films: `python benchmarks/default_model_films.py FOLDER`.

FOLDER holds the films, `films.csv` (columns film, file, seconds annotated) and `truth.csv` (film, onset, apex and
offset in seconds, kind, units as `1+2+L4`, strength A to E, class, certainty). Without `--events` the coded onset and
apex are given to the recognizer; with it, a movement is classified where `microexpr analyze` found one: that folder has
a folder for each film with an `events.json`.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microexpr.analysis.options import AnalysisOptions
from microexpr.core.action_units import ACTION_UNITS, join_sides, parse_action_units
from microexpr.imaging.frames import open_frames
from microexpr.recognizers.model import Model, default_model, load_model

GROUPS = {"1+2": (1, 2), "4": (4,), "6+12": (6, 12), "25+26": (25, 26)}
"""Action units of which one must be listed where one is coded as C or stronger."""

CLASSES = ("negative", "positive", "surprise")
OPTIONS = AnalysisOptions()


@dataclass(frozen=True)
class Outcome:
    """The answer for a movement: a class or `unknown`, the reason, and the numbers of action units."""

    label: str
    units: frozenset[int]
    reason: str = ""


def read(path: Path) -> list[dict[str, str]]:
    """Read the rows of a sheet."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def predict(model: Model, source: Path, row: Mapping[str, str]) -> Outcome | None:
    """What the recognizer says between the coded onset and apex; None where both are the same frame."""
    frames = open_frames(source)
    times, numbers = np.asarray(frames.times), frames.numbers  # type: ignore[attr-defined]
    onset, apex = (int(numbers[np.abs(times - float(row[name])).argmin()]) for name in ("onset", "apex"))
    if onset >= apex:
        return None
    answer = model.answer(source, onset, apex, apex)
    best, probability = next(iter(answer.probabilities.items()))
    reason = answer.unknown or ("" if probability >= OPTIONS.threshold else f"probability {probability:.2f}")
    units = join_sides(answer.action_units, OPTIONS.unit_threshold)
    return Outcome("unknown" if reason else best, frozenset(unit.number for unit in units), reason)


def found(folder: Path, film: Mapping[str, str], row: Mapping[str, str]) -> Outcome | None:
    """What the event says that fits a coded movement best.

    It has the largest intersection over union among those that share at least half of the shorter one.
    """
    (path,) = sorted(folder.glob(f"{film['file']}*/events.json")) or sorted(folder.glob(f"{film['film']}*/events.json"))
    start, end = float(row["onset"]), float(row["offset"] or film["seconds annotated"])
    best: tuple[float, Outcome | None] = (0.0, None)
    for event in json.loads(path.read_text(encoding="utf-8"))["events"]:
        both = min(end, event["end"]) - max(start, event["start"])
        share = both / max(min(end - start, event["end"] - event["start"]), 1e-6)
        iou = both / max(max(end, event["end"]) - min(start, event["start"]), 1e-6)
        if share >= 0.5 and iou > best[0]:
            numbers = frozenset(unit["number"] for unit in event["action_units"])
            best = (iou, Outcome(event["label"], numbers, event.get("reason", "")))
    return best[1]


def outcomes(options: argparse.Namespace) -> Iterator[tuple[dict[str, str], Outcome | None]]:
    """Each coded movement, and the answer for it; None where nothing was found."""
    model = load_model(options.model) if options.model else default_model()
    assert model is not None
    films = {row["film"]: row for row in read(options.folder / "films.csv")}
    for row in read(options.folder / "truth.csv"):
        film = films[row["film"]]
        if row["kind"] != "expression" or not row["apex"]:
            continue
        if options.events:
            yield row, found(options.events, film, row)
        else:
            yield row, predict(model, options.folder / film["file"], row)


def main() -> None:
    """Print a line for each movement, and the counts."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("folder", type=Path)
    parse.add_argument("--model", type=Path, help="file of another recognizer")
    parse.add_argument("--events", type=Path, help="folder of what `microexpr analyze` found in the films")
    options = parse.parse_args()
    classes: dict[str, Counter[str]] = {"sure": Counter(), "likely": Counter(), "unsure": Counter()}
    units: dict[str, Counter[str]] = {name: Counter() for name in GROUPS}
    for row, outcome in outcomes(options):
        coded = {number for number, _ in parse_action_units(row["units"])} & set(ACTION_UNITS) | (
            {26} if "27" in row["units"] else set()
        )
        label = "not found" if outcome is None else outcome.label
        shown = "+".join(map(str, sorted(outcome.units))) if outcome else ""
        print(
            f"{row['film']:18} {row['onset']:>6} {row['units']:18} {row['strength']:1} {row['class']:8} "
            f"{row['certainty']:6} -> {label:9} {shown} {outcome.reason if outcome else ''}",
            flush=True,
        )
        if outcome is None:
            continue
        if row["class"] in CLASSES:
            kind = "unknown" if label == "unknown" else "right" if label == row["class"] else "wrong"
            classes[row["certainty"]][kind] += 1
        for name, members in GROUPS.items():
            if coded & set(members) and row["strength"] >= "C":
                units[name]["coded"] += 1
                units[name]["listed"] += bool(outcome.units & set(members))
            elif not coded & set(members):
                units[name]["not coded"] += 1
                units[name]["listed wrongly"] += bool(outcome.units & set(members))
    for certainty, counts in classes.items():
        print(f"{certainty}: {counts['right']} right, {counts['unknown']} unknown, {counts['wrong']} wrong")
    for name, counts in units.items():
        print(
            f"action units {name}, C or stronger: {counts['listed']} of {counts['coded']} listed; "
            f"in {counts['listed wrongly']} of {counts['not coded']} movements without them"
        )


if __name__ == "__main__":
    main()
