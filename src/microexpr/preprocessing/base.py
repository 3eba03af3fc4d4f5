"""Steps, chains of steps, and the cache of samples.

A step takes a sample and returns one with an array added or replaced, without the arrays that it has consumed, so that
a finished sample holds only what a recognizer reads. Steps have no state and use no random numbers (augmentation is
part of training): the settings of a chain are therefore its key in the cache.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from ..core.clip import TIMES, Clip, Frames, Sample
from ..core.errors import MediaError, MicroexprError, RecipeError
from ..core.files import unique_file_name, write_atomically
from ..core.registry import Registry, load_plugin, loaded_plugins
from ..imaging.frames import ArrayFrames, file_signature, open_frames

LAZY_BYTES = 4 * 2**20
"""Size in bytes from which on the arrays of a cached file are read at each access and not held in memory."""

HELD_BYTES = 256 * 2**20
"""Size in bytes of the small samples that a cache also holds in memory, as every fold reads nearly all of them."""

FACTS = "__facts__"
"""Name of the entry of a cached file that holds the notes of a sample and `face_found`."""


@dataclass(frozen=True)
class Step(ABC):
    """One idea of preprocessing: a frozen dataclass whose fields are its settings.

    Attributes:
        version: part of the key in the cache; increase it when the result changes for equal settings.
        reads: the times of a clip that it uses (`onset`, `apex`, `offset`); they are part of the key in the cache.
        makes: meaning of the values of its array, if they are not gray levels: `flow` (motion in pixels) or
            `difference` (change of the gray level since the first frame). A report draws them accordingly.
        reads_images: whether it, or a step behind it, opens the recording of a clip.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[str, ...]] = ()
    makes: ClassVar[Literal["", "flow", "difference"]] = ""
    reads_images: ClassVar[bool] = True

    @property
    def key_frames_only(self) -> bool:
        """Whether it reads only the onset, apex and offset frames of a clip that has all three."""
        return False

    @abstractmethod
    def __call__(self, sample: Sample) -> Sample:
        """The sample with this step's array added or replaced."""

    def inverse_scale(self, array: str) -> tuple[float, float] | None:
        """How a report converts the values of an array after this step to the unit that they had before it.

        Args:
            array: name of the array.

        Returns:
            `(factor, offset)`: `factor * x + offset` has the previous unit; None if there are no such numbers.
        """
        return None

    def inputs(self) -> str:
        """Fingerprint of the files that it reads besides the clip, e.g. a model; part of the key in the cache."""
        return ""

    def files(self, clip: Clip) -> tuple[Path, ...]:
        """Files and folders that it reads of a clip besides its source; a change of one makes the sample anew."""
        return ()

    @property
    def warning(self) -> str:
        """What a reader of a report must know of its settings before quoting a number; "" for nothing."""
        return ""

    @property
    def channel_order(self) -> str:
        """Order of the color channels of its array: `rgb`, `bgr` or `gray`; a report shows them as RGB."""
        return "rgb"


def frames_of(sample: Sample) -> Frames:
    """The frames that a sample is made of: those in memory, else those of its clip's source."""
    return open_frames(sample.clip.source) if sample.source is None else sample.source


def require_motion(sample: Sample, frames: Frames) -> None:
    """Check that there is more than one frame, for a step that takes several: a picture has no motion.

    Raises:
        MediaError: there is one frame.
    """
    if len(frames.numbers) == 1:
        raise MediaError(
            f"'{sample.clip.source}' is one picture, which shows no motion; give a recording of the movement, or take "
            "a chain of single pictures"
        )


def several_frames(step: Step, sample: Sample) -> np.ndarray:
    """The array `frames` of a sample, for a step that compares them.

    Raises:
        RecipeError: there is one frame only.
    """
    frames = sample.array("frames")
    if len(frames) < 2:
        raise RecipeError(
            f"step '{step.name}' needs two frames; clip '{sample.id}' has {len(frames)}; use 'onset-apex', or set "
            "min_frames = 2 in the step 'sequence'"
        )
    return frames


STEPS: Registry[Step] = Registry("step", "microexpr.preprocessing")
"""All preprocessing steps. One more: a subclass of `Step` with `@STEPS.register("name")`."""


