/* Two coders: kappa, and where they differ. */

import { clock, counted, make } from "./page.js";

const WHAT = { "only first": "only here", "only second": "only there", class: "another class" };

export function agreement(both, onSeek) {
  const told = (value, what) => value === null
    ? make("p", {}, make("b", {}, "–"), `no ${what}: by chance alone they would agree as well`)
    : make("p", {}, make("b", {}, value.toFixed(2)), what);
  const scores = make("div", { className: "scores" },
    told(both.time_kappa, `kappa over time, ${counted(both.frames, "frame")}`),
    told(both.class_kappa, `kappa over the classes of ${counted(both.matched, "matched event")}`),
    make("p", {}, make("b", {}, both.onset_seconds === null ? "–" : `${Math.round(1000 * both.onset_seconds)} ms`), "between the onsets of matched events"),
  );
  const left = both.unjudged[0] + both.unjudged[1];
  const rows = both.differences.map((one) => {
    const event = one.first || one.second;
    return make("tr", {},
      make("td", {}, make("button", { type: "button", className: "quiet", onclick: () => onSeek(event) }, clock(event.start))),
      make("td", {}, WHAT[one.what]), make("td", {}, one.first ? one.first.label : "–"), make("td", {}, one.second ? one.second.label : "–"));
  });
  return [
    make("p", { className: "small" }, `${both.first} and ${both.second}`),
    scores,
    left ? make("p", { className: "soft small" }, `Left out, because nobody judged them: ${both.unjudged[0]} here, ${both.unjudged[1]} there.`) : null,
    rows.length
      ? make("div", { className: "scroll" }, make("table", { className: "differences" },
        make("caption", {}, counted(rows.length, "difference")),
        make("thead", {}, make("tr", {}, ...["begins", "", both.first, both.second].map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, ...rows)))
      : make("p", {}, "They differ nowhere."),
  ].filter(Boolean);
}
