// People and access as people do it: first start, invitation, second factors, passkeys, recovery, sessions, tokens, the audit log.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { out, start } from "./server.mjs";
import { axe, launch, open, wider } from "./browser.mjs";

const PASSWORD = "a lamp walks upstairs slowly";
const OTHER = "nine clouds over the harbour";
/** Browsers give passkeys to names, not to addresses. */
const named = (url) => url.replace("127.0.0.1", "localhost");
let server, browser, base, context, page, codes = [], secret;

before(async () => {
  server = await start({ demo: false });
  base = named(server.base);
  browser = await launch();
  context = await open(browser);
  page = await context.newPage();
});
after(async () => { await browser?.close(); await server?.stop(); });

/** RFC 6238. */
function code(of, ahead = 0) {
  const bits = [...of.replaceAll(" ", "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((eight) => parseInt(eight, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const tag = createHmac("sha1", key).update(step).digest();
  return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const at = (path) => page.waitForURL((url) => url.pathname === path);
const field = (label, on = page) => on.getByLabel(label, { exact: true });
const press = (name, on = page) => on.locator("main").getByRole("button", { name, exact: true }).click();

async function signOut() {
  await context.clearCookies({ name: "gatepost" });
  await page.goto(`${base}/sign-in`);
}

async function byPassword(email, password) {
  await page.goto(`${base}/sign-in`);
  await field("Email address").fill(email);
  await field("Password").fill(password);
  await press("Sign in");
}

test("the first start makes the operator and the first organisation", async () => {
  await page.goto(named(server.link));
  await field("Your first organisation").fill("Example");
  await field("Email address").fill("ops@mail.example");
  await field("Name").fill("Ops");
  await field("New password").fill("password1234");
  await press("Set up");
  await page.getByRole("alert").getByText("among the first that guessers try").waitFor();
  await field("New password").fill(PASSWORD);
  await press("Set up");
  await at("/account/welcome");
  const again = await page.context().request.get(named(server.link));
  assert.equal(again.status(), 409, "the link holds no longer");
});

test("a passkey is added, signs in without a password, and is asked for after one", async () => {
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await page.goto(`${base}/account/passkeys/new`);
  await field("Name").fill("Laptop");
  await press("Go on");
  await at("/account/recovery");
  await press("Make recovery codes");
  codes = (await page.locator("#codes").textContent()).trim().split(/\s+/);
  assert.equal(codes.length, 10);
  await page.goto(`${base}/account`);
  await page.getByText("Laptop –").waitFor();

  await signOut();
  await press("Sign in with a passkey");
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  assert.equal((await context.request.get(`${base}/api/v1/me`)).status(), 200);

  await signOut();
  await byPassword("ops@mail.example", PASSWORD);
  await at("/sign-in/second");
  assert.equal((await context.request.get(`${base}/api/v1/me`)).status(), 401, "half a sign-in is none");
  await press("Use a passkey");
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
});

test("an authenticator app is added, and a recovery code signs in once", async () => {
  await page.goto(`${base}/account/app`);
  await page.locator("svg.qr").waitFor();
  secret = await page.locator("#secret").textContent();
  await field("Code of the authenticator app").fill(code(secret));
  await press("Add the app");
  await at("/account");

  await byPassword("ops@mail.example", PASSWORD);
  await at("/sign-in/second");
  await page.locator("#f-code").fill(code(secret, 1));
  await press("Sign in");
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));

  for (const works of [true, false]) {
    await byPassword("ops@mail.example", PASSWORD);
    await at("/sign-in/second");
    await page.locator("#f-code").fill(codes[0].toUpperCase());
    await press("Sign in");
    if (works) await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
    else await page.getByRole("alert").getByText("does not fit, or was used already").waitFor();
  }
  await page.locator("#f-code").fill(codes[1]);
  await press("Sign in");
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
});

test("somebody is invited into an organisation and accepts, by the keyboard alone", async () => {
  await page.goto(`${base}/people/organisations`);
  await press("Example");
  await page.goto(`${base}/people/new`);
  await field("Email address").fill("ann@mail.example");
  await field("Role").selectOption("administrator");
  await press("Invite");
  const link = named(await page.locator("#link").textContent());
  const theirs = await open(browser);
  const ann = await theirs.newPage();
  await ann.goto(base + new URL(link).pathname);
  await ann.locator("#f-name").focus();
  await ann.keyboard.type("Ann");
  await ann.keyboard.press("Tab");
  await ann.keyboard.type(OTHER);
  await ann.keyboard.press("Enter");
  await ann.waitForURL((url) => url.pathname === "/account/welcome");
  await theirs.clearCookies({ name: "gatepost" });
  // A page that stayed open: its stream ends for good, without a word in the console (`mistakes`, below).
  const state = await ann.evaluate(
    () => new Promise((over) => Object.assign(new EventSource("/bell/stream"), { onerror: (event) => over(event.target.readyState) })),
  );
  assert.equal(state, 2, "closed, and not tried again");
  await ann.goto(`${base}/sign-in`);
  // From the top of the page, as somebody without a mouse: skip link, then Tab to the form.
  await ann.keyboard.press("Tab");
  await ann.keyboard.press("Enter");
  await ann.keyboard.press("Tab");
  await ann.keyboard.type("ann@mail.example");
  await ann.keyboard.press("Tab");
  await ann.keyboard.type(OTHER);
  await ann.keyboard.press("Enter");
  await ann.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  assert.equal((await theirs.request.get(`${base}/api/v1/people`)).status(), 200);

  // The operator ends her sessions; she is out at once.
  await page.goto(`${base}/people?q=ann`);
  await page.getByRole("link", { name: "ann@mail.example" }).click();
  await press("Sign out everywhere");
  await page.getByText("Signed out.").waitFor();
  await ann.goto(`${base}/people`);
  await ann.waitForURL((url) => url.pathname === "/sign-in");
  assert.deepEqual(theirs.mistakes, []);
  await theirs.close();
});

test("an API token works, and no longer once it is ended", async () => {
  await page.goto(`${base}/account/tokens`);
  await page.locator("#f-name").fill("Script");
  await field("Read the audit log").check();
  await press("Make a token");
  const token = (await page.locator("#token").textContent()).trim();
  const bare = await browser.newContext();
  const ask = (path) => bare.request.get(`${base}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual((await (await ask("me")).json()).may, ["audit"]);
  assert.equal((await ask("audit")).status(), 200);
  assert.equal((await ask("people")).status(), 403);
  await page.goto(`${base}/account`);
  await page.getByRole("button", { name: "End the token Script" }).click();
  await page.getByText("The token is ended.").waitFor();
  assert.equal((await ask("audit")).status(), 401);
  await bare.close();
});

test("another of one's own sessions is ended from the account page", async () => {
  const elsewhere = await open(browser);
  const other = await elsewhere.newPage();
  await other.goto(`${base}/sign-in`);
  await field("Email address", other).fill("ops@mail.example");
  await field("Password", other).fill(PASSWORD);
  await press("Sign in", other);
  await other.locator("#f-code").fill(codes[2]);
  await press("Sign in", other);
  await other.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  await page.goto(`${base}/account`);
  await page.getByRole("button", { name: "End all others" }).click();
  await page.getByText("All other sessions are ended.").waitFor();
  await other.goto(`${base}/account`);
  await other.waitForURL((url) => url.pathname === "/sign-in");
  await elsewhere.close();
});

test("what was done stands in the audit log, and on its own pages", async () => {
  await page.goto(`${base}/audit?action=people-invite`);
  await page.getByRole("link", { name: "Person invited" }).first().click();
  await page.getByText("ann@mail.example").first().waitFor();
  const file = await context.request.get(`${base}/audit?format=csv`);
  assert.match(await file.text(), /ann@mail\.example/);
});

test("the pages fit and are accessible in both languages, with and without scripts", async () => {
  mkdirSync(out, { recursive: true });
  const cookies = (await context.cookies()).filter((cookie) => cookie.name === "gatepost");
  const wrong = [];
  for (const [lang, width, colours] of [["zh-CN", 320, "dark"], ["en", 1280, "light"]]) {
    const looked = await open(browser, { lang, width, colours, cookies });
    const tab = await looked.newPage();
    for (const path of ["/account", "/account/password", "/account/app", "/account/recovery", "/account/passkeys/new", "/account/tokens", "/account/welcome", "/people", "/people/new", "/people/roles", "/people/roles/new", "/people/access", "/people/organisations", "/audit", "/sign-in/link", "/sign-in/provider", "/sign-in/sent"]) {
      await tab.goto(base + path);
      const found = await axe(tab);
      wrong.push(...found.violations.map((rule) => `${path} ${lang}: ${rule.id}: ${rule.where.join(" | ")}`));
      const over = await wider(tab);
      if (over.length) wrong.push(`${path} ${lang} ${width}: wider than the window: ${over.join(", ")}`);
      await tab.screenshot({ path: join(out, `people${path.replaceAll("/", "-")}-${lang}-${width}.png`), fullPage: true });
    }
    wrong.push(...looked.mistakes);
    await looked.close();
  }
  assert.deepEqual(wrong, []);
  const plain = await open(browser, { scripts: false });
  const tab = await plain.newPage();
  await tab.goto(`${base}/sign-in`);
  await field("Email address", tab).fill("ann@mail.example");
  await field("Password", tab).fill(OTHER);
  await press("Sign in", tab);
  await tab.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  await plain.close();
});

test("the browser complained of nothing, and no request failed", () => {
  assert.deepEqual(context.mistakes, []);
  assert.deepEqual(server.mistakes(), []);
});
