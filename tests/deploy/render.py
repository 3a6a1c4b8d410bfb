"""What Helm and Compose make of the files in deploy/: every manifest is one that Kubernetes knows to the last key, and every settings
file that a server would be started with is one that the program takes.

Usage: render.py BINARY. Wants the packages of requirements.txt beside the Python that runs it."""
import os
import pathlib
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART, COMPOSE = ROOT / "deploy/helm/gatepost", ROOT / "deploy/compose/compose.yaml"
TOOLS = pathlib.Path(sys.executable).parent
BINARY = pathlib.Path(sys.argv[1]).resolve()
# The Kubernetes whose schemas are asked: the newest that every cluster in support understands.
KUBERNETES = "1.31"
DATABASE = "postgres://gatepost:secret@database/gatepost"

# Name of the case, values beside the defaults, ordinal of the pod, lines its settings file must hold.
CASES = [
    ("as it comes", {}, 0, ["node = 1", 'name = "mx.example.com"']),
    ("a fleet", {"replicas": 3, "databaseSecret": "database", "storage": {"accessModes": ["ReadWriteMany"], "className": "shared"}}, 2, ["node = 3", f'url = "{DATABASE}"']),
    ("settings of one's own", {"name": "mail.example.net", "settings": '[dns]\nservers = ["192.0.2.53"]\n'}, 0, ['name = "mail.example.net"', "[dns]"]),
    ("nothing of its own", {"replicas": 2, "databaseSecret": "database", "sealSecret": "seal", "storage": {"enabled": False},
                            "bodies": {"bucket": "mail/gatepost", "endpoint": "https://s3.example.net", "secret": "bucket"}}, 1,
     ["node = 2", 'bodies = "s3:mail/gatepost"', "[store.bucket]", 'endpoint = "https://s3.example.net"', "seal.key"]),
    ("annotations and room", {"service": {"annotations": {"example.com/pool": "mail"}}, "resources": {"limits": {"memory": "2Gi"}}, "image": {"tag": "1"}}, 0, []),
]
# Values that have to be refused, and a word of the reason.
REFUSED = [
    ("a fleet without a database", {"replicas": 2}, "databaseSecret"),
    ("no volume and no bucket", {"storage": {"enabled": False}, "databaseSecret": "database"}, "bodies.bucket"),
    ("a bucket without a key", {"bodies": {"bucket": "mail"}}, "bodies.secret"),
]


def run(*command, **more):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=120, **more)


def rendered(values, folder):
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    return run(TOOLS / "helm", "template", "gate", CHART, "--values", file)


def checked(name, settings):
    """The program reads a settings file."""
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    done = run(BINARY, "config", "check", env={**os.environ, **keys, "GATEPOST_CONFIG": str(settings)})
    if done.returncode:
        sys.exit(f"{name}: the settings are refused: {done.stdout}{done.stderr}")


def started_with(name, manifests, ordinal, folder):
    """The settings file of a pod, made as its init container makes it, with its own shell line."""
    maps = {one["metadata"]["name"]: one["data"] for one in manifests if one["kind"] == "ConfigMap"}
    [servers] = [one for one in manifests if one["kind"] == "StatefulSet"]
    pod = servers["spec"]["template"]["spec"]
    [volume] = [one for one in pod["volumes"] if one["name"] == "settings"]
    for part in ("settings", "run", "seal"):
        (folder / part).mkdir()
    (folder / "seal" / "seal.key").write_text("0" * 64)
    for file, text in maps[volume["configMap"]["name"]].items():
        (folder / "settings" / file).write_text(text)
    [init] = pod["initContainers"]
    [(shell, dash)] = [tuple(init["command"])]
    [line] = init["args"]
    line = line.replace("/settings/", f"{folder}/settings/").replace("/run/gatepost/", f"{folder}/run/")
    values = {}
    for one in init["env"]:
        # What a Secret holds stands in no manifest.
        values[one["name"]] = DATABASE if "valueFrom" in one else one["value"].replace("/seal/", f"{folder}/seal/")
    done = run(shell, dash, line, env={**os.environ, "HOSTNAME": f"gate-{ordinal}", **values})
    if done.returncode:
        sys.exit(f"{name}: the settings could not be put together: {done.stderr}")
    return folder / "run" / "gatepost.toml"


def charts():
    done = run(TOOLS / "helm", "lint", "--strict", CHART)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    for name, values, ordinal, lines in CASES:
        with tempfile.TemporaryDirectory(prefix="gatepost-deploy-") as folder:
            folder = pathlib.Path(folder)
            done = rendered(values, folder)
            if done.returncode:
                sys.exit(f"{name}: {done.stderr}")
            manifests = [one for one in yaml.safe_load_all(done.stdout) if one]
            for manifest in manifests:
                kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
            settings = started_with(name, manifests, ordinal, folder)
            text = settings.read_text()
            missing = [line for line in lines if line not in text]
            if missing:
                sys.exit(f"{name}: {missing} is missing in:\n{text}")
            checked(name, settings)
            print(f"helm, {name}: {len(manifests)} manifests, settings taken")
    for name, values, word in REFUSED:
        with tempfile.TemporaryDirectory(prefix="gatepost-deploy-") as folder:
            done = rendered(values, pathlib.Path(folder))
            if done.returncode == 0 or word not in done.stderr:
                sys.exit(f"{name}: not refused with a word about {word}: {done.stderr}")
            print(f"helm, {name}: refused")


def compose():
    with tempfile.TemporaryDirectory(prefix="gatepost-deploy-") as folder:
        given = pathlib.Path(folder) / "env"
        given.write_text("GATEPOST_DB_PASSWORD=secret\nGATEPOST_NAME=mx.example.com\n")
        # A dry run, so that no engine is needed.
        done = run(TOOLS / "podman-compose", "--dry-run", "--env-file", given, "-f", COMPOSE, "config")
        if done.returncode:
            sys.exit(f"compose: {done.stderr}")
        whole = yaml.safe_load(done.stdout)
        for name, service in whole["services"].items():
            for used in service.get("configs", []):
                settings = pathlib.Path(folder) / f"{name}.toml"
                settings.write_text(whole["configs"][used["source"]]["content"])
                if DATABASE not in settings.read_text():
                    sys.exit(f"compose: the settings of {name} do not name the database")
                checked(f"compose, {name}", settings)
            built = service.get("build")
            if built and not (pathlib.Path(built["context"]) / built["dockerfile"]).is_file():
                sys.exit(f"compose: {name} is built from {built}, which is not there")
        print(f"compose: {len(whole['services'])} services, settings taken")
    checked("container", ROOT / "deploy/container/gatepost.toml")
    print("container: settings taken")


charts()
compose()
