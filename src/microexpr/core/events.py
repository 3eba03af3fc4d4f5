"""Facial movements found in a recording: the records that the analysis writes and that files, page and server read.

video -> faces (`FaceTrack`) -> spotting (`Interval`s of frames) -> recognition -> `Event`s in seconds -> `Analysis`
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .action_units import ActionUnit, format_action_units
from .detection_limit import DetectionLimit
from .event_columns import UNIT_COLUMNS, to_columns
from .facial_regions import describe_motion, describe_units
from .files import write_atomically
from .frame_times import FrameTimes
from .registry import RecordRegistry

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Event:
    """One facial movement that was found in a recording.

    Attributes:
        video: name of the file or folder.
        face: number of the person in the recording, from 1.
        onset: frame number at which it begins, as the source numbers its frames.
        apex: frame number at which it is strongest.
        offset: frame number at which it ends.
        start: time of the onset in seconds since the first frame of the recording.
        peak: time of the apex in seconds.
        end: time of the offset in seconds.
        kind: `micro` or `macro`: as the spotter says, else by the duration (`micro` is shorter than 0.5 s).
        score: confidence of the spotter, on the scale of that spotter; larger is more confident.
        probabilities: class -> probability from the recognizer, 0 to 1, largest first; empty if nothing was recognized.
        label: the class, or `unknown`.
        quality: mean quality of the face during the event, 0 to 1.
        warnings: reasons for caution, e.g. `blink`, `head turned`, `below 60 fps`.
        status: `found` by the program; `confirmed`, `rejected`, `corrected` or `added` by a coder.
        coder: name of the coder who set the status.
        note: free text of the coder.
        reason: why the label is `unknown`; empty where it is not, or where a coder chose it.
        action_units: the action units that moved, in the order of their numbers.
        unit_probabilities: action unit on one side -> probability from the recognizer, 0 to 1, e.g. `R12`; empty if it
            tells no action units.
        regions: region of the face -> how far it moved from onset to apex without the head, (x, y) in pixels of a face
            224 pixels wide; x to the right of the image, y down. Empty where it was not measured.
        label_by: name of the coder who gave the label; empty where the recognizer did.
        round: round of judging in which a coder set the status, from 1; the second one is over events on which two
            coders agreed.
    """

    video: str
    face: int
    onset: int
    apex: int
    offset: int
    start: float
    peak: float
    end: float
    kind: str
    score: float
    probabilities: Mapping[str, float] = field(default_factory=dict)
    label: str = "unknown"
    quality: float = 1.0
    warnings: tuple[str, ...] = ()
    status: str = "found"
    coder: str = ""
    note: str = ""
    reason: str = ""
    action_units: tuple[ActionUnit, ...] = ()
    unit_probabilities: Mapping[str, float] = field(default_factory=dict)
    regions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    label_by: str = ""
    round: int = 1

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.end - self.start

    @property
    def probability(self) -> float | None:
        """Probability of `label`, 0 to 1; None where a coder gave that label, or the recognizer does not know it."""
        return None if self.label_by else self.probabilities.get(self.label)


@dataclass(frozen=True)
class Candidate:
    """A movement that was found in a recording and is no event.

    Attributes:
        face: number of the person in the recording, from 1.
        onset, apex, offset: frame numbers, as in `Event`.
        start, peak, end: the same in seconds.
        score: confidence of the spotter, on its scale.
        reason: why it is no event: `below the threshold`, `fast turn of the head`, or what was before the face.
    """

    face: int
    onset: int
    apex: int
    offset: int
    start: float
    peak: float
    end: float
    score: float
    reason: str


BELOW_THRESHOLD = "below the threshold"
"""Reason of a candidate whose score is too low."""


@dataclass(frozen=True)
class Recording:
    """Properties of a video file or a folder of frames.

    Attributes:
        name: name of the file or folder; characters that cannot be printed are replaced.
        path: absolute path at the time of the analysis.
        frames: number of frames.
        seconds: time from the first to the last frame.
        fps: frames per second: one over the median step of the time stamps.
        width: width of an upright frame in pixels.
        height: height of an upright frame in pixels.
    """

    name: str
    path: str
    frames: int
    seconds: float
    fps: float
    width: int
    height: int


Spans = tuple[tuple[float, float], ...]
"""Start and end in seconds, rising."""


@dataclass(frozen=True)
class Face:
    """One person over a whole recording.

    Attributes:
        face: number of the person, from 1.
        frames: number of frames in which the face was in sight.
        quality: mean quality of the face in these frames, 0 to 1.
        gaps: start and end in seconds of each time in which the face was not in sight.
        blinks: start and end in seconds of each time in which an eye was closed or closing.
        unusable: start and end in seconds of each time in which the face was in sight and its quality too low.
        curve: (seconds, value) of the curve of the spotter; long curves are thinned and keep their peaks.
    """

    face: int
    frames: int
    quality: float
    gaps: Spans = ()
    blinks: Spans = ()
    curve: Spans = ()
    unusable: Spans = ()


@dataclass(frozen=True)
class Analysis:
    """Everything that was found in one recording.

    Attributes:
        recording: properties of the recording.
        faces: the persons in it; empty where no face was found.
        events: the facial movements, ordered by onset frame and then by face.
        warnings: reasons for caution that hold for the whole recording.
        settings: every setting of every part, also those left at their defaults; `about_model` holds the metadata of
            the recognizer.
        version: version of microexpr.
        fingerprint: hash of source, settings, model and version; an analysis with the same fingerprint is not repeated.
        detection_limit: how small a movement would have been found; None where it was not asked for.
        candidates: movements that are no events, ordered by onset frame and then by face.
        spotter_threshold: height of the faces' curves from which on a movement is an event; None where the spotter's
            curve has another scale.
        excluded: start and end in seconds of each time that was excluded: no event lies in it.
    """

    recording: Recording
    faces: tuple[Face, ...] = ()
    events: tuple[Event, ...] = ()
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    fingerprint: str = ""
    detection_limit: DetectionLimit | None = None
    candidates: tuple[Candidate, ...] = ()
    spotter_threshold: float | None = None
    excluded: Spans = ()

    @property
    def why_no_event(self) -> str:
        """Why there is no event, in a sentence; empty where there is one."""
        if self.events:
            return ""
        if not self.faces:
            return "No face was found in this recording."
        weak = [candidate.score for candidate in self.candidates if candidate.reason == BELOW_THRESHOLD]
        others = Counter(candidate.reason for candidate in self.candidates if candidate.reason != BELOW_THRESHOLD)
        limit = "the threshold" if self.spotter_threshold is None else f"the threshold, {self.spotter_threshold:.3g}"
        parts = [f"{_count(len(weak))} below {limit}, the best {max(weak):.3g}"] if weak else []
        parts += [f"{_count(number)} left out: {reason}" for reason, number in others.items()]
        return f"No event: {'; '.join(parts)}." if parts else "The spotter found no facial movement."

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the recognizer in the order of its protocol, also without events; then any others, by name."""
        known = (self.settings.get("about_model") or {}).get("classes", ())
        return ordered_classes(self.events, known)

    def to_dataframe(self) -> DataFrame:
        """Return the events as a table: a row per event, with the columns of events.csv and a `p_<class>` per class.

        Needs pandas.
        """
        from pandas import DataFrame

        nested = ("probabilities", "action_units", "unit_probabilities", "regions")
        fields = [name for name in Event.__dataclass_fields__ if name not in nested]
        columns = [*fields, "seconds", "action_units", "movement", *UNIT_COLUMNS]
        rows = []
        for event in self.events:
            row = {name: getattr(event, name) for name in fields} | {"seconds": event.seconds}
            row |= {"warnings": "; ".join(event.warnings), "movement": describe_action_units(event)}
            row |= to_columns(event.action_units, event.unit_probabilities, event.regions)
            rows.append(row | {f"p_{name}": p for name, p in event.probabilities.items()})
        return DataFrame(rows, columns=[*columns, *(f"p_{name}" for name in self.classes)])

    def save(self, folder: Path | str, formats: Collection[str] | None = None) -> list[Path]:
        """Write the events into a folder, a file per format: `events.csv`, `events.eaf`, `events.json` and so on.

        Existing files of these names are replaced. Each file is written whole or not at all; `events.json` is the
        last, so that a folder that holds it is complete.

        Args:
            folder: is made where it does not exist.
            formats: names from `EVENT_FORMATS`; by default those whose `default` is True.

        Returns:
            The files, in the order in which they were written.

        Raises:
            UnknownNameError: there is no such format.
        """
        folder = Path(folder)
        names = default_formats() if formats is None else set(formats)
        chosen = [EVENT_FORMATS.get(name) for name in sorted(names, key=lambda name: (name == "json", name))]
        contents = {folder / name: content for form in chosen for name, content in form.files(self, folder).items()}
        for path, content in contents.items():
            write_atomically(path, content)
        return list(contents)

    def _repr_html_(self) -> str:
        """Return a time line and a table of the events, for notebooks."""
        recording = self.recording
        lines = [
            f"<p><b>{html.escape(recording.name)}</b>: {recording.seconds:.1f} s, {len(self.faces)} face(s), "
            f"{len(self.events)} event(s)</p>",
            *(f"<p>Note: {html.escape(warning)}</p>" for warning in self.warnings),
        ]
        found = () if self.detection_limit is None else self.detection_limit.sentences()
        detection_limit = [f"<p>{html.escape(sentence)}</p>" for sentence in found]
        if not self.events:
            return "".join([*lines, f"<p>{html.escape(self.why_no_event)}</p>", *detection_limit])
        names = (
            *("event", "face", "start (s)", "duration (ms)", "kind", "label", "probability", "score"),
            *("action units", "movement", "warnings"),
        )
        head = "".join(f"<th>{name}</th>" for name in names)
        rows = []
        for number, event in enumerate(self.events, start=1):
            probability = "" if event.probability is None else format_probability(event.probability)
            cells = (
                *(str(number), str(event.face), f"{event.start:.2f}", f"{1000 * event.seconds:.0f}", event.kind),
                *(event.label, probability, f"{event.score:.3g}", unit_codes(event), describe_action_units(event)),
                ", ".join(event.warnings),
            )
            rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        return "".join([*lines, self._time_line(), table, *detection_limit])

    def _time_line(self) -> str:
        """An SVG with a row per face and a bar per event: blue for micro, brown for macro, as in the report."""
        faces = sorted({event.face for event in self.events} | {face.face for face in self.faces})
        width, row = 640, 18
        scale = width / max(self.recording.seconds, *(event.end for event in self.events), 1e-6)
        bars = []
        for number, event in enumerate(self.events, start=1):
            color = "#1668b8" if event.kind == "micro" else "#ab5e08"
            title = html.escape(f"event {number}: {event.kind}, {event.label}, {event.start:.2f} s")
            bars.append(
                f'<rect x="{event.start * scale:.1f}" y="{row * faces.index(event.face) + 3}" '
                f'width="{max(event.seconds * scale, 2):.1f}" height="{row - 6}" fill="{color}">'
                f"<title>{title}</title></rect>"
            )
        height = row * len(faces)
        frame = f'<rect width="{width}" height="{height}" fill="none" stroke="#999"/>'
        return f'<svg width="{width}" height="{height}" role="img" aria-label="events">{frame}{"".join(bars)}</svg>'


