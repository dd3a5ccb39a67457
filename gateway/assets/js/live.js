// @ts-check
import { standing } from "./account.js";
import { json, stream } from "./http.js";
import { backoff, cell, pause } from "./store.js";

/**
 * @typedef {"pending" | "starting" | "ready" | "failed" | "stopped"} Phase
 * @typedef {{ name: string, state: Phase, started_at: string | number | null, duration_ms: number | null, error: string | null }} Item
 * @typedef {Item & { items: Item[] }} Part
 * @typedef {{ component: string, message: string, attempt: number | null, at: any, retry_at: any }} Failure
 * @typedef {object} Snapshot
 * @property {"created" | "core_ready" | "runtime_ready" | "runtime_failed"} state
 * @property {string} activity `idle`, `bootstrapping`, `stopping` or nothing
 * @property {number} generation
 * @property {number | null} attempt
 * @property {Failure | null} failure
 * @property {Part[]} components
 * @property {string[]} unclean what could be neither stopped nor aborted
 * @typedef {"starting" | "ready" | "failed" | "stopped" | "stopping" | "unknown"} Mood
 */

/** The last snapshot that arrived. @type {import("./store.js").Cell<Snapshot | null>} */
export const snapshot = cell(/** @type {Snapshot | null} */ (null));

/** Whether the line to the server stands; `null` before the first try has ended. */
export const online = cell(/** @type {boolean | null} */ (null));

/** What the snapshot means to a person. @type {import("./store.js").Cell<Mood>} */
export const mood = cell(/** @type {Mood} */ ("unknown"));

snapshot.watch((now) => mood.set(now ? moodOf(now) : "unknown"));

/** How far the server's clock is from ours, in milliseconds; small differences are latency. */
let skew = 0;

/** @param {Snapshot} now @returns {Mood} */
function moodOf(now) {
  if (now.state === "runtime_ready") return "ready";
  if (now.state === "runtime_failed") return "failed";
  if (now.activity === "bootstrapping") return "starting";
  if (now.activity === "stopping") return "stopping";
  return "stopped";
}

/**
 * Brings what arrives into one form, with everything optional filled in.
 * @param {any} raw
 * @returns {Snapshot | null}
 */
function normalise(raw) {
  if (!raw || typeof raw.state !== "string") return null;
  const item = (/** @type {any} */ one) => ({
    name: String(one.name),
    state: one.state ?? "pending",
    started_at: one.started_at ?? null,
    duration_ms: typeof one.duration_ms === "number" ? one.duration_ms : null,
    error: one.error ?? null,
  });
  const failure = raw.failure;
  return {
    state: raw.state,
    activity: typeof raw.activity === "string" ? raw.activity : (raw.activity?.kind ?? ""),
    generation: raw.generation ?? 0,
    attempt: raw.attempt ?? failure?.attempt ?? null,
    failure: !failure
      ? null
      : {
          component: failure.component ?? "",
          message: typeof failure === "string" ? failure : (failure.message ?? ""),
          attempt: failure.attempt ?? null,
          at: failure.at ?? null,
          retry_at: failure.retry_at ?? null,
        },
    components: (raw.components ?? []).map((/** @type {any} */ one) => ({
      ...item(one),
      items: (one.items ?? []).map(item),
    })),
    unclean: raw.unclean ?? [],
  };
}

/** Our clock at the time the server calls `now`. @param {Date} theirs */
export function ourTime(theirs) {
  return theirs.getTime() + (Math.abs(skew) > 2500 ? skew : 0);
}

/** Waits until the runtime is up, has failed or was stopped, whichever comes next.
 * @param {(mood: Mood) => boolean} wanted @param {AbortSignal} [signal] @returns {Promise<void>} */
export function until(wanted, signal) {
  return new Promise((resolve) => {
    const done = () => (stop?.(), resolve());
    /** @type {(() => void) | undefined} */
    let stop;
    let over = false;
    stop = mood.watch((now) => {
      if (over || !wanted(now)) return;
      over = true;
      queueMicrotask(done);
    });
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** @type {AbortController | null} */
let line = null;
/** Cuts a waiting pause short. @type {AbortController | null} */
let waiting = null;

/** Follows the runtime for as long as somebody is signed in. */
export function follow() {
  standing.watch((now) => {
    if (now === "in" && !line) {
      line = new AbortController();
      run(line.signal);
    } else if (now !== "in" && line) {
      line.abort();
      line = null;
      if (now === "out") snapshot.set(null);
    }
  });
  const hurry = () => waiting?.abort();
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => document.hidden || hurry());
}

/** Tries the line again now. */
export function reconnect() {
  waiting?.abort();
}

/** @param {AbortSignal} signal */
async function run(signal) {
  for (let failures = 0; !signal.aborted; ) {
    const got = await listen(signal).catch((problem) => (problem.status === 401 ? "over" : "broken"));
    if (signal.aborted || got === "over") return;
    failures = got === "ended" ? 0 : failures + 1;
    if (got === "broken") online.set(false);
    waiting = new AbortController();
    await pause(got === "ended" ? 300 : backoff(failures - 1), AbortSignal.any([signal, waiting.signal]));
  }
}

/** One connection, from its opening to its end. @param {AbortSignal} signal */
async function listen(signal) {
  const silence = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let watchdog;
  // A line that has gone dead without a word is found by the heartbeats it no longer carries.
  const heard = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => silence.abort(), 45_000);
  };
  const call = {
    signal: AbortSignal.any([signal, silence.signal]),
    heard,
    alive: (/** @type {Response} */ answer) => {
      const date = Date.parse(answer.headers.get("Date") ?? "");
      if (!Number.isNaN(date)) skew = Date.now() - date;
      online.set(true);
    },
  };
  try {
    for await (const event of stream("GET", "/api/runtime/events", call)) {
      if (event.event === "shutdown") return "broken";
      if (event.event === "runtime_gone") return "ended";
      const next = normalise(json(event.data));
      if (next) snapshot.set(next);
    }
    return "ended";
  } finally {
    clearTimeout(watchdog);
  }
}
