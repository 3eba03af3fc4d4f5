/* The form of one event and the list of all events. Every change is sent to the server at once. */

import { actionUnitFields, faceMap } from "./action_units.js";
import { $, formatDuration, formatTime, make } from "./dom.js";

const { STATUS_MARKS, formatProbability } = globalThis.microexprTimeline;
const FRAME_FIELDS = [["onset", "1"], ["apex", "2"], ["offset", "3"]]; // name, key

export class EventForm {
  /* act(action, ...values) carries out what a button or a field asks for. */
  constructor(host, act) {
    this.host = host;
    this.act = act;
  }

  /* data: the recording; index: of the event, null for none. */
  show(data, index) {
    const number = index === null ? null : data.numbers[index];
    const sameEvent = number !== null && number === this.number;
    const focused = this.host.contains(document.activeElement) ? document.activeElement : null;
    this.number = number;
    if (number === null) {
      this.host.replaceChildren(make("p", { className: "muted" }, data.events.length
        ? "Choose an event below, or press n."
        : `${data.why_no_event} To add one, go to its first frame and press a.`.trim()));
      return;
    }
    this.host.replaceChildren(...this.content(data, index));
    if (focused?.dataset.part) this.restoreFocus(focused, sameEvent);
  }

  restoreFocus(old, sameEvent) {
    const field = this.host.querySelector(`[data-part="${old.dataset.part}"]`);
    if (old.dataset.part === "note" && sameEvent) { // somebody is writing
      field.value = old.value;
      field.setSelectionRange(old.selectionStart, old.selectionEnd);
    }
    field?.focus();
  }

  /* Opens the action units and goes to the first one. */
  showUnits() {
    const details = this.host.querySelector("details.units");
    if (!details) return;
    details.open = true;
    details.querySelector("input").focus();
  }

  content(data, index) {
    const event = data.events[index];
    const earlier = event.status !== "found" && !isJudged(event, data.round) ? " in the first round" : "";
    const status = `${STATUS_MARKS[event.status] ?? ""} ${event.status}${event.coder ? ` by ${event.coder}` : ""}${earlier}`.trim();
    return [
      make("div", { className: "row" },
        make("span", { className: `kind ${event.kind}` }, event.kind),
        make("h3", {}, event.label),
        make("span", { className: `status ${event.status}` }, status)),
      make("p", { className: "muted small" }, [
        `${index + 1} of ${data.events.length}`, data.faces.length > 1 ? `face ${event.face}` : "", formatTime(event.start),
        formatDuration(event), event.status === "added" ? "" : `score ${Number(event.score.toPrecision(3))}`,
      ].filter(Boolean).join(" · ")),
      make("div", { className: "row verdict" },
        this.button("confirm", "Confirm", "c", event.status === "confirmed" && isJudged(event, data.round)),
        this.button("reject", event.status === "added" ? "Remove" : "Reject", "r", event.status === "rejected" && isJudged(event, data.round)),
        this.button("replay", "Replay", "v")),
      this.frameFields(event, data.recording.frames),
      this.labelFields(event, data),
      event.movement ? make("div", { className: "movement" }, faceMap(data, index), make("p", {}, event.movement)) : "",
      event.reason && event.label === "unknown" ? make("p", { className: "muted small" }, `unknown: ${event.reason}`) : "",
      actionUnitFields(event, data.action_units, this.unitsOpen, {
        onToggle: (open) => { this.unitsOpen = open; },
        onChange: (codes) => this.act("edit", { action_units: codes }),
      }),
      probabilityBars(event),
      event.label_by ? make("p", { className: "muted small" }, `${event.label_by} gave the class; the recognizer's probabilities are of its own answer.`) : "",
      event.warnings.length ? make("ul", { className: "chips", ariaLabel: "warnings" }, ...event.warnings.map((text) => make("li", {}, text))) : "",
    ];
  }

  button(action, text, key, pressed) {
    const button = make("button", { type: "button", onclick: () => this.act(action) }, `${text} `, make("kbd", {}, key));
    if (pressed !== undefined) button.setAttribute("aria-pressed", String(pressed));
    button.dataset.part = action;
    return button;
  }

