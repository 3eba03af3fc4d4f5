/* The page: opens a recording and connects the player, the timeline, the form of an event and the list of recordings. */

import { showAgreement } from "./agreement.js";
import * as api from "./api.js";
import { $, counted, formatTime, make, notify, showError } from "./dom.js";
import { EventForm, showEventList } from "./event_form.js";
import { ExcludedTime } from "./excluded.js";
import { APEX_SPACE, Handles } from "./handles.js";
import { listen } from "./keys.js";
import { showCandidates, showPeople } from "./people.js";
import { Player } from "./player.js";
import { RecordingList } from "./recordings.js";

const NEW_EVENT_SECONDS = 0.2;
const REPLAY_MARGIN_SECONDS = 0.25; // before and after the event

let data = null, selected = null, timeline = null; // the open recording, index of the selected event, its timeline

const player = new Player($("video"), $("canvas"), {
  onFrame(number, seconds) {
    $("position").textContent = `${formatTime(seconds)} · frame ${number}`;
    if (timeline) timeline.seek(seconds);
  },
  onPlaying(playing) {
    $("play").classList.toggle("playing", playing);
    $("play").setAttribute("aria-label", playing ? "pause" : "play");
    $("position").setAttribute("aria-live", playing ? "off" : "polite");
  },
  onFallback: () => { $("playback-note").textContent = "This browser cannot play the file. It is shown frame by frame."; },
  onError: showError,
});
const form = new EventForm($("event"), act);
const handles = new Handles(player, {
  onPreview: (times) => timeline.preview(selected, times),
  onMove: (name, frames) => editSelected(frames, `${name} at frame ${frames[name]}`),
});
const excluded = new ExcludedTime({
  now: () => player.times[player.number],
  onChange: (ranges) => change((id) => api.setExcluded(id, ranges), "excluded time saved"),
});
const recordings = new RecordingList({ onOpen: open, onClosed: close });

const selectedEvent = () => (selected === null ? null : data.events[selected]);
const selectedNumber = () => (selected === null ? null : data.numbers[selected]);
const coder = () => $("coder").value.trim();

async function open(id) {
  try {
    const [recording, times] = await Promise.all([api.getRecording(id), api.getTimes(id)]);
    close();
    data = recording;
    recordings.openId = id;
    location.hash = id;
    document.querySelector(".layout").classList.add("open");
    $("welcome").hidden = true;
    $("workspace").hidden = false;
    showFacts();
    showLinks();
    timeline = globalThis.microexprTimeline($("timeline"), data, {
      onSelect: select,
      onSeek: (seconds) => player.show(player.nearestFrame(seconds)),
      onLayout: (layout) => handles.setLayout(layout),
      spaceAboveCurves: APEX_SPACE,
    });
    $("stage").style.aspectRatio = `${data.recording.width} / ${data.recording.height}`;
    player.load(id, times, data.playable);
    if (data.events.length) select(0);
    else redraw();
    recordings.draw();
  } catch (error) {
    showError(error);
  }
}

function showFacts() {
  const { name, seconds, frames, fps, width, height } = data.recording;
  $("name").textContent = name;
  document.title = `${name} – microexpr`;
  $("facts").textContent = [
    `${seconds.toFixed(1)} s`, counted(frames, "frame"), fps ? `${Number(fps.toPrecision(4))} frames/s` : "",
    `${width} × ${height}`, data.faces.length ? counted(data.faces.length, "face") : "no face",
  ].filter(Boolean).join(" · ");
  $("warnings").replaceChildren(...data.warnings.map((text) => make("p", {}, text)));
  $("warnings").hidden = !data.warnings.length;
  $("detection-limit").replaceChildren(...data.detection_limit.map((text) => make("p", {}, text)));
  $("detection-limit").hidden = !data.detection_limit.length;
  const preview = data.has_preview ? " During playback you see a copy that browsers can play." : "";
  $("playback-note").textContent = data.playable
    ? `While paused, you see the exact frame, decoded by the server.${preview}`
    : "Browsers cannot play this video. It is shown frame by frame.";
}