@dataclass(frozen=True)
class EventFormat:
    """A file format for events. A new format is one file in `analysis/formats` or one plug-in.

    Attributes:
        name: its name in `EVENT_FORMATS`, e.g. `elan`.
        suffix: suffix of its files, e.g. `.eaf`.
        title: name on buttons and in tables, e.g. `ELAN`.
        write: (analysis, folder that the file will lie in) -> content of the file.
        read: (content of a file, its name for error messages, times of the frames of the film or None) -> events; None
            where the format cannot be read. Raises `DataError` where the content is not of this format, or where it
            holds seconds only and the film is not known.
        matches: content of a file with this suffix -> whether it is of this format, where several have the suffix.
        sidecar: analysis -> content of a JSON file of the same name that belongs to the file.
        stem: name of the file without suffix.
        default: whether the file is written where no format is named.
    """

    name: str
    suffix: str
    title: str
    write: Callable[[Analysis, Path], bytes]
    read: Callable[[bytes, str, FrameTimes | None], tuple[Event, ...]] | None = None
    matches: Callable[[bytes], bool] | None = None
    sidecar: Callable[[Analysis], bytes] | None = None
    stem: str = "events"
    default: bool = True

    @property
    def file_name(self) -> str:
        """Name of the file that `Analysis.save` writes."""
        return f"{self.stem}{self.suffix}"

    def files(self, analysis: Analysis, folder: Path) -> dict[str, bytes]:
        """Return name -> content of the file and, if there is one, of its sidecar.

        Args:
            analysis: the events.
            folder: folder that the files will lie in.
        """
        contents = {self.file_name: self.write(analysis, folder)}
        if self.sidecar is not None:
            contents[f"{self.stem}.json"] = self.sidecar(analysis)
        return contents


