/* Agreement of two coders: Cohen's kappa and a table of the differences. */

import { $, counted, formatTime, make } from "./dom.js";

const DIFFERENCES = { "only first": "only here", "only second": "only in the file", class: "different class", "action units": "different action units" };

const score = (value, text) => make("p", {}, make("b", {}, value), text);
const kappa = (value, text) => value === null
  ? score("–", `${text}: not defined, because chance alone gives full agreement`)
  : score(value.toFixed(2), text);

/* Shows the server's answer; onSeek(event) is called when a row is chosen, onSecondRound() for a second round. */
export function showAgreement(result, { onSeek, onSecondRound }) {
  const onsets = result.onset_seconds === null ? "–" : `${Math.round(1000 * result.onset_seconds)} ms`;
  const [here, file] = result.unreviewed;
  $("agreement").replaceChildren(
    make("p", { className: "small" }, `${result.first} and ${result.second}`),
    make("div", { className: "scores" },
      kappa(result.time_kappa, `kappa over time, ${counted(result.frames, "frame")}`),
      kappa(result.class_kappa, `kappa over the classes of ${counted(result.matched, "matched event")}`),
      result.units.length ? score(result.unit_ratio.toFixed(2), "agreement on action units: 2 × coded by both / all coded") : null,
      score(onsets, "mean distance of the onsets of matched events")),
    here + file ? make("p", { className: "muted small" }, `Left out, because they are not reviewed: ${here} here, ${file} in the file.`) : "",
    result.units.length ? unitTable(result) : "",
    result.matched ? make("p", {}, make("button", { type: "button", className: "quiet", id: "second-round", onclick: onSecondRound },
      `Second round: judge only the ${counted(result.matched, "agreed event")}`)) : "",
    result.differences.length ? differenceTable(result, onSeek) : make("p", {}, "There are no differences."),
  );
}

function differenceTable(result, onSeek) {
  const rows = result.differences.map(({ what, first, second }) => {
    const event = first || second;
    return make("tr", {},
      make("td", {}, make("button", { type: "button", className: "quiet", onclick: () => onSeek(event) }, formatTime(event.start))),
      make("td", {}, DIFFERENCES[what]), make("td", {}, text(first, what)), make("td", {}, text(second, what)));
  });
  return table(counted(rows.length, "difference"), ["start", "difference", result.first, result.second], rows);
}

const text = (event, what) => (event ? (what === "action units" ? event.units || "none" : event.label) : "–");

function unitTable({ units, first, second }) {
  const rows = units.map((unit) => make("tr", {}, make("th", { scope: "row" }, String(unit.number)),
    ...[unit.first, unit.second, unit.both, unit.same_side].map((count) => make("td", {}, String(count))),
    make("td", {}, unit.kappa === null ? "–" : unit.kappa.toFixed(2))));
  return table("action units of the matched events", ["unit", first, second, "both", "same side", "kappa"], rows);
}

function table(caption, columns, rows) {
  return make("div", { className: "scroll" }, make("table", {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...rows)));
}
