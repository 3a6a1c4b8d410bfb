// Chromium, signed in, in the language, colours and width that a test wants.
import { chromium } from "playwright-core";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { afterEach } from "node:test";
import { join } from "node:path";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const CHROMIUM = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => path && existsSync(path));
export const LANGS = ["en", "zh-CN"];
// A busy machine may take long for one page; what hangs still ends.
const WAIT_MS = 45_000;
const LOCALE = { en: "en-GB", "zh-CN": "zh-CN" };
/** WCAG 2.2 A and AA, and what axe calls best practice. */
export const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Rules whose result depends on colours: run again for every other scheme. */
const COLOUR_RULES = ["color-contrast", "link-in-text-block"];

/** Contexts that are open, each with the requests that were not answered yet: `request → when it began`. */
const opened = new Map();
const ANSWERS_WITHIN_MS = 3_000;
const PROCESSES_TOLD = 15;

// A page that hung says why: what it waits for, whether it still answers, and what the processes do.
afterEach(async (t) => {
  if (t.passed !== false) return;
  for (const [context, waiting] of opened) {
    for (const [request, since] of waiting) t.diagnostic(`unanswered for ${Date.now() - since} ms: ${request.method()} ${request.url()} (${request.resourceType()})`);
    for (const page of context.pages()) {
      const late = new Promise((done) => setTimeout(done, ANSWERS_WITHIN_MS, "does not answer"));
      const state = page.evaluate(() => `${document.readyState}, ${document.visibilityState}`).catch((why) => String(why));
      const frame = page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done("draws")))).catch((why) => String(why));
      t.diagnostic(`${page.url()}: ${await Promise.race([state, late])}; ${await Promise.race([frame, late])}`);
    }
  }
  t.diagnostic(execFileSync("ps", ["-eo", "pid,stat,pcpu,etimes,wchan:24,args", "--sort=-pcpu"], { encoding: "utf8" }).split("\n").slice(0, PROCESSES_TOLD).map((line) => line.slice(0, 140)).join("\n"));
});

export async function launch() {
  if (!CHROMIUM) throw new Error("Chromium is missing: install Debian's package chromium, or name it in CHROMIUM");
  // Debian's Chromium draws with a GPU unless told otherwise; here that is a program on the same cores.
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage", "--force-color-profile=srgb"] });
}

/** Opens the link as a person does and keeps the session's cookies, without a choice of language. */
export async function signIn(browser, link) {
  const context = await browser.newContext({ locale: "en-GB" });
  const page = await context.newPage();
  await page.goto(link);
  await page.locator("main form button").first().click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  const cookies = (await context.cookies()).filter((cookie) => cookie.httpOnly && !/lang|said|zone/.test(cookie.name));
  await context.close();
  return cookies;
}

/** A context; `mistakes` collects what the browser itself complains about, such as a breach of the Content-Security-Policy. */
export async function open(browser, { lang = "en", colours = "light", width = 1280, scripts = true, forced = "none", cookies = [] } = {}) {
  const context = await browser.newContext({
    locale: LOCALE[lang], colorScheme: colours, forcedColors: forced, reducedMotion: "reduce", javaScriptEnabled: scripts,
    timezoneId: "Asia/Shanghai", viewport: { width, height: width > 400 ? 900 : 700 },
  });
  context.setDefaultTimeout(WAIT_MS);
  if (cookies.length) {
    // The zone is known from the first page on, so that no page loads twice.
    const { domain } = cookies[0];
    await context.addCookies([...cookies, { name: "gatepost_zone", value: "Asia/Shanghai", domain, path: "/" }]);
  }
  const mistakes = [], waiting = new Map();
  opened.set(context, waiting);
  context.on("close", () => opened.delete(context));
  context.on("request", (request) => waiting.set(request, Date.now()));
  for (const end of ["requestfinished", "requestfailed"]) context.on(end, (request) => waiting.delete(request));
  context.on("page", (page) => {
    page.on("console", (line) => { if (line.type() === "error" && !/Failed to load resource/.test(line.text())) mistakes.push(`${page.url()}: ${line.text()}`); });
    page.on("pageerror", (why) => mistakes.push(`${page.url()}: ${why}`));
  });
  return Object.assign(context, { mistakes });
}

/** Lets a test put the page into the background and back: headless, every page counts as seen. Before the first `goto`. */
export async function seen(page) {
  await page.addInitScript(() => {
    let hidden = false;
    Object.defineProperty(document, "hidden", { get: () => hidden });
    window.see = (isSeen) => {
      hidden = !isSeen;
      document.dispatchEvent(new Event("visibilitychange"));
    };
  });
  return (isSeen) => page.evaluate((isSeen) => window.see(isSeen), isSeen);
}

/** What axe finds on a page: `{violations, passes, undecided}`; each violation says where. */
export async function axe(page, { colourOnly = false } = {}) {
  // As the page opens: what is scrolled below the bar is not what is looked at.
  await page.evaluate(() => scrollTo(0, 0));
  // Through the debugger, as the page's own policy lets no foreign script in.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axeSource);
  const only = colourOnly ? { type: "rule", values: COLOUR_RULES } : { type: "tag", values: RULES };
  return page.evaluate(async (runOnly) => {
    const found = await window.axe.run(document, { runOnly, resultTypes: ["violations", "incomplete"] });
    const short = (rule) => ({ id: rule.id, tags: rule.tags, where: rule.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary ?? ""}`.slice(0, 300)) });
    return { violations: found.violations.map(short), passes: found.passes.map((rule) => ({ id: rule.id, tags: rule.tags })), undecided: found.incomplete.map(short) };
  }, only);
}

/** Elements that make the page wider than the window; empty when it fits (WCAG 1.4.10). */
export const wider = (page) => page.evaluate(() => {
  const root = document.documentElement;
  if (root.scrollWidth <= innerWidth) return [];
  const culprits = [...document.querySelectorAll("body *")].filter((el) => el.getBoundingClientRect().right > innerWidth + 1 && !el.closest(".scroll"));
  return [`${root.scrollWidth} > ${innerWidth}`, ...culprits.slice(-3).map((el) => `${el.tagName}.${el.className} ${el.textContent.trim().slice(0, 40)}`)];
});

/** Every look that a page must stand: axe, narrow, dark; with pictures in a folder. */
export async function looks(page, context, pictures, name) {
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  assert.deepEqual((await axe(page)).violations, [], name);
  assert.deepEqual(context.mistakes, [], name);
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 700 });
  assert.deepEqual(await wider(page), [], name);
  await page.screenshot({ path: join(pictures, `${name}-narrow.png`), fullPage: true });
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.screenshot({ path: join(pictures, `${name}-dark.png`), fullPage: true });
  await page.emulateMedia({ colorScheme: "light" });
}

/** Goes on with Tab until the focus is on what the selector names, as somebody without a mouse does. */
export async function tabTo(page, selector, most = 140) {
  for (let n = 0; n < most; n++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${selector} cannot be reached with Tab on ${page.url()}`);
}

export async function press(page, selector) {
  await tabTo(page, selector);
  await page.keyboard.press("Enter");
}

export async function type(page, selector, text) {
  await tabTo(page, selector);
  await page.keyboard.type(text);
}
