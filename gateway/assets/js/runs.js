// @ts-check
import { begin, nameAfter, readHistory } from "./chats.js";
import { applyToAnswer, attachmentAddress, entry, textOf } from "./conversation.js";
import { json, post, Refusal, stream } from "./http.js";
import { until } from "./live.js";
import { t } from "./messages.js";
import { backoff, pause, uuid } from "./store.js";

/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./conversation.js").Entry} Entry */
/** @typedef {NonNullable<Conversation["run"]>} Run */

/** How often a broken line to a running answer is tried again before the history is asked. */
const ATTEMPTS = 6;

/**
 * Sends what the composer holds and follows the answer.
 * @param {Conversation} to
 * @param {string} provider chosen by hand, or empty
 */
export function send(to, provider) {
  const said = entry({ role: "user", status: "sending", time: new Date(), message: uuid() });
  const text = to.draft.trim();
  const uploads = to.uploads.filter((one) => one.attachment);
  for (const one of uploads) {
    said.parts.push({ kind: "media", type: "image", source: attachmentAddress(one.attachment), name: one.name });
  }
  if (text) said.parts.push({ kind: "text", text });
  to.uploads = [];
  to.type("");
  return deliver(to, said, provider);
}

/** Sends a message, for the first time or again. @param {Conversation} to @param {Entry} said @param {string} provider */
async function deliver(to, said, provider) {
  said.status = "sending";
  said.error = "";
  if (!to.entries.includes(said)) to.entries.push(said);
  const answer = entry({ role: "bot", status: "waiting" });
  to.entries.push(answer);
  const run = start(to, answer);
  run.id = said.message;
  to.touch(said);
  for (let attempt = 0; !run.line.signal.aborted; attempt += 1) {
    try {
      if (!to.id) await begin(to);
      nameAfter(to, textOf(said));
      return await follow(to, run, stream("POST", "/api/chat/send", { body: bodyOf(to, said, provider), signal: run.line.signal }), said);
    } catch (problem) {
      if (said.status !== "sending" || run.ended) return lost(to, run, problem);
      const { unreached, runtimeAway } = /** @type {Refusal} */ (problem);
      // Under the same id it is answered once at most, so it may be sent until it arrives.
      if (!(problem instanceof Refusal) || !(unreached || runtimeAway) || (unreached && attempt >= ATTEMPTS)) {
        return unsent(to, run, said, problem);
      }
      await pause(backoff(attempt), run.line.signal);
      if (runtimeAway) await until((mood) => mood === "ready", run.line.signal);
    }
  }
}

/** @param {Conversation} to @param {Entry} said @param {string} provider */
function bodyOf(to, said, provider) {
  const message = said.parts.map((part) =>
    part.kind === "media"
      ? { type: part.type, attachment_id: attachmentOf(part.source), filename: part.name }
      : { type: "plain", text: part.kind === "text" ? part.text : "" },
  );
  const body = { session_id: to.id, message_id: said.message, message, enable_streaming: true };
  return provider ? { ...body, selected_provider: provider } : body;
}

/** @param {string} source the address of an attachment */
const attachmentOf = (source) => new URLSearchParams(source.split("?")[1]).get("attachment_id");

/** @param {Conversation} of @param {Entry} answer @returns {Run} */
function start(of, answer) {
  of.run = { id: "", entry: answer, stopping: false, ended: false, line: new AbortController() };
  of.touch(answer);
  return of.run;
}

/**
 * Opens a session: its history, and the answer that is still running.
 * @param {Conversation} of
 */
export async function open(of) {
  if (of.run || of.phase === "loading") return;
  const running = await readHistory(of).catch(() => "");
  if (running && !of.run) await resume(of, running);
}

/** @param {Conversation} of @param {string} id */
async function resume(of, id) {
  // The running answer may already have a row of its own, which the snapshot then replaces.
  const answer = entry({ role: "bot", status: "waiting" });
  of.entries.push(answer);
  const run = start(of, answer);
  run.id = id;
  try {
    await follow(of, run, reopen(run), null);
  } catch (problem) {
    await lost(of, run, problem);
  }
}

/** @param {Run} run */
function reopen(run) {
  return stream("GET", `/api/v1/chat/runs/${encodeURIComponent(run.id)}/stream`, { signal: run.line.signal });
}

/**
 * @param {Conversation} of
 * @param {Run} run
 * @param {AsyncGenerator<import("./http.js").StreamEvent>} events
 * @param {Entry | null} said
 */
