/* The page: a recording is opened, looked at and judged; parts of it live in the other files. */

import * as api from "./api.js";
import { EventForm, list } from "./event.js";
import { Handles, ROOM } from "./handles.js";
import { listen } from "./keys.js";
import { $, clock, counted, fault, make, say } from "./page.js";
import { Player } from "./player.js";
import { agreement } from "./second.js";
import { Shelf } from "./shelf.js";

let data = null, selected = null, line = null;

const player = new Player($("video"), $("canvas"), {
  onFrame(number, seconds) {
    $("place").textContent = `${clock(seconds)} · frame ${number}`;
    if (line) line.seek(seconds);
  },
  onPlaying(on) {
    $("play").classList.toggle("on", on);
    $("play").setAttribute("aria-label", on ? "pause" : "play");
    $("place").setAttribute("aria-live", on ? "off" : "polite");
  },
  onPlain: () => { $("how").textContent = "This browser cannot play the file: you see its frames one by one."; },
  onFault: fault,
});
const form = new EventForm($("event"), act);
const handles = new Handles(player, {
  onDraw: (times) => line.preview(selected, times),
  onMove: (name, frames) => judge(frames, `${name} at frame ${frames[name]}`),
});
const shelf = new Shelf({ onOpen: open, onGone: close });

const current = () => (selected === null ? null : data.events[selected]);
const coder = () => $("coder").value.trim();

async function open(id) {
  try {
    const [told, times] = await Promise.all([api.recording(id), api.times(id)]);
    close();
    data = told;
    shelf.open = id;
    location.hash = id;
    document.querySelector(".room").classList.add("on");
    $("empty").hidden = true;
    $("open").hidden = false;
    $("name").textContent = data.recording.name;
    document.title = `${data.recording.name} – microexpr`;
    $("facts").textContent = facts();
    $("warnings").replaceChildren(...data.warnings.map((text) => make("p", {}, text)));
    $("warnings").hidden = !data.warnings.length;
    $("how").textContent = data.plays
      ? `While it stands you see the exact frame, decoded here${data.copied ? "; while it plays, a copy that browsers can play" : ""}.`
      : "No browser plays this video: you see its frames one by one.";
    for (const kind of ["csv", "json", "eaf"]) $(kind).href = api.file(id, kind, coder());
    $("report").href = api.report(id);
    $("report").hidden = !data.report;
    line = globalThis.microexprTimeline($("timeline"), data, {
      onSelect: choose, onSeek: (seconds) => player.show(player.nearest(seconds)), room: ROOM, onLayout: (layout) => handles.lay(layout),
    });
    $("stage").style.aspectRatio = `${data.recording.width} / ${data.recording.height}`;
    player.load(id, times, data.plays);
    if (data.events.length) choose(0);
    else redraw();
    shelf.draw();
  } catch (error) {
    fault(error);
  }
}

function facts() {
  const one = data.recording;
  return [`${one.seconds.toFixed(1)} s`, counted(one.frames, "frame"), one.fps ? `${Number(one.fps.toPrecision(4))} frames/s` : "",
    `${one.width} × ${one.height}`, data.faces.length ? counted(data.faces.length, "face") : "no face"].filter(Boolean).join(" · ");
}

function close() {
  handles.show(null, null);
  if (line) line.destroy();
  player.clear();
  document.querySelector(".room").classList.remove("on");
  data = line = selected = shelf.open = null;
  $("open").hidden = true;
  $("empty").hidden = false;
  $("agreement").replaceChildren();
  document.title = "microexpr";
  history.replaceState(null, "", location.pathname);
}

function redraw() {
  list($("list"), data, selected, choose);
  form.show(data, selected);
  $("hint").hidden = !current();
  handles.show(current(), chosen());
}

function choose(index) {
  selected = index;
  line.select(index);
  player.show(current().apex);
  redraw();
}

const chosen = () => (selected === null ? null : data.numbers[selected]);

/* New events from the server; what is chosen when they come stays chosen, unless another one is named. */
function take(told, number = chosen()) {
  Object.assign(data, told);
  for (const event of data.events) if (!data.classes.includes(event.label)) data.classes.push(event.label);
  const index = data.numbers.indexOf(number);
  if (index >= 0) selected = index;
  else if (selected !== null) selected = data.events.length ? Math.min(selected, data.events.length - 1) : null;
  const frame = player.number;
  line.update(data, selected);
  if (index < 0) line.select(selected); // another one, perhaps far away
  line.seek(player.times[frame] || 0);
  redraw();
}

function named() {
  if (coder()) return true;
  fault(new Error("Who judges? Write your name or initials into the field Coder, above."));
  $("coder").focus();
  return false;
}

