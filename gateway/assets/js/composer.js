// @ts-check
import { h, button, fill, write } from "./dom.js";
import { read, request } from "./http.js";
import { mood, online } from "./live.js";
import { t } from "./messages.js";
import { send, stop } from "./runs.js";
import { cell, storage, uuid } from "./store.js";

/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./conversation.js").Upload} Upload */

const LARGEST = 20 * 1024 * 1024;

/** The chat models to choose from. @type {import("./store.js").Cell<{ id: string, label: string }[]>} */
const models = cell(/** @type {{ id: string, label: string }[]} */ ([]));

async function readModels() {
  const rows = await read("/api/config/provider/list", { provider_type: "chat_completion" }).catch(() => []);
  const enabled = (Array.isArray(rows) ? rows : []).filter((row) => row.enable !== false);
  models.set(enabled.map((row) => ({ id: String(row.id), label: row.model && row.model !== row.id ? `${row.id} · ${row.model}` : String(row.id) })));
}

/**
 * @param {Conversation} of
 * @param {() => void} toEnd shows the end of the transcript
 * @returns {{ node: HTMLElement, focus: () => void, drop: () => void }}
 */
export function drawComposer(of, toEnd) {
  const area = /** @type {HTMLTextAreaElement} */ (
    h("textarea", { rows: "1", placeholder: t("chat.placeholder"), "aria-label": t("chat.placeholder"), "aria-describedby": "composer-note", value: of.draft })
  );
  const tray = h("ul", { class: "tray", "aria-label": t("chat.attachments") });
  const note = h("p", { class: "composer-note", id: "composer-note", role: "status" });
  const model = /** @type {HTMLSelectElement} */ (h("select", { class: "model", "aria-label": t("chat.model") }));
  const picker = /** @type {HTMLInputElement} */ (h("input", { type: "file", accept: "image/*", multiple: true, hidden: true }));
  const attach = button(t("chat.attach"), () => picker.click(), { icon: "clip", bare: true, kind: "quiet" });
  const go = button(t("chat.send"), () => submit(), { icon: "send", kind: "primary" });
  const halt = button(t("chat.stop"), () => void stop(of), { icon: "stop", kind: "" });
  go.type = "submit";
  const node = h(
    "form",
    { class: "composer" },
    tray,
    area,
    h("div", { class: "composer-row" }, attach, picker, model, note, halt, go),
  );
  const grow = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, 240)}px`;
  };
  const submit = () => {
    if (go.disabled || of.run) return;
    void send(of, model.value);
    area.value = "";
    grow();
    toEnd();
  };
  const draw = () => {
    if (area.value !== of.draft) {
      area.value = of.draft;
      queueMicrotask(grow);
    }
    drawTray(tray, of);
    const uploading = of.uploads.some((one) => one.uploading);
    const broken = of.uploads.some((one) => one.error);
    const away = online.value === false ? "offline" : mood.value;
    go.hidden = of.run !== null;
    halt.hidden = of.run === null;
    halt.disabled = !of.id || (of.run?.stopping ?? false);
    go.disabled = away !== "ready" || uploading || broken || (!of.draft.trim() && of.uploads.length === 0);
    write(note, away !== "ready" && away !== "unknown" ? t(`composer.${away}`) : uploading ? t("chat.uploading") : "");
    note.dataset.mood = away;
  };
  const add = (/** @type {Iterable<File>} */ files) => {
    for (const file of files) if (file.type.startsWith("image/")) void upload(of, file);
  };
  node.addEventListener("submit", (event) => (event.preventDefault(), submit()));
  area.addEventListener("input", () => {
    of.type(area.value);
    grow();
  });
  area.addEventListener("keydown", (event) => {
    // Enter that ends an input method's composition does not send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  area.addEventListener("paste", (event) => add(event.clipboardData?.files ?? []));
  picker.addEventListener("change", () => (add(picker.files ?? []), (picker.value = "")));
  node.addEventListener("dragover", (event) => (event.preventDefault(), node.classList.add("drop")));
  node.addEventListener("dragleave", () => node.classList.remove("drop"));
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    node.classList.remove("drop");
    add(event.dataTransfer?.files ?? []);
  });
  model.addEventListener("change", () => storage.write("model", model.value || null));
  const drops = [
    of.changes.watch(draw),
    online.watch(draw),
    mood.watch((now) => {
      draw();
      if (now === "ready") void readModels();
    }),
    models.watch((all) => drawModels(model, all)),
  ];
  queueMicrotask(grow);
  return { node, focus: () => matchMedia("(pointer: fine)").matches && area.focus(), drop: () => drops.forEach((drop) => drop()) };
}

/** @param {HTMLSelectElement} into @param {{ id: string, label: string }[]} all */
function drawModels(into, all) {
  const kept = storage.read("model") ?? "";
  into.hidden = all.length < 2;
  fill(into, h("option", { value: "" }, t("chat.model.default")), ...all.map(({ id, label }) => h("option", { value: id }, label)));
  into.value = all.some(({ id }) => id === kept) ? kept : "";
}

/** @param {HTMLElement} into @param {Conversation} of */
function drawTray(into, of) {
  const key = JSON.stringify(of.uploads.map((one) => [one.id, one.uploading, one.error]));
  if (into.dataset.key === key) return;
  into.dataset.key = key;
  into.hidden = of.uploads.length === 0;
  fill(into, ...of.uploads.map((one) =>
    h(
      "li",
      { class: one.error ? "bad" : one.uploading ? "busy" : "" },
      h("img", { src: one.url, alt: one.name }),
      one.error ? h("span", { class: "trouble", role: "alert" }, one.error) : null,
      button(t("chat.attachment.remove", { name: one.name }), () => {
        of.uploads = of.uploads.filter((other) => other !== one);
        of.touch();
      }, { icon: "close", bare: true, kind: "quiet" }),
    ),
  ));
}

/** @param {Conversation} of @param {File} file */
async function upload(of, file) {
  /** @type {Upload} */
  const one = { id: uuid(), name: file.name || "image.png", url: URL.createObjectURL(file), uploading: true, error: "", attachment: "" };
  of.uploads.push(one);
  of.touch();
  try {
    if (file.size > LARGEST) throw new Error(t("chat.too.large"));
    const body = new FormData();
    body.append("file", file, one.name);
    const answer = await request("POST", "/api/chat/post_file", { body });
    one.attachment = answer.attachment_id;
  } catch (refusal) {
    one.error = /** @type {Error} */ (refusal).message;
  } finally {
    one.uploading = false;
    of.touch();
  }
}
