// People beside the administrator of the demo, written straight into its database.
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";

const ADD = `
import sqlite3, sys, time
path, email, role, digest = sys.argv[1:]
db = sqlite3.connect(path, timeout=30)
now = int(time.time() * 1000)
org = db.execute("SELECT id FROM organisation WHERE name = 'demo'").fetchone()[0]
person = (now << 21) | (hash(email) & 0x1FFFFF)
db.execute("INSERT INTO person (id, org, email, name, role, language, password, is_active, made_ms) VALUES (?, ?, ?, '', ?, '', '', 1, ?) ON CONFLICT (email) DO NOTHING", (person, org, email, role, now))
person = db.execute("SELECT id FROM person WHERE email = ?", (email,)).fetchone()[0]
db.execute("INSERT INTO sign_in_link (token, person, purpose, until_ms) VALUES (?, ?, 'sign-in', ?)", (digest, person, now + 3600000))
db.commit()
`;

/** Adds somebody to the demo organisation; returns a link that signs them in once. */
export function linkFor(server, email, role) {
  const token = randomBytes(32).toString("base64url");
  const digest = createHash("sha256").update(token).digest("hex");
  const run = spawnSync("python3", ["-c", ADD, join(server.data, "data", "gatepost.db"), email, role, digest], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${email} could not be added: ${run.stderr}`);
  return `${server.base}/sign-in/${token}`;
}
