// The assistant and the help: asked with the keyboard in both languages, without scripts too; what it cannot know it says.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { out, learned, start } from "./server.mjs";
import { LANGS, axe, launch, open, signIn, wider } from "./browser.mjs";

const WORDS = {
  en: { held: "why did you stop my mail from a supplier", article: "why-was-it-held", call: "which number do I ring in France", none: "how do I bake bread", unknown: /I do not know/, again: /either/, person: "Talk to a person", yes: "Yes, look into the records", useful: "Yes", thanks: "Thank you. Operators see which articles help." },
  "zh-CN": { held: "供应商的邮件为什么被拦了", article: "why-was-it-held", call: "法国的客服电话是多少", none: "怎么烤面包", unknown: /我不知道/, again: /也不知道/, person: "联系人工", yes: "是的，请查阅记录", useful: "有", thanks: "谢谢。运营者会看到哪些文章有帮助。" },
};

let server, browser, cookies;
const pictures = join(out, "agent");

before(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await start({ settings: "[dns]\nservers = \"off\"\n" });
  await learned(server);
  browser = await launch();
  cookies = await signIn(browser, server.link);
});
after(async () => { await browser?.close(); await server?.stop(); });

const picture = (page, name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });

/** Types into the question and sends it with the keyboard alone. */
async function say(page, text) {
  await page.locator("#f-q").focus();
  await page.keyboard.insertText(text);
  await page.keyboard.press("Tab");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

for (const lang of LANGS) for (const width of [1280, 320]) {
  test(`somebody who is not signed in asks with the keyboard, in ${lang} at ${width} px`, async () => {
    const words = WORDS[lang];
    const context = await open(browser, { lang, width, colours: width > 400 ? "light" : "dark" });
    const page = await context.newPage();
    await page.goto(`${server.base}/help`);
    await picture(page, `hub-${lang}-${width}`);
    assert.deepEqual(await wider(page), []);
    assert.deepEqual((await axe(page)).violations, []);
    await page.goto(`${server.base}/help/agent`);
    await say(page, words.held);
    const answer = page.locator("#answer");
    assert.match(await answer.locator("a").first().getAttribute("href"), new RegExp(`/help/article/${words.article}`));
    assert.equal(await answer.locator("blockquote").count(), 1, "the source is quoted");
    assert.equal(await page.locator("main [role=log]").count(), 1);
    assert.equal(await answer.locator("form[action='/troubleshoot']").count(), 0, "records are looked into for those who are signed in");
    await say(page, words.call);
    assert.equal(await page.locator("#answer a.button").getAttribute("href"), "tel:+33805540594");
    await say(page, words.none);
    assert.match(await page.locator("#answer").textContent(), words.unknown);
    await say(page, words.none);
    assert.match(await page.locator("#answer").textContent(), words.again);
    assert.equal(await page.locator("#answer a[href='/help/phone']").count(), 1);
    await picture(page, `talk-${lang}-${width}`);
    assert.deepEqual(await wider(page), []);
    assert.deepEqual((await axe(page)).violations, []);
    await page.getByRole("button", { name: words.person }).focus();
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    assert.equal(await page.locator("#answer a[href='/help/phone']").count(), 1);
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("button[formaction='/help/agent/transcript']").press("Enter")]);
    const text = readFileSync(await download.path(), "utf8");
    assert.ok(text.includes(words.held) && text.includes("/help/article/why-was-it-held"), text);
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });

  test(`a translated article shows its original, and takes a word about itself, in ${lang} at ${width} px`, async () => {
    const words = WORDS[lang];
    const context = await open(browser, { lang, width });
    const page = await context.newPage();
    await page.goto(`${server.base}/help/article/release`);
    const first = page.locator(".block").first();
    const original = first.locator("[popover]");
    if (lang === "zh-CN") {
      await first.locator("button.other").focus();
      await original.waitFor({ state: "visible" });
      assert.match(await original.textContent(), /Releasing sends the held mail/);
      await picture(page, `original-${width}`);
      assert.deepEqual((await axe(page)).violations, []);
      await page.keyboard.press("Escape");
      await original.waitFor({ state: "hidden" });
      await page.locator("h1").hover();
      await first.hover();
      await original.waitFor({ state: "visible" });
      await page.locator("h1").hover();
    } else {
      await first.hover();
      assert.equal(await original.isVisible(), false, "English is the original");
    }
    assert.deepEqual(await wider(page), []);
    await page.goto(`${server.base}/help/article/release?both=1`);
    assert.ok(await page.locator(".pair").count() > 5);
    assert.deepEqual(await wider(page), []);
    await page.locator("#f-words").fill("…");
    await page.getByRole("button", { name: words.useful, exact: true }).focus();
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    await page.getByText(words.thanks).waitFor();
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });
}

test("signed in, the agent looks into the records only after a yes", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  await page.goto(`${server.base}/help/agent`);
  await say(page, "a mail from friend@partner.example to alice@demo.example did not arrive");
  await page.getByRole("button", { name: WORDS.en.yes }).focus();
  await Promise.all([page.waitForURL(/\/troubleshoot\/./), page.keyboard.press("Enter")]);
  assert.match(await page.locator("main").textContent(), /friend@partner\.example/);
  await page.goto(`${server.base}/help-votes`);
  await page.getByRole("link", { name: "Release held mail" }).first().waitFor();
  await picture(page, "votes");
  assert.deepEqual((await axe(page)).violations, []);
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("without scripts the agent answers as well", async () => {
  const context = await open(browser, { scripts: false });
  const page = await context.newPage();
  await page.goto(`${server.base}/help/agent?q=what%20does%205.7.1%20mean`);
  assert.match(await page.locator("#answer a").first().getAttribute("href"), /5\.7\.1/);
  await page.locator("#f-q").fill("is the service down");
  await page.locator("form.panel button.main").click();
  await page.locator("#answer .note").first().waitFor();
  assert.equal(await page.locator("#answer a[href='/health']").count() > 0, true);
  await context.close();
});
