/* The list of all keys. The help dialog and the key handler both read it. */

import { $, make } from "./dom.js";

export const KEYS = [ // action, keys, keys as displayed, description
  ["play", [" ", "k"], "space", "play or pause"],
  ["back", [",", "ArrowLeft"], ", ←", "one frame back"],
  ["forward", [".", "ArrowRight"], ". →", "one frame forward"],
  ["next", ["n"], "n", "next event"],
  ["previous", ["p"], "p", "previous event"],
  ["replay", ["v"], "v", "replay the event slowly"],
  ["confirm", ["c"], "c", "confirm the event"],
  ["reject", ["r"], "r", "reject the event"],
  ["onset", ["1"], "1", "set the onset to this frame"],
  ["apex", ["2"], "2", "set the apex to this frame"],
  ["offset", ["3"], "3", "set the offset to this frame"],
  ["label", ["l"], "l", "go to the class"],
  ["units", ["f"], "f", "go to the action units"],
  ["note", ["m"], "m", "go to the note"],
  ["add", ["a"], "a", "add an event at this frame"],
  ["undo", ["u"], "u", "undo the last change"],
  ["help", ["?"], "?", "show these keys"],
];

const TEXT_FIELDS = "input, textarea, select";
const PRESSED_BY_SPACE = "button, a, summary, [role=slider]";

/* Calls act(action, number of frames) for every key of the list. */
export function listen(act) {
  const actions = new Map(KEYS.flatMap(([action, keys]) => keys.map((key) => [key, action])));
  document.addEventListener("keydown", (press) => {
    if (press.defaultPrevented || press.ctrlKey || press.metaKey || press.altKey || document.querySelector("dialog[open]")) return;
    if (press.target.matches(TEXT_FIELDS)) {
      if (press.key === "Escape") { press.target.blur(); $("stage").focus(); }
      return;
    }
    if (press.key === " " && press.target.matches(PRESSED_BY_SPACE)) return;
    const action = actions.get(press.key);
    if (!action) return;
    press.preventDefault();
    act(action, press.shiftKey ? 10 : 1);
  });
  $("help-keys").append(...KEYS.flatMap(([, , keys, text]) => description(keys.split(" "), text)), ...description(["Shift", "←", "→"], "ten frames"));
  $("keys").addEventListener("click", () => $("help").showModal());
}

const description = (keys, text) => [make("dt", {}, ...keys.map((key) => make("kbd", {}, key))), make("dd", {}, text)];
