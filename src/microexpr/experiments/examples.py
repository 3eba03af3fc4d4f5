"""What a run keeps of a few clips, so that its report can draw them without the recordings."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from ..core.clip import Clip, Sample
from ..core.files import slug, write_atomically
from ..imaging.flow_colors import DEFAULT_LIMIT, channel_image, flow_image, full_color_limit
from ..imaging.images import write_image
from ..imaging.video import Frames, open_frames
from ..preprocessing import Chain, Step
from ..protocols import Example

IMAGE_SIZE = 168
"""Pixels of a picture in a report."""

STRIP_SIZE = 120
"""Pixels of a frame in a strip."""

MAX_FRAMES = 9
"""Frames of a strip."""

MAX_DIFFERENCE = 32.0
"""Of 255 levels of brightness: a change that gets the full color."""

PIXELS = "pixels of the picture that it was computed on"


@dataclass(frozen=True)
class ExampleClip:
    """One clip as a report draws it; a field is None where the chain or the license gives none.

    Attributes:
        word: its class.
        clip, dataset: its id, and the release it is of.
        numbers: of the frames in `strip`.
        marks: frame number -> `onset`, `apex`, `offset`.
        strip: (T, STRIP, STRIP, 3) uint8, frames of the recording.
        flow: (height, width, 2 or 3) float32: u, v, and what `third` says.
        flows: (T, height, width, 2 or 3) float32, the same for several moments.
        face: (height, width, 3) uint8, what the flow starts from.
        seen: (T, height, width, 3) uint8, frames or differences to the first, as a recognizer sees them.
        differences: whether `seen` is differences to the first frame.
        third: `strain`, `magnitude` or ``.
        unit: of u and v.
        limit: what gets the full color, the same for all clips of the run.
    """

    label: str
    clip: str
    dataset: str
    numbers: tuple[int, ...] = ()
    marks: Mapping[int, str] | None = None
    strip: np.ndarray | None = None
    flow: np.ndarray | None = None
    flows: np.ndarray | None = None
    face: np.ndarray | None = None
    input_frames: np.ndarray | None = None
    differences: bool = False
    extra_channel: str = ""
    unit: str = PIXELS
    limit: float = DEFAULT_LIMIT

    @property
    def name(self) -> str:
        """As in file names."""
        return f"{slug(self.label)}--{slug(self.clip)}"


ARRAYS = ("strip", "flow", "flows", "face", "input_frames")


def write_examples(
    folder: Path, examples: Sequence[Example], samples: Mapping[str, Sample], faces: bool, chain: Chain | None = None
) -> None:
    """Write a few clips' pictures: two of each class, and what strips and flows are drawn from of one a class and set.

    Args:
        folder: of the run.
        examples, samples: what it learns from.
        faces: frames of the recordings too; only for synthetic people, whose faces may be shown.
        chain: that made the samples; tells the order of colors and the unit of a flow.
    """
    if (folder / "examples").exists():
        return
    steps = chain.steps if chain is not None else ()
    before = _before_flow(chain, samples[examples[0].clip.id].clip)
    limit = full_color_limit(0 if before is None else max(before.shape[:2]))
    for word in sorted({example.label for example in examples}):
        own = [example for example in examples if example.label == word]
        for example in (own[0], own[-1]) if len(own) > 1 else own:
            name = f"{slug(word)}--{slug(example.clip.id)}"
            shown = input_image(samples[example.clip.id], steps, limit)
            if shown is not None:
                write_image(folder / "examples" / f"{name}--input.png", shown)
            if faces:
                write_image(folder / "examples" / f"{name}--apex.jpg", apex_image(example.clip))
        for dataset in sorted({example.clip.dataset for example in own}):
            first = next(example for example in own if example.clip.dataset == dataset)
            _write(folder / "examples", collect_example(first, samples[first.clip.id], faces, chain, limit))


def load_examples(folder: Path) -> list[ExampleClip]:
    """What `keep_examples` kept of a run's clips for strips and flows; runs of older versions have none."""
    return [_read(path) for path in sorted((folder / "examples").glob("*.npz"))]


