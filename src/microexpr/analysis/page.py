"""What was found in a recording as one self-contained page: a time line and a card an event; no request to anywhere."""

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

from ..core.events import Analysis, Event
from .event_images import EventImages

IMAGES = (
    ("onset", "the face at the onset"),
    ("apex", "the face at the apex"),
    ("offset", "the face at the offset"),
    ("motion", "the face at the apex with its motion since the onset: heat where it is large, arrows for where to"),
)


def render_page(analysis: Analysis, pictures: Mapping[int, EventImages]) -> str:
    """The page.

    Args:
        analysis: what was found.
        pictures: of events, by their index; events without pictures are listed in a table where others have some.
    """
    environment = Environment(
        loader=PackageLoader("microexpr.analysis", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    style, script = _files("theme.css", "timeline.css", "events.css"), _files("timeline.js", "events.js")
    every = [_card(index, event, pictures.get(index), analysis) for index, event in enumerate(analysis.events)]
    cards = [one for one in every if one["pictures"]] or every[:50]
    shown = {one["number"] for one in cards}
    return environment.get_template("events.html.j2").render(
        recording=analysis.recording,
        facts=_facts(analysis),
        warnings=analysis.warnings,
        cards=cards,
        rest=[one for one in every if one["number"] not in shown],
        heading=_counted(len(every), "event") if len(cards) == len(every) else f"The {len(cards)} clearest events",
        many=len(analysis.faces) > 1,
        nothing=_nothing(analysis),
        threshold=float(analysis.settings.get("threshold", 0.5)),
        model=_model(analysis),
        settings=_settings(analysis),
        version=analysis.version,
        data=Markup(_data(analysis)),
        style=Markup(style),
        script=Markup(script),
        policy=content_security_policy(style, script),
    )


def rename_recording(page: str, old: str, new: str) -> str:
    """A page of `as_page` that shows another name of its recording, say the owner's instead of that of a copy."""
    for form in ("<title>{} –", "<h1>{}</h1>"):
        page = page.replace(form.format(escape(old)), form.format(escape(new)), 1)
    return page


def content_security_policy(style: str, script: str) -> str:
    """A Content-Security-Policy under which nothing runs, is loaded or is sent but these two and `data:` pictures."""
    style_hash, script_hash = (base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in (style, script))
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _files(*names: str) -> str:
    return "\n".join((resources.files("microexpr.analysis") / "static" / name).read_text("utf-8") for name in names)


def _data(analysis: Analysis) -> str:
    """What the time line draws, as JSON that can stand in HTML; not its name or where it lies."""
    content = dataclasses.asdict(analysis)
    recording = {**content["recording"], "name": "", "path": ""}
    events = [{**event, "video": ""} for event in content["events"]]
    kept = {"recording": recording, "faces": content["faces"], "events": events}
    return json.dumps(kept, separators=(",", ":")).replace("<", "\\u003c")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _facts(analysis: Analysis) -> str:
    one = analysis.recording
    rate = f"{one.fps:.4g} frames per second" if one.fps else "one moment"
    faces = _counted(len(analysis.faces), "face") if analysis.faces else "no face"
    told = (f"{one.seconds:.1f} s", f"{one.frames} frames", rate, f"{one.width} × {one.height} pixels", faces)
    return " · ".join((*told, _counted(len(analysis.events), "event")))


def _nothing(analysis: Analysis) -> str:
    if not analysis.faces:
        return "No face was found in this recording."
    return "No facial movement was found that the spotter takes for one."


def _model(analysis: Analysis) -> str:
    about = analysis.settings.get("about_model") or {}
    if not about:
        return "No recognizer was asked: every event is unknown."
    name = f"The recognizer ({about.get('recipe', 'of unknown recipe')})"
    if about.get("synthetic") == "true":
        return (
            f"{name} has learned from synthetic faces only and was never tested on a real face with a label. Its words "
            "and shares show that the machinery works; they do not tell what a movement means. "
            "Its model card is docs/default-model.md."
        )
    words, license = about.get("protocol", "its own"), about.get("license", "not said")
    return f"{name} answers in the words of {words}. License: {license}."


def _settings(analysis: Analysis) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    for key, value in analysis.settings.items():
        if key == "about_model":
            continue
        words = ", ".join(f"{k} = {v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value)
        told.append((key.replace("_", " "), words or "as shipped"))
    return [*told, ("version", f"microexpr {analysis.version}"), ("fingerprint", analysis.fingerprint)]


def _card(index: int, event: Event, seen: EventImages | None, analysis: Analysis) -> dict[str, Any]:
    bars = [
        {"name": n, "share": s, "told": _share(s), "best": n == event.label} for n, s in event.probabilities.items()
    ]
    why = ""
    if bars and event.label not in event.probabilities:
        bars.append({"name": event.label, "share": None, "told": "", "best": True})
        why = _unsure(event, analysis)
    return {
        "number": index + 1,
        "event": event,
        "ms": round(1000 * event.seconds),
        "rise": round(1000 * (event.peak - event.start)),
        "fall": round(1000 * (event.end - event.peak)),
        "share": _share(event.probabilities[event.label]) if event.label in event.probabilities else "",
        "bars": bars,
        "why": why,
        "largest": None if seen is None else seen.largest,
        "pictures": [] if seen is None else [(name, told, getattr(seen, name)) for name, told in IMAGES],
    }


def _share(value: float) -> str:
    """Never as if it were certain, or impossible."""
    return "> 0.99" if value >= 0.995 else "< 0.01" if value < 0.005 else f"{value:.2f}"


def _unsure(event: Event, analysis: Analysis) -> str:
    """Why an event that was recognized is `unknown`."""
    if event.label != "unknown":
        return "The label is a coder's."
    threshold, best = float(analysis.settings.get("threshold", 0.5)), max(event.probabilities.values())
    if best < threshold:
        return f"Unknown: the largest share, {best:.2f}, is below the threshold, {threshold:.2f}."
    return f"Unknown: the face was hardly in sight (quality {event.quality:.2f})."
