"""A store for the test of the status pages' bucket: moto keeps the objects, botocore's own signing says whether a request may put them.

Usage: store.py PORT KEY SECRET REGION BUCKET. Prints "ready" and serves until it is killed. Reading without a signature is allowed, as a
policy of the bucket would; a signature that is there has to be right.
"""
import datetime
import hmac
import json
import os
import sys
from urllib.parse import parse_qs

os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")

from botocore.auth import S3SigV4QueryAuth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from moto.moto_server.werkzeug_app import create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402
from werkzeug.test import Client  # noqa: E402

PORT, KEY, SECRET, REGION, BUCKET = int(sys.argv[1]), *sys.argv[2:6]


def wrong(environ):
    """What is wrong with the signature of a request, as S3 names it; None is nothing."""
    query = parse_qs(environ["QUERY_STRING"])
    one = lambda name: query.get(name, [""])[0]
    if not one("X-Amz-Signature"):
        return None if environ["REQUEST_METHOD"] in ("GET", "HEAD") else "AccessDenied"
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
    raw = "&".join(pair for pair in environ["QUERY_STRING"].split("&") if not pair.startswith("X-Amz-Signature="))
    url = f"http://{environ['HTTP_HOST']}{environ['PATH_INFO']}?{raw}"
    request = AWSRequest(method=environ["REQUEST_METHOD"], url=url, headers={name: header(name) for name in signed if name != "host"})
    request.context["timestamp"] = date
    auth = S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", REGION)
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return None if hmac.compare_digest(expected, one("X-Amz-Signature")) else "SignatureDoesNotMatch"


def guarded(inner):
    def answer(environ, start):
        code = wrong(environ)
        if code is None:
            return inner(environ, start)
        body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'.encode()
        start("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


store = create_backend_app("s3")
everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
for path, body in [(f"/{BUCKET}", b""), (f"/{BUCKET}?policy", json.dumps({"Version": "2012-10-17", "Statement": [everybody]}))]:
    answer = Client(store).put(path, base_url=f"http://127.0.0.1:{PORT}", data=body)
    assert answer.status_code in (200, 204), answer.text
server = make_server("127.0.0.1", PORT, guarded(store), threaded=True)
print("ready", flush=True)
server.serve_forever()
