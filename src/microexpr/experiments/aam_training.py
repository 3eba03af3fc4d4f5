"""Train an active appearance model on the people of data sets, and measure it on people whom it has not seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from .. import __version__
from ..core.clip import Clip
from ..core.errors import MissingDataError
from ..core.files import write_atomically
from ..core.progress import ProgressCallback, no_progress
from ..datasets import Dataset
from ..faces.aam import model_path
from ..faces.aam_training import LabeledFace, Measured, cut_out, train_and_test
from ..faces.landmarks import find_landmarks
from ..imaging.frames import open_frames

Source = Literal["", "release", "mesh"]
"""Where landmarks come from: the release, the face mesh, or "" for the release where it has any."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A model that was trained and saved.

    Attributes:
        path: of the model; a .json beside it says what it was made of.
        measured: its errors on people whom it was not trained on.
        trained_on: these people.
        images: number of their images.
        by_release: number of all images whose landmarks the release publishes; those of the others are of the mesh.
        faceless: number of images without a face by the mesh, which take no part.
    """

    path: Path
    measured: Measured
    trained_on: tuple[str, ...]
    images: int
    by_release: int
    faceless: int


def train_aam(
    name: str,
    datasets: Sequence[Dataset],
    *,
    source: Source = "",
    frames: int = 2,
    test_fraction: float = 0.2,
    seed: int = 0,
    progress: ProgressCallback = no_progress,
) -> Trained:
    """Train an active appearance model, measure it on a part of the people, and save it as `aam/<name>.npz`.

    Args:
        name: of the model; the steps `align` and `landmarks` take it as `model`.
        datasets: whose clips have the faces.
        source: of the landmarks; "" takes those of the release where it has any, else the face mesh's.
        frames: images of each clip, evenly from its onset to its apex.
        test_fraction: of the people, who are only tested; the saved model has not seen them.
        seed: of the draw of these people.
        progress: called as the work goes on.

    Raises:
        UsageError: the name cannot be that of a file, or there are fewer than three people.
        MissingDataError: no image has landmarks from that source.
    """
    path = model_path(name)
    faces, by_release, faceless = [], 0, 0
    clips = [(dataset, clip) for dataset in datasets for clip in dataset.clips(allow_missing=True)]
    for done, (dataset, clip) in enumerate(clips, 1):
        for image, points, published in _labeled(dataset, clip, source, frames):
            by_release += published
            faceless += points is None
            if points is not None:
                faces.append(cut_out(LabeledFace(clip.subject, image, points)))
        progress("reading faces", done, len(clips))
    if not faces:
        names = ", ".join(dataset.name for dataset in datasets)
        what = "publishes no landmarks of its clips" if source == "release" else "shows no face that the mesh finds"
        raise MissingDataError(f"{names} {what}: there is nothing to train '{name}' on")
    progress("training the appearance model", 0, 1)
    model, measured = train_and_test(faces, test_fraction, seed)
    progress("training the appearance model", 1, 1)
    model.save(path)
    known = [face.subject for face in faces if face.subject not in measured.subjects]
    trained = Trained(path, measured, tuple(sorted(set(known))), len(known), by_release, faceless)
    write_atomically(path.with_suffix(".json"), json.dumps(_record(trained, datasets, seed), indent=2).encode())
    return trained


def _labeled(
    dataset: Dataset, clip: Clip, source: Source, frames: int
) -> Iterator[tuple[np.ndarray, np.ndarray | None, bool]]:
    """Image, (68, 2) landmarks or None, and whether the release publishes them, of some frames of a clip."""
    published = dataset.landmarks(clip) if source != "mesh" else {}
    if not published and source == "release":
        return
    recorded = open_frames(clip.source)
    numbers = [n for n in recorded.numbers if (clip.onset is None or n >= clip.onset)]
    numbers = [n for n in numbers if clip.apex is None or n <= clip.apex] or list(recorded.numbers)
    if published:
        numbers = [n for n in numbers if n in published]
    for i in sorted(set(np.linspace(0, len(numbers) - 1, frames).round().astype(int).tolist())) if numbers else []:
        image = recorded.read(numbers[i])
        if published:
            yield image, published[numbers[i]], True
        else:
            found = find_landmarks(image)
            yield image, None if found is None else found.points, False


def _record(trained: Trained, datasets: Sequence[Dataset], seed: int) -> dict[str, object]:
    """What the .json beside a model says."""
    measured = trained.measured
    return {
        "microexpr": __version__,
        "datasets": {d.name: {"synthetic": d.synthetic} for d in datasets},
        "trained_on": trained.trained_on,
        "tested_on": measured.subjects,
        "seed": seed,
        "images": trained.images,
        "landmarks_of_the_release": trained.by_release,
        "test_images": measured.faces,
        "undetected": measured.undetected,
        "refused": measured.refused,
        "mean_error": measured.mean_error if len(measured.errors) else None,
    }
