// The whole way, as people go it, in both languages: ask the agent, run what it offers, open a request with a mail's receipt attached, get the answer that an
// engineer wrote in their mail program, answer with another one, approve a proposed change, confirm the solution, say how it was; and the next person who types the
// same finds it.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { out, learned, sendMail, start } from "./server.mjs";
import { LANGS, launch, looks, open, signIn } from "./browser.mjs";

let server, browser, admin, engineer, next;
const pictures = join(out, "walk");
const WORDS = {
  en: {
    ask: "a mail from friend@partner.example to alice@demo.example did not arrive", yes: "Yes, look into the records",
    title: "Orders of our partner never arrive", what: "Since Monday nothing of theirs comes in.", news: "Is there any news?",
    answer: "It is held as malware: they send a program in it. May we allow their domain?", reply: "Yes, they are ours.", quoted: "Quoted text",
    solution: "The partner sends programs in archives now, and their domain is allowed.", applies: /Still applies: (yes|no|cannot)/, stars: /5 of 5 stars/,
  },
  "zh-CN": {
    ask: "friend@partner.example 发给 alice@demo.example 的邮件没有收到", yes: "是的，请查阅记录",
    title: "合作伙伴的订单一直收不到", what: "周一以来对方的邮件都没有进来。", news: "有进展吗？",
    answer: "邮件中带有程序，因此被当作恶意软件扣留。是否允许该域名？", reply: "可以，是我们的合作伙伴。", quoted: "引用的文字",
    solution: "对方改用压缩包发送程序，并已允许其域名。", applies: /仍适用/, stars: /5/,
  },
};

async function invited(address, ...more) {
  const made = await server.command(["person", "invite", ...more, address]);
  assert.equal(made.code, 0, made.text);
  const once = await server.command(["person", "link", address]);
  const link = once.text.match(/http\S+|\/sign-in\/\S+|\/invitation\S+/)?.[0];
  assert.ok(link, once.text);
  return signIn(browser, link.startsWith("http") ? link.replace(/^https?:\/\/[^/]+/, server.base) : server.base + link);
}

