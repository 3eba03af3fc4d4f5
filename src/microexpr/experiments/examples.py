"""Example clips: what a run stores of a few clips, so that its report can show them without the recordings."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from ..core.clip import Clip, Frames, Sample
from ..core.files import unique_file_name, write_atomically, write_folder_atomically
from ..imaging.flow_colors import DEFAULT_LIMIT, channel_image, flow_image, full_color_limit
from ..imaging.frames import open_frames
from ..imaging.images import write_image
from ..preprocessing import Chain, Step
from ..protocols import Example

IMAGE_SIZE = 168
"""Side of an image in a report, in pixels."""

STRIP_SIZE = 120
"""Side of a frame in a strip, in pixels."""

MAX_FRAMES = 9
"""Maximum number of frames of a strip."""

MAX_DIFFERENCE = 32.0
"""Change of brightness, of 255 levels, that gets the full color."""

PIXELS = "pixels of the image that it was computed on"
"""Unit of a flow whose scale is known."""


@dataclass(frozen=True)
class ExampleClip:
    """What a report shows of one clip; a field is None where the chain makes no such array or the license forbids it.

    Attributes:
        label: Class of the clip.
        clip: Id of the clip.
        dataset: Its data set.
        numbers: Numbers of the frames in `strip`.
        marks: Frame number -> `onset`, `apex`, `offset`.
        strip: (T, 120, 120, 3) uint8, frames of the recording.
        flow: (height, width, 2 or 3) float32: u, v, and the channel that `extra_channel` names.
        flows: (T, height, width, 2 or 3) float32, the same for several frames.
        face: (height, width, 3) uint8, the image that the flow starts from.
        input_frames: (T, height, width, 3) uint8, frames or differences to the first, as the recognizer gets them.
        differences: Whether `input_frames` are differences to the first frame.
        extra_channel: `strain`, `magnitude` or "".
        unit: Unit of u and v.
        limit: Length of motion that gets the full color, the same for all clips of the run.
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
        """Class and clip as a file name."""
        return _file_name(self.label, self.clip)


def _file_name(label: str, clip: str) -> str:
    return f"{unique_file_name(label)}--{unique_file_name(clip)}"


IMAGES = "images.json"
"""The file that lists the images of a run's examples."""

IMAGE_SUFFIXES = {"input": ".png", "apex": ".jpg"}

ARRAYS = ("strip", "flow", "flows", "face", "input_frames")


def write_examples(
    folder: Path, examples: Sequence[Example], samples: Mapping[str, Sample], faces: bool, chain: Chain | None = None
) -> None:
    """Write the input images of two clips of each class, and the arrays of one clip of each class and data set.

    Args:
        folder: Folder of the run.
        examples: The clips of the run.
        samples: Clip id -> its sample.
        faces: Write frames of the recordings too; only for synthetic faces, which may be shown.
        chain: The chain that made the samples; gives the order of colors and the unit of a flow.
    """
    if (folder / "examples").exists():
        return
    steps = chain.steps if chain is not None else ()
    before = _before_flow(chain, samples[examples[0].clip.id].clip)
    limit = full_color_limit(0 if before is None else max(before.shape[:2]))
    images: list[dict[str, str]] = []
    with write_folder_atomically(folder / "examples", shared=True) as target:
        for label in sorted({example.label for example in examples}):
            own = [example for example in examples if example.label == label]
            for example in (own[0], own[-1]) if len(own) > 1 else own:
                shown: dict[str, np.ndarray | None] = {"input": input_image(samples[example.clip.id], steps, limit)}
                if faces:
                    shown["apex"] = apex_image(example.clip)
                for kind, image in shown.items():
                    if image is not None:
                        file = f"{_file_name(label, example.clip.id)}--{kind}{IMAGE_SUFFIXES[kind]}"
                        write_image(target / file, image)
                        images.append({"label": label, "clip": example.clip.id, "kind": kind, "file": file})
            for dataset in sorted({example.clip.dataset for example in own}):
                first = next(example for example in own if example.clip.dataset == dataset)
                _write(target, collect_example(first, samples[first.clip.id], faces, chain, limit))
        write_atomically(target / IMAGES, (json.dumps(images, indent=1) + "\n").encode())


