"""How fast requests, solutions, questions and articles are found among 100,000 requests and 20,000 solutions and questions.

Usage: search.py BINARY [--rounds N] [--engines sqlite,postgres]. Writes bench/SEARCH.md; exit code 1 when an answer misses its bar.
Everything happens in a folder that goes away. What a text is found by is taken from what the program itself kept of one that was posted."""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time
import urllib.parse

import fill
import pages
from server import Server

REQUESTS, SOLUTIONS, QUESTIONS, BATCH = 100_000, 10_000, 10_000, 10_000
SEARCH_MS, SIMILAR_MS = 50.0, 100.0
HERE = pathlib.Path(__file__).resolve().parent
COMMON = "mail connector quarantine late invoice since update"
fill.TABLES.update({
    "service_request": "id org requester address name title description kind area severity impact contact lang state assignee plan queue issue merged_into "
                       "solution probe secret told next_ms last_ms".split(),
    "request_term": "org term shelf request weight".split(),
    "solution": "id request lang title problem text area probe by_person published_ms withdrawn_ms helped helped_not".split(),
    "solution_term": "term solution weight".split(),
    "community_space": "id org name title about is_public is_closed made_ms".split(),
    "community_question": "id org space person title lang tags is_listed is_locked duplicate_of accepted answers solution last_ms".split(),
    "community_post": "id org space question parent kind person who staff body state reason score edits edited_ms reports".split(),
    "community_term": "question org space term weight".split(),
})


def numbered(n):
    """Words of which some stand in many texts, some in few, one in no other; each is a term as it stands."""
    return [f"word{n % 500}", f"thing{n % 5000}", f"item{n % 97}", f"partner{n % 1009}", f"number{n}"]


def text(n):
    return f"{COMMON} {' '.join(numbered(n))}"


def asked(n):
    return f"mail connector quarantine late word{n * 37 % 500} thing{n * 13 % 5000} bank invoice"


def learn(server, connect):
    """Posts one request; returns its terms with their weights and which of them are the common words'."""
    answer, octets, _ = server.ask("/api/v1/requests", "POST", json.dumps({"title": text(7), "description": text(7)}), "application/json")
    if answer.status != 201:
        raise SystemExit(f"the request was not taken: {answer.status} {octets[:500]}")
    rows = connect().rows("SELECT term, weight FROM request_term")
    kept = {term: int(weight) for term, weight in rows}
    missing = [word for word in numbered(7) if word not in kept]
    if missing:
        raise SystemExit(f"these words are no terms of their own any more: {missing}; kept were {sorted(kept)}")
    common = {term: weight for term, weight in kept.items() if term not in numbered(7)}
    return common, kept["number7"]


def fill_search(db, terms, now_ms):
    common, own = terms
    org = int(db.rows("SELECT id FROM organisation WHERE name = 'demo'")[0][0])
    person = int(db.rows("SELECT id FROM person WHERE email = 'admin@demo.example'")[0][0])
    contact = json.dumps({"way": "mail", "number": "", "hours": "", "lang": "en"})
    found_by = lambda n: [*common.items(), *((word, own) for word in numbered(n))]
    first = now_ms - 30 * fill.DAY_MS << 21
    for batch in range(0, REQUESTS, BATCH):
        requests, of_requests = [], []
        for n in range(batch, batch + BATCH):
            # Two of three are solved.
            state, solution, shelf = ("open", "", 0) if n % 3 == 0 else ("closed", "done", 1)
            requests.append((first + n, org, person, "a@demo.example", "a", text(n), text(n), "technical", "other", "c", "{}", contact, "en", state,
                             0, 0, "", "", 0, solution, "", "", 0, 0, now_ms))
            of_requests += [(org, term, shelf, first + n, weight) for term, weight in found_by(n)]
        db.insert("service_request", requests)
        db.insert("request_term", of_requests)
    db.insert("solution", [(first + n, 0, "en", text(n * 7), text(n * 7), "Do this.", "other", "", 1, now_ms, 0, 0, 0) for n in range(SOLUTIONS)])
    db.insert("solution_term", [(term, first + n, weight) for n in range(SOLUTIONS) for term, weight in found_by(n * 7)])
    space = first - 1
    db.insert("community_space", [(space, 0, "bench", "Bench", "", 1, 0, now_ms)])
    db.insert("community_question", [(first + n, 0, space, person, text(n * 3), "en", "mail", 1, 0, 0, 0, 0, 0, now_ms) for n in range(QUESTIONS)])
    db.insert("community_post", [(first + n, 0, space, first + n, 0, "question", person, "a", "", text(n * 3), "shown", "", 0, 0, 0, 0) for n in range(QUESTIONS)])
    db.insert("community_term", [(first + n, 0, space, term, weight) for n in range(QUESTIONS) for term, weight in found_by(n * 3)])
    db.done()


