// The troubleshooter as people use it: by keyboard, in both languages, without scripts, and the bounce explainer.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, start } from "./server.mjs";
import { LANGS, axe, launch, open, signIn, wider } from "./browser.mjs";

let server, browser, cookies;
const pictures = join(out, "troubleshoot");
const WORDS = {
  en: { go: "Find the cause", held: /Certain/, text: "Why was the mail of share@docs-online.example held?", bounce: /The mailbox is full/ },
  "zh-CN": { go: "查找原因", held: /确定/, text: "share@docs-online.example 的邮件为什么被隔离？", bounce: /邮箱已满/ },
};

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

for (const lang of LANGS) {
  test(`from a complaint to the cause by keyboard alone (${lang})`, async () => {
    const context = await open(browser, { cookies, lang });
    const page = await context.newPage();
    await page.goto(server.base + "/troubleshoot");
    await page.locator("#f-text").focus();
    await page.keyboard.type(WORDS[lang].text);
    for (let n = 0; n < 12; n++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement?.matches("main form button.main"))) break;
    }
    assert.equal((await page.evaluate(() => document.activeElement.textContent)).trim(), WORDS[lang].go);
    await page.keyboard.press("Enter");
    await page.waitForURL(/troubleshoot\/[0-9a-f]+$/);
    await page.locator("#causes").waitFor();
    assert.match(await page.locator("main").textContent(), WORDS[lang].held);
    assert.ok(await page.locator("section:has(#causes) a[href^='/trace/m']").count() > 0, "evidence leads to the mail");
    await page.screenshot({ path: join(pictures, `answer-${lang}.png`), fullPage: true });
    assert.deepEqual((await axe(page)).violations, []);
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });

  test(`a bounce is explained without scripts, at 320 pixels (${lang})`, async () => {
    const context = await open(browser, { lang, width: 320, scripts: false });
    const page = await context.newPage();
    await page.goto(server.base + "/help/bounce");
    await page.locator("textarea").fill("552 5.2.2 mailbox full");
    await page.locator("main form button.main").click();
    assert.match(await page.locator("main").textContent(), WORDS[lang].bounce);
    assert.deepEqual(await wider(page), []);
    await page.screenshot({ path: join(pictures, `bounce-${lang}.png`), fullPage: true });
    await context.close();
  });
}

for (const lang of LANGS) {
  test(`a bounce is explained by keyboard, pasted and as a file, and leads to the article of its code (${lang})`, async () => {
    const context = await open(browser, { lang });
    const page = await context.newPage();
    await page.goto(server.base + "/help/bounce");
    assert.deepEqual((await axe(page)).violations, []);
    await page.locator("textarea").focus();
    await page.keyboard.type("550 5.7.26 Unauthenticated email is not accepted");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator("#found").waitFor();
    assert.deepEqual((await axe(page)).violations, []);
    await page.locator("a[href='/help/code/5.7.26']").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/help\/code\/5\.7\.26$/);
    assert.match(await page.locator("h1").textContent(), /5\.7\.26/);
    assert.deepEqual((await axe(page)).violations, []);
    await page.goto(server.base + "/help/bounce");
    const saved = "From: mailer-daemon@a.example\r\nSubject: Undelivered\r\n\r\n<bo@b.example>: 552 5.2.2 mailbox full\r\n";
    await page.locator("input[type=file]").setInputFiles({ name: "bounce.eml", mimeType: "message/rfc822", buffer: Buffer.from(saved) });
    await page.locator("input[type=file]").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator("#found").waitFor();
    assert.match(await page.locator("main").textContent(), WORDS[lang].bounce);
    assert.match(await page.locator("main").textContent(), /bo@b\.example/);
    await page.screenshot({ path: join(pictures, `file-${lang}.png`), fullPage: true });
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });
}

test("from a mail of the trace with one click, narrow, and nothing is wider than the window", async () => {
  const context = await open(browser, { cookies, width: 320 });
  const page = await context.newPage();
  await page.goto(server.base + "/trace?state=held");
  await page.locator("table.list a[href^='/trace/m']").first().click();
  await page.getByRole("button", { name: "Why did this happen?" }).click();
  await page.waitForURL(/troubleshoot\/[0-9a-f]+$/);
  await page.locator("#causes").waitFor();
  await page.screenshot({ path: join(pictures, "narrow.png"), fullPage: true });
  assert.deepEqual(await wider(page), []);
  await page.goto(server.base + "/troubleshoot");
  assert.deepEqual(await wider(page), []);
  assert.deepEqual((await axe(page)).violations, []);
  await context.close();
});
