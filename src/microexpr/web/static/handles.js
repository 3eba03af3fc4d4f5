/* Onset, apex and offset of the selected event as handles on the timeline, which are dragged or moved by the arrow keys.
   They never pass each other. A move is reported once, when the handle is released. */

import { formatTime, make } from "./dom.js";

const NAMES = ["onset", "apex", "offset"];
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity };

export const APEX_SPACE = 24; // pixels above a curve for the handle of the apex

export class Handles {
  /* onPreview({ start, peak, end })          draw the event with these times
     onMove(name, { onset, apex, offset })    the new frames; returns a promise that ends when they are saved or refused */
  constructor(player, { onPreview, onMove }) {
    this.player = player;
    this.onPreview = onPreview;
    this.onMove = onMove;
    this.event = this.number = this.layout = this.drag = null;
    this.saving = 0;
    this.box = make("div", { className: "handles", role: "group", ariaLabel: "onset, apex and offset of the selected event" });
    this.handles = NAMES.map((name) => this.makeHandle(name));
    this.box.append(...this.handles);
  }

  makeHandle(name) {
    const handle = make("div", { className: `handle ${name}`, tabIndex: 0, role: "slider", ariaLabel: name,
      onpointerdown: (pointer) => {
        if (pointer.button || this.drag) return;
        handle.setPointerCapture(pointer.pointerId);
        handle.focus({ preventScroll: true });
        this.beginDrag(name, pointer.pointerId, pointer.clientX - this.pixelOf(name));
        this.player.show(this.frames[name]);
      },
      onpointermove: (pointer) => { if (this.drag?.pointer === pointer.pointerId) this.moveTo(this.frameAt(pointer.clientX - this.drag.distance)); },
      onpointerup: (pointer) => { if (this.drag?.pointer === pointer.pointerId) this.endDrag(); },
      onpointercancel: () => this.cancelDrag(),
      onkeydown: (press) => this.handleKey(name, press),
      onkeyup: () => { if (this.drag?.pointer === null) this.endDrag(); },
      onblur: () => { if (this.drag?.pointer === null) this.endDrag(); },
    });
    return handle;
  }

  /* The layout of the timeline, as its onLayout gives it. */
  setLayout(layout) {
    this.layout = layout;
    if (this.box.parentElement !== layout.space) layout.space.append(this.box);
    this.position();
  }

  /* The selected event as it is saved now, null for none; a drag of the same event goes on. */
  show(event, number) {
    if (number !== this.number) this.drag = null;
    this.event = event;
    this.number = number;
    if (event && (this.drag || this.saving)) this.preview();
    else this.reset();
  }

  reset() {
    if (this.event) this.frames = Object.fromEntries(NAMES.map((name) => [name, this.event[name]]));
    this.position();
  }

  /* pointer: its id, null for the keyboard; distance: pixels from the pointer to the frame of the handle. */
  beginDrag(name, pointer, distance) {
    this.drag = { name, pointer, distance, before: { ...this.frames }, shown: this.player.number };
  }

  limits(name) {
    const last = Math.max(0, this.player.times.length - 1), { onset, apex, offset } = this.frames;
    return { onset: [0, apex], apex: [onset, offset], offset: [apex, last] }[name];
  }

  moveTo(frame) {
    const { name } = this.drag, [low, high] = this.limits(name);
    this.frames[name] = Math.min(Math.max(frame, low), high);
    this.player.show(this.frames[name]);
    this.preview();
  }

  async endDrag() {
    const { name, before } = this.drag, frames = { ...this.frames };
    this.drag = null;
    this.position();
    if (frames[name] === before[name]) return;
    this.saving++;
    await this.onMove(name, frames);
    this.saving--;
    if (this.drag || this.saving || !this.event) return;
    this.reset();
    this.preview();
  }

  cancelDrag() {
    if (!this.drag) return;
    const { before, shown } = this.drag;
    this.drag = null;
    this.frames = before;
    this.player.show(shown);
    this.preview();
  }

  handleKey(name, press) {
    if (press.ctrlKey || press.metaKey || press.altKey) return;
    if (press.key === "Escape" && this.drag) this.cancelDrag();
    else if (press.key in STEPS && !this.drag?.pointer) {
      if (!this.drag) this.beginDrag(name, null, 0);
      this.moveTo(this.frames[name] + STEPS[press.key] * (press.shiftKey ? 10 : 1));
    } else return;
    press.preventDefault();
    press.stopPropagation();
  }

  preview() {
    const { times } = this.player, { onset, apex, offset } = this.frames;
    this.onPreview({ start: times[onset], peak: times[apex], end: times[offset] });
    this.position();
  }

  /* Horizontal position of a handle's frame, in pixels of the window. */
  pixelOf(name) {
    return this.layout.space.getBoundingClientRect().left + this.player.times[this.frames[name]] * this.layout.scale;
  }

  /* The frame at a pixel of the window, limited to the visible frames so that the timeline does not scroll. */
  frameAt(pixel) {
    const { space, scale } = this.layout, { player } = this, visible = space.parentElement.getBoundingClientRect();
    const seconds = (x) => (x - space.getBoundingClientRect().left) / scale;
    const low = player.frameAt(seconds(visible.left)), high = player.frameAt(seconds(visible.right));
    const first = player.times[low] < seconds(visible.left) ? low + 1 : low;
    return Math.min(Math.max(player.nearestFrame(seconds(pixel)), first), Math.max(first, high));
  }

  position() {
    this.box.hidden = !this.event || !this.layout;
    if (this.box.hidden) return;
    const { space, scale, top } = this.layout, { times } = this.player, width = this.handles[0].offsetWidth;
    this.box.style.top = `${top(this.event.face)}px`;
    for (const [index, name] of NAMES.entries()) {
      const handle = this.handles[index], frame = this.frames[name], x = times[frame] * scale, [low, high] = this.limits(name);
      handle.style.left = `${x}px`;
      // Outside the event, so that a short one stays visible; inside it at the ends of the recording.
      handle.classList.toggle("before", name === "onset" ? x >= width : name === "offset" && x + width > space.clientWidth);
      handle.classList.toggle("dragged", this.drag?.name === name);
      handle.ariaValueMin = low;
      handle.ariaValueMax = high;
      handle.ariaValueNow = frame;
      handle.ariaValueText = `frame ${frame}, ${formatTime(times[frame])}`;
      handle.dataset.text = `${name} ${frame}`;
    }
  }
}
