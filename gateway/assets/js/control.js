// @ts-check
import { button, fill, h, write } from "./dom.js";
import { post } from "./http.js";
import { mood, snapshot } from "./live.js";
import { drawLog } from "./log.js";
import { clock, duration, instant, t } from "./messages.js";
import { drawRepair } from "./repair.js";
import { partName } from "./shell.js";
import { drawTimeline } from "./timeline.js";
import { wayBack } from "./versions.js";

/**
 * The control room: what the runtime does, its log, and where to repair it. Lit in every state.
 * @returns {{ node: HTMLElement, drop: () => void }}
 */
export function drawControl() {
  const headline = h("h1", { class: "headline", tabindex: "-1" });
  const facts = h("p", { class: "facts" });
  const actions = h("div", { class: "actions" });
  const trouble = h("p", { class: "trouble", role: "alert" });
  const partly = h("p", { class: "partly" });
  const unclean = h("p", { class: "trouble" });
  const failure = h("section", { class: "failure", hidden: true, "aria-label": t("control.failure") });
  const timeline = drawTimeline();
  const log = drawLog();
  const repair = drawRepair();
  const node = h(
    "main",
    { class: "control", id: "main", tabindex: "-1" },
    h("div", { class: "control-side" }, h("div", { class: "control-head" }, h("div", { role: "status" }, headline, facts), actions), trouble, partly, unclean, failure, panel("control.timeline", timeline.node), repair.node),
    log.node,
  );
  let ticking = 0;
  const draw = () => {
    const now = snapshot.value;
    const broken = mood.value === "ready" ? brokenItems() : [];
    write(headline, t(broken.length > 0 ? "headline.partly" : `headline.${mood.value}`));
    drawPartly(partly, broken, repair.show);
    headline.dataset.mood = mood.value;
    write(facts, factsOf());
    drawActions(actions, trouble);
    write(unclean, now?.unclean.length ? t("control.unclean", { names: now.unclean.join(", ") }) : "");
    failure.hidden = !now?.failure || mood.value !== "failed";
    if (now?.failure && mood.value === "failed") {
      drawFailure(failure, now.failure, { repair: repair.show, log: log.showErrors, tell: (text) => write(trouble, text) });
    }
  };
  const drops = [snapshot.watch(draw), mood.watch(draw), timeline.drop, log.drop, repair.drop];
  // The countdown to an automatic attempt moves on its own.
  ticking = window.setInterval(() => snapshot.value?.failure?.retry_at && draw(), 1000);
  return { node, drop: () => (clearInterval(ticking), drops.forEach((drop) => drop())) };
}

/** @param {string} title @param {HTMLElement} body */
function panel(title, body) {
  return h("section", { class: "panel" }, h("h2", {}, t(title)), body);
}

function factsOf() {
  const now = snapshot.value;
  if (!now) return t("control.waiting");
  const facts = [];
  const begun = now.components.map((part) => [instant(part.started_at)?.getTime(), part.duration_ms ?? 0]);
  const starts = begun.flatMap(([start]) => (start ? [start] : []));
  if (mood.value === "ready" && starts.length > 0) {
    const end = Math.max(...begun.map(([start, took]) => (start ?? 0) + (took ?? 0)));
    facts.push(t("control.took", { time: duration(end - Math.min(...starts)) }));
  }
  const done = now.components.filter((part) => part.state === "ready").length;
  if (now.components.length > 0) facts.push(t("control.parts", { done, all: now.components.length }));
  if (now.attempt) facts.push(t("control.attempt", { attempt: now.attempt }));
  return facts.join("  ·  ");
}

/** What did not come up although the runtime did. */
function brokenItems() {
  const parts = snapshot.value?.components ?? [];
  return parts.flatMap((part) => part.items.filter((item) => item.state === "failed").map((item) => placeOf(part.name, item.name)));
}

/** Where an item is repaired: pipelines name the documents they are made from.
 * @param {string} component @param {string} name @returns {Place} */
function placeOf(component, name) {
  if (component !== "pipelines") return { kind: kindOf(component), id: name, name };
  if (name.startsWith("profile:")) return { kind: "profile", id: name.slice("profile:".length), name };
  return { kind: kindOf(name), id: "", name };
}

