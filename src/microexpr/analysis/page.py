"""The report of a recording as one self-contained page: a time line and a card per event; it makes no request."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from ..core.action_units import ActionUnit
from ..core.events import EVENT_FORMATS, Analysis, Event, describe_action_units, format_probability, unit_codes
from ..core.facial_regions import format_pixels
from .detection_limit.plot import detection_plots
from .event_images import EventImages
from .face_map import face_map, unit_color
from .person_table import person_lines

IMAGES = (
    ("onset", "the face at the onset"),
    ("apex", "the face at the apex"),
    ("offset", "the face at the offset"),
    ("motion", "the face at the apex with its motion since the onset: heat shows its size, arrows its direction"),
)
"""Images of a card with their alternative texts."""

STYLES = ("theme.css", "timeline.css", "events.css", "detection_limit.css")

TIMELINE_FIELDS = ("faces", "candidates", "spotter_threshold", "excluded")
"""Fields of an analysis that the time line draws as they are."""

MAX_CARDS = 50
"""Cards of a page where no event has images."""


def render_page(analysis: Analysis, images: Mapping[int, EventImages]) -> str:
    """Return the page as HTML.

    Args:
        analysis: what to show.
        images: images of events by their index; where some events have images, the others are listed in a table.
    """
    environment = Environment(
        loader=PackageLoader("microexpr.analysis", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    style, script = _read_static(*STYLES), _read_static("timeline.js", "events.js")
    every = [_card(index, event, images.get(index)) for index, event in enumerate(analysis.events)]
    cards = [card for card in every if card["images"]] or every[:MAX_CARDS]
    shown = {card["number"] for card in cards}
    return environment.get_template("events.html.j2").render(
        recording=analysis.recording,
        properties=_properties(analysis),
        warnings=analysis.warnings,
        cards=cards,
        rest=[card for card in every if card["number"] not in shown],
        heading=_count(len(every), "event") if len(cards) == len(every) else f"The {len(cards)} clearest events",
        several_faces=len(analysis.faces) > 1,
        nothing=analysis.why_no_event,
        people=person_lines(analysis),
        min_quality=analysis.settings.get("min_quality", 0.5),
        threshold=float(analysis.settings.get("threshold", 0.5)),
        model=_model(analysis),
        settings=_settings(analysis),
        files=" and ".join(form.file_name for name, form in EVENT_FORMATS if name in ("csv", "json")),
        version=analysis.version,
        detection_limit=analysis.detection_limit,
        detection_plots=[] if analysis.detection_limit is None else detection_plots(analysis.detection_limit),
        data=Markup(_data(analysis)),
        style=Markup(style),
        script=Markup(script),
        policy=content_security_policy(style, script),
    )


def rename_recording(page: str, old: str, new: str) -> str:
    """Show another name of the recording on a page of `render_page`, e.g. the owner's instead of that of a copy."""
    for form in ("<title>{} –", "<h1>{}</h1>"):
        page = page.replace(form.format(escape(old)), form.format(escape(new)), 1)
    return page


def content_security_policy(style: str, script: str) -> str:
    """Return a policy under which nothing is run, loaded or sent but this style, this script and `data:` images."""
    style_hash, script_hash = (base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in (style, script))
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _read_static(*names: str) -> str:
    return "\n".join((resources.files("microexpr.analysis") / "static" / name).read_text("utf-8") for name in names)


def _data(analysis: Analysis) -> str:
    """What the time line draws, as JSON that can stand in HTML; without name and path of the recording."""
    content = dataclasses.asdict(analysis)
    recording = {**content["recording"], "name": "", "path": ""}
    events = [{**event, "video": ""} for event in content["events"]]
    data = {"recording": recording, "events": events} | {name: content[name] for name in TIMELINE_FIELDS}
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _properties(analysis: Analysis) -> str:
    recording = analysis.recording
    parts = (
        f"{recording.seconds:.1f} s",
        f"{recording.frames} frames",
        f"{recording.fps:.4g} frames per second" if recording.fps else "a single image",
        f"{recording.width} × {recording.height} pixels",
        _count(len(analysis.faces), "face") if analysis.faces else "no face",
        _count(len(analysis.events), "event"),
    )
    return " · ".join(parts)


def _model(analysis: Analysis) -> str:
    about = analysis.settings.get("about_model") or {}
    if not about:
        return "No recognizer was used: every event is unknown."
    name = f"The recognizer ({about.get('recipe', 'of unknown recipe')})"
    if about.get("synthetic") == "true":
        results = about.get("results", "it was not tested on real faces")
        return (
            f"{name} was trained on synthetic motion, on no person; {results}. Labels name the pattern of a movement; "
            "they do not show what it means. Its model card is docs/how-to/default-model.md."
        )
    protocol, license = about.get("protocol", "its own"), about.get("license", "not stated")
    return f"{name} uses the classes of {protocol}. License: {license}."


def _settings(analysis: Analysis) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in analysis.settings.items():
        if key == "about_model":
            continue
        text = ", ".join(f"{k} = {v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value)
        rows.append((key.replace("_", " "), text or "default"))
    return [*rows, ("version", f"microexpr {analysis.version}"), ("fingerprint", analysis.fingerprint)]


def _card(index: int, event: Event, images: EventImages | None) -> dict[str, Any]:
    named = "" if event.label_by else event.label
    bars = [
        {"name": name, "probability": value, "text": format_probability(value), "best": name == named}
        for name, value in event.probabilities.items()
    ]
    reason = ""
    if bars and event.label_by:
        reason = f"{event.label_by} gave the label; the probabilities are the recognizer's."
    elif bars and event.label not in event.probabilities:
        bars.append({"name": event.label, "probability": None, "text": "", "best": True})
        reason = _reason_for_label(event)
    return {
        "number": index + 1,
        "event": event,
        "ms": round(1000 * event.seconds),
        "rise": round(1000 * (event.peak - event.start)),
        "fall": round(1000 * (event.end - event.peak)),
        "probability": "" if event.probability is None else format_probability(event.probability),
        "movement": describe_action_units(event),
        "codes": unit_codes(event),
        "map": face_map(event),
        "units": [_unit_row(index, unit) for index, unit in enumerate(event.action_units)],
        "bars": bars,
        "reason": reason,
        "largest": None if images is None else images.largest,
        "images": [] if images is None else [(name, text, getattr(images, name)) for name, text in IMAGES],
    }


def _unit_row(index: int, unit: ActionUnit) -> dict[str, str]:
    """A row of the table of action units."""
    return {
        "color": unit_color(index),
        "code": unit.code,
        "name": unit.name + {"L": ", left", "R": ", right"}.get(unit.side, ""),
        "probability": format_probability(unit.probability),
        "px": "–" if unit.pixels is None else format_pixels(unit.pixels),
        "share": "–" if unit.share is None else f"{100 * unit.share:.1f}",
    }


def _reason_for_label(event: Event) -> str:
    """Why the label of an event is not among the classes of the recognizer."""
    if event.label != "unknown":
        return "A coder set this label."
    return f"Unknown: {event.reason or 'a coder chose it'}."
