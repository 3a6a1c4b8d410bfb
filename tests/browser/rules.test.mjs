// Mail flow rules as an administrator uses them: written, tried, replayed, saved, seen at work, put in order by keyboard.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, sendMail, start } from "./server.mjs";
import { axe, launch, open, signIn, wider } from "./browser.mjs";

let server, browser, cookies;
const pictures = join(out, "rules");

before(async () => {
  server = await start({ settings: "[dns]\nservers = \"off\"\n" });
  browser = await launch();
  cookies = await signIn(browser, server.link);
  mkdirSync(pictures, { recursive: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const picture = (page, name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });

/** Sends a mail and waits until the trace lists it; its identifier. */
async function traced(subject) {
  const reply = await sendMail(server.smtp, { from: "ann@partner.example", to: "li@demo.example", subject, text: "Please pay by Friday." });
  assert.match(reply, /^250/, reply);
  return reply.match(/m[0-9a-z]{13}/)[0];
}

/** Adds a part by its list and button, with the keyboard where `keys`. */
async function add(page, list, kind) {
  await page.locator(`#${list}`).selectOption(kind);
  await page.locator(`button[name=do][value=${list}]`).click();
}

test("a rule is written, tried on a traced mail, replayed, saved, and works", async () => {
  const mail = await traced("Invoice 4711");
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  await page.goto(`${server.base}/rules`);
  await picture(page, "empty");
  await page.getByRole("link", { name: "New rule" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Invoices from outside");
  await add(page, "add-c", "subject-words");
  await page.locator("#f-c0-values").fill("invoice");
  await add(page, "add-c", "sender-scope");
  await page.getByLabel("outside the organisation").check();
  await add(page, "add-a", "prepend-subject");
  await page.locator("#f-a0-text").fill("[bill]");

  await page.getByRole("button", { name: "Show", exact: true }).click();
  assert.match(await page.locator("#sentence").textContent(), /If the subject contains “invoice” and the sender is outside the organisation: prepend “\[bill\]” to the subject\./);
  const found = await page.getByText(/It would have applied to \d+ of \d+ mails in the last 7 days/).textContent();
  assert.match(found, /applied to [1-9]/, found);
  await page.getByRole("cell", { name: "Invoice 4711" }).waitFor();

  await page.getByLabel("Identifier of a mail in the trace").fill(mail);
  await page.getByRole("button", { name: "Try", exact: true }).click();
  await page.getByText("The rule applies", { exact: true }).waitFor();
  assert.deepEqual((await axe(page)).violations, []);
  await picture(page, "tried");

  await page.locator("#f-c0-values").fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#e-c0-values").waitFor();
  assert.equal(await page.locator("#f-c0-values").getAttribute("aria-invalid"), "true");
  await page.locator("#f-c0-values").fill("invoice");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("“Invoices from outside” was saved").waitFor();

  const second = await traced("Invoice 4712");
  await page.goto(`${server.base}/rules`);
  await page.getByRole("link", { name: "One mail in the last 7 days" }).click();
  await page.getByRole("link", { name: "Invoice 4712" }).click();
  assert.ok(page.url().endsWith(second));
  const shown = await server.command(["trace", "show", second]);
  assert.equal(shown.code, 0, shown.text);
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("rules are put in order by keyboard, and by dragging", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  for (const name of ["First", "Second"]) {
    await page.goto(`${server.base}/rules/new`);
    await page.getByLabel("Name", { exact: true }).fill(name);
    await add(page, "add-a", "require-tls");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("was saved").waitFor();
  }
  const names = () => page.locator("ol.rules h2").allTextContents();
  assert.deepEqual(await names(), ["Invoices from outside", "First", "Second"]);
  await page.getByRole("button", { name: "Move “Second” up" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("“Second” is rule number 2 now.").waitFor();
  await page.locator("[aria-label='Move “Second” up']:focus").waitFor();
  await page.keyboard.press("Enter"); // the focus is still on the button of this rule
  await page.getByText("“Second” is rule number 1 now.").waitFor();
  assert.deepEqual(await names(), ["Second", "Invoices from outside", "First"]);
  await page.locator("ol.rules > li", { hasText: "First" }).dragTo(page.locator("ol.rules > li").first());
  await page.getByText("“First” is rule number 1 now.").waitFor();
  assert.deepEqual(await names(), ["First", "Second", "Invoices from outside"]);
  await picture(page, "list");
  await context.close();
});

test("without scripts, and with the keyboard alone", async () => {
  const context = await open(browser, { cookies, scripts: false });
  const page = await context.newPage();
  await page.goto(`${server.base}/rules/new`);
  await page.locator("#f-name").focus();
  await page.keyboard.type("By keyboard");
  await page.locator("#add-a").focus();
  await page.keyboard.type("Delete");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("input[name=a0-kind]").getAttribute("value"), "delete");
  await page.locator("#f-enabled").focus();
  await page.keyboard.press("Space"); // off: it would delete every mail
  await page.getByRole("button", { name: "Save" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("“By keyboard” was saved").waitFor();
  await page.getByRole("button", { name: "Delete “By keyboard”" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Delete this rule?" }).waitFor();
  await page.locator("main button.danger").focus();
  await page.keyboard.press("Enter");
  await page.getByText("“By keyboard” was deleted.").waitFor();
  await context.close();
});

test("in Chinese at 320 px nothing is wider than the window", async () => {
  const context = await open(browser, { cookies, lang: "zh-CN", width: 320 });
  const page = await context.newPage();
  for (const path of ["/rules", "/rules/new", "/rules/approvals"]) {
    await page.goto(server.base + path);
    assert.deepEqual(await wider(page), [], path);
    assert.deepEqual((await axe(page)).violations, [], path);
    await picture(page, `zh-320${path.replaceAll("/", "-")}`);
  }
  await page.goto(`${server.base}/rules`);
  assert.match(await page.locator("ol.rules").textContent(), /如果主题包含“invoice”，且发件人在组织外部：在主题前加上“\[bill\]”。/);
  await page.getByRole("link", { name: "Invoices from outside" }).click();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.getByRole("button", { name: "查看" }).click();
  await page.getByText(/最近 7 天的 \d+ 封邮件中，会命中 \d+ 封/).waitFor();
  assert.deepEqual(await wider(page), []);
  assert.deepEqual((await axe(page)).violations, []);
  await picture(page, "zh-320-edit-dark");
  assert.deepEqual(context.mistakes, []);
  assert.deepEqual(server.mistakes(), []);
  await context.close();
});