function showLinks() {
  $("exports").replaceChildren(...data.formats.map(({ name, title }) =>
    make("a", { className: "button", id: `export-${name}`, href: api.exportUrl(data.id, name, coder()), download: "" }, title)));
  $("second-file").accept = [...new Set(data.formats.filter(({ readable }) => readable).map(({ suffix }) => suffix))].join(",");
  $("frames").href = api.framesUrl(data.id);
  $("frames").hidden = !data.has_frames;
  $("report").href = api.reportUrl(data.id);
  $("report").hidden = !data.has_report;
}

function close() {
  handles.show(null, null);
  if (timeline) timeline.destroy();
  player.clear();
  document.querySelector(".layout").classList.remove("open");
  data = timeline = selected = recordings.openId = null;
  $("workspace").hidden = true;
  $("welcome").hidden = false;
  $("agreement").replaceChildren();
  document.title = "microexpr";
  history.replaceState(null, "", location.pathname);
}

function redraw() {
  showEventList($("list"), data, selected, select);
  form.show(data, selected);
  $("handles-hint").hidden = !selectedEvent();
  handles.show(selectedEvent(), selectedNumber());
  excluded.show(data.excluded);
  showPeople(data.people);
  showCandidates(data.candidates, { onSeek: ({ apex }) => player.show(apex), onAdd: addCandidate });
  $("round").hidden = !data.round_note;
  if ($("second-round")) $("second-round").hidden = data.round === 2;
  $("round-note").textContent = data.round_note;
}

function select(index) {
  selected = index;
  timeline.select(index);
  player.show(selectedEvent().apex);
  redraw();
}

/* Takes over the events that the server returned. The selection stays, unless the number of another event is given. */
function setEvents(answer, number = selectedNumber()) {
  Object.assign(data, answer);
  for (const event of data.events) if (!data.classes.includes(event.label)) data.classes.push(event.label);
  const index = data.numbers.indexOf(number);
  if (index >= 0) selected = index;
  else if (selected !== null) selected = data.events.length ? Math.min(selected, data.events.length - 1) : null;
  const frame = player.number;
  timeline.update(data, selected);
  if (index < 0) timeline.select(selected); // another event, which may not be visible
  timeline.seek(player.times[frame] || 0);
  redraw();
}

function hasCoder() {
  if (coder()) return true;
  showError(new Error("The coder is missing. Write your name or initials into the field Coder at the top."));
  $("coder").focus();
  return false;
}

/* Changes are sent one after the other, so that no answer overtakes a later one. */
let queue = Promise.resolve();
function enqueue(work) {
  queue = queue.then(async () => {
    try { await work(); } catch (error) { showError(error); if (data) redraw(); }
  });
  return queue;
}

/* Sends a change, makes its answer the current events, and shows a message. */
function change(send, message, newNumber = () => undefined) {
  const { id } = data;
  return enqueue(async () => {
    const answer = await send(id);
    if (data?.id !== id) return; // another recording was opened meanwhile
    setEvents(answer, newNumber(answer));
    notify(message);
  });
}

function editSelected(edit, message) {
  if (!selectedEvent()) { notify("select an event first"); return undefined; }
  if (!hasCoder()) { redraw(); return undefined; }
  const number = selectedNumber();
  return change((id) => api.editEvent(id, number, { coder: coder(), ...edit }), message);
}

/* Moves onset, apex or offset; the other two are pushed along so that they stay in order. */
function moveTo(name, value) {
  const event = selectedEvent(), last = player.times.length - 1;
  const frame = Math.min(Math.max(0, Math.round(value) || 0), last);
  const edit = { onset: event.onset, apex: event.apex, offset: event.offset };
  if (name === "onset") Object.assign(edit, { onset: frame, apex: Math.max(frame, event.apex), offset: Math.max(frame, event.offset) });
  if (name === "apex") Object.assign(edit, { onset: Math.min(frame, event.onset), apex: frame, offset: Math.max(frame, event.offset) });
  if (name === "offset") Object.assign(edit, { onset: Math.min(frame, event.onset), apex: Math.min(frame, event.apex), offset: frame });
  editSelected(edit, `${name} at frame ${frame}`);
}

