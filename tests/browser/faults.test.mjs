// @ts-check
// The page of a gateway whose bootstrap hangs or fails: lit, truthful, and the place to repair it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answered, enter, launch, mood, open, say, visit } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";

const binary = process.env.FIRSTLIGHT_FAULTS_BIN;
const suite = { skip: binary ? false : "FIRSTLIGHT_FAULTS_BIN names no gateway with faults" };

/** @type {Gateway} */
let gateway;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof open>>} */
let tab;

before(async () => {
  if (!binary) return;
  gateway = await Gateway.start(binary, { faults: { bootstrap: { providers: { hang: true } } } });
  browser = await launch();
  tab = await open(browser, gateway.url);
});

after(async () => {
  await browser?.close();
  await gateway?.remove();
});

test("while the bootstrap hangs one can set up, log in and see where it hangs", suite, async () => {
  const { page } = tab;
  await page.goto(await gateway.link());
  await enter(page);
  await mood(page, "starting");
  await page.waitForSelector(".placard .part[data-phase=starting]:has-text('Model providers')");
  assert.ok(await page.isDisabled(".composer button[type=submit]"));
  await page.fill(".composer textarea", "written too early");
  await visit(page, "control");
  await page.waitForSelector(".part[data-phase=starting]:has-text('Model providers')");
  await page.waitForSelector(".log-line");
  await page.waitForSelector("text=Closed while the runtime is starting");
  tab.quiet();
});

test("a failure shows its reason and is repaired and retried on the page", suite, async () => {
  const { page } = tab;
  await gateway.inject({ bootstrap: { providers: { error: "the key of the model is wrong" } } });
  await page.click("[data-action=stop]");
  await mood(page, "stopped");
  await page.click("[data-action=start]");
  await page.waitForSelector(".failure:not([hidden])");
  assert.match(await page.innerText(".failure"), /Model providers/);
  assert.match(await page.innerText(".reason"), /the key of the model is wrong/);
  await page.waitForSelector(".log-line[data-level=ERROR], .log-line[data-level=WARN]");
  await page.click(".failure .actions button:has-text('configuration')");
  await page.waitForSelector("#repair .repair-list button");
  await gateway.inject({});
  await page.click("[data-action=retry]");
  await mood(page, "ready");
  await page.waitForSelector(".failure[hidden]", { state: "attached" });
  tab.quiet();
});

test("what was written while it hung is sent once it is up", suite, async () => {
  const { page } = tab;
  await visit(page, "chat");
  assert.equal(await page.inputValue(".composer textarea"), "written too early");
  await page.press(".composer textarea", "Enter");
  assert.match(await answered(page), /written too early/);
  tab.quiet();
});

test("after a bad edit one goes back to the configuration that last worked", suite, async () => {
  const { page } = tab;
  await visit(page, "control");
  await page.click(".repair-list .entry:has-text('demo')");
  const edited = JSON.parse(await page.inputValue("textarea.json"));
  await page.fill("textarea.json", JSON.stringify({ ...edited, note: "a bad edit" }));
  await page.click(".repair-editor .primary");
  await page.waitForSelector(".repair-state[data-tone=good]");
  await gateway.inject({ bootstrap: { providers: { error: "the edit was bad" } } });
  await page.click("[data-action=restart]");
  await mood(page, "failed");
  await page.waitForSelector(".failure button:has-text('Go back')");
  await gateway.inject({});
  await page.click(".failure button:has-text('Go back')");
  await page.click("dialog .danger");
  await mood(page, "ready");
  await page.waitForFunction(() => !document.querySelector(/** @type {any} */ ("textarea.json"))?.value.includes("a bad edit"));
  tab.quiet();
});

test("a panic is shown like any failure and retried without leaving the page", suite, async () => {
  const { page } = tab;
  await gateway.inject({ bootstrap: { platforms: { panic: "a platform fell over" } } });
  await visit(page, "control");
  await page.click("[data-action=restart]");
  await mood(page, "failed");
  assert.match(await page.innerText(".reason"), /a platform fell over/);
  await gateway.inject({});
  await page.click("[data-action=retry]");
  await mood(page, "ready");
  await visit(page, "chat");
  await page.click("text=New conversation");
  await say(page, "Still there?");
  assert.match(await answered(page), /Still there/);
  tab.quiet();
});
