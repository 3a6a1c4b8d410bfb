// Policies and allow or block entries, as a person does them: from a held mail, by keyboard alone, in Chinese on a phone, without scripts.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, sendMail, start } from "./server.mjs";
import { axe, launch, open, signIn, wider } from "./browser.mjs";

let server, browser, cookies;
const pictures = join(out, "policy");

before(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await start();
  browser = await launch();
  cookies = await signIn(browser, server.link);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const picture = (page, name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });

/** Presses Tab until the element has the focus, as somebody without a mouse does. */
async function tabTo(page, locator, most = 80) {
  for (let n = 0; n < most; n++) {
    if (await locator.evaluate((el) => el === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail("the keyboard does not get there");
}

test("the sender of a held mail is allowed for 30 days", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  await page.goto(`${server.base}/quarantine`);
  await page.locator("table.list tbody a").first().click();
  await page.getByRole("link", { name: "Allow this sender" }).click();
  await page.waitForURL(/\/entries\/new\?/);
  assert.equal(await page.locator("#f-effect").inputValue(), "allow");
  const value = await page.locator("#f-value").inputValue();
  assert.match(value, /@/);
  assert.equal(await page.locator("#f-days").inputValue(), "30");
  await picture(page, "entry-form");
  await page.getByRole("button", { name: "See what it would have done" }).click();
  await page.waitForURL(/\/drafts\//);
  await picture(page, "entry-draft");
  await page.getByRole("button", { name: "Save this entry" }).click();
  await page.waitForURL(/\/entries$/);
  assert.match(await page.locator("#said").innerText(), /saved/);
  const row = page.locator("table.list tbody tr", { hasText: value });
  assert.equal(await row.count(), 1);
  await row.getByRole("link").click();
  await page.locator("#used").waitFor();
  await picture(page, "entry");
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("an entry says what it did, and ends only after it was asked", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  await page.goto(`${server.base}/entries/new?effect=block&kind=domain&value=partner.example`);
  await page.getByRole("button", { name: "Save without looking" }).click();
  await page.waitForURL(/\/entries$/);
  assert.match(await sendMail(server.smtp, { from: "mia@partner.example", to: "alice@demo.example", subject: "About Tuesday", text: "Shall we meet on Tuesday?" }), /^250/);
  await page.getByRole("link", { name: "partner.example", exact: true }).click();
  // What entries did is written every few seconds.
  await assert.doesNotReject(async () => {
    for (let n = 0; n < 40; n++) {
      if (await page.locator("table.list tbody tr").count()) return;
      await page.waitForTimeout(500);
      await page.reload();
    }
    throw new Error("nothing was counted");
  });
  assert.match(await page.locator("table.list tbody tr").first().innerText(), /\t1\t0\t/, "one mail, one recipient");
  await picture(page, "entry-used");
  await page.getByRole("button", { name: "End it now" }).click();
  await page.locator("dialog[open] button[value=yes]").click();
  await page.waitForURL(/\/entries$/);
  assert.equal(await page.locator("table.list tbody tr", { hasText: "partner.example" }).filter({ hasNotText: "@" }).count(), 0);
  await context.close();
});

test("a policy shows what it would have done before it is saved, and then applies", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  await page.goto(`${server.base}/policies`);
  await picture(page, "policies-empty");
  await page.getByRole("link", { name: "New policy" }).click();
  await page.locator("#f-name").fill("Finance");
  await page.locator("#f-applies_addresses").fill("alice@demo.example");
  await page.locator("#f-spam").selectOption("quarantine");
  await page.locator("#f-high_spam").selectOption("quarantine");
  await picture(page, "policy-form");
  await page.getByRole("button", { name: "See what it would have done" }).click();
  await page.waitForURL(/\/drafts\//);
  await page.locator(".figure").waitFor();
  assert.match(await page.locator("#outcome").innerText(), /would have changed/);
  assert.match(await page.locator("#outcome").innerText(), /Quarantine/);
  await picture(page, "policy-draft");
  await page.getByRole("button", { name: "Save this policy" }).click();
  await page.waitForURL(/\/policies$/);
  await page.getByRole("link", { name: "Which policy applies?" }).click();
  await page.locator("#f-recipient").fill("alice@demo.example");
  await page.getByRole("button", { name: "Ask" }).click();
  assert.match(await page.locator(".panel .figure").innerText(), /Finance/);
  await picture(page, "applying");
  await page.locator("#f-recipient").fill("bo@demo.example");
  await page.getByRole("button", { name: "Ask" }).click();
  assert.match(await page.locator("main").innerText(), /no other policy matches/);
  await page.goto(`${server.base}/policies/thresholds?budget=30`);
  assert.equal(await page.locator("svg.chart").count(), 1);
  await picture(page, "thresholds");
  await page.getByRole("link", { name: "New policy with this threshold" }).click();
  assert.match(await page.locator("#f-threshold_spam").inputValue(), /^\d+(\.\d+)?$/);
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("policies are put into order by the keyboard alone", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  for (const name of ["Board", "Sales"]) {
    await page.goto(`${server.base}/policies/new`);
    await page.locator("#f-name").fill(name);
    await page.getByRole("button", { name: "Save without looking" }).click();
    await page.waitForURL(/\/policies$/);
  }
  const order = () => page.locator("ol[data-order] h3").allInnerTexts();
  const at = (await order()).indexOf("Sales");
  assert.ok(at > 0, `${await order()}`);
  await tabTo(page, page.getByRole("button", { name: "Move Sales up" }));
  await page.keyboard.press("Enter");
  await page.waitForURL(/moved=up/);
  assert.equal((await order()).indexOf("Sales"), at - 1);
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /Move Sales/, "the focus stays with what was moved");
  for (let left = at - 1; left > 0; left--) {
    await page.keyboard.press("Enter");
    await page.waitForFunction((n) => [...document.querySelectorAll("ol[data-order] h3")].findIndex((h) => h.innerText === "Sales") === n, left - 1);
  }
  assert.equal((await order())[0], "Sales");
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /Move Sales down/, "at the top only down is left");
  // By dragging as well.
  const first = page.locator("ol[data-order] > li").first(), last = page.locator("ol[data-order] > li").last();
  const name = await last.locator("h3").innerText();
  await last.dragTo(first);
  await page.waitForFunction((n) => document.querySelector("ol[data-order] h3")?.innerText === n, name);
  await picture(page, "policies");
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("in Chinese at 320 px nothing is wider than the window, and axe finds nothing", async () => {
  const paths = ["/policies", "/policies/new", "/policies/strict", "/policies/applying?recipient=alice@demo.example", "/policies/thresholds", "/entries", "/entries/new", "/entries/mine", "/entries/choice"];
  const wrong = [];
  for (const [lang, width, colours] of [["zh-CN", 320, "light"], ["zh-CN", 320, "dark"], ["en", 1280, "dark"]]) {
    const context = await open(browser, { lang, width, colours, cookies });
    const page = await context.newPage();
    for (const path of paths) {
      await page.goto(server.base + path);
      const over = await wider(page);
      if (over.length) wrong.push(`${path} ${lang} ${width}: ${over.join(", ")}`);
      for (const rule of (await axe(page)).violations) wrong.push(`${path} ${lang} ${width} ${colours}: ${rule.id}: ${rule.where.join(" | ")}`);
      await picture(page, `${lang}-${width}-${colours}${path.split("?")[0].replaceAll("/", "-")}`);
    }
    // Something to save, on the phone.
    if (width === 320 && colours === "light") {
      await page.goto(`${server.base}/entries/new?effect=block&kind=address&value=x%40laji.example`);
      await page.locator("button[value=replay]").click();
      await page.waitForURL(/\/drafts\//);
      const over = await wider(page);
      if (over.length) wrong.push(`draft: ${over.join(", ")}`);
      for (const rule of (await axe(page)).violations) wrong.push(`draft: ${rule.id}: ${rule.where.join(" | ")}`);
      await picture(page, "zh-CN-320-draft");
      await page.getByRole("button", { name: "保存此条目" }).click();
      await page.waitForURL(/\/entries$/);
      assert.match(await page.locator("#said").innerText(), /已保存/);
    }
    wrong.push(...context.mistakes);
    await context.close();
  }
  assert.deepEqual(wrong, []);
});

test("without scripts everything can be done as well", async () => {
  const context = await open(browser, { scripts: false, cookies });
  const page = await context.newPage();
  await page.goto(`${server.base}/policies/new`);
  await page.locator("#f-name").fill("Plain");
  await page.getByRole("button", { name: "See what it would have done" }).click();
  await page.waitForURL(/\/drafts\//);
  await page.getByRole("button", { name: "Save this policy" }).click();
  await page.waitForURL(/\/policies$/);
  await page.getByRole("button", { name: "Move Plain up" }).click();
  await page.getByRole("link", { name: "Plain", exact: true }).click();
  await page.getByRole("button", { name: "Delete this policy" }).click();
  assert.match(await page.locator("h1").innerText(), /Delete Plain/);
  await page.locator("main button.danger").click();
  await page.waitForURL(/\/policies$/);
  assert.equal(await page.getByRole("link", { name: "Plain", exact: true }).count(), 0);
  await context.close();
});

test("no request failed and no words were missing", () => assert.deepEqual(server.mistakes(), []));
