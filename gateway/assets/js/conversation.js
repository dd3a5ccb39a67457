// @ts-check
import { instant } from "./messages.js";
import { cell } from "./store.js";

/**
 * @typedef {{ kind: "text", text: string } | { kind: "media", type: string, source: string, name: string }
 *   | { kind: "tool", id: string, name: string, input: string, result: string | null }} Part
 * @typedef {"sending" | "sent" | "waiting" | "streaming" | "done" | "stopped" | "cut" | "failed"} Status
 * @typedef {object} Entry
 * @property {string} key stable for as long as the page lives
 * @property {"user" | "bot"} role
 * @property {Part[]} parts
 * @property {string} reasoning
 * @property {string} message the id under which it is sent; the server answers an id only once
 * @property {Status} status
 * @property {string} error
 * @property {Date | null} time
 * @property {number} version grows with each change, so that drawing can be skipped
 * @typedef {{ id: string, name: string, url: string, uploading: boolean, error: string, attachment: string }} Upload
 */

let keys = 0;

/** @param {Partial<Entry> & { role: "user" | "bot" }} facts @returns {Entry} */
export function entry(facts) {
  keys += 1;
  return { key: `entry-${keys}`, parts: [], reasoning: "", message: "", status: "done", error: "", time: null, version: 0, ...facts };
}

/** Typed text survives a reload of the page, but not the browser's session. */
const drafts = {
  key: (/** @type {string} */ id) => `firstlight.draft.${id}`,
  /** @param {string} id */
  read(id) {
    try {
      return sessionStorage.getItem(drafts.key(id)) ?? "";
    } catch {
      return "";
    }
  },
  /** @param {string} id @param {string} text */
  write(id, text) {
    try {
      if (text) sessionStorage.setItem(drafts.key(id), text);
      else sessionStorage.removeItem(drafts.key(id));
    } catch {
      // Then it does not survive.
    }
  },
};

/** Drafts belong to the account that typed them. */
export function forgetDrafts() {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(drafts.key(""))) sessionStorage.removeItem(key);
  }
}

/** One chat session as the page knows it. It lives on while another one is looked at. */
export class Conversation {
  /** @param {string} id empty until the first message is sent */
  constructor(id) {
    this.id = id;
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {"blank" | "loading" | "loaded" | "failed"} */
    this.phase = id ? "blank" : "loaded";
    this.error = "";
    /** What was typed and not sent yet. */
    this.draft = drafts.read(id);
    /** @type {Upload[]} */
    this.uploads = [];
    /** The running answer, if there is one. @type {{ id: string, entry: Entry, stopping: boolean, ended: boolean, line: AbortController } | null} */
    this.run = null;
    /** Grows with each change. */
    this.changes = cell(0);
  }

  /** @param {string} text */
  type(text) {
    this.draft = text;
    drafts.write(this.id, text);
    this.touch();
  }

  /** @param {Entry} [changed] */
  touch(changed) {
    if (changed) changed.version += 1;
    this.changes.set(this.changes.value + 1);
  }
}

/** @param {string} id */
export const attachmentAddress = (id) => `/api/chat/get_attachment?attachment_id=${encodeURIComponent(id)}`;

/** @param {string} name */
export const fileAddress = (name) => `/api/chat/get_file?filename=${encodeURIComponent(name)}`;

/**
 * A stored history record as an entry.
 * @param {any} record
 * @returns {Entry}
 */
export function fromRecord(record) {
  const content = record.content ?? {};
  const role = content.type === "user" ? "user" : "bot";
  const made = entry({ role, time: instant(record.created_at), status: role === "user" ? "sent" : "done" });
  absorb(made, content);
  return made;
}

/**
 * Fills an entry with stored content: a history row's, or a run's snapshot.
 * @param {Entry} into
 * @param {any} content
 */