async function follow(of, run, events, said) {
  for await (const { event: name, data } of events) {
    if (name === "runtime_gone" || name === "shutdown") throw new Refusal(t("error.gone"), { code: name });
    const event = json(data);
    if (!event) continue;
    take(of, run, event, said);
    of.touch(run.entry);
    if (event.type === "end") return finish(of, run);
  }
  if (!run.ended) throw new Refusal(t("error.unreached"));
}

/** @param {Conversation} of @param {Run} run @param {any} event @param {Entry | null} said */
function take(of, run, event, said) {
  if (event.type === "run_started" || event.type === "run_snapshot") run.id = event.data?.run_id ?? run.id;
  if (event.type === "user_message_saved" && said) {
    said.status = "sent";
    of.touch(said);
  }
  if (event.code === "stream_lagged") throw new Refusal(t("error.unreached"));
  if (event.type === "error") run.ended = true;
  applyToAnswer(run.entry, event);
}

/** @param {Conversation} of @param {Run} run */
function finish(of, run) {
  run.ended = true;
  run.line.abort();
  if (of.run === run) of.run = null;
  const { entry: answer } = run;
  if (answer.status !== "failed") answer.status = run.stopping ? "stopped" : "done";
  answer.time ??= new Date();
  of.touch(answer);
}

/**
 * The line to a running answer broke.
 * @param {Conversation} of
 * @param {Run} run
 * @param {any} problem
 */
async function lost(of, run, problem) {
  if (run.line.signal.aborted) return;
  if (run.ended) return finish(of, run);
  for (let attempt = 0; attempt < ATTEMPTS && problem instanceof Refusal && problem.unreached; attempt += 1) {
    await pause(backoff(attempt), run.line.signal);
    try {
      return await follow(of, run, reopen(run), null);
    } catch (again) {
      if (run.line.signal.aborted) return;
      if (run.ended) return finish(of, run);
      problem = again;
    }
  }
  await settle(of, run);
}

/** The message was refused: it stays, with what is wrong, and can be sent again.
 * @param {Conversation} of @param {Run} run @param {Entry} said @param {any} problem */
function unsent(of, run, said, problem) {
  of.entries = of.entries.filter((one) => one !== run.entry);
  said.status = "failed";
  said.error = problem.message;
  if (of.run === run) of.run = null;
  of.touch(said);
}

/** The history decides what became of an answer that can no longer be followed.
 * @param {Conversation} of @param {Run} run */
async function settle(of, run) {
  run.entry.status = "cut";
  of.touch(run.entry);
  for (let attempt = 0; !run.line.signal.aborted; attempt += 1) {
    await until((mood) => mood === "ready", run.line.signal);
    const running = await readHistory(of).catch(() => null);
    if (running === "") return ended(of, run);
    if (running) {
      run.id = running;
      run.entry.status = "waiting";
      of.entries.push(run.entry);
      of.touch(run.entry);
      try {
        return await follow(of, run, reopen(run), null);
      } catch {
        if (run.ended) return finish(of, run);
      }
    }
    await pause(backoff(attempt), run.line.signal);
  }
}

/** Where the server kept nothing of an answer, what was seen of it stays, marked as cut.
 * @param {Conversation} of @param {Run} run */
function ended(of, run) {
  if (of.run === run) of.run = null;
  if (of.entries.at(-1)?.role === "user" && run.entry.parts.length > 0) {
    run.entry.status = "cut";
    of.entries.push(run.entry);
  }
  of.touch(run.entry);
}

/** Sends a message again that did not arrive. @param {Conversation} of @param {Entry} said @param {string} provider */
export function sendAgain(of, said, provider) {
  return of.run ? undefined : deliver(of, said, provider);
}

/** Asks for another answer to the last message. @param {Conversation} of @param {string} provider */
export function askAgain(of, provider) {
  const said = of.entries.findLast((one) => one.role === "user");
  if (!said || of.run) return;
  const again = entry({ role: "user", parts: said.parts, time: new Date(), message: uuid() });
  return deliver(of, again, provider);
}

/** Asks the running answer to stop. @param {Conversation} of */
export async function stop(of) {
  const { run } = of;
  if (!run || run.stopping) return;
  run.stopping = true;
  of.touch(run.entry);
  try {
    await post("/api/chat/stop", { session_id: of.id });
  } catch (problem) {
    run.stopping = false;
    run.entry.error = /** @type {Error} */ (problem).message;
    of.touch(run.entry);
    return;
  }
  // The stream ends by itself; a server that forgets to say so must not leave a running answer here.
  await pause(5000, run.line.signal);
  if (!run.ended && of.run === run) finish(of, run);
}

