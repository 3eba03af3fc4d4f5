/* Plays the video with the browser's own player, and shows single frames exactly: while it stands, a picture that the
   server decoded lies over the video, because a browser's own seeking is not exact to the frame. */

import * as api from "./api.js";

const HELD = 60; // pictures

export class Player {
  constructor(video, canvas, { onFrame, onPlaying, onPlain, onFault }) {
    this.video = video;
    this.canvas = canvas;
    this.told = { onFrame, onPlaying, onPlain, onFault };
    this.clear();
    video.addEventListener("ended", () => this.pause());
    video.addEventListener("error", () => this._plain());
  }

  clear() {
    this.id = null;
    this.times = new Float64Array();
    this.pictures = new Map();
    this.number = 0;
    this.playing = false;
    this.until = Infinity;
    this.plays = false;
    this.wanted = null;
    this.video.removeAttribute("src");
    this.video.load();
  }

  load(id, times, plays) {
    this.clear();
    this.id = id;
    this.times = times;
    this.plays = plays;
    if (plays) this.video.src = api.video(id);
    this.show(0);
  }

  /* The frame that is in sight at a time: the last one that has begun. */
  at(seconds) {
    let low = 0, high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= seconds + 1e-4) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  nearest(seconds) {
    const left = this.at(seconds), right = Math.min(left + 1, this.times.length - 1);
    return seconds - this.times[left] <= this.times[right] - seconds ? left : right;
  }

  /* Stands still at a frame. */
  show(number) {
    if (this.playing) this._stop();
    this._mark(Math.min(Math.max(0, Math.round(number)), Math.max(0, this.times.length - 1)));
    this._draw();
  }

  step(by) { this.show(this.number + by); }

  toggle() { return this.playing ? this.pause() : this.play(); }

  pause() {
    if (!this.playing) return;
    this._stop();
    this._draw();
  }

  /* From the current frame, or from one to another. */
  async play(from = this.number, to = this.times.length - 1) {
    if (!this.times.length) return;
    if (from >= this.times.length - 1) from = 0;
    this._mark(from);
    this.playing = true;
    this.until = to;
    this.told.onPlaying(true);
    const turn = this.turn = {};
    if (!this.plays) { this._flick(turn); return; }
    this.video.currentTime = this.times[from] + 1e-3;
    try {
      await this.video.play();
      if (this.turn === turn) this._follow(turn);
    } catch {
      if (this.turn === turn) this._plain(); // else it was paused before it began
    }
  }

  /* The browser cannot play the file after all. */
  _plain() {
    if (!this.plays) return;
    this.plays = false;
    this.told.onPlain();
    if (this.playing) this._flick(this.turn = {});
  }

  _stop() {
    this.playing = false;
    this.turn = null;
    this.video.pause();
    this.told.onPlaying(false);
  }

  _mark(number) {
    this.number = number;
    this.told.onFrame(number, this.times[number] || 0);
  }

  /* The browser says which frame it shows. */
  _follow(turn) {
    const seen = (_, facts) => {
      if (this.turn !== turn) return;
      this.canvas.hidden = true;
      this._mark(this.at(facts.mediaTime));
      if (this.number >= this.until) this.pause();
      else next();
    };
    const next = () => {
      if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(seen);
      else requestAnimationFrame(() => seen(0, { mediaTime: this.video.currentTime }));
    };
    next();
  }

  /* Frame after frame, as many as come in time; what is told is what is seen. */
  async _flick(turn) {
    let place = this.times[this.number], last = performance.now(), shown = -1;
    while (this.turn === turn && shown < this.until) {
      const now = performance.now();
      place += (now - last) / 1000 * this.video.playbackRate;
      last = now;
      const number = Math.min(this.at(place), this.until);
      if (number === shown) { await new Promise(requestAnimationFrame); continue; }
      try {
        const picture = await this._picture(number);
        if (this.turn !== turn) return;
        this._picture(number + 1).catch(() => {});
        this._paint(picture, number);
        this.canvas.hidden = false;
        this.canvas.dataset.frame = number;
        this._mark(shown = number);
      } catch (fault) {
        if (this.turn === turn) this.told.onFault(fault);
        break;
      }
    }
    if (this.turn === turn) this.pause();
  }

  set speed(value) {
    this.video.playbackRate = this.video.defaultPlaybackRate = value;
  }

  /* One request at a time; of those that were wanted meanwhile only the last. */
  async _draw() {
    const busy = this.wanted !== null;
    this.wanted = this.number;
    if (busy) return;
    const id = this.id;
    while (this.id === id && this.drawn !== `${id} ${this.wanted}`) {
      const number = this.wanted;
      try {
        const picture = await this._picture(number);
        if (this.id !== id) return;
        this._paint(picture, number);
      } catch (fault) {
        if (this.id === id) this.told.onFault(fault);
        break;
      }
    }
    if (this.id !== id) return;
    if (!this.playing || !this.plays) this.canvas.hidden = false;
    this.canvas.dataset.frame = this.wanted;
    const near = this.wanted;
    this.wanted = null;
    if (!this.playing) for (const by of [1, -1, 2]) this._picture(near + by).catch(() => {});
  }

  _picture(number) {
    if (number < 0 || number >= this.times.length) return Promise.reject(new api.Fault("no such frame"));
    if (!this.pictures.has(number)) {
      const coming = api.frame(this.id, number).then(createImageBitmap);
      coming.catch(() => this.pictures.delete(number));
      this.pictures.set(number, coming);
      if (this.pictures.size > HELD) this.pictures.delete(this.pictures.keys().next().value);
    }
    return this.pictures.get(number);
  }

  _paint(picture, number) {
    if (this.canvas.width !== picture.width || this.canvas.height !== picture.height) {
      this.canvas.width = picture.width;
      this.canvas.height = picture.height;
    }
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    this.drawn = `${this.id} ${number}`;
  }
}
