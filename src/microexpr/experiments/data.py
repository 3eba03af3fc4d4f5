"""What a stage is made from: its data sets opened, its clips chosen and labeled, its samples prepared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import __version__
from ..core.clip import Clip
from ..core.config import cache_folder
from ..core.errors import ProtocolError, RunError, UsageError
from ..core.executors import Failed, executor
from ..core.progress import ProgressCallback
from ..datasets import DATASETS, Dataset, add_labels, open_dataset
from ..preprocessing import Chain, SampleCache
from ..protocols import Example, Fold, Protocol, load_protocol
from ..recipes import Quick, RecognitionRecipe, Stage
from .options import RunOptions


@dataclass(frozen=True)
class StageData:
    """The clips of a stage.

    Attributes:
        stage: whose they are.
        rules: its protocol.
        data: data set -> {fingerprint, synthetic}.
        examples: the clips (or frames) that take part.
        folds: as the protocol splits them.
        count_mismatches: every difference to the published counts.
        left_out: clips without pictures, and why.
        absent: people who have no clip of the task, a line a data set.
    """

    stage: Stage
    protocol: Protocol
    data: dict[str, dict[str, Any]]
    examples: list[Example]
    folds: list[Fold]
    count_mismatches: list[str]
    left_out: list[str]
    absent: list[str] = field(default_factory=list)

    @property
    def train_examples(self) -> tuple[Example, ...]:
        """What the stage teaches when it comes before another: a single split's training side, otherwise all."""
        return self.folds[0].train if len(self.folds) == 1 else tuple(self.examples)


def load_stage_data(
    stage: Stage, recipe: RecognitionRecipe, options: RunOptions, progress: ProgressCallback
) -> StageData:
    """Open a stage's data sets and choose its clips.

    Raises:
        ProtocolError: the clips do not meet the published counts, and a subset was not asked for.
        UsageError: two of the data sets hold the same clips.
    """
    rules = load_protocol(stage.protocol)

    def opened(name: str) -> Dataset:
        return (
            synthetic_dataset(name, recipe.quick, options, progress)
            if options.synthetic
            else open_dataset(name, options.roots.get(name))
        )

    sources = [opened(name) for name in stage.data]
    clips = {source.name: list(source.clips(allow_missing=options.allow_subset)) for source in sources}
    every = [clip for own in clips.values() for clip in own]
    labeled, data = add_labels(every, rules.label, options.labels, opened), {}
    examples = rules.select(labeled)
    absent = [
        line for source in sources for line in subjects_without_clips(source, clips[source.name], examples, rules)
    ]
    if len({e.clip.id for e in examples}) < len(examples):
        names = ", ".join(source.name for source in sources)
        raise UsageError(f"two of the data sets {names} hold the same clips; name only one of them")
    if options.quick:
        examples = _first_people(examples, rules, recipe.quick.subjects)
    shortfall = rules.count_mismatches(examples)
    if shortfall and not (options.allow_subset or options.quick):
        more = f" and {len(shortfall) - 1} more differences" if len(shortfall) > 1 else ""
        raise ProtocolError(
            f"protocol '{rules.name}': {shortfall[0]}{more}; --allow-subset runs on what is here and the report says so"
        )
    for source in sources:
        data[source.name] = {"fingerprint": source.fingerprint(), "synthetic": source.synthetic}
    left_out = [str(fault) for source in sources for fault in source.missing()]
    return StageData(stage, rules, data, examples, rules.folds(examples), shortfall, left_out, absent)


def prepare_samples(
    intake: StageData, examples: Iterable[Example], options: RunOptions, progress: ProgressCallback
) -> SampleCache:
    """The samples of clips, blinded as the protocol says, made on all cores where the executor has them."""
    clips = {e.clip.id: e.clip.blind(intake.protocol.reveal) for e in examples}
    samples = SampleCache(Chain.build(intake.stage.chain), list(clips.values()), cache_folder())
    missing = [name for name, clip in samples.clips.items() if not samples.path(clip).is_file()]
    what, done = f"preparing clips of '{intake.stage.name}'", len(samples) - len(missing)
    runner = (
        executor("local")
        if options.executor == "local" or len(missing) < 16
        else executor("processes", options.workers)
    )
    progress(what, done, len(samples))
    for _, outcome in runner.run(_prepare, missing, samples):
        if isinstance(outcome, Failed):
            raise RunError(outcome.reason)
        done += 1
        progress(what, done, len(samples))
    return samples


def _prepare(name: str, samples: SampleCache) -> None:
    """Make one sample for the cache."""
    samples[name]


def subjects_without_clips(
    source: Dataset, clips: Sequence[Clip], examples: Sequence[Example], rules: Protocol
) -> Iterator[str]:
    """A line on the people of a release who have no clip of the task; a release that is not all here counts itself."""
    here = {clip.subject for clip in clips}
    judged = here & {e.clip.subject for e in examples}
    facts = source.info
    people = max(len(here), facts.subjects if len(clips) >= facts.clips else 0)
    if out := people - len(judged):
        kinds = f"{len(rules.classes)} classes"
        yield (
            f"{source.name}: {len(judged)} of {people} people have a clip of the {kinds}; "
            f"the other {out} take no part (a test fold of theirs would be empty)"
        )


def synthetic_dataset(name: str, small: Quick, options: RunOptions, progress: ProgressCallback) -> Dataset:
    """The synthetic copy of a release, from the cache if it is there."""
    people = small.subjects if options.quick else None
    scale = small.image_scale if options.quick else 1.0
    folder = cache_folder() / "synthetic" / f"{name}-v{__version__}-{people or 'all'}-{scale}"
    if folder.is_dir():
        return DATASETS.get(name)(folder)
    progress(f"making up {name}", 0, 1)
    made = DATASETS.get(name).make_synthetic(folder, subjects=people, image_scale=scale)
    progress(f"making up {name}", 1, 1)
    return made


def _first_people(examples: list[Example], rules: Protocol, people: int | None) -> list[Example]:
    """The clips of the first few people of each data set; of all when None."""
    every = sorted({(e.clip.dataset, e.clip.subject) for e in examples})
    kept = {p for d in rules.datasets for _, p in [one for one in every if one[0] == d][:people]}
    return [e for e in examples if e.clip.subject in kept]
