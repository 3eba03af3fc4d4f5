/* One event: what was found, and what the coder makes of it. Everything is sent at once. */

import { $, clock, make, share } from "./page.js";

const TIMES = [["onset", "1"], ["apex", "2"], ["offset", "3"]];
export const MARK = { found: "", confirmed: "✓", rejected: "×", corrected: "✎", added: "+" };

export class EventForm {
  constructor(host, act) {
    this.host = host;
    this.act = act; // (judgment) => Promise
  }

  /* data: the recording; index: which event, null for none. */
  show(data, index) {
    const same = index !== null && this.number === data.numbers[index];
    this.event = index === null ? null : data.events[index];
    this.number = index === null ? null : data.numbers[index];
    const old = this.host.contains(document.activeElement) ? document.activeElement : null, focused = old?.dataset.part;
    if (this.event === null) {
      this.host.replaceChildren(make("p", { className: "soft" }, data.events.length
        ? "Choose an event below, or press n." : "Nothing was found. What you see yourself you can add: go to the frame, press a."));
      return;
    }
    const event = this.event;
    this.host.replaceChildren(
      make("div", { className: "row" },
        make("span", { className: `kind ${event.kind}` }, event.kind),
        make("h3", {}, event.label),
        make("span", { className: `status ${event.status}` }, `${MARK[event.status]} ${event.status}${event.coder ? ` by ${event.coder}` : ""}`.trim())),
      make("p", { className: "soft small" }, [
        `${index + 1} of ${data.events.length}`, data.faces.length > 1 ? `face ${event.face}` : "", clock(event.start),
        `${Math.round(1000 * (event.end - event.start))} ms`, event.status === "added" ? "" : `score ${Number(event.score.toPrecision(3))}`,
      ].filter(Boolean).join(" · ")),
      make("div", { className: "row verdict" },
        this.button("confirm", "Confirm", "c", event.status === "confirmed"),
        this.button("reject", event.status === "added" ? "Remove" : "Reject", "r", event.status === "rejected"),
        this.button("replay", "Replay", "v")),
      this.moments(event, data.recording.frames), this.words(event, data), bars(event),
      event.warnings.length ? make("ul", { className: "chips", ariaLabel: "warnings" }, ...event.warnings.map((line) => make("li", {}, line))) : "",
    );
    if (!focused) return;
    const now = this.host.querySelector(`[data-part="${focused}"]`);
    if (focused === "note" && same) { // somebody is writing
      now.value = old.value;
      now.setSelectionRange(old.selectionStart, old.selectionEnd);
    }
    now?.focus();
  }

  button(name, text, key, on) {
    const one = make("button", { type: "button", onclick: () => this.act(name) }, `${text} `, make("kbd", {}, key));
    if (on !== undefined) one.setAttribute("aria-pressed", String(on));
    one.dataset.part = name;
    return one;
  }

  moments(event, frames) {
    return make("div", { className: "moments", role: "group", ariaLabel: "frames of the event" }, ...TIMES.map(([name, key]) => {
      const field = make("input", {
        type: "number", min: 0, max: frames - 1, step: 1, value: event[name], ariaLabel: `${name}, frame`,
        onchange: () => this.act("move", name, Number(field.value)),
      });
      field.dataset.part = `n-${name}`;
      const here = make("button", { type: "button", className: "quiet", ariaLabel: `${name} at this frame`, title: `at this frame (${key})`,
        onclick: () => this.act(name) }, "here ", make("kbd", {}, key));
      const go = make("button", { type: "button", className: "link", ariaLabel: `go to the ${name}`, title: "go to this frame", onclick: () => this.act("go", name) }, name);
      go.dataset.part = `g-${name}`;
      here.dataset.part = `h-${name}`;
      return make("div", {}, go, field, here);
    }));
  }

  words(event, data) {
    const label = make("select", { id: "label", ariaLabel: "class", onchange: () => this.act("say", { label: label.value }) },
      ...data.classes.map((name) => make("option", { value: name, selected: name === event.label }, name)));
    label.dataset.part = "label";
    const note = make("textarea", { id: "note", rows: 1, maxLength: 2000, value: event.note, placeholder: "note",
      ariaLabel: "note", onchange: () => this.act("say", { note: note.value }) });
    note.dataset.part = "note";
    const faces = [...new Set([...data.faces.map((one) => one.face), event.face])].sort((a, b) => a - b);
    const face = make("select", { ariaLabel: "face", onchange: () => this.act("say", { face: Number(face.value) }) },
      ...faces.map((number) => make("option", { value: number, selected: number === event.face }, `face ${number}`)));
    face.dataset.part = "face";
    const own = make("button", { type: "button", className: "quiet", title: "a class that is not in the list", onclick: () => {
      const name = make("input", { maxLength: 60, ariaLabel: "another class", placeholder: "another class",
        onchange: () => { if (name.value.trim()) this.act("say", { label: name.value.trim() }); } });
      own.replaceWith(name);
      name.focus();
    } }, "other");
    return make("div", { className: "words" }, make("div", { className: "row" }, make("label", {}, "class ", label), own, faces.length > 1 ? face : null), note);
  }
}

/* The recognizer's shares; the status of its word is in the box beside. */
function bars(event) {
  const probabilities = Object.entries(event.probabilities);
  if (!probabilities.length) return "";
  return make("div", { className: "bars", role: "group", ariaLabel: "probabilities of the recognizer" }, ...probabilities.map(([name, value]) =>
    make("div", { className: name === event.label ? "best" : "" }, make("span", {}, name),
      make("meter", { min: 0, max: 1, value, ariaLabel: name }), make("span", {}, share(value)))));
}

export function list(host, data, selected, choose) {
  const held = [...host.children].findIndex((one) => one.contains(document.activeElement));
  host.replaceChildren(...data.events.map((event, index) => {
    const one = make("button", { type: "button", onclick: () => choose(index) },
      make("span", { className: "mark", ariaHidden: "true" }, MARK[event.status] || "·"),
      make("span", { className: `dot ${event.kind}`, ariaHidden: "true" }),
      make("span", { className: "grow" }, `${event.label}`),
      make("span", { className: "soft" }, `${clock(event.start)} · ${Math.round(1000 * (event.end - event.start))} ms`));
    one.setAttribute("aria-label", `event ${index + 1}: ${event.kind}, ${event.label}, ${event.status}, at ${clock(event.start)}`);
    if (index === selected) one.setAttribute("aria-current", "true");
    return make("li", { className: event.status }, one);
  }));
  if (held >= 0) host.children[Math.min(held, host.children.length - 1)]?.firstChild.focus({ preventScroll: true });
  const on = host.querySelector("[aria-current]")?.parentElement;
  if (on) host.scrollTop = Math.max(on.offsetTop + on.offsetHeight - host.clientHeight, Math.min(host.scrollTop, on.offsetTop));
  const judged = data.events.filter((event) => event.status !== "found").length;
  $("judged").textContent = data.events.length ? `${judged} of ${data.events.length} judged` : "none";
  $("undo").disabled = !data.steps;
}
