// @ts-check
import { fill, h, write } from "./dom.js";
import { mood, ourTime, snapshot } from "./live.js";
import { duration, instant, t } from "./messages.js";
import { partName } from "./shell.js";

/** @typedef {import("./live.js").Part} Part */

/**
 * One bar for each component and item, on one time axis. It redraws itself while something starts.
 * @param {{ compact?: boolean }} [look] compact leaves out items that are as they should be
 * @returns {{ node: HTMLElement, drop: () => void }}
 */
export function drawTimeline(look = {}) {
  const list = h("ol", { class: "timeline-parts" });
  const end = h("span", {});
  const axis = h("div", { class: "timeline-axis", "aria-hidden": "true" }, h("span", {}, "0"), end);
  const node = h("section", { class: `timeline ${look.compact ? "compact" : ""}`, "aria-label": t("timeline.title") }, list, axis);
  /** @type {Map<string, Row>} */
  const rows = new Map();
  let frame = 0;
  const draw = () => {
    cancelAnimationFrame(frame);
    const parts = snapshot.value?.components ?? [];
    const scale = scaleOf(parts);
    list.hidden = axis.hidden = parts.length === 0;
    const wanted = new Set(parts.map((part) => part.name));
    for (const [name, row] of rows) if (!wanted.has(name)) (row.node.remove(), rows.delete(name));
    for (const part of parts) {
      let row = rows.get(part.name);
      if (!row) {
        row = makeRow(part.name, false);
        rows.set(part.name, row);
        list.append(row.node);
      }
      updateRow(row, part, scale, null);
      updateItems(row, part, scale, look.compact ?? false);
    }
    write(end, duration(scale.span));
    if (parts.some((part) => [part, ...part.items].some((one) => one.state === "starting"))) frame = requestAnimationFrame(draw);
  };
  const drop = snapshot.watch(draw);
  return {
    node,
    drop: () => {
      cancelAnimationFrame(frame);
      drop();
    },
  };
}

/**
 * @typedef {{ node: HTMLElement, bar: HTMLElement, took: HTMLElement, phase: HTMLElement, error: HTMLElement, items: HTMLElement, rows: Row[], drawn: string }} Row
 * @typedef {{ start: number, span: number }} Scale
 * @typedef {import("./live.js").Item} Item
 */

/** @param {Item} one */
function startOf(one) {
  const begun = instant(one.started_at);
  return begun ? ourTime(begun) : null;
}

/** @param {Item} one @param {number} start */
function tookOf(one, start) {
  if (one.duration_ms !== null) return one.duration_ms;
  return one.state === "starting" ? Math.max(0, Date.now() - start) : 0;
}

/** @param {Part[]} parts @returns {Scale} */
function scaleOf(parts) {
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  // Items may be loaded again long after the start, so they have no say in the scale.
  for (const part of parts) {
    const begun = startOf(part);
    if (begun === null) continue;
    start = Math.min(start, begun);
    end = Math.max(end, begun + tookOf(part, begun));
  }
  return Number.isFinite(start) ? { start, span: Math.max(1, end - start) } : { start: 0, span: 1 };
}

/** A component, or one of its items. @param {string} name @param {boolean} item @returns {Row} */
function makeRow(name, item) {
  const bar = h("i", { class: "bar" });
  const lane = h("span", { class: "lane", "aria-hidden": "true" }, bar);
  const took = h("span", { class: "took" });
  const phase = h("span", { class: "phase" });
  const error = h("p", { class: "part-error" });
  const items = h("ul", { class: "items" });
  const label = h("span", { class: item ? "item-name" : "part-name" }, item ? name : partName(name));
  const head = h("div", { class: "part-row" }, h("i", { class: "lamp" }), label, lane, took, phase);
  const node = h("li", { class: item ? "item" : "part" }, head, error, item ? null : items);
  return { node, bar, took, phase, error, items, rows: [], drawn: "" };
}

/**
 * @param {Row} row
 * @param {Item} one
 * @param {Scale} scale
 * @param {number | null} otherwise when it began, where it does not say so itself
 */
function updateRow(row, one, scale, otherwise) {
  const begun = startOf(one) ?? otherwise;
  const took = begun === null ? 0 : tookOf(one, begun);
  const from = begun === null ? 0 : ((begun - scale.start) / scale.span) * 100;
  row.bar.hidden = begun === null || one.state === "pending" || from > 100;
  row.bar.style.setProperty("--from", `${from.toFixed(2)}%`);
  row.bar.style.setProperty("--span", `${((took / scale.span) * 100).toFixed(2)}%`);
  write(row.took, begun === null || (one.duration_ms === null && one.state !== "starting") ? "" : duration(took));
  const phase = one.state === "pending" && mood.value !== "starting" ? "unreached" : one.state;
  const drawn = `${phase}/${one.error}`;
  if (drawn === row.drawn) return;
  row.drawn = drawn;
  row.node.dataset.phase = one.state;
  write(row.phase, t(`phase.${phase}`));
  write(row.error, one.error ?? "");
  row.error.hidden = !one.error;
}

/** @param {Row} row @param {Part} part @param {Scale} scale @param {boolean} compact */
function updateItems(row, part, scale, compact) {
  const shown = part.items.filter((item) => !compact || item.state === "failed" || item.state === "starting");
  const names = JSON.stringify(shown.map((item) => item.name));
  if (row.items.dataset.names !== names) {
    row.items.dataset.names = names;
    row.rows = shown.map((item) => makeRow(item.name, true));
    fill(row.items, ...row.rows.map((one) => one.node));
    row.items.hidden = shown.length === 0;
  }
  shown.forEach((item, at) => {
    const one = row.rows[at];
    if (one) updateRow(one, item, scale, startOf(part));
  });
}