/** @typedef {{ kind: string, id: string, name: string }} Place */

/** Where a component is repaired. @param {string} component */
function kindOf(component) {
  return { providers: "providers", platforms: "platforms", pipelines: "profile" }[component] ?? "";
}

/** @param {HTMLElement} into @param {Place[]} broken @param {(kind: string, id?: string) => void} repair */
function drawPartly(into, broken, repair) {
  const drawn = JSON.stringify(broken);
  if (into.dataset.drawn === drawn) return;
  into.dataset.drawn = drawn;
  into.hidden = broken.length === 0;
  fill(into, t("control.broken"), " ", ...broken.flatMap((place) => [drawPlace(place, repair), " "]));
}

/** @param {Place} place @param {(kind: string, id?: string) => void} repair */
function drawPlace({ kind, id, name }, repair) {
  return kind ? button(name, () => repair(kind, id), { kind: "small" }) : h("code", {}, name);
}

/** @type {Record<import("./live.js").Mood, [string, string, string][]>} */
const ACTIONS = {
  ready: [["restart", "/api/stat/restart-core", ""], ["stop", "/api/runtime/stop", "quiet"]],
  starting: [["stop", "/api/runtime/stop", ""]],
  stopping: [],
  failed: [["retry", "/api/runtime/retry", "primary"]],
  stopped: [["start", "/api/runtime/start", "primary"]],
  unknown: [],
};

/** @param {HTMLElement} into @param {HTMLElement} trouble */
function drawActions(into, trouble) {
  const key = mood.value;
  if (into.dataset.mood === key) return;
  const focused = into.contains(document.activeElement);
  into.dataset.mood = key;
  write(trouble, "");
  fill(into, ...ACTIONS[key].map(([name, path, kind]) => {
    const node = button(t(`action.${name}`), async () => {
      node.disabled = true;
      write(trouble, "");
      try {
        await post(path);
      } catch (refusal) {
        write(trouble, /** @type {Error} */ (refusal).message);
      } finally {
        node.disabled = false;
      }
    }, { kind });
    node.dataset.action = name;
    return node;
  }));
  if (focused) (/** @type {HTMLElement | null} */ (into.querySelector("button")) ?? document.getElementById("main"))?.focus();
}

/**
 * @param {HTMLElement} into
 * @param {import("./live.js").Failure} failure
 * @param {{ repair: (kind: string, id?: string) => void, log: () => void, tell: (problem: string) => void }} ways
 */
function drawFailure(into, failure, ways) {
  const at = instant(failure.at);
  const next = instant(failure.retry_at);
  const left = next ? Math.ceil((next.getTime() - Date.now()) / 1000) : 0;
  const drawn = JSON.stringify([failure.component, failure.message, failure.attempt, left]);
  if (into.dataset.drawn === drawn) return;
  into.dataset.drawn = drawn;
  const part = snapshot.value?.components.find((one) => one.name === failure.component);
  const suspects = part?.items.filter((item) => item.state === "failed") ?? [];
  const kind = kindOf(failure.component) || "profile";
  const hint = t(`hint.${failure.component}`);
  const actions = h("div", { class: "actions" }, button(t("control.repair"), () => ways.repair(kind)), button(t("control.errors"), ways.log, { kind: "quiet" }));
  fill(
    into,
    h("h2", {}, t("control.failed.at", { part: partName(failure.component) }), at ? h("span", { class: "quiet" }, ` ${clock(at)}`) : null),
    h("pre", { class: "reason", tabindex: "0" }, failure.message),
    suspects.length > 0 ? h("p", {}, t("control.suspects"), " ", ...suspects.flatMap((item) => [drawPlace(placeOf(failure.component, item.name), ways.repair), " "])) : null,
    h("p", {}, hint.startsWith("hint.") ? t("hint.other") : hint),
    left > 0 ? h("p", { class: "quiet" }, t("control.next", { seconds: left })) : null,
    actions,
  );
  const document = kind === "profile" ? "profile:default" : kind;
  void wayBack(document, ways.tell).then((back) => back && into.contains(actions) && actions.prepend(back));
}
