"""Data of a stage: its data sets opened, its clips selected and labeled, its samples prepared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.cache_files import cached_folder
from ..core.clip import Clip, Sample
from ..core.config import cache_folder
from ..core.errors import ProtocolError, RunError, UsageError
from ..core.executors import Done, Failed, executor
from ..core.progress import ProgressCallback
from ..datasets import DATASETS, Dataset, add_labels, open_dataset, read_labels
from ..preprocessing import Chain, SampleCache
from ..protocols import TEST_ONLY, Example, Fold, Protocol, load_protocol
from ..recipes import Quick, RecognitionRecipe, Stage
from .options import RunOptions
from .runner import Job, run_all

MIN_PARALLEL = 16
"""Smallest number of clips missing in the cache for which they are prepared in several processes."""

MAX_FACELESS = 0.5
"""Largest fraction of clips without a detected face; with more, the chain does not fit its images: no score is made."""


@dataclass(frozen=True)
class StageData:
    """The clips of a stage.

    Attributes:
        stage: The stage.
        protocol: Its protocol.
        data: Data set -> {`fingerprint`, `synthetic`}.
        examples: The clips (or frames) that take part, with their classes.
        folds: The examples as the protocol splits them.
        count_mismatches: Every difference to the published counts.
        left_out: Clips without images, and why.
        absent: What takes no part, a line each: clips without a readable label, or whose label is none of the recipe's
            classes; subjects without a clip of the task; lines of the csv of labels that name no clip.
        clip_ids: Ids of all clips of the data sets, whether or not they take part.
    """

    stage: Stage
    protocol: Protocol
    data: dict[str, dict[str, Any]]
    examples: list[Example]
    folds: list[Fold]
    count_mismatches: list[str]
    left_out: list[str]
    absent: list[str] = field(default_factory=list)
    clip_ids: frozenset[str] = frozenset()

    @property
    def train_examples(self) -> tuple[Example, ...]:
        """The examples that an earlier stage is trained on: the training set of a single fold, otherwise all."""
        if self.protocol.without_training:
            return ()
        return self.folds[0].train if len(self.folds) == 1 else tuple(self.examples)


def load_data(recipe: RecognitionRecipe, options: RunOptions, progress: ProgressCallback) -> list[StageData]:
    """Open the data sets of every stage and select their clips.

    Raises:
        ProtocolError: as `load_stage_data`.
        UsageError: as `load_stage_data`, or none of the clips of the csv of labels is in any stage.
    """
    stage_data = [load_stage_data(stage, recipe, options, progress) for stage in recipe.stages]
    if options.labels is not None:
        ids = {clip_id for data in stage_data for clip_id in data.clip_ids}
        named = read_labels(options.labels)
        unknown = [clip_id for clip_id in named if clip_id not in ids]
        if len(unknown) == len(named):
            raise UsageError(
                f"labels '{options.labels}': '{unknown[0]}' is none of the {len(ids)} clips, e.g. '{min(ids)}'"
            )
        if unknown:
            line = (
                f"labels '{options.labels.name}': {len(unknown)} of {len(named)} lines name no clip of these data "
                f"sets, e.g. '{unknown[0]}'"
            )
            stage_data[-1] = replace(stage_data[-1], absent=[*stage_data[-1].absent, line])
    return stage_data


def load_stage_data(
    stage: Stage, recipe: RecognitionRecipe, options: RunOptions, progress: ProgressCallback
) -> StageData:
    """Open a stage's data sets and select its clips.

    Raises:
        ProtocolError: the clips differ from the published counts, and `allow_subset` is not set.
        UsageError: two of the data sets hold the same clips.
    """
    protocol, images = load_protocol(stage.protocol), Chain.build(stage.chain).reads_images

    def open_source(name: str) -> Dataset:
        return open_source_dataset(name, recipe.quick, options, progress, images)

    sources = [_read(open_source(name), images, options) for name in stage.data]
    clips = {source.dataset.name: source.clips for source in sources}
    all_clips = [clip for own in clips.values() for clip in own]
    table = read_labels(options.labels) if options.labels else {}
    labeled = add_labels(all_clips, protocol.label, table, open_source, protocol.classes)
    examples = protocol.select(labeled)
    others = check_own_classes(protocol, labeled, examples) if isinstance(stage.protocol, dict) else []
    absent = protocol.unlabeled(labeled) + [
        line for own in sources for line in subjects_without_clips(own.dataset, own.clips, examples, protocol)
    ]
    absent += others
    if len({example.clip.id for example in examples}) < len(examples):
        names = ", ".join(source.dataset.name for source in sources)
        raise UsageError(f"two of the data sets {names} hold the same clips; name only one of them")
    if options.quick:
        examples = _of_first_subjects(examples, protocol, recipe.quick.subjects)
    mismatches = protocol.count_mismatches(examples)
    if mismatches and not (options.allow_subset or options.quick):
        more = f" and {len(mismatches) - 1} more differences" if len(mismatches) > 1 else ""
        raise ProtocolError(
            f"protocol '{protocol.name}': {mismatches[0]}{more}; --allow-subset runs on what is here and the report "
            "says so"
        )
    data = {own.dataset.name: {"fingerprint": own.fingerprint, "synthetic": own.dataset.synthetic} for own in sources}
    left_out = [line for own in sources for line in own.left_out]
    folds, ids = protocol.folds(examples), frozenset(clip.id for clip in all_clips)
    return StageData(stage, protocol, data, examples, folds, mismatches, left_out, absent, ids)


@dataclass(frozen=True)
class _Source:
    """What is read of a data set; of the images too where they are wanted.

    Attributes:
        dataset: The data set.
        images: Whether its images are wanted.
        allow_subset: Whether clips may lack them.
    """

    dataset: Dataset
    images: bool
    allow_subset: bool

    @cached_property
    def clips(self) -> list[Clip]:
        """Its clips."""
        return self.dataset.clips(allow_missing=self.allow_subset) if self.images else self.dataset.annotated_clips()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that a run reads."""
        return self.dataset.fingerprint() if self.images else self.dataset.annotation_fingerprint()

    @cached_property
    def left_out(self) -> list[str]:
        """A line for each clip without images."""
        return [str(issue) for issue in self.dataset.missing()] if self.images else []


