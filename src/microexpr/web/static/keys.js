/* Every key in one list: what the help shows is what works. */

import { $, make } from "./page.js";

export const KEYS = [
  ["play", [" ", "k"], "space", "play or pause"],
  ["back", [",", "ArrowLeft"], ", ←", "one frame back"],
  ["forward", [".", "ArrowRight"], ". →", "one frame on"],
  ["next", ["n"], "n", "next event"],
  ["previous", ["p"], "p", "previous event"],
  ["replay", ["v"], "v", "see the event again, slowly"],
  ["confirm", ["c"], "c", "confirm the event"],
  ["reject", ["r"], "r", "reject the event"],
  ["onset", ["1"], "1", "it begins at this frame"],
  ["apex", ["2"], "2", "it is at its height at this frame"],
  ["offset", ["3"], "3", "it ends at this frame"],
  ["label", ["l"], "l", "to its class"],
  ["note", ["m"], "m", "to its note"],
  ["add", ["a"], "a", "add an event at this frame"],
  ["undo", ["u"], "u", "undo the last judgment"],
  ["help", ["?"], "?", "these keys"],
];

const WRITING = "input, textarea, select";
const PRESSING = "button, a, summary, [role=slider]";

export function listen(act) {
  const found = new Map(KEYS.flatMap(([name, keys]) => keys.map((key) => [key, name])));
  document.addEventListener("keydown", (press) => {
    if (press.defaultPrevented || press.ctrlKey || press.metaKey || press.altKey || document.querySelector("dialog[open]")) return;
    if (press.target.matches(WRITING)) {
      if (press.key === "Escape") { press.target.blur(); $("stage").focus(); }
      return;
    }
    if (press.key === " " && press.target.matches(PRESSING)) return;
    const name = found.get(press.key);
    if (!name) return;
    press.preventDefault();
    act(name, press.shiftKey ? 10 : 1);
  });
  $("help-keys").append(...KEYS.flatMap(([, , shown, told]) => [
    make("dt", {}, ...shown.split(" ").map((key) => make("kbd", {}, key))), make("dd", {}, told),
  ]));
  $("help-keys").append(make("dt", {}, make("kbd", {}, "Shift"), make("kbd", {}, "←"), make("kbd", {}, "→")), make("dd", {}, "ten frames"));
  $("keys").addEventListener("click", () => $("help").showModal());
}
