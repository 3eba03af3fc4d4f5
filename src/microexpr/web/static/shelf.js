/* The recordings: dropping, waiting, choosing. */

import * as api from "./api.js";
import { $, counted, fault, make, say } from "./page.js";

const BUSY = new Set(["coming", "waiting", "working"]);
const WORD = { coming: "coming in", waiting: "waits", working: "at work", done: "ready", failed: "failed" };

export class Shelf {
  constructor({ onOpen, onGone }) {
    this.onOpen = onOpen;
    this.onGone = onGone;
    this.open = null;
    this.known = [];
    this.mine = new Set();
    this.sending = new Map();
    this.state = { most_mb: Infinity };
    $("choose").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", () => { this.send([...$("file").files]); $("file").value = ""; });
    for (const name of ["dragenter", "dragover"]) {
      document.addEventListener(name, (drag) => { drag.preventDefault(); $("drop").classList.add("over"); });
    }
    document.addEventListener("dragleave", (drag) => { if (!drag.relatedTarget) $("drop").classList.remove("over"); });
    document.addEventListener("drop", (drag) => {
      drag.preventDefault();
      $("drop").classList.remove("over");
      this.send([...drag.dataTransfer.files]);
    });
  }

  async look() {
    clearTimeout(this.soon);
    try {
      this.state = await api.state();
      this.known = this.state.recordings;
      $("limits").textContent =
        `up to ${this.state.most_mb} MB · ${this.state.kept ? "kept in your folder" : "deleted when the server ends"}`;
      this.draw();
      for (const one of this.known) {
        if (one.state === "done" && this.mine.delete(one.id)) {
          say(`${one.name}: ready`);
          if (!this.open) this.onOpen(one.id);
        }
      }
      if (this.open && !this.known.some((one) => one.id === this.open)) this.onGone();
    } catch (error) {
      fault(error);
    }
    const busy = this.known.some((one) => BUSY.has(one.state)) || this.sending.size;
    this.soon = setTimeout(() => this.look(), busy ? 400 : 5000);
  }

  async send(files) {
    for (const file of files) {
      if (file.size > this.state.most_mb * 1e6) {
        fault(new api.Fault(`“${file.name}” is larger than ${this.state.most_mb} MB; microexpr serve --most-mb N allows more.`));
        continue;
      }
      const key = {};
      this.sending.set(key, { name: file.name, share: 0 });
      this.draw();
      try {
        const one = await api.upload(file, (share) => { this.sending.get(key).share = share; this.draw(); });
        this.mine.add(one.id);
        say(`${file.name}: it waits for its analysis`);
      } catch (error) {
        fault(error);
      }
      this.sending.delete(key);
      await this.look();
    }
  }

  draw() {
    const sent = [...this.sending.values()].map((one) =>
      item(one.name, "coming in", make("progress", { max: 1, value: one.share, ariaLabel: `${one.name}: coming in` })));
    const known = this.known.filter((one) => one.state !== "coming").map((one) => this.entry(one));
    const focused = document.activeElement?.dataset?.key;
    $("recordings").replaceChildren(...sent, ...known);
    if (focused) $("recordings").querySelector(`[data-key="${focused}"]`)?.focus();
    if (!sent.length && !known.length) $("recordings").append(make("li", { className: "soft small none" }, "no recording yet"));
  }

  entry(one) {
    const remove = make("button", {
      type: "button", className: "x", ariaLabel: `delete ${one.name}`, title: "delete", onclick: () => this.drop(one.id),
    }, "×");
    remove.dataset.key = `x${one.id}`;
    if (one.state === "done") {
      const open = make("button", { type: "button", className: "name", onclick: () => this.onOpen(one.id) }, one.name);
      open.dataset.key = one.id;
      if (one.id === this.open) open.setAttribute("aria-current", "true");
      return make("li", { className: one.id === this.open ? "on" : "" }, make("div", { className: "row" }, open, remove));
    }
    const told = one.state === "working" && one.what
      ? `${one.what}: ${one.progress}${one.total ? ` of ${one.total}` : ""}` : WORD[one.state];
    const bar = one.state === "failed" ? make("p", { className: "bad small" }, one.fault)
      : make("progress", { max: one.total || 1, value: one.state === "working" && one.total ? one.progress : null, ariaLabel: `${one.name}: ${told}` });
    if (one.state === "waiting" || (one.state === "working" && !one.total)) bar.removeAttribute("value");
    return item(one.name, one.state === "failed" ? "" : told, bar, remove);
  }

  async drop(id) {
    $("sure").returnValue = "";
    $("sure").showModal();
    await new Promise((done) => $("sure").addEventListener("close", done, { once: true }));
    if ($("sure").returnValue !== "delete") return;
    try {
      await api.remove(id);
      if (this.open === id) this.onGone();
      await this.look();
      say(`deleted; ${counted(this.known.length, "recording")} left`);
      $("choose").focus();
    } catch (error) {
      fault(error);
    }
  }
}

function item(name, told, bar, remove) {
  return make("li", {},
    make("div", { className: "row" }, make("span", { className: "name" }, name), remove),
    told ? make("p", { className: "soft small" }, told) : null, bar);
}