@dataclass(frozen=True)
class Chain:
    """Steps that are applied one after the other. `chain(clip)` makes a sample of a blinded clip."""

    steps: tuple[Step, ...]

    @classmethod
    def build(cls, settings: Sequence[Mapping[str, Any]]) -> Chain:
        """Build a chain from the tables of a recipe.

        Raises:
            RecipeError: the chain is empty, a setting is unknown, or a value is of the wrong type or out of range.
        """
        if not settings:
            raise RecipeError('a chain needs at least one step, e.g. {name = "load-image"}')
        return cls(tuple(STEPS.build(table) for table in settings))

    @property
    def key(self) -> str:
        """Hash of steps, settings and versions; the name of the chain in the cache."""
        return hashlib.sha256(self.description.encode()).hexdigest()[:16]

    @property
    def description(self) -> str:
        """Steps, settings, versions and fingerprints of the files that they read, as JSON."""
        tables = []
        for step in self.steps:
            inputs = {"inputs": step.inputs()} if step.inputs() else {}
            tables.append({"name": step.name, "version": step.version, **dataclasses.asdict(step), **inputs})
        return json.dumps(tables)

    @property
    def settings(self) -> list[dict[str, Any]]:
        """Name and settings of each step, as in a recipe."""
        return [{"name": step.name, **dataclasses.asdict(step)} for step in self.steps]

    @property
    def key_frames_only(self) -> bool:
        """Whether only the onset, apex and offset frames are read of a clip that has all three."""
        return self.steps[0].key_frames_only

    @property
    def reads_images(self) -> bool:
        """Whether a step opens the recording of a clip."""
        return any(step.reads_images for step in self.steps)

    @property
    def measures_motion(self) -> bool:
        """Whether a step measures how frames differ: flow, or differences."""
        return any(step.makes for step in self.steps)

    @property
    def reads(self) -> tuple[str, ...]:
        """The times of a clip that any step uses."""
        return tuple(t for t in TIMES if any(t in step.reads for step in self.steps))

    def __call__(
        self,
        clip: Clip,
        frames: Frames | Mapping[int, np.ndarray] | np.ndarray | None = None,
        landmarks: Mapping[int, np.ndarray] | None = None,
    ) -> Sample:
        """Make a sample of a clip, from its source or from frames that are in memory.

        Args:
            clip: a blinded clip.
            frames: the clip's frames, if they are in memory: by frame number, or (T, height, width, 3) uint8 RGB
                numbered from 0. Steps then read nothing from `clip.source`.
            landmarks: frame number -> (68, 2) x and y in pixels of those frames, in the order of iBUG 300-W. The face
                of a frame with landmarks is not searched.

        Raises:
            MicroexprError: a step failed; the message begins with the clip's id.
        """
        if isinstance(frames, np.ndarray):
            frames = ArrayFrames(dict(enumerate(frames)))
        elif isinstance(frames, Mapping):
            frames = ArrayFrames(frames)
        sample = Sample(clip, source=frames, landmarks=landmarks)
        for step in self.steps:
            try:
                sample = step(sample)
            except MicroexprError as error:
                raise type(error)(f"{clip.id}: step '{step.name}': {error}") from error
        return dataclasses.replace(sample, source=None, landmarks=None, numbers=())