before(async () => {
  mkdirSync(pictures, { recursive: true });
  server = await start();
  await learned(server);
  browser = await launch();
  admin = await signIn(browser, server.link);
  // Their mailbox is in the demo's folder, so that what they get can be read.
  engineer = await invited("li@demo.example", "--role", "support-engineer");
  next = await invited("bo@demo.example", "--role", "help-desk", "--organisation", "demo");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const lang of LANGS) {
  test(`from a question to the agent to a solution that the next person finds (${lang})`, async () => {
    const words = WORDS[lang];
    const context = await open(browser, { lang, cookies: admin }), page = await context.newPage();
    const support = await open(browser, { lang, cookies: engineer }), desk = await support.newPage();
    // Ask, and let the records be looked into.
    await page.goto(`${server.base}/help/agent`);
    await page.locator("#f-q").fill(words.ask);
    await page.locator("form.panel button.main").click();
    await page.locator("#answer").waitFor();
    await page.getByRole("button", { name: words.yes }).click();
    await page.waitForURL(/\/troubleshoot\/./);
    await looks(page, context, pictures, `diagnosis-${lang}`);
    // From the mail that was found to a request with its receipt.
    await page.locator("main a[href^='/trace/m']").first().click();
    await page.locator("a[href^='/requests/new?evidence=mail:']").click();
    await page.locator("#f-title").fill(words.title);
    await page.locator("#f-description").fill(words.what);
    await page.locator("button[value=open]").click();
    await page.waitForURL(/\/requests\/r/);
    const path = new URL(page.url()).pathname, id = path.split("/").pop();
    await page.locator("a", { hasText: /^mail-m\S+\.json$/ }).first().waitFor();
    // Support takes it; the requester adds a word, which the engineer gets by mail.
    await desk.goto(`${server.base}/support/${id}`);
    await desk.locator("button[value=take]").click();
    await page.goto(`${server.base}${path}`);
    await page.locator("#f-body").fill(words.news);
    await page.locator("button[value=reply]").click();
    const toEngineer = await letter(id, "li@demo.example", words.news);
    assert.match(await sendMail(server.smtp, thunderbird(toEngineer, "li@demo.example", words.answer, words.news)), /^250/);
    // The requester reads it on the page and in a letter, and answers with another program.
    await page.goto(`${server.base}${path}`);
    await page.locator(".words", { hasText: words.answer }).first().waitFor();
    assert.equal(await page.locator(".words", { hasText: "User-Agent" }).count(), 0);
    assert.ok(await page.locator("details summary", { hasText: words.quoted }).count() > 0, "what was quoted is folded");
    const toRequester = await letter(id, "admin@demo.example", words.answer);
    assert.match(await sendMail(server.smtp, outlook(toRequester, "admin@demo.example", words.reply, words.answer)), /^250/);
    await page.goto(`${server.base}${path}`);
    await page.locator(".words", { hasText: words.reply }).first().waitFor();
    await looks(page, context, pictures, `conversation-${lang}`);
    // A change is proposed and approved.
    const domain = `orders-${lang.toLowerCase()}.example`;
    await desk.goto(`${server.base}${path}`);
    await desk.locator("section[aria-labelledby=proposals] summary").first().click();
    await desk.locator("form[action$='/proposals'] [name=value]").fill(domain);
    await desk.locator("form[action$='/proposals'] [name=kind]").selectOption("domain");
    await desk.locator("form[action$='/proposals'] [name=why]").fill(words.answer);
    await desk.locator("form[action$='/proposals'] button").click();
    await page.goto(`${server.base}${path}`);
    await page.locator("button[value=approve]").click();
    await page.goto(`${server.base}/entries`);
    await page.getByText(domain).first().waitFor();
    // Solved, confirmed, rated.
    await desk.goto(`${server.base}/support/${id}`);
    await desk.locator("#f-body").fill(words.solution);
    await desk.locator("#f-then").selectOption("resolved");
    await desk.locator("button[value=reply]").click();
    await desk.waitForLoadState();
    await page.goto(`${server.base}${path}`);
    await page.locator("button[value=solved]").click();
    await page.waitForLoadState();
    await page.goto(`${server.base}${path}`);
    await page.locator("button[name=stars][value='5']").click();
    await page.waitForLoadState();
    assert.match(await page.locator("main").innerText(), words.stars);
    await looks(page, context, pictures, `solved-${lang}`);
    // The next person types the same.
    const other = await open(browser, { lang, cookies: next }), again = await other.newPage();
    await again.goto(`${server.base}/requests/new`);
    await again.locator("#f-title").fill(words.title);
    await again.locator("#f-description").fill(words.what);
    const offered = again.locator("#suggested li", { hasText: words.solution }).first();
    await offered.waitFor();
    assert.match(await offered.innerText(), words.applies);
    await looks(again, other, pictures, `next-${lang}`);
    for (const one of [context, support, other]) await one.close();
    assert.deepEqual(server.mistakes(), []);
  });
}

/** Every file below a folder. */
const files = (folder) => readdirSync(folder).flatMap((name) => {
  const one = join(folder, name);
  return statSync(one).isDirectory() ? files(one) : [one];
});

/** The message as text: what is in base64 or quoted-printable is decoded as well. */
function read(raw) {
  const base64 = (raw.match(/(?:[A-Za-z0-9+/=]{2,76}\r?\n)+/g) ?? []).map((block) => Buffer.from(block, "base64").toString("utf8")).join("");
  const quoted = raw.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return raw + base64 + Buffer.from(quoted, "latin1").toString("utf8");
}

/** The address that a letter about a request is answered to: the letter to `to` that says `what`, from the demo's mailboxes. */
async function letter(id, to, what) {
  const from = new RegExp(`^From:[\\s\\S]{0,300}?<(request\\+${id}\\.[a-z0-9]+@[^>]+)>`, "m");
  for (let tries = 0; tries < 150; tries++) {
    for (const one of files(join(server.data, "data"))) {
      if (!/\.(eml)$|\/new\//.test(one)) continue;
      const raw = readFileSync(one, "latin1"), found = raw.match(from);
      if (found && new RegExp(`^To:[\\s\\S]{0,200}?${to.replace(".", "\\.")}`, "m").test(raw) && read(raw).replace(/\s+/g, " ").includes(what)) return found[1];
    }
    await new Promise((done) => setTimeout(done, 200));
  }
  return assert.fail(`no letter about ${id} to ${to} says ${what}: ${server.log()}`);
}

const base64 = (text) => Buffer.from(text, "utf8").toString("base64").replace(/.{76}/g, "$&\r\n");

/** As Thunderbird writes an answer below a quote: text and HTML side by side. */
function thunderbird(to, from, text, quoted) {
  const intro = "On 11/24/26 13:00, Gatepost support wrote:";
  return {
    from, to, subject: "Re: [Gatepost] request",
    headers: [
      "Message-ID: <5f0c3a1e-6a55-4b1f-9d2e-a1b2c3d4e5f6@demo.example>", "MIME-Version: 1.0", "User-Agent: Mozilla Thunderbird", "Content-Language: en-US",
      'Content-Type: multipart/alternative; boundary="------------0aB1cD2eF3gH4iJ5kL6mN7oP"', "",
    ].slice(1).join("\r\n"),
    text: [
      "This is a multi-part message in MIME format.", "--------------0aB1cD2eF3gH4iJ5kL6mN7oP", "Content-Type: text/plain; charset=UTF-8; format=flowed", "Content-Transfer-Encoding: base64", "",
      base64(`${text}\r\n\r\n${intro}\r\n> ${quoted}\r\n`), "--------------0aB1cD2eF3gH4iJ5kL6mN7oP", "Content-Type: text/html; charset=UTF-8", "Content-Transfer-Encoding: base64", "",
      base64(`<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8"></head><body><p>${text}</p><div class="moz-cite-prefix">${intro}<br></div><blockquote type="cite"><p>${quoted}</p></blockquote></body></html>`),
      "--------------0aB1cD2eF3gH4iJ5kL6mN7oP--", "",
    ].join("\r\n"),
  };
}

/** As Outlook writes an answer above the message it answers. */
function outlook(to, from, text, quoted) {
  const head = "-----Original Message-----\r\nFrom: Gatepost support <request@mx.example>\r\nSent: Tuesday, November 24, 2026 1:00 PM\r\nTo: Admin\r\nSubject: [request]";
  return {
    from, to, subject: "RE: [Gatepost] request",
    headers: ["MIME-Version: 1.0", "X-Mailer: Microsoft Outlook 16.0", "Thread-Index: AQHbP0000000000000000000000000==", "Content-Language: en-us", 'Content-Type: text/plain; charset="utf-8"', "Content-Transfer-Encoding: base64", ""].join("\r\n"),
    text: base64(`${text}\r\n\r\n${head}\r\n\r\n${quoted}\r\n`),
  };
}
