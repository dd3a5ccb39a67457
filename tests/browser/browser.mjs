// @ts-check
// A browser whose pages may say nothing in their console and break no policy.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const ACCOUNT = { username: "ada", password: "correct horse battery" };

export function launch() {
  const wanted = process.env.FIRSTLIGHT_BROWSER ?? "chromium";
  const found = path.isAbsolute(wanted)
    ? wanted
    : (process.env.PATH ?? "").split(path.delimiter).map((folder) => path.join(folder, wanted)).find(existsSync);
  return chromium.launch({ executablePath: found, args: FLAGS });
}

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} origin the only host the page may call
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function open(browser, origin, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  /** @type {string[]} */
  const troubles = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") troubles.push(`${message.text()} @ ${message.location().url}`);
  });
  page.on("pageerror", (error) => troubles.push(`uncaught: ${error.stack ?? error}`));
  page.on("request", (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (protocol.startsWith("http") && asked !== origin) troubles.push(`a request to ${asked}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  return {
    page,
    troubles,
    /** Fails when the page complained since it was last asked. */
    quiet() {
      assert.deepEqual(troubles.splice(0), []);
    },
    close: () => context.close(),
  };
}

/** @param {import("playwright-core").Page} page */
export async function enter(page) {
  await page.fill("#gate-username", ACCOUNT.username);
  await page.fill("#gate-password", ACCOUNT.password);
  await page.click("form button[type=submit]");
  await page.waitForSelector(".shell");
}

/** Goes to a view, wherever the page is. @param {import("playwright-core").Page} page @param {"chat" | "control"} view */
export async function visit(page, view) {
  await page.click(`.tab[href="#/${view}"]`);
  await page.waitForSelector(`main.${view}`);
}

/** @param {import("playwright-core").Page} page @param {string} mood */
export function mood(page, mood) {
  return page.waitForSelector(`.state-chip[data-mood="${mood}"]`);
}

/** The last turn of the conversation. @param {import("playwright-core").Page} page */
export const lastTurn = (page) => page.locator(".turn").last();

/** @param {import("playwright-core").Page} page @param {string} text */
export async function say(page, text) {
  await page.fill(".composer textarea", text);
  await page.press(".composer textarea", "Enter");
}

/** @param {import("playwright-core").Page} page @param {string} status */
export async function answered(page, status = "done") {
  await page.waitForSelector(`.turn[data-role="bot"][data-status="${status}"]:last-child`);
  return lastTurn(page).locator(".text").innerText();
}

/** Whether anything sticks out at the side. @param {import("playwright-core").Page} page */
export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
