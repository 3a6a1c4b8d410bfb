"""How fast the health pages are with 200 organisations, 2,000 issues and 100,000 read states.

Usage: health.py BINARY [--rounds N] [--engines sqlite,postgres]. Writes bench/HEALTH.md; exit code 1 when a page misses the bar.
Asked twice: by an administrator of one organisation, and by an operator who sees all. Everything happens in a folder that goes away."""
import argparse
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

import fill
import pages
from server import Server

ORGANISATIONS, ISSUES, POSTS_EACH, MESSAGES, READ_STATES, CHANGES = 200, 2_000, 5, 500, 100_000, 20_000
OPEN = 60
DAY_MS = 24 * 3600 * 1000
SERVICES = ["intake", "filtering", "delivery", "quarantine", "trace", "admin", "directory"]
GRAPH = "/v1.0/admin/serviceAnnouncement"
HERE = pathlib.Path(__file__).resolve().parent
fill.TABLES.update({
    "organisation": "id name language settings source".split(),
    "issue": "number org cause what status classification origin is_measured is_open is_known merged_into started_ms updated_ms ended_ms body".split(),
    "issue_post": "id issue org at_ms kind status who body".split(),
    "service_message": "number org kind category severity is_major is_cancelled starts_ms ends_ms act_by_ms updated_ms sequence body".split(),
    "bell_read": "person subject at_ms".split(),
    "service_message_view": "person message is_read is_archived is_favourite".split(),
    "health_change": "id org service at_ms status".split(),
})


def both(english, chinese):
    return {"en": english, "zh": chinese}


def issues(orgs, now_ms, rng):
    """Issues with their posts, spread over 90 days; a third is everybody's, half of the rest the first organisation's neighbours'."""
    for n in range(ISSUES):
        number, is_open = 100_001 + n, n >= ISSUES - OPEN
        started = now_ms - (ISSUES - n) * 90 * DAY_MS // ISSUES
        org = 0 if n % 3 == 0 else orgs[n % len(orgs)]
        service = f"connector:c{n % 50}" if org and n % 2 else rng.choice(SERVICES)
        evidence = {"numbers": {"in_row": n % 9 + 2, "down_ms": n * 1000}, "said": "mx.example.com 421 4.4.2 no answer"}
        say = lambda family: {"say": {"key": f"health-{family}-connector-unreachable", "args": [["what", f"c{n % 50}"]]}}
        body = {"services": [service, "delivery"], "title": say("cause"), "impact": say("impact"), "workaround": say("do"), "evidence": evidence}
        ended = None if is_open else started + 600_000
        status = "serviceDegradation" if is_open else "serviceRestored"
        yield (number, org, "connector.unreachable", f"c{n % 50}", status, "incident" if n % 4 == 0 else "advisory", "customer", int(is_open), int(is_open), 0, 0,
               started, ended or now_ms - n, ended, json.dumps(body)), \
              [((started + k << 21) + n, number, org, started + k * 60_000, "regular", status, "", json.dumps(both(f"Update {k}: we look into it.", f"更新 {k}：正在处理。"))) for k in range(POSTS_EACH)]


