// @ts-check
import { post, read } from "./http.js";

/**
 * The configuration that a person may have to repair, entry by entry.
 * @typedef {"sources" | "providers" | "platforms" | "profile"} Kind
 * @typedef {{ id: string, value: any }} Entry
 * @typedef {{ name: string, value: any }} Template
 * @typedef {{ entries: Entry[], templates: Template[] }} Listing
 */

/** @type {Kind[]} */
export const KINDS = ["sources", "providers", "platforms", "profile"];

/** @param {any[] | undefined} rows @returns {Entry[]} */
const listed = (rows) => (rows ?? []).map((value) => ({ id: String(value?.id ?? "?"), value }));

/**
 * Templates are wherever the configuration's schema carries a `config_template`.
 * @param {any} schema
 * @returns {Template[]}
 */
function templates(schema) {
  if (!schema || typeof schema !== "object") return [];
  const own = schema.config_template;
  if (own && typeof own === "object") {
    return Object.entries(own).map(([name, value]) => ({ name, value }));
  }
  return Object.values(schema).flatMap(templates);
}

/**
 * @param {Kind} kind
 * @returns {Promise<Listing>}
 */
export async function readDocuments(kind) {
  if (kind === "platforms") {
    const { platforms } = await read("/api/config/platform/list");
    return { entries: listed(platforms), templates: [] };
  }
  if (kind === "profile") {
    const { info_list: profiles } = await read("/api/config/abconfs");
    const entries = await Promise.all(
      (profiles ?? []).map(async (/** @type {any} */ one) => {
        const { config } = await read("/api/config/abconf", { id: one.id });
        return { id: String(one.id), value: config };
      }),
    );
    return { entries, templates: [] };
  }
  const answer = await read("/api/config/provider/template");
  const rows = kind === "sources" ? answer.provider_sources : answer.providers;
  return { entries: listed(rows), templates: templates(answer.config_schema) };
}

/**
 * @param {Kind} kind
 * @param {string} id the entry's name so far; empty for a new one
 * @param {any} config
 */
export function saveDocument(kind, id, config) {
  if (kind === "sources") return post("/api/config/provider_sources/update", { original_id: id || config.id, config });
  if (kind === "profile") return post("/api/config/astrbot/update", { conf_id: id, config });
  const family = kind === "providers" ? "provider" : "platform";
  if (!id) return post(`/api/config/${family}/new`, config);
  return post(`/api/config/${family}/update`, { id, config });
}

/** @param {Kind} kind @param {string} id */
export function deleteDocument(kind, id) {
  const family = kind === "sources" ? "provider_sources" : kind === "providers" ? "provider" : "platform";
  return post(`/api/config/${family}/delete`, { id });
}

/** The document that holds an entry. @param {Kind} kind @param {string} id */
export function documentOf(kind, id) {
  if (kind === "profile") return `profile:${id}`;
  return kind === "platforms" ? "platforms" : "providers";
}

/** Asks a provider for a word. @param {string} id @returns {Promise<any>} */
export const testProvider = (id) => read("/api/config/provider/check_one", { id });
