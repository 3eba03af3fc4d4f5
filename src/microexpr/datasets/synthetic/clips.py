"""Who plays what in a synthetic release: the published counts dealt to the published people, and the filming.

Every number here is a published count (domain facts with the readers); which clip gets which label is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...imaging.images import write_images
from ...synthetic import (
    Camera,
    Kind,
    SyntheticClip,
    Timing,
    draw_action_units,
    draw_amplitude,
    draw_timing,
    format_action_units,
    render_clip,
)


@dataclass(frozen=True)
class ClipSpec:
    """One clip to be made: who, what it is called, what it shows.

    Attributes:
        person: as the release writes it, e.g. `sub01`.
        name: of the clip.
        emotion: the release's word.
        objective: class I to VII.
        action_units: as the sheet writes them.
        units: the same for the face that moves.
        seed: of everything else that is drawn for the clip.
    """

    person: str
    name: str
    emotion: str
    objective: str
    action_units: str
    units: tuple[tuple[int, str], ...]
    seed: int


Labels = tuple[str, str]
"""(emotion, objective class)."""

# CASME II: both margins are published; the cross-table of III, IV and V too; the rest is the only even split left.
CASME2_LABELS: Mapping[Labels, int] = {
    ("happiness", "I"): 25,
    ("surprise", "II"): 15,
    ("disgust", "III"): 35,
    ("others", "III"): 64,
    ("disgust", "IV"): 25,
    ("others", "IV"): 1,
    ("sadness", "V"): 7,
    ("repression", "V"): 8,
    ("surprise", "V"): 4,
    ("happiness", "V"): 1,
    ("fear", "VI"): 1,
    ("happiness", "VII"): 6,
    ("surprise", "VII"): 6,
    ("disgust", "VII"): 3,
    ("repression", "VII"): 19,
    ("fear", "VII"): 1,
    ("others", "VII"): 34,
}
CASME2_PEOPLE = (9, 13, 7, 5, 19, 5, 9, 3, 14, 14, 10, 12, 8, 4, 3, 4, 36, 3, 16, 11, 2, 2, 12, 10, 7, 17)
# Clips of each person in the list of MEGC 2019 (CASME II persons 10 and 18 have none); two more clips were left out.
CASME2_MEGC2019 = (3, 9, 5, 2, 6, 4, 5, 1, 10, 0, 4, 11, 2, 3, 3, 3, 31, 0, 11, 2, 1, 2, 8, 3, 5, 11)

# SAMM: the objective classes follow the emotions one to one (I to VI); VII takes contempt, other and what is left.
SAMM_LABELS: Mapping[Labels, int] = {
    ("Happiness", "I"): 24,
    ("Happiness", "VII"): 2,
    ("Surprise", "II"): 13,
    ("Surprise", "VII"): 2,
    ("Anger", "III"): 20,
    ("Anger", "VII"): 37,
    ("Disgust", "IV"): 8,
    ("Disgust", "VII"): 1,
    ("Sadness", "V"): 3,
    ("Sadness", "VII"): 3,
    ("Fear", "VI"): 7,
    ("Fear", "VII"): 1,
    ("Contempt", "VII"): 12,
    ("Other", "VII"): 26,
}
SAMM_MEGC2019 = {
    **{"006": 11, "007": 8, "009": 4, "010": 4, "011": 20, "012": 3, "013": 6, "014": 10, "015": 3, "016": 5},
    **{"017": 4, "018": 3, "019": 1, "020": 4, "021": 2, "022": 5, "023": 1, "024": 1, "026": 9, "028": 3},
    **{"030": 3, "031": 1, "032": 4, "033": 5, "034": 3, "035": 8, "036": 1, "037": 1},
}
SMIC_PEOPLE = {
    1: 6,
    2: 6,
    3: 39,
    4: 19,
    5: 2,
    6: 4,
    8: 13,
    9: 4,
    11: 7,
    12: 9,
    13: 10,
    14: 10,
    15: 4,
    18: 7,
    19: 2,
    20: 22,
}
SMIC_LABELS = {"negative": 70, "positive": 51, "surprise": 43}
# The long extension lacks clips s3_ne_20, s4_ne_06 and s9_sur_02: so many each of these people has at least.
SMIC_FIRST = [("s3", ("negative", ""))] * 20 + [("s4", ("negative", ""))] * 6 + [("s9", ("surprise", ""))] * 2
SMIC_VIS_LABELS = {"negative": 24, "positive": 28, "surprise": 19}
OBJECTIVE_OF = {"negative": ("III", "IV", "V"), "positive": ("I",), "surprise": ("II",)}
_JUDGED_2018 = frozenset({"I", "II", "III", "IV", "V"})


def assign_labels(
    counts: Mapping[Labels, int], subjects: Mapping[str, int], seed: int, first: Sequence[tuple[str, Labels]] = ()
) -> list[tuple[str, Labels]]:
    """(person, labels) pairs: every label as often as `counts` says, every person as often as `people` says.

    Args:
        counts, people: with equal sums.
        seed: of the dealing.
        first: what is dealt before the rest is shuffled, as far as it lasts.
    """
    left, need = Counter(dict(counts)), Counter(dict(subjects))
    dealt = []
    for person, labels in first:
        if need[person] > 0 and left[labels] > 0:
            dealt.append((person, labels))
            left[labels] -= 1
            need[person] -= 1
    cards = [labels for labels, n in left.items() for _ in range(n)]
    order = np.random.default_rng(seed).permutation(len(cards)).tolist()
    return sorted([*dealt, *zip(need.elements(), [cards[i] for i in order], strict=True)])


def three_class(emotion: str) -> str:
    """The word of the MEGC 2019 task for an emotion of its lists."""
    plain = emotion.lower()
    if plain in ("happiness", "positive"):
        return "positive"
    return "surprise" if plain == "surprise" else "negative"


def two_labels_per_subject(counts: Mapping[Labels, int], subjects: Mapping[str, int]) -> list[tuple[str, Labels]]:
    """For each person with two clips or more, two labels of different classes of the three-class task, if any."""
    left = Counter(dict(counts))
    hands: list[tuple[str, Labels]] = []
    for person in sorted((p for p in subjects if subjects[p] > 1), key=lambda p: (subjects[p], p)):
        shown: set[str] = set()
        for labels, n in sorted(left.items(), key=lambda item: (-item[1], item[0])):
            if n > 0 and len(shown) < 2 and three_class(labels[0]) not in shown:
                shown.add(three_class(labels[0]))
                hands.append((person, labels))
                left[labels] -= 1
    return hands


def subsample_counts(counts: Mapping[Labels, int], n: int) -> dict[Labels, int]:
    """At most n of them: one of each kind, the most frequent kinds first, then in proportion."""
    kinds = sorted(counts, key=lambda labels: (-counts[labels], labels))
    taken = Counter(dict.fromkeys(kinds[:n], 1))
    while taken.total() < min(n, sum(counts.values())):
        taken[
            max(kinds, key=lambda labels: (counts[labels] / (taken[labels] + 1)) * (taken[labels] < counts[labels]))
        ] += 1
    return dict(taken)


def casme2(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The roles of CASME II: all published margins at once, those of MEGC 2018 and 2019 too."""
    names = [f"sub{i:02d}" for i in range(1, 27)][:subjects]
    # The clips of the three-class task (and the two that its list leaves out), then all others.
    judged = {n: CASME2_MEGC2019[i] + (n in ("sub04", "sub05")) for i, n in enumerate(names)}
    rest = {n: CASME2_PEOPLE[i] - judged[n] for i, n in enumerate(names)}
    in_task = {k: v for k, v in CASME2_LABELS.items() if k[0] in ("happiness", "surprise", "disgust", "repression")}
    others = {k: v for k, v in CASME2_LABELS.items() if k not in in_task}
    if subjects is not None:
        in_task, others = subsample_counts(in_task, sum(judged.values())), subsample_counts(others, sum(rest.values()))
    dealt: list[tuple[str, Labels]] = []
    if (
        subjects is None
    ):  # 20 people have a clip of happiness, surprise or repression: four more than 10 and 18 have none
        counts, disgust = Counter(in_task), [("disgust", "IV"), ("disgust", "III")]
        for name in sorted((n for n in names if judged[n]), key=lambda n: (judged[n], n))[:4]:
            hand = [disgust[i % 2] for i in range(judged.pop(name))]
            dealt += [(name, labels) for labels in hand]
            counts.subtract(hand)
        in_task = dict(counts)
    special = {"sub04": ("disgust", "III"), "sub05": ("disgust", "IV")}
    for name, labels in special.items():
        if name in judged:  # the clips that the list of MEGC 2019 leaves out are negative
            dealt.append((name, labels))
            in_task = {**in_task, labels: in_task[labels] - 1}
            judged[name] -= 1
    # Everyone else shows happiness once, and everyone has a clip of classes I to V.
    first = [(n, ("happiness", "I")) for n in judged] if subjects is None else two_labels_per_subject(in_task, judged)
    dealt += assign_labels(in_task, judged, seed, first)
    dealt += assign_labels(others, rest, seed + 1, [(n, ("others", "III")) for n in names])
    fixed = {"sub04": "EP12_01f", "sub05": "EP09_05f"}
    roles, used = [], Counter[str]()
    for person, labels in sorted(dealt):
        used[person] += 1
        name = f"EP{1 + used[person] // 9:02d}_{1 + used[person] % 9:02d}"
        if special.get(person) == labels and person in fixed:
            name = fixed.pop(person)
        roles.append(_role(person, name, labels, "casme2", seed))
    return roles


