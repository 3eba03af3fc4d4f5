/* Small helps for building the page: text goes in as text, never as HTML. */

export const $ = (id) => document.getElementById(id);

export function make(tag, values = {}, ...children) {
  const one = document.createElement(tag);
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) one.addEventListener(key.slice(2), value);
    else if (key in one) one[key] = value; // ariaLabel too
    else one.setAttribute(key, value === true ? "" : value);
  }
  one.append(...children.filter((child) => child !== null && child !== undefined));
  return one;
}

export const clock = (seconds) => {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(3).padStart(6, "0")}`;
};

export const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/* A share is never shown as certain, or as impossible. */
export const share = (value) => value >= 0.995 ? "> 0.99" : value < 0.005 ? "< 0.01" : value.toFixed(2);

let fading = 0;

/* A line for eyes and screen readers. */
export function say(text) {
  $("fault").textContent = "";
  $("said").textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => { $("said").textContent = ""; }, 4000);
}

/* What went wrong stays until the next thing is done. */
export function fault(error) {
  $("said").textContent = "";
  $("fault").replaceChildren(
    make("span", {}, error.message || String(error)),
    make("button", { type: "button", ariaLabel: "close this message", onclick: () => { $("fault").textContent = ""; } }, "×"),
  );
}
