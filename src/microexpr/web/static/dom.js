/* Helpers for building the page. Text goes in as text, never as HTML. */

export const $ = (id) => document.getElementById(id);

export function make(tag, values = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element) element[key] = value; // ariaLabel too
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const formatTime = (seconds) => {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(3).padStart(6, "0")}`;
};

export const formatDuration = (event) => `${Math.round(1000 * (event.end - event.start))} ms`;

export const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

let timer = 0;

/* Shows a message for a few seconds, to screen readers too. */
export function notify(text) {
  $("error").textContent = "";
  $("message").textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => { $("message").textContent = ""; }, 4000);
}

/* Shows an error until it is closed or the next message comes. */
export function showError(error) {
  $("message").textContent = "";
  $("error").replaceChildren(
    make("span", {}, error.message || String(error)),
    make("button", { type: "button", ariaLabel: "close this message", onclick: () => { $("error").textContent = ""; } }, "×"),
  );
}
