// @ts-check
import { username } from "./account.js";
import { textOf } from "./conversation.js";
import { announce, button, fill, h, write } from "./dom.js";
import { mood } from "./live.js";
import { writer } from "./markdown.js";
import { moment, sentence, t } from "./messages.js";
import { askAgain, open, sendAgain } from "./runs.js";
import { drawTimeline } from "./timeline.js";

/** @typedef {import("./conversation.js").Entry} Entry */
/** @typedef {import("./conversation.js").Conversation} Conversation */

/**
 * @param {Conversation} of
 * @returns {{ node: HTMLElement, toEnd: () => void, drop: () => void }}
 */
export function drawTranscript(of) {
  const list = h("div", { class: "turns" });
  const around = h("div", { class: "around" });
  const latest = button(t("chat.latest"), () => toEnd(), { kind: "small float", icon: "down" });
  const scroller = h("div", { class: "transcript", tabindex: "0", role: "region", "aria-label": t("chat.transcript") }, around, list);
  const node = h("div", { class: "transcript-box" }, scroller, latest);
  /** @type {Map<string, Turn>} */
  const turns = new Map();
  let follows = true;
  let frame = 0;
  let said = "";
  latest.hidden = true;
  const toEnd = () => {
    follows = true;
    scroller.scrollTop = scroller.scrollHeight;
  };
  scroller.addEventListener("scroll", () => {
    follows = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
    latest.hidden = follows;
  });
  const draw = () => {
    frame = 0;
    drawAround(around, of);
    const wanted = new Set(of.entries.map((one) => one.key));
    for (const [key, turn] of turns) if (!wanted.has(key)) (turn.node.remove(), turns.delete(key));
    of.entries.forEach((one, at) => {
      let turn = turns.get(one.key);
      if (!turn) {
        turn = makeTurn(one);
        turns.set(one.key, turn);
      }
      if (list.children[at] !== turn.node) list.insertBefore(turn.node, list.children[at] ?? null);
      if (turn.version !== one.version || one.status === "sending") updateTurn(turn, one, of);
    });
    said = speak(of, said);
    if (follows) scroller.scrollTop = scroller.scrollHeight;
  };
  const soon = () => (frame ||= requestAnimationFrame(draw));
  const drops = [of.changes.watch(soon), mood.watch(soon)];
  return { node, toEnd, drop: () => (cancelAnimationFrame(frame), drops.forEach((drop) => drop()), progress?.drop(), (progress = null)) };
}

/** The start-up, shown in place of a conversation that cannot be read yet.
 * @type {ReturnType<typeof drawTimeline> | null} */
let progress = null;

/** What stands where there are no messages. @param {HTMLElement} into @param {Conversation} of */
function drawAround(into, of) {
  const empty = of.entries.length === 0;
  const away = mood.value !== "ready" && mood.value !== "unknown";
  const now = !empty ? "" : away ? `away-${mood.value}` : of.phase === "failed" ? `failed-${of.error}` : of.phase === "loaded" ? "empty" : "loading";
  if (into.dataset.now === now) return;
  into.dataset.now = now;
  progress?.drop();
  progress = null;
  if (!now) return fill(into);
  if (away) {
    progress = drawTimeline({ compact: true });
    return fill(into, h("div", { class: "placard" }, h("h2", {}, t(`away.${mood.value}`)), h("p", { class: "quiet" }, t(`away.${mood.value}.hint`)), progress.node, h("a", { href: "#/control", class: "button" }, t("away.control"))));
  }
  if (now === "empty") return fill(into, h("div", { class: "placard" }, h("h2", {}, t("chat.empty")), h("p", { class: "quiet" }, t("chat.empty.hint"))));
  if (now === "loading") return fill(into, h("p", { class: "placard quiet", role: "status" }, t("chat.loading")));
  fill(into, h("div", { class: "placard" }, h("h2", {}, t("chat.unread")), h("p", { role: "alert" }, of.error), button(t("chat.again"), () => void open(of), { icon: "retry" })));
}

/**
 * @typedef {{ node: HTMLElement, version: number, parts: HTMLElement, drawn: { kind: string, node: HTMLElement, write: (part: any) => void }[], time: HTMLElement, thought: HTMLElement, thoughtBody: HTMLElement, foot: HTMLElement }} Turn
 */

/** @param {Entry} one @returns {Turn} */
function makeTurn(one) {
  const time = h("time", { class: "quiet" });
  const thoughtBody = h("div", { class: "thought-body" });
  const thought = h("details", { class: "thought" }, h("summary", {}, t("chat.reasoning")), thoughtBody);
  const parts = h("div", { class: "parts" });
  const foot = h("div", { class: "turn-foot" });
  const node = h(
    "article",
    { class: "turn", data: { role: one.role } },
    h("header", { class: "turn-head" }, h("b", {}, one.role === "user" ? username.value || t("chat.you") : "Firstlight"), time),
    h("div", { class: "turn-body" }, thought, parts, foot),
  );
  return { node, version: -1, parts, drawn: [], time, thought, thoughtBody, foot };
}

