// Microsoft's own Graph client against our service announcements.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { Client } from "@microsoft/microsoft-graph-client";
import { start } from "./server.mjs";
import { launch, open, signIn } from "./browser.mjs";

const ROOT = "/admin/serviceAnnouncement";
let server, browser, cookies, graph;
before(async () => {
  server = await start({ settings: '[health]\nevery = "300ms"\n' });
  browser = await launch();
  cookies = await signIn(browser, server.link);
  // Over plain HTTP the client sends no Authorization header; the session's cookie is set by hand.
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const fetchOptions = { headers: { cookie } };
  graph = Client.init({ baseUrl: `${server.base}/`, defaultVersion: "v1.0", customHosts: new Set(["127.0.0.1"]), authProvider: (done) => done(null, "token"), fetchOptions });
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  const publish = async (path, fields) => {
    await page.goto(`${server.base}${path}`);
    for (const [name, value] of Object.entries(fields)) {
      const field = page.locator(`[name=${name}]`);
      await (await field.evaluate((el) => el.tagName) === "SELECT" ? field.selectOption(value) : field.fill(value));
    }
    await page.locator("main form button.main").click();
    await page.waitForURL(/\/(EX|MC)\d+$/);
    return page.url().split("/").pop();
  };
  for (let n = 0; n < 3; n++) await publish("/health/issues/new", { service: "trace", kind: n ? "advisory" : "incident", status: "serviceDegradation", title_en: `Issue ${n}`, post_en: "Said" });
  await publish("/health/messages/new", { title_en: "A message", text_en: "Text" });
  await context.close();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("lists, filters, orders and counts", async () => {
  const all = await graph.api(`${ROOT}/issues`).count(true).orderby("startDateTime desc").get();
  assert.equal(all["@odata.count"], 3);
  const incidents = await graph.api(`${ROOT}/issues`).filter("classification eq 'incident' and isResolved eq false").get();
  assert.deepEqual(incidents.value.map((issue) => issue.title), ["Issue 0"]);
  assert.equal(incidents.value[0].status, "serviceDegradation");
  assert.equal(incidents.value[0].posts[0].description.contentType, "html");
  assert.equal(await (await graph.api(`${ROOT}/issues/$count`).responseType("text").get()), "3");
});

test("pages through everything", async () => {
  const seen = [];
  let page = await graph.api(`${ROOT}/issues`).header("Prefer", "odata.maxpagesize=1").get();
  for (let pages = 1; ; pages++) {
    seen.push(...page.value.map((issue) => issue.id));
    const next = page["@odata.nextLink"];
    if (!next) break;
    assert.ok(pages < 5 && next.startsWith(`${server.base}/v1.0/`), next);
    // The client takes links apart only when they begin with https.
    page = await graph.api(next.slice(`${server.base}/v1.0`.length)).header("Prefer", "odata.maxpagesize=1").get();
  }
  assert.deepEqual([seen.length, new Set(seen).size], [3, 3]);
});

test("expands, and finds a service by its name", async () => {
  const health = await graph.api(`${ROOT}/healthOverviews/Message trace`).expand("issues").get();
  assert.equal(health.id, "trace");
  assert.equal(health.issues.length, 3);
  const all = await graph.api(`${ROOT}/healthOverviews`).get();
  assert.ok(all.value.length >= 7 && all.value.every((one) => one.status));
});

test("marks messages as read, archived and favorite", async () => {
  const { value: [message] } = await graph.api(`${ROOT}/messages`).get();
  for (const [action, field, want] of [["markRead", "isRead", true], ["archive", "isArchived", true], ["favorite", "isFavorited", true], ["markUnread", "isRead", false], ["unarchive", "isArchived", false], ["unfavorite", "isFavorited", false]]) {
    assert.equal((await graph.api(`${ROOT}/messages/${action}`).post({ messageIds: [message.id] })).value, true);
    assert.equal((await graph.api(`${ROOT}/messages/${message.id}`).get()).viewPoint[field], want, action);
  }
  const archive = await graph.api(`${ROOT}/messages/${message.id}/attachmentsArchive`).responseType("arraybuffer").get();
  assert.equal(new Uint8Array(archive)[0], 0x50);
});

test("says what is wrong as Graph does", async () => {
  await assert.rejects(graph.api(`${ROOT}/issues/EX1`).get(), (why) => why.statusCode === 404 && why.code === "ResourceNotFound");
  await assert.rejects(graph.api(`${ROOT}/issues`).filter("title eq").get(), (why) => why.statusCode === 400);
  const { value: [issue] } = await graph.api(`${ROOT}/issues`).get();
  await assert.rejects(graph.api(`${ROOT}/issues/${issue.id}/incidentReport`).get(), (why) => why.statusCode === 400);
});
