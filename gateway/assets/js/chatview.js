// @ts-check
import { complain, conversation, listed, listError, readList, remove, rename, titleOf } from "./chats.js";
import { drawComposer } from "./composer.js";
import { asked, confirmed } from "./dialog.js";
import { button, fill, h, write } from "./dom.js";
import { mood } from "./live.js";
import { instant, moment, t } from "./messages.js";
import { open } from "./runs.js";
import { drawTranscript } from "./transcript.js";

/**
 * Chat: sessions at the side, one conversation beside them.
 * @param {string} id the session in the address; empty for a new one
 * @returns {{ node: HTMLElement, drop: () => void }}
 */
export function drawChat(id) {
  const shown = conversation(id);
  const sessions = h("ol", { class: "sessions" });
  const note = h("p", { class: "quiet pad", role: "status" });
  const aside = h(
    "aside",
    { class: "sidebar", id: "sessions", "aria-label": t("chat.sessions") },
    h("a", { class: "button wide", href: "#/chat" }, t("chat.new")),
    h("nav", { "aria-label": t("chat.sessions") }, sessions),
    note,
  );
  const drawer = button(t("chat.sessions"), () => toggle(!aside.classList.contains("open")), { icon: "list", kind: "quiet small drawer" });
  drawer.setAttribute("aria-controls", "sessions");
  const toggle = (/** @type {boolean} */ wide) => {
    aside.classList.toggle("open", wide);
    drawer.setAttribute("aria-expanded", String(wide));
  };
  toggle(false);
  const title = h("h1", { class: "chat-title" });
  const transcript = drawTranscript(shown);
  const composer = drawComposer(shown, transcript.toEnd);
  const main = h(
    "main",
    { class: "chat", id: "main", tabindex: "-1" },
    h("div", { class: "chat-head" }, drawer, title),
    transcript.node,
    composer.node,
  );
  const node = h("div", { class: "chat-view" }, aside, main);
  aside.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("a")) toggle(false);
  });
  main.addEventListener("click", (event) => {
    if (!(event.target instanceof Element && drawer.contains(event.target))) toggle(false);
  });
  node.addEventListener("keydown", (event) => event.key === "Escape" && toggle(false));
  const drawList = () => {
    const rows = listed.value;
    fill(sessions, ...(rows ?? []).map((row) => drawSession(row, shown.id)));
    const current = rows?.find((row) => row.id === shown.id);
    write(title, current ? titleOf(current) : t("chat.new"));
    write(note, listError.value || (rows?.length === 0 ? t("chat.sessions.none") : ""));
  };
  // The first message gives a new conversation its session, and the address follows.
  const adopt = shown.changes.watch(() => {
    if (shown.id && location.hash !== `#/chat/${shown.id}` && node.isConnected && !id) {
      history.replaceState(null, "", `#/chat/${shown.id}`);
      drawList();
    }
  });
  const heal = mood.watch((now) => {
    if (now !== "ready") return;
    void readList();
    if (shown.id && shown.phase !== "loaded") void open(shown);
  });
  const drops = [listed.watch(drawList), listError.watch(drawList), adopt, heal, transcript.drop, composer.drop];
  queueMicrotask(composer.focus);
  return { node, drop: () => drops.forEach((drop) => drop()) };
}

/** @param {import("./chats.js").Listed} row @param {string} current */
function drawSession(row, current) {
  const title = titleOf(row);
  const time = instant(row.updated);
  const renaming = async () => {
    const name = await asked(t("chat.rename.ask"), row.name);
    if (name) await rename(row.id, name).catch(complain);
  };
  const deleting = async () => {
    if (!(await confirmed(t("chat.delete.ask", { title }), t("chat.delete")))) return;
    try {
      await remove(row.id);
      if (location.hash.endsWith(row.id)) location.hash = "#/chat";
    } catch (refusal) {
      complain(refusal);
    }
  };
  return h(
    "li",
    { class: "session" },
    h(
      "a",
      { href: `#/chat/${row.id}`, "aria-current": row.id === current ? "page" : null },
      h("span", { class: "session-title" }, title),
      time ? h("time", { class: "quiet", datetime: time.toISOString() }, moment(time)) : null,
    ),
    h(
      "span",
      { class: "session-actions" },
      button(t("chat.rename", { title }), () => void renaming(), { icon: "edit", bare: true, kind: "quiet" }),
      button(t("chat.delete.one", { title }), () => void deleting(), { icon: "bin", bare: true, kind: "quiet" }),
    ),
  );
}
