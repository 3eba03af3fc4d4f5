"""What the command line shows: tables, progress, lists of faults."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from ..analysis import AnalysisResult
    from ..core.progress import ProgressCallback as Report
    from ..datasets.base import DatasetInfo
    from ..experiments.recognition import RecognitionRun
    from ..experiments.spotting import SpottingRun

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False)


def print_status(text: str) -> None:
    """A line for people, on standard error, so that standard output can be piped."""
    _err.print(text, markup=False, soft_wrap=True)


class _Memory(ProgressColumn):
    """The most memory that was in use so far."""

    def render(self, task: Task) -> Text:
        return Text(f"{peak_memory() / 2**30:.1f} GiB")


def peak_memory() -> int:
    """The largest resident size so far, in bytes: of this process, or of a worker that has ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return 1024 * max(resource.getrusage(kind).ru_maxrss for kind in kinds)


@contextmanager
def progress(name: str = "") -> Iterator[Report]:
    """A progress bar for each thing that is being done; without a terminal, a line as each begins and at each tenth.

    Args:
        name: what stands before each, where several things are done in turn.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        _Memory(),
    )
    with Progress(*columns, console=_err, transient=False, disable=not _err.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}
        told: dict[str, int] = {}

        def report(what: str, done: int, total: int) -> None:
            what = f"{name}: {what}" if name else what
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)
            tenth = 10 * done // max(1, total)
            if bars.disable and told.get(what) != tenth:
                told[what] = tenth
                memory = f" (memory: {peak_memory() / 2**30:.1f} GiB at most)" if done else ""
                print_status(f"{what}: {done} of {total}{memory}")

        yield report


def show_datasets(name: str | None, roots: Mapping[str, Path]) -> None:
    """One data set in full, or all of them in a table."""
    from ..core.config import data_folder
    from ..core.errors import MissingDataError
    from ..datasets import DATASETS

    def where(one: str) -> str:
        try:
            return str(data_folder(one, roots))
        except MissingDataError:
            return ""

    if name is not None:
        facts = DATASETS.get(name).info
        here = where(name)
        lines = [
            f"{name}: {facts.title}",
            f"  paper      {facts.citation}",
            f"  access     {facts.access}",
            f"  holds      {_held(facts)}" if facts.clips else "",
            f"  recorded   {facts.fps:g} frames/s" if facts.fps else "",
            *(
                f"  {label:<10} " + ", ".join(f"{w} {n}" for w, n in words.items())
                for label, words in {**facts.counts, **facts.events}.items()
            ),
            f"  counts     {facts.source}" if facts.source else "",
            f"  here       {here or 'not on this machine'}",
            f"  try        microexpr synthesize {name} FOLDER" + (f"; microexpr check {name}" if here else ""),
        ]
        _out.print("\n".join(line for line in lines if line), markup=False)
        return
    table = Table("name", "what", "clips", "people", "frames/s", "here")
    for one, cls in DATASETS:
        f = cls.info
        table.add_row(
            one, f.title, str(f.clips or ""), str(f.subjects or ""), f"{f.fps:g}" if f.fps else "", where(one) or "no"
        )
    _out.print(table)


def _held(facts: DatasetInfo) -> str:
    return f"{facts.clips} clips" + (f" of {facts.subjects} people" if facts.subjects else "")


def show_recipes(name: str | None) -> None:
    """One recipe as TOML, or all of them in a table."""
    from importlib import resources

    from ..recipes import load_recipes, shipped_recipes

    if name is not None:
        load_recipes(name)  # an unknown name is an error that helps
        _out.print(
            (resources.files("microexpr.recipes") / "shipped" / f"{name}.toml").read_text("utf-8"), markup=False, end=""
        )
        return
    table = Table("recipe", "what", "data", "protocol")
    for one in shipped_recipes():
        members = load_recipes(one)
        data = dict.fromkeys(name for member in members for name in member.data)
        rules = dict.fromkeys(name for member in members for name in member.protocols)
        what = members[0].title if len(members) == 1 else f"{len(members)} recipes in one go"
        table.add_row(one, what, ", ".join(data), ", ".join(rules))
    _out.print(table)


def show_faults(name: str, roots: Mapping[str, Path]) -> int:
    """Every fault of a data set's folder; how many there are."""
    from ..datasets import open_dataset

    dataset = open_dataset(name, roots)
    faults = dataset.check()
    for fault in faults:
        _out.print(str(fault), markup=False)
    if faults:
        print_status(f"{len(faults)} fault{'s' * (len(faults) > 1)} in '{dataset.root}'")
    else:
        facts = dataset.info
        _out.print(f"'{dataset.root}' holds {facts.title} as published ({_held(facts)})")
    return len(faults)


def show_report(groups: Sequence[Sequence[RecognitionRun]], spotted: Sequence[SpottingRun] = ()) -> None:
    """Reports of runs in the terminal."""
    from ..reports import summarize
    from ..reports.terminal import show, show_comparison, show_spotting

    if spotted:
        show_spotting(spotted, _out)
    summaries = [summarize(runs) for runs in groups]
    for summary in summaries if len(summaries) <= 3 else ():
        show(summary, _out)
    if len(summaries) > 1:
        show_comparison(summaries, _out)


def write_figures(groups: Sequence[Sequence[RecognitionRun]], folder: Path) -> None:
    """Every picture of some reports as files."""
    from ..reports import summarize
    from ..reports.figures import write_figures as write

    count = write([summarize(runs) for runs in groups], folder)
    print_status(f"wrote {count} figures, each as PNG and SVG, below {folder}")