def fill_health(db, now_ms):
    rng = random.Random(11)
    demo = int(db.rows("SELECT id FROM organisation WHERE name = 'demo'")[0][0])
    reader = int(db.rows("SELECT id FROM person WHERE email = 'admin@demo.example'")[0][0])
    made = [(now_ms << 21) + n for n in range(ORGANISATIONS - 1)]
    db.insert("organisation", [(org, f"org{n}", "en", "{}", "page") for n, org in enumerate(made)])
    orgs = [demo, *made]
    rows = list(issues(orgs, now_ms, rng))
    db.insert("issue", [issue for issue, _ in rows])
    db.insert("issue_post", [post for _, posts in rows for post in posts])
    messages = []
    for n in range(MESSAGES):
        kind, starts = ("maintenance", now_ms + (n - 200) * DAY_MS // 4) if n % 5 == 0 else ("message", now_ms - n * DAY_MS // 4)
        body = {"title": both(f"A change of part {n}", f"第 {n} 部分的变更"), "text": both("What changes, and what to do about it. " * 8, "变更内容及应对措施。" * 8),
                "services": [rng.choice(SERVICES)], "tags": ["Admin impact"]}
        messages.append((100_001 + n, 0 if n % 2 else orgs[n % len(orgs)], kind, "planForChange", "normal", 0, 0, starts, starts + 3_600_000, None, now_ms - n * 3_600_000, 1, json.dumps(body)))
    db.insert("service_message", messages)
    # Everybody read the newest; the one who asks read most of them.
    people = [reader, *range(1, READ_STATES // 400)]
    db.insert("bell_read", [(person, f"EX{100_000 + ISSUES - n}", now_ms - n * 1000) for person in people for n in range(200)])
    db.insert("service_message_view", [(person, 100_001 + n, 1, int(n % 7 == 0), 0) for person in people for n in range(200)])
    states = ["serviceDegradation", "restoringService", "serviceOperational"]
    db.insert("health_change", [((now_ms << 21) + n, 0 if n % 3 == 0 else orgs[n % len(orgs)], SERVICES[n // 3 % 7], now_ms - (CHANGES - n) * 90 * DAY_MS // CHANGES, states[n % 3]) for n in range(CHANGES)])
    db.done()


def wanted(server):
    issue = json.loads(server.text(f"{GRAPH}/issues?$top=1"))["value"][0]["id"]
    message = json.loads(server.text(f"{GRAPH}/messages?$top=1"))["value"][0]["id"]
    return [
        "/health", "/health/issues", "/health/issues?days=90", "/health/known", "/health/messages", "/health/maintenance", "/health/ledger", "/bell",
        f"/health/issues/{issue}", f"/health/messages/{message}", "/api/v1/health/services", "/api/v1/health/issues", "/api/v1/health/messages",
        f"{GRAPH}/healthOverviews", f"{GRAPH}/healthOverviews?$expand=issues", f"{GRAPH}/issues", f"{GRAPH}/issues?$top=20&$count=true",
        f"{GRAPH}/issues?$filter=isResolved%20eq%20false", f"{GRAPH}/issues?$orderby=lastModifiedDateTime%20desc&$top=50", f"{GRAPH}/issues/{issue}",
        f"{GRAPH}/messages", f"{GRAPH}/messages?$filter=viewPoint/isRead%20eq%20false",
    ]


def one(binary, engine, rounds):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gatepost-health-"))
    stop = lambda: None
    try:
        url, stop = pages.cluster(folder) if engine == "postgres" else (f"sqlite:{folder / 'gatepost.db'}", stop)
        Server(binary, folder, url).stop()
        connect = lambda: fill.Postgres(url) if engine == "postgres" else fill.Sqlite(folder / "gatepost.db")
        fill_health(connect(), int(time.time() * 1000))
        rows = []
        for who, change in (("administrator", None), ("operator", "UPDATE person SET role = 'operator', org = 0 WHERE email = 'admin@demo.example'")):
            server = Server(binary, folder, url)
            try:
                if change:
                    db = connect()
                    db.psql(change) if engine == "postgres" else (db.db.execute(change), db.db.execute("UPDATE person_session SET org = 0"), db.db.commit())
                    if engine == "postgres":
                        db.psql("UPDATE person_session SET org = 0")
                rows += [(who, path, pages.measure(server, path, rounds)) for path in wanted(server)]
            finally:
                server.stop()
        return engine, rows
    finally:
        stop()
        shutil.rmtree(folder, ignore_errors=True)


def report(results, rounds, binary):
    kind = "a debug build, so upper bounds" if "debug" in str(binary) else "a release build"
    lines = ["# How fast the health pages are", "",
             f"{ORGANISATIONS} organisations, {ISSUES:,} issues with {POSTS_EACH} updates each ({OPEN} open), {MESSAGES} messages, {READ_STATES:,} read states, {CHANGES:,} changes of state; {kind}; "
             f"{os.cpu_count()} processors; {rounds} requests a page, one after the other. The bar: median under {pages.BAR_MS:.0f} ms. Made by bench/health.py; do not edit.", ""]
    for engine, rows in results:
        lines += [f"## {engine}", "", "| asked by | page | median ms | p99 ms | kB | |", "|---|---|---|---|---|---|"]
        for who, path, row in rows:
            if row is None:
                lines.append(f"| {who} | `{path}` | | | | **not answered** |")
            else:
                lines.append(f"| {who} | `{path}` | {row['median']:.1f} | {row['p99']:.1f} | {row['octets'] / 1000:.1f} | {'' if row['median'] < pages.BAR_MS else '**over**'} |")
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--engines", default="sqlite,postgres")
    asked = parser.parse_args()
    results = [one(asked.binary, engine, asked.rounds) for engine in asked.engines.split(",")]
    text = report(results, asked.rounds, asked.binary)
    (HERE / "HEALTH.md").write_text(text)
    print(text)
    sys.exit(1 if any(row is None or row["median"] >= pages.BAR_MS for _, rows in results for _, _, row in rows) else 0)


if __name__ == "__main__":
    main()
