// Trace as people use it: find a mail, read its story, judge it again, follow what comes in, read a header.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, sendMail, start } from "./server.mjs";
import { LANGS, axe, launch, open, signIn, wider } from "./browser.mjs";

let server, browser, cookies;
const pictures = join(out, "trace");

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

const go = async (context, path) => {
  const page = await context.newPage();
  await page.goto(server.base + path);
  return page;
};

test("why was it held: from the search field to the reasons and the way it came, and judged again", async () => {
  const context = await open(browser, { cookies });
  const page = await go(context, "/trace");
  await page.keyboard.press("/");
  await page.keyboard.type("share@docs-online.example");
  await page.keyboard.press("Enter");
  await page.waitForURL(/sender=/);
  await page.locator("table.list a[href^='/trace/m']").first().click();
  const text = await page.locator("main").textContent();
  assert.match(text, /Held/);
  assert.ok(await page.locator("section:has(#verdict) ol li").count() > 0, "reasons");
  assert.ok(await page.locator("section:has(#way) svg.chart").count() === 1, "the way it came, drawn");
  assert.ok(await page.locator("section:has(#way) table tbody tr").count() > 0, "and as a table");
  await page.screenshot({ path: join(pictures, "mail.png"), fullPage: true });
  assert.deepEqual((await axe(page)).violations, []);
  await page.getByRole("button", { name: "Judge it again" }).click();
  assert.match(await page.locator("main").textContent(), /It would be judged (the same|otherwise) today/);
  await page.screenshot({ path: join(pictures, "again.png"), fullPage: true });
  assert.deepEqual((await axe(page)).violations, []);
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("a search that was not over in its time goes on by itself, and says when it is", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  // The demo's mails are looked through at once: the first part is made to be one that was cut short.
  await page.route(/\/trace\?subject=nowhere$/, async (route) => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace('<div id="rows"', '<div id="rows" data-search-on="/trace?sender=share%40docs-online.example"');
    await route.fulfill({ response: answer, body });
  });
  await page.goto(`${server.base}/trace?subject=nowhere`);
  await page.locator("table.list a[href^='/trace/m']").first().waitFor();
  assert.equal(await page.locator("#rows .empty").count(), 0, "what said that there was nothing is gone");
  assert.equal(await page.locator("#rows[aria-busy]").count(), 0);
  await page.waitForFunction(() => document.getElementById("live").textContent.includes("complete"));
  assert.deepEqual((await axe(page)).violations, []);
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("mail that comes in shows by itself, and stops when told to", async () => {
  const context = await open(browser, { cookies });
  const page = await go(context, "/trace");
  await page.getByRole("link", { name: "Follow live" }).click();
  const subject = `Live ${Date.now()}`;
  assert.match(await sendMail(server.smtp, { from: "tom@partner.example", to: "alice@demo.example", subject, text: "Hello" }), /^250/);
  await page.locator("table.list", { hasText: subject }).waitFor();
  await page.getByRole("link", { name: "Stop following" }).click();
  assert.equal(await page.locator("[hx-trigger]").count(), 0);
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("what is out of range or wrong is said at the field", async () => {
  const context = await open(browser, { cookies });
  const page = await go(context, "/trace?since=2001-01-01T00%3A00&ip=nonsense");
  assert.match(await page.locator(".summary").textContent(), /Nothing is kept from before/);
  assert.equal(await page.locator("#f-ip[aria-invalid=true]").count(), 1);
  await context.close();
});

test("without scripts: a pasted header is read", async () => {
  const context = await open(browser, { cookies, scripts: false });
  const page = await go(context, "/trace");
  await page.getByRole("link", { name: "Read a header" }).click();
  await page.locator("textarea").fill("Received: from b.example by c.example with ESMTPS id x; Tue, 24 Nov 2026 12:01:30 +0000\nReceived: from a.example by b.example; Tue, 24 Nov 2026 12:00:00 +0000\nSubject: Slow\nDate: Tue, 24 Nov 2026 11:59:58 +0000\n");
  await page.getByRole("button", { name: "Read it" }).click();
  assert.match(await page.locator("section:has(#way)").textContent(), /1 min 30 s/);
  await page.screenshot({ path: join(pictures, "header.png"), fullPage: true });
  await context.close();
});

for (const lang of LANGS) {
  test(`on a telephone, in ${lang}: nothing is wider than the window`, async () => {
    const context = await open(browser, { cookies, lang, width: 320, colours: "dark" });
    const page = await go(context, "/trace");
    const first = await page.locator("table.list a[href^='/trace/m']").first().getAttribute("href");
    for (const path of ["/trace", first, "/trace/header", "/trace/refused", "/quarantine", "/quarantine/mine", "/quarantine/requests", "/quarantine/policies", "/quarantine/policies/new"]) {
      await page.goto(server.base + path);
      assert.deepEqual(await wider(page), [], path);
      assert.deepEqual((await axe(page)).violations, [], path);
      await page.screenshot({ path: join(pictures, `${lang}${path.replaceAll("/", "-")}.png`), fullPage: true });
    }
    await context.close();
  });
}

test("nothing failed and no words were missing", () => assert.deepEqual(server.mistakes(), []));