class SampleCache(Mapping[str, Sample]):
    """The samples of many clips by clip id; each is made at first access and stored on disk.

    Args:
        chain: makes the samples.
        clips: blinded clips.
        cache: cache folder; the samples of this chain are in `<cache>/samples/<chain key>/`.
    """

    def __init__(self, chain: Chain, clips: Sequence[Clip], cache: Path) -> None:
        self.chain = chain
        self.clips = {clip.id: clip for clip in clips}
        self.folder = cache / "samples" / chain.key
        self._held: dict[str, Sample] = {}
        self._held_bytes = 0

    def __reduce__(self) -> tuple[Any, ...]:  # by settings, so that another process can load plugins first
        return _samples, (tuple(loaded_plugins), self.chain.settings, list(self.clips.values()), self.folder.parents[1])

    def __getitem__(self, clip_id: str) -> Sample:
        if clip_id in self._held:
            return self._held[clip_id]
        sample = self._read(self.clips[clip_id])
        size = 0 if isinstance(sample.arrays, LazyArrays) else sum(array.nbytes for array in sample.arrays.values())
        if 0 < size < LAZY_BYTES and self._held_bytes + size <= HELD_BYTES:
            self._held[clip_id] = sample
            self._held_bytes += size
        return sample

    def _read(self, clip: Clip) -> Sample:
        if not self.chain.reads_images:
            return self.chain(clip)  # there is nothing to store
        path = self.path(clip)
        if path.is_file():
            try:
                return _load(path, clip, lambda: self._make(path, clip))
            except DAMAGED:
                path.unlink(missing_ok=True)  # a damaged file is made again
        return self._make(path, clip)

    def face_found(self, clip_id: str) -> bool:
        """Whether a face was found in a clip; of a stored sample, its arrays are not read."""
        if not self.chain.reads_images:
            return self[clip_id].face_found
        path = self.path(self.clips[clip_id])
        try:
            with np.load(path, allow_pickle=False) as stored:
                return bool(json.loads(str(stored[FACTS]))["face_found"])
        except DAMAGED:
            return self[clip_id].face_found

    def entry(self, clip_id: str) -> str:
        """The name of a sample in the cache: its chain, its clip, and what the chain reads of it on this machine."""
        return f"{self.folder.name}/{self.path(self.clips[clip_id]).name}"

    def make(self, clip_id: str) -> Sample:
        """Make a sample without storing it, for another machine that does."""
        return self.chain(self.clips[clip_id])

    def store(self, sample: Sample) -> None:
        """Store a sample that another machine made."""
        self._write(self.path(self.clips[sample.id]), sample)

    def _make(self, path: Path, clip: Clip) -> Sample:
        sample = self.chain(clip)
        self._write(path, sample)
        return sample

    def __iter__(self) -> Iterator[str]:
        return iter(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    def path(self, clip: Clip) -> Path:
        """The file of a clip; its name has the id and a hash of the times that the chain uses and of the source."""
        times = [getattr(clip, name) for name in self.chain.reads]
        files = {path for step in self.chain.steps for path in step.files(clip) if path.exists()}
        others = [[str(path), file_signature(path)] for path in sorted(files)]
        key = json.dumps([times, str(clip.source), file_signature(clip.source), *others])
        tag = hashlib.sha256(key.encode()).hexdigest()[:12]
        return self.folder / f"{unique_file_name(clip.id)}-{tag}.npz"

    def _write(self, path: Path, sample: Sample) -> None:
        description = self.folder / "chain.json"
        if not description.exists():
            write_atomically(description, self.chain.description.encode())
        content = io.BytesIO()
        facts = json.dumps({"notes": dict(sample.notes), "face_found": sample.face_found})
        np.savez(content, **sample.arrays, **{FACTS: np.array(facts)})  # type: ignore[arg-type]
        write_atomically(path, content.getvalue())


def _samples(
    plugins: Sequence[Path], settings: Sequence[Mapping[str, Any]], clips: list[Clip], cache: Path
) -> SampleCache:
    for plugin in plugins:
        load_plugin(plugin)
    return SampleCache(Chain.build(settings), clips, cache)


DAMAGED = (OSError, ValueError, KeyError, zipfile.BadZipFile)
"""What reading a damaged or missing file of samples raises."""


def _load(path: Path, clip: Clip, make: Callable[[], Sample]) -> Sample:
    with np.load(path, allow_pickle=False) as stored:
        facts = json.loads(str(stored[FACTS]))
        names = tuple(name for name in stored.files if name != FACTS)
        large = path.stat().st_size > LAZY_BYTES
        arrays = LazyArrays(path, names, make) if large else {name: stored[name] for name in names}
        return Sample(clip, arrays, facts["notes"], facts["face_found"])


class LazyArrays(Mapping[str, np.ndarray]):
    """The arrays of a large file of the cache, read at each access, since sequences would fill the memory.

    Args:
        path: the file.
        names: of its arrays.
        make: makes the sample and its file anew, where it was removed or is damaged.
    """

    def __init__(self, path: Path, names: tuple[str, ...], make: Callable[[], Sample]) -> None:
        self.path, self.names, self.make = path, names, make

    def __reduce__(self) -> tuple[Any, ...]:  # as arrays, since another machine cannot read the files of this one
        return dict, (list(self.items()),)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.names:
            raise KeyError(name)
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                array: np.ndarray = stored[name]
        except DAMAGED:
            return self.make().array(name)
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
