"""How fast the pages are with a million mails in the trace and 50,000 of them held, and how heavy the first load is.

Usage: pages.py BINARY [--mails N] [--held N] [--rounds N] [--engines sqlite,postgres]. Writes bench/PAGES.md; exit code 1 when a page
misses the bar. Everything happens in a folder that goes away."""
import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import fill
from server import Server

BAR_MS, BAR_OCTETS = 50.0, 150_000
COUNT_WITHIN_S = 1800
POSTGRES = "/usr/lib/postgresql/15/bin"
HERE = pathlib.Path(__file__).resolve().parent


def cluster(folder):
    """Starts PostgreSQL in `folder`; returns its address and how to stop it."""
    user = "postgres" if os.geteuid() == 0 else None
    data = folder / "pg"
    data.mkdir()
    if user:
        os.chmod(folder, 0o755)
        shutil.chown(data, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    def run(*words):
        wanted = ["su", user, "-s", "/bin/bash", "-c", " ".join(words)] if user else list(words)
        subprocess.run(wanted, check=True, stdout=subprocess.DEVNULL)
    run(f"{POSTGRES}/initdb", "-D", str(data), "-U", "gatepost", "-A", "trust", "-E", "UTF8")
    run(f"{POSTGRES}/pg_ctl", "-D", str(data), "-w", "-l", str(data / "log"), "-o", f"'-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data} -c fsync=off -c shared_buffers=256MB -c max_wal_size=4GB'", "start")
    return f"postgres://gatepost@127.0.0.1:{port}/postgres", lambda: run(f"{POSTGRES}/pg_ctl", "-D", str(data), "-m", "fast", "stop")


def wait_counted(server):
    until = time.monotonic() + COUNT_WITHIN_S
    while time.monotonic() < until:
        figures = json.loads(server.text("/api/v1/overview?span=month"))
        if figures["is_complete"]:
            return figures
        time.sleep(2)
    raise SystemExit("the sums of the overview were not counted in time")


def paths(server):
    """The main pages, with filters as people use them; those that are not there yet are left out and said so."""
    mail = re.search(r'href="(/trace/[^"/?]+)"', server.text("/trace?state=delivered") .split("<tbody", 1)[-1])[1]
    held = re.search(r'href="(/quarantine/m[^"/?]+)"', server.text("/quarantine").split("<tbody", 1)[-1])[1]
    since = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 3 * 86400))
    return [
        "/overview", "/overview?span=week", "/overview?span=month", "/overview/live", "/api/v1/overview",
        "/trace", "/trace?sender=%40sender7.example", "/trace?recipient=alice%40demo.example", "/trace?verdict=malware",
        "/trace?state=held", "/trace?state=queued", "/trace?state=bounced", "/trace?recipient=%40demo.example", f"/trace?since={since}", "/trace?subject=parcel", "/trace?subject=nowhere",
        "/trace?ip=198.51.3.7", "/trace/refused", "/trace/refused?recipient=nobody%40demo.example", mail, "/api/v1/trace",
        "/quarantine", "/quarantine?verdict=phish", "/quarantine?recipient=alice%40demo.example", "/quarantine?sender=nobody%40nowhere.example", "/quarantine?subject=nowhere", "/quarantine/requests", "/quarantine/mine", held,
        "/policies", "/entries", "/rules", "/domains", "/connectors", "/people", "/audit", "/account",
        "/reports", "/reports?span=month", "/reports/dmarc", "/reports/tls", "/reports/received", "/removals", "/submissions", "/restricted", "/destinations", "/second-looks",
        "/directory", "/groups", "/health", "/health/messages", "/requests", "/premier", "/community", "/calls", "/troubleshoot", "/help/phone", "/help/agent", "/connectivity", "/rules/approvals", "/people/access",
        "/search?q=parcel", "/search?q=release", "/help", "/help?q=dmarc", "/help/check/auth.dmarc.fail",
    ]


