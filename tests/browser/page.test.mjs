// @ts-check
// The page of a release: from the printed link to the first streamed answer, and back again.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ACCOUNT, answered, enter, lastTurn, launch, mood, open, overflow, say, visit } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";

const binary = process.env.FIRSTLIGHT_BIN;
const suite = { skip: binary ? false : "FIRSTLIGHT_BIN names no gateway" };

/** @type {Gateway} */
let gateway;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof open>>} */
let tab;

before(async () => {
  if (!binary) return;
  gateway = await Gateway.start(binary);
  browser = await launch();
  tab = await open(browser, gateway.url);
});

after(async () => {
  await browser?.close();
  await gateway?.remove();
});

/** A provider that answers slowly enough to be stopped. */
const SLOW = { id: "slow-demo", type: "demo_chat_completion", provider_type: "chat_completion", enable: true, chunk_delay_ms: 250 };

test("without the link the page says where it is", suite, async () => {
  const { page } = tab;
  await page.goto(gateway.url);
  await page.waitForSelector("text=one-time link");
  assert.equal(await page.locator("input").count(), 0);
  tab.quiet();
});

test("the link sets up the account, once, and leaves the address bar", suite, async () => {
  const { page } = tab;
  await page.goto(await gateway.link());
  await page.waitForSelector("#gate-username");
  assert.ok(!page.url().includes("setup="), page.url());
  await enter(page);
  const again = await fetch(`${gateway.url}/api/auth/setup`).then((answer) => answer.json());
  assert.equal(again.data.needed, false);
  tab.quiet();
});

test("the control room shows every part of the bootstrap with its time, and the log", suite, async () => {
  const { page } = tab;
  await visit(page, "control");
  await mood(page, "ready");
  await page.waitForFunction(() => document.querySelectorAll(".part").length > 3);
  const parts = await page.$$eval(".part", (rows) => rows.map((row) => [row.getAttribute("data-phase"), row.querySelector(".took")?.textContent]));
  for (const [phase, took] of parts) {
    assert.equal(phase, "ready");
    assert.match(took ?? "", /ms|s$/);
  }
  await page.waitForSelector(".log-line");
  await page.waitForSelector("textarea.json, .repair-list p");
  tab.quiet();
});

test("a message gets a streamed answer that is still there after a reload", suite, async () => {
  const { page } = tab;
  await visit(page, "chat");
  await say(page, "Hello from a browser");
  await page.waitForSelector('.turn[data-role="bot"][data-status="streaming"]:last-child .text');
  const early = (await lastTurn(page).locator(".text").innerText()).length;
  const whole = await answered(page);
  assert.ok(early < whole.length, `${early} of ${whole.length} characters`);
  assert.match(whole, /demo/i);
  assert.match(whole, /Hello from a browser/);
  await page.reload();
  await page.waitForSelector(".turn[data-role=bot]");
  assert.equal(await answered(page), whole);
  assert.equal(await page.locator(".turn").count(), 2);
  assert.equal(await page.locator(".session-title").first().innerText(), "Hello from a browser");
  tab.quiet();
});

test("a provider is added in the control room and can be chosen", suite, async () => {
  const { page } = tab;
  await visit(page, "control");
  await page.click(".repair-list button:has-text('New')");
  await page.fill("textarea.json", "{ not json");
  await page.waitForSelector(".repair-state[data-tone=bad]:has-text('line 1')");
  await page.fill("textarea.json", JSON.stringify(SLOW));
  await page.click(".repair-editor .primary");
  await page.waitForSelector(".repair-state[data-tone=good]");
  await visit(page, "chat");
  await page.click(".session a");
  await page.selectOption(".model", SLOW.id);
  tab.quiet();
});

test("a running answer goes on after a reload, and can be stopped", suite, async () => {
  const { page } = tab;
  await visit(page, "chat");
  await page.click(".session a");
  await page.waitForSelector(".turn");
  await say(page, "Take your time");
  await page.waitForSelector('.turn[data-status="streaming"]:last-child .text');
  await page.reload();
  await page.waitForSelector('.turn[data-status="streaming"]:last-child .text');
  const before = await lastTurn(page).locator(".text").innerText();
  await page.waitForFunction(
    (length) => (document.querySelector(".turn:last-child .text")?.textContent?.length ?? 0) > length,
    before.length + 5,
  );
  assert.equal(await page.locator(".turn").count(), 4);
  await page.click(".composer button:has-text('Stop')");
  const kept = await answered(page, "stopped");
  await page.reload();
  await page.waitForSelector(".turn[data-role=bot]");
  const stored = await lastTurn(page).locator(".text").innerText();
  assert.ok(stored.startsWith(kept.slice(0, 20)), `${kept} / ${stored}`);
  tab.quiet();
});

test("a session is renamed and deleted", suite, async () => {
  const { page } = tab;
  await visit(page, "chat");
  await page.selectOption(".model", "");
  await say(page, "Short lived");
  await answered(page);
  await page.locator(".session").first().hover();
  await page.click("[aria-label='Rename “Short lived”']");
  await page.fill("#dialog-input", "Renamed");
  await page.press("#dialog-input", "Enter");
  await page.waitForSelector(".session-title:has-text('Renamed')");
  await page.locator(".session").first().hover();
  await page.click("[aria-label='Delete “Renamed”']");
  await page.click("dialog .danger");
  await page.waitForFunction(() => document.querySelectorAll(".session").length === 1);
  tab.quiet();
});

