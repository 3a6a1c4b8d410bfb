// A known issue and the request that it explains: asked from the issue's page, its workaround and its news on the request, linked by keyboard.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, learned, start } from "./server.mjs";
import { LANGS, launch, looks, open, signIn } from "./browser.mjs";

let server, browser, cookies;
const pictures = join(out, "known-issue");
const WORDS = {
  en: { title: "Bounces are slow", request: "Our bounces come late", other: "Late again", help: "Send it again after noon.", news: "We found the cause.", later: "Mended this evening." },
  "zh-CN": { title: "退信延迟", request: "我们的退信很晚才到", other: "又延迟了", help: "请在中午之后重发。", news: "已找到原因。", later: "今晚已修复。" },
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

/** Says it in both languages. */
async function say(page, name, word) {
  for (const [lang, field] of [["en", `${name}_en`], ["zh-CN", `${name}_zh`]]) await page.locator(`[name=${field}]`).first().fill(WORDS[lang][word]);
}

for (const lang of LANGS) {
  test(`a request shows what explains it (${lang})`, async () => {
    const words = WORDS[lang], width = lang === "en" ? 1280 : 320, colours = lang === "en" ? "light" : "dark";
    const operator = await open(browser, { lang, cookies }), desk = await operator.newPage();
    await desk.goto(`${server.base}/health/issues/new`);
    await desk.locator("[name=service]").selectOption("delivery");
    await desk.locator("[name=status]").selectOption("serviceDegradation");
    await say(desk, "title", "title");
    await say(desk, "workaround", "help");
    await desk.locator("[name=is_known]").check();
    await say(desk, "post", "news");
    await desk.locator("main form button.main").click();
    await desk.waitForURL(/\/health\/issues\/EX\d+$/);
    const issue = new URL(desk.url()).pathname;

    // Asked from the issue's page, it is linked.
    const context = await open(browser, { lang, width, colours, cookies }), page = await context.newPage();
    await page.goto(server.base + issue);
    await page.locator("a[href^='/requests/new?evidence=issue:']").click();
    await page.locator("#f-title").fill(words.request);
    await page.locator("#f-description").fill(words.request);
    await page.locator("button[value=open]").click();
    await page.waitForURL(/\/requests\/r/);
    const known = page.locator("section[aria-labelledby=known]");
    for (const text of [words.title, words.help, words.news]) await known.getByText(text).first().waitFor();
    await looks(page, context, pictures, `request-${lang}`);

    // News appear there; the issue lists the request.
    await desk.goto(server.base + issue);
    await say(desk, "post", "later");
    await desk.locator("main form button.main").first().click();
    await desk.waitForURL(new RegExp(`${issue}$`));
    await page.reload();
    await known.getByText(words.later).waitFor();
    await page.goto(server.base + issue);
    await page.locator("#requests + .card").getByRole("link", { name: words.request }).waitFor();
    await looks(page, context, pictures, `issue-${lang}`);

    // Another request, linked with the keyboard alone, and unlinked.
    await page.goto(`${server.base}/requests/new`);
    await page.locator("#f-title").fill(words.other);
    await page.locator("#f-description").fill(words.other);
    await page.locator("button[value=open]").click();
    await page.waitForURL(/\/requests\/r/);
    await page.locator("#f-issue").focus();
    await page.keyboard.type(issue.split("/").pop());
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await known.getByText(words.help).waitFor();
    await known.locator("button[value=unlink]").focus();
    await page.keyboard.press("Enter");
    await known.getByText(words.help).waitFor({ state: "detached" });
    assert.deepEqual([...context.mistakes, ...operator.mistakes], []);
    await context.close();
    await operator.close();
  });
}
