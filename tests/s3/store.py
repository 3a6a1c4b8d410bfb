"""An S3 store for tests: moto keeps the objects, botocore's own signing says whether a request may touch them.

Usage: store.py PORT KEY SECRET REGION BUCKET[/public] FAULTS. Prints "ready" and serves until its standard input ends. A signature that is
there has to be right. Without one nothing may be done, but read objects of a bucket that is public, as a policy would allow it. What a body's
Content-MD5 says is checked, as S3 does. FAULTS is a file that may come and go; its words say what goes wrong: PUT, GET, DELETE or LIST is
denied; BUSY:3 refuses the next three requests; TORN changes objects as they are read; GONE closes each connection without a word.
"""
import base64
import datetime
import hashlib
import hmac
import io
import json
import os
import socket
import sys
import threading
from urllib.parse import parse_qs

os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")

from botocore.auth import S3SigV4QueryAuth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from moto.moto_server.werkzeug_app import create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402
from werkzeug.test import Client  # noqa: E402

PORT, KEY, SECRET, REGION, BUCKET, FAULTS = int(sys.argv[1]), *sys.argv[2:7]
BUCKET, _, IS_PUBLIC = BUCKET.partition("/")
STATUS = {"BadDigest": "400 Bad Request", "SlowDown": "503 Service Unavailable"}
lock, refused = threading.Lock(), [0]


def faults():
    """The words of the file of faults, with what stands behind a colon."""
    try:
        with open(FAULTS) as file:
            return dict(word.partition(":")[::2] for word in file.read().split())
    except FileNotFoundError:
        return {}


def wrong(environ):
    """What is wrong with the signature of a request, as S3 names it; None is nothing."""
    query = parse_qs(environ["QUERY_STRING"])
    one = lambda name: query.get(name, [""])[0]
    if not one("X-Amz-Signature"):
        is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD") and act(environ) == "GET"
        return None if IS_PUBLIC and is_read else "AccessDenied"
    date, scope = one("X-Amz-Date"), one("X-Amz-Credential").split("/")
    if scope[0] != KEY:
        return "InvalidAccessKeyId"
    if scope[1:] != [date[:8], REGION, "s3", "aws4_request"]:
        return "AuthorizationQueryParametersError"
    made = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    age = (datetime.datetime.now(datetime.timezone.utc) - made).total_seconds()
    if not -60 < age < int(one("X-Amz-Expires")):
        return "AccessDenied"
    signed = one("X-Amz-SignedHeaders").split(";")
    keys = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
    header = lambda name: environ.get(keys.get(name, "HTTP_" + name.upper().replace("-", "_")), "")
    # S3 refuses fields of its own that nobody signed.
    if any(name.startswith("HTTP_X_AMZ_") and name[5:].lower().replace("_", "-") not in signed for name in environ):
        return "AccessDenied"
    raw = "&".join(pair for pair in environ["QUERY_STRING"].split("&") if not pair.startswith("X-Amz-Signature="))
    url = f"http://{environ['HTTP_HOST']}{environ['PATH_INFO']}?{raw}"
    request = AWSRequest(method=environ["REQUEST_METHOD"], url=url, headers={name: header(name) for name in signed if name != "host"})
    request.context["timestamp"] = date
    auth = S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", REGION)
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return None if hmac.compare_digest(expected, one("X-Amz-Signature")) else "SignatureDoesNotMatch"


def act(environ):
    """What is asked, as a policy tells acts apart."""
    has_object = "/" in environ["PATH_INFO"].strip("/")
    return {"GET": "GET" if has_object else "LIST", "HEAD": "GET"}.get(environ["REQUEST_METHOD"], environ["REQUEST_METHOD"])


def is_torn(environ):
    """Whether a body is another than its digest says."""
    wanted = environ.get("HTTP_CONTENT_MD5")
    if not wanted or environ["REQUEST_METHOD"] != "PUT":
        return False
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return base64.b64encode(hashlib.md5(body).digest()).decode() != wanted


def trouble(environ, now):
    """Why a request is refused; None is for nothing."""
    with lock:
        refused[0] = refused[0] + 1 if "BUSY" in now else 0
        if 0 < refused[0] <= int(now.get("BUSY", 0)):
            return "SlowDown"
    return wrong(environ) or ("AccessDenied" if act(environ) in now else None) or ("BadDigest" if is_torn(environ) else None)


def guarded(inner):
    def answer(environ, start):
        now = faults()
        if "GONE" in now:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return []
        code = trouble(environ, now)
        if code is None:
            whole = inner(environ, start)
            is_object = environ["REQUEST_METHOD"] == "GET" and act(environ) == "GET"
            return [part[:-1] + b"?" for part in whole] if "TORN" in now and is_object else whole
        body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'.encode()
        start(STATUS.get(code, "403 Forbidden"), [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


store = create_backend_app("s3")
asked = [(f"/{BUCKET}", b"")]
if IS_PUBLIC:
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    asked.append((f"/{BUCKET}?policy", json.dumps({"Version": "2012-10-17", "Statement": [everybody]})))
for path, body in asked:
    answer = Client(store).put(path, base_url=f"http://127.0.0.1:{PORT}", data=body)
    assert answer.status_code in (200, 204), answer.text
server = make_server("127.0.0.1", PORT, guarded(store), threaded=True)
threading.Thread(target=end_with_parent, daemon=True).start()
print("ready", flush=True)
server.serve_forever()
