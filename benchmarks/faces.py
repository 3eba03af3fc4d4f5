"""Face mesh and appearance model side by side: `python benchmarks/faces.py [SUBJECTS]`.

On synthetic faces that the appearance model was not trained on, with ground-truth landmarks. The error is the mean
distance of the 68 points in distances of the outer corners of the eyes. `centered` subtracts the mean deviation of each
point first: a deviation that is the same on every face is a matter of definition and no jitter.
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

FIRST = 5000  # the subjects of the appearance model begin at 90 000
Face = tuple[np.ndarray, np.ndarray]


def faces(subjects: int, framing: str, degrees: float) -> Iterator[Face]:
    """Yield apex frames, (480, 480, 3), and their (68, 2) landmarks."""
    camera = Camera(size=(480, 480), framing=framing)  # type: ignore[arg-type]
    expressions = (((12, ""),), ((1, ""), (2, "")), ((4, ""),), ((25, ""), (26, "")))
    for i in range(subjects):
        clip = render_clip(
            FIRST + i, units=expressions[i % 4], camera=camera, timing=Timing(0, 1, 2, 3, 200.0), amplitude=8.0
        )
        matrix = cv2.getRotationMatrix2D((240, 240), degrees, 1)
        image = cv2.warpAffine(clip.frame(1), matrix, (480, 480), borderMode=cv2.BORDER_REPLICATE)
        yield image, clip.landmarks(1) @ matrix[:, :2].T + matrix[:, 2]


def by_mesh(image: np.ndarray) -> np.ndarray | None:
    found = find_landmarks(image)
    return None if found is None else found.points


def by_aam(image: np.ndarray) -> np.ndarray | None:
    found = detect_face(image)
    return None if found is None else fitted(image, found.eyes)


def by_aam_from_cascade(image: np.ndarray) -> np.ndarray | None:
    eyes = find_eyes(image)
    return None if eyes is None else fitted(image, eyes)


def fitted(image: np.ndarray, eyes: np.ndarray) -> np.ndarray | None:
    found = fit(named_model(), image, named_model().initial_points(eyes))
    return found.points if found.quality >= MIN_QUALITY else None


def measure(
    method: Callable[[np.ndarray], np.ndarray | None], known: list[Face]
) -> tuple[float, float, float, int, float]:
    """Return mean error, 95th percentile, centered mean error, faces found, median processor time in ms per image."""
    method(known[0][0])
    results, times = [], []
    for image, _ in known:
        began = time.process_time()
        results.append(method(image))
        times.append(time.process_time() - began)
    spent = float(np.median(times)) * 1000
    pairs = [(a, points) for a, (_, points) in zip(results, known, strict=True) if a is not None]
    if not pairs:
        return np.nan, np.nan, np.nan, 0, spent
    errors = np.stack([(a - points) / np.linalg.norm(points[36] - points[45]) for a, points in pairs])
    each = np.linalg.norm(errors, axis=2).mean(axis=1)
    centered = np.linalg.norm(errors - errors.mean(axis=0), axis=2).mean()
    return float(each.mean()), float(np.percentile(each, 95)), float(centered), len(pairs), spent


def main(subjects: int = 40) -> None:
    cv2.setNumThreads(1)
    print("| faces | method | error | 95 % | centered | found | ms | error / mesh | time / mesh |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, framing, degrees in (
        ("large", "face", 0.0),
        ("40 % of the width", "wide", 0.0),
        ("turned 25°", "wide", 25),
    ):
        known = list(faces(subjects, framing, degrees))
        base = None
        for label, method in (("mesh", by_mesh), ("aam, BlazeFace", by_aam), ("aam, cascade", by_aam_from_cascade)):
            error, high, centered, found, spent = measure(method, known)
            base = base or (error, spent)
            print(
                f"| {name} | {label} | {error:.4f} | {high:.4f} | {centered:.4f} | {found}/{subjects} | {spent:.1f} "
                f"| {error / base[0]:.2f} | {spent / base[1]:.1f} |"
            )


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:2]))