_copies: dict[tuple[Path, bool, bool], _Source] = {}
"""Synthetic copies that this process has read: the next recipe of a suite does not read thousands of images again."""


def _read(dataset: Dataset, images: bool, options: RunOptions) -> _Source:
    """Read a data set, or take a synthetic copy as it was read before; those of the cache are never changed."""
    source = _Source(dataset, images, options.allow_subset)
    key = (dataset.root, images, options.allow_subset)
    return _copies.setdefault(key, source) if options.synthetic else source


def prepare_samples(
    data: StageData, examples: Iterable[Example], options: RunOptions, progress: ProgressCallback
) -> SampleCache:
    """Prepare the samples of clips, blinded by the protocol; in several processes unless the executor is `local`.

    The machines of a Ray cluster that see the data prepare them, too; what they cannot see is prepared here.

    Raises:
        RunError: a sample cannot be made, or no face is found in most clips.
    """
    clips = {example.clip.id: example.clip.blind(data.protocol.reveal) for example in examples}
    samples = SampleCache(Chain.build(data.stage.chain), list(clips.values()), cache_folder())
    what = f"preparing clips of '{data.stage.name}'"
    if options.executor != "local" and len(_missing(samples)) >= MIN_PARALLEL:
        where = options.build_executor()
        if where.remote and options.address:
            for _, outcome in run_all(_missing(samples), _make, samples, where, progress, what, len(samples)):
                if isinstance(outcome, Done) and outcome.value is not None:
                    samples.store(outcome.value)
    missing = _missing(samples)  # on a cluster, those that its machines cannot see
    parallel = options.executor != "local" and len(missing) >= MIN_PARALLEL
    here = executor("processes", None if options.address else options.workers) if parallel else executor("local")
    for _, outcome in run_all(missing, _prepare, samples, here, progress, what, len(samples)):
        if isinstance(outcome, Failed):
            raise RunError(outcome.reason)
    _check_faces(samples, data.stage.name)
    return samples


@dataclass(frozen=True, kw_only=True)
class PreparationJob(Job):
    """A sample to be made.

    Attributes:
        entry: Its name in the cache of this machine; another machine that sees other files has another name for it.
    """

    entry: str


def _missing(samples: SampleCache) -> list[PreparationJob]:
    """A job for each sample that is not in the cache; none where samples hold nothing of the images."""
    if not samples.chain.reads_images:
        return []
    absent = [name for name, clip in samples.clips.items() if not samples.path(clip).is_file()]
    return [PreparationJob(units=(name,), entry=samples.entry(name)) for name in absent]


def _make(job: PreparationJob, samples: SampleCache) -> Sample | None:
    """Make one sample on a machine of a cluster; None where that does not see the same files."""
    return samples.make(job.units[0]) if samples.entry(job.units[0]) == job.entry else None


def _prepare(job: PreparationJob, samples: SampleCache) -> None:
    """Prepare one sample into the cache."""
    samples[job.units[0]]


