"""ELAN annotation documents (EAF 3.0): the tiers of `_tiers.PARTS` per face, linked to the video."""

from __future__ import annotations

import math
import mimetypes
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ...core.errors import DataError
from ...core.events import EVENT_FORMATS, Analysis, Event, EventFormat
from ...core.frame_times import FrameTimes
from ._text import MAX_EVENTS
from ._tiers import Annotation, Tier, from_tiers, to_tiers

VIDEO_PROPERTY, FPS_PROPERTY, FIRST_FRAME_PROPERTY = "microexpr video", "microexpr fps", "microexpr first frame"
"""Properties in the header: name of the recording, frames per second, number of the frame at time 0."""

EAF_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within this "
    "interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to the same parent are "
    "ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}
"""The stereotypes of EAF 3.0 with the descriptions that ELAN writes, spelling included."""


def to_eaf(analysis: Analysis, folder: Path | None = None) -> bytes:
    """Write an ELAN document (EAF 3.0) with the tiers of `to_tiers`, in whole milliseconds.

    Args:
        analysis: the events and faces.
        folder: folder that the document will lie in, for the relative link to the video. If the recording has no path,
            the video is expected in the folder of the document.
    """
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": f"microexpr {analysis.version}",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": EAF_SCHEMA,
        },
    )
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    source = Path(analysis.recording.path)
    if not analysis.recording.path:
        source, folder = Path("/", analysis.recording.name), Path("/")
    if not source.is_dir():  # ELAN does not play a folder of images
        link = {"MEDIA_URL": source.absolute().as_uri(), "MIME_TYPE": mimetypes.guess_type(source.name)[0] or "video/*"}
        if folder is not None:
            link["RELATIVE_MEDIA_URL"] = Path("/", os.path.relpath(source, folder)).as_uri().replace("file:///", "./")
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", link)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    count = _add_tiers(root, order, to_tiers(analysis))
    numbers = [round(event.onset - event.start * analysis.recording.fps) for event in analysis.events]
    for name, value in {
        VIDEO_PROPERTY: analysis.recording.name,
        FPS_PROPERTY: analysis.recording.fps,
        FIRST_FRAME_PROPERTY: min(numbers, default=0),
        "lastUsedAnnotationId": count,
    }.items():
        ElementTree.SubElement(header, "PROPERTY", NAME=name).text = _clean(str(value))
    kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": "event", "TIME_ALIGNABLE": "true"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", kind)
    for name, description in CONSTRAINTS.items():
        ElementTree.SubElement(root, "CONSTRAINT", DESCRIPTION=description, STEREOTYPE=name)
    ElementTree.indent(root, " ")
    document = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"
    return document.replace(b" />", b"/>")  # readers that search the text expect it so; in texts `>` is escaped


def _add_tiers(root: ElementTree.Element, order: ElementTree.Element, tiers: Iterable[Tier]) -> int:
    """Add tiers and their time slots, which rise over the whole document; return the number of annotations."""
    slots: list[tuple[int, ElementTree.Element, str]] = []
    count = 0
    for tier in tiers:
        attributes = {"TIER_ID": tier.name, "LINGUISTIC_TYPE_REF": "event", "PARTICIPANT": tier.person}
        element = ElementTree.SubElement(root, "TIER", attributes)
        for annotation in tier.annotations:
            count += 1
            begin = round(1000 * annotation.start)
            inner = ElementTree.SubElement(
                ElementTree.SubElement(element, "ANNOTATION"), "ALIGNABLE_ANNOTATION", ANNOTATION_ID=f"a{count}"
            )
            slots.append((begin, inner, "TIME_SLOT_REF1"))
            slots.append((max(begin + 1, round(1000 * annotation.end)), inner, "TIME_SLOT_REF2"))
            ElementTree.SubElement(inner, "ANNOTATION_VALUE").text = _clean(annotation.text)
    for number, (milliseconds, inner, reference) in enumerate(sorted(slots, key=lambda slot: slot[0]), start=1):
        inner.set(reference, f"ts{number}")
        ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(milliseconds))
    return count


