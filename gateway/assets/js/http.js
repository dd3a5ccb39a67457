// @ts-check
import { language, t, known } from "./messages.js";

/** An answer that is not the one hoped for: refused by the server, or no answer at all. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, code?: string, data?: any, wait?: number | null }} [facts]
   */
  constructor(message, facts = {}) {
    super(message);
    /** 0 when the server was not reached. */
    this.status = facts.status ?? 0;
    this.code = facts.code ?? "";
    this.data = facts.data ?? null;
    /** Seconds to wait, where the server said so. */
    this.wait = facts.wait ?? null;
  }

  /** The server was not reached: the network, or the process, is away. */
  get unreached() {
    return this.status === 0;
  }

  /** The runtime is loading, failed or stopped. */
  get runtimeAway() {
    return this.status === 503;
  }
}

/** Called when a request finds that the session is over. Set by account.js.
 * @type {{ expired: () => void }} */
export const session = { expired: () => {} };

/**
 * @typedef {object} Call
 * @property {Record<string, string | number>} [query]
 * @property {any} [body] sent as JSON, or as it is when it is a form
 * @property {AbortSignal} [signal]
 * @property {boolean} [open] a 401 here is an answer, not the end of the session
 * @property {Record<string, string>} [headers]
 */

/**
 * @param {string} method
 * @param {string} path
 * @param {Call} call
 */
async function reach(method, path, call) {
  const query = call.query ? `?${new URLSearchParams(Object.entries(call.query).map(([k, v]) => [k, String(v)]))}` : "";
  const form = call.body instanceof FormData;
  /** @type {Record<string, string>} */
  const headers = { "Accept-Language": language.value, ...call.headers };
  if (call.body !== undefined && !form) headers["Content-Type"] = "application/json";
  const body = call.body === undefined ? undefined : form ? call.body : JSON.stringify(call.body);
  let answer;
  try {
    answer = await fetch(path + query, { method, headers, body, signal: call.signal, cache: "no-store" });
  } catch (problem) {
    if (call.signal?.aborted) throw problem;
    throw new Refusal(t("error.unreached"));
  }
  if (!answer.ok) throw await refused(answer, call);
  return answer;
}

/** @param {Response} answer @param {Call} call */
async function refused(answer, call) {
  if (answer.status === 401 && !call.open) session.expired();
  const body = await answer.json().catch(() => null);
  const wait = Number(answer.headers.get("Retry-After"));
  return fromEnvelope(body, answer.status, Number.isFinite(wait) && wait > 0 ? wait : null);
}

/** @param {any} body @param {number} status @param {number | null} wait */
function fromEnvelope(body, status, wait) {
  const code = typeof body?.code === "string" ? body.code : "";
  const own = `error.${code}`;
  const text = known(own) ? t(own) : body?.message || t("error.status", { status });
  return new Refusal(text, { status, code, data: body?.data, wait });
}

/**
 * Calls a row and yields its `data`.
 * @param {string} method
 * @param {string} path
 * @param {Call} [call]
 * @returns {Promise<any>}
 */
export async function request(method, path, call = {}) {
  const answer = await reach(method, path, call);
  const body = await answer.json().catch(() => null);
  // The reference's rows answer 200 with an error inside.
  if (body?.status === "error") throw fromEnvelope(body, answer.status, null);
  return body && "data" in body ? body.data : body;
}

/** @param {string} path @param {Record<string, string | number>} [query] @returns {Promise<any>} */
export const read = (path, query) => request("GET", path, { query });

/** @param {string} path @param {any} [body] @returns {Promise<any>} */
export const post = (path, body = {}) => request("POST", path, { body });

/** @typedef {{ event: string, id: string | null, data: string }} StreamEvent */

/**
 * Opens an event stream and yields its events until the server ends it. `fetch`, not `EventSource`:
 * it can post, and it tells a refusal from a broken line.
 * @param {string} method
 * @param {string} path
 * @param {Call & { alive?: (answer: Response) => void, heard?: () => void }} [call] `alive` is
 *   told when the stream has begun, `heard` whenever anything arrives
 * @returns {AsyncGenerator<StreamEvent>}
 */
export async function* stream(method, path, call = {}) {
  const headers = { Accept: "text/event-stream", ...call.headers };
  const answer = await reach(method, path, { ...call, headers });
  if (!answer.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    const body = await answer.json().catch(() => null);
    throw fromEnvelope(body, answer.status, null);
  }
  call.alive?.(answer);
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((problem) => {
        if (call.signal?.aborted) throw problem;
        throw new Refusal(t("error.unreached"));
      });
      if (done) return;
      call.heard?.();
      const blocks = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} block @returns {StreamEvent | null} */
function parse(block) {
  const event = { event: "message", id: /** @type {string | null} */ (null), data: "" };
  /** @type {string[]} */
  const lines = [];
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (name === "data") lines.push(value);
    else if (name === "event") event.event = value;
    else if (name === "id") event.id = value;
  }
  if (lines.length === 0 && event.event === "message") return null;
  event.data = lines.join("\n");
  return event;
}

/** JSON that may be broken. @param {string} text @returns {any} */
export function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
