// What people do with Microsoft's Graph client; started by graph.test.mjs with an address, a token and whom to trust.
import { test } from "node:test";
import assert from "node:assert/strict";
import { Client } from "@microsoft/microsoft-graph-client";

const ROOT = "/admin/serviceAnnouncement";
const base = process.env.GRAPH_BASE;
const client = (token) => Client.init({ baseUrl: `${base}/`, defaultVersion: "v1.0", customHosts: new Set(["127.0.0.1"]), authProvider: (done) => done(null, token) });
const graph = client(process.env.GRAPH_TOKEN);

test("lists, filters, orders and counts", async () => {
  const all = await graph.api(`${ROOT}/issues`).count(true).orderby("startDateTime desc").get();
  assert.equal(all["@odata.count"], 3);
  const incidents = await graph.api(`${ROOT}/issues`).filter("classification eq 'incident' and isResolved eq false").get();
  assert.deepEqual(incidents.value.map((issue) => issue.title), ["Issue 0"]);
  assert.equal(incidents.value[0].status, "serviceDegradation");
  assert.equal(incidents.value[0].posts[0].description.contentType, "html");
  assert.equal(await (await graph.api(`${ROOT}/issues/$count`).responseType("text").get()), "3");
});

test("pages through everything by the links it is given", async () => {
  const seen = [];
  let page = await graph.api(`${ROOT}/issues`).header("Prefer", "odata.maxpagesize=1").get();
  for (let pages = 1; ; pages++) {
    seen.push(...page.value.map((issue) => issue.id));
    const next = page["@odata.nextLink"];
    if (!next) break;
    assert.ok(pages < 5 && next.startsWith(`${base}/v1.0/`), next);
    page = await graph.api(next).header("Prefer", "odata.maxpagesize=1").get();
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
});

test("saves files of a message, one by one and all together", async () => {
  const { value: [message] } = await graph.api(`${ROOT}/messages`).expand("attachments").get();
  assert.equal(message.hasAttachments, true);
  assert.deepEqual(message.attachments.map((file) => [file.name, file.contentType, file.size]), [["plan.txt", "text/plain", 10], ["步骤.md", "text/markdown", 8]]);
  const files = `${ROOT}/messages/${message.id}/attachments`;
  assert.equal(await graph.api(`${files}/$count`).responseType("text").get(), "2");
  const one = await graph.api(`${files}/${message.attachments[1].id}/content`).responseType("arraybuffer").get();
  assert.equal(new TextDecoder().decode(one), "# 步骤");
  const archive = new Uint8Array(await graph.api(`${ROOT}/messages/${message.id}/attachmentsArchive`).responseType("arraybuffer").get());
  assert.deepEqual([...archive.subarray(0, 4)], [0x50, 0x4b, 3, 4]);
  assert.ok(new TextDecoder().decode(archive).includes("What we do"));
  await assert.rejects(graph.api(`${files}/1`).get(), (why) => why.statusCode === 404);
});

test("saves the report of an issue once it is published", async () => {
  const { value: [issue] } = await graph.api(`${ROOT}/issues`).filter("status eq 'postIncidentReviewPublished'").get();
  const report = await graph.api(`${ROOT}/issues/${issue.id}/incidentReport`).responseType("text").get();
  assert.match(report, /Issue 2[\s\S]*A cable/);
});

test("says what is wrong as Graph does", async () => {
  await assert.rejects(graph.api(`${ROOT}/issues/EX1`).get(), (why) => why.statusCode === 404 && why.code === "ResourceNotFound");
  await assert.rejects(graph.api(`${ROOT}/issues`).filter("title eq").get(), (why) => why.statusCode === 400);
  const { value: [issue] } = await graph.api(`${ROOT}/issues`).get();
  await assert.rejects(graph.api(`${ROOT}/issues/${issue.id}/incidentReport`).get(), (why) => why.statusCode === 400);
  await assert.rejects(client("gp_wrong").api(`${ROOT}/issues`).get(), (why) => why.statusCode === 401 && why.code === "InvalidAuthenticationToken");
  await assert.rejects(graph.api("/me").get(), (why) => why.statusCode === 404);
});
