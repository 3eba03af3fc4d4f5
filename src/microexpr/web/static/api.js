/* What the server is asked. Every change carries a header that no other page can send. */

const OWN = { "X-Microexpr": "1" };

export class Fault extends Error {}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { ...OWN, ...options.headers } });
  } catch {
    throw new Fault("The server does not answer. Was it ended? Start `microexpr serve` again.");
  }
  if (answer.ok) return answer;
  let line = `The server refused (${answer.status}).`;
  try {
    line = (await answer.json()).fault || line;
  } catch { /* not one of ours */ }
  throw new Fault(line);
}

const json = async (path, options) => (await ask(path, options)).json();
const send = (method, path, body) =>
  json(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
const at = (id, rest = "") => `/api/recordings/${id}${rest}`;

export const state = () => json("/api/state");
export const recording = (id) => json(at(id));
export const remove = (id) => json(at(id), { method: "DELETE" });
export const add = (id, body) => send("POST", at(id, "/events"), body);
export const judge = (id, number, body) => send("PATCH", at(id, `/events/${number}`), body);
export const undo = (id) => send("POST", at(id, "/undo"), {});
export const second = (id, file) =>
  json(at(id, `/second?name=${encodeURIComponent(file.name)}`), { method: "POST", body: file });
export const times = async (id) => new Float64Array(await (await ask(at(id, "/times"))).arrayBuffer());
export const frame = async (id, number) => (await ask(at(id, `/frames/${number}.jpg`))).blob();
export const video = (id) => at(id, "/video");
export const report = (id) => at(id, "/report");
export const file = (id, kind, coder) => at(id, `/export/${kind}?coder=${encodeURIComponent(coder)}`);

/* Sends a file; told(share) while it goes. */
export function upload(file, told) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/recordings?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-Microexpr", "1");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.addEventListener("progress", (now) => told(now.total ? now.loaded / now.total : 0));
    request.addEventListener("load", () => {
      if (request.status === 201) done(request.response);
      else fail(new Fault(request.response?.fault || `The server refused (${request.status}).`));
    });
    request.addEventListener("error", () => fail(new Fault(`“${file.name}” did not get through; is the server running?`)));
    request.send(file);
  });
}
