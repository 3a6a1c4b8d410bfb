// Every page in both languages, both colour schemes and both widths: axe-core, nothing wider than the window, no complaint of the
// browser, no word that nobody wrote. Writes what it found to axe.json, from which docs/accessibility.md is made.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { out, learned, start } from "./server.mjs";
import { LANGS, axe, launch, open, signIn, wider } from "./browser.mjs";
import { findPages } from "./pages.mjs";

const WIDTHS = [1280, 320];
const TABS = 2;
/** Pages for people who are not signed in. */
const OUTSIDE = ["/sign-in"];
let server, browser, cookies, pages;
const results = { pages: [], runs: 0, violations: [], undecided: {}, passes: {} };

before(async () => {
  server = await start();
  await learned(server);
  browser = await launch();
  cookies = await signIn(browser, server.link);
  const context = await open(browser, { cookies });
  pages = await findPages(context, server.base);
  await context.close();
  results.pages = pages.map((page) => page.pattern).concat(OUTSIDE);
});
after(async () => {
  mkdirSync(out, { recursive: true });
  if (results.runs) writeFileSync(join(out, "axe.json"), JSON.stringify(results, null, 1));
  await browser?.close();
  await server?.stop();
});

/** Looks at one page as it stands; returns what is wrong. */
async function inspect(page, name, colourOnly) {
  const found = await axe(page, { colourOnly });
  results.runs++;
  for (const rule of found.passes) results.passes[rule.id] = { tags: rule.tags, count: (results.passes[rule.id]?.count ?? 0) + 1 };
  for (const rule of found.undecided) (results.undecided[rule.id] ??= []).push(name);
  for (const rule of found.violations) results.violations.push({ name, ...rule });
  return found.violations.map((rule) => `${name}: ${rule.id}: ${rule.where.join(" | ")}`);
}

async function inspectAll(context, list, label) {
  const wrong = [], rest = [...list];
  await Promise.all(Array.from({ length: TABS }, async () => {
    const page = await context.newPage();
    for (let path; (path = rest.shift());) {
      await page.goto(server.base + path, { waitUntil: "load" });
      await page.emulateMedia({ colorScheme: "light" });
      const name = `${path} ${label}`;
      wrong.push(...await inspect(page, `${name} light`, false));
      const over = await wider(page);
      if (over.length) wrong.push(`${name}: wider than the window: ${over.join(", ")}`);
      await page.emulateMedia({ colorScheme: "dark" });
      wrong.push(...await inspect(page, `${name} dark`, true));
    }
    await page.close();
  }));
  return [...wrong, ...context.mistakes];
}

test("the links of the navigation lead to pages", () => {
  const broken = pages.filter((page) => page.status !== 200);
  assert.deepEqual(broken, []);
  assert.ok(pages.length > 5, `only ${pages.length} pages were found`);
});

for (const lang of LANGS) {
  for (const width of WIDTHS) {
    test(`axe finds nothing, in ${lang} at ${width} px, light and dark`, async () => {
      const inside = await open(browser, { lang, width, cookies });
      const outside = await open(browser, { lang, width });
      const wrong = [...await inspectAll(inside, pages.map((page) => page.path), `${lang} ${width}`), ...await inspectAll(outside, OUTSIDE, `${lang} ${width}`)];
      await inside.close();
      await outside.close();
      assert.deepEqual(wrong, []);
    });
  }
}

test("axe finds nothing with forced colours and with our own high contrast", async () => {
  const forced = await open(browser, { forced: "active", cookies });
  const wrong = await inspectAll(forced, pages.slice(0, 14).map((page) => page.path), "forced-colors");
  await forced.close();
  const contrast = await open(browser, { cookies });
  await contrast.addCookies([{ name: "gatepost_colours", value: "contrast", url: server.base }]);
  wrong.push(...await inspectAll(contrast, pages.map((page) => page.path), "contrast"));
  await contrast.close();
  assert.deepEqual(wrong, []);
});

test("no request failed and no words were missing", () => assert.deepEqual(server.mistakes(), []));
