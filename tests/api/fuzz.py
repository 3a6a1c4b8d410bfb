"""The API as its own description promises it: schemathesis sends what the OpenAPI document allows and what it does not, and every
reply has to be one that is documented, never a 5xx.

Usage: fuzz.py BINARY. Wants the packages of requirements.txt. The seed is fixed, so that a run says the same twice."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from openapi_spec_validator import validate  # noqa: E402
from server import Server  # noqa: E402

SECONDS, EXAMPLES, SEED = 120, 40, 20261127
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"
# What ends the session that the run itself needs.
NOT = r"(session|sign-out|password|passkey|totp|v1/access)"


def main():
    with tempfile.TemporaryDirectory(prefix="gatepost-api-") as folder:
        server = Server(pathlib.Path(sys.argv[1]), pathlib.Path(folder), f"sqlite:{folder}/gatepost.db")
        try:
            document = json.loads(server.text("/api/v1/openapi.json"))
            validate(document)
            operations = [operation for item in document["paths"].values() for operation in item.values() if isinstance(operation, dict)]
            silent = [operation.get("operationId") for operation in operations if not operation.get("summary")]
            if silent:
                sys.exit(f"these operations have no summary: {silent}")
            print(f"the document is valid and describes {len(operations)} operations", flush=True)
            cookie = "; ".join(f"{name}={value}" for name, value in server.jar.items())
            run = [str(pathlib.Path(sys.executable).parent / "schemathesis"), "run", f"http://{server.host}/api/v1/openapi.json",
                   "--header", f"Cookie: {cookie}", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing",
                   "--max-time", str(SECONDS), "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--workers", "2",
                   "--exclude-path-regex", NOT, "--request-timeout", "20", "--warnings", "off", "--continue-on-failure"]
            done = subprocess.run(run, cwd=folder, env={**os.environ, "NO_COLOR": "1"}, check=False)
            alive = server.ask("/api/v1/overview")[0].status
            if alive != 200:
                sys.exit(f"the session did not outlive the run ({alive}), so most of it asked as nobody: leave out what ended it")
            log = (pathlib.Path(folder) / "log").read_text()
            failed = [line for line in log.splitlines() if " ERROR " in line]
            if failed:
                sys.exit("the server says that it failed:\n" + "\n".join(failed[:20]))
            sys.exit(done.returncode)
        finally:
            server.stop()


main()
