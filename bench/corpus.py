"""Lays the SpamAssassin part of the corpora out as the harness wants it: DEST/ham/* and DEST/spam/*."""
import os, shutil, sys

source, dest = sys.argv[1:3]
for kind in ("ham", "spam"):
    os.makedirs(os.path.join(dest, kind), exist_ok=True)
with open(os.path.join(source, "labels.tsv")) as labels:
    next(labels)
    for line in labels:
        path, part, label, _ = line.rstrip("\n").split("\t")
        if part == "spamassassin" and label in ("ham", "spam"):
            name = path.replace("/", "_")
            shutil.copyfile(os.path.join(source, path), os.path.join(dest, label, name))
