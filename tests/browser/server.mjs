// The real binary with the demo's data, on free ports, in a folder that goes away.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach } from "node:test";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const binary = process.env.GATEPOST ?? join(target, "debug", "gatepost");
/** Where pictures and results go; never into the repository. */
export const out = process.env.GATEPOST_BROWSER_OUT ?? join(target, "browser");
const START_WITHIN_MS = 120_000;

/** Lines of the log that no test may cause: a failure of ours, or words that nobody wrote. */
const MUST_NOT = /\bERROR\b|there are no words for/;

/** Logs of what was started; a test that fails shows their ends. */
const logs = new Set();
const LOG_LINES_TOLD = 20;
afterEach((t) => {
  if (t.passed === false) for (const log of logs) t.diagnostic(log().split("\n").slice(-LOG_LINES_TOLD).join("\n"));
});

/**
 * Starts it and waits for the sign-in link.
 * @returns {Promise<{base: string, smtp: string, link: string, data: string, log: () => string, mistakes: () => string[], command: Function, stop: Function}>}
 */
export async function start({ demo = true, settings = "" } = {}) {
  const data = mkdtempSync(join(tmpdir(), "gatepost-browser-"));
  const config = join(data, "settings.toml");
  writeFileSync(config, `[listen]\nsmtp = "127.0.0.1:0"\nweb = "127.0.0.1:0"\nstatus = ""\n${settings}`);
  const place = ["--data", join(data, "data"), "--config", config];
  const child = spawn(binary, ["serve", ...(demo ? ["--demo"] : []), ...place], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "", log = "";
  child.stderr.on("data", (text) => { log += text; });
  const ready = new Promise((done, failed) => {
    const late = setTimeout(() => failed(new Error(`not ready in ${START_WITHIN_MS} ms:\n${said}\n${log}`)), START_WITHIN_MS);
    child.stdout.on("data", (text) => {
      said += text;
      const link = said.match(/http:\/\/\S+\/sign-in\/\S+/)?.[0];
      const pages = said.match(/pages on (http:\/\/\S+?)\/?\s/)?.[1];
      if (pages && link) { clearTimeout(late); done({ link, base: pages, smtp: said.match(/listening on (\S+)/)?.[1] }); }
    });
    child.on("error", (why) => failed(new Error(`${binary}: ${why.message}; build it first (cargo build)`)));
    child.on("exit", (code) => failed(new Error(`ended with ${code}:\n${said}\n${log}`)));
  });
  const stop = async () => {
    const ended = new Promise((done) => child.exitCode === null ? child.once("exit", done) : done());
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await ended;
    clearTimeout(hard);
    rmSync(data, { recursive: true, force: true });
  };
  let found;
  try { found = await ready; } catch (why) { await stop(); throw why; }
  logs.add(() => log);
  const command = (args) => new Promise((done) => {
    const run = spawn(binary, [...args, ...place]);
    let text = "";
    run.stdout.on("data", (more) => { text += more; });
    run.stderr.on("data", (more) => { text += more; });
    run.on("exit", (code) => done({ code, text }));
  });
  return { ...found, data, stop, command, log: () => log, mistakes: () => log.split("\n").filter((line) => MUST_NOT.test(line)) };
}

/** The assistant has learned how people ask; a build for tests takes longer for it than a page may, where other tests run beside. */
export async function learned(server) {
  for (let n = 0; n < LEARNED_ASKED_MAX; n++) {
    const answer = await fetch(`${server.base}/help?q=mail`);
    if (answer.ok) return;
  }
  throw new Error("the assistant does not learn");
}
const LEARNED_ASKED_MAX = 4;

/** What a mail server said to one mail sent over the real port: the last reply. */
export async function sendMail(smtp, { from, to, subject, text, headers = "" }) {
  const { connect } = await import("node:net");
  const [host, port] = smtp.split(":");
  const socket = connect(Number(port), host);
  let buffer = "";
  const lines = [];
  let wake = () => {};
  socket.on("data", (octets) => { buffer += octets; let at; while ((at = buffer.indexOf("\r\n")) >= 0) { lines.push(buffer.slice(0, at)); buffer = buffer.slice(at + 2); } wake(); });
  const reply = async () => {
    for (;;) {
      while (lines.length) { const line = lines.shift(); if (line[3] !== "-") return line; }
      await new Promise((done, failed) => { wake = done; socket.once("error", failed); socket.once("close", () => done()); });
    }
  };
  let last = await reply();
  const body = `From: <${from}>\r\nTo: <${to}>\r\nSubject: ${subject}\r\nDate: ${new Date().toUTCString().replace("GMT", "+0000")}\r\nMessage-ID: <${Date.now()}.${Math.random().toString(36).slice(2)}@partner.example>\r\n${headers}\r\n${text}\r\n.`;
  for (const line of ["EHLO mx.partner.example", `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA", body]) {
    socket.write(line + "\r\n");
    last = await reply();
    if (!/^[23]/.test(last)) break;
  }
  socket.end("QUIT\r\n");
  return last;
}

export const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
