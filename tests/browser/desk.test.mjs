// A refused sender outside and an administrator inside, by keyboard alone, in both languages: from the code in our reply to the answer.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, sendMail, start } from "./server.mjs";
import { LANGS, axe, launch, looks, open, press, signIn, type } from "./browser.mjs";

let server, browser, cookies;
const pictures = join(out, "desk");
const WORDS = {
  en: { why: /recipient's address was not accepted/, waiting: /Waiting/, declined: /Declined/, answer: "Please use the form on our site.", reach: /Can mail reach/ },
  "zh-CN": { why: /收件人地址未被接受/, waiting: /等待答复/, declined: /已拒绝/, answer: "请使用我们网站上的表单。", reach: /邮件能否送达/ },
};

before(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await start({ settings: "[web]\nprivate_targets = true\n" });
  browser = await launch();
  cookies = await signIn(browser, server.link);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const lang of LANGS) {
  test(`from the code of a refusal to the administrator's answer (${lang})`, async () => {
    const reply = await sendMail(server.smtp, { from: `bob-${lang}@partner.example`, to: "nobody@demo.example", subject: "Hello", text: "Hello" });
    assert.match(reply, /^550 5\.4\.1 .*\((e[0-9a-z]{13})\)/, reply);
    const outside = await open(browser, { lang });
    const page = await outside.newPage();
    await page.goto(server.base + "/refused");
    await looks(page, outside, pictures, `form-${lang}`);
    await type(page, "#f-pasted", `<nobody@demo.example>: host mx.demo.example said: ${reply} (in reply to RCPT TO command)`);
    await type(page, "#f-from", `bob-${lang}@partner.example`);
    await press(page, "main form button.main");
    await page.locator("#what").waitFor();
    assert.match(await page.locator("h1").textContent(), WORDS[lang].why);
    assert.doesNotMatch(await page.locator("main").textContent(), /nobody@demo/, "no recipient is told");
    await looks(page, outside, pictures, `told-${lang}`);
    await press(page, "form[action$='/test'] button");
    await page.locator("#tests").waitFor();
    assert.ok(await page.locator("section:has(#tests) .badge").count() >= 5, "the asker's side is tested");
    await looks(page, outside, pictures, `tested-${lang}`);
    await type(page, "#f-why", "We are your partner.");
    await type(page, "#f-contact", `bob-${lang}@partner.example`);
    await press(page, "form[action$='/ask'] button.main");
    await page.waitForURL(/\/refused\/asks\//);
    const link = page.url();
    assert.match(await page.locator("#state").textContent(), WORDS[lang].waiting);
    await looks(page, outside, pictures, `state-${lang}`);

    const inside = await open(browser, { cookies, lang });
    const admin = await inside.newPage();
    await admin.goto(server.base + "/second-looks");
    await looks(admin, inside, pictures, `queue-${lang}`);
    await press(admin, "main table a[href^='/second-looks/s']");
    await admin.locator("#refusal").waitFor();
    assert.match(await admin.locator("main").textContent(), /nobody@demo\.example/, "the administrator sees who was written to");
    await press(admin, "button[value=again]");
    await admin.locator("#again").waitFor();
    await looks(admin, inside, pictures, `look-${lang}`);
    await type(admin, "#f-answer", WORDS[lang].answer);
    await press(admin, "button[value=decline]");
    await admin.waitForURL(/\/second-looks$/);

    await page.goto(link);
    assert.match(await page.locator("#state").textContent(), WORDS[lang].declined);
    assert.match(await page.locator("main").textContent(), new RegExp(WORDS[lang].answer.slice(0, 6)));
    await outside.close();
    await inside.close();
  });

  test(`a connection is tested step by step (${lang})`, async () => {
    const context = await open(browser, { cookies, lang });
    const page = await context.newPage();
    await page.goto(server.base + "/connectivity");
    await looks(page, context, pictures, `connectivity-${lang}`);
    await type(page, "#f-target", server.smtp);
    await press(page, "form[aria-labelledby=in] button.main");
    await page.locator("#take").waitFor();
    assert.match(await page.locator("h1").textContent(), WORDS[lang].reach);
    assert.ok(await page.locator("ol.findings li").count() >= 5, "connect, greeting, EHLO, STARTTLS, MAIL");
    await looks(page, context, pictures, `connectivity-result-${lang}`);
    await context.close();
  });

  test(`the recovery assistant looks, and the bundle is shown before it leaves (${lang})`, async () => {
    const context = await open(browser, { cookies, lang });
    const page = await context.newPage();
    await page.goto(server.base + "/admin/doctor");
    await press(page, "form[action='/admin/doctor'] button.main");
    await page.locator("#rest").waitFor({ timeout: 60_000 });
    assert.ok(await page.locator("main a[href^='/help/doctor/']").count() > 10, "each look has its article");
    await looks(page, context, pictures, `doctor-${lang}`);
    await page.locator("main a[href^='/help/doctor/']").first().press("Enter");
    await page.waitForURL(/help\/doctor/);
    assert.equal(await page.locator("h1").count(), 1);
    await page.goto(server.base + "/admin/doctor/bundle");
    await press(page, "button[value=preview]");
    await page.locator("#inside").waitFor({ timeout: 60_000 });
    assert.match(await page.locator("main").textContent(), /settings\.toml/);
    await looks(page, context, pictures, `bundle-${lang}`);
    await context.close();
  });
}

test("without scripts and with only a code, a guess learns nothing of anybody", async () => {
  const reply = await sendMail(server.smtp, { from: "eve@partner.example", to: "nobody@demo.example", subject: "Hello", text: "Hello" });
  const code = reply.match(/\((e[0-9a-z]{13})\)/)[1];
  const context = await open(browser, { scripts: false, width: 320 });
  const page = await context.newPage();
  await page.goto(`${server.base}/refused/${code}`);
  const text = await page.locator("main").textContent();
  assert.doesNotMatch(text, /127\.0\.0\.1|partner\.example|nobody@/);
  await page.locator("#f-from").fill("other.example");
  await page.locator("main form button.main").click();
  await page.locator("[role=alert]").waitFor();
  await page.screenshot({ path: join(pictures, "guess.png"), fullPage: true });
  await context.close();
});

test("dark, the pages of the desk keep their contrast", async () => {
  const context = await open(browser, { cookies, colours: "dark" });
  const page = await context.newPage();
  for (const path of ["/refused", "/second-looks?state=answered", "/connectivity", "/admin/doctor"]) {
    await page.goto(server.base + path);
    assert.deepEqual((await axe(page, { colourOnly: true })).violations, [], path);
  }
  await page.screenshot({ path: join(pictures, "dark.png"), fullPage: true });
  await context.close();
});

test("nothing of this made the server complain", () => {
  assert.deepEqual(server.mistakes(), []);
});