function add() {
  if (!hasCoder()) return;
  const onset = player.number;
  const last = player.times.length - 1; // the server refuses an event that begins there, and says why
  const offset = Math.min(Math.max(player.frameAt(player.times[onset] + NEW_EVENT_SECONDS), onset + 1), last);
  const face = selectedEvent()?.face ?? data.faces[0]?.face ?? 1;
  sendEvent({ face, onset, apex: Math.round((onset + offset) / 2), offset }, "added; drag the handles to its onset, apex and offset");
}

function addCandidate({ face, onset, apex, offset }) {
  if (hasCoder()) sendEvent({ face, onset, apex, offset }, "added");
}

/* Adds an event with these fields and selects it. */
function sendEvent(fields, message) {
  const before = new Set(data.numbers);
  const newNumber = ({ numbers }) => numbers.find((number) => !before.has(number));
  change((id) => api.addEvent(id, { coder: coder(), ...fields }), message, newNumber);
}

function selectNeighbor(step) {
  if (!data.events.length) return;
  const start = selected === null ? (step > 0 ? -1 : data.events.length) : selected;
  select(Math.min(Math.max(0, start + step), data.events.length - 1));
}

function replay() {
  const event = selectedEvent();
  if (!event) return;
  if (Number($("speed").value) === 1) { $("speed").value = "0.25"; player.speed = 0.25; }
  const first = player.frameAt(Math.max(0, event.start - REPLAY_MARGIN_SECONDS));
  player.play(first, player.frameAt(event.end + REPLAY_MARGIN_SECONDS));
}

/* Everything that a key or a button can do. */
const ACTIONS = {
  play: () => player.toggle(),
  back: (frames = 1) => player.step(-frames),
  forward: (frames = 1) => player.step(frames),
  next: () => selectNeighbor(1),
  previous: () => selectNeighbor(-1),
  replay,
  confirm: () => editSelected({ verdict: "confirm" }, "confirmed"),
  reject: () => editSelected({ verdict: "reject" }, "rejected"),
  onset: () => selectedEvent() && moveTo("onset", player.number),
  apex: () => selectedEvent() && moveTo("apex", player.number),
  offset: () => selectedEvent() && moveTo("offset", player.number),
  move: moveTo,
  go: (name) => player.show(selectedEvent()[name]),
  edit: (values) => editSelected(values, "saved"),
  label: () => $("label")?.focus(),
  note: () => $("note")?.focus(),
  units: () => form.showUnits(),
  add,
  undo: () => change((id) => api.undo(id), "undone"),
};

function act(action, ...values) {
  if (action === "help") $("help").showModal();
  else if (data) ACTIONS[action](...values);
}

async function compareWithFile() {
  const [file] = $("second-file").files;
  $("second-file").value = "";
  if (!file) return;
  try {
    showAgreement(await api.getAgreement(data.id, file), {
      onSeek: (event) => player.show(event.onset),
      onSecondRound: () => change((id) => api.beginSecondRound(id, file), "second round: judge each event again"),
    });
    $("agreement").focus();
  } catch (error) {
    $("agreement").replaceChildren();
    showError(error);
  }
}

async function start() {
  $("coder").value = sessionStorage.getItem("coder") || "";
  $("coder").addEventListener("input", () => {
    sessionStorage.setItem("coder", coder());
    if (data) showLinks();
  });
  $("speed").addEventListener("change", () => { player.speed = Number($("speed").value); });
  for (const button of document.querySelectorAll("[data-action]")) button.addEventListener("click", () => act(button.dataset.action));
  $("stage").tabIndex = -1;
  $("stage").addEventListener("click", () => act("play"));
  $("delete").addEventListener("click", () => recordings.remove(data.id));
  $("compare").addEventListener("click", () => $("second-file").click());
  $("second-file").addEventListener("change", compareWithFile);
  $("end-round").addEventListener("click", () => change((id) => api.endSecondRound(id), "all events are shown again"));
  listen(act);
  await recordings.refresh();
  const linked = location.hash.slice(1);
  if (recordings.recordings.some(({ id, state }) => id === linked && state === "done")) open(linked);
}

start();
