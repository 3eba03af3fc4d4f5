"""Face mesh and appearance model side by side: `python benchmarks/faces.py [people]`.

On synthetic people that the appearance model was not trained on, with true landmarks. The error is the mean distance of
the 68 points in distances of the outer corners of the eyes. `centerd` takes each point's mean deviation away first:
what a way draws elsewhere on every face is a matter of definition and does not tremble.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from microexpr.faces.aam import fit, named_model
from microexpr.faces.cascade import find_eyes
from microexpr.faces.landmarks import detect_face, find_landmarks
from microexpr.preprocessing.align import MIN_QUALITY
from microexpr.synthetic import Camera, Timing, render_clip

FIRST = 5000  # the model's people begin at 90 000
Face = tuple[np.ndarray, np.ndarray]


def faces(people: int, framing: str, degrees: float) -> Iterator[Face]:
    """Apex frames, (480, 480, 3), and their (68, 2) landmarks."""
    camera = Camera(size=(480, 480), framing=framing)  # type: ignore[arg-type]
    shown = (((12, ""),), ((1, ""), (2, "")), ((4, ""),), ((25, ""), (26, "")))
    for i in range(people):
        one = render_clip(FIRST + i, units=shown[i % 4], camera=camera, timing=Timing(0, 1, 2, 3, 200.0), amplitude=8.0)
        place = cv2.getRotationMatrix2D((240, 240), degrees, 1)
        picture = cv2.warpAffine(one.frame(1), place, (480, 480), borderMode=cv2.BORDER_REPLICATE)
        yield picture, one.landmarks(1) @ place[:, :2].T + place[:, 2]


def by_mesh(picture: np.ndarray) -> np.ndarray | None:
    found = find_landmarks(picture)
    return None if found is None else found.points


def by_aam(picture: np.ndarray) -> np.ndarray | None:
    found = detect_face(picture)
    return None if found is None else fitted(picture, found.eyes)


def by_aam_from_cascade(picture: np.ndarray) -> np.ndarray | None:
    eyes = find_eyes(picture)
    return None if eyes is None else fitted(picture, eyes)


def fitted(picture: np.ndarray, eyes: np.ndarray) -> np.ndarray | None:
    found = fit(named_model(), picture, named_model().initial_points(eyes))
    return found.points if found.quality >= MIN_QUALITY else None


def measure(
    way: Callable[[np.ndarray], np.ndarray | None], known: list[Face]
) -> tuple[float, float, float, int, float]:
    """Mean error, 95th percentile, centerd mean error, faces found, median milliseconds (processor time) a picture."""
    way(known[0][0])
    answers, times = [], []
    for picture, _ in known:
        began = time.process_time()
        answers.append(way(picture))
        times.append(time.process_time() - began)
    spent = float(np.median(times)) * 1000
    pairs = [(a, points) for a, (_, points) in zip(answers, known, strict=True) if a is not None]
    if not pairs:
        return np.nan, np.nan, np.nan, 0, spent
    wrong = np.stack([(a - points) / np.linalg.norm(points[36] - points[45]) for a, points in pairs])
    each = np.linalg.norm(wrong, axis=2).mean(axis=1)
    centerd = np.linalg.norm(wrong - wrong.mean(axis=0), axis=2).mean()
    return float(each.mean()), float(np.percentile(each, 95)), float(centerd), len(pairs), spent


def main(people: int = 40) -> None:
    cv2.setNumThreads(1)
    print("| faces | way | error | 95 % | centerd | found | ms | error / mesh | time / mesh |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, framing, degrees in (
        ("large", "face", 0.0),
        ("40 % of the width", "wide", 0.0),
        ("turned 25°", "wide", 25),
    ):
        known = list(faces(people, framing, degrees))
        base = None
        for label, way in (("mesh", by_mesh), ("aam, BlazeFace", by_aam), ("aam, cascade", by_aam_from_cascade)):
            error, high, centerd, found, spent = measure(way, known)
            base = base or (error, spent)
            print(
                f"| {name} | {label} | {error:.4f} | {high:.4f} | {centerd:.4f} | {found}/{people} | {spent:.1f} "
                f"| {error / base[0]:.2f} | {spent / base[1]:.1f} |"
            )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
