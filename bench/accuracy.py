"""Sets, runs and the report of bench/accuracy.

sets CORPORA OUT       one folder per set with ham/ and spam/, leaks stripped as the corpora's README asks
run SET OUT [...]      every filter on every split of one set, by the shared harness (gpb.accuracy); keeps the scores
report RESULTS         bench/ACCURACY.md on standard output
"""
import email, email.policy, json, os, random, sys

STRIPPED = {"lists_modern": ("x-spam-", "list-")}
DRAWS = 1000


def rows(corpora):
    with open(os.path.join(corpora, "labels.tsv")) as lines:
        next(lines)
        for line in lines:
            yield line.rstrip("\n").split("\t")[:3]


def without_fields(octets, prefixes):
    head, blank, body = octets.partition(b"\n\n")
    kept, drop = [], False
    for line in head.split(b"\n"):
        if not line[:1] in (b" ", b"\t"):
            drop = line.lower().startswith(tuple(prefix.encode() for prefix in prefixes))
        if not drop:
            kept.append(line)
    return b"\n".join(kept) + blank + body


def subject_and_text(octets):
    message = email.message_from_bytes(octets, policy=email.policy.compat32)
    kept = [f"{name}: {value}" for name, value in message.items()
            if name.lower() in ("subject", "content-type", "content-transfer-encoding", "mime-version")]
    head, blank, body = octets.replace(b"\r\n", b"\n").partition(b"\n\n")
    return "\n".join(kept).encode("utf-8", "surrogateescape") + b"\n\n" + body


def sets(corpora, out):
    for path, name, label in rows(corpora):
        if name not in ("spamassassin", "lists_modern", "ccert_zh"):
            continue
        octets = open(os.path.join(corpora, path), "rb").read()
        if name == "ccert_zh":
            octets = subject_and_text(octets)
        elif name in STRIPPED:
            octets = without_fields(octets, STRIPPED[name])
        folder = os.path.join(out, name, "ham" if label == "ham" else "spam")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, path.replace("/", "_")), "wb") as file:
            file.write(octets)


def run(folder, out, arguments):
    """The harness, with every list of scores kept beside its figures, so that intervals can be drawn."""
    from gpb import accuracy
    plain = accuracy.metrics

    def metrics(truths, scores):
        with open(os.path.join(out, "scores.jsonl"), "a") as file:
            file.write(json.dumps([[int(one) for one in truths], [float(one) for one in scores]]) + "\n")
        return plain(truths, scores)
    accuracy.metrics = metrics
    sys.argv = ["accuracy", "--out", out, "--corpus", folder] + arguments
    accuracy.main()


def one_minus_auc(ham, spam):
    """Percent of pairs in the wrong order; both lists sorted, a tie counts half."""
    wrong, below, upto = 0.0, 0, 0
    for score in spam:
        while below < len(ham) and ham[below] < score:
            below += 1
        upto = max(upto, below)
        while upto < len(ham) and ham[upto] <= score:
            upto += 1
        wrong += len(ham) - (below + upto) / 2
    return 100 * wrong / (len(ham) * len(spam))


def caught(ham, spam):
    limit = ham[len(ham) - 1 - len(ham) // 1000]
    return 100 * sum(score > limit for score in spam) / len(spam)


def interval(truths, scores, draws=DRAWS):
    dice = random.Random(1)
    ham = [score for truth, score in zip(truths, scores) if not truth]
    spam = [score for truth, score in zip(truths, scores) if truth]
    found = sorted(one_minus_auc(sorted(dice.choices(ham, k=len(ham))), sorted(dice.choices(spam, k=len(spam)))) for _ in range(draws))
    return one_minus_auc(sorted(ham), sorted(spam)), found[int(0.025 * draws)], found[int(0.975 * draws) - 1], caught(sorted(ham), sorted(spam))


def report(results):
    print("# Accuracy\n\nWritten by `bench/accuracy`. Every filter learned the same mails and judged the same mails, in one run.\n")
    print("(1−AUC)% is 100 × (1 − area under the ROC curve), lower is better, with its 95 % interval by the bootstrap "
          f"({DRAWS} draws). “Caught” is spam above the threshold that loses at most 0.1 % of ham. Online: score, then learn, "
          "from nothing. Gatepost here is its classifier alone (`gatepost eval --lines`), no rules, no model that shipped.\n")
    for name in sorted(os.listdir(results)):
        figures = [json.loads(line) for line in open(os.path.join(results, name, "results.jsonl"))]
        scores = [json.loads(line) for line in open(os.path.join(results, name, "scores.jsonl"))]
        print(f"## {name}\n\n| split | filter | (1−AUC)% | caught |\n|---|---|---|---|")
        at = iter(scores)
        for row in figures:
            if "auc" not in row:
                print(f"| {row.get('split')} | {row.get('filter')} | not measured: {row.get('error', '?')} | |")
                continue
            value, low, high, share = interval(*next(at))
            # The harness names its online splits after the corpus it was written for.
            split = row["split"].replace("spamassassin, ", "online, ")
            print(f"| {split} | {row['filter']} | {value:.3f} [{low:.3f}-{high:.3f}] | {share:.1f} % |")
        print()


if __name__ == "__main__":
    {"sets": lambda: sets(*sys.argv[2:4]), "run": lambda: run(sys.argv[2], sys.argv[3], sys.argv[4:]),
     "report": lambda: report(sys.argv[2])}[sys.argv[1]]()