def _check_faces(samples: SampleCache, stage: str) -> None:
    """Refuse clips most of which have no face: what is left of them says nothing about a recognizer.

    Raises:
        RunError: no face is found in more than `MAX_FACELESS` of the clips.
    """
    faceless = [clip_id for clip_id in samples if not samples.face_found(clip_id)]
    if len(faceless) > MAX_FACELESS * len(samples):
        raise RunError(
            f"stage '{stage}': no face was found in {len(faceless)} of {len(samples)} clips, e.g. '{faceless[0]}' "
            f"(more than {100 * MAX_FACELESS:.0f} %): the images show no face that the chain's face detector knows, or "
            "are cut too closely to it; look at one, and change the chain"
        )


def check_own_classes(protocol: Protocol, clips: Sequence[Clip], examples: Sequence[Example]) -> list[str]:
    """Lines about the clips whose label is none of the classes of a recipe's own protocol, and classes without a clip.

    Raises:
        ProtocolError: no clip has one of the classes, and clips are trained on; with published counts, these tell.
    """
    own = [clip for clip in clips if clip.dataset in protocol.datasets and clip.id not in protocol.exclude]
    lines = []
    if empty := sorted(set(protocol.classes) - {name for e in examples for name in protocol.labels_of(e.label)}):
        line = (
            f"no clip has the class '{empty[0]}'; the clips have as '{protocol.label}': {_counted(own, protocol.label)}"
        )
        if protocol.split != TEST_ONLY and not (protocol.counts or protocol.clip_totals):
            raise ProtocolError(f"protocol '{protocol.name}': {line}")
        lines.append(f"{line[0].upper()}{line[1:]}: the class counts 0 in the unweighted scores.")
    if unused := [clip for clip in own if protocol.label_of(clip) is None]:
        labels = _counted(unused, protocol.label)
        lines.append(f"{len(unused)} of {len(own)} clips take no part: their label is none of the classes ({labels})")
    return lines


def _counted(clips: Sequence[Clip], field: str) -> str:
    """Labels of clips and how many have each."""
    counts = Counter(clip.labels.get(field, "") or "none" for clip in clips)
    return ", ".join(f"{label} {n}" for label, n in sorted(counts.items()))


def subjects_without_clips(
    source: Dataset, clips: Sequence[Clip], examples: Sequence[Example], protocol: Protocol
) -> Iterator[str]:
    """Yield a warning per data set: subjects without a clip in this protocol."""
    here = {clip.subject for clip in clips}
    taking_part = here & {example.clip.subject for example in examples}
    published = source.info.subjects if len(clips) >= source.info.clips else 0  # a subset has fewer subjects
    total = max(len(here), published)
    if absent := total - len(taking_part):
        what = "with known action units" if protocol.multilabel else f"of the {len(protocol.classes)} classes"
        yield (
            f"{source.name}: {len(taking_part)} of {total} subjects have a clip {what}; the other {absent} take no "
            "part (a test fold of theirs would be empty)"
        )


def open_source_dataset(
    name: str, quick: Quick, options: RunOptions, progress: ProgressCallback, images: bool = True
) -> Dataset:
    """Open a data set, or its synthetic copy if the option `synthetic` is set.

    Args:
        name: Name of the data set.
        quick: How small a copy is with the option `quick`.
        options: Where data are looked for.
        progress: Called while a copy is written.
        images: Whether images are read; otherwise a copy has none, if the release can be read without.

    Raises:
        MissingDataError: it is not on this machine.
    """
    if not options.synthetic:
        return open_dataset(name, options.roots.get(name))
    release = DATASETS.get(name)
    subjects = quick.subjects if options.quick else None
    if subjects and release.info.subjects:  # more than there are give the same copy, which is made once
        subjects = min(subjects, release.info.subjects)
    scale = quick.image_scale if options.quick else 1.0
    if not images and not release.read_needs_images:
        scale = 0.0
    folder = cache_folder() / "synthetic" / f"{name}-v{__version__}-{subjects or 'all'}-{scale}"

    def make(unfinished: Path) -> None:
        what = f"making a synthetic {name}"
        progress(what, 0, 1)
        release.make_synthetic(unfinished, subjects=subjects, image_scale=scale)
        progress(what, 1, 1)

    return release(cached_folder(folder, make))


def _of_first_subjects(examples: list[Example], protocol: Protocol, count: int | None) -> list[Example]:
    """The examples of the first `count` subjects of each data set; of all subjects when None."""
    chosen = set()
    for dataset in protocol.datasets:
        subjects = sorted({example.clip.subject for example in examples if example.clip.dataset == dataset})
        chosen.update(subjects[:count])
    return [example for example in examples if example.clip.subject in chosen]
