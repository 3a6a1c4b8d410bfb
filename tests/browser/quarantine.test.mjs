// Quarantine as people use it: look safely, release, ask and answer, many at once, digests; by keyboard, without scripts, in Chinese
// on a telephone.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { out, start } from "./server.mjs";
import { axe, launch, open, signIn, wider } from "./browser.mjs";
import { linkFor } from "./people.mjs";

let server, browser, admin, second, alice, bo;
const pictures = join(out, "quarantine");

before(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await start();
  browser = await launch();
  admin = await signIn(browser, server.link);
  second = await signIn(browser, linkFor(server, "second@demo.example", "administrator"));
  alice = await signIn(browser, linkFor(server, "alice@demo.example", "person"));
  bo = await signIn(browser, linkFor(server, "bo@demo.example", "person"));
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const go = async (context, path) => {
  const page = context.pages()[0] ?? await context.newPage();
  await page.goto(server.base + path);
  return page;
};
/** Messages that lie in somebody's mailbox, decoded as far as the tests look at them. */
const mailbox = (address) => {
  const folder = join(server.data, "data", "mailboxes", address, "new");
  const read = (name) => readFileSync(join(folder, name), "utf8").replace(/=\r?\n/g, "").replace(/=3D/g, "=");
  try { return readdirSync(folder).map(read); } catch { return []; }
};
const until = async (what, found) => {
  for (let tries = 0; tries < 100; tries++) {
    const value = await found();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 200)); // between two looks; the end is what is seen
  }
  assert.fail(`${what} did not happen`);
};

test("the preview runs nothing, fetches nothing and leads nowhere", async () => {
  const context = await open(browser, { cookies: admin });
  const foreign = [];
  context.on("request", (request) => { if (!request.url().startsWith(server.base) && !request.url().startsWith("data:")) foreign.push(request.url()); });
  const page = await go(context, "/quarantine");
  const paths = await page.locator("table.list a[href^='/quarantine/m']").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  assert.ok(paths.length > 0, "the demo holds mail");
  let frames = 0;
  for (const path of paths) {
    await page.goto(server.base + path);
    const frame = page.locator("iframe");
    if (!(await frame.count())) continue;
    frames++;
    await frame.scrollIntoViewIfNeeded();
    const inside = page.frameLocator("iframe");
    await inside.locator("body").waitFor();
    assert.equal(await inside.locator("script, img, form, input, iframe, a[href], [style], [onclick]").count(), 0, path);
  }
  assert.ok(frames > 0, "some of it is HTML");
  await page.screenshot({ path: join(pictures, "held.png"), fullPage: true });
  assert.deepEqual(foreign, []);
  assert.deepEqual(context.mistakes, []);
  assert.deepEqual((await axe(page)).violations, []);
  await context.close();
});

test("with the keyboard alone: why a mail was held, release it, see it delivered", async () => {
  const context = await open(browser, { cookies: admin });
  const page = await go(context, "/quarantine?recipient=bo%40demo.example&verdict=high-phish");
  const tabTo = async (wanted) => {
    for (let presses = 0; presses < 150; presses++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((text) => /^(A|BUTTON|SUMMARY)$/.test(document.activeElement.tagName) && document.activeElement.textContent.trim() === text, wanted)) return;
    }
    assert.fail(`Tab does not lead to “${wanted}”`);
  };
  const subject = (await page.locator("table.list a[href^='/quarantine/m']").first().textContent()).trim();
  await tabTo(subject);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/quarantine\/m/);
  assert.ok(await page.locator("section:has(#why) li").count() > 0, "it says why");
  const id = page.url().split("/").pop();
  await page.locator("h1").waitFor();
  await tabTo("Release");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/trace\/m/);
  await until("the delivery", async () => {
    await page.reload();
    return (await page.locator("ol.story").textContent()).includes("Delivered");
  });
  await page.screenshot({ path: join(pictures, "story.png"), fullPage: true });
  assert.ok(mailbox("bo@demo.example").some((mail) => mail.includes(`X-Gatepost-Released: ${id}`)), "it lies in the mailbox");
  await context.close();
});

test("without scripts: a person asks, an administrator denies with a reason, the person reads it", async () => {
  const own = await open(browser, { cookies: alice, scripts: false });
  const page = await go(own, "/quarantine/mine?verdict=high-phish");
  if (!(await page.locator("table.list a[href^='/quarantine/m']").count())) await page.goto(server.base + "/quarantine/mine?verdict=phish");
  await page.locator("table.list a[href^='/quarantine/m']").first().click();
  const path = new URL(page.url()).pathname;
  assert.equal(await page.locator("button[value=release]").count(), 0, "limited access: no release");
  await page.locator("summary", { hasText: "Ask for its release" }).click();
  await page.locator("textarea[name=reason]").fill("I know this sender.");
  await page.getByRole("button", { name: "Send the request" }).click();
  await page.locator(".toast").waitFor();
  const other = await open(browser, { cookies: admin, scripts: false });
  const requests = await go(other, "/quarantine/requests");
  const request = requests.locator("section.panel", { hasText: "alice@demo.example" }).first();
  await request.locator("input[name=answer]").fill("This is no parcel service.");
  await request.getByRole("button", { name: "Do not release" }).click();
  await requests.locator(".toast").waitFor();
  await page.goto(server.base + path);
  assert.match(await page.locator("main").textContent(), /This is no parcel service\./);
  await own.close();
  await other.close();
});

