// @ts-check
import { cell, storage } from "./store.js";

/** @typedef {"en" | "zh"} Language */

/** @type {Record<string, string>} */
let texts = {};

/** The language in use; watchers draw themselves again. */
export const language = cell(/** @type {Language} */ (preferred()));

/** @returns {Language} */
function preferred() {
  const kept = storage.read("language");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.languages?.some((tag) => tag.toLowerCase().startsWith("zh")) &&
    !navigator.languages[0]?.toLowerCase().startsWith("en")
    ? "zh"
    : "en";
}

/**
 * Loads a catalogue and makes it the one in use.
 * @param {Language} wanted
 */
export async function useLanguage(wanted) {
  const answer = await fetch(new URL(`../messages/${wanted}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`catalogue ${wanted}: ${answer.status}`);
  texts = await answer.json();
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
  language.set(wanted);
}

/** @param {Language} wanted */
export async function chooseLanguage(wanted) {
  await useLanguage(wanted);
  storage.write("language", wanted);
}

/**
 * The text for a key, with `{name}` replaced.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether the catalogue has a text of its own for this key.
 * @param {string} key */
export function known(key) {
  return key in texts;
}

/** The fragment that an error is, as a sentence. @param {string} fragment */
export function sentence(fragment) {
  const text = fragment.trim();
  if (!text) return "";
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?。！？…]$/.test(text) ? "" : ".");
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  if (milliseconds < 1) return "<1 ms";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * A point in time from the wire: a number of seconds or milliseconds, or an ISO text.
 * @param {unknown} value
 * @returns {Date | null}
 */
export function instant(value) {
  if (value === null || value === undefined || value === "") return null;
  const date =
    typeof value === "number" ? new Date(value < 1e11 ? value * 1000 : value) : new Date(String(value));
  return Number.isNaN(date.getTime()) ? null : date;
}

/** @param {Date} date */
export function clock(date) {
  return date.toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}

/** The time of a day for today, the date for what is older.
 * @param {Date} date */
export function moment(date) {
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", hour12: false })
    : date.toLocaleDateString(locale(), { month: "short", day: "numeric" });
}

function locale() {
  return language.value === "zh" ? "zh-CN" : "en-GB";
}
