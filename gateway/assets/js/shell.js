// @ts-check
import { logOut, username } from "./account.js";
import { button, fill, h, icon, write } from "./dom.js";
import { mood, online, reconnect, snapshot } from "./live.js";
import { chooseLanguage, language, t } from "./messages.js";
import { storage } from "./store.js";

/** @typedef {{ node: HTMLElement, outlet: HTMLElement, show: (view: string) => void, drop: () => void }} Shell */

/**
 * The frame around the views: name, views, state, preferences, and the line of lights under it.
 * @returns {Shell}
 */
export function drawShell() {
  const chat = h("a", { href: "#/chat", class: "tab" }, t("nav.chat"));
  const control = h("a", { href: "#/control", class: "tab" }, t("nav.control"));
  const state = h("a", { href: "#/control", class: "state-chip" }, h("i", { class: "lamp" }), h("span", {}));
  const horizon = h("div", { class: "horizon", "aria-hidden": "true" });
  const banner = h("div", { class: "banner", role: "status", hidden: true });
  const outlet = h("div", { class: "outlet" });
  const head = h(
    "header",
    { class: "top" },
    h("a", { href: "#/chat", class: "wordmark" }, "Firstlight"),
    h("nav", { class: "tabs", "aria-label": t("nav.views") }, chat, control),
    state,
    h("div", { class: "spacer" }),
    ...preferences(),
    h("span", { class: "who" }, username.value),
    button(t("nav.logout"), () => void logOut().catch(() => {}), { kind: "quiet small" }),
  );
  const node = h("div", { class: "shell" }, h("a", { class: "skip", href: "#main" }, t("nav.skip")), head, horizon, banner, outlet);
  const drops = [
    snapshot.watch(() => drawState(state, horizon)),
    mood.watch(() => drawState(state, horizon)),
    online.watch((up) => {
      drawState(state, horizon);
      drawBanner(banner, up);
    }),
  ];
  node.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  });
  return {
    node,
    outlet,
    show(view) {
      for (const [tab, name] of /** @type {[HTMLElement, string][]} */ ([[chat, "chat"], [control, "control"]])) {
        if (name === view) tab.setAttribute("aria-current", "page");
        else tab.removeAttribute("aria-current");
      }
      document.title = `${t(view === "chat" ? "nav.chat" : "nav.control")} · Firstlight`;
    },
    drop: () => drops.forEach((drop) => drop()),
  };
}

/** @param {HTMLElement} chip @param {HTMLElement} horizon */
function drawState(chip, horizon) {
  const now = online.value === false ? "offline" : mood.value;
  const starting = snapshot.value?.components.find((part) => part.state === "starting");
  chip.dataset.mood = now;
  const text = t(`mood.${now}`);
  write(/** @type {HTMLElement} */ (chip.lastChild), now === "starting" && starting ? `${text} · ${partName(starting.name)}` : text);
  const parts = snapshot.value?.components ?? [];
  if (horizon.childElementCount !== Math.max(1, parts.length)) {
    fill(horizon, ...(parts.length ? parts : [null]).map(() => h("i", {})));
  }
  parts.forEach((part, at) => {
    const light = /** @type {HTMLElement} */ (horizon.children[at]);
    light.dataset.phase = online.value === false ? "unknown" : part.state;
  });
}

/** @param {string} name */
export function partName(name) {
  const own = `part.${name}`;
  const text = t(own);
  return text === own ? name : text;
}

/** @param {HTMLElement} banner @param {boolean | null} up */
function drawBanner(banner, up) {
  banner.hidden = up !== false;
  if (up === false) {
    fill(banner, h("span", {}, t("banner.offline")), button(t("banner.now"), reconnect, { kind: "quiet small" }));
  }
}

/** Language and theme, offered everywhere. */
export function preferences() {
  const other = language.value === "en" ? "zh" : "en";
  const tongue = button(other === "zh" ? "中文" : "English", () => void chooseLanguage(other).catch(() => {}), { kind: "quiet small" });
  tongue.lang = other;
  const theme = button(t(`theme.${chosenTheme()}`), () => {
    const order = /** @type {const} */ (["system", "light", "dark"]);
    const next = order[(order.indexOf(chosenTheme()) + 1) % order.length] ?? "system";
    storage.write("theme", next === "system" ? null : next);
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    theme.replaceChildren(themeIcon());
    theme.title = t(`theme.${next}`);
    theme.setAttribute("aria-label", theme.title);
  }, { kind: "quiet small", bare: true });
  theme.append(themeIcon());
  return [tongue, theme];
}

/** @returns {"system" | "light" | "dark"} */
function chosenTheme() {
  const kept = storage.read("theme");
  return kept === "light" || kept === "dark" ? kept : "system";
}

function themeIcon() {
  return icon(/** @type {const} */ ({ system: "half", light: "sun", dark: "moon" })[chosenTheme()]);
}
