// The phone directory: a caller finds the number by keyboard, in both languages, without signing in; an operator keeps it.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, start } from "./server.mjs";
import { LANGS, axe, launch, open, signIn, wider } from "./browser.mjs";

let server, browser, cookies;
const pictures = join(out, "phone");

before(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await start({ settings: "[dns]\nservers = \"off\"\n" });
  browser = await launch();
  cookies = await signIn(browser, server.link);
});
after(async () => { await browser?.close(); await server?.stop(); });

const picture = (page, name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });

for (const lang of LANGS) for (const width of [1280, 320]) {
  test(`somebody who is not signed in finds the number with the keyboard, in ${lang} at ${width} px`, async () => {
    const context = await open(browser, { lang, width, colours: width > 400 ? "light" : "dark" });
    const page = await context.newPage();
    await page.goto(`${server.base}/help/phone`);
    await page.locator("#f-country").focus();
    // Chinese is typed through an input method, which a test has not.
    if (lang === "en") await page.keyboard.type("Brazil"); else await page.locator("#f-country").selectOption({ label: "巴西" });
    assert.equal(await page.locator("#f-country").inputValue(), "BR");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.locator("#f-lang").selectOption("pt");
    await page.locator("#f-lang").focus();
    await page.keyboard.press("Tab");
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    const call = page.locator("section[aria-labelledby=call] a.button");
    assert.equal(await call.getAttribute("href"), "tel:+558007621146");
    assert.match(await call.textContent(), /0800 762 1146/);
    await picture(page, `${lang}-${width}`);
    assert.deepEqual(await wider(page), []);
    assert.deepEqual((await axe(page)).violations, []);
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });
}

test("an operator adds a number, is told what is wrong, and removes it", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  await page.goto(`${server.base}/help/phone`);
  await page.locator('a[href="/phone"]').click();
  await picture(page, "list");
  assert.deepEqual((await axe(page)).violations, []);
  await page.locator('a[href="/phone/new"]').click();
  await page.locator("#f-country").selectOption("IT");
  await page.locator("#f-technical").check();
  await page.locator("#f-number").fill("12");
  await page.locator("#f-l0_lang").fill("it");
  await page.locator("#f-l0_hours").fill("Mo-Fr 09:00-13:00,14:00-18:00; PH off");
  await page.locator("#f-l0_zone").fill("Europe/Rome");
  await page.locator("#f-holidays").fill("Italy");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#e-number").waitFor();
  await picture(page, "wrong");
  assert.deepEqual((await axe(page)).violations, []);
  await page.locator("#f-number").fill("02 3600 5000");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The entry was saved.").waitFor();
  await page.locator("section", { hasText: "Italy" }).getByRole("link").click();
  await page.getByText("09:00–13:00, 14:00–18:00").first().waitFor();
  await picture(page, "entry");
  assert.deepEqual((await axe(page)).violations, []);
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Remove" }).last().click();
  await page.getByText("The entry was removed.").waitFor();
  await page.locator("section[aria-labelledby=history]").getByText("Removed an entry of the phone directory").waitFor();
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("nothing failed and no words were missing", () => assert.deepEqual(server.mistakes(), []));
