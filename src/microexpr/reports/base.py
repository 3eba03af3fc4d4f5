"""What a report is: warnings, tables, figures and data of runs, which every format of `formats/` renders."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.errors import UnknownNameError, UsageError
from ..core.files import unique_file_name, write_atomically
from ..core.registry import RecordRegistry

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

Fractions = tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: heading.
        columns: names of the columns.
        rows: cells of each row.
        note: lines beneath the table.
        n_own: number of rows of the reported runs, which come first; the others are what these are compared with.
        view: how a page draws it; other formats draw every table alike. `scores` are boxes with a large number,
            `matrix` cells colored by `fractions`, `bars` a bar a row, `settings` a list of names and values.
        fractions: for `matrix` and `bars`: 0 to 1 for each cell of `rows`, None for a cell without color or bar.
        folded: whether a page shows the table only when the reader opens it, and a terminal only on demand.
        brief: positions of the rows that a terminal shows unless it is asked for all; empty for every row.
        page_only: whether formats for terminals and papers leave it out, because it is long or shown there otherwise.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    n_own: int = 0
    view: Literal["plain", "scores", "matrix", "bars", "settings"] = "plain"
    fractions: Fractions = ()
    folded: bool = False
    brief: tuple[int, ...] = ()
    page_only: bool = False


@dataclass(frozen=True)
class FigureSpec:
    """One figure, drawn when a page or a file needs it.

    Attributes:
        name: name of its files, the same in every report.
        heading: heading of the page's section that shows it.
        caption: what it shows.
        draw: draws the figure.
        note: what holds for all figures of the section, mainly units and scales; a page prints it once.
        pixels: whether it shows images, which a page embeds as PNG instead of SVG.
        on_page: whether a page shows it; False where a table of the page shows the same.
    """

    name: str
    heading: str
    caption: str
    draw: Callable[[], Figure]
    note: str = ""
    pixels: bool = False
    on_page: bool = True


@dataclass(frozen=True)
class Gallery:
    """Image files that a page shows side by side.

    Attributes:
        title: heading.
        items: (caption, image files) of each clip.
        note: line beneath the images.
    """

    title: str
    items: tuple[tuple[str, tuple[Path, ...]], ...]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """A report of one run, or of several with a part for each; `make_report` builds it.

    Attributes:
        title: heading.
        name: short name, e.g. of the recipe; also the name of the folder of its figures.
        subtitle: one line beneath the title.
        caveats: what must be stated with every score, in a word each, e.g. `subset`; `warnings` say it in full.
        warnings: what a reader must know before quoting a number.
        tables: tables, the most important first.
        figures: figures, for pages and for papers.
        galleries: images, for pages.
        data: an object for each run, as `microexpr report --json` prints it.
        scores: a row for each score, as `to_dataframe` returns them.
        parts: reports of the single runs, if `tables` compares several.
    """

    title: str
    name: str = ""
    subtitle: str = ""
    caveats: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[FigureSpec, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    data: tuple[Mapping[str, Any], ...] = ()
    scores: tuple[Mapping[str, Any], ...] = ()
    parts: tuple[Report, ...] = ()

    def render(self, form: str) -> str:
        """Render the report as text in one of `REPORT_FORMATS`.

        Raises:
            UnknownNameError: there is no such format; the message names the nearest.
        """
        return REPORT_FORMATS.get(form).render(self)

    def to_markdown(self) -> str:
        """Render as Markdown: headings and pipe tables."""
        return self.render("markdown")

    def to_latex(self) -> str:
        """Render as LaTeX: a `table` environment for each table; needs the package booktabs."""
        return self.render("latex")

    def to_html(self) -> str:
        """Render as one self-contained HTML page."""
        return self.render("html")

    def to_json(self) -> str:
        """Render as JSON: an object for each run, on a line of its own."""
        return self.render("json")

    def to_dataframe(self) -> pandas.DataFrame:
        """Return a row for each score: recipe, data, metric, score and interval."""
        import pandas

        return pandas.DataFrame(list(self.scores))

    def _repr_html_(self) -> str:
        """The HTML page in a frame, for notebooks."""
        page = html.escape(self.to_html(), quote=True)
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 45rem; border: 0"></iframe>'

    def save(self, path: str | Path, form: str = "") -> Path:
        """Write the report to a file.

        Args:
            path: the file to write; its suffix chooses the format if `form` is empty.
            form: name of a format of `REPORT_FORMATS`.

        Returns:
            The path.

        Raises:
            UnknownNameError: no format has that name or suffix.
        """
        path = Path(path)
        by_suffix = {record.suffix: name for name, record in REPORT_FORMATS}
        if not form and path.suffix not in by_suffix:
            raise UnknownNameError("suffix of a report", path.suffix, by_suffix)
        write_atomically(path, self.render(form or by_suffix[path.suffix]).encode())
        return path

    def save_figures(self, folder: str | Path) -> int:
        """Write every figure as PNG and SVG, with `captions.md` beside them; each part in a folder of its own.

        Returns:
            The number of figures.

        Raises:
            UsageError: there is no figure, or two parts have the same name.
        """
        from .plots import encode

        folder = Path(folder)
        parts = self.parts or (self,)
        if len({part.name for part in parts}) < len(parts):
            raise UsageError("two of the runs are of one recipe; write the figures of each to a folder of its own")
        if not any(part.figures for part in parts):
            raise UsageError("this report has tables only, no figures; try --html")
        for part in parts:
            target = folder / unique_file_name(part.name) if len(parts) > 1 else folder
            lines = [f"# {part.title}", *(f"> {line}" for line in part.warnings)]
            for spec in part.figures:
                figure = spec.draw()
                for suffix in ("png", "svg"):
                    write_atomically(target / f"{spec.name}.{suffix}", encode(figure, suffix))
                lines.append(f"**{spec.name}**: {spec.caption} {spec.note}".rstrip())
            write_atomically(target / "captions.md", ("\n\n".join(lines) + "\n").encode())
        return sum(len(part.figures) for part in parts)


@dataclass(frozen=True)
class ReportFormat:
    """A format of reports.

    Attributes:
        suffix: suffix of its files, e.g. `.md`.
        title: the format in a few words.
        render: renders a report as text.
    """

    suffix: str
    title: str
    render: Callable[[Report], str]


REPORT_FORMATS: RecordRegistry[ReportFormat] = RecordRegistry("format of reports", "microexpr.reports.formats")
"""Formats of reports. One more: `REPORT_FORMATS.add("name", ReportFormat(...))` in a file of `formats/` or of a
plug-in."""

ReportBuilder = Callable[[Sequence[Any]], Report]
"""Makes the report of runs of one kind of task."""

REPORTS: RecordRegistry[ReportBuilder] = RecordRegistry("kind of report", "microexpr.reports")
"""Name of a kind of task (`Run.kind`) -> the function that makes a report of its runs."""
