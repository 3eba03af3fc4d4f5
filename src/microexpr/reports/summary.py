"""Everything a report says of a run, computed from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import RunError
from ..experiments.recognition import Prediction, RecognitionRun
from ..metrics import Metric, ordered_metrics
from ..metrics import recognition as m
from ..metrics.bootstrap import bootstrap_scores, percentile_interval
from ..protocols import Protocol
from .published import PublishedRow, published
from .single_class import is_majority_baseline, single_class_message, single_class_warnings

SYNTHETIC = "The faces are synthetic: these numbers show that the machinery works, never that it recognizes emotions."


@dataclass(frozen=True)
class Summary:
    """What a report says.

    Attributes:
        runs: the same recipe with one or several seeds; scores are means over them.
        metrics: name -> score, 0 to 1.
        intervals: name -> 95 % interval by drawing people (of the first seed).
        spread: name -> standard deviation over the seeds; empty for one seed.
        parts: data set (or fold, where the protocol averages folds) -> {metric: score, n, people}.
        confusion: (C, C) counts of the first seed, rows truth.
        part_confusion: part -> the same of its clips.
        taught: (C, C) counts of what the first seed's models say of their own training clips; None if not kept.
        collapsed: what there is to say of a method that guesses one class only; "" otherwise.
        scores: metrics of each seed, in the order of `runs`.
        per_class: class -> precision, recall, F1 and n.
        majority: name -> score of always guessing the most frequent class.
        people: person -> (right, clips) of the first seed.
        published: rows of papers with the same protocol.
        warnings: what a reader must know before quoting a number.
    """

    runs: tuple[RecognitionRun, ...]
    n_clips: int
    n_subjects: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    spread: Mapping[str, float]
    parts: Mapping[str, Mapping[str, float]]
    confusion: np.ndarray
    part_confusion: Mapping[str, np.ndarray]
    train_confusion: np.ndarray | None
    single_class: str
    seed_metrics: tuple[Mapping[str, float], ...]
    per_class: Mapping[str, m.ClassScore]
    baseline: Mapping[str, float]
    subjects_correct: Mapping[str, tuple[int, int]]
    published: tuple[PublishedRow, ...]
    warnings: tuple[str, ...]

    @property
    def run(self) -> RecognitionRun:
        """The first of the runs."""
        return self.runs[0]

    @property
    def protocol(self) -> Protocol:
        """The protocol that judged it."""
        return self.run.protocol

    @property
    def title(self) -> str:
        """The recipe's line for people."""
        return str(self.run.metadata.recipe["title"])

    @property
    def label(self) -> str:
        """What the row of this run is called beside published ones; a subset is never without that word."""
        return f"this run ({', '.join(self.caveats)})" if self.caveats else "this run"

    @property
    def caveats(self) -> list[str]:
        """Words without which no score of this run may stand."""
        marks = ["synthetic faces"] * self.run.synthetic + ["subset"] * bool(self.run.metadata.subset)
        return marks + ["partial"] * (not all(run.complete for run in self.runs))

    @property
    def train_confusion_note(self) -> str:
        """What a reader must know of `taught`."""
        if self.train_confusion is None:
            return ""
        asked, every = int(self.train_confusion.sum()), sum(fold["train_clips"] for fold in self.run.metadata.folds)
        some = "" if asked == every else f" ({asked} answers on {every} training clips: clips without a face are not "
        some += "" if asked == every else "asked about, nor more than 2000 of a fold, evenly chosen)"
        over = f", summed over {len(self.run.done())} folds" if len(self.run.unit_names) > 1 else ""
        inner = self.run.metadata.recipe["stages"][-1]["recognizer"].get("validate")
        some += "; those kept apart for inner validation are among them" if inner else ""
        return f"Each fold's own training clips after it learned from them{over}{some}. This is no score."

    def as_dict(self) -> dict[str, Any]:
        """As `report --json` prints it."""
        header = self.run.metadata
        return {
            "recipe": header.recipe["name"],
            "title": self.title,
            "protocol": self.protocol.name,
            "n": self.n_clips,
            "subjects": self.n_subjects,
            "seeds": [run.metadata.seed for run in self.runs],
            "revealed": list(self.protocol.reveal),
            "complete": all(run.complete for run in self.runs),
            "folds": {"done": sum(len(r.done()) for r in self.runs), "all": sum(len(r.unit_names) for r in self.runs)},
            "synthetic": self.run.synthetic,
            "quick": header.quick,
            "subset": header.subset,
            "left_out": header.left_out,
            "absent": header.absent,
            "stages": [{k: v for k, v in stage.items() if k != "curves"} for stage in self.run.stages()],
            "warnings": list(self.warnings),
            "metrics": dict(self.metrics),
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "spread": dict(self.spread),
            "per_dataset": {name: dict(part) for name, part in self.parts.items()},
            "classes": list(self.protocol.classes),
            "confusion": self.confusion.tolist(),
            "confusion_of_training": None if self.train_confusion is None else self.train_confusion.tolist(),
            "collapsed": self.single_class,
            "majority": dict(self.baseline),
            "published": {
                f"{row.method} [{row.source}{', ' * bool(row.part)}{row.part}]": _row(row) for row in self.published
            },
        }