test("an image is pasted, sent and shown", suite, async () => {
  const { page } = tab;
  await visit(page, "chat");
  await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 30 });
    canvas.getContext("2d")?.fillRect(0, 0, 40, 30);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([/** @type {any} */ (blob)], "dot.png", { type: "image/png" }));
    document.querySelector(".composer textarea")?.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  });
  await page.waitForSelector(".tray li:not(.busy)");
  await say(page, "What is this?");
  await answered(page);
  await page.waitForFunction(() => (document.querySelector(".picture img")?.naturalWidth ?? 0) === 40);
  tab.quiet();
});

test("the page speaks Chinese and fits 320 pixels", suite, async () => {
  const { page } = tab;
  await visit(page, "chat");
  await page.click("text=中文");
  await page.waitForSelector("text=控制室");
  await page.setViewportSize({ width: 320, height: 640 });
  assert.equal(await overflow(page), 0);
  await visit(page, "control");
  await page.waitForSelector(".part");
  assert.equal(await overflow(page), 0);
  await page.click("text=English");
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.waitForSelector("text=Control room");
  tab.quiet();
});

test("everything can be reached with the keyboard", suite, async () => {
  const { page } = tab;
  await page.goto(`${gateway.url}/#/control`);
  await page.reload();
  await page.waitForSelector(".part");
  const seen = new Set();
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press("Tab");
    const where = await page.evaluate(() => {
      const at = document.activeElement;
      if (!at || at === document.body) return { name: "", ring: true };
      const { outlineStyle, boxShadow } = getComputedStyle(at);
      return { name: at.getAttribute("aria-label") || at.textContent?.trim() || at.tagName, ring: outlineStyle !== "none" || boxShadow !== "none" };
    });
    assert.ok(where.ring, `no focus ring on ${where.name}`);
    seen.add(where.name);
  }
  for (const name of ["Skip to the content", "Chat", "Restart", "Log out"]) assert.ok(seen.has(name), `${name}: ${[...seen].join(", ")}`);
  tab.quiet();
});

test("a wrong password is refused, the right one lets in", suite, async () => {
  const { page } = tab;
  await page.click("text=Log out");
  await page.waitForSelector("#gate-password");
  await page.fill("#gate-username", ACCOUNT.username);
  await page.fill("#gate-password", "wrong horse");
  await page.click("form button[type=submit]");
  await page.waitForSelector(".trouble:not(:empty)");
  await enter(page);
  await mood(page, "ready");
  tab.quiet();
});

test("a session that ends asks for the password and keeps what was typed", suite, async () => {
  const { page } = tab;
  await page.goto(`${gateway.url}/#/chat`);
  await page.fill(".composer textarea", "half a thought");
  await page.context().clearCookies();
  await page.reload();
  await page.waitForSelector("#gate-password");
  await enter(page);
  await page.waitForSelector(".composer textarea");
  assert.equal(await page.inputValue(".composer textarea"), "half a thought");
  tab.troubles.length = 0; // The browser reports the 401 itself.
});

test("a gateway that goes away and comes back is found again without a reload", suite, async () => {
  const { page } = tab;
  await page.evaluate(() => Object.assign(window, { same: true }));
  await gateway.end();
  await page.waitForSelector(".banner:not([hidden])");
  await gateway.run();
  await page.waitForSelector(".banner[hidden]", { state: "attached" });
  await mood(page, "ready");
  assert.equal(await page.evaluate(() => "same" in window), true);
  await say(page, "Are you back?");
  assert.match(await answered(page), /Are you back/);
  tab.troubles.length = 0; // The browser reports the broken lines itself.
});

test("an answer that was streaming when the process was killed is told to its end after the restart", suite, async () => {
  const { page } = tab;
  await page.goto(`${gateway.url}/#/chat`);
  await page.click(".sidebar >> text=New conversation");
  await page.waitForFunction(() => document.querySelectorAll(".turn").length === 0);
  await page.selectOption(".model", SLOW.id);
  await say(page, "Do not lose this");
  await page.waitForSelector('.turn[data-status="streaming"]:last-child .text');
  await gateway.end("SIGKILL");
  await page.waitForSelector(".banner:not([hidden])");
  await gateway.run();
  await page.waitForSelector('.turn[data-role="bot"]:last-child:is([data-status="done"], [data-status="cut"])', { timeout: 60_000 });
  const shown = await page.locator(".turn").allInnerTexts();
  assert.equal(shown.length, 2, shown.join("\n"));
  assert.match(shown[0] ?? "", /Do not lose this/);
  assert.ok(await lastTurn(page).locator(".text, .mark").count(), shown.join("\n"));
  await page.reload();
  await page.waitForSelector(".turn");
  assert.deepEqual(await page.locator(".turn").count(), 2);
  tab.troubles.length = 0; // The browser reports the broken lines itself.
});