def collect_example(example: Example, sample: Sample, faces: bool, chain: Chain | None, limit: float) -> ExampleClip:
    """All that is drawn of one clip."""
    steps = chain.steps if chain is not None else ()
    numbers, marks, strip = clip_strip(example.clip) if faces else ((), {}, None)
    flow, flows = _flow_of(sample, 3), _flow_of(sample, 4)
    at = _flow_step(steps)
    factor, unit = _unit(steps[at + 1 :]) if at is not None else (1.0, PIXELS)
    moving = faces and (flow is not None or flows is not None)
    face = _before_flow(chain, sample.clip) if moving else None
    # A descriptor may have taken the flow's place: then there is none to draw, and no limit of its own.
    largest = max((float(np.abs(one).max()) for one in (flow, flows) if one is not None), default=limit)
    return ExampleClip(
        label=example.label,
        clip=example.clip.id,
        dataset=example.clip.dataset,
        numbers=numbers,
        marks=marks,
        strip=strip,
        flow=None if flow is None else _scaled(flow, factor),
        flows=None if flows is None else np.stack([_scaled(_small(one), factor) for one in _few(flows)]),
        face=None if face is None else _small(face),
        input_frames=_seen(sample, steps) if faces and flow is None and flows is None else None,
        differences=any(step.makes == "difference" for step in steps),
        extra_channel=str(getattr(steps[at], "extra_channel", "")) if at is not None else "",
        unit=unit,
        limit=limit if unit == PIXELS else largest,
    )


