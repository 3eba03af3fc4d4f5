"""The page of leaderboards, written from the results in the folder `results/`.

A file of results is what `microexpr report RUN... --json --out results/NAME.json` writes: a line for each recipe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docstrings import join, table

RESULTS = Path(__file__).parents[1] / "results"

PREFIX = "leaderboard-"
"""What the names of suites that are leaderboards begin with."""

Record = Mapping[str, Any]


def leaderboards_page(folder: Path = RESULTS) -> str:
    """Return the page: for each leaderboard a table for each set of clips that results were sent in for."""
    from microexpr.recipes import shipped_recipes

    records = read_results(folder)
    parts = [
        "# Leaderboards",
        "Every method under the same clean rules: no choice is made on a test person, the epoch is the last, and each "
        "leaderboard can be read (`microexpr recipes NAME`) and run. *Lift †* is what choosing the epoch of each fold "
        "on its test people would have added: a number that leaks so is never the score. Results on synthetic faces "
        "are not listed. [How to send in results](../how-to/leaderboards.md).",
    ]
    for suite in (name for name in shipped_recipes() if name.startswith(PREFIX)):
        parts += _leaderboard(suite, records)
    return join(parts)


def read_results(folder: Path) -> list[Record]:
    """Read the records of all files of results, of real and complete runs.

    Raises:
        ValueError: a file holds something else, or results that are synthetic, quick or partial.
    """
    records = []
    for path in sorted(folder.glob("*.json")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            where = f"'{path}', line {number}"
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{where}: not JSON ({error}); write it with `microexpr report RUN --json`") from None
            unfit = record.get("synthetic") or record.get("quick") or not record.get("complete")
            if "recipe" not in record or unfit:
                raise ValueError(
                    f"{where}: not the record of a complete run on real data; take it out, or finish the run "
                    "without --quick and --data synthetic"
                )
            records.append(record)
    return records


def _leaderboard(suite: str, records: Sequence[Record]) -> list[str]:
    from microexpr.protocols import PROTOCOLS
    from microexpr.recipes import load_recipes

    members = load_recipes(suite)
    shipped = {member.name: member.as_dict() for member in members}
    names = list(shipped)
    in_folds = any("stages" in settings for settings in shipped.values())
    command = f"microexpr run {suite}" + (" --seeds 5 --keep-epochs 5" if in_folds else "")
    parts = [f"## {suite}", _title(suite), f"```sh\n{command}\n```"]
    own = [record for record in records if record["recipe"] in names]
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in own:
        groups.setdefault((record.get("protocol", ""), json.dumps(record["subset"])), []).append(record)
    for (protocol, _), group in groups.items():
        if protocol:
            parts += [f"### {PROTOCOLS.get(protocol).title}", _scope(group), _ranking(group, shipped)]
        else:
            parts += _spotting(group, shipped)
    if absent := [name for name in names if name not in {record["recipe"] for record in own}]:
        parts.append(f"No result on real clips yet: {', '.join(f'`{name}`' for name in absent)}.")
    datasets = dict.fromkeys(name for member in members for name in member.datasets)
    parts.append("It needs: " + "; ".join(_release(name) for name in datasets) + ".")
    return parts


def _title(suite: str) -> str:
    """Return the title of a suite."""
    import tomllib

    from microexpr.recipes import recipe_text

    return str(tomllib.loads(recipe_text(suite))["title"]) + "."


def _scope(group: Sequence[Record]) -> str:
    """Return on which clips the results are."""
    first = group[0]
    parts = [f"{part['n']} clips of {part['subjects']} people of `{name}`" for name, part in _parts(first)]
    whole = f"{first['n']} clips of {first['subjects']} people" + (f" ({'; '.join(parts)})" if len(parts) > 1 else "")
    subset = "; ".join(first["subset"])
    return f"**{whole}.**" + (f" A part of the published protocol: {subset}." if subset else "")


def _parts(record: Record) -> list[tuple[str, Record]]:
    return list(record.get("per_dataset", {}).items())


def _ranking(group: Sequence[Record], shipped: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of the results on the same clips, the best first; `shipped` are the recipes by name."""
    from microexpr.protocols import PROTOCOLS
    from microexpr.reports.comparison import metric_label
    from microexpr.reports.tables import format_interval, format_number, format_score

    protocol = PROTOCOLS.get(group[0]["protocol"])
    first, *rest = protocol.primary_metrics
    ranked = sorted(group, key=lambda record: -(record["metrics"][first] or 0))
    best = ranked[0]
    rows = []
    for record in ranked:
        metrics, spread, interval = record["metrics"], record["spread"], record["intervals"].get(first)
        scores = [format_score(metrics[name]) + _spread(spread.get(name)) for name in (first, *rest)]
        lift = record.get("lift")
        weights, seconds = record.get("weights"), record.get("seconds_per_fold")
        rows.append(
            (
                f"`{record['recipe']}`{_changes(record['settings']['stages'], shipped[record['recipe']]['stages'])}",
                f"{scores[0]} ({format_interval(interval)})" if interval else scores[0],
                *scores[1:],
                _to_best(record, best, first),
                f"{lift['difference']:+.3f} ({lift['low']:+.3f} to {lift['high']:+.3f})" if lift else "",
                format_number(weights) if weights else "",
                f"{seconds:.2g}" if seconds else "",
                str(len(record["seeds"])),
            )
        )
    labels = [metric_label(name, protocol) for name in rest]
    columns = ["recipe", f"{metric_label(first, protocol)} (95 % over people)", *labels, "minus the best (95 %)"]
    return table((*columns, "lift †", "weights", "seconds a fold", "seeds"), rows)


