/* The table of the people, and the movements that are no events. */

import { $, counted, formatDuration, formatTime, make } from "./dom.js";

const COLUMNS = [["face", "face"], ["minutes", "minutes usable"], ["kind", "kind"], ["events", "events"], ["rate", "a minute"],
  ["ms", "mean ms"], ["classes", "classes"]];

/* people: lines of the server. */
export function showPeople(people) {
  $("people").hidden = !people.length;
  $("people-table").replaceChildren(
    make("thead", {}, make("tr", {}, ...COLUMNS.map(([, title]) => make("th", { scope: "col" }, title)))),
    make("tbody", {}, ...people.map((line) => make("tr", {}, ...COLUMNS.map(([name]) => make("td", {}, line[name]))))));
}

/* onSeek(candidate) and onAdd(candidate) are called when one is looked at, and when it is made an event. */
export function showCandidates(candidates, { onSeek, onAdd }) {
  const host = $("candidates");
  host.hidden = !candidates.length;
  host.querySelector("summary").textContent = `${counted(candidates.length, "movement")} that ${candidates.length === 1 ? "is" : "are"} no event`;
  host.querySelector("ul").replaceChildren(...candidates.map((candidate) => {
    const when = formatTime(candidate.start);
    return make("li", {},
      make("button", { type: "button", className: "quiet", ariaLabel: `look at the movement at ${when}`, onclick: () => onSeek(candidate) }, when),
      make("span", { className: "grow muted" }, `${formatDuration(candidate)} · face ${candidate.face} · score ${candidate.score.toFixed(2)} · ${candidate.reason}`),
      make("button", { type: "button", className: "quiet", ariaLabel: `make the movement at ${when} an event`, onclick: () => onAdd(candidate) }, "Make it an event"));
  }));
}