  frameFields(event, frames) {
    return make("div", { className: "frame-fields", role: "group", ariaLabel: "frames of the event" }, ...FRAME_FIELDS.map(([name, key]) => {
      const field = make("input", {
        type: "number", min: 0, max: frames - 1, step: 1, value: event[name], ariaLabel: `${name}, frame`,
        onchange: () => this.act("move", name, Number(field.value)),
      });
      field.dataset.part = `n-${name}`;
      const here = make("button", { type: "button", className: "quiet", ariaLabel: `set the ${name} to this frame`, title: `set the ${name} to this frame (${key})`,
        onclick: () => this.act(name) }, "here ", make("kbd", {}, key));
      const go = make("button", { type: "button", className: "link", ariaLabel: `go to the ${name}`, title: "go to this frame", onclick: () => this.act("go", name) }, name);
      go.dataset.part = `g-${name}`;
      here.dataset.part = `h-${name}`;
      return make("div", {}, go, field, here);
    }));
  }

  labelFields(event, data) {
    const edit = (values) => this.act("edit", values);
    const label = make("select", { id: "label", ariaLabel: "class", onchange: () => edit({ label: label.value }) },
      ...data.classes.map((name) => make("option", { value: name, selected: name === event.label }, name)));
    label.dataset.part = "label";
    const note = make("textarea", { id: "note", rows: 1, maxLength: 2000, value: event.note, placeholder: "note",
      ariaLabel: "note", onchange: () => edit({ note: note.value }) });
    note.dataset.part = "note";
    const other = make("button", { type: "button", className: "quiet", title: "a class that is not in the list", onclick: () => {
      const field = make("input", { maxLength: 60, ariaLabel: "another class", placeholder: "another class",
        onchange: () => { if (field.value.trim()) edit({ label: field.value.trim() }); } });
      other.replaceWith(field);
      field.focus();
    } }, "other");
    const row = make("div", { className: "row" }, make("label", {}, "class ", label), other, this.faceField(event, data));
    return make("div", { className: "label-fields" }, row, note);
  }

  faceField(event, data) {
    const faces = [...new Set([...data.faces.map(({ face }) => face), event.face])].sort((a, b) => a - b);
    if (faces.length === 1) return null;
    const face = make("select", { ariaLabel: "face", onchange: () => this.act("edit", { face: Number(face.value) }) },
      ...faces.map((number) => make("option", { value: number, selected: number === event.face }, `face ${number}`)));
    face.dataset.part = "face";
    return face;
  }
}

function probabilityBars(event) {
  const probabilities = Object.entries(event.probabilities);
  if (!probabilities.length) return "";
  return make("div", { className: "bars", role: "group", ariaLabel: "probabilities of the recognizer" }, ...probabilities.map(([name, value]) =>
    make("div", { className: name === event.label && !event.label_by ? "best" : "" }, make("span", {}, name),
      make("meter", { min: 0, max: 1, value, ariaLabel: name }), make("span", {}, formatProbability(value)))));
}

/* Whether a coder judged an event in this round. */
const isJudged = (event, round) => event.status !== "found" && event.round === round;

/* Draws the list of events; onSelect(index) is called when one is chosen. */
export function showEventList(host, data, selected, onSelect) {
  const focused = [...host.children].findIndex((item) => item.contains(document.activeElement));
  host.replaceChildren(...data.events.map((event, index) => {
    const button = make("button", { type: "button", onclick: () => onSelect(index) },
      make("span", { className: "mark", ariaHidden: "true" }, isJudged(event, data.round) ? STATUS_MARKS[event.status] : "·"),
      make("span", { className: `dot ${event.kind}`, ariaHidden: "true" }),
      make("span", { className: "grow" }, event.label),
      make("span", { className: "muted" }, `${formatTime(event.start)} · ${formatDuration(event)}`));
    button.setAttribute("aria-label", `event ${index + 1}: ${event.kind}, ${event.label}, ${event.status}, at ${formatTime(event.start)}`);
    if (index === selected) button.setAttribute("aria-current", "true");
    return make("li", { className: event.status }, button);
  }));
  if (focused >= 0) host.children[Math.min(focused, host.children.length - 1)]?.firstChild.focus({ preventScroll: true });
  const current = host.querySelector("[aria-current]")?.parentElement;
  if (current) host.scrollTop = Math.max(current.offsetTop + current.offsetHeight - host.clientHeight, Math.min(host.scrollTop, current.offsetTop));
  const reviewed = data.events.filter((event) => isJudged(event, data.round)).length;
  $("reviewed").textContent = data.events.length ? `${reviewed} of ${data.events.length} reviewed` : "none";
  $("undo").disabled = !data.undo_steps;
}