def _spotting(group: Sequence[Record], shipped: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a heading and a table for each data set of long videos, the best F1 of all intervals first."""
    from microexpr.datasets import DATASETS
    from microexpr.reports.tables import format_interval, format_score

    columns = ("recipe", "F1 of all (95 % over people)", "F1 of micro", "F1 of macro", "false alarms a minute", "seed")
    parts = []
    for dataset in dict.fromkeys(name for record in group for name in record["per_dataset"]):
        own = [(record, record["per_dataset"][dataset]) for record in group if dataset in record["per_dataset"]]
        rows = [
            (
                f"`{record['recipe']}`{_changes(record['spotter'], shipped[record['recipe']]['spotter'])}",
                f"{format_score(found['scores']['all']['f1'])} ({format_interval(found['intervals']['all'])})",
                *(format_score(found["scores"][kind]["f1"]) for kind in ("micro", "macro")),
                f"{found['false_alarms_per_minute']:.1f}",
                str(record["seed"]),
            )
            for record, found in sorted(own, key=lambda pair: -pair[1]["scores"]["all"]["f1"])
        ]
        first = own[0][1]
        subset = "; ".join(line for line in own[0][0]["subset"] if line.startswith(f"{dataset}:"))
        scope = f"**{first['videos']} videos of {first['subjects']} people.**"
        scope += f" A part of the release: {subset}." if subset else ""
        parts += [f"### {DATASETS.get(dataset).info.title}", scope, table(columns, rows)]
    return parts


def _changes(own: Any, shipped: Any) -> str:
    """Return the settings that were not those of the shipped recipe, in brackets; "" for none."""
    from microexpr.reports.settings import differing_settings, format_setting

    names = [
        f"{name} {format_setting(now)} instead of {format_setting(before)}"
        for name, (now, before) in differing_settings([own, shipped])
    ]
    return f" ({', '.join(names)})" if names else ""


def _spread(value: float | None) -> str:
    from microexpr.reports.tables import format_score

    return f" ±{format_score(value)}" if value else ""


def _to_best(record: Record, best: Record, metric: str) -> str:
    """Return the paired difference to the best result, where both were reported together."""
    names = [own.get("name", own["recipe"]) for own in (record, best)]
    for comparison in record.get("comparisons", ()):
        if [comparison["first"], comparison["second"]] == names:
            found = comparison["differences"][metric]
            return f"{found['difference']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"
    return ""


def _release(name: str) -> str:
    """Return a release and who gives it."""
    from microexpr.datasets import DATASETS

    info = DATASETS.get(name).info
    return f"{info.title} ({info.access})"
