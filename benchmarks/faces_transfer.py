"""How well does an appearance model of one portrait fit the other one? `python benchmarks/faces_transfer.py`."""

from __future__ import annotations

import numpy as np

from microexpr.faces.aam import fit, train_model
from microexpr.faces.landmarks import detect_face, find_landmarks
from microexpr.synthetic.person import CANVAS, Person, _light, _skin, _warped, face_mask

NAMES = ("astronaut", "Hopper")


def face(portrait: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a synthetic shape with the texture of one portrait: (448, 448, 3) uint8 and its (68, 2) landmarks."""
    points, rng = Person.draw(seed).points, np.random.default_rng(seed)
    image = _warped(portrait, points, bool(rng.random() < 0.5))
    image = _light(_skin(image, face_mask(points, CANVAS)[..., None], rng), rng)
    return np.clip(image, 0, 255).astype(np.uint8), points[:68]


def main() -> None:
    print("| trained on | tested on | start (BlazeFace's eyes) | aam | quality of the fit | mesh |")
    print("|---|---|--:|--:|--:|--:|")
    for own, other in ((0, 0), (0, 1), (1, 0)):
        known = [face(own, seed) for seed in range(91_000, 91_040)]
        model = train_model([image for image, _ in known], [points for _, points in known])
        rows = []
        for image, points in (face(other, seed) for seed in range(6_000, 6_020)):
            eyes, mesh = detect_face(image), find_landmarks(image)
            if eyes is None or mesh is None:
                continue
            start = model.initial_points(eyes.eyes)
            found = fit(model, image, start)
            wrong = [np.linalg.norm(p - points, axis=1).mean() for p in (start, found.points, mesh.points)]
            rows.append([*(np.array(wrong) / np.linalg.norm(points[36] - points[45])), found.quality])
        start_error, aam, by_mesh, quality = np.mean(rows, axis=0)
        print(f"| {NAMES[own]} | {NAMES[other]} | {start_error:.3f} | {aam:.3f} | {quality:.2f} | {by_mesh:.3f} |")


if __name__ == "__main__":
    main()