def measure(server, path, rounds):
    answer, octets, first = server.ask(path)
    if answer.status != 200:
        return None
    times = [server.ask(path)[2] for _ in range(rounds)]
    times.sort()
    return {"path": path, "first": first, "median": statistics.median(times), "p99": times[min(len(times) - 1, int(len(times) * 0.99))], "octets": len(octets)}


def first_load(server, path):
    """Octets on the wire of a page with everything it loads."""
    page = server.text(path)
    parts = set(re.findall(r'(?:href|src)="(/assets/[^"#]+)', page))
    return len(server.ask(path)[1]) + sum(len(server.ask(part)[1]) for part in parts)


def one(binary, engine, asked):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gatepost-pages-"))
    stop = lambda: None
    try:
        if engine == "postgres":
            url, stop = cluster(folder)
        else:
            url = f"sqlite:{folder / 'gatepost.db'}"
        Server(binary, folder, url).stop()  # the schema and the demo's mails
        db = fill.Postgres(url) if engine == "postgres" else fill.Sqlite(folder / "gatepost.db")
        began = time.monotonic()
        fill.fill(db, asked.mails, asked.held, int(time.time() * 1000))
        filled = time.monotonic() - began
        server = Server(binary, folder, url)
        try:
            began = time.monotonic()
            figures = wait_counted(server)
            counted = time.monotonic() - began
            wanted = paths(server)
            rows = [(path, measure(server, path, asked.rounds)) for path in wanted]
            loads = {path: first_load(server, path) for path in ("/overview", "/trace", "/quarantine", "/help")}
        finally:
            server.stop()
        return {"engine": engine, "filled": filled, "counted": counted, "figures": figures, "rows": rows, "loads": loads}
    finally:
        stop()
        shutil.rmtree(folder, ignore_errors=True)


def report(results, asked, binary):
    lines = ["# How fast the pages are", ""]
    kind = "a debug build, so upper bounds" if "debug" in str(binary) else "a release build"
    lines += [f"{asked.mails:,} mails in the trace, {asked.held:,} of them held; {kind}; {os.cpu_count()} processors; {asked.rounds} requests a page, one after the other, "
              f"over one connection, compressed, with the whole body read. The bar: median under {BAR_MS:.0f} ms, at most {BAR_OCTETS // 1000} kB on first load. "
              "Made by `make bench` (bench/pages.py); do not edit.", ""]
    for result in results:
        lines += [f"## {result['engine']}", "", f"Filled in {result['filled']:.0f} s; the sums of 30 days were counted {result['counted']:.0f} s after the start.", "",
                  "| page | median ms | p99 ms | first ms | kB | |", "|---|---|---|---|---|---|"]
        for path, row in result["rows"]:
            if row is None:
                lines.append(f"| `{path}` | | | | | not there yet |")
            else:
                verdict = "" if row["median"] < BAR_MS else "**over**"
                lines.append(f"| `{re.sub(r'/m[0-9A-Za-z]{8,}', '/m…', path)}` | {row['median']:.1f} | {row['p99']:.1f} | {row['first']:.1f} | {row['octets'] / 1000:.1f} | {verdict} |")
        lines += ["", "First load with styles, scripts and icons: " + ", ".join(f"`{path}` {octets / 1000:.0f} kB" for path, octets in result["loads"].items()) + ".", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--mails", type=int, default=1_000_000)
    parser.add_argument("--held", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--engines", default="sqlite,postgres")
    asked = parser.parse_args()
    results = [one(asked.binary, engine, asked) for engine in asked.engines.split(",")]
    text = report(results, asked, asked.binary)
    (HERE / "PAGES.md").write_text(text)
    print(text)
    slow = [row for result in results for _, row in result["rows"] if row and row["median"] >= BAR_MS]
    heavy = [octets for result in results for octets in result["loads"].values() if octets > BAR_OCTETS]
    sys.exit(1 if slow or heavy else 0)


if __name__ == "__main__":
    main()
