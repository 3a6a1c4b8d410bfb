// A service request as people live it: opened from a mail with its receipt, answered by support, answered by mail, a change approved, solved, and found by
// the next who types the same. Without scripts as well.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, learned, sendMail, start } from "./server.mjs";
import { LANGS, launch, looks, open, signIn } from "./browser.mjs";

let server, browser, cookies, engineer;
const pictures = join(out, "request");
const WORDS = {
  en: { title: "Invoices of our bank land in quarantine", solution: "Allow the signer of the savings bank for thirty days.", applies: /Still applies/, closed: /Closed/ },
  "zh-CN": { title: "银行的账单邮件被隔离", solution: "将储蓄银行的签名域名允许三十天。", applies: /仍适用/, closed: /已关闭/ },
};

before(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await start();
  await learned(server);
  browser = await launch();
  cookies = await signIn(browser, server.link);
  const invited = await server.command(["person", "invite", "--role", "support-engineer", "engineer@support.example"]);
  assert.equal(invited.code, 0, invited.text);
  const once = await server.command(["person", "link", "engineer@support.example"]);
  const link = once.text.match(/http\S+|\/sign-in\/\S+|\/invitation\S+/)?.[0];
  assert.ok(link, once.text);
  engineer = await signIn(browser, link.startsWith("http") ? link.replace(/^https?:\/\/[^/]+/, server.base) : server.base + link);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const lang of LANGS) {
  test(`from a mail to a solution that the next one finds (${lang})`, async () => {
    const words = WORDS[lang];
    const context = await open(browser, { lang, cookies }), page = await context.newPage();
    const support = await open(browser, { lang, cookies: engineer }), desk = await support.newPage();
    await page.goto(`${server.base}/trace`);
    await page.locator("main table a[href^='/trace/m']").first().click();
    await page.locator("a[href^='/requests/new?evidence=mail:']").click();
    await page.locator("#f-title").fill(words.title);
    await page.locator("#f-description").fill(lang === "en" ? "Since Monday every invoice is held." : "周一以来每封账单都被扣留。");
    await page.locator("#suggested a[href^='/help/']").first().waitFor();
    await page.locator("#f-file").setInputFiles({ name: "mail.log", mimeType: "text/plain", buffer: Buffer.from("password=hunter2\n250 ok\n") });
    await page.locator("[data-uploads] li", { hasText: "mail.log" }).waitFor();
    await page.waitForFunction(() => !document.querySelector("[data-uploads] progress"));
    await page.locator("#see-trace").check();
    await looks(page, context, pictures, `new-${lang}`);
    await page.locator("button[value=open]").click();
    await page.waitForURL(/\/requests\/r/);
    const path = new URL(page.url()).pathname;
    await page.locator("a", { hasText: "mail.log" }).first().waitFor();
    await looks(page, context, pictures, `opened-${lang}`);

    // Support: what was allowed and nothing else, then an answer.
    await desk.goto(`${server.base}${path}`);
    await desk.locator("button[value=take]").click();
    await desk.locator(`form[action$='/look'] button`).click();
    assert.equal((await desk.goto(`${server.base}/trace`)).status(), 200);
    assert.ok((await desk.goto(`${server.base}/quarantine`)).status() >= 400);
    await desk.goto(`${server.base}${path}`);
    await looks(desk, support, pictures, `support-${lang}`);
    await desk.locator("#f-body").fill("Which bank is it?");
    await desk.locator("button[value=answer]").click();

    // The letter, and an answer as Gmail writes it.
    const sent = await letter(path);
    const reply = await sendMail(server.smtp, {
      from: "admin@demo.example", to: sent, subject: "Re: x",
      text: "The savings bank.\r\n\r\nOn Tue, Nov 24, 2026 at 1:00 PM Gatepost support <\r\nrequest@mx.example> wrote:\r\n\r\n> Which bank is it?",
    });
    assert.match(reply, /^250/);
    await page.goto(`${server.base}${path}`);
    await page.locator(".words", { hasText: "The savings bank." }).first().waitFor();

    // A change is proposed and approved.
    await desk.goto(`${server.base}${path}`);
    await desk.locator("#proposals summary, section[aria-labelledby=proposals] summary").first().click();
    await desk.locator("form[action$='/proposals'] [name=value]").fill(`bank-${lang.toLowerCase()}.example`);
    await desk.locator("form[action$='/proposals'] [name=kind]").selectOption("domain");
    await desk.locator("form[action$='/proposals'] [name=why]").fill("It is theirs.");
    await desk.locator("form[action$='/proposals'] button").click();
    await page.goto(`${server.base}${path}`);
    await page.locator("button[value=approve]").click();
    await page.goto(`${server.base}/entries`);
    await page.getByText(`bank-${lang.toLowerCase()}.example`).first().waitFor();

    await desk.goto(`${server.base}${path}`);
    await desk.locator("#f-body").fill(words.solution);
    await desk.locator("button[value=resolve]").click();
    await page.goto(`${server.base}${path}`);
    await page.locator("button[value=solved]").click();
    await page.getByText(words.closed).first().waitFor();

    // The next one, without scripts.
    const plain = await open(browser, { lang, cookies, scripts: false }), next = await plain.newPage();
    await next.goto(`${server.base}/requests/new`);
    await next.locator("#f-title").fill(words.title);
    await next.locator("button[value=search]").click();
    await next.getByText(words.solution).first().waitFor();
    await next.getByText(words.applies).first().waitFor();
    await next.goto(`${server.base}/requests?show=closed`);
    await next.getByText(words.title).first().waitFor();
    for (const one of [context, support, plain]) await one.close();
    assert.deepEqual(server.mistakes(), []);
  });
}

/** The address that the last letter about a request is answered to, from the demo's mailbox. */
async function letter(path) {
  const id = path.split("/").pop();
  const { readdirSync, readFileSync, statSync } = await import("node:fs");
  const files = (folder) => readdirSync(folder).flatMap((name) => { const one = join(folder, name); return statSync(one).isDirectory() ? files(one) : [one]; });
  for (let tries = 0; tries < 100; tries++) {
    for (const one of files(join(server.data, "data"))) {
      if (!/\.(eml)$|\/new\//.test(one)) continue;
      const text = readFileSync(one, "latin1");
      const found = text.match(new RegExp(`^From:[\\s\\S]{0,200}?<(request\\+${id}\\.[a-z0-9]+@[^>]+)>`, "m"));
      // A Chinese letter is written in base64.
      const decoded = (text.match(/(?:[A-Za-z0-9+/=]{2,76}\r?\n)+/g) ?? []).map((block) => Buffer.from(block, "base64").toString("utf8")).join("");
      if (found && /Which bank/.test(text + decoded)) return found[1];
    }
    await new Promise((done) => setTimeout(done, 200));
  }
  return assert.fail(`no letter about ${id}: ${server.log()}`);
}
