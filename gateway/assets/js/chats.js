// @ts-check
import { Conversation, forgetDrafts, fromRecord } from "./conversation.js";
import { read, post } from "./http.js";
import { t } from "./messages.js";
import { cell } from "./store.js";

/** @typedef {{ id: string, name: string, updated: string }} Listed */

/** The sessions of this account, newest first; `null` until they were read. */
export const listed = cell(/** @type {Listed[] | null} */ (null));

/** Why they could not be read. */
export const listError = cell("");

/** @type {Map<string, Conversation>} */
const held = new Map();

/** The conversation that has no session yet: its draft is kept while others are looked at. */
let unsent = new Conversation("");

export async function readList() {
  try {
    const answer = await read("/api/chat/sessions");
    const rows = Array.isArray(answer) ? answer : (answer?.sessions ?? []);
    listed.set(
      rows.map((/** @type {any} */ row) => ({
        id: row.session_id,
        name: row.display_name ?? "",
        updated: row.updated_at ?? row.created_at,
      })),
    );
    listError.set("");
  } catch (refusal) {
    complain(refusal);
  }
}

/** Shows what went wrong beside the list; that the session is over is said elsewhere.
 * @param {any} refusal */
export function complain(refusal) {
  if (refusal.status !== 401) listError.set(refusal.message);
}

/**
 * The conversation for a session, read when it is not held yet.
 * @param {string} id empty for a new one
 */
export function conversation(id) {
  if (!id) return unsent;
  let found = held.get(id);
  if (!found) {
    found = new Conversation(id);
    held.set(id, found);
  }
  return found;
}

/** Gives the new conversation its session. @param {Conversation} fresh */
export async function begin(fresh) {
  const { session_id: id } = await read("/api/chat/new_session");
  fresh.id = id;
  held.set(id, fresh);
  if (fresh === unsent) unsent = new Conversation("");
  listed.set([{ id, name: "", updated: new Date().toISOString() }, ...(listed.value ?? [])]);
  return id;
}

/**
 * Reads a conversation's history again.
 * @param {Conversation} of
 * @returns {Promise<string>} the id of a run that is still going on, if there is one
 */
export async function readHistory(of) {
  if (of.entries.length === 0) of.phase = "loading";
  of.touch();
  try {
    const answer = await read("/api/chat/get_session", { session_id: of.id });
    of.entries = (answer.history ?? []).map(fromRecord);
    of.phase = "loaded";
    of.error = "";
    const run = answer.active_runs?.[0];
    return typeof run === "string" ? run : (run?.run_id ?? "");
  } catch (refusal) {
    of.phase = of.entries.length > 0 ? "loaded" : "failed";
    of.error = /** @type {Error} */ (refusal).message;
    throw refusal;
  } finally {
    of.touch();
  }
}

/** @param {string} id @param {string} name */
export async function rename(id, name) {
  await post("/api/chat/update_session_display_name", { session_id: id, display_name: name });
  listError.set("");
  listed.set((listed.value ?? []).map((row) => (row.id === id ? { ...row, name } : row)));
}

/** @param {string} id */
export async function remove(id) {
  await read("/api/chat/delete_session", { session_id: id });
  held.get(id)?.run?.line.abort();
  held.delete(id);
  listed.set((listed.value ?? []).filter((row) => row.id !== id));
}

/** A session without a name is called after its first words. @param {Conversation} of @param {string} text */
export function nameAfter(of, text) {
  const row = listed.value?.find((one) => one.id === of.id);
  const name = text.replace(/\s+/g, " ").trim().slice(0, 48);
  if (row && !row.name && name) rename(of.id, name).catch(() => {});
}

/** @param {Listed} row */
export const titleOf = (row) => row.name || t("chat.untitled");

/** Everything of an account that has left. */
export function forgetChats() {
  for (const one of held.values()) one.run?.line.abort();
  held.clear();
  forgetDrafts();
  unsent = new Conversation("");
  listed.set(null);
}