/** @param {Turn} turn @param {Entry} one @param {Conversation} of */
function updateTurn(turn, one, of) {
  turn.version = one.version;
  turn.node.dataset.status = one.status;
  turn.node.setAttribute("aria-busy", String(one.status === "streaming" || one.status === "waiting"));
  write(turn.time, one.time ? moment(one.time) : "");
  turn.thought.hidden = !one.reasoning;
  write(turn.thoughtBody, one.reasoning);
  one.parts.forEach((part, at) => {
    if (turn.drawn[at]?.kind !== part.kind) {
      for (const old of turn.drawn.splice(at)) old.node.remove();
      const made = makePart(part, one.role);
      turn.drawn.push(made);
      turn.parts.append(made.node);
    }
    turn.drawn[at]?.write(part);
  });
  for (const old of turn.drawn.splice(one.parts.length)) old.node.remove();
  drawFoot(turn.foot, one, of);
}

/** @param {import("./conversation.js").Part} part @param {"user" | "bot"} role */
function makePart(part, role) {
  if (part.kind === "text") {
    const node = h("div", { class: role === "user" ? "text verbatim" : "text" });
    const render = role === "user" ? (/** @type {string} */ text) => write(node, text) : writer(node);
    return { kind: part.kind, node, write: (/** @type {any} */ now) => render(now.text) };
  }
  if (part.kind === "tool") {
    const name = h("summary", {});
    const body = h("pre", { tabindex: "0" });
    const node = h("details", { class: "tool" }, name, body);
    return {
      kind: part.kind,
      node,
      write: (/** @type {any} */ now) => {
        write(name, t(now.result === null ? "chat.tool.running" : "chat.tool.done", { name: now.name }));
        write(body, now.result === null ? now.input : `${now.input}\n\n${now.result}`);
      },
    };
  }
  const image = part.type === "image";
  const node = image
    ? h("a", { href: part.source, target: "_blank", rel: "noopener", class: "picture" }, h("img", { src: part.source, alt: part.name, loading: "lazy" }))
    : h("a", { href: part.source, download: part.name, class: "file" }, part.name);
  return { kind: part.kind, node, write: () => {} };
}

/** @param {HTMLElement} foot @param {Entry} one @param {Conversation} of */
function drawFoot(foot, one, of) {
  const held = one.status === "sending" && mood.value !== "ready";
  const key = `${one.status}/${one.error}/${of.run?.entry === one && of.run.stopping}/${held}`;
  if (foot.dataset.key === key) return;
  foot.dataset.key = key;
  const { status } = one;
  if (status === "waiting" || status === "streaming") {
    const text = of.run?.stopping ? t("chat.stopping") : status === "waiting" ? t("chat.waiting") : "";
    return fill(foot, h("span", { class: "pulse" }, h("i"), h("i"), h("i")), text ? h("span", { class: "quiet" }, text) : null, one.error ? h("span", { class: "trouble" }, one.error) : null);
  }
  if (status === "sending") return fill(foot, h("span", { class: "quiet" }, t(held ? "chat.held" : "chat.sending")));
  if (status === "stopped" || status === "cut") return fill(foot, h("span", { class: "mark" }, t(`chat.${status}`)));
  if (status !== "failed") return fill(foot);
  const last = of.entries.at(-1) === one;
  const resend = one.role === "user" ? () => sendAgain(of, one, "") : () => askAgain(of, "");
  const again = one.role === "user" || last ? button(t("chat.send.again"), () => void resend(), { icon: "retry", kind: "small" }) : null;
  fill(foot, h("p", { class: "trouble", role: "alert" }, sentence(one.error) || t("chat.failed")), one.role === "bot" ? h("p", { class: "quiet" }, t("chat.failed.hint")) : null, again);
}

/**
 * Streamed text is spoken sentence by sentence, not token by token.
 * @param {Conversation} of
 * @param {string} said what has been spoken of the running answer
 */
function speak(of, said) {
  const answer = of.run?.entry ?? (said ? of.entries.at(-1) : undefined);
  if (!answer || answer.role !== "bot") return "";
  const text = textOf(answer);
  if (!text.startsWith(said)) return text;
  const rest = text.slice(said.length);
  const done = of.run ? /^[\s\S]*[.!?。！？\n](?=\s|$)/.exec(rest)?.[0] : rest;
  if (done?.trim()) announce(done.trim());
  return of.run ? said + (done ?? "") : "";
}
