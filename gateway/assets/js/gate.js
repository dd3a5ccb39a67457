// @ts-check
import { findStanding, logIn, setUp, setupSecret, standing, username } from "./account.js";
import { button, fill, h, write } from "./dom.js";
import { t } from "./messages.js";

/** What was typed, so that a change of language loses nothing. */
const typed = { username: "", password: "" };

/**
 * The page before somebody is signed in, and the layer above the view when a session has expired.
 * @param {HTMLElement} into
 * @param {import("./account.js").Standing} now
 * @param {string} problem why the standing is not known, if it is not
 */
export function drawGate(into, now, problem = "") {
  const wordmark = h("div", { class: "gate-sky", "aria-hidden": "true" }, h("i", { class: "gate-sun" }), h("i", { class: "gate-line" }));
  const body =
    now === "setup" ? setup() : now === "unknown" ? connecting(problem) : login(now === "expired");
  fill(into, wordmark, h("main", { class: "gate-card", id: "main" }, h("p", { class: "wordmark" }, "Firstlight"), ...body));
  const first = into.querySelector("input:placeholder-shown, input");
  if (first instanceof HTMLElement) first.focus();
}

/** @param {string} problem */
function connecting(problem) {
  if (!problem) return [h("p", { class: "quiet", role: "status" }, t("gate.connecting"))];
  return [
    h("h1", {}, t("gate.unreached")),
    h("p", { class: "quiet" }, t("gate.unreached.hint")),
    h("p", { class: "trouble", role: "alert" }, problem),
  ];
}

function setup() {
  if (!setupSecret.read()) {
    return [
      h("h1", {}, t("gate.setup.title")),
      h("p", {}, t("gate.setup.where")),
      h("pre", { class: "sample" }, `${location.origin}/#setup=…`),
      h("p", { class: "quiet" }, t("gate.setup.lost")),
      h("pre", { class: "sample" }, "firstlight account reset"),
      button(t("gate.setup.check"), () => void findStanding().catch(() => {}), { kind: "quiet" }),
    ];
  }
  return [
    h("h1", {}, t("gate.setup.title")),
    h("p", { class: "quiet" }, t("gate.setup.choose")),
    credentials({ button: t("gate.setup.button"), fresh: true, act: setUp }),
  ];
}

/** @param {boolean} again the session ran out while the page was in use */
function login(again) {
  if (again && !typed.username) typed.username = username.value;
  return [
    h("h1", {}, t(again ? "gate.again.title" : "gate.login.title")),
    again ? h("p", { class: "quiet" }, t("gate.again.kept")) : null,
    credentials({ button: t("gate.login.button"), fresh: false, act: logIn }),
    h("details", { class: "quiet" }, h("summary", {}, t("gate.login.lost")), h("p", {}, t("gate.login.lost.hint")), h("pre", { class: "sample" }, "firstlight account reset")),
  ];
}

/**
 * @param {{ button: string, fresh: boolean, act: (name: string, password: string) => Promise<void> }} form
 */
function credentials(form) {
  const name = field("username", t("gate.username"), "text", "username");
  const password = field("password", t("gate.password"), "password", form.fresh ? "new-password" : "current-password");
  const show = button(t("gate.show"), () => {
    const hidden = password.input.type === "password";
    password.input.type = hidden ? "text" : "password";
    write(show, t(hidden ? "gate.hide" : "gate.show"));
  }, { kind: "quiet small" });
  password.row.querySelector(".field-box")?.append(show);
  const trouble = h("p", { class: "trouble", role: "alert" });
  const submit = /** @type {HTMLButtonElement} */ (h("button", { type: "submit", class: "button primary wide" }, form.button));
  const hint = form.fresh ? h("p", { class: "quiet hint", id: "password-hint" }, t("gate.password.hint")) : null;
  if (hint) password.input.setAttribute("aria-describedby", "password-hint");
  const node = h("form", { class: "stack", method: "post" }, name.row, password.row, hint, trouble, submit);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    write(trouble, "");
    submit.disabled = true;
    submit.classList.add("busy");
    try {
      await form.act(name.input.value.trim(), password.input.value);
      typed.username = typed.password = "";
    } catch (problem) {
      const refusal = /** @type {import("./http.js").Refusal} */ (problem);
      await explain(refusal, trouble, submit);
      if (refusal.code === "setup_done" || refusal.code === "already_set_up") await findStanding().catch(() => {});
    } finally {
      submit.disabled = false;
      submit.classList.remove("busy");
      if (standing.value !== "in") password.input.focus();
    }
  });
  return node;
}

/** @param {import("./http.js").Refusal} refusal @param {HTMLElement} trouble @param {HTMLElement} submit */
async function explain(refusal, trouble, submit) {
  submit.classList.remove("busy");
  if (refusal.status !== 429 && !refusal.wait) return write(trouble, refusal.message);
  for (let left = Math.ceil(refusal.wait ?? 1); left > 0; left -= 1) {
    write(trouble, t("gate.throttled", { seconds: left }));
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  write(trouble, t("gate.throttled.over"));
}

/** @param {"username" | "password"} name @param {string} label @param {string} type @param {string} complete */
function field(name, label, type, complete) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id: `gate-${name}`,
      name,
      type,
      autocomplete: complete,
      autocapitalize: "none",
      spellcheck: "false",
      required: true,
      maxlength: "256",
      placeholder: " ",
      value: typed[name],
    })
  );
  input.addEventListener("input", () => (typed[name] = input.value));
  const row = h("div", { class: "field" }, h("label", { for: `gate-${name}` }, label), h("div", { class: "field-box" }, input));
  return { row, input };
}
