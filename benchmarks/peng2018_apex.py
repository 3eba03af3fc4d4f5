"""What can a single apex frame of a stranger tell? `python benchmarks/peng2018_apex.py`.

An upper estimate for the route of Peng et al. 2018 on synthetic faces: no network, no pixels, but the exact 68
landmarks of the apex frame, with the eyes at fixed places as the step `align` puts them, and a linear discriminant. The
synthetic shapes are about normally distributed around the mean of their class, so that nothing else can do much better
with as many people. WAR is that of both directions of the holdout-database evaluation, for the class counts of Table I.
"""

from __future__ import annotations

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from microexpr.faces.alignment import eye_centers
from microexpr.imaging.geometry import similarity, transform_points
from microexpr.synthetic.action_units import draw_action_units, landmark_moves
from microexpr.synthetic.person import _shape
from microexpr.synthetic.rendering import Kind, draw_amplitude

CLASSES = ("I", "II", "III", "IV", "V")
COUNTS = {"casme2": (25, 15, 99, 26, 20), "samm": (24, 13, 20, 8, 3)}
EYES = np.array([[-50.0, 0.0], [50.0, 0.0]])
"""Eyes of a face of about 224 pixels."""


def faces(people: int, kind: Kind, seed: int, from_neutral: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 136) aligned landmarks and (n,) classes: each person shows every class once."""
    rows, labels = [], []
    for person in range(people):
        rng = np.random.default_rng([seed, person])
        neutral, gain = _shape(rng), float(rng.uniform(0.8, 1.2))
        for number, name in enumerate(CLASSES):
            moves = landmark_moves(draw_action_units(name, None, rng)) * draw_amplitude(rng, kind) * gain
            row = aligned((neutral + moves)[:68])
            rows.append(row - aligned(neutral[:68]) if from_neutral else row)
            labels.append(number)
    return np.array(rows), np.array(labels)


def aligned(points: np.ndarray) -> np.ndarray:
    """Return (136,) landmarks with the centers of the eyes at `EYES`."""
    return transform_points(points, similarity(eye_centers(points), EYES)).ravel()


def recalls(known: list[tuple[np.ndarray, np.ndarray]], tested: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the recall of each class."""
    rule = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    rule.fit(np.concatenate([rows for rows, _ in known]), np.concatenate([labels for _, labels in known]))
    right = rule.predict(tested[0]) == tested[1]
    return np.array([right[tested[1] == number].mean() for number in range(len(CLASSES))])


def main() -> None:
    print("| trained on | WAR | UAR | UAR on macro-expressions of strangers |")
    print("|---|--:|--:|--:|")
    strangers = {kind: faces(400, kind, 99) for kind in ("micro", "macro")}
    micro = faces(24, "micro", 1)
    trained = {
        "24 people, micro": [micro],
        "42 people, macro; 24, micro": [faces(42, "macro", 2), micro],
        "100 people, macro; 24, micro": [faces(100, "macro", 3), micro],
        "1000 people, macro; 24, micro": [faces(1000, "macro", 4), micro],
        "1000 people, micro": [faces(1000, "micro", 5)],
    }
    rows = {
        name: (recalls(known, strangers["micro"]), recalls(known, strangers["macro"]))
        for name, known in trained.items()
    }
    paired = {kind: faces(400, kind, 99, from_neutral=True) for kind in ("micro", "macro")}
    known = [faces(24, "micro", 1, from_neutral=True)]
    rows["24 people, micro; apex minus neutral face"] = (
        recalls(known, paired["micro"]),
        recalls(known, paired["macro"]),
    )
    shares = [np.array(counts) / sum(counts) for counts in COUNTS.values()]
    for name, (of_micro, of_macro) in rows.items():
        war = np.mean([share @ of_micro for share in shares])
        print(f"| {name} | {war:.3f} | {of_micro.mean():.3f} | {of_macro.mean():.3f} |")
    print(
        f"\nmost frequent class alone: WAR {np.mean([share.max() for share in shares]):.3f}, UAR {1 / len(CLASSES):.3f}"
    )


if __name__ == "__main__":
    main()
