"""A small inference image made from this very Python, so that tests need no image registry and no compiler.

What its ``serve`` does is decided by the environment of the model: ``BEHAVIOUR`` is one of
``healthy unhealthy failing dying slow``, ``VERSION`` is told in every answer. On Lambda it fetches events,
and is ``stuck`` or ``exiting`` while it answers one, too.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import check_output

from docker import DockerClient

NAME = "modelway-test-model"

SERVER = """\
import http.client, http.server, json, os, pathlib, sys, time
BEHAVIOUR, VERSION = os.environ.get("BEHAVIOUR", "healthy"), os.environ.get("VERSION", "0")
print("starting", sys.argv[1:], BEHAVIOUR, VERSION, flush=True)
if BEHAVIOUR == "dying":
    sys.exit("no weights, no life")
def post(api, path, body):
    connection = http.client.HTTPConnection(api)
    connection.request("POST", f"/2018-06-01/runtime/{path}", json.dumps(body).encode())
    connection.getresponse().read()
def fetch(api):
    connection = http.client.HTTPConnection(api)
    connection.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = connection.getresponse()
    return answer.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(answer.read())
def writable(folder):
    try:
        pathlib.Path(folder, "probe").touch()
    except OSError:
        return False
    return True
def functions(api):
    if BEHAVIOUR == "unhealthy":
        post(api, "init/error", {"errorType": "NoWeights", "errorMessage": "no weights, no life"})
        sys.exit(1)
    while True:
        request, event = fetch(api)
        if BEHAVIOUR == "stuck":
            time.sleep(60)
        if BEHAVIOUR == "exiting":
            sys.exit(3)
        if BEHAVIOUR == "slow":
            time.sleep(0.3)
        if BEHAVIOUR == "failing":
            print("cannot predict", flush=True)
            failed = {"errorType": "ModelFailed", "errorMessage": "500: cannot predict"}
            post(api, f"invocation/{request}/error", failed)
            continue
        seen = {"version": VERSION, "user": os.getuid(), "root": writable("/"), "tmp": writable("/tmp"),
                "own": {name: value for name, value in os.environ.items() if name.startswith("AWS_LAMBDA")}}
        said = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(seen)}
        post(api, f"invocation/{request}/response", said | {"asked": event})
if api := os.environ.get("AWS_LAMBDA_RUNTIME_API"):
    functions(api)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self._headers_buffer.append(b"\\r\\n" + body)  # one packet: no waiting for an acknowledgement
        self.flush_headers()
    def do_GET(self):
        self.answer(503 if BEHAVIOUR == "unhealthy" else 200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if BEHAVIOUR == "slow":
            time.sleep(0.3)
        if BEHAVIOUR == "failing":
            print("cannot predict", flush=True)
            return self.answer(500, b"cannot predict")
        if body == b"teapot":
            return self.answer(418, b"short and stout")
        model = pathlib.Path("/opt/ml/model/weights.txt")
        seen = {"version": VERSION, "bytes": len(body), "type": self.headers.get("Content-Type"),
                "model": model.read_text() if model.exists() else None}
        self.answer(200, json.dumps(seen).encode())
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""

_LOADED = """\
import encodings.ascii, encodings.idna, encodings.latin_1
import http.client, http.server, json, os, pathlib, sys, time
import __future__, datetime, gzip, hashlib, hmac, site, tarfile, urllib.request  # fetching weights
files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
print(*(file for file in files if file and "<" not in file), sep="\\n")
"""


def build(engine: DockerClient) -> str:
    """The image's name; imported unless it is there, which its content tells."""
    content = _content()
    tag = hashlib.sha256(content).hexdigest()[:12]
    if not engine.images.list(f"{NAME}:{tag}"):
        engine.api.import_image_from_data(content, repository=NAME, tag=tag, changes=_changes())
    engine.images.get(f"{NAME}:{tag}").tag(NAME, "latest")
    return f"{NAME}:{tag}"


def write_context(folder: Path) -> None:
    """The same image as a build context with a Dockerfile, for those who build it themselves."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "files.tar").write_bytes(_content())
    (folder / "Dockerfile").write_text("\n".join(["FROM scratch", "ADD files.tar /", *_changes(), ""]))


def _changes() -> list[str]:
    """What is said of the image beside its files, as in a Dockerfile."""
    return [f'ENTRYPOINT ["{_python()}", "-S", "/server.py"]', f"ENV PYTHONHOME={sys.base_prefix}"]


def _content() -> bytes:
    """The image's only layer; the same bytes for the same Python."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        for name, source in _files():
            archive.add(source, name, recursive=False, filter=_timeless)
        link = tarfile.TarInfo("usr/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, str(_python())
        archive.addfile(link)
        program = SERVER.encode()
        entry = tarfile.TarInfo("server.py")
        entry.size = len(program)
        archive.addfile(entry, io.BytesIO(program))
    return layer.getvalue()


def _timeless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _python() -> Path:
    return Path(sys.executable).resolve()


def _files() -> Iterator[tuple[str, str]]:
    """The interpreter, the modules the server imports, and the libraries all these are linked to."""
    loaded = check_output([str(_python()), "-S", "-c", _LOADED], text=True).split()
    modules = {Path(name) for name in loaded}
    binaries = [_python(), *(path for path in modules if path.suffix == ".so")]
    yield str(_python()), str(_python())
    for library in sorted({name for binary in binaries for name in _linked(binary)}):
        yield library, str(Path(library).resolve())
    for path in sorted(modules):
        yield str(path), str(path)


def _linked(binary: Path) -> list[str]:
    output = check_output(["/usr/bin/ldd", str(binary)], text=True)
    return [word for word in output.split() if word.startswith("/")]