def show_weights() -> None:
    """Published weights and one's own in a table."""
    from ..core.config import weights_folder
    from ..core.errors import DataError
    from ..core.files import read_metadata
    from ..networks import pretrained as catalog

    table = Table(Column("name", no_wrap=True), "network", "input", "license", Column("from", overflow="fold"), "here")
    for name in catalog.names():
        one = catalog.entry(name)
        shown, origin = f"{one.channels.upper()} {one.size}", "/".join(one.page.split("/")[3:5])
        table.add_row(name, one.network, shown, one.license, origin, "yes" if catalog.find(name) else "no")
    for name in catalog.user_weights():
        try:
            about = read_metadata(weights_folder() / f"{name}.safetensors")
        except DataError:
            about = {"recipe": "(broken)"}
        origin = about.get("recipe") or about.get("source") or about.get("data", "")
        table.add_row(name, about.get("network", ""), "", about.get("license", ""), origin, "own")
    _out.print(table)
    print_status(f"kept in {weights_folder()}")


def show_weight_faults(name: str | None) -> int:
    """Every fault of one file of weights, or of all on this machine; how many there are."""
    from ..networks import pretrained as catalog

    here = [one for one in [*catalog.names(), *catalog.user_weights()] if catalog.find(one)] if name is None else [name]
    checks = [catalog.verify(one) for one in here]
    for check in checks:
        told = f"{len(check.issues)} fault{'s' * (len(check.issues) > 1)}" if check.issues else "whole"
        _out.print(f"{check.name}: {told}; {check.checksum}", markup=False)
        for fault in check.issues:
            _out.print(f"  {fault}", markup=False)
    if not checks:
        print_status("there are no weights on this machine; `microexpr weights list` says what can be fetched")
    return sum(len(check.issues) for check in checks)


def show_pretraining(
    root: Path, network: Mapping[str, Any], values: Mapping[str, Any], out: Path | str, synthetic: bool
) -> None:
    """Train from scratch and say what came of it.

    Args:
        root: folder of images.
        network, values: settings; `network.<key>` among the values is one of the network.
        out: the file to write, or a name among the weights, or nothing for one made of network and folder.
        synthetic: draw patterns into `root` first, where it is empty or not there.
    """
    from ..core.config import weights_folder
    from ..core.files import read_metadata
    from ..core.registry import validate_settings
    from ..recognizers.pretraining.distributed import rank_and_world_size
    from ..recognizers.pretraining.image_datasets import write_synthetic
    from ..recognizers.pretraining.pretrain import Pretraining, pretrain

    inner = {key.removeprefix("network."): value for key, value in values.items() if key.startswith("network.")}
    outer = {key: value for key, value in values.items() if not key.startswith("network.")}
    settings = validate_settings(Pretraining, outer, "pretraining", network={**network, **inner})
    if isinstance(out, str):
        out = weights_folder() / (out or f"{network['name']}-{root.absolute().name}")
    rank, processes = rank_and_world_size()
    if synthetic and processes == 1 and not (root.is_dir() and any(root.iterdir())):
        write_synthetic(root, size=round(settings.size * 256 / 224), seed=settings.seed)
    with progress() as report:
        path = pretrain(settings, root, out, report)
    if rank:
        return
    about = read_metadata(path)
    score = (
        f"; of val right: {float(about['top1']):.1%}, among five {float(about['top5']):.1%}" if "top1" in about else ""
    )
    print_status(f"learned from {about['images']} images{score}\nkept in {path}, a line an epoch beside it in .csv")
    if about["synthetic"] == "true":
        print_status("The images are drawn patterns: these weights show that the machinery works, no more.")


MOST_LISTED = 20
"""Events of a recording that are shown in the terminal; its files hold all."""


def show_results(results: Sequence[AnalysisResult]) -> int:
    """What was found in each recording, and where it is kept; how many could not be analyzed."""
    from ..core.errors import one_line

    for result in results:
        name, found = one_line(result.source.name) or str(result.source), result.analysis
        if found is None:
            print_status(f"microexpr: {result.error}")
            continue
        people = f"{len(found.faces)} face{'s' * (len(found.faces) != 1)}" if found.faces else "no face"
        count = f"{len(found.events)} event{'s' * (len(found.events) != 1)}"
        _out.print(f"{name}: {count}, {people}, {found.recording.seconds:.1f} s", markup=False)
        for event in found.events[:MOST_LISTED]:
            share = f" {event.probabilities[event.label]:.2f}" if event.label in event.probabilities else ""
            told = f"; {', '.join(event.warnings)}" if event.warnings else ""
            _out.print(
                f"  {event.start:8.2f} s  face {event.face}  {event.kind}  {1000 * event.seconds:5.0f} ms  "
                f"{event.label}{share}{told}",
                markup=False,
            )
        if len(found.events) > MOST_LISTED:
            _out.print(f"  ... and {len(found.events) - MOST_LISTED} more", markup=False)
        for line in found.warnings:
            _out.print(f"  note: {line}", markup=False)
        _out.print(f"  {result.folder / 'report.html'}", markup=False)
    faulty = sum(result.analysis is None for result in results)
    if faulty and len(results) > 1:
        print_status(f"{faulty} of {len(results)} recordings could not be analyzed")
    return faulty