def summarize(runs: Sequence[RecognitionRun]) -> Summary:
    """All that is to be said of the runs of one recipe, one a seed.

    Raises:
        RunError: no fold is done yet, or the runs are of different recipes.
    """
    first = runs[0]
    for run in runs:
        if run.metadata.key != first.metadata.key:
            raise RunError(f"'{run.folder}' and '{first.folder}' are runs of different recipes; report them one by one")
        if not run.done():
            raise RunError(f"'{run.folder}' has no finished fold yet; run the recipe again to go on")
    rules = first.protocol
    every = [{fold: run.fold_predictions(fold) for fold in run.done()} for run in runs]
    scored = [_scores(rules, folds) for folds in every]
    rows = [row for fold in every[0].values() for row in fold]
    truth, guess = [r.label for r in rows], [r.predicted for r in rows]
    guessed = m.predict_majority(truth, rules.classes)
    bets = {f: [_with_guess(r, guessed[0]) for r in part] for f, part in every[0].items()}
    metrics = {name: float(np.mean([s[name] for s in scored])) for name in scored[0]}
    bet = _scores(rules, bets)
    tests = [m.confusion_matrix(*_words([r for p in folds.values() for r in p]), rules.classes) for folds in every]
    war = (metrics["weighted_average_recall"], bet["weighted_average_recall"])
    return Summary(
        runs=tuple(runs),
        n_clips=len(rows),
        n_subjects=len({row.subject for row in rows}),
        metrics=metrics,
        intervals=_intervals(rules, every[0]),
        spread={name: float(np.std([s[name] for s in scored], ddof=1)) for name in scored[0]} if len(runs) > 1 else {},
        parts=_parts(rules, every[0]),
        confusion=tests[0],
        part_confusion={p: m.confusion_matrix(*_words(r), rules.classes) for p, r in _groups(rules, every[0]).items()},
        train_confusion=first.train_confusion(),
        single_class=""
        if is_majority_baseline(first)
        else "; ".join(filter(None, (single_class_message(t, rules.classes) for t in tests))),
        seed_metrics=tuple(scored),
        per_class=m.per_class(truth, guess, rules.classes),
        baseline=bet,
        subjects_correct=_people(rows),
        published=published(rules.name),
        warnings=tuple(_warnings(runs, rows) + single_class_warnings(runs, tests, rows, guessed[0], war)),
    )


def _words(rows: Sequence[Prediction]) -> tuple[list[str], list[str]]:
    return [row.label for row in rows], [row.predicted for row in rows]


