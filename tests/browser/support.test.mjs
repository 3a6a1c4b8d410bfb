// The desk of support by the keyboard alone: from the queue to an answer, a note and an assignment; single keys switched off; a plan that is tried.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, start } from "./server.mjs";
import { LANGS, launch, looks, open, signIn } from "./browser.mjs";

let server, browser, admin, engineer;
const pictures = join(out, "support");
const WORDS = {
  en: { title: "Mail to partners waits", ball: /Support has to act/, theirs: /The requester has to act/, holiday: /1 January 2027 is a public holiday/ },
  "zh-CN": { title: "发给合作伙伴的邮件在排队", ball: /轮到支持人员处理/, theirs: /等待提交人回应/, holiday: /2027年1月1日是公共假日/ },
};

async function invited(address, role) {
  const made = await server.command(["person", "invite", "--role", role, address]);
  assert.equal(made.code, 0, made.text);
  const once = await server.command(["person", "link", address]);
  const link = once.text.match(/http\S+|\/sign-in\/\S+|\/invitation\S+/)?.[0];
  assert.ok(link, once.text);
  return signIn(browser, link.startsWith("http") ? link.replace(/^https?:\/\/[^/]+/, server.base) : server.base + link);
}

before(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await start();
  browser = await launch();
  admin = await signIn(browser, server.link);
  engineer = await invited("engineer@support.example", "support-engineer");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const lang of LANGS) {
  test(`an engineer answers by the keyboard alone (${lang})`, async () => {
    const words = WORDS[lang];
    const context = await open(browser, { lang, cookies: admin }), page = await context.newPage();
    await page.goto(`${server.base}/requests/new`);
    await page.locator("#f-title").fill(words.title);
    await page.locator("#f-description").fill(words.title);
    await page.locator("button[value=open]").click();
    await page.waitForURL(/\/requests\/r/);
    const path = new URL(page.url()).pathname, id = path.split("/").pop();
    assert.match(await page.locator("main").innerText(), words.ball);

    const support = await open(browser, { lang, cookies: engineer }), desk = await support.newPage();
    await desk.goto(`${server.base}/support`);
    await looks(desk, support, pictures, `queue-${lang}`);
    await desk.keyboard.press("j");
    const first = await desk.evaluate(() => document.activeElement.getAttribute("href"));
    assert.match(first ?? "", /^\/support\/r/);
    await desk.locator(`a[href="/support/${id}"]`).focus();
    await desk.keyboard.press("Enter");
    await desk.waitForURL(`**/support/${id}`);
    await looks(desk, support, pictures, `work-${lang}`);
    await desk.keyboard.press("a");
    assert.equal(await desk.evaluate(() => document.activeElement.id), "f-person");
    await desk.locator("button[value=take]").focus();
    await Promise.all([desk.waitForEvent("load"), desk.keyboard.press("Enter")]);
    await desk.keyboard.press("n");
    await desk.keyboard.type("only for us");
    await desk.keyboard.press("Tab");
    await Promise.all([desk.waitForEvent("load"), desk.keyboard.press("Enter")]);
    await desk.keyboard.press("r");
    assert.equal(await desk.evaluate(() => document.activeElement.id), "f-body");
    await desk.keyboard.type("Which partner?");
    await desk.locator("button[value=reply]").focus();
    await Promise.all([desk.waitForEvent("load"), desk.keyboard.press("Enter")]);
    assert.match(await desk.locator("main").innerText(), words.theirs);

    // The requester reads the answer and the clocks, and never the note.
    await page.goto(`${server.base}${path}`);
    const seen = await page.locator("main").innerText();
    assert.match(seen, /Which partner\?/);
    assert.match(seen, words.theirs);
    assert.doesNotMatch(seen, /only for us/);
    await looks(page, context, pictures, `requester-${lang}`);
    await context.close();

    // Switched off, the keys do nothing.
    await desk.goto(`${server.base}/support/me`);
    await looks(desk, support, pictures, `me-${lang}`);
    await desk.locator("#f-has_keys").uncheck();
    await desk.locator("main form button.main").click();
    await desk.waitForURL("**/support");
    await desk.goto(`${server.base}/support/${id}`);
    await desk.keyboard.press("r");
    assert.notEqual(await desk.evaluate(() => document.activeElement.id), "f-body");
    await desk.goto(`${server.base}/support/me`);
    await desk.locator("#f-has_keys").check();
    await desk.locator("main form button.main").click();
    await support.close();
    assert.deepEqual(server.mistakes(), []);
  });

  test(`plans, and one that is tried without scripts (${lang})`, async () => {
    const context = await open(browser, { lang, cookies: admin }), page = await context.newPage();
    for (const [name, path] of [["plans", "/support/plans"], ["report", "/support/report"], ["replies", "/support/replies"], ["premier", "/premier"]]) {
      await page.goto(`${server.base}${path}`);
      await looks(page, context, pictures, `${name}-${lang}`);
    }
    await page.goto(`${server.base}/support/plans`);
    await page.locator("main a[href^='/support/plans/h']").first().click();
    await page.locator("#f-holidays").fill("FR");
    await page.locator("#f-zone").fill("Europe/Paris");
    await page.locator("main form[method=post] button.main").click();
    await page.waitForURL(/\/support\/plans\/h/);
    await page.locator("#f-opened").fill("2026-12-31T15:30");
    await page.locator("#f-severity").selectOption("c");
    await page.locator("main form[method=get] button.main").click();
    await page.waitForURL(/opened=/);
    assert.match(await page.locator("main").innerText(), WORDS[lang].holiday);
    await looks(page, context, pictures, `plan-${lang}`);
    await context.close();
  });
}
