"""ELAN annotation documents (EAF 3.0): six tiers per face, linked to the video."""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from ...core.events import EVENT_FORMATS, Analysis, Event, EventFormat, describe_action_units, unit_codes
from ._elan_reader import FIRST_FRAME_PROPERTY, FPS_PROPERTY, VIDEO_PROPERTY, from_eaf

TIERS = ("micro", "macro", "label", "action units", "movement", "blink")
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

Annotations = list[tuple[float, float, str]]
"""Start and end in seconds, and the text."""


def to_eaf(analysis: Analysis, folder: Path | None = None) -> bytes:
    """Write an ELAN document (EAF 3.0) with the tiers of `TIERS` for each face.

    Annotations of a tier must not overlap: one that starts before the previous one ends is started at that end.

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
    count = 0
    blinks = {face.face: [(start, end, "blink") for start, end in face.blinks] for face in analysis.faces}
    for face in sorted({*blinks, *(event.face for event in analysis.events)}):  # a coder may add an unseen face
        found = {**_tiers(event for event in analysis.events if event.face == face), "blink": blinks.get(face, [])}
        for name in TIERS:
            tier = ElementTree.SubElement(root, "TIER", TIER_ID=f"face {face} {name}", LINGUISTIC_TYPE_REF="event")
            tier.set("PARTICIPANT", f"face {face}")
            for start, end, text in _without_overlaps(found[name]):
                count += 1
                _add_annotation(tier, order, count, (start, end), text)
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
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _tiers(events: Iterable[Event]) -> dict[str, Annotations]:
    """Tier -> annotations of one face."""
    tiers: dict[str, Annotations] = {name: [] for name in TIERS}
    for event in events:
        parts = [f"score {event.score:.3g}", f"apex {event.peak:.3f} s", event.status]
        if event.coder:
            parts.append(f"coder {event.coder}")
        if event.note:
            parts.append(event.note)
        tiers["micro" if event.kind == "micro" else "macro"].append((event.start, event.end, "; ".join(parts)))
        probability = "" if event.probability is None else f" {event.probability:.2f}"
        tiers["label"].append((event.start, event.end, event.label + probability))
        for name, text in {"action units": unit_codes(event), "movement": describe_action_units(event)}.items():
            if text:
                tiers[name].append((event.start, event.end, text))
    return tiers


def _without_overlaps(annotations: Annotations) -> Iterable[tuple[int, int, str]]:
    """Start and end in whole milliseconds, rising, each at least 1 ms long, none reaching into the next."""
    free = 0
    for start, end, text in sorted(annotations):
        begin = max(free, round(1000 * start))
        free = max(begin + 1, round(1000 * end))
        yield begin, free, text


def _add_annotation(
    tier: ElementTree.Element, order: ElementTree.Element, number: int, span: tuple[int, int], text: str
) -> None:
    slots = [f"ts{2 * number - 1}", f"ts{2 * number}"]
    for slot, milliseconds in zip(slots, span, strict=True):
        ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(milliseconds))
    holder = ElementTree.SubElement(tier, "ANNOTATION")
    attributes = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]}
    inner = ElementTree.SubElement(holder, "ALIGNABLE_ANNOTATION", attributes)
    ElementTree.SubElement(inner, "ANNOTATION_VALUE").text = _clean(text)


def _clean(text: str) -> str:
    """The text without most control characters, which XML has no way to write."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", text)


EVENT_FORMATS.add("elan", EventFormat("elan", ".eaf", "ELAN", to_eaf, from_eaf, frame_numbers=False))
