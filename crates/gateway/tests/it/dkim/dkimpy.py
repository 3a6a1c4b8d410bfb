"""Verifies every DKIM signature of mails with dkimpy. Usage: dkimpy.py KEYS < LIST

KEYS: lines `name<TAB>record`, and one named `*` for all names that are not there. LIST: a path a line.
Prints `path<TAB>verdict,…` with the verdicts pass, body (the body is not what was signed), header (the header is not), other.
"""
import sys

import dkim

keys = dict(line.rstrip("\n").split("\t", 1) for line in open(sys.argv[1]))


def record(name, timeout=5):
    name = (name.decode() if isinstance(name, bytes) else name).rstrip(".").lower()
    return keys.get(name, keys["*"]).encode()


def verdict(message, at):
    try:
        return "pass" if dkim.DKIM(message).verify(idx=at, dnsfunc=record) else "header"
    except dkim.ValidationError as why:
        return "body" if "body hash mismatch" in str(why) else "other"
    except Exception:
        return "other"


for path in sys.stdin.read().split("\n"):
    if path:
        message = open(path, "rb").read()
        count = sum(1 for name, _ in dkim.rfc822_parse(message)[0] if name.lower() == b"dkim-signature")
        print(path + "\t" + ",".join(verdict(message, at) for at in range(count)))
