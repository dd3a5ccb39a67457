// @ts-check
import { findStanding, setupSecret, standing } from "./account.js";
import { drawChat } from "./chatview.js";
import { forgetChats } from "./chats.js";
import { drawControl } from "./control.js";
import { fill, h } from "./dom.js";
import { drawGate } from "./gate.js";
import { follow } from "./live.js";
import { followLog } from "./log.js";
import { language, useLanguage } from "./messages.js";
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
  route();
}

/** @param {HTMLElement} into @param {import("./account.js").Standing} now */
function gate(into, now) {
  const stage = h("div", { class: "gate" });
  fill(into, stage, h("div", { class: "gate-preferences" }, ...preferences()));
  drawGate(stage, now, trouble);
}

function leave() {
  view?.drop();
  shell?.drop();
  view = shell = null;
}

/** The address names the view. */
function route() {
  if (!shell) return;
  const [, place = "chat", id = ""] = location.hash.split("/");
  view?.drop();
  const control = place === "control";
  view = control ? drawControl() : drawChat(decodeURIComponent(id));
  fill(shell.outlet, view.node);
  shell.show(control ? "control" : "chat");
}

async function begin() {
  setupSecret.take();
  // The catalogue and the standing travel side by side: on a slow line each round trip counts.
  const found = findStanding().catch((refusal) => refusal);
  for (let attempt = 0; ; attempt += 1) {
    const loaded = await useLanguage(language.value).then(() => true, () => false);
    if (loaded) break;
    await pause(backoff(attempt));
  }
  follow();
  followLog();
  language.watch(() => (leave(), draw()));
  standing.watch((now) => {
    if (now === "out") forgetChats();
    draw();
  });
  addEventListener("hashchange", () => {
    setupSecret.take();
    if (standing.value === "setup") draw();
    route();
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
