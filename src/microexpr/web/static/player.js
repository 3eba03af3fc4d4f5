/* Plays the video with the browser's own player, and shows single frames exactly: while the video is paused, an image
   that the server decoded covers it, because the seeking of browsers is not exact to the frame. */

import * as api from "./api.js";

const CACHE_SIZE = 60; // images

export class Player {
  /* onFrame(number, seconds)    another frame is displayed
     onPlaying(playing)          playing starts or ends
     onFallback()                the browser cannot play the video; single frames are displayed instead
     onError(error)              a frame could not be loaded */
  constructor(video, canvas, callbacks) {
    this.video = video;
    this.canvas = canvas;
    this.callbacks = callbacks;
    this.clear();
    video.addEventListener("ended", () => this.pause());
    video.addEventListener("error", () => this._fallBack());
  }

  clear() {
    this.id = null;
    this.times = new Float64Array();
    this.images = new Map();
    this.number = 0;
    this.playing = false;
    this.last = Infinity;
    this.playable = false;
    this.wanted = null;
    this.video.removeAttribute("src");
    this.video.load();
  }

  load(id, times, playable) {
    this.clear();
    this.id = id;
    this.times = times;
    this.playable = playable;
    if (playable) this.video.src = api.videoUrl(id);
    this.show(0);
  }

  /* The frame that is visible at a time: the last one that has begun. */
  frameAt(seconds) {
    let low = 0, high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= seconds + 1e-4) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  nearestFrame(seconds) {
    const left = this.frameAt(seconds), right = Math.min(left + 1, this.times.length - 1);
    return seconds - this.times[left] <= this.times[right] - seconds ? left : right;
  }

  /* Pauses at a frame. */
  show(number) {
    if (this.playing) this._stop();
    this._setNumber(Math.min(Math.max(0, Math.round(number)), Math.max(0, this.times.length - 1)));
    this._draw();
  }

  step(frames) { this.show(this.number + frames); }

  toggle() { return this.playing ? this.pause() : this.play(); }

  pause() {
    if (!this.playing) return;
    this._stop();
    this._draw();
  }

  /* Plays from the current frame to the end, or from one frame to another. */
  async play(first = this.number, last = this.times.length - 1) {
    if (!this.times.length) return;
    if (first >= this.times.length - 1) first = 0;
    this._setNumber(first);
    this.playing = true;
    this.last = last;
    this.callbacks.onPlaying(true);
    const run = this.run = {}; // another object for every start: what belongs to an earlier one ends
    if (!this.playable) { this._playFrames(run); return; }
    this.video.currentTime = this.times[first] + 1e-3;
    try {
      await this.video.play();
      if (this.run === run) this._followVideo(run);
    } catch {
      if (this.run === run) this._fallBack(); // else it was paused before it began
    }
  }

  _fallBack() {
    if (!this.playable) return;
    this.playable = false;
    this.callbacks.onFallback();
    if (this.playing) this._playFrames(this.run = {});
  }

  _stop() {
    this.playing = false;
    this.run = null;
    this.video.pause();
    this.callbacks.onPlaying(false);
  }

  _setNumber(number) {
    this.number = number;
    this.callbacks.onFrame(number, this.times[number] || 0);
  }

  /* Updates the frame number while the browser plays the video. */
  _followVideo(run) {
    const onVideoFrame = (_, { mediaTime }) => {
      if (this.run !== run) return;
      this.canvas.hidden = true;
      this._setNumber(this.frameAt(mediaTime));
      if (this.number >= this.last) this.pause();
      else next();
    };
    const next = () => {
      if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(onVideoFrame);
      else requestAnimationFrame(() => onVideoFrame(0, { mediaTime: this.video.currentTime }));
    };
    next();
  }

  /* Plays by showing single frames, as many as arrive in time. */
  async _playFrames(run) {
    let position = this.times[this.number], before = performance.now(), shown = -1;
    while (this.run === run && shown < this.last) {
      const now = performance.now();
      position += (now - before) / 1000 * this.video.playbackRate;
      before = now;
      const number = Math.min(this.frameAt(position), this.last);
      if (number === shown) { await new Promise(requestAnimationFrame); continue; }
      try {
        const image = await this._image(number);
        if (this.run !== run) return;
        this._image(number + 1).catch(() => {});
        this._paint(image, number);
        this.canvas.hidden = false;
        this._setNumber(shown = number);
      } catch (error) {
        if (this.run === run) this.callbacks.onError(error);
        break;
      }
    }
    if (this.run === run) this.pause();
  }

  set speed(value) {
    this.video.playbackRate = this.video.defaultPlaybackRate = value;
  }

  /* Draws the current frame. Only one request runs at a time; of the frames wanted meanwhile, only the last is drawn. */
  async _draw() {
    const busy = this.wanted !== null;
    this.wanted = this.number;
    if (busy) return;
    const id = this.id;
    while (this.id === id && this.drawn !== `${id} ${this.wanted}`) {
      const number = this.wanted;
      try {
        const image = await this._image(number);
        if (this.id !== id) return;
        this._paint(image, number);
      } catch (error) {
        if (this.id === id) this.callbacks.onError(error);
        break;
      }
    }
    if (this.id !== id) return;
    if (!this.playing || !this.playable) this.canvas.hidden = false;
    const number = this.wanted;
    this.wanted = null;
    if (!this.playing) for (const step of [1, -1, 2]) this._image(number + step).catch(() => {});
  }

  _image(number) {
    if (number < 0 || number >= this.times.length) return Promise.reject(new api.ApiError(`There is no frame ${number}.`));
    if (!this.images.has(number)) {
      const image = api.getFrame(this.id, number).then(createImageBitmap);
      image.catch(() => this.images.delete(number));
      this.images.set(number, image);
      if (this.images.size > CACHE_SIZE) this.images.delete(this.images.keys().next().value);
    }
    return this.images.get(number);
  }

  _paint(image, number) {
    if (this.canvas.width !== image.width || this.canvas.height !== image.height) {
      this.canvas.width = image.width;
      this.canvas.height = image.height;
    }
    this.canvas.getContext("2d").drawImage(image, 0, 0);
    this.canvas.dataset.frame = number;
    this.drawn = `${this.id} ${number}`;
  }
}
