// Domains and connectors as an administrator does it: with the keyboard, from the first record to a test mail, in both languages.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import dgram from "node:dgram";
import net from "node:net";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, start } from "./server.mjs";
import { LANGS, axe, launch, open, signIn, wider } from "./browser.mjs";

const DOMAIN = "firma.test";
let server, browser, cookies, dns, sink;

/** A name server for one zone; records may be added while it runs. */
function nameServer() {
  const records = new Map();
  const socket = dgram.createSocket("udp4");
  socket.on("message", (question, from) => {
    const labels = [];
    let at = 12;
    while (question[at]) { labels.push(question.toString("latin1", at + 1, at + 1 + question[at])); at += question[at] + 1; }
    const kind = question.readUInt16BE(at + 1), name = labels.join(".").toLowerCase();
    const found = kind === 16 ? records.get(name) ?? [] : [];
    const header = Buffer.alloc(12);
    question.copy(header, 0, 0, 2);
    header.writeUInt16BE(found.length || [...records.keys()].some((known) => known === name || known.endsWith("." + name)) ? 0x8580 : 0x8583, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    const answers = found.map((text) => {
      const parts = text.match(/.{1,255}/gs).map((part) => Buffer.concat([Buffer.from([part.length]), Buffer.from(part)]));
      const data = Buffer.concat(parts), head = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0]);
      head.writeUInt16BE(data.length, 10);
      return Buffer.concat([head, data]);
    });
    socket.send(Buffer.concat([header, question.subarray(12, at + 5), ...answers]), from.port, from.address);
  });
  return new Promise((done) => socket.bind(0, "127.0.0.1", () => done({ port: socket.address().port, publish: (name, text) => records.set(name, [...(records.get(name) ?? []), text]), stop: () => socket.close() })));
}

/** A mail server that takes everything. */
function mailServer() {
  const mails = [];
  const listener = net.createServer((socket) => {
    let buffer = "", body = null;
    socket.on("error", () => {});
    socket.write("220 sink.test ready\r\n");
    socket.on("data", (octets) => {
      buffer += octets;
      for (let at; (at = buffer.indexOf("\r\n")) >= 0;) {
        const line = buffer.slice(0, at);
        buffer = buffer.slice(at + 2);
        if (body !== null) {
          if (line === ".") { mails.push(body); body = null; socket.write("250 2.6.0 taken\r\n"); } else body += line + "\n";
          continue;
        }
        const verb = line.split(" ")[0].toUpperCase();
        if (verb === "EHLO") socket.write("250-sink.test\r\n250 SIZE 5000000\r\n");
        else if (verb === "DATA") { body = ""; socket.write("354 go ahead\r\n"); }
        else if (verb === "QUIT") socket.end("221 bye\r\n");
        else socket.write("250 2.0.0 ok\r\n");
      }
    });
  });
  return new Promise((done) => listener.listen(0, "127.0.0.1", () => done({ port: listener.address().port, mails, stop: () => listener.close() })));
}

before(async () => {
  [dns, sink] = await Promise.all([nameServer(), mailServer()]);
  server = await start({ settings: `[dns]\nservers = "127.0.0.1:${dns.port}"\nkeep_nothing_max = "1s"\n` });
  browser = await launch();
  cookies = await signIn(browser, server.link);
});
after(async () => { await browser?.close(); await server?.stop(); dns?.stop(); sink?.stop(); });

