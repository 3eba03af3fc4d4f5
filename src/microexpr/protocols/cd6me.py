"""CD6ME: action units across six data sets, each of which is left out once (Varanka et al. 2022, arXiv 2211.11425).

The twelve action units are judged each by its F1 on the predictions of all folds together, and their mean is the score;
the second score is the mean of the data sets' means. Their code, the package meb, edits a few rows of the sheets by
hand: copies of the releases differ, and a `corrections.csv` beside a sheet makes such edits.
"""

from __future__ import annotations

from typing import Any

from .base import PROTOCOLS, Protocol

UNITS = ("1", "2", "4", "5", "6", "7", "9", "10", "12", "14", "15", "17")

CLIPS = {"casme": 189, "casme2": 256, "samm": 159, "fourdme": 267, "mmew": 300, "casme3a": 860}
"""Data set -> its clips, in the order of the authors."""

_POSITIVES = {
    "casme": (23, 17, 70, 0, 1, 4, 40, 3, 9, 23, 14, 13),
    "casme2": (26, 22, 130, 2, 13, 39, 13, 16, 34, 27, 16, 25),
    "samm": (6, 18, 23, 10, 3, 46, 5, 6, 28, 13, 4, 6),
    "fourdme": (46, 54, 102, 8, 25, 89, 1, 2, 53, 4, 6, 11),
    "mmew": (50, 41, 109, 70, 10, 47, 8, 38, 37, 17, 6, 11),
    "casme3a": (153, 128, 274, 44, 8, 27, 50, 10, 15, 193, 6, 20),
}
"""Data set -> clips that show each of the units."""

_SOURCE = "Varanka et al. 2022 (arXiv 2211.11425); counts: package meb"
_COMMON: dict[str, Any] = {
    "label": "action_units",
    "multilabel": True,
    "min_positives": 1,
    "undefined_as_chance": True,
    "primary_metrics": ("f1", "auc"),
    "source": _SOURCE,
}

_ALONE = {
    "casme": ("CASME", ("1", "4", "9", "14")),
    "casme2": ("CASME II", ("1", "2", "4", "7", "12", "14", "15", "17")),
    "samm": ("SAMM", ("2", "4", "7", "12")),
    "mmew": ("MMEW", ("1", "2", "4", "5", "7", "10", "12", "14")),
}
"""Data set -> its title and the units that are judged where it is evaluated alone.

Theirs of 4DME have AU 45, a blink, which the package does not tell.
"""


def _counts(dataset: str, units: tuple[str, ...]) -> dict[str, int]:
    shown = dict(zip(UNITS, _POSITIVES[dataset], strict=True))
    return {unit: shown[unit] for unit in units}


PROTOCOLS.add(
    "cd6me",
    Protocol(
        name="cd6me",
        title="CD6ME: twelve action units across six data sets, leave one data set out",
        datasets=tuple(CLIPS),
        classes=UNITS,
        split="leave-one-dataset-out",
        counts={dataset: _counts(dataset, UNITS) for dataset in CLIPS},
        clip_totals=CLIPS,
        **_COMMON,
    ),
)
for _dataset, (_title, _units) in _ALONE.items():
    PROTOCOLS.add(
        f"cd6me-{_dataset}",
        Protocol(
            name=f"cd6me-{_dataset}",
            title=f"{_title} alone, {len(_units)} of the action units of CD6ME, leave one subject out",
            datasets=(_dataset,),
            classes=_units,
            counts={_dataset: _counts(_dataset, _units)},
            clip_totals={_dataset: CLIPS[_dataset]},
            **_COMMON,
        ),
    )