def samm(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The roles of SAMM: emotions, objective classes, the people of MEGC 2019, and 21 people in MEGC 2018."""
    names = [*[n for n in SAMM_MEGC2019 if n < "025"], "025", *[n for n in SAMM_MEGC2019 if n > "025"]][:subjects]
    judged = {n: SAMM_MEGC2019.get(n, 0) for n in names}
    # How the 26 clips called Other fall to people is not published: person 025 has only such clips; dealt in turn.
    rest = dict.fromkeys(names, 0)
    for i in range(26 if subjects is None else max(1, len(names) // 2)):
        rest[("025" if "025" in names else names[0]) if i < 3 else names[(7 * i) % len(names)]] += 1
    in_task = {k: v for k, v in SAMM_LABELS.items() if k[0] != "Other"}
    others = {("Other", "VII"): sum(rest.values())}
    if subjects is not None:
        in_task = subsample_counts(in_task, sum(judged.values()))
        dealt = assign_labels(in_task, judged, seed, two_labels_per_subject(in_task, judged))
    else:
        dealt = _deal_samm(in_task, judged, seed)
    dealt += assign_labels(others, rest, seed + 1)
    used, roles = Counter[str](), []
    for person, labels in sorted(dealt):
        used[person] += 1
        roles.append(_role(person, f"{person}_{1 + used[person] // 8}_{1 + used[person] % 8}", labels, "samm", seed))
    return roles


def _deal_samm(counts: Mapping[Labels, int], judged: Mapping[str, int], seed: int) -> list[tuple[str, Labels]]:
    """Exactly 21 people have a clip of classes I to V: the seven with the fewest clips get class VI and VII only."""
    without = sorted((n for n in judged if judged[n]), key=lambda n: (judged[n], n))[:7]
    low = {k: v for k, v in counts.items() if k[1] not in _JUDGED_2018}
    few = {n: judged[n] for n in without}
    poor = subsample_counts(low, sum(few.values()))
    left = {k: v - poor.get(k, 0) for k, v in counts.items()}
    many = {n: c for n, c in judged.items() if c and n not in few}
    kinds = sorted((k for k in left if k[1] in _JUDGED_2018), key=lambda k: -left[k])
    pool = [k for k in kinds for _ in range(left[k])]
    return assign_labels(poor, few, seed) + assign_labels(left, many, seed + 2, list(zip(many, pool, strict=False)))


def smic(subjects: int | None, seed: int, counts: Mapping[str, int] = SMIC_LABELS) -> list[ClipSpec]:
    """The roles of SMIC; names as on disk, `s1` and `s1_ne_01`.

    Who made the 71 clips before the slower cameras is not published: there, eight people get nearly as many each.
    """
    every, first = SMIC_PEOPLE, SMIC_FIRST
    if sum(counts.values()) != sum(every.values()):
        each, more = divmod(sum(counts.values()), 8)
        every, first = {n: each + (n <= more) for n in range(1, 9)}, []
    chosen = {f"s{n}": clips for n, clips in list(every.items())[:subjects]}
    labels: Mapping[Labels, int] = {(word, ""): n for word, n in counts.items()}
    if subjects is not None:
        labels = subsample_counts(labels, sum(chosen.values()))
        first = two_labels_per_subject(labels, chosen)
    used, roles = Counter[tuple[str, str]](), []
    for person, (word, _) in assign_labels(labels, chosen, seed, first):
        used[person, word] += 1
        short = {"negative": "ne", "positive": "po", "surprise": "sur"}[word]
        roles.append(_role(person, f"{person}_{short}_{used[person, word]:02d}", (word, ""), "smic", seed))
    return roles


def default_clip_specs(subjects: int, seed: int) -> list[ClipSpec]:
    """Roles of a data set of one's own: two clips of each of three classes for each person."""
    words = [(word, "") for word in OBJECTIVE_OF for _ in range(2)]
    names = [f"p{i:02d}" for i in range(1, subjects + 1)]
    return [_role(person, f"c{i}", labels, "folder", seed) for person in names for i, labels in enumerate(words, 1)]


def _role(person: str, name: str, labels: Labels, dataset: str, seed: int) -> ClipSpec:
    draws = np.random.default_rng([seed, *f"{dataset}/{person}/{name}".encode()])
    emotion, objective = labels
    shown = objective or str(draws.choice(OBJECTIVE_OF[emotion]))
    units = draw_action_units(shown, None, draws)
    return ClipSpec(person, name, emotion, shown, format_action_units(units), tuple(units), int(draws.integers(2**31)))


def person_seed(dataset: str, person: str) -> int:
    """The same face for all clips of a person."""
    return int(np.random.default_rng([*f"{dataset}/{person}".encode()]).integers(2**31))


@dataclass(frozen=True)
class RecordingSpec:
    """How a release films.

    Attributes:
        dataset: whose people they are.
        fps: frames per second.
        size: (height, width) of the release's pictures.
        scale: share of that size which is written.
        gray: without color.
        framing: `face` fills the picture, `wide` shows head and shoulders.
        pad: neutral frames before and after.
        first: number of the first frame.
        kind: `micro` or `macro` expressions.
    """

    dataset: str
    fps: float
    size: tuple[int, int]
    image_scale: float = 1.0
    gray: bool = False
    framing: str = "face"
    pad: int = 3
    first: int = 1
    kind: Kind = "micro"

    def render(self, role: ClipSpec, timing: Timing | None = None) -> SyntheticClip:
        """The role as a moving face; its timing is drawn unless given."""
        draws = np.random.default_rng(role.seed)
        height, width = (max(48, 2 * round(n * self.image_scale / 2)) for n in self.size)  # even, as a video needs
        camera = Camera(fps=self.fps, size=(height, width), gray=self.gray, framing=self.framing)  # type: ignore[arg-type]
        return render_clip(
            person_seed(self.dataset, role.person),
            units=role.units,
            camera=camera,
            timing=timing or draw_timing(draws, self.fps, self.pad),
            amplitude=draw_amplitude(draws, self.kind),
            seed=role.seed,
        )

    def write_frames(
        self, role: ClipSpec, folder: Path, pattern: str, timing: Timing | None = None
    ) -> tuple[int, int, int]:
        """Write the frames as `pattern` names them; (onset, apex, offset) as frame numbers."""
        performance = self.render(role, timing)
        paths = [folder / pattern.format(self.first + i) for i in range(performance.timing.frames)]
        write_images(lambda i: self._shown(performance.frame(i)), paths, quality=92)
        held = performance.timing
        return self.first + held.onset, self.first + held.apex, self.first + held.offset

    def _shown(self, frame: np.ndarray) -> np.ndarray:
        return frame[..., 0] if self.gray else frame
