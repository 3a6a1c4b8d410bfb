"""Fills the database of an installation with a month of mail: what the pages have to be fast with.

In: a database that Gatepost made and that holds the demo's mails. Out: MAILS more mails with recipients and events, of which HELD are
held, spread over the last 30 days. Receipts, verdicts and texts are those of the demo's mails, so rows are as large as real ones."""
import io
import itertools
import json
import random
import sqlite3
import subprocess
import sys
import time

DAY_MS = 24 * 3600 * 1000
BATCH = 20_000
TABLES = {
    "mail": "id org direction peer_ip helo sender message_id subject octets recipients verdict receipt envelope".split(),
    "recipient": "mail n org address original state edits dsn route tries next_ms lease_node lease_ms last_reply settled_ms".split(),
    "event": "id mail org at_ms kind recipient detail".split(),
    "body": "mail place octets".split(),
    "release_request": "id org mail n person who reason until_ms state decided_by answer first_person first_who".split(),
    "list_entry": "id org effect kind value scope expires_ms note made_ms source".split(),
    "audit": "id org person who ip action subject detail".split(),
}
WORDS = "invoice meeting report 发票 会议 合同 update order parcel 通知 account plan draft offer review 报价 photos newsletter 提醒 minutes".split()


class Sqlite:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.execute("PRAGMA synchronous = OFF")

    def rows(self, sql):
        return self.db.execute(sql).fetchall()

    def insert(self, table, rows):
        columns = TABLES[table]
        self.db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows)
        self.db.commit()

    def done(self):
        self.db.execute("ANALYZE")
        self.db.commit()
        self.db.close()


class Postgres:
    def __init__(self, url):
        self.url = url

    def psql(self, sql, stdin=None):
        run = ["psql", self.url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-At", "-F", "\x1f", "-R", "\x1e", "-c", sql]
        return subprocess.run(run, input=stdin, check=True, capture_output=True, text=True).stdout

    def rows(self, sql):
        return [tuple(line.split("\x1f")) for line in self.psql(sql).rstrip("\n").split("\x1e") if line]

    def insert(self, table, rows):
        out = io.StringIO()
        escape = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
        cell = lambda value: "\\N" if value is None else ("\\\\x" + value.hex() if isinstance(value, bytes) else str(value).translate(escape))
        for row in rows:
            out.write("\t".join(cell(value) for value in row) + "\n")
        self.psql(f"COPY {table} ({', '.join(TABLES[table])}) FROM STDIN", out.getvalue())

    def done(self):
        self.psql("VACUUM ANALYZE")


def mails(models, org, count, held, now_ms):
    """Yields (mail, recipient, events, body or None) as rows, oldest first."""
    rng = random.Random(7)
    step = 30 * DAY_MS // count
    every = max(1, count // held)
    wanted = [model for model in models if model[4] != "clean"]
    for n in range(count):
        at = now_ms - 30 * DAY_MS + n * step
        mail = (at << 21) + (n & 0xFFFFF) + 1
        is_held = n % every == 0
        direction, helo, envelope, octets, verdict, receipt = rng.choice(wanted if is_held or rng.random() < 0.3 else models)
        sender = f"{rng.choice(WORDS)}{n % 5000}@sender{n % 997}.example".encode("ascii", "ignore").decode()
        to = f"{('alice', 'bo', 'li')[n % 3]}@demo.example"
        state = "held" if is_held else ("queued" if n > count - 200 and n % 10 == 1 else "delivered")
        subject = f"{rng.choice(WORDS)} {rng.choice(WORDS)} {n}"
        row = (mail, org, direction, f"198.51.{n // 251 % 100}.{n % 251}", helo, sender, f"<{n}@sender.example>", subject, int(octets), 1, verdict, receipt, envelope)
        settled = at + 900 if state == "delivered" else None
        recipient = (mail, 0, org, to, to, state, "{}", "{}", "mailboxes", 1, now_ms + 20 * DAY_MS, 0, 0, "", settled)
        last = {"held": "held", "queued": "queued"}.get(state, "delivered")
        detail = json.dumps({"verdict": verdict, "scl": 1, "octets": int(octets)})
        events = [(mail + 1 + k, mail, org, at + k, kind, to if k == 2 else "", detail) for k, kind in enumerate(("received", "judged", last))]
        # A tenth as many refusals as mails: connections that never became one.
        if n % 10 == 0:
            told = json.dumps({"ip": "203.0.113.9", "sender": sender, "recipients": ["nobody@demo.example"], "reply": "550 5.4.1 No such recipient"})
            events.append((mail + 9, 0, org, at, "recipient-refused", "nobody@demo.example", told))
        body = (mail, "", b"From: x@sender.example\r\nSubject: held\r\n\r\nheld\r\n") if state in ("held", "queued") else None
        yield row, recipient, events, body


def fill(db, count, held, now_ms):
    org = int(db.rows("SELECT id FROM organisation WHERE name = 'demo'")[0][0])
    models = db.rows("SELECT direction, helo, envelope, octets, verdict, receipt FROM mail")
    began, made = time.monotonic(), mails(models, org, count, held, now_ms)
    done = 0
    while batch := list(itertools.islice(made, BATCH)):
        db.insert("mail", [one[0] for one in batch])
        db.insert("recipient", [one[1] for one in batch])
        db.insert("event", [event for one in batch for event in one[2]])
        db.insert("body", [one[3] for one in batch if one[3]])
        done += len(batch)
        if done % 100_000 == 0:
            print(f"{done} mails, {time.monotonic() - began:.0f} s", file=sys.stderr)
    first = (now_ms - DAY_MS) << 21
    asked = [int(row[0]) for row in db.rows("SELECT mail FROM recipient WHERE state = 'held' ORDER BY mail DESC LIMIT 40")]
    db.insert("release_request", [(mail + 500, org, mail, 0, 1, "alice@demo.example", "needed", now_ms + DAY_MS, "open", "", "", 0, "") for mail in asked])
    kinds = itertools.cycle(("allow", "block"))
    db.insert("list_entry", [(first + 1000 + n, org, next(kinds), "address", f"a{n}@sender.example", "", now_ms + (n + 1) * 3_600_000, "", now_ms, "page") for n in range(2_000)])
    db.insert("audit", [(first + 9000 + n, org, 1, "admin@demo.example", "127.0.0.1", "quarantine.release", f"m{n}", "{}") for n in range(50_000)])
    db.done()
