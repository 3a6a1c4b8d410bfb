// Service health as people use it: the bell rings without a reload, an operator publishes by keyboard, nothing is turned green.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, start } from "./server.mjs";
import { LANGS, axe, launch, open, seen, signIn, wider } from "./browser.mjs";

const HEALTH = '[health]\nevery = "300ms"\nenter_after = "300ms"\nleave_after = "1s"\n';
const WORDS = {
  en: { bell: /Notifications: (\d+|nothing) unread/, rung: /Notifications: [1-9]\d* unread/, status: "Service interruption", hit: "Was I hit?" },
  "zh-CN": { bell: /通知：\d+ 条未读/, rung: /通知：[1-9]\d* 条未读/, status: "服务中断", hit: "我是否受到影响？" },
};
let server, browser, cookies;
before(async () => {
  server = await start({ settings: HEALTH });
  browser = await launch();
  cookies = await signIn(browser, server.link);
  mkdirSync(out, { recursive: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens an issue as an operator does, with the keyboard alone. */
async function openIssue(page, title) {
  await page.goto(`${server.base}/health/issues/new`);
  const field = (name) => page.locator(`[name=${name}]`);
  await field("service").focus();
  await field("service").selectOption("delivery");
  await field("status").selectOption("serviceInterruption");
  await field("kind").selectOption("incident");
  await field("title_en").focus();
  await page.keyboard.type(title.en);
  await field("title_zh").focus();
  await page.keyboard.type(title["zh-CN"]);
  await field("post_en").focus();
  await page.keyboard.type("We are looking into it.");
  await page.locator("main form button.main").focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/health\/issues\/EX\d+$/);
  return new URL(page.url()).pathname;
}

for (const lang of LANGS) {
  test(`the bell rings without a reload and says politely what is new, in ${lang}`, async () => {
    const reader = await open(browser, { lang, cookies });
    const page = await reader.newPage();
    await page.goto(`${server.base}/health`);
    const bell = page.locator("[data-bell]");
    assert.match(await bell.getAttribute("aria-label"), WORDS[lang].bell);
    let loads = 0;
    page.on("load", () => loads++);
    const operator = await open(browser, { cookies });
    const title = { en: `Mail is late (${lang})`, "zh-CN": `邮件延迟（${lang}）` };
    const issue = await openIssue(await operator.newPage(), title);
    await page.waitForFunction((pattern) => new RegExp(pattern).test(document.querySelector("[data-bell]").getAttribute("aria-label")), WORDS[lang].rung.source);
    await page.waitForFunction((said) => document.getElementById("live").textContent.includes(said), title[lang]);
    assert.equal(loads, 0, "no reload");
    // By keyboard to the bell and to the issue.
    await bell.focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/bell$/);
    await page.getByRole("link", { name: issue.split("/").pop() }).first().click();
    await page.waitForURL(new RegExp(`${issue}$`));
    await page.getByText(WORDS[lang].status).first().waitFor();
    await page.getByRole("link", { name: WORDS[lang].hit }).waitFor();
    assert.deepEqual([...reader.mistakes, ...operator.mistakes], []);
    await reader.close();
    await operator.close();
  });
}

test("a page that nobody sees holds no connection, and catches up once it is seen", async () => {
  const reader = await open(browser, { cookies });
  const page = await reader.newPage();
  const see = await seen(page);
  const isStream = (request) => request.url().endsWith("/bell/stream");
  const next = (event) => page.waitForEvent(event, isStream);
  let [told] = await Promise.all([next("response"), page.goto(`${server.base}/health`)]);
  assert.equal(told.status(), 200);
  await Promise.all([next("requestfailed"), see(false)]);
  const label = () => page.locator("[data-bell]").getAttribute("aria-label");
  const before = await label();
  const operator = await open(browser, { cookies });
  await openIssue(await operator.newPage(), { en: "Nobody looks", "zh-CN": "没有人在看" });
  assert.equal(await label(), before);
  [told] = await Promise.all([next("response"), see(true)]);
  assert.equal(told.status(), 200);
  await page.waitForFunction((old) => document.querySelector("[data-bell]").getAttribute("aria-label") !== old, before);
  assert.deepEqual([...reader.mistakes, ...operator.mistakes], []);
  await reader.close();
  await operator.close();
});

for (const lang of LANGS) {
  for (const [width, colours] of [[1280, "light"], [320, "dark"]]) {
    test(`health pages fit and axe finds nothing, ${lang} ${width} ${colours}`, async () => {
      const context = await open(browser, { lang, width, colours, cookies });
      const page = await context.newPage();
      await page.goto(`${server.base}/health/issues`);
      const issue = await page.locator("main table a").first().getAttribute("href");
      const wrong = [];
      for (const path of ["/health", issue, `${issue}/hit`, "/health/known", "/health/maintenance", "/health/messages", "/health/messages/new", "/health/issues/new", "/health/report", "/bell"]) {
        await page.goto(server.base + path);
        const over = await wider(page);
        if (over.length) wrong.push(`${path}: ${over.join(", ")}`);
        wrong.push(...(await axe(page)).violations.map((rule) => `${path}: ${rule.id}: ${rule.where.join(" | ")}`));
        const name = path.replaceAll("/", "-").replace(/EX\d+/, "issue");
        await page.screenshot({ path: join(out, `health${name}-${lang}-${width}.png`), fullPage: true });
      }
      assert.deepEqual([...wrong, ...context.mistakes], []);
      await context.close();
    });
  }
}

const FILES = { en: { add: "Add files", remove: "Remove", split: "Split off", intake: "Mail intake" }, "zh-CN": { add: "添加附件", remove: "删除", split: "拆分", intake: "邮件接收" } };
for (const lang of LANGS) {
  test(`a message gets files, which are saved and removed, in ${lang}`, async () => {
    const context = await open(browser, { lang, cookies, width: lang === "en" ? 1280 : 320, colours: lang === "en" ? "light" : "dark" });
    const page = await context.newPage();
    await page.goto(`${server.base}/health/messages/new`);
    await page.locator("[name=title_en]").fill("New disks");
    await page.locator("[name=title_zh]").fill("更换磁盘");
    await page.locator("main form button.main").press("Enter");
    await page.waitForURL(/MC\d+$/);
    const add = page.getByRole("button", { name: FILES[lang].add });
    await page.locator("#f-files").setInputFiles([{ name: "计划.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7") }, { name: "b.txt", mimeType: "text/plain", buffer: Buffer.from("two") }]);
    await add.press("Enter");
    await page.getByRole("link", { name: "计划.pdf" }).waitFor();
    const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "计划.pdf" }).press("Enter")]);
    assert.equal(saved.suggestedFilename(), "计划.pdf");
    const [all] = await Promise.all([page.waitForEvent("download"), page.locator(`a[href$="/files"]`).press("Enter")]);
    assert.match(all.suggestedFilename(), /^MC\d+\.zip$/);
    // The same again is refused in words.
    await page.locator("#f-files").setInputFiles([{ name: "b.txt", mimeType: "text/plain", buffer: Buffer.from("two") }]);
    await add.press("Enter");
    await page.locator("#e-files").waitFor();
    assert.deepEqual([...(await wider(page)), ...(await axe(page)).violations.map((rule) => `${rule.id}: ${rule.where.join(" | ")}`)], []);
    await page.screenshot({ path: join(out, `health-files-${lang}.png`), fullPage: true });
    await page.locator("li", { hasText: "b.txt" }).getByRole("button", { name: FILES[lang].remove }).press("Enter");
    await page.locator("dialog[open]").waitFor();
    await page.screenshot({ path: join(out, `health-files-sure-${lang}.png`) });
    await page.locator("dialog[open] button[value=yes]").press("Enter");
    await page.getByRole("link", { name: "b.txt" }).waitFor({ state: "detached" });
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });

  test(`a part of an issue is split off with the keyboard, in ${lang}`, async () => {
    const context = await open(browser, { lang, cookies, width: lang === "en" ? 1280 : 320, colours: lang === "en" ? "light" : "dark" });
    const page = await context.newPage();
    const issue = await openIssue(page, { en: "Two in one", "zh-CN": "两个问题" });
    const more = await context.request.post(`${server.base}/api/v1/health${issue.replace("/health", "")}/posts`, { data: { services: ["intake", "delivery"] } });
    assert.equal(more.status(), 200, await more.text());
    await page.reload();
    const button = page.getByRole("button", { name: FILES[lang].split });
    await button.press("Enter");
    await page.locator("#e-split_services").waitFor();
    assert.deepEqual([...(await wider(page)), ...(await axe(page)).violations.map((rule) => `${rule.id}: ${rule.where.join(" | ")}`)], []);
    await page.screenshot({ path: join(out, `health-split-${lang}.png`), fullPage: true });
    await page.locator("fieldset").getByLabel(FILES[lang].intake).press("Space");
    await page.locator("[name=split_title_en]").focus();
    await page.keyboard.type("Intake alone");
    await button.press("Enter");
    await page.waitForURL((url) => /EX\d+$/.test(url.pathname) && url.pathname !== issue);
    const back = page.locator(`dd a[href="${issue}"]`);
    await back.waitFor();
    await page.screenshot({ path: join(out, `health-split-off-${lang}.png`), fullPage: true });
    await back.press("Enter");
    await page.waitForURL(new RegExp(`${issue}$`));
    await page.getByRole("link", { name: /EX\d+/ }).first().waitFor();
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });
}

test("without scripts the bell counts and everything can be read", async () => {
  const context = await open(browser, { scripts: false, cookies });
  const page = await context.newPage();
  await page.goto(`${server.base}/bell`);
  assert.match(await page.locator("[data-bell]").getAttribute("aria-label"), WORDS.en.rung);
  await page.locator("main form[action='/bell'] button").click();
  assert.match(await page.locator("[data-bell]").getAttribute("aria-label"), /nothing unread/);
  await context.close();
});

test("nothing failed and no words were missing", () => assert.deepEqual(server.mistakes(), []));