def input_image(sample: Sample, steps: Sequence[Step] = (), limit: float = DEFAULT_LIMIT) -> np.ndarray | None:
    """What the recognizer was shown, as (168, 168, 3) uint8 in the order red, green, blue; None if it is no picture.

    Args:
        sample: with an `image`.
        steps: that made it. Colors in the order `bgr` are turned, and a `scale` is taken back.
        limit: pixels of motion that get the full color, where the image is a flow.
    """
    image = sample.arrays.get("image")
    if image is None or image.ndim != 3 or image.shape[2] > 4:
        return None
    if "flow" in sample.notes:
        factor, unit = _unit(steps[(_flow_step(steps) or 0) + 1 :])
        shown = flow_image(image * factor, limit if unit == PIXELS else None)
    else:
        values = image.astype(np.float64)
        for step in reversed(steps):
            factor, offset = step.inverse_scale("image") or (1.0, 0.0)
            values = factor * values + offset
        low, high = float(values.min()), float(values.max())
        if low < -0.5 or high > 255.5 or high <= 1:  # no brightnesses: its own range
            values = 255 * (values - low) / max(high - low, 1e-9)
        shown = np.round(np.clip(values, 0, 255)).astype(np.uint8)
        if any(step.channel_order == "bgr" for step in steps):
            shown = shown[..., ::-1]
        shown = np.dstack([shown, *[shown[..., :1]] * (3 - shown.shape[2])])[..., :3]
    return cv2.resize(np.ascontiguousarray(shown), (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_NEAREST)


def apex_image(clip: Clip) -> np.ndarray:
    """The frame at the apex (half way where it is not known), as (168, 168, 3) uint8."""
    frames = open_frames(clip.source)
    middle = frames.numbers[len(frames.numbers) // 2]
    return _square(frames.read(middle if clip.apex is None else clip.apex), IMAGE_SIZE)


def clip_strip(clip: Clip, most: int = MAX_FRAMES) -> tuple[tuple[int, ...], dict[int, str], np.ndarray | None]:
    """Numbers of frames, marks, and the frames themselves, (T, 120, 120, 3) uint8; no frames for a single picture.

    Onset, apex and offset are always among them, the others lie evenly between onset and offset.
    """
    frames: Frames = open_frames(clip.source)
    there = list(frames.numbers)
    if len(there) < 2:
        return (), {}, None
    marks: dict[int, str] = {}
    for name in ("onset", "apex", "offset"):
        number = getattr(clip, name)
        if number in there:
            marks[number] = f"{marks[number]}, {name}" if number in marks else name
    first = there[0] if clip.onset not in there else clip.onset
    last = there[-1] if clip.offset not in there else clip.offset
    numbers = select_frame_numbers([n for n in there if first <= n <= last], marks, most)
    return numbers, marks, np.stack([_square(frames.read(number), STRIP_SIZE) for number in numbers])


def select_frame_numbers(numbers: Sequence[int], always: Mapping[int, str], most: int = MAX_FRAMES) -> tuple[int, ...]:
    """At most so many of the numbers, rising: those that must be there, and others spread evenly."""
    picked = set(always) & set(numbers)
    for place in _evenly(len(numbers), most):
        nearest = numbers[place]
        if len(picked) >= most:
            break
        if not any(abs(nearest - one) < len(numbers) / (2 * most) for one in picked):
            picked.add(nearest)
    return tuple(sorted(picked))


def _evenly(n: int, most: int) -> list[int]:
    return sorted({round(place) for place in np.linspace(0, n - 1, min(n, most))})


def _few(pictures: np.ndarray) -> list[np.ndarray]:
    return [pictures[place] for place in _evenly(len(pictures), MAX_FRAMES)]


def _square(frame: np.ndarray, size: int) -> np.ndarray:
    """The middle of a frame."""
    side = min(frame.shape[:2])
    top, left = (frame.shape[0] - side) // 2, (frame.shape[1] - side) // 2
    return cv2.resize(frame[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)


def _small(picture: np.ndarray) -> np.ndarray:
    """Not larger than a picture of a report."""
    if max(picture.shape[:2]) <= IMAGE_SIZE:
        return picture
    return cv2.resize(picture, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_AREA)


def _scaled(flow: np.ndarray, factor: float) -> np.ndarray:
    return (_small(flow).astype(np.float64) * factor).astype(np.float32)


def _flow_of(sample: Sample, dimensions: int) -> np.ndarray | None:
    """The first array of a sample that is flow: two or three float channels, in a sample whose notes name a flow."""
    arrays = sample.arrays.values() if any(name.startswith("flow") for name in sample.notes) else ()
    for array in arrays:
        if array.ndim == dimensions and array.dtype.kind == "f" and array.shape[-1] in (2, 3):
            return array
    return None


def _flow_step(steps: Sequence[Step]) -> int | None:
    """The place of the step that computes flow."""
    return next((i for i, step in enumerate(steps) if step.makes == "flow"), None)


def _seen(sample: Sample, steps: Sequence[Step]) -> np.ndarray | None:
    """A few of the frames that a recognizer of sequences is shown; None where the chain leaves none, or odd ones."""
    frames = sample.arrays.get("frames")
    if frames is None or frames.ndim != 4 or frames.shape[-1] != 3:
        return None
    few = [_small(one) for one in _few(frames)]
    if frames.dtype == np.uint8:
        return np.stack(few)
    scales = [step.inverse_scale("frames") or (1.0, 0.0) for step in steps]
    if not any(step.makes == "difference" for step in steps) or any(offset for _, offset in scales):
        return None
    factor = float(np.prod([factor for factor, _ in scales]))
    return np.stack([channel_image(factor * one.mean(axis=-1), MAX_DIFFERENCE) for one in few])


def _unit(after: Sequence[Step]) -> tuple[float, str]:
    """By what a flow is multiplied to have pixels again, after the steps that followed; 1 where they are not known."""
    factor = 1.0
    for step in after:
        scale = step.inverse_scale("image")
        if scale is None or scale[1] != 0:
            return 1.0, f"units of the chain, after step '{step.name}'"
        factor *= scale[0]
    return factor, PIXELS


def _before_flow(chain: Chain | None, clip: Clip) -> np.ndarray | None:
    """The picture that the flow starts from, (height, width, 3) uint8: the chain up to the flow, once more."""
    at = None if chain is None else _flow_step(chain.steps)
    if chain is None or not at:
        return None
    frames = Chain(chain.steps[:at])(clip).arrays.get("frames")
    return None if frames is None or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames) else frames[0]


def _write(folder: Path, one: ExampleClip) -> None:
    arrays = {name: getattr(one, name) for name in ARRAYS if getattr(one, name) is not None}
    if not arrays:
        return
    facts = {name: value for name, value in asdict(one).items() if name not in ARRAYS}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays, __facts__=np.array(json.dumps(facts)))
    write_atomically(folder / f"{one.name}.npz", content.getvalue())


def _read(path: Path) -> ExampleClip:
    with np.load(path, allow_pickle=False) as stored:
        facts = json.loads(str(stored["__facts__"]))
        marks = {int(number): word for number, word in (facts.pop("marks") or {}).items()}
        arrays = {name: stored[name] for name in stored.files if name in ARRAYS}
        return ExampleClip(**{**facts, "numbers": tuple(facts["numbers"]), "marks": marks}, **arrays)


def frame_labels(one: ExampleClip) -> Iterator[tuple[int, str]]:
    """(frame number, mark or "") of each frame of the strip."""
    for number in one.numbers:
        yield number, (one.marks or {}).get(number, "")
