// The desk of support by the keyboard alone: from the queue to an answer, a note and an assignment; single keys switched off; a plan that is tried.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, learned, start } from "./server.mjs";
import { LANGS, launch, looks, open, press, seen, signIn, type, wider } from "./browser.mjs";

let server, browser, admin, engineer;
const pictures = join(out, "support");
const WORDS = {
  en: { title: "Mail to partners waits", ball: /Support has to act/, theirs: /The requester has to act/, stopped: "Live updates are stopped.", holiday: /1 January 2027 is a public holiday/ },
  "zh-CN": { title: "发给合作伙伴的邮件在排队", ball: /轮到支持人员处理/, theirs: /等待提交人回应/, stopped: "实时更新已停止。", holiday: /2027年1月1日是公共假日/ },
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
  await learned(server);
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

  test(`the queue follows by itself and nobody loses the focus, a tick or a row (${lang})`, async () => {
    const context = await open(browser, { lang, cookies: admin }), page = await context.newPage();
    const ask = async (title) => {
      await page.goto(`${server.base}/requests/new`);
      await page.locator("#f-title").fill(title);
      await page.locator("#f-description").fill(title);
      await page.locator("button[value=open]").click();
      await page.waitForURL(/\/requests\/r/);
      return new URL(page.url()).pathname.split("/").pop();
    };
    const kept = await ask(`${WORDS[lang].title} 1`), taken = await ask(`${WORDS[lang].title} 2`);
    const support = await open(browser, { lang, cookies: engineer }), desk = await support.newPage(), other = await support.newPage();
    const see = await seen(desk);
    await desk.goto(`${server.base}/support?view=unassigned`);
    const tick = desk.locator(`#rows input[name=pick][value="${taken}"]`);
    await tick.check();
    await desk.locator(`#rows a[href="/support/${kept}"]`).focus();
    const focused = () => desk.evaluate(() => document.activeElement.getAttribute("href"));
    const title = `${WORDS[lang].title} 3`, fresh = await ask(title);
    await desk.locator(`#rows a[href="/support/${fresh}"]`).waitFor();
    assert.equal(await focused(), `/support/${kept}`, "the focus stays");
    assert.ok(await tick.isChecked(), "the tick stays");
    assert.ok((await desk.locator("#live").textContent()).includes(title), "it is said");
    // Somebody takes what is ticked here: it stays, and says that it left.
    await other.goto(`${server.base}/support/${taken}`);
    await Promise.all([other.waitForEvent("load"), other.locator("button[value=take]").first().click()]);
    await desk.locator("#rows tr.gone").waitFor();
    assert.ok(await tick.isChecked(), "the tick stays");
    assert.equal(await focused(), `/support/${kept}`, "the focus stays");
    await looks(desk, support, pictures, `live-${lang}`);
    await desk.locator(`#rows input[name=pick][value="${taken}"]`).uncheck();
    await desk.locator("h1").evaluate((heading) => { heading.tabIndex = -1; heading.focus(); });
    await ask(`${WORDS[lang].title} 4`);
    await desk.locator("#rows tr.gone").waitFor({ state: "detached" });
    // It can be stopped (WCAG 2.2.2), and stays so.
    await press(desk, "[data-follow]");
    await desk.reload();
    assert.notEqual(await desk.locator("#live-state").textContent(), "");
    await press(desk, "[data-follow]");
    // Whoever was signed out elsewhere is told that nothing comes any more.
    await support.clearCookies({ name: "gatepost" });
    await see(false);
    await see(true);
    await desk.getByText(WORDS[lang].stopped).waitFor();
    await support.close();
    await context.close();
    assert.deepEqual(server.mistakes(), []);
  });

  test(`an engineer looks and diagnoses under consent, without scripts (${lang})`, async () => {
    const context = await open(browser, { lang, cookies: admin }), page = await context.newPage();
    await page.goto(`${server.base}/requests/new`);
    await page.locator("#f-title").fill(WORDS[lang].title);
    await page.locator("#f-description").fill("bank@bank.example → zoe@demo.example");
    await page.locator("button[value=open]").click();
    await page.waitForURL(/\/requests\/r/);
    const path = new URL(page.url()).pathname, id = path.split("/").pop();
    for (const width of [320, 1280]) {
      const support = await open(browser, { lang, cookies: engineer, scripts: false, width }), desk = await support.newPage();
      await desk.goto(`${server.base}/support/${id}`);
      assert.equal(await desk.locator("#side a[href*='see=']").count(), 0, "nothing may be seen");
      assert.equal(await desk.locator("#side a[href$='/diagnosis']").count(), 0);
      await support.close();
    }
    for (const see of ["trace", "health", "settings"]) await page.locator(`#see-${see}`).check();
    await page.locator("form[action$='/consent'] button").click();
    await page.locator("form[action*='/consent/'] button").waitFor();
    for (const width of [320, 1280]) {
      const support = await open(browser, { lang, cookies: engineer, scripts: false, width }), desk = await support.newPage();
      await desk.goto(`${server.base}/support/${id}`);
      await desk.locator("#side a[href*='see=all']").click();
      await desk.locator("#side").getByText("demo.example", { exact: true }).first().waitFor();
      await desk.screenshot({ path: join(pictures, `side-${width}-${lang}.png`), fullPage: true });
      assert.deepEqual(await wider(desk), []);
      await support.close();
    }
    const support = await open(browser, { lang, cookies: engineer }), desk = await support.newPage();
    await desk.goto(`${server.base}/support/${id}?see=all`);
    await looks(desk, support, pictures, `side-${lang}`);
    await press(desk, "#side a[href$='/diagnosis']");
    await desk.locator("#f-text").waitFor();
    await looks(desk, support, pictures, `diagnose-${lang}`);
    await type(desk, "#f-recipient", "zoe@demo.example");
    await press(desk, "main form[action$='/diagnosis'] button.main");
    await desk.locator("#attach").waitFor();
    await looks(desk, support, pictures, `diagnosed-${lang}`);
    await press(desk, "button[value=reply]");
    await desk.waitForURL(`**/support/${id}`);
    await desk.goto(`${server.base}/support/${id}/known-issue`);
    await looks(desk, support, pictures, `known-${lang}`);
    await support.close();
    await page.goto(`${server.base}${path}`);
    assert.match(await page.locator("#talk").locator("..").innerText(), /\/troubleshoot\//, "the requester reads the result");
    assert.ok(await page.locator("#consent").locator("..").getByText(`/support/${id}`).count() >= 3, "and what was looked at");
    await context.close();
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
