// @ts-check
import { confirmed } from "./dialog.js";
import { deleteDocument, documentOf, KINDS, readDocuments, saveDocument, testProvider } from "./documents.js";
import { button, fill, h, write } from "./dom.js";
import { post } from "./http.js";
import { mistakenLine } from "./json.js";
import { mood } from "./live.js";
import { sentence, t } from "./messages.js";
import { drawVersions } from "./versions.js";

/** @typedef {import("./documents.js").Kind} Kind */

/** Text that was edited and not saved, by kind and id. It survives a restart of the runtime. */
/** @type {Map<string, string>} */
const drafts = new Map();

/**
 * The configuration behind the bootstrap as raw JSON, one entry at a time: so that what is broken can
 * be repaired and tried again on the same page.
 */
export function drawRepair() {
  /** @type {Kind} */
  let kind = "providers";
  let chosen = "";
  let creating = false;
  /** @type {import("./documents.js").Listing} */
  let listing = { entries: [], templates: [] };
  let asked = 0;

  const tabs = h("div", { class: "tabs small", role: "group", "aria-label": t("repair.title") });
  const list = h("div", { class: "repair-list" });
  const editor = h("div", { class: "repair-editor" });
  const note = h("p", { class: "trouble", role: "alert" });
  const versions = h("div", { class: "repair-versions" });
  const body = h("div", { class: "repair-body" }, list, editor, versions);
  const node = h("section", { class: "panel repair", id: "repair", "aria-label": t("repair.title") }, h("div", { class: "panel-head" }, h("h2", {}, t("repair.title")), tabs), note, body);

  const load = async () => {
    asked += 1;
    const mine = asked;
    drawTabs();
    if (mood.value === "starting" || mood.value === "stopping" || mood.value === "unknown") {
      write(note, "");
      body.dataset.closed = "";
      return fill(list, h("p", { class: "quiet" }, t("repair.closed"))), fill(editor), fill(versions);
    }
    delete body.dataset.closed;
    try {
      const found = await readDocuments(kind);
      if (mine !== asked) return;
      listing = found;
      write(note, "");
      if (!creating && !listing.entries.some((one) => one.id === chosen)) chosen = listing.entries[0]?.id ?? "";
      draw();
    } catch (refusal) {
      if (mine !== asked) return;
      fill(list);
      fill(editor);
      write(note, /** @type {Error} */ (refusal).message);
    }
  };
  const drawTabs = () =>
    fill(tabs, ...KINDS.map((name) => {
      const tab = button(t(`repair.${name}`), () => ((kind = name), (chosen = ""), (creating = false), void load()), { kind: "tab" });
      tab.setAttribute("aria-pressed", String(name === kind));
      return tab;
    }));
  const draw = () => {
    const rows = listing.entries.map(({ id }) => {
      const row = button(id, () => ((chosen = id), (creating = false), draw()), { kind: "entry" });
      row.setAttribute("aria-pressed", String(!creating && id === chosen));
      if (drafts.has(`${kind}/${id}`)) row.append(h("i", { class: "dot", title: t("repair.unsaved") }));
      return row;
    });
    const add = kind === "profile" ? null : button(t("repair.new"), () => ((creating = true), (chosen = ""), draw()), { kind: "quiet small", icon: "plus" });
    fill(list, rows.length ? rows : h("p", { class: "quiet" }, t("repair.none")), add);
    const entry = listing.entries.find((one) => one.id === chosen);
    const document = documentOf(kind, chosen);
    if (versions.dataset.document !== document || !versions.firstChild) {
      versions.dataset.document = document;
      fill(versions, kind === "profile" && !chosen ? null : drawVersions(document, () => (drafts.clear(), fill(versions), void load())));
    }
    if (!entry && !creating) return fill(editor);
    drawEditor(editor, { kind, id: entry?.id ?? "", value: entry?.value ?? { id: "" }, templates: creating ? listing.templates : [] }, (id) => {
      creating = false;
      chosen = id;
      fill(versions);
      return load();
    });
  };
  // A new state of the runtime opens or closes the rows; an edit in progress is kept either way.
  let before = "";
  const drop = mood.watch((now) => {
    const open = now === "starting" || now === "stopping" || now === "unknown" ? "closed" : "open";
    if (open !== before) void load();
    before = open;
  });
  return {
    node,
    drop,
    /** @param {string} wanted @param {string} [id] */
    show(wanted, id) {
      kind = /** @type {Kind} */ (wanted);
      chosen = id ?? "";
      creating = false;
      void load().then(() => {
        node.scrollIntoView({ block: "start" });
        editor.querySelector("textarea")?.focus({ preventScroll: true });
      });
    },
  };
}

