// @ts-check
import { findStanding, setupSecret, standing } from "./account.js";
import { fill, h } from "./dom.js";
import { drawGate } from "./gate.js";
import { follow } from "./live.js";
import { language, t, useLanguage } from "./messages.js";
import { drawShell, preferences } from "./shell.js";
import { backoff, pause } from "./store.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const layer = /** @type {HTMLElement} */ (document.getElementById("layer"));

/** @type {import("./shell.js").Shell | null} */
let shell = null;
/** @type {{ node: HTMLElement, drop: () => void } | null} */
let view = null;
let trouble = "";

/** Draws what the account's standing and the address ask for. */
function draw() {
  const now = standing.value;
  layer.hidden = now !== "expired";
  root.inert = now === "expired";
  if (now === "expired") return gate(layer, "expired");
  fill(layer);
  if (now !== "in") {
    leave();
    return gate(root, now);
  }
  if (shell) return;
  shell = drawShell();
  fill(root, shell.node);
  void route();
}

/** @param {HTMLElement} into @param {import("./account.js").Standing} now */
function gate(into, now) {
  const stage = h("div", { class: "gate" });
  fill(into, stage, h("div", { class: "gate-preferences" }, ...preferences()));
  drawGate(stage, now, trouble);
}

function leave() {
  asked += 1;
  view?.drop();
  shell?.drop();
  view = shell = null;
}

/** Counts the changes of view, so that one that loads late does not replace a later one. */
let asked = 0;

/** The address names the view. Its modules come when it is first asked for. */
async function route() {
  if (!shell) return;
  const [, place = "chat", id = ""] = location.hash.split("/");
  const name = place === "control" ? "control" : "chat";
  shell.show(name);
  asked += 1;
  const mine = asked;
  const draw = await loaded(name, decodeURIComponent(id), () => mine === asked);
  if (mine !== asked || !draw || !shell) return;
  view?.drop();
  view = draw();
  fill(shell.outlet, view.node);
}

/**
 * @param {string} name
 * @param {string} id
 * @param {() => boolean} wanted
 * @returns {Promise<(() => { node: HTMLElement, drop: () => void }) | null>}
 */
async function loaded(name, id, wanted) {
  for (let attempt = 0; wanted(); attempt += 1) {
    try {
      if (name === "control") return (await import("./control.js")).drawControl;
      const { drawChat } = await import("./chatview.js");
      return () => drawChat(id);
    } catch {
      if (shell) fill(shell.outlet, h("p", { class: "placard quiet", role: "status" }, t("gate.unreached.hint")));
      await pause(backoff(attempt));
    }
  }
  return null;
}

/** What the views are made of, fetched while the account's standing is still on its way. */
const LATER = ["chats.js", "chatview.js", "composer.js", "control.js", "conversation.js", "dialog.js", "documents.js", "json.js", "log.js", "markdown.js", "repair.js", "runs.js", "timeline.js", "transcript.js", "versions.js"];

function fetchViews() {
  for (const name of LATER) {
    const href = new URL(name, import.meta.url).href;
    document.head.append(h("link", { rel: "modulepreload", href }));
  }
}

async function begin() {
  setupSecret.take();
  // The catalogue and the standing travel side by side: on a slow line each round trip counts.
  const found = findStanding().catch((refusal) => refusal);
  for (let attempt = 0; ; attempt += 1) {
    const catalogue = useLanguage(language.value).then(() => true, () => false);
    if (attempt === 0) fetchViews();
    if (await catalogue) break;
    await pause(backoff(attempt));
  }
  follow();
  language.watch(() => (leave(), draw()));
  let before = standing.value;
  standing.watch((now) => {
    draw();
    const left = now === "out" && before !== "unknown";
    before = now;
    // A session that had ended before the page was opened leaves its drafts to the next log-in.
    if (left) void import("./chats.js").then(({ forgetChats }) => forgetChats(), () => {});
  });
  addEventListener("hashchange", () => {
    setupSecret.take();
    if (standing.value === "setup") draw();
    void route();
  });
  let problem = await found;
  for (let attempt = 0; problem instanceof Error; attempt += 1) {
    trouble = problem.message;
    draw();
    await pause(backoff(attempt));
    problem = await findStanding().catch((refusal) => refusal);
  }
  trouble = "";
}

void begin();
