"""The real binary with the demo's data on free ports, and somebody signed in: for measuring and for trying the API out."""
import gzip
import http.client
import re
import signal
import subprocess
import time
import urllib.parse

START_WITHIN_S = 300


class Server:
    """The real binary on free ports."""

    def __init__(self, binary, folder, url):
        self.folder, config = folder, folder / "gatepost.toml"
        config.write_text(f'[listen]\nsmtp = "127.0.0.1:0"\nweb = "127.0.0.1:0"\nstatus = ""\n[store]\nurl = "{url}"\n[web]\napi_per_minute = 1000000\n')
        self.log = open(folder / "log", "ab")
        run = [binary, "serve", "--demo", "--data", str(folder / "data"), "--config", str(config)]
        self.process = subprocess.Popen(run, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.link = None
        until = time.monotonic() + START_WITHIN_S
        while self.link is None:
            line = self.process.stdout.readline()
            if not line or time.monotonic() > until:
                raise SystemExit(f"it did not start:\n{(folder / 'log').read_text()[-3000:]}")
            if found := re.search(r"http://(\S+?)(/sign-in/\S+)", line):
                self.host, self.link = found[1], found[2]
        self.jar = {}
        self.connection = http.client.HTTPConnection(self.host, timeout=60)
        self.sign_in()

    def ask(self, path, method="GET", body=None, kind=None):
        headers = {"Accept-Encoding": "gzip", "Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())}
        if kind:
            headers["Content-Type"] = kind
        began = time.perf_counter()
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        octets = answer.read()
        took = (time.perf_counter() - began) * 1000
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            self.jar[name] = value
        return answer, octets, took

    def text(self, path):
        answer, octets, _ = self.ask(path)
        return (gzip.decompress(octets) if answer.headers.get("Content-Encoding") == "gzip" else octets).decode()

    def sign_in(self):
        page = self.text(self.link)
        form = re.search(r'<main.*?<form[^>]*method="post"[^>]*action="([^"]+)"(.*?)</form>', page, re.S)
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[2]))
        self.ask(form[1], "POST", urllib.parse.urlencode(fields), "application/x-www-form-urlencoded")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