/**
 * @param {HTMLElement} into
 * @param {{ kind: Kind, id: string, value: any, templates: import("./documents.js").Template[] }} of
 * @param {(id: string) => Promise<void>} changed
 */
function drawEditor(into, of, changed) {
  const key = `${of.kind}/${of.id}`;
  const stored = JSON.stringify(of.value, null, 2);
  const area = /** @type {HTMLTextAreaElement} */ (
    h("textarea", { class: "json", spellcheck: "false", autocapitalize: "none", "aria-label": t("repair.json", { id: of.id || t("repair.new") }), rows: "14", value: drafts.get(key) ?? stored })
  );
  const state = h("p", { class: "repair-state", role: "status" });
  const say = (/** @type {string} */ text, tone = "") => {
    write(state, text);
    state.dataset.tone = tone;
  };
  const check = () => {
    const problem = problemIn(area.value);
    if (area.value === stored) drafts.delete(key);
    else drafts.set(key, area.value);
    save.disabled = revert.disabled = of.id !== "" && area.value === stored;
    area.setAttribute("aria-invalid", String(problem !== ""));
    say(problem || (drafts.has(key) ? t("repair.unsaved") : ""), problem ? "bad" : "");
    return problem === "";
  };
  const act = async (/** @type {() => Promise<string>} */ work) => {
    say(t("repair.working"));
    try {
      say(await work(), "good");
    } catch (refusal) {
      say(sentence(/** @type {Error} */ (refusal).message), "bad");
    }
  };
  const save = button(t("repair.save"), () => {
    if (!check()) return area.focus();
    const config = JSON.parse(area.value);
    void act(async () => {
      const unapplied = await saveDocument(of.kind, of.id, config).then(() => "", savedAlready);
      drafts.delete(key);
      await changed(of.kind === "profile" ? of.id : String(config.id ?? of.id));
      saved(into, unapplied);
      return "";
    });
  }, { kind: "primary" });
  const revert = button(t("repair.revert"), () => ((area.value = stored), check()), { kind: "quiet" });
  const remove = button(t("repair.delete"), async () => {
    if (!(await confirmed(t("repair.delete.ask", { id: of.id }), t("repair.delete")))) return;
    void act(async () => (await deleteDocument(of.kind, of.id), drafts.delete(key), await changed(""), ""));
  }, { kind: "quiet danger" });
  const test = button(t("repair.test"), () => void act(async () => {
    const answer = await testProvider(of.id);
    if (answer.status !== "available") throw new Error(answer.error || t("repair.test.bad"));
    return t("repair.test.good");
  }), { kind: "quiet" });
  test.hidden = of.kind !== "providers" || !of.id || mood.value !== "ready";
  remove.hidden = of.kind === "profile" || !of.id;
  area.addEventListener("input", check);
  area.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") (event.preventDefault(), save.click());
  });
  const pick = of.templates.length > 0 ? picker(of.templates, (value) => ((area.value = JSON.stringify(value, null, 2)), check())) : null;
  fill(into, pick, area, h("div", { class: "actions" }, save, revert, test, remove), state);
  check();
}

/** @param {import("./documents.js").Template[]} templates @param {(value: any) => void} picked */
function picker(templates, picked) {
  const select = /** @type {HTMLSelectElement} */ (
    h("select", { "aria-label": t("repair.template") }, h("option", { value: "" }, t("repair.template")), ...templates.map(({ name }, at) => h("option", { value: String(at) }, name)))
  );
  select.addEventListener("change", () => select.value && picked(templates[Number(select.value)]?.value));
  return select;
}

/** A refusal of what is saved nevertheless: its text; any other goes on. @param {any} refusal */
function savedAlready(refusal) {
  if (refusal?.code === "not_applied") return String(refusal.message);
  throw refusal;
}

/**
 * After a save: said, and where it helps, the next step offered.
 * @param {HTMLElement} into
 * @param {string} unapplied why the running part could not take it over; empty when it did
 */
function saved(into, unapplied) {
  const state = into.querySelector(".repair-state");
  if (!(state instanceof HTMLElement)) return;
  if (unapplied) {
    state.dataset.tone = "bad";
    return write(state, unapplied);
  }
  state.dataset.tone = "good";
  const failed = mood.value === "failed" || mood.value === "stopped";
  const again = failed ? button(t("action.retry"), () => void post("/api/runtime/retry").catch(() => {}), { kind: "small primary" }) : null;
  fill(state, t("repair.saved"), " ", again);
}

/** What is wrong with a JSON text, with its line. @param {string} text */
function problemIn(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? "" : t("repair.object");
  } catch {
    return t("repair.syntax", { line: mistakenLine(text) });
  }
}