def get(path):
    return lambda server, question: server.ask(f"{path}{urllib.parse.quote_plus(question)}")


def post(path, field, kind="application/x-www-form-urlencoded"):
    return lambda server, question: server.ask(path, "POST", urllib.parse.urlencode({field: question}), kind)


WANTED = [
    ("search of requests, page", SEARCH_MS, get("/requests?q=")),
    ("search of requests, API", SEARCH_MS, get("/api/v1/requests?q=")),
    ("search of help: articles, questions, mails", SEARCH_MS, get("/help?q=")),
    ("search of everything", SEARCH_MS, get("/search?q=")),
    ("search of the community", SEARCH_MS, get("/community?q=")),
    ("similar while typing a request, API", SIMILAR_MS, get("/api/v1/request-suggestions?q=")),
    ("similar while typing a question", SIMILAR_MS, post("/community/similar", "title")),
]


def measure(server, what, send, rounds):
    times = []
    for n in range(rounds):
        answer, octets, took = send(server, asked(n))
        while answer.status == 429:  # so often a minute, and no oftener
            time.sleep(int(answer.headers.get("Retry-After") or 10))
            answer, octets, took = send(server, asked(n))
        if answer.status != 200 or not octets:
            raise SystemExit(f"{what}: {answer.status} {octets[:300]}")
        times.append(took)
    times.sort()
    return statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.99))]


def one(binary, engine, rounds):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gatepost-search-"))
    stop = lambda: None
    try:
        url, stop = pages.cluster(folder) if engine == "postgres" else (f"sqlite:{folder / 'gatepost.db'}", stop)
        connect = lambda: fill.Postgres(url) if engine == "postgres" else fill.Sqlite(folder / "gatepost.db")
        server = Server(binary, folder, url)
        try:
            terms = learn(server, connect)
        finally:
            server.stop()
        fill_search(connect(), terms, int(time.time() * 1000))
        server = Server(binary, folder, url)
        try:
            for what, path in (("requests", "/requests?q="), ("solutions", "/api/v1/request-suggestions?q="), ("community", "/community?q=")):
                if "thing" not in server.text(path + urllib.parse.quote_plus(asked(1))):
                    raise SystemExit(f"{engine}: {what}: nothing is found")
            return engine, [(what, bar, *measure(server, what, send, rounds)) for what, bar, send in WANTED]
        finally:
            server.stop()
    finally:
        stop()
        shutil.rmtree(folder, ignore_errors=True)


def report(results, rounds, binary):
    kind = "a debug build, so upper bounds" if "debug" in str(binary) else "a release build"
    lines = ["# How fast requests, solutions, questions and articles are found", "",
             f"{REQUESTS:,} requests with their terms, {SOLUTIONS:,} published solutions, {QUESTIONS:,} questions of the community and the articles of the help; {kind}; "
             f"{os.cpu_count()} processors; {rounds} different questions of eight words, one after the other, over one connection, with the whole body read. "
             f"The bars, medians: a search {SEARCH_MS:.0f} ms, what is similar while typing {SIMILAR_MS:.0f} ms. Made by `make bench` (bench/search.py); do not edit.", ""]
    for engine, rows in results:
        lines += [f"## {engine}", "", "| what | median ms | p99 ms | |", "|---|---|---|---|"]
        lines += [f"| {what} | {median:.1f} | {p99:.1f} | {'' if median < bar else '**over**'} |" for what, bar, median, p99 in rows]
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--engines", default="sqlite,postgres")
    wanted = parser.parse_args()
    results = [one(wanted.binary, engine, wanted.rounds) for engine in wanted.engines.split(",")]
    told = report(results, wanted.rounds, wanted.binary)
    (HERE / "SEARCH.md").write_text(told)
    print(told)
    sys.exit(1 if any(median >= bar for _, rows in results for _, bar, median, _ in rows) else 0)


if __name__ == "__main__":
    main()