def _scores(rules: Protocol, folds: Mapping[str, Sequence[Prediction]]) -> dict[str, float]:
    """Every metric, pooled or as the mean of the folds, as the protocol says."""
    if rules.average == "folds":
        each = [_pooled_scores(rules, rows) for rows in folds.values()]
        return {name: float(np.mean([scores[name] for scores in each])) for name in each[0]}
    rows = [row for fold in folds.values() for row in fold]
    by_fold = {
        metric.name: float(np.mean([metric.function(*_words(part), rules.classes) for part in folds.values() if part]))
        for metric in ordered_metrics()
        if metric.average == "folds"
    }
    return _pooled_scores(rules, rows) | by_fold


def _pooled_scores(rules: Protocol, rows: Sequence[Prediction]) -> dict[str, float]:
    return {metric.name: metric.function(*_words(rows), rules.classes) for metric in _pooled_metrics()}


def _pooled_metrics() -> list[Metric]:
    return [metric for metric in ordered_metrics() if metric.average == "pooled"]


def _intervals(rules: Protocol, folds: Mapping[str, Sequence[Prediction]]) -> dict[str, tuple[float, float]]:
    """By drawing people; each fold on its own where the protocol averages folds."""
    groups = list(folds.values()) if rules.average == "folds" else [[row for rows in folds.values() for row in rows]]
    found = {}
    for metric in _pooled_metrics():
        drawn = [
            bootstrap_scores(metric.function, *_words(rows), rules.classes, [row.subject for row in rows], seed=seed)
            for seed, rows in enumerate(groups)
        ]
        found[metric.name] = percentile_interval(np.mean(drawn, axis=0))
    return found


def _groups(rules: Protocol, folds: Mapping[str, Sequence[Prediction]]) -> dict[str, list[Prediction]]:
    """The rows of each fold where the protocol averages folds, otherwise of each data set."""
    if rules.average == "folds":
        return {name: list(rows) for name, rows in folds.items()}
    rows = [row for fold in folds.values() for row in fold]
    return {d: [row for row in rows if row.dataset == d] for d in sorted({row.dataset for row in rows})}


def _parts(rules: Protocol, folds: Mapping[str, Sequence[Prediction]]) -> dict[str, dict[str, float]]:
    return {
        name: _pooled_scores(rules, rows) | {"n": len(rows), "subjects": len({row.subject for row in rows})}
        for name, rows in _groups(rules, folds).items()
    }


def _people(rows: Sequence[Prediction]) -> dict[str, tuple[int, int]]:
    own = {person: [row for row in rows if row.subject == person] for person in sorted({row.subject for row in rows})}
    return {person: (sum(r.label == r.predicted for r in mine), len(mine)) for person, mine in own.items()}


def _warnings(runs: Sequence[RecognitionRun], rows: Sequence[Prediction]) -> list[str]:
    header, lines = runs[0].metadata, []
    if runs[0].synthetic:
        lines.append(SYNTHETIC)
    for run in runs:
        if not run.complete:
            failed = run.failed()
            why = f"; {len(failed)} failed, e.g. {next(iter(failed.items()))}" if failed else ""
            lines.append(f"PARTIAL: {len(run.done())} of {len(run.unit_names)} folds of '{run.folder}' are done{why}.")
    if header.quick:
        lines.append("SMALL: made smaller by --quick (fewer people, smaller pictures, fewer epochs).")
    if runs[0].protocol.leaks:
        lines.append("LEAKS: pictures of the same people, even of the same clips, are on both sides of this split.")
    if header.subset:
        more = f"; and {len(header.subset) - 6} more differences" if len(header.subset) > 6 else ""
        lines.append("SUBSET of the published protocol: " + "; ".join(header.subset[:6]) + more + ".")
    if header.left_out:
        lines.append(f"{len(header.left_out)} clips left out for want of pictures, e.g. {header.left_out[0]}.")
    lines += header.absent
    if silent := sum(row.predicted == "" for row in rows):
        lines.append(f"{silent} clips got no guess (no face was found) and count as wrong.")
    return lines


def _with_guess(row: Prediction, word: str) -> Prediction:
    return Prediction(row.id, row.dataset, row.subject, row.label, word, row.probabilities)


def _row(row: PublishedRow) -> dict[str, Any]:
    return {**row.metrics, "source": row.source, "part": row.part, "leaky": row.leaky, "note": row.note}
