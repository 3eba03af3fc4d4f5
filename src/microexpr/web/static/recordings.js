/* The list of recordings: uploading, progress of the analysis, opening, deleting. */

import * as api from "./api.js";
import { $, counted, make, notify, showError } from "./dom.js";

const ACTIVE = new Set(["uploading", "waiting", "running"]);
const STATES = { uploading: "uploading", waiting: "waiting", running: "starting", done: "ready", failed: "failed" };
const [FAST, SLOW] = [400, 5000]; // milliseconds between two requests, while something is active and otherwise

export class RecordingList {
  /* onOpen(id)    the user opens a recording, or the first upload is analyzed
     onClosed()    the open recording was deleted */
  constructor({ onOpen, onClosed }) {
    this.onOpen = onOpen;
    this.onClosed = onClosed;
    this.openId = null;
    this.recordings = [];
    this.uploads = new Map(); // key -> { name, fraction }
    this.uploadCount = 0;
    this.awaited = new Set(); // ids of recordings uploaded here whose end was not announced yet
    this.items = new Map(); // key -> item, see makeItem
    this.state = { max_upload_mb: Infinity };
    $("choose").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", () => { this.upload([...$("file").files]); $("file").value = ""; });
    for (const name of ["dragenter", "dragover"]) {
      document.addEventListener(name, (drag) => { drag.preventDefault(); $("dropzone").classList.add("over"); });
    }
    document.addEventListener("dragleave", (drag) => { if (!drag.relatedTarget) $("dropzone").classList.remove("over"); });
    document.addEventListener("drop", (drag) => {
      drag.preventDefault();
      $("dropzone").classList.remove("over");
      this.upload([...drag.dataTransfer.files]);
    });
  }

  /* Asks the server for the recordings, now and then again and again. */
  async refresh() {
    clearTimeout(this.timer);
    try {
      this.state = await api.getState();
      this.recordings = this.state.recordings;
      $("limits").textContent =
        `up to ${this.state.max_upload_mb} MB · ${this.state.persistent ? `kept in ${this.state.folder || "the server's folder"}` : "deleted when the server ends"}`;
      this.draw();
      this.announce();
      if (this.openId && !this.recordings.some(({ id }) => id === this.openId)) this.onClosed();
    } catch (error) {
      showError(error);
    }
    const active = this.recordings.some(({ state }) => ACTIVE.has(state)) || this.uploads.size;
    this.timer = setTimeout(() => this.refresh(), active ? FAST : SLOW);
  }

  announce() {
    for (const { id, name, state } of this.recordings) {
      if (ACTIVE.has(state) || !this.awaited.delete(id)) continue;
      if (state === "failed") notify(`${name}: the analysis failed`);
      else {
        notify(`${name}: ready`);
        if (!this.openId) this.onOpen(id);
      }
    }
  }

  async upload(files) {
    for (const file of files) {
      if (file.size > this.state.max_upload_mb * 1e6) {
        showError(new api.ApiError(`“${file.name}” is larger than ${this.state.max_upload_mb} MB; microexpr serve --max-upload-mb N allows more.`));
        continue;
      }
      const key = ++this.uploadCount, upload = { name: file.name, fraction: 0 };
      this.uploads.set(key, upload);
      this.draw();
      try {
        const recording = await api.upload(file, (fraction) => { upload.fraction = fraction; this.draw(); });
        this.awaited.add(recording.id);
        notify(`${file.name}: uploaded, waiting for its analysis`);
      } catch (error) {
        showError(error);
      }
      this.uploads.delete(key);
      await this.refresh();
    }
  }

  draw() {
    const entries = [
      ...[...this.uploads].map(([key, { name, fraction }]) => ({ key: `upload ${key}`, name, state: "uploading", done: fraction, total: 1 })),
      ...this.recordings.filter(({ state }) => state !== "uploading").map((recording) => ({ ...recording, key: recording.id, open: recording.id === this.openId })),
    ];
    const items = new Map();
    for (const entry of entries) {
      // An item stays the same element while only its progress changes.
      const content = JSON.stringify([entry.name, entry.state, entry.error, entry.open]), old = this.items.get(entry.key);
      const item = old?.content === content ? old : { content, ...this.makeItem(entry) };
      if (item !== old && old?.li.contains(document.activeElement)) item.focused = true;
      items.set(entry.key, item);
      this.showProgress(entry, item);
    }
    const before = [...this.items.values()], after = [...items.values()];
    this.items = items;
    if (before.length === after.length && before.every((item, i) => item === after[i]) && $("recordings").children.length) return;
    $("recordings").replaceChildren(...(after.length ? after.map(({ li }) => li) : [make("li", { className: "muted small empty" }, "no recordings yet")]));
    for (const item of after.filter(({ focused }) => focused)) { item.li.querySelector("button")?.focus(); item.focused = false; }
  }

  makeItem({ id, name, state, error, open }) {
    const title = state === "done"
      ? make("button", { type: "button", className: "name", "aria-current": open ? "true" : null, onclick: () => this.onOpen(id) }, name)
      : make("span", { className: "name" }, name);
    const remove = id && make("button", {
      type: "button", className: "delete", ariaLabel: `delete ${name}`, title: "delete", onclick: () => this.remove(id),
    }, "×");
    const li = make("li", { className: open ? "open" : "" }, make("div", { className: "row" }, title, remove));
    if (state === "failed") li.append(make("p", { className: "error small" }, error));
    if (!ACTIVE.has(state)) return { li };
    const text = make("p", { className: "muted small" }), bar = make("progress", { ariaLabel: `${name}: progress` });
    li.append(text, bar);
    return { li, text, bar };
  }

  showProgress({ name, state, stage, done, total }, item) {
    if (!item.bar) return;
    const text = (state === "running" && stage) || STATES[state];
    const measured = state === "uploading" || (state === "running" && total > 1);
    item.text.textContent = measured && stage ? `${text}: ${done} of ${total}` : text;
    item.bar.max = measured ? total : 1;
    if (measured) item.bar.value = done;
    else item.bar.removeAttribute("value");
    // Screen readers hear every quarter; the visible text changes too often for them.
    const spoken = `${name}: ${text}${measured ? `, ${25 * Math.floor(4 * done / total)} %` : ""}`;
    if (item.spoken !== spoken) $("progress").textContent = item.spoken = spoken;
  }

  /* Deletes a recording after the user confirmed it. */
  async remove(id) {
    const dialog = $("delete-dialog");
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "delete") return;
    try {
      await api.removeRecording(id);
      if (this.openId === id) this.onClosed();
      await this.refresh();
      notify(`deleted; ${counted(this.recordings.length, "recording")} left`);
      $("choose").focus();
    } catch (error) {
      showError(error);
    }
  }
}
