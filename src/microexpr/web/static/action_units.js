/* The action units of an event as check boxes, for the person's right and left side. */

import * as api from "./api.js";
import { make, showError } from "./dom.js";

const SIDES = [["R", "right"], ["L", "left"]];

/* units: number, name and sidedness of all action units; onChange(codes) gets `1+2+L4`, onToggle(open) whether they are visible. */
export function actionUnitFields(event, units, open, { onToggle, onChange }) {
  const sides = new Map(event.action_units.map(({ number, side }) => [number, side || "RL"])); // number -> checked sides
  const others = event.action_units.filter(({ number }) => !units.some((unit) => unit.number === number)); // not offered here

  function set(number, changed, checked) {
    const now = [..."RL"].filter((side) => (changed.includes(side) ? checked : sides.get(number)?.includes(side))).join("");
    if (now) sides.set(number, now);
    else sides.delete(number);
    const codes = [...sides].sort(([a], [b]) => a - b).map(([unit, found]) => (found === "RL" ? "" : found) + unit);
    onChange(codes.join("+"));
  }

  function box(number, side, label) {
    const field = make("input", { type: "checkbox", ariaLabel: label, checked: [...side].every((one) => sides.get(number)?.includes(one)),
      onchange: () => set(number, side, field.checked) });
    field.dataset.part = `au-${number}-${side}`;
    return field;
  }

  const row = ({ number, name, sided }) => make("tr", {},
    ...(sided
      ? SIDES.map(([side, word]) => make("td", {}, box(number, side, `${number} ${name}, ${word}`)))
      : [make("td", { colSpan: 2 }, box(number, "RL", `${number} ${name}`))]),
    make("th", { scope: "row" }, `${number} ${name}`),
    make("td", { className: "muted" }, sure(event, number)));

  const list = [...event.action_units].map(({ number, side }) => side + number).join(" + ") || "none";
  const details = make("details", { className: "units", ariaLabel: "action units", open: Boolean(open), ontoggle: () => onToggle(details.open) },
    make("summary", {}, make("span", {}, "action units: "), make("b", {}, list)),
    make("div", { className: "unit-list" }, make("table", {},
      make("thead", {}, make("tr", {}, ...["right", "left", "action unit", "prob."].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...units.map(row)))),
    others.length ? make("p", { className: "muted small" }, `and ${others.map(({ number, side }) => side + number).join(", ")}`) : "");
  details.querySelector("summary").dataset.part = "units";
  return details;
}

/* What the recognizer says of the more likely side, or that a coder set the unit. */
function sure(event, number) {
  const listed = event.action_units.find((unit) => unit.number === number);
  if (listed?.probability === 1) return "coder";
  const values = ["R", "L"].map((side) => event.unit_probabilities[side + number]).filter((value) => value !== undefined);
  return values.length ? globalThis.microexprTimeline.formatProbability(Math.max(...values)) : "";
}

/* The face map of an event, which the server draws; the same drawing is asked for once. */
let drawn = { key: "", svg: "" };
export function faceMap(data, index) {
  const host = make("div"), { action_units, regions } = data.events[index];
  const key = JSON.stringify([data.id, data.numbers[index], action_units, regions]);
  const show = () => { host.replaceChildren(new DOMParser().parseFromString(drawn.svg, "image/svg+xml").documentElement); };
  if (drawn.key === key) show();
  else {
    api.getMap(data.id, data.numbers[index]).then((svg) => {
      drawn = { key, svg };
      if (host.isConnected) show();
    }).catch(showError);
  }
  return host;
}