/* One after the other, so that no answer overtakes a later one. */
let queue = Promise.resolve();
function send(work) {
  const turn = queue.then(async () => {
    try { await work(); } catch (error) { fault(error); if (data) redraw(); }
  });
  queue = turn;
  return turn;
}

function judge(body, done) {
  if (!current()) { say("choose an event first"); return undefined; }
  if (!named()) { redraw(); return undefined; }
  const [id, number] = [data.id, chosen()];
  return send(async () => {
    const told = await api.judge(id, number, { coder: coder(), ...body });
    if (data?.id !== id) return;
    take(told);
    say(done);
  });
}

/* The other two moments give way, so that they still rise. */
function moved(name, frame) {
  const old = current(), last = player.times.length - 1;
  const at = Math.min(Math.max(0, Math.round(frame) || 0), last);
  const body = { onset: old.onset, apex: old.apex, offset: old.offset };
  if (name === "onset") Object.assign(body, { onset: at, apex: Math.max(at, old.apex), offset: Math.max(at, old.offset) });
  if (name === "apex") Object.assign(body, { onset: Math.min(at, old.onset), apex: at, offset: Math.max(at, old.offset) });
  if (name === "offset") Object.assign(body, { onset: Math.min(at, old.onset), apex: Math.min(at, old.apex), offset: at });
  judge(body, `${name} at frame ${at}`);
}

function add() {
  if (!named()) return;
  const onset = player.number;
  const offset = Math.max(player.at(player.times[onset] + 0.2), onset);
  const before = new Set(data.numbers), id = data.id;
  const face = current()?.face ?? data.faces[0]?.face ?? 1;
  send(async () => {
    const told = await api.add(id, { coder: coder(), face, onset, apex: Math.round((onset + offset) / 2), offset });
    if (data?.id !== id) return;
    take(told, told.numbers.find((number) => !before.has(number)));
    say("added; drag its onset, apex and offset to their places");
  });
}

function undo() {
  const { id } = data;
  send(async () => {
    const told = await api.undo(id);
    if (data?.id !== id) return;
    take(told);
    say("undone");
  });
}

function go(by) {
  if (!data.events.length) return;
  const from = selected === null ? (by > 0 ? -1 : data.events.length) : selected;
  choose(Math.min(Math.max(0, from + by), data.events.length - 1));
}

function replay() {
  if (!current()) return;
  const event = current();
  if (Number($("speed").value) === 1) { $("speed").value = "0.25"; player.speed = 0.25; }
  player.play(player.at(Math.max(0, event.start - 0.25)), Math.min(player.at(event.end + 0.25), player.times.length - 1));
}

/* Everything a key or a button can do; `by` is how far. */
function act(name, ...values) {
  if (name === "help") return $("help").showModal();
  if (!data) return undefined;
  const event = current();
  return {
    play: () => player.toggle(),
    back: () => player.step(-(values[0] || 1)),
    forward: () => player.step(values[0] || 1),
    next: () => go(1),
    previous: () => go(-1),
    replay,
    confirm: () => judge({ verdict: "confirm" }, "confirmed"),
    reject: () => judge({ verdict: "reject" }, "rejected"),
    onset: () => event && moved("onset", player.number),
    apex: () => event && moved("apex", player.number),
    offset: () => event && moved("offset", player.number),
    move: () => moved(...values),
    go: () => player.show(event[values[0]]),
    say: () => judge(values[0], "saved"),
    label: () => $("label")?.focus(),
    note: () => $("note")?.focus(),
    add,
    undo,
  }[name]?.();
}

function start() {
  $("coder").value = sessionStorage.getItem("coder") || "";
  $("coder").addEventListener("input", () => {
    sessionStorage.setItem("coder", coder());
    if (data) for (const kind of ["csv", "json", "eaf"]) $(kind).href = api.file(data.id, kind, coder());
  });
  $("speed").addEventListener("change", () => { player.speed = Number($("speed").value); });
  for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => act(button.dataset.act));
  $("stage").tabIndex = -1;
  $("stage").addEventListener("click", () => act("play"));
  $("delete").addEventListener("click", () => shelf.drop(data.id));
  $("compare").addEventListener("click", () => $("second").click());
  $("second").addEventListener("change", async () => {
    const [file] = $("second").files;
    $("second").value = "";
    if (!file) return;
    try {
      $("agreement").replaceChildren(...agreement(await api.second(data.id, file), (event) => player.show(event.onset)));
      $("agreement").focus();
    } catch (error) {
      $("agreement").replaceChildren();
      fault(error);
    }
  });
  listen(act);
  shelf.look().then(() => {
    const id = location.hash.slice(1);
    if (shelf.known.some((one) => one.id === id && one.state === "done")) open(id);
  });
}

start();
