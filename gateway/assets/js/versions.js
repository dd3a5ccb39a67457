// @ts-check
import { confirmed } from "./dialog.js";
import { button, fill, h, write } from "./dom.js";
import { post, read } from "./http.js";
import { instant, moment, t } from "./messages.js";

/**
 * A button that goes back to the configuration that last reached ready, and tries again. Nothing
 * where that is the one in use.
 * @param {string} document
 * @param {(problem: string) => void} tell
 * @returns {Promise<HTMLElement | null>}
 */
export async function wayBack(document, tell) {
  const history = await read("/api/config/history", { document, limit: 1 }).catch(() => null);
  const revision = history?.ready_revision;
  if (!revision || revision === history.revision) return null;
  return button(t("versions.back"), async () => {
    if (!(await confirmed(t("versions.ask", { revision }), t("versions.restore")))) return;
    try {
      await post("/api/config/rollback", { document, revision, expected: history.revision });
      await post("/api/runtime/retry");
    } catch (refusal) {
      tell(/** @type {Error} */ (refusal).message);
    }
  });
}

/**
 * The saves of one document, and the way back to one of them.
 * @param {string} document such as `providers` or `profile:default`
 * @param {() => void} restored
 * @returns {HTMLElement}
 */
export function drawVersions(document, restored) {
  const list = h("ol", { class: "versions" });
  const note = h("p", { class: "trouble", role: "alert" });
  const node = h("details", { class: "quiet" }, h("summary", {}, t("versions.title")), note, list);
  const load = async () => {
    try {
      const history = await read("/api/config/history", { document, limit: 20 });
      fill(list, ...history.revisions.map((/** @type {any} */ one) => drawVersion(one, history, restore)));
      write(note, "");
    } catch (refusal) {
      write(note, /** @type {Error} */ (refusal).message);
    }
  };
  const restore = async (/** @type {any} */ history, /** @type {number} */ revision) => {
    if (!(await confirmed(t("versions.ask", { revision }), t("versions.restore")))) return;
    try {
      await post("/api/config/rollback", { document, revision, expected: history.revision });
      restored();
    } catch (refusal) {
      write(note, /** @type {Error} */ (refusal).message);
    }
  };
  node.addEventListener("toggle", () => void (node.hasAttribute("open") && load()));
  return node;
}

/**
 * @param {any} one
 * @param {any} history
 * @param {(history: any, revision: number) => Promise<void>} restore
 */
function drawVersion(one, history, restore) {
  const saved = instant(one.saved_at);
  const current = one.revision === history.revision;
  return h(
    "li",
    {},
    h("b", {}, `#${one.revision}`),
    h("span", {}, saved ? moment(saved) : "", " ", one.author, one.note ? ` · ${one.note}` : ""),
    one.revision === history.ready_revision ? h("span", { class: "good" }, t("versions.ready")) : null,
    current ? h("span", {}, t("versions.current")) : null,
    current || one.deleted ? null : button(t("versions.restore"), () => void restore(history, one.revision), { kind: "small" }),
  );
}
