"""Turns results.jsonl of one run into bench/RESULTS.md: ratios first, figures behind."""
import json, os, subprocess, sys

rows = [json.loads(line) for line in open(sys.argv[1])]
gateway = {}
for row in rows:
    if row["section"] == "gateway" and "error" not in row:
        gateway[(row["peer"], row["size"], row.get("mime", False), row["sessions"])] = row


def version(command):
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return (text.stdout or text.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "?"


def table(head, lines):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for line in lines:
        print("| " + " | ".join("" if cell is None else str(cell) for cell in line) + " |")
    print()


def ratio(a, b):
    return f"{a / b:.1f}×" if a and b else ""


cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
print("# Benchmark results\n")
print("Written by `make bench`. All figures of one run on one machine, the load tools on the same cores; read the ratios.\n")
print(f"- Machine: {os.cpu_count()} cores ({cpu}), {round(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30)} GiB, "
      f"{version(['uname', '-sr'])}")
print(f"- {version(['postconf', '-d', 'mail_version'])}, {version(['rspamd', '--version'])}")
print("- Load: Postfix's smtp-source, one connection a mail, towards smtp-sink; every mail durable before 250 and fully inspected "
      "(Postfix alone inspects nothing).\n")

print("## Through the port: mails a second, end to end\n")
lines = []
for size, mime, sessions in sorted({key[1:] for key in gateway if key[0] in ("gatepost", "postfix+rspamd")}):
    ours, rspamd, postfix = (gateway.get((peer, size, mime, sessions)) for peer in ("gatepost", "postfix+rspamd", "postfix"))
    rate = lambda row: row and row["e2e_per_s"]
    lines.append([f"{size} {'MIME, 51 links' if mime else ''}".strip(), sessions, rate(ours), rate(rspamd), rate(postfix),
                  ratio(rate(ours), rate(rspamd)), ratio(rate(ours), rate(postfix)),
                  ours and ours["cpu_ms_per_msg"], rspamd and rspamd["cpu_ms_per_msg"], postfix and postfix["cpu_ms_per_msg"],
                  ours and ours["pss_mb"], ours and ours["spread_pct"]])
table(["octets", "sessions", "Gatepost", "Postfix + rspamd", "Postfix alone", "to Postfix + rspamd", "to Postfix", "CPU ms Gatepost",
       "CPU ms + rspamd", "CPU ms Postfix", "PSS MiB", "spread %"], lines)

KEYS = {"gatepost-relay-dkim": "RSA 2048", "gatepost-relay-ed25519": "Ed25519"}
relay = [(key, row) for key, row in gateway.items() if key[0] in KEYS]
if relay:
    print("## Sending out, signed with DKIM\n")
    table(["key", "octets", "sessions", "Gatepost, signing", "Postfix alone, not signing", "ratio", "CPU ms"],
          [[KEYS[key[0]], key[1], key[3], row["e2e_per_s"], (gateway.get(("postfix",) + key[1:]) or {}).get("e2e_per_s"),
            ratio(row["e2e_per_s"], (gateway.get(("postfix",) + key[1:]) or {}).get("e2e_per_s")), row["cpu_ms_per_msg"]] for key, row in relay])

latency = [row for row in rows if row["section"] == "latency" and "error" not in row]
if latency:
    print("## Answer after end of data, 11 KB MIME with 51 links, ms\n")
    table(["gateway", "sessions", "median", "p99", "connect to answer, median", "p99", "mails/s", "errors"],
          [[row["peer"], row["sessions"], row["data_p50_ms"], row["data_p99_ms"], row["total_p50_ms"], row["total_p99_ms"], row["per_s"],
            row["errors"]] for row in latency])

startup = [row for row in rows if row["section"] == "startup" and "error" not in row]
if startup:
    print("## Start to first greeting, and memory at rest\n")
    table(["gateway", "seconds", "PSS MiB", "processes"],
          [[row["peer"], row["start_s"], row["idle_pss_mb"], row["processes"]] for row in startup])

# The harness also notes what training rspamd printed; that is no measurement.
scan = [row for row in rows if row["section"] == "scan" and "cpu_ms_per_msg" in row]
if scan:
    print("## Scanning files of the SpamAssassin corpus, network off\n")
    table(["scanner", "clients", "mails/s", "CPU ms a mail", "memory MiB (PSS; ours: peak RSS)"],
          [[f'{row["peer"]} {row.get("what", "")}'.strip(), row.get("clients", 1), row.get("per_s") or row.get("msgs_per_s"), row["cpu_ms_per_msg"],
            row.get("pss_mb") or row.get("rss_mb")] for row in scan])

errors = [row for row in rows if "error" in row]
if errors:
    print("## Not measured\n")
    for row in errors:
        print(f"- {row.get('peer')} {row.get('size', '')} {row.get('sessions', '')}: {row['error'].strip()}")
