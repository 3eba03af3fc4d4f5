/* Requests to the server. Every change carries a header that a page of another site cannot send. */

const HEADERS = { "X-Microexpr": "1" };

export class ApiError extends Error {}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...HEADERS, ...options.headers } });
  } catch {
    throw new ApiError("The server does not answer. If it was ended, start `microexpr serve` again.");
  }
  if (response.ok) return response;
  let message = `The server refused the request (status ${response.status}).`;
  try {
    message = (await response.json()).error || message;
  } catch { /* the response is not JSON of this server */ }
  throw new ApiError(message);
}

const requestJson = async (path, options) => (await request(path, options)).json();
const sendJson = (method, path, body) =>
  requestJson(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
const recordingPath = (id, rest = "") => `/api/recordings/${id}${rest}`;

export const getState = () => requestJson("/api/state");
export const getRecording = (id) => requestJson(recordingPath(id));
export const removeRecording = (id) => requestJson(recordingPath(id), { method: "DELETE" });
export const addEvent = (id, edit) => sendJson("POST", recordingPath(id, "/events"), edit);
export const editEvent = (id, number, edit) => sendJson("PATCH", recordingPath(id, `/events/${number}`), edit);
export const undo = (id) => sendJson("POST", recordingPath(id, "/undo"), {});
export const getAgreement = (id, file) =>
  requestJson(recordingPath(id, `/agreement?name=${encodeURIComponent(file.name)}`), { method: "POST", body: file });
export const setExcluded = (id, ranges) => sendJson("PUT", recordingPath(id, "/excluded"), ranges);
export const beginSecondRound = (id, file) =>
  requestJson(recordingPath(id, `/second-round?name=${encodeURIComponent(file.name)}`), { method: "POST", body: file });
export const endSecondRound = (id) => requestJson(recordingPath(id, "/second-round"), { method: "DELETE" });
export const getTimes = async (id) => new Float64Array(await (await request(recordingPath(id, "/times"))).arrayBuffer());
export const getFrame = async (id, number) => (await request(recordingPath(id, `/frames/${number}.jpg`))).blob();
export const getMap = async (id, number) => (await request(recordingPath(id, `/events/${number}/map`))).text();
export const videoUrl = (id) => recordingPath(id, "/video");
export const reportUrl = (id) => recordingPath(id, "/report");
export const framesUrl = (id) => recordingPath(id, "/frames.csv");
export const exportUrl = (id, format, coder) => recordingPath(id, `/export/${format}?coder=${encodeURIComponent(coder)}`);

/* Uploads a file; onProgress(fraction) is called during the upload. */
export function upload(file, onProgress) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", `/api/recordings?name=${encodeURIComponent(file.name)}`);
    for (const [name, value] of Object.entries(HEADERS)) sending.setRequestHeader(name, value);
    sending.setRequestHeader("Content-Type", "application/octet-stream");
    sending.responseType = "json";
    sending.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    sending.addEventListener("load", () => {
      if (sending.status === 201) resolve(sending.response);
      else reject(new ApiError(sending.response?.error || `The server refused the upload (status ${sending.status}).`));
    });
    sending.addEventListener("error", () => reject(new ApiError(`“${file.name}” could not be uploaded. Is the server running?`)));
    sending.send(file);
  });
}
