// The community as people use it, by keyboard, in both languages: ask, see what is similar, answer, accept, find; report and moderate; without scripts.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, learned, start } from "./server.mjs";
import { LANGS, launch, looks, open, press, signIn, tabTo, type } from "./browser.mjs";

let server, browser, cookies;
const pictures = join(out, "community");
const WORDS = {
  en: { title: "Which port does the milter listen on?", similar: "Which port has the milter by default?", solved: /Solved/, helped: /This answer helped/, held: /Nothing waits/, why: "Not about mail." },
  "zh-CN": { title: "隔离区的邮件保存多少天后删除？", similar: "隔离区的邮件保存几天？", solved: /已解决/, helped: /这个回答解决了问题/, held: /没有待处理的内容/, why: "与邮件无关。" },
};

before(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await start();
  await learned(server);
  browser = await launch();
  cookies = await signIn(browser, server.link);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const lang of LANGS) {
  test(`from a question to the answer that the next one finds (${lang})`, async () => {
    const words = WORDS[lang];
    const context = await open(browser, { lang, cookies });
    const page = await context.newPage();
    await page.goto(server.base + "/community");
    await looks(page, context, pictures, `${lang}-list`);
    await press(page, "main a[href='/community/ask']");
    await page.waitForURL(/\/community\/ask/);
    await looks(page, context, pictures, `${lang}-ask`);
    await tabTo(page, "#space-gatepost");
    await page.keyboard.press("Space");
    await type(page, "#f-title", words.title);
    await page.waitForSelector("#similar p[role=status]");
    await type(page, "#f-body", "`netstat` shows **nothing**.\n\n- one\n- two");
    await type(page, "#f-tags", "milter ports");
    await press(page, "main button[name=verb]");
    // What is similar is shown before it is posted; where nothing is, it was posted at once.
    await page.locator("main button[value=post], main button[value=answer]").first().waitFor();
    if (!/\/questions\//.test(page.url())) await press(page, "main button[value=post]");
    await page.waitForURL(/\/community\/questions\//);
    const question = page.url();
    assert.equal(await page.locator("h1").textContent(), words.title);
    assert.equal(await page.locator(".prose li").count(), 2);
    await looks(page, context, pictures, `${lang}-question`);
    await type(page, "#f-body", "It is in the settings under `[listen]`.");
    await press(page, "main button[value=answer]");
    await page.waitForSelector("article .prose code");
    await press(page, "main button[value=accept]");
    await page.waitForSelector("article .badge.good");
    assert.match(await page.locator("main").textContent(), words.helped);
    await looks(page, context, pictures, `${lang}-answered`);
    // The next one types nearly the same.
    await page.goto(server.base + "/community/ask");
    await type(page, "#f-title", words.similar);
    await page.waitForSelector(`#similar a[href='${new URL(question).pathname}']`);
    assert.match(await page.locator("#similar").textContent(), words.solved);
    await looks(page, context, pictures, `${lang}-similar`);
    await page.goto(`${server.base}/search?q=${encodeURIComponent(words.similar)}`);
    await page.waitForSelector(`main a[href='${new URL(question).pathname}']`);
    await looks(page, context, pictures, `${lang}-search`);
    await context.close();
  });

  test(`what is edited, reported and decided (${lang})`, async () => {
    const words = WORDS[lang];
    const context = await open(browser, { lang, cookies, colours: "dark" });
    const page = await context.newPage();
    await page.goto(server.base + "/community?show=unanswered");
    await page.locator("ol.hits > li > a").first().click();
    await page.waitForURL(/\/questions\//);
    const question = page.url();
    await press(page, "main a[href$='/edit']");
    await page.waitForURL(/\/edit$/);
    await type(page, "#f-why", "Clearer");
    await looks(page, context, pictures, `${lang}-edit`);
    await page.locator("#f-body").fill("A second version of the text.");
    await press(page, "main form button.main");
    await page.waitForURL(/\/questions\//);
    await press(page, "main a[href$='/history']");
    await page.waitForSelector("ins");
    await looks(page, context, pictures, `${lang}-history`);
    await page.goto(question);
    await press(page, "main a[href$='/report']");
    await page.waitForURL(/\/report$/);
    await tabTo(page, "#reason-spam");
    await page.keyboard.press("Space");
    await looks(page, context, pictures, `${lang}-report`);
    await press(page, "main form button.main");
    await page.waitForURL(/\/questions\//);
    await page.goto(server.base + "/community/moderation");
    await looks(page, context, pictures, `${lang}-moderation`);
    await type(page, "main input[name=reason]", words.why);
    await press(page, "main button[value=remove]");
    await page.waitForSelector("#said .toast");
    assert.match(await page.locator("main").textContent(), words.held);
    await page.goto(server.base + "/community/spaces");
    await looks(page, context, pictures, `${lang}-spaces`);
    await context.close();
  });
}

test("without scripts, and without signing in", async () => {
  const context = await open(browser, { scripts: false });
  const page = await context.newPage();
  await page.goto(server.base + "/community");
  assert.ok(await page.locator("ol.hits > li").count() > 5, "a public space is read by everybody");
  await page.locator("ol.hits > li > a").first().click();
  await page.waitForURL(/\/questions\//);
  assert.equal(await page.locator("textarea").count(), 0);
  const feed = await context.request.get(server.base + "/community/feed.atom");
  assert.match(await feed.text(), /<feed xmlns/);
  const mine = await page.goto(server.base + "/community?show=mine");
  assert.match(mine.url(), /\/sign-in/);
  await context.close();

  const signed = await open(browser, { scripts: false, cookies });
  const tab = await signed.newPage();
  await tab.goto(server.base + "/community/ask");
  await tab.locator("#space-gatepost").check();
  await tab.locator("#f-title").fill("How do I rotate a DKIM key safely?");
  await tab.locator("#f-body").fill("Without losing mail.");
  await tab.locator("main button[name=verb]").click();
  await tab.waitForSelector("main button[value=post]");
  assert.ok(await tab.locator("#similar li").count() > 0, "what is similar stands there before it is posted");
  await tab.locator("main button[value=post]").click();
  await tab.waitForURL(/\/community\/questions\//);
  await signed.close();
});
