"""gatepost scan over a sample of real mails: messages a second, CPU a message, peak memory. Appends to results.jsonl."""
import os, resource, subprocess, sys, time
from gpb.common import Out, med, r, spread
from gpb.scan import sample

out, corpus, n, runs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
binary = os.environ.get("GATEPOST_BINARY") or os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release", "gatepost")
files = [path for _, path in sample(corpus, n)]  # the harness gives rspamd the same ones
rates, cpus, peaks = [], [], []
for _ in range(runs):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.time()
    child = subprocess.Popen([binary, "scan", "--json", "--dns", "off", *files], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.time() - started
    assert os.waitstatus_to_exitcode(status) in (0, 1), "gatepost scan failed"
    rates.append(len(files) / wall)
    cpus.append(1000 * (usage.ru_utime + usage.ru_stime) / len(files))
    peaks.append(usage.ru_maxrss / 1024)
Out(out).emit(section="scan", peer="gatepost scan", n=len(files), msgs_per_s=r(med(rates), 1), spread_pct=spread(rates),
              cpu_ms_per_msg=r(med(cpus), 2), rss_mb=round(max(peaks)))

