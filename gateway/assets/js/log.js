// @ts-check
import { standing } from "./account.js";
import { button, fill, h } from "./dom.js";
import { json, read, stream } from "./http.js";
import { clock, instant, t } from "./messages.js";
import { backoff, cell, pause } from "./store.js";

/** @typedef {{ level: string, time: Date | null, text: string }} Line */

const KEPT = 800;
const LEVELS = ["DEBUG", "INFO", "WARN", "ERROR"];
/** @type {Record<string, string>} */
const NAMES = { TRACE: "DEBUG", DEBUG: "DEBUG", WARN: "WARN", WARNING: "WARN", ERROR: "ERROR", CRITICAL: "ERROR" };

/** What has arrived. It outlives the view. @type {Line[]} */
let lines = [];
const arrived = cell(0);
/** The lowest level that is shown. */
let lowest = "INFO";
let words = "";
/** @type {AbortController | null} */
let tail = null;
let lastId = "";
let following = false;

/** Follows the log from the first look at it, while somebody is signed in. */
function followLog() {
  if (following) return;
  following = true;
  standing.watch((now) => {
    if (now === "in" && !tail) {
      tail = new AbortController();
      run(tail.signal);
    } else if (now !== "in" && tail) {
      tail.abort();
      tail = null;
      if (now === "out") (lines = []), (lastId = ""), arrived.set(arrived.value + 1);
    }
  });
}

/** @param {AbortSignal} signal */
async function run(signal) {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      if (!lastId) await history();
      const headers = lastId ? { "Last-Event-ID": lastId } : undefined;
      const events = stream("GET", "/api/live-log", { signal, headers, alive: () => (failures = 0) });
      for await (const event of events) {
        if (event.id) lastId = event.id;
        add(json(event.data), true);
      }
    } catch (problem) {
      if (signal.aborted || /** @type {any} */ (problem).status === 401) return;
    }
    await pause(backoff(failures), signal);
  }
}

async function history() {
  const { logs } = await read("/api/log-history");
  lines = [];
  for (const one of logs ?? []) add(one, false);
  // The stream then goes on where the history ends.
  lastId = String(logs?.at(-1)?.time ?? "");
  arrived.set(arrived.value + 1);
}

/** @param {any} raw @param {boolean} tell */
function add(raw, tell) {
  if (!raw || raw.data === undefined) return;
  const level = NAMES[String(raw.level).toUpperCase()] ?? "INFO";
  // Terminal colours are of no use here.
  const text = String(raw.data).replace(/\u001b\[[0-9;]*m/g, "").trimEnd();
  lines.push({ level, time: instant(raw.time), text });
  if (lines.length > KEPT) lines.splice(0, lines.length - KEPT);
  if (tell) arrived.set(arrived.value + 1);
}

/** @returns {{ node: HTMLElement, drop: () => void, showErrors: () => void }} */
export function drawLog() {
  followLog();
  const list = h("ol", { class: "log-lines", tabindex: "0", "aria-label": t("log.title") });
  const level = /** @type {HTMLSelectElement} */ (
    h("select", { "aria-label": t("log.level") }, ...LEVELS.map((name) => h("option", { value: name }, t(`log.${name}`))))
  );
  level.value = lowest;
  const search = /** @type {HTMLInputElement} */ (h("input", { type: "search", placeholder: t("log.search"), "aria-label": t("log.search"), value: words }));
  const latest = button(t("log.latest"), () => ((follows = true), scroll()), { kind: "small float", icon: "down" });
  const node = h(
    "section",
    { class: "log panel", "aria-label": t("log.title") },
    h("div", { class: "panel-head" }, h("h2", {}, t("log.title")), level, search),
    h("div", { class: "log-box" }, list, latest),
  );
  let follows = true;
  let frame = 0;
  /** @type {Line | undefined} */
  let last;
  latest.hidden = true;
  const scroll = () => (list.scrollTop = list.scrollHeight);
  const shown = (/** @type {Line} */ line) => rank(line.level) >= rank(lowest) && (!words || line.text.toLowerCase().includes(words));
  const all = () => {
    const found = lines.filter(shown);
    fill(list, ...(found.length ? found.map(drawLine) : [h("li", { class: "quiet empty" }, t("log.empty"))]));
    last = lines.at(-1);
    scroll();
  };
  const more = () => {
    frame = 0;
    const from = last ? lines.lastIndexOf(last) : -1;
    if (from < 0) return all();
    const fresh = lines.slice(from + 1).filter(shown);
    last = lines.at(-1);
    if (fresh.length > 0) list.querySelector(".empty")?.remove();
    list.append(...fresh.map(drawLine));
    while (list.childElementCount > KEPT) list.firstElementChild?.remove();
    if (follows) scroll();
  };
  list.addEventListener("scroll", () => {
    follows = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
    latest.hidden = follows;
  });
  level.addEventListener("change", () => ((lowest = level.value), all()));
  search.addEventListener("input", () => ((words = search.value.trim().toLowerCase()), all()));
  const drop = arrived.watch(() => (frame ||= requestAnimationFrame(more)));
  return {
    node,
    drop: () => (cancelAnimationFrame(frame), drop()),
    showErrors() {
      level.value = lowest = "WARN";
      all();
      node.scrollIntoView({ block: "nearest" });
      list.focus();
    },
  };
}

/** @param {string} level */
function rank(level) {
  return LEVELS.indexOf(level);
}

/** @param {Line} line */
function drawLine(line) {
  const [, target = "", text = line.text] = /^(\[[\w:]+\] )(.*)$/s.exec(line.text) ?? [];
  return h(
    "li",
    { class: "log-line", data: { level: line.level } },
    h("time", {}, line.time ? clock(line.time) : ""),
    h("b", {}, line.level),
    h("span", {}, target ? h("i", { class: "quiet" }, target) : null, text),
  );
}