def _clean(text: str) -> str:
    """The text without most control characters, which XML has no way to write."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", text)


def from_eaf(content: bytes, name: str = "events.eaf", times: FrameTimes | None = None) -> tuple[Event, ...]:
    """Read events from an ELAN document, of microexpr or of a coder's own; `from_tiers` tells what becomes an event.

    Frame numbers follow from the times of the film, or from the frame rate that microexpr writes into the header.

    Args:
        content: of the document.
        name: of the file, for error messages.
        times: of the frames of the film; without them, only a document of microexpr can be read.

    Raises:
        DataError: it is no ELAN document, its times are damaged, or a value is impossible; the message names the time.
    """
    document = _Document(name)
    try:
        parser = ElementTree.XMLParser(target=document)
        parser.feed(content)
        parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"'{name}' is not XML: {error}") from None
    if document.root != "ANNOTATION_DOCUMENT":
        raise DataError(f"'{name}' is no ELAN document: it begins with <{document.root[:40]}>")
    if times is None:
        times = _own_times(document.properties, name)
    return tuple(from_tiers(document.tiers(), times, name))


def _own_times(properties: dict[str, str], name: str) -> FrameTimes:
    try:
        fps, first = float(properties[FPS_PROPERTY]), int(properties[FIRST_FRAME_PROPERTY])
    except (KeyError, ValueError):
        raise DataError(f"'{name}' is no ELAN document of microexpr: name the film that was coded") from None
    if not 0 <= fps < math.inf:
        raise DataError(f"'{name}': '{FPS_PROPERTY}' is {fps}; its times are damaged")
    return FrameTimes(properties.get(VIDEO_PROPERTY, ""), numbers=(first,), fps=fps)


class _Document:
    """Target of the XML parser: keeps tiers, time slots and properties, and nothing else of a document."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root = ""
        self.properties: dict[str, str] = {}
        self._slots: dict[str, str | None] = {}
        self._tiers: list[tuple[dict[str, str], list[dict[str, str]]]] = []
        self._open: dict[str, str] = {}
        self._text: list[str] | None = None
        self._count = 0

    def doctype(self, *parts: Any) -> None:
        """Refuse a document type: an ELAN document has none, and its entities could grow without end."""
        raise DataError(f"'{self.name}' has a document type, which no ELAN document has")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take what an element says."""
        self.root = self.root or tag
        if tag == "TIME_SLOT":
            self._slots[attributes.get("TIME_SLOT_ID", "")] = attributes.get("TIME_VALUE")
        elif tag == "TIER":
            self._tiers.append((dict(attributes), []))
        elif tag in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION"):
            self._open = dict(attributes)
        elif tag in ("ANNOTATION_VALUE", "PROPERTY"):
            self._text = []
            if tag == "PROPERTY":
                self._open = dict(attributes)

    def data(self, text: str) -> None:
        """Take the text of an annotation or property."""
        if self._text is not None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        """Keep an annotation or property."""
        if tag == "PROPERTY" and self._text is not None:
            self.properties[self._open.get("NAME", "")] = "".join(self._text)
        elif tag == "ANNOTATION_VALUE" and self._tiers and self._text is not None:
            self._tiers[-1][1].append({**self._open, "text": "".join(self._text).strip()})
            self._count += 1
            if self._count > 10 * MAX_EVENTS:
                raise DataError(f"'{self.name}' holds more than {10 * MAX_EVENTS} annotations")
        if tag in ("PROPERTY", "ANNOTATION_VALUE"):
            self._text = None

    def close(self) -> None:
        """Nothing is left to do at the end."""

    def tiers(self) -> list[Tier]:
        """Return the tiers with the times of their annotations; those that refer to others have the others' times."""
        spans: dict[str, tuple[float, float]] = {}
        parents: dict[str, str] = {}
        for _, items in self._tiers:
            for item in items:
                own = item.get("ANNOTATION_ID", "")
                if "ANNOTATION_REF" in item:
                    parents[own] = item["ANNOTATION_REF"]
                else:
                    spans[own] = self._span(item)
        return [
            Tier(
                attributes.get("TIER_ID", ""),
                tuple(
                    sorted(
                        (Annotation(*self._inherited(item, spans, parents), item["text"]) for item in items),
                        key=lambda one: (math.isnan(one.start), one.start),
                    )
                ),
                attributes.get("PARTICIPANT", ""),
                attributes.get("ANNOTATOR", ""),
            )
            for attributes, items in self._tiers
        ]

    def _span(self, item: dict[str, str]) -> tuple[float, float]:
        """Seconds of an annotation; nan where it only divides another one and has no times of its own."""
        try:
            first, last = (self._slots[item[f"TIME_SLOT_REF{k}"]] for k in (1, 2))
            return _seconds(first), _seconds(last)
        except (KeyError, ValueError):
            number = item.get("ANNOTATION_ID", "?")[:40]
            raise DataError(f"'{self.name}': annotation {number} has no time slots; its times are damaged") from None

    def _inherited(
        self, item: dict[str, str], spans: dict[str, tuple[float, float]], parents: dict[str, str]
    ) -> tuple[float, float]:
        own = item.get("ANNOTATION_ID", "")
        for _ in range(20):  # tiers that refer to tiers; a circle ends here too
            if own in spans:
                return spans[own]
            own = parents.get(own, "")
        raise DataError(f"'{self.name}': annotation '{item.get('ANNOTATION_ID', '?')[:40]}' refers to none with times")


def _seconds(milliseconds: str | None) -> float:
    return math.nan if milliseconds is None else int(milliseconds) / 1000


EVENT_FORMATS.add("elan", EventFormat("elan", ".eaf", "ELAN", to_eaf, from_eaf))
