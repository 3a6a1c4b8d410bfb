// The overview and the help as people use them, in both languages, with and without scripts.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { learned, sendMail, start } from "./server.mjs";
import { LANGS, launch, open, seen, signIn } from "./browser.mjs";

const WORDS = {
  en: { received: "Mails received", stop: "Stop live figures", start: "Follow live", stopped: "Live figures are stopped.", help: "Search the help", question: "why was my mail held", answer: "Why was a mail held?", other: "This part in 简体中文" },
  "zh-CN": { received: "收到的邮件", stop: "停止实时更新", start: "实时更新", stopped: "实时更新已停止。", help: "搜索帮助", question: "邮件为什么被隔离", answer: "邮件为什么被隔离？", other: "查看此段的 English" },
};
const COUNTED_WITHIN_MS = 60_000;
let server, browser, cookies;

before(async () => {
  server = await start();
  await learned(server);
  browser = await launch();
  cookies = await signIn(browser, server.link);
});
after(async () => { await browser?.close(); await server?.stop(); });

const tile = (page, title) => page.locator(".tiles li", { hasText: title }).locator(".figure");
const number = async (page, title) => Number((await tile(page, title).textContent()).replaceAll(",", ""));

test("a mail that arrives is seen in the live figures without a reload", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  await page.goto(server.base + "/overview");
  await page.waitForFunction((title) => [...document.querySelectorAll(".tiles li")].some((li) => li.textContent.includes(title) && /[1-9]/.test(li.querySelector(".figure").textContent)), WORDS.en.received, { timeout: COUNTED_WITHIN_MS });
  const before = await number(page, WORDS.en.received);
  const reply = await sendMail(server.smtp, { from: "tom@partner.example", to: "alice@demo.example", subject: "Live", text: "Lunch?" });
  assert.match(reply, /^250/);
  await page.waitForFunction(([title, before]) => [...document.querySelectorAll(".tiles li")].some((li) => li.textContent.includes(title) && Number(li.querySelector(".figure").textContent.replaceAll(",", "")) > before), [WORDS.en.received, before], { timeout: COUNTED_WITHIN_MS });
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

for (const lang of LANGS) {
  test(`live figures stop and go on with the keyboard, and the choice is kept, in ${lang}`, async () => {
    const context = await open(browser, { lang, cookies });
    const page = await context.newPage();
    await page.goto(server.base + "/overview?span=week");
    const button = page.getByRole("button", { name: WORDS[lang].stop });
    await button.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: WORDS[lang].start }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: WORDS[lang].start }).click();
    await page.getByRole("button", { name: WORDS[lang].stop }).waitFor();
    assert.equal(await page.locator(".interactive").count() > 0, true, "charts are interactive with scripts");
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });

  test(`live figures of somebody who was signed out stop and say so, in ${lang}`, async () => {
    const context = await open(browser, { lang, cookies });
    const page = await context.newPage();
    const see = await seen(page);
    const isLive = (one) => one.url().includes("/overview/live");
    await Promise.all([page.waitForEvent("response", isLive), page.goto(server.base + "/overview")]);
    await page.getByRole("button", { name: WORDS[lang].stop }).waitFor();
    await context.clearCookies({ name: "gatepost" });
    await see(false);
    const [refused] = await Promise.all([page.waitForEvent("response", isLive), see(true)]);
    assert.equal(refused.status(), 401);
    await page.getByText(WORDS[lang].stopped).waitFor();
    await page.getByRole("button", { name: WORDS[lang].start }).waitFor();
    let asked = 0;
    page.on("request", (one) => { asked += isLive(one) ? 1 : 0; });
    await page.waitForTimeout(3_000);
    assert.equal(asked, 0, "it is not asked for again");
    assert.ok(await page.locator("#figures .tiles").first().isVisible(), "the figures stay");
    // htmx's stream names the answer in the console, as it does with every one that is no stream.
    assert.deepEqual(context.mistakes.filter((line) => !line.includes("htmx:sse:error: SSE reconnect failed with status 401")), []);
    await context.close();
  });

  test(`a question leads to its article, and each part to its other language, in ${lang}`, async () => {
    const context = await open(browser, { lang, cookies, width: 320 });
    const page = await context.newPage();
    await page.goto(server.base + "/help");
    await page.getByLabel(WORDS[lang].help).last().fill(WORDS[lang].question);
    await page.keyboard.press("Enter");
    await page.locator(".hits a").first().click();
    assert.equal(await page.locator("h1").textContent(), WORDS[lang].answer);
    const other = page.getByRole("button", { name: WORDS[lang].other }).first();
    await other.focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#other-1").isVisible(), true);
    assert.notEqual(await page.locator("#other-1").getAttribute("lang"), lang);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#other-1").isVisible(), false);
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });
}

test("without scripts the overview has its figures, charts and tables, and the help its answers", async () => {
  const context = await open(browser, { cookies, scripts: false });
  const page = await context.newPage();
  await page.goto(server.base + "/overview");
  assert.equal(await page.locator("svg.chart").count(), 3);
  await page.locator("details > summary", { hasText: "As a table" }).first().click();
  assert.equal(await page.locator("#table-verdict tbody tr").count(), 24);
  await page.goto(server.base + "/search?q=release");
  assert.equal(await page.locator('a[href="/help/article/release"]').count() > 0, true);
  await context.close();
});
