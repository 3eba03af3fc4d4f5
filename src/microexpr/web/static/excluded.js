/* Excluded time: no event lies in it, and it does not count as usable. */

import { $, formatTime, make } from "./dom.js";

/* Seconds of `0:12.5`, `12.5` or `1:02:03`; undefined for anything else. */
export function parseTime(text) {
  const parts = text.trim().split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d+(\.\d+)?$/.test(part))) return undefined;
  return parts.reduce((seconds, part) => 60 * seconds + Number(part), 0);
}

export class ExcludedTime {
  /* now()             seconds of the frame that is shown
     onChange(ranges)  the new ranges, [start, end] in seconds */
  constructor({ now, onChange }) {
    this.onChange = onChange;
    for (const name of ["from", "to"]) {
      $(`exclude-${name}-here`).addEventListener("click", () => { $(`exclude-${name}`).value = formatTime(now()); });
    }
    $("exclude-form").addEventListener("submit", (submit) => { submit.preventDefault(); this.add(); });
  }

  show(ranges) {
    this.ranges = ranges;
    $("excluded").replaceChildren(...ranges.map(([start, end], index) => {
      const text = `${formatTime(start)} – ${formatTime(end)}`;
      return make("li", {}, make("span", {}, text), make("button", { type: "button", className: "delete", ariaLabel: `include ${text} again`,
        title: "include again", onclick: () => this.onChange(ranges.filter((_, i) => i !== index)) }, "×"));
    }));
    $("excluded").hidden = !ranges.length;
  }

  add() {
    const [start, end] = ["from", "to"].map((name) => parseTime($(`exclude-${name}`).value));
    $("exclude-hint").textContent = "";
    if (start === undefined || end === undefined) $("exclude-hint").textContent = "Write both times as 0:12 or 12.5.";
    else if (end <= start) $("exclude-hint").textContent = "The end must come after the begin.";
    else {
      for (const name of ["from", "to"]) $(`exclude-${name}`).value = "";
      this.onChange([...this.ranges, [start, end]]);
    }
  }
}
