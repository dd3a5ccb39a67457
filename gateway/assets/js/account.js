// @ts-check
import { post, read, request, session } from "./http.js";
import { cell, storage } from "./store.js";

/**
 * Who uses the page: not known yet, nobody yet (set-up is needed), signed out, signed in, or signed
 * in until a moment ago (the view stays as it was and log-in is asked for above it).
 * @typedef {"unknown" | "setup" | "out" | "in" | "expired"} Standing
 */

/** @type {import("./store.js").Cell<Standing>} */
export const standing = cell(/** @type {Standing} */ ("unknown"));

/** The name to show; the session itself is a cookie that no script can read. */
export const username = cell(storage.read("username") ?? "");

session.expired = () => {
  if (standing.value === "in") standing.set("expired");
};

/** The set-up secret of the printed link. It leaves the address bar at once and survives a reload. */
export const setupSecret = {
  take() {
    const found = /[#&]setup=([^&]+)/.exec(location.hash);
    if (!found?.[1]) return;
    sessionStorage.setItem("firstlight.setup", decodeURIComponent(found[1]));
    history.replaceState(null, "", location.pathname);
  },
  read: () => sessionStorage.getItem("firstlight.setup"),
  forget: () => sessionStorage.removeItem("firstlight.setup"),
};

/** Finds out where this browser stands. A log-in is only tried out where there has been one. */
export async function findStanding() {
  if (username.value && !setupSecret.read()) {
    try {
      return entered((await read("/api/auth/me")).username);
    } catch (refusal) {
      if (/** @type {any} */ (refusal).status !== 401) throw refusal;
    }
  }
  const { needed } = await read("/api/auth/setup");
  if (!needed) setupSecret.forget();
  standing.set(needed ? "setup" : "out");
}

/** @param {string} name */
function entered(name) {
  username.set(name);
  storage.write("username", name);
  setupSecret.forget();
  standing.set("in");
}

/** @param {string} name @param {string} password */
export async function setUp(name, password) {
  const body = { secret: setupSecret.read(), username: name, password };
  const answer = await post("/api/auth/setup", body);
  entered(answer?.username ?? name);
}

/** @param {string} name @param {string} password */
export async function logIn(name, password) {
  const answer = await request("POST", "/api/auth/login", { body: { username: name, password }, open: true });
  entered(answer?.username ?? name);
}

export async function logOut() {
  await post("/api/auth/logout").catch((refusal) => {
    if (refusal.status !== 401) throw refusal;
  });
  forget();
}

/** The browser is left as it was found. */
export function forget() {
  username.set("");
  storage.write("username", null);
  standing.set("out");
}