export function absorb(into, content) {
  const plain = typeof content === "string" ? content : (content?.text ?? content?.message);
  const parts = typeof plain === "string" ? [{ type: "plain", text: plain }] : plain;
  into.parts = [];
  into.reasoning = "";
  for (const part of Array.isArray(parts) ? parts : []) addStored(into, part);
  // A row says its reasoning as a part as well as in a member of its own.
  if (typeof content?.reasoning === "string") into.reasoning = content.reasoning;
  const status = content?.status ?? (content?.cut ? "cut" : "");
  if (status === "cut" || status === "interrupted") into.status = "cut";
  else if (status === "stopped") into.status = "stopped";
  else if (status === "failed" || status === "error") {
    into.status = "failed";
    into.error = content.error?.message ?? content.error ?? "";
  }
}

/** @param {Entry} into @param {any} part */
function addStored(into, part) {
  if (part.type === "plain") addText(into, part.text ?? "");
  else if (part.type === "think") into.reasoning += part.think ?? "";
  else if (part.type === "tool_call") {
    for (const call of part.tool_calls ?? []) into.parts.push(tool(call));
  } else if (["image", "record", "video", "file"].includes(part.type)) {
    const source = part.attachment_id ? attachmentAddress(part.attachment_id) : fileAddress(part.filename ?? "");
    into.parts.push({ kind: "media", type: part.type, source, name: part.filename ?? part.type });
  }
}

/** @param {any} call @returns {Part} */
function tool(call) {
  const input = typeof call.args === "string" ? call.args : JSON.stringify(call.args ?? {});
  const result = call.result === undefined || call.result === null ? null : String(call.result);
  return { kind: "tool", id: String(call.id ?? ""), name: String(call.name ?? ""), input, result };
}

/** @param {Entry} into @param {string} text */
export function addText(into, text) {
  const last = into.parts.at(-1);
  if (last?.kind === "text") last.text += text;
  else if (text) into.parts.push({ kind: "text", text });
}

/** @param {Entry} of */
export function textOf(of) {
  return of.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
}

/**
 * Applies one event of the stream to the answer it belongs to.
 * @param {Entry} answer
 * @param {any} event
 */
export function applyToAnswer(answer, event) {
  switch (event.type) {
    case "run_snapshot":
      absorb(answer, event.data?.content ?? {});
      if (answer.parts.length > 0 || answer.reasoning) answer.status = "streaming";
      return;
    case "run_started":
      // An attempt that was interrupted is said anew.
      answer.parts = [];
      answer.reasoning = "";
      return;
    case "plain":
      return plain(answer, event);
    case "complete":
      // The closing text repeats the stream; it is only needed where the stream carried nothing.
      if (event.data && !textOf(answer)) addText(answer, event.data);
      if (event.reasoning && !answer.reasoning) answer.reasoning = event.reasoning;
      return;
    case "image":
    case "record":
    case "file":
    case "video": {
      const [stored = "", shown] = String(event.data ?? "").replace(/^\[[A-Z]+\]/, "").split("|");
      answer.parts.push({ kind: "media", type: event.type, source: fileAddress(stored), name: shown ?? stored });
      return;
    }
    case "message_saved":
      answer.time = instant(event.data?.created_at) ?? answer.time;
      return;
    case "error":
      answer.status = "failed";
      answer.error = typeof event.data === "string" ? event.data : (event.data?.message ?? event.message ?? "");
      return;
    default:
  }
}

/** @param {Entry} answer @param {any} event */
function plain(answer, event) {
  if (answer.status === "waiting") answer.status = "streaming";
  const data = event.data ?? "";
  if (event.chain_type === "reasoning") answer.reasoning += data;
  else if (event.chain_type === "tool_call" || event.chain_type === "tool_call_result") toolEvent(answer, data);
  else if (!event.chain_type) addText(answer, data);
}

/** @param {Entry} answer @param {any} data */
function toolEvent(answer, data) {
  let call;
  try {
    call = typeof data === "string" ? JSON.parse(data) : data;
  } catch {
    return;
  }
  const begun = answer.parts.find((part) => part.kind === "tool" && part.id === String(call.id));
  if (begun?.kind === "tool") begun.result = String(call.result ?? "");
  else answer.parts.push(tool(call));
}
