/* Onset, apex and offset of the chosen event as handles on the time line: dragged, or moved by the arrow keys. They
   never pass each other, and what was moved is told once, when it is let go. */

import { clock, make } from "./page.js";

const NAMES = ["onset", "apex", "offset"];
const BY = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity };

export const ROOM = 24; // pixels above a curve, where the apex is taken hold of

export class Handles {
  /* onDraw({ start, peak, end })    the event is to be drawn so
     onMove(name, { onset, apex, offset })    these are its frames now; a promise that ends when they are kept, or not */
  constructor(player, { onDraw, onMove }) {
    this.player = player;
    this.onDraw = onDraw;
    this.onMove = onMove;
    this.event = this.number = this.layout = this.held = null;
    this.waiting = 0;
    this.box = make("div", { className: "handles", role: "group", ariaLabel: "onset, apex and offset of the chosen event" });
    this.handles = NAMES.map((name) => this.handle(name));
    this.box.append(...this.handles);
  }

  handle(name) {
    const one = make("div", { className: `handle ${name}`, tabIndex: 0, role: "slider", ariaLabel: name,
      onpointerdown: (press) => {
        if (press.button || this.held) return;
        one.setPointerCapture(press.pointerId);
        one.focus({ preventScroll: true });
        this.take(name, press.pointerId, press.clientX - this.at(name));
        this.player.show(this.frames[name]);
      },
      onpointermove: (move) => { if (this.held?.pointer === move.pointerId) this.move(this.frame(move.clientX - this.held.beside)); },
      onpointerup: (up) => { if (this.held?.pointer === up.pointerId) this.release(); },
      onpointercancel: () => this.giveUp(),
      onkeydown: (key) => this.key(name, key),
      onkeyup: () => { if (this.held?.pointer === null) this.release(); },
      onblur: () => { if (this.held?.pointer === null) this.release(); },
    });
    return one;
  }

  /* Of the time line, see there. */
  lay(layout) {
    this.layout = layout;
    if (this.box.parentElement !== layout.space) layout.space.append(this.box);
    this.place();
  }

  /* The chosen event as it is kept now, null for none; what is being moved goes on. */
  show(event, number) {
    if (number !== this.number) this.held = null;
    this.event = event;
    this.number = number;
    if (event && (this.held || this.waiting)) this.draw();
    else this.rest();
  }

  rest() {
    if (this.event) this.frames = Object.fromEntries(NAMES.map((name) => [name, this.event[name]]));
    this.place();
  }

  take(name, pointer, beside) {
    this.held = { name, pointer, beside, before: { ...this.frames }, shown: this.player.number };
  }

  limits(name) {
    const last = Math.max(0, this.player.times.length - 1), { onset, apex, offset } = this.frames;
    return { onset: [0, apex], apex: [onset, offset], offset: [apex, last] }[name];
  }

  move(frame) {
    const { name } = this.held, [low, high] = this.limits(name);
    this.frames[name] = Math.min(Math.max(frame, low), high);
    this.player.show(this.frames[name]);
    this.draw();
  }

  async release() {
    const { name, before } = this.held, frames = { ...this.frames };
    this.held = null;
    this.place();
    if (frames[name] === before[name]) return;
    this.waiting++;
    await this.onMove(name, frames);
    this.waiting--;
    if (this.held || this.waiting || !this.event) return;
    this.rest();
    this.draw();
  }

  giveUp() {
    if (!this.held) return;
    const { before, shown } = this.held;
    this.held = null;
    this.frames = before;
    this.player.show(shown);
    this.draw();
  }

  key(name, key) {
    if (key.ctrlKey || key.metaKey || key.altKey) return;
    if (key.key === "Escape" && this.held) this.giveUp();
    else if (key.key in BY && !this.held?.pointer) {
      if (!this.held) this.take(name, null);
      this.move(this.frames[name] + BY[key.key] * (key.shiftKey ? 10 : 1));
    } else return;
    key.preventDefault();
    key.stopPropagation();
  }

  draw() {
    const { times } = this.player, { onset, apex, offset } = this.frames;
    this.onDraw({ start: times[onset], peak: times[apex], end: times[offset] });
    this.place();
  }

  /* Where a moment is, in pixels of the window. */
  at(name) {
    return this.layout.space.getBoundingClientRect().left + this.player.times[this.frames[name]] * this.layout.scale;
  }

  /* The frame at a pixel of the window, of those in sight, so that the time line stands still. */
  frame(pixel) {
    const { space, scale } = this.layout, { player } = this, seen = space.parentElement.getBoundingClientRect();
    const seconds = (x) => (x - space.getBoundingClientRect().left) / scale;
    const low = player.at(seconds(seen.left)), high = player.at(seconds(seen.right));
    const first = player.times[low] < seconds(seen.left) ? low + 1 : low;
    return Math.min(Math.max(player.nearest(seconds(pixel)), first), Math.max(first, high));
  }

  place() {
    this.box.hidden = !this.event || !this.layout;
    if (this.box.hidden) return;
    const { space, scale, top } = this.layout, { times } = this.player, wide = this.handles[0].offsetWidth;
    this.box.style.top = `${top(this.event.face)}px`;
    for (const [index, name] of NAMES.entries()) {
      const one = this.handles[index], x = times[this.frames[name]] * scale, [low, high] = this.limits(name);
      one.style.left = `${x}px`;
      // Beside the event, so that a short one is still seen; within it at the ends of the recording.
      one.classList.toggle("before", name === "onset" ? x >= wide : name === "offset" && x + wide > space.clientWidth);
      one.classList.toggle("held", this.held?.name === name);
      one.ariaValueMin = low;
      one.ariaValueMax = high;
      one.ariaValueNow = this.frames[name];
      one.ariaValueText = `frame ${this.frames[name]}, ${clock(times[this.frames[name]])}`;
      one.dataset.told = `${name} ${this.frames[name]}`;
    }
  }
}
