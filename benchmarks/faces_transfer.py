"""How well does an appearance model of one portrait fit the other one? `python benchmarks/faces_transfer.py`.

The training faces have shapes, skin, beards, brows, wrinkles and light that are drawn, and the texture of one portrait;
those that are tested have the other portrait's texture, or are the photograph itself. The start is BlazeFace's eyes.
"""

from __future__ import annotations

import cv2
import numpy as np

from microexpr.faces.aam import fit, train_model
from microexpr.faces.aam_training import landmark_error
from microexpr.faces.landmarks import detect_face, find_landmarks
from microexpr.synthetic.look import Look
from microexpr.synthetic.person import CANVAS, Person, _light, _portrait, _skin, _warped, face_mask

NAMES = ("astronaut", "Hopper")
Face = tuple[np.ndarray, np.ndarray]


def face(portrait: int, seed: int, look: bool) -> Face:
    """Return a synthetic shape with the texture of one portrait: (448, 448, 3) uint8 and its (68, 2) landmarks."""
    points, rng = Person.draw(seed).points, np.random.default_rng(seed)
    image = _warped(portrait, points, bool(rng.random() < 0.5))
    image = np.clip(_light(_skin(image, face_mask(points, CANVAS)[..., None], rng), rng), 0, 255)
    if look:
        image = Look.draw(rng, "").paint(image, points, rng)
    return image.astype(np.uint8), points[:68]


def photograph(portrait: int) -> Face:
    """Return the photograph itself and its (68, 2) landmarks."""
    image, points = _portrait(portrait)
    return image.astype(np.uint8), points[:68]


def main() -> None:
    cv2.setNumThreads(1)
    tested = [[face(portrait, seed, False) for seed in range(6_000, 6_020)] for portrait in (0, 1)]
    print("| trained on | tested on | start (BlazeFace's eyes) | aam | quality of the fit | mesh |")
    print("|---|---|--:|--:|--:|--:|")
    for own in (0, 1):
        known = [face(own, seed, True) for seed in range(91_000, 91_080)]
        model = train_model([image for image, _ in known], [points for _, points in known])
        cases = [
            (f"{NAMES[own]}, other shapes", tested[own]),
            (f"{NAMES[1 - own]}, other shapes", tested[1 - own]),
            (f"{NAMES[1 - own]}, the photograph", [photograph(1 - own)]),
        ]
        for title, faces in cases:
            rows = []
            for image, points in faces:
                eyes, mesh = detect_face(image), find_landmarks(image)
                if eyes is None or mesh is None:
                    continue
                start = model.initial_points(eyes.eyes)
                found = fit(model, image, start)
                errors = [landmark_error(each, points) for each in (start, found.points, mesh.points)]
                rows.append([*errors, found.quality])
            begin, aam, by_mesh, quality = np.mean(rows, axis=0)
            print(f"| {NAMES[own]} | {title} | {begin:.3f} | {aam:.3f} | {quality:.2f} | {by_mesh:.3f} |", flush=True)


if __name__ == "__main__":
    main()
