// @ts-check
import { fill, h, write } from "./dom.js";
import { ourTime, snapshot } from "./live.js";
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
        row = makeRow(part.name);
        rows.set(part.name, row);
        list.append(row.node);
      }
      updateRow(row, part, scale, look.compact ?? false);
    }
    write(end, duration(scale.span));
    if (parts.some((part) => part.state === "starting")) frame = requestAnimationFrame(draw);
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
 * @typedef {{ node: HTMLElement, bar: HTMLElement, lane: HTMLElement, took: HTMLElement, phase: HTMLElement, error: HTMLElement, items: HTMLElement, drawn: string }} Row
 * @typedef {{ start: number, span: number }} Scale
 */

/** @param {Part} part */
function startOf(part) {
  const begun = instant(part.started_at);
  return begun ? ourTime(begun) : null;
}

/** @param {Part} part @param {number} start */
function tookOf(part, start) {
  if (part.duration_ms !== null) return part.duration_ms;
  return part.state === "starting" ? Math.max(0, Date.now() - start) : 0;
}

/** @param {Part[]} parts @returns {Scale} */
function scaleOf(parts) {
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const part of parts) {
    const begun = startOf(part);
    if (begun === null) continue;
    start = Math.min(start, begun);
    end = Math.max(end, begun + tookOf(part, begun));
  }
  return Number.isFinite(start) ? { start, span: Math.max(1, end - start) } : { start: 0, span: 1 };
}

/** @param {string} name @returns {Row} */
function makeRow(name) {
  const bar = h("i", { class: "bar" });
  const lane = h("span", { class: "lane", "aria-hidden": "true" }, bar);
  const took = h("span", { class: "took" });
  const phase = h("span", { class: "phase" });
  const error = h("p", { class: "part-error" });
  const items = h("ul", { class: "items" });
  const node = h(
    "li",
    { class: "part" },
    h("div", { class: "part-row" }, h("i", { class: "lamp" }), h("span", { class: "part-name" }, partName(name)), lane, took, phase),
    error,
    items,
  );
  return { node, bar, lane, took, phase, error, items, drawn: "" };
}

/** @param {Row} row @param {Part} part @param {Scale} scale @param {boolean} compact */
function updateRow(row, part, scale, compact) {
  const begun = startOf(part);
  const took = begun === null ? 0 : tookOf(part, begun);
  const from = begun === null ? 0 : ((begun - scale.start) / scale.span) * 100;
  row.bar.hidden = begun === null;
  row.bar.style.setProperty("--from", `${from.toFixed(2)}%`);
  row.bar.style.setProperty("--span", `${((took / scale.span) * 100).toFixed(2)}%`);
  write(row.took, begun === null ? "" : duration(took));
  const drawn = JSON.stringify([part.state, part.error, part.items]);
  if (drawn === row.drawn) return;
  row.drawn = drawn;
  row.node.dataset.phase = part.state;
  write(row.phase, t(`phase.${part.state}`));
  write(row.error, part.error ?? "");
  row.error.hidden = !part.error;
  const shown = compact ? part.items.filter((item) => item.state === "failed" || item.state === "starting") : part.items;
  fill(row.items, ...shown.map((item) => drawItem(item)));
  row.items.hidden = shown.length === 0;
}

/** @param {import("./live.js").Item} item */
function drawItem(item) {
  return h(
    "li",
    { class: "item", data: { phase: item.state } },
    h("div", { class: "item-row" }, h("i", { class: "lamp" }), h("span", { class: "item-name" }, item.name), h("span", { class: "took" }, item.duration_ms === null ? "" : duration(item.duration_ms)), h("span", { class: "phase" }, t(`phase.${item.state}`))),
    item.error ? h("p", { class: "part-error" }, item.error) : null,
  );
}
