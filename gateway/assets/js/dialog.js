// @ts-check
import { button, h } from "./dom.js";
import { t } from "./messages.js";

/**
 * @param {HTMLElement[]} content
 * @param {(close: (answer: boolean) => void) => HTMLElement[]} actions
 * @returns {Promise<boolean>}
 */
function ask(content, actions) {
  return new Promise((resolve) => {
    let answer = false;
    const close = (/** @type {boolean} */ given) => {
      answer = given;
      node.close();
    };
    const node = /** @type {HTMLDialogElement} */ (h("dialog", { class: "dialog" }, ...content, h("div", { class: "actions end" }, ...actions(close))));
    node.addEventListener("close", () => (node.remove(), resolve(answer)));
    document.body.append(node);
    node.showModal();
  });
}

/** @param {string} question @param {string} yes what the button that does it says */
export function confirmed(question, yes) {
  return ask([h("p", {}, question)], (close) => [
    button(t("dialog.cancel"), () => close(false), { kind: "quiet" }),
    button(yes, () => close(true), { kind: "danger" }),
  ]);
}

/**
 * @param {string} label
 * @param {string} value
 * @returns {Promise<string | null>} nothing when it was given up
 */
export async function asked(label, value) {
  const input = /** @type {HTMLInputElement} */ (h("input", { id: "dialog-input", value, maxlength: "120" }));
  const given = await ask([h("label", { for: "dialog-input" }, label), input], (close) => {
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) (event.preventDefault(), close(true));
    });
    queueMicrotask(() => input.select());
    return [button(t("dialog.cancel"), () => close(false), { kind: "quiet" }), button(t("dialog.save"), () => close(true), { kind: "primary" })];
  });
  const text = input.value.trim();
  return given && text ? text : null;
}