def example_images(folder: Path) -> dict[tuple[str, str], dict[str, Path]]:
    """(class, clip id) -> kind (`input`, `apex`) -> file of the images that `write_examples` wrote for a run."""
    found: dict[tuple[str, str], dict[str, Path]] = {}
    path = folder / "examples" / IMAGES
    for image in json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []:
        found.setdefault((image["label"], image["clip"]), {})[image["kind"]] = folder / "examples" / image["file"]
    return found


def load_examples(folder: Path) -> list[ExampleClip]:
    """The example clips that `write_examples` wrote into the folder of a run."""
    return [_read(path) for path in sorted((folder / "examples").glob("*.npz"))]


def collect_example(example: Example, sample: Sample, faces: bool, chain: Chain | None, limit: float) -> ExampleClip:
    """Collect everything that a report shows of one clip."""
    steps = chain.steps if chain is not None else ()
    numbers, marks, strip = clip_strip(example.clip) if faces else ((), {}, None)
    flow, flows = _flow_of(sample, 3), _flow_of(sample, 4)
    flow_step = _flow_step(steps)
    factor, unit = _unit(steps[flow_step + 1 :]) if flow_step is not None else (1.0, PIXELS)
    has_flow = flow is not None or flows is not None
    face = _before_flow(chain, sample.clip) if faces and has_flow else None
    # A descriptor may have replaced the flow: then there is none to draw, and its largest value is not known.
    largest = max((float(np.abs(array).max()) for array in (flow, flows) if array is not None), default=limit)
    return ExampleClip(
        label=example.label,
        clip=example.clip.id,
        dataset=example.clip.dataset,
        numbers=numbers,
        marks=marks,
        strip=strip,
        flow=None if flow is None else _scaled(flow, factor),
        flows=None if flows is None else np.stack([_scaled(_small(frame), factor) for frame in _few(flows)]),
        face=None if face is None else _small(face),
        input_frames=_input_frames(sample, steps) if faces and not has_flow else None,
        differences=any(step.makes == "difference" for step in steps),
        extra_channel=str(getattr(steps[flow_step], "extra_channel", "")) if flow_step is not None else "",
        unit=unit,
        limit=limit if unit == PIXELS else largest,
    )


