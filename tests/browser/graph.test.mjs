// Microsoft's own Graph client, over TLS and with an API token, against our service announcements. The client runs in a process of its
// own (graph-client.mjs), as Node reads whom it trusts only when it starts. With GATEPOST_GRAPH_PYTHON=1 Microsoft's Python SDK as well.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer as plainServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { start } from "./server.mjs";
import { launch } from "./browser.mjs";

const PYTHON_SDK = "msgraph-sdk==1.65.0";
let server, browser, tls, folder, env;

/** A certificate for 127.0.0.1 and a listener that hands what it decrypts to the server's pages. */
async function inFront(port, target) {
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")], { stdio: "ignore" });
  const [host, to] = target.replace("http://", "").split(":");
  const listener = createServer({ key: readFileSync(join(folder, "key.pem")), cert: readFileSync(join(folder, "cert.pem")) }, (socket) => {
    const behind = connect(Number(to), host);
    const end = () => { socket.destroy(); behind.destroy(); };
    socket.on("error", end).on("close", end).pipe(behind);
    behind.on("error", end).on("close", end).pipe(socket);
  });
  await new Promise((done) => listener.listen(port, "127.0.0.1", done));
  return listener;
}

const freePort = () => new Promise((done) => {
  const probe = plainServer().listen(0, "127.0.0.1", () => { const { port } = probe.address(); probe.close(() => done(port)); });
});

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "gatepost-graph-"));
  const port = await freePort();
  const base = `https://127.0.0.1:${port}`;
  server = await start({ settings: `[web]\nurl = "${base}"\n[health]\nevery = "300ms"\n` });
  tls = await inFront(port, server.base);
  browser = await launch();
  const context = await browser.newContext({ locale: "en-GB", ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(base + new URL(server.link).pathname);
  await page.locator("main form button").first().click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  const publish = async (path, fields) => {
    await page.goto(base + path);
    for (const [name, value] of Object.entries(fields)) {
      const field = page.locator(`[name=${name}]`).first();
      await (await field.evaluate((el) => el.tagName) === "SELECT" ? field.selectOption(value) : field.fill(value));
    }
    await page.locator("main form button.main").click();
    await page.waitForURL(/\/(EX|MC)\d+$/);
  };
  for (let n = 0; n < 3; n++) await publish("/health/issues/new", { service: "trace", kind: n ? "advisory" : "incident", status: "serviceDegradation", title_en: `Issue ${n}`, post_en: "Said" });
  await publish("/health/messages/new", { title_en: "A message", text_en: "Text" });
  const done = async (path, how, want) => {
    const answer = await context.request.post(`${base}/api/v1/health/${path}`, how);
    assert.equal(answer.status(), want, await answer.text());
    return answer.json();
  };
  const message = new URL(page.url()).pathname.split("/").pop();
  for (const [name, text] of [["plan.txt", "What we do"], ["步骤.md", "# 步骤"]]) {
    await done(`messages/${message}/files?${new URLSearchParams({ name, kind: name.endsWith("md") ? "text/markdown" : "text/plain" })}`, { data: Buffer.from(text), headers: { "content-type": "application/octet-stream" } }, 201);
  }
  const issues = await (await context.request.get(`${base}/api/v1/health/issues`)).json();
  const over = issues.find((issue) => issue.title.en === "Issue 2").id;
  await done(`issues/${over}/posts`, { data: { status: "postIncidentReviewPublished", root_cause: { en: "A cable" } } }, 200);
  const made = await context.request.post(`${base}/api/v1/tokens`, { data: { name: "Graph", may: ["overview"], days: 1 } });
  assert.equal(made.status(), 201, await made.text());
  env = { ...process.env, GRAPH_BASE: base, GRAPH_TOKEN: (await made.json()).token, GRAPH_CA: join(folder, "cert.pem"), NODE_EXTRA_CA_CERTS: join(folder, "cert.pem"), SSL_CERT_FILE: join(folder, "cert.pem") };
  delete env.NODE_TEST_CONTEXT; // a run of its own, not a part of this one
  await context.close();
});
after(async () => {
  await browser?.close();
  tls?.close();
  await server?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const run = (program, args) => new Promise((done) => {
  const child = spawn(program, args, { env, cwd: import.meta.dirname });
  let text = "";
  child.stdout.on("data", (more) => { text += more; });
  child.stderr.on("data", (more) => { text += more; });
  child.on("exit", (code) => done({ code, text }));
});

test("Microsoft's client for JavaScript", async () => {
  const { code, text } = await run(process.execPath, ["--test", "graph-client.mjs"]);
  assert.equal(code, 0, text);
  assert.match(text, /pass [1-9]/, text);
});

test("Microsoft's SDK for Python", { skip: !process.env.GATEPOST_GRAPH_PYTHON && "half a gigabyte: GATEPOST_GRAPH_PYTHON=1 runs it" }, async () => {
  const venv = process.env.GATEPOST_GRAPH_VENV ?? join(tmpdir(), "gatepost-graph-venv");
  if (!existsSync(join(venv, "bin", "msgraph-installed"))) {
    execFileSync("python3", ["-m", "venv", venv]);
    execFileSync(join(venv, "bin", "pip"), ["install", "--quiet", PYTHON_SDK], { stdio: "inherit" });
    execFileSync("touch", [join(venv, "bin", "msgraph-installed")]);
  }
  const { code, text } = await run(join(venv, "bin", "python"), ["graph_client.py"]);
  assert.equal(code, 0, text);
});