EVENT_FORMATS: RecordRegistry[EventFormat] = RecordRegistry("event format", "microexpr.analysis.formats")
"""Every format in which events can be written."""


def default_formats() -> list[str]:
    """Return the names of the formats that are written where none is named."""
    return [name for name, form in EVENT_FORMATS if form.default]


def _count(movements: int) -> str:
    return f"{movements} movement{'' if movements == 1 else 's'}"


def ordered_classes(events: Iterable[Event], known: Iterable[str] = ()) -> tuple[str, ...]:
    """The known classes in their order, and the others that events have a probability of, by name."""
    others = sorted({name for event in events for name in event.probabilities})
    return tuple(dict.fromkeys([*known, *others]))


def unit_codes(event: Event) -> str:
    """Write the action units of an event as FACS does: `1+2+L4`."""
    return format_action_units((unit.number, unit.side) for unit in event.action_units)


def describe_action_units(event: Event) -> str:
    """Describe what moved, in words.

    Returns:
        Its action units with their sizes, `both inner brows raised 1.4 px`; if it has none, the regions that moved
        most, `left inner brow up 1.2 px`, which says nothing about action units; empty if nothing was measured.
    """
    return describe_units(event.action_units) or describe_motion(event.regions)


def format_probability(value: float) -> str:
    """Two decimals; never 1.00 or 0.00, because no event is certain or impossible."""
    return "> 0.99" if value >= 0.995 else "< 0.01" if value < 0.005 else f"{value:.2f}"