def input_image(sample: Sample, steps: Sequence[Step] = (), limit: float = DEFAULT_LIMIT) -> np.ndarray | None:
    """The input of the recognizer as an RGB image, (168, 168, 3) uint8; None where it is no image.

    Args:
        sample: A sample, with an array `image` where the input is one.
        steps: The steps that made it. Colors in the order `bgr` are reordered, and scales are inverted.
        limit: Pixels of motion that get the full color, where the image is a flow.
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
        if low < -0.5 or high > 255.5 or high <= 1:  # not brightness: scale by its own range
            values = 255 * (values - low) / max(high - low, 1e-9)
        shown = np.round(np.clip(values, 0, 255)).astype(np.uint8)
        if any(step.channel_order == "bgr" for step in steps):
            shown = shown[..., ::-1]
        shown = np.dstack([shown, *[shown[..., :1]] * (3 - shown.shape[2])])[..., :3]
    return cv2.resize(np.ascontiguousarray(shown), (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_NEAREST)


def apex_image(clip: Clip) -> np.ndarray:
    """The frame at the apex (or in the middle of the recording where it is not known), as (168, 168, 3) uint8."""
    frames = open_frames(clip.source)
    middle = frames.numbers[len(frames.numbers) // 2]
    return _square(frames.read(middle if clip.apex is None else clip.apex), IMAGE_SIZE)


def clip_strip(clip: Clip, count: int = MAX_FRAMES) -> tuple[tuple[int, ...], dict[int, str], np.ndarray | None]:
    """Numbers of frames, marks, and the frames themselves, (T, 120, 120, 3) uint8; no frames for a single image.

    Onset, apex and offset are always among them, the others lie evenly between onset and offset.
    """
    frames: Frames = open_frames(clip.source)
    available = list(frames.numbers)
    if len(available) < 2:
        return (), {}, None
    marks: dict[int, str] = {}
    for name in ("onset", "apex", "offset"):
        number = getattr(clip, name)
        if number in available:
            marks[number] = f"{marks[number]}, {name}" if number in marks else name
    first = available[0] if clip.onset not in available else clip.onset
    last = available[-1] if clip.offset not in available else clip.offset
    numbers = select_frame_numbers([n for n in available if first <= n <= last], marks, count)
    return numbers, marks, np.stack([_square(frames.read(number), STRIP_SIZE) for number in numbers])


def select_frame_numbers(numbers: Sequence[int], always: Mapping[int, str], count: int = MAX_FRAMES) -> tuple[int, ...]:
    """At most `count` of the numbers, in ascending order: those of `always`, and others spread evenly."""
    selected = set(always) & set(numbers)
    for index in _evenly(len(numbers), count):
        candidate = numbers[index]
        if len(selected) >= count:
            break
        if not any(abs(candidate - number) < len(numbers) / (2 * count) for number in selected):
            selected.add(candidate)
    return tuple(sorted(selected))


def _evenly(n: int, count: int) -> list[int]:
    """At most `count` indices of 0 to n - 1, evenly spread."""
    return sorted({round(index) for index in np.linspace(0, n - 1, min(n, count))})


def _few(images: np.ndarray) -> list[np.ndarray]:
    """At most `MAX_FRAMES` of the images, evenly spread."""
    return [images[index] for index in _evenly(len(images), MAX_FRAMES)]


def _square(frame: np.ndarray, size: int) -> np.ndarray:
    """The largest square in the middle of a frame, resized."""
    side = min(frame.shape[:2])
    top, left = (frame.shape[0] - side) // 2, (frame.shape[1] - side) // 2
    return cv2.resize(frame[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)


def _small(image: np.ndarray) -> np.ndarray:
    """An image, reduced where it is larger than the images of a report."""
    if max(image.shape[:2]) <= IMAGE_SIZE:
        return image
    return cv2.resize(image, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_AREA)


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
    """Index of the step that computes flow."""
    return next((i for i, step in enumerate(steps) if step.makes == "flow"), None)


def _input_frames(sample: Sample, steps: Sequence[Step]) -> np.ndarray | None:
    """A few frames of the input of a recognizer of sequences; None where there are none, or none that can be shown."""
    frames = sample.arrays.get("frames")
    if frames is None or frames.ndim != 4 or frames.shape[-1] != 3:
        return None
    few = [_small(frame) for frame in _few(frames)]
    if frames.dtype == np.uint8:
        return np.stack(few)
    scales = [step.inverse_scale("frames") or (1.0, 0.0) for step in steps]
    if not any(step.makes == "difference" for step in steps) or any(offset for _, offset in scales):
        return None
    factor = float(np.prod([factor for factor, _ in scales]))
    return np.stack([channel_image(factor * frame.mean(axis=-1), MAX_DIFFERENCE) for frame in few])


def _unit(after: Sequence[Step]) -> tuple[float, str]:
    """The factor that turns a flow into pixels again, given the steps after it, and its unit; 1 where it is unknown."""
    factor = 1.0
    for step in after:
        scale = step.inverse_scale("image")
        if scale is None or scale[1] != 0:
            return 1.0, f"units of the chain, after step '{step.name}'"
        factor *= scale[0]
    return factor, PIXELS


def _before_flow(chain: Chain | None, clip: Clip) -> np.ndarray | None:
    """The image that the flow starts from, (height, width, 3) uint8, made by the steps before the flow."""
    flow_step = None if chain is None else _flow_step(chain.steps)
    if chain is None or not flow_step:
        return None
    frames = Chain(chain.steps[:flow_step])(clip).arrays.get("frames")
    if frames is None or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
        return None
    return np.asarray(frames[0])


def _write(folder: Path, example: ExampleClip) -> None:
    arrays = {name: getattr(example, name) for name in ARRAYS if getattr(example, name) is not None}
    if not arrays:
        return
    facts = {name: value for name, value in asdict(example).items() if name not in ARRAYS}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays, __facts__=np.array(json.dumps(facts)))
    write_atomically(folder / f"{example.name}.npz", content.getvalue())


def _read(path: Path) -> ExampleClip:
    with np.load(path, allow_pickle=False) as stored:
        facts = json.loads(str(stored["__facts__"]))
        marks = {int(number): mark for number, mark in (facts.pop("marks") or {}).items()}
        arrays = {name: stored[name] for name in stored.files if name in ARRAYS}
        return ExampleClip(**{**facts, "numbers": tuple(facts["numbers"]), "marks": marks}, **arrays)


def frame_labels(example: ExampleClip) -> Iterator[tuple[int, str]]:
    """(frame number, mark or "") of each frame of the strip."""
    for number in example.numbers:
        yield number, (example.marks or {}).get(number, "")