test("malware takes a second person", async () => {
  const one = await open(browser, { cookies: admin }), two = await open(browser, { cookies: second });
  const page = await go(one, "/quarantine?verdict=malware");
  await page.locator("table.list a[href^='/quarantine/m']").first().click();
  assert.equal(await page.locator("button[value=release]").count(), 0);
  await page.locator("summary", { hasText: "second person" }).click();
  await page.locator("textarea[name=reason]").fill("A sample for the laboratory.");
  await page.getByRole("button", { name: "Send the request" }).click();
  await page.locator(".toast").waitFor();
  await page.goto(server.base + "/quarantine/requests");
  const own = page.locator("section.panel", { hasText: "laboratory" });
  assert.equal(await own.getByRole("button", { name: "Release it" }).count(), 0, "not the same person");
  const there = await go(two, "/quarantine/requests");
  await there.locator("section.panel", { hasText: "laboratory" }).getByRole("button", { name: "Release it" }).click();
  assert.match(await there.locator(".toast").textContent(), /Released/);
  await one.close();
  await two.close();
});

test("everything that matches is deleted after being asked, and can be refused", async () => {
  const context = await open(browser, { cookies: admin });
  const page = await go(context, "/quarantine?recipient=alice%40demo.example");
  const count = await page.locator("table.list tbody tr").count();
  assert.ok(count > 0);
  await page.locator("summary", { hasText: "Decide about everything" }).click();
  await page.getByRole("button", { name: "Delete all that match" }).click();
  assert.match(await page.locator("main").textContent(), new RegExp(`${count} held mails`));
  await page.screenshot({ path: join(pictures, "sure.png") });
  await page.getByRole("link", { name: "No, go back" }).click();
  await page.goto(server.base + "/quarantine?recipient=alice%40demo.example");
  assert.equal(await page.locator("table.list tbody tr").count(), count, "nothing was done");
  // Some by their boxes, with the dialog of the page.
  await page.locator("input[name=pick]").first().check();
  await page.getByRole("button", { name: "Delete the chosen" }).click();
  await page.locator("dialog#ask [data-yes]").click();
  await page.locator(".toast", { hasText: "Deleted: 1" }).waitFor();
  await page.goto(server.base + "/quarantine?recipient=alice%40demo.example");
  await page.locator("summary", { hasText: "Decide about everything" }).click();
  await page.getByRole("button", { name: "Delete all that match" }).click();
  await page.getByRole("button", { name: "Delete all that match" }).click();
  await page.locator(".toast", { hasText: "Deleted:" }).waitFor();
  await page.goto(server.base + "/quarantine?recipient=alice%40demo.example");
  assert.equal(await page.locator("table.list tbody tr").count(), 0);
  await context.close();
});

test("in Chinese at 320 px: a policy of one's own, and digests whose links wait for a press", async () => {
  const context = await open(browser, { cookies: admin, lang: "zh-CN", width: 320 });
  const page = await go(context, "/quarantine/policies");
  assert.deepEqual(await wider(page), []);
  await page.screenshot({ path: join(pictures, "policies-zh-320.png"), fullPage: true });
  await page.getByRole("link", { name: "新建策略" }).click();
  await page.locator("input[name=name]").fill("可自行放行");
  await page.locator("#p-request").uncheck();
  for (const power of ["release", "delete", "notify"]) await page.locator(`#p-${power}`).check();
  await page.getByRole("button", { name: "保存策略" }).click();
  await page.locator("select[name=phish]").selectOption({ label: "可自行放行" });
  await page.getByRole("button", { name: "保存选择" }).click();
  await page.locator(".toast").waitFor();
  await context.close();

  const own = await open(browser, { cookies: bo, lang: "zh-CN", width: 320 });
  const mine = await go(own, "/quarantine/mine/digest");
  await mine.getByRole("button", { name: "立即发送给我" }).click();
  await mine.locator(".toast").waitFor();
  assert.deepEqual(await wider(mine), []);
  await mine.screenshot({ path: join(pictures, "mine-zh-320.png"), fullPage: true });
  const letter = await until("the digest", () => mailbox("bo@demo.example").find((mail) => mail.includes("/digest/")));
  const links = [...new Set(letter.match(/http:\/\/127\.0\.0\.1:\d+\/digest\/[A-Za-z0-9_-]+/g))];
  assert.ok(links.length > 1, letter);
  await own.close();

  // Without a session, as somebody who reads the letter on another device.
  const anybody = await open(browser, { lang: "zh-CN", width: 320 });
  const held = await anybody.newPage();
  const before = mailbox("bo@demo.example").filter((mail) => mail.includes("X-Gatepost-Released")).length;
  let released = false;
  for (const link of links) {
    await held.goto(link);
    const button = held.getByRole("button", { name: "放行给我" });
    if (!(await button.count())) continue;
    await held.goto(link); // looking a second time does nothing either
    assert.deepEqual(await wider(held), []);
    assert.deepEqual((await axe(held)).violations, []);
    await held.screenshot({ path: join(pictures, "digest-zh-320.png"), fullPage: true });
    await button.click();
    await held.locator(".toast", { hasText: "已放行" }).waitFor();
    await held.goto(link);
    assert.match(await held.locator("main").textContent(), /无法执行此操作/, "it holds once");
    released = true;
    break;
  }
  assert.ok(released, "one of them could be released");
  await until("the delivery", () => mailbox("bo@demo.example").filter((mail) => mail.includes("X-Gatepost-Released")).length > before);
  await anybody.close();
});

test("nothing failed and no words were missing", () => assert.deepEqual(server.mistakes(), []));
