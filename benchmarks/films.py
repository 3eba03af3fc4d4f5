"""A spotter on synthetic films of hard conditions: `python benchmarks/films.py [--kinds nods hands] [--per-kind N]`.

Films of `microexpr.synthetic.films` are rendered and tracked. For each kind it prints how many true movements are found
(IoU .5), and the false alarms per minute (finds that touch no true movement), as the spotter gives them and after what
`analyze` leaves out. Synthetic faces show that a program works, not how well it spots real faces.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import numpy as np

from microexpr.analysis.causes import sift
from microexpr.core.clip import Interval
from microexpr.faces.tracking import Tracking, track_faces
from microexpr.metrics.intervals import match_intervals, overlap
from microexpr.spotting import SPOTTERS
from microexpr.synthetic.films import FILM_KINDS, Film, films
from microexpr.synthetic.long_video import SyntheticVideo

SIZE = (360, 480)


class RenderedFrames:
    """Frames of a synthetic video, rendered when they are read."""

    def __init__(self, video: SyntheticVideo) -> None:
        self.video, self.numbers, self.folder = video, range(len(video)), None

    def read(self, number: int) -> np.ndarray:
        """(360, 480, 3) uint8."""
        return self.video.frame(number, SIZE)


def score(true: Sequence[Interval], found: Sequence[Interval]) -> tuple[int, int]:
    """Return the number of true movements that are found, and of false alarms."""
    false = [f for f in found if not any(overlap((f.onset, f.offset), (t.onset, t.offset)) for t in true)]
    return len(match_intervals(true, found)), len(false)


def measure(film: Film, spotter: dict[str, object]) -> Counter[str]:
    """Return counts of one film: true movements, and hits and false alarms before and after."""
    video = film.make()
    tracks = track_faces(RenderedFrames(video), Tracking(fps=film.fps))
    found = [(track, interval) for track in tracks for interval in SPOTTERS.build(spotter).spot(track)]
    remaining, left_out = sift(found)
    causes = Counter(why for _, _, why in left_out)
    counts = Counter({"true": len(video.intervals), **{f"left out: {cause}": n for cause, n in causes.items()}})
    for when, pairs in (("before", found), ("after", remaining)):
        counts[f"hits {when}"], counts[f"false {when}"] = score(video.intervals, [interval for _, interval in pairs])
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=list(FILM_KINDS), choices=FILM_KINDS)
    parser.add_argument("--per-kind", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=6000)
    parser.add_argument("--spotter", default="default")
    parser.add_argument(
        "--min-score", type=float, help="smallest score that counts; the spotter's default unless given"
    )
    given = parser.parse_args()
    spotter = {"name": given.spotter} | ({} if given.min_score is None else {"min_score": given.min_score})
    print(
        "| films | true | found | found after | false alarms per minute | after | left out |\n"
        "|---|--:|--:|--:|--:|--:|---|"
    )
    chosen = films(given.first_seed, given.per_kind, given.kinds)
    for kind in given.kinds:
        own = [film for film in chosen if film.kind == kind]
        counts = sum((measure(film, spotter) for film in own), Counter[str]())
        minutes = sum(film.seconds for film in own) / 60
        alarms = " | ".join(f"{counts[f'false {when}'] / minutes:.1f}" for when in ("before", "after"))
        out = ", ".join(f"{n} {name.partition(': ')[2]}" for name, n in counts.items() if name.startswith("left out"))
        hits = f"{counts['hits before']} | {counts['hits after']}"
        print(f"| {kind} | {counts['true']} | {hits} | {alarms} | {out} |", flush=True)


if __name__ == "__main__":
    main()
