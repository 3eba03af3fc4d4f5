/* The recordings: dropping, waiting, choosing. */

import * as api from "./api.js";
import { $, counted, fault, make, say } from "./page.js";

const BUSY = new Set(["coming", "waiting", "working"]);
const WORD = { coming: "coming in", waiting: "waits", working: "starting", done: "ready", failed: "failed" };

export class Shelf {
  constructor({ onOpen, onGone }) {
    this.onOpen = onOpen;
    this.onGone = onGone;
    this.open = null;
    this.known = [];
    this.mine = new Set();
    this.sending = new Map();
    this.lines = new Map();
    this.sent = 0;
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
        if (one.state === "failed" && this.mine.delete(one.id)) say(`${one.name}: it cannot be analyzed`);
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
        fault(new api.Fault(`“${file.name}” is larger than ${this.state.most_mb} MB; microexpr serve --max-upload-mb N allows more.`));
        continue;
      }
      const key = ++this.sent;
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
    const shown = [
      ...[...this.sending].map(([key, { name, share }]) => ({ key: `s${key}`, name, state: "coming", done: share, total: 1 })),
      ...this.known.filter((one) => one.state !== "coming").map((one) => ({ ...one, key: one.id, done: one.progress, on: one.id === this.open })),
    ];
    const lines = new Map();
    for (const one of shown) {
      const mark = JSON.stringify([one.name, one.state, one.fault, one.on]), old = this.lines.get(one.key);
      const line = old?.mark === mark ? old : { mark, ...this.line(one) };
      if (line !== old && old?.li.contains(document.activeElement)) line.focused = true;
      lines.set(one.key, line);
      this.tell(one, line);
    }
    const before = [...this.lines.values()], after = [...lines.values()];
    this.lines = lines;
    if (before.length === after.length && before.every((line, i) => line === after[i]) && $("recordings").children.length) return;
    $("recordings").replaceChildren(...(after.length ? after.map((line) => line.li) : [make("li", { className: "soft small none" }, "no recording yet")]));
    for (const line of after.filter((one) => one.focused)) { line.li.querySelector("button")?.focus(); line.focused = false; }
  }

  /* A line that stays the same element while only its progress changes. */
  line(one) {
    const name = one.state === "done"
      ? make("button", { type: "button", className: "name", "aria-current": one.on ? "true" : null, onclick: () => this.onOpen(one.id) }, one.name)
      : make("span", { className: "name" }, one.name);
    const remove = one.id && make("button", {
      type: "button", className: "x", ariaLabel: `delete ${one.name}`, title: "delete", onclick: () => this.drop(one.id),
    }, "×");
    const li = make("li", { className: one.on ? "on" : "" }, make("div", { className: "row" }, name, remove));
    if (one.state === "failed") li.append(make("p", { className: "bad small" }, one.fault));
    if (!BUSY.has(one.state)) return { li };
    const text = make("p", { className: "soft small" }), bar = make("progress", { ariaLabel: `${one.name}: progress` });
    li.append(text, bar);
    return { li, text, bar };
  }

  tell(one, line) {
    if (!line.bar) return;
    const what = (one.state === "working" && one.what) || WORD[one.state];
    const known = one.state === "coming" || (one.state === "working" && one.total > 1);
    line.text.textContent = known && one.what ? `${what}: ${one.done} of ${one.total}` : what;
    line.bar.max = known ? one.total : 1;
    if (known) line.bar.value = one.done;
    else line.bar.removeAttribute("value");
    // Read out once a quarter: the text itself changes too often.
    const spoken = `${one.name}: ${what}${known ? `, ${25 * Math.floor(4 * one.done / one.total)} %` : ""}`;
    if (line.spoken !== spoken) $("progress").textContent = line.spoken = spoken;
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