/** Moves the focus with Tab until it is on what the selector names; what cannot be reached so fails. */
async function tabTo(page, selector) {
  for (let n = 0; n < 90; n++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${selector} cannot be reached with Tab on ${page.url()}`);
}

/** Presses Enter on it and waits for the page that comes. */
async function press(page, selector) {
  await tabTo(page, selector);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

async function seen(page, name) {
  mkdirSync(out, { recursive: true });
  await page.screenshot({ path: join(out, `domain-${name}.png`), fullPage: true });
  assert.deepEqual(await wider(page), [], name);
  assert.deepEqual((await axe(page)).violations, [], name);
}

test("a domain is added from start to end with the keyboard", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  await page.goto(server.base + "/domains");
  await press(page, 'a[href="/domains/new"]');
  await tabTo(page, "#f-name");
  await page.keyboard.type(DOMAIN);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.ok(page.url().includes(`/domains/${DOMAIN}/setup/ownership`));
  const value = (await page.locator("#v-0").textContent()).trim();
  assert.match(value, /^gatepost-domain=[0-9a-f]{40}$/);
  await seen(page, "ownership");
  await press(page, 'form[action$="/check"] button');
  assert.ok((await page.textContent("main")).includes("There is no record"), "nothing is there yet");
  dns.publish(`_gatepost.${DOMAIN}`, value);
  // The answer “nothing” is remembered for a second: a person presses again.
  for (let tries = 0; tries < 20; tries++) {
    await press(page, 'form[action$="/check"] button');
    if ((await page.textContent("#said")).includes("is yours")) break;
  }
  assert.ok((await page.textContent("main")).includes("the domain is yours"));
  dns.publish(`_dmarc.${DOMAIN}`, `v=DMARC1; p=reject; rua=mailto:dmarc@${DOMAIN}`);
  for (const step of ["mx", "spf", "dkim", "dmarc", "mta-sts"]) {
    await press(page, `.tools a.main[href="/domains/${DOMAIN}/setup/${step}"]`);
    await seen(page, step);
  }
  await page.goto(`${server.base}/domains/${DOMAIN}`);
  await seen(page, "one");
  assert.deepEqual(context.mistakes, []);
  await context.close();
});

test("a server is connected, and its dialogue is seen", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  await page.goto(server.base + "/connectors");
  await press(page, 'a[href="/connectors/new"]');
  await tabTo(page, "#f-name");
  await page.keyboard.type("mailserver");
  await tabTo(page, "#f-hosts");
  await page.keyboard.type(`127.0.0.1:${sink.port}`);
  await tabTo(page, "#f-allow_private");
  await page.keyboard.press("Space");
  await press(page, 'button[name="verb"][value="save"]');
  assert.ok(page.url().endsWith("/connectors/mailserver"), await page.textContent("main"));
  await press(page, 'a[href="/connectors/mailserver/validation"]');
  await tabTo(page, "#f-to");
  await page.keyboard.type(`li@${DOMAIN}`);
  await tabTo(page, "#f-send");
  await page.keyboard.press("Space");
  await press(page, 'form[action$="/validation"] button');
  const text = await page.textContent("main");
  for (const line of ["220 sink.test ready", "MAIL FROM:<>", `RCPT TO:<li@${DOMAIN}>`, "The test mail was taken"]) assert.ok(text.includes(line), line);
  assert.equal(sink.mails.length, 1);
  await seen(page, "dialogue");
  await context.close();
});

test("a DKIM key is made, published, switched on and replaced", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  const record = async () => {
    const name = (await page.locator('code[id^="n-"]').first().textContent()).trim();
    dns.publish(name, (await page.locator('code[id^="v-"]').first().textContent()).trim());
    return name;
  };
  await page.goto(`${server.base}/domains/${DOMAIN}/keys`);
  await press(page, 'button[name="kind"][value="rsa"]');
  const first = await record();
  await press(page, 'form[action$="/activate"] button');
  assert.ok((await page.textContent("#said")).includes("signs from now on"));
  await press(page, 'form[action$="/keys"] input[name="kind"] + button');
  const second = await record();
  assert.notEqual(first, second);
  await press(page, 'form[action$="/activate"] button');
  const text = await page.textContent("main");
  assert.ok(text.includes("Retiring") && text.includes("Keep its record"), "the old one stays published");
  await seen(page, "keys");
  await context.close();
});

for (const lang of LANGS) {
  test(`every page fits into 320 px, in ${lang}`, async () => {
    const context = await open(browser, { cookies, lang, width: 320 });
    const page = await context.newPage();
    const paths = ["/domains", "/domains/new", `/domains/${DOMAIN}`, `/domains/${DOMAIN}/setup/dmarc`, `/domains/${DOMAIN}/recipients`, `/domains/${DOMAIN}/recipients/import`, `/domains/${DOMAIN}/keys`, "/connectors", "/connectors/new", "/connectors/mailserver", "/connectors/mailserver/validation", "/inbound/new"];
    for (const path of paths) {
      await page.goto(server.base + path);
      await seen(page, `${lang}-320-${path.replaceAll("/", "_")}`);
    }
    if (lang === "zh-CN") assert.ok((await page.textContent("h1")).includes("入站连接器"));
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });
}

test("without scripts the same is done", async () => {
  const context = await open(browser, { cookies, scripts: false });
  const page = await context.newPage();
  await page.goto(`${server.base}/domains/${DOMAIN}/recipients/import`);
  await page.fill("#f-csv", `ann@${DOMAIN},Ann\nnobody\n`);
  await page.click('form[action$="/import"] button.main');
  assert.ok((await page.textContent("main")).includes("1 new"));
  await page.click("section button.main");
  assert.ok((await page.textContent("main")).includes(`ann@${DOMAIN}`));
  await context.close();
});

test("no request failed and no words were missing", () => assert.deepEqual(server.mistakes(), []));
