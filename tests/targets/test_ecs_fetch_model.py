"""The program that fetches weights, run as a task runs it, against a server that speaks like S3."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from modelway.targets.ecs import fetch_model

PROGRAM = Path(fetch_model.__file__).read_text("utf-8")


def archive(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(body), 0o600
            tar.addfile(info, io.BytesIO(body))
    return file.getvalue()


@dataclass
class Bucket:
    """One object, what was asked for it, and how often it is refused first."""

    url: str = ""
    body: bytes = b""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def run(self, folder: Path, sha256: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the program as a task does."""
        variables = {
            "PATH": os.environ["PATH"],
            "MODELWAY_MODEL_URI": "s3://ours/iris/a b/model.tar.gz",
            "MODELWAY_MODEL_SHA256": sha256 or hashlib.sha256(self.body).hexdigest(),
            "MODELWAY_MODEL_FOLDER": str(folder),
            "MODELWAY_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
        }
        hurried = PROGRAM.replace("2**number", "0")  # the waits between tries are not what is tested
        return subprocess.run(
            [sys.executable, "-c", hurried], env=variables, capture_output=True, text=True, check=False
        )


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    found = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append((self.path, dict(self.headers.items())))
            status = found.statuses.pop(0) if found.statuses else 200
            body = found.body if status == 200 else b"<Error/>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_the_weights_are_unpacked_readable_for_everybody(bucket: Bucket, tmp_path: Path) -> None:
    bucket.body = archive(("model.joblib", b"weights"), ("vocabulary/words.txt", b"a"))
    done = bucket.run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.joblib").read_bytes() == b"weights"
    assert (tmp_path / "model.joblib").stat().st_mode & 0o777 == 0o644
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.joblib", "vocabulary"]


def test_the_request_is_signed_as_botocore_signs_it(bucket: Bucket, tmp_path: Path) -> None:
    bucket.body = archive(("model.joblib", b"weights"))
    bucket.run(tmp_path)
    path, sent = bucket.asked[0]
    sent = {name.lower(): value for name, value in sent.items()}
    request = AWSRequest(method="GET", url=bucket.url + path)
    names = ("x-amz-content-sha256", "x-amz-date", "x-amz-security-token")
    for name in names:
        request.headers[name] = sent[name]
    request.context["timestamp"] = sent["x-amz-date"]
    signer = S3SigV4Auth(Credentials("AKIDEXAMPLE", "secret", "token"), "s3", "eu-west-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert sent["authorization"].endswith(signer.signature(text, request))


def test_other_bytes_never_reach_the_model(bucket: Bucket, tmp_path: Path) -> None:
    bucket.body = archive(("model.joblib", b"swapped"))
    done = bucket.run(tmp_path, sha256="0" * 64)
    assert done.returncode == fetch_model.OTHER_BYTES
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("statuses", "code"),
    [([403], fetch_model.DENIED), ([503] * 9, fetch_model.UNREACHABLE), ([503, 500], 0)],
)
def test_how_it_ends_tells_why(bucket: Bucket, tmp_path: Path, statuses: list[int], code: int) -> None:
    bucket.body, bucket.statuses = archive(("model.joblib", b"weights")), statuses
    assert bucket.run(tmp_path).returncode == code


def link(target: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, target
        tar.addfile(info)
    return file.getvalue()


@pytest.mark.parametrize(
    "make",
    [lambda: archive(("../outside", b"x")), lambda: link("/etc/passwd"), lambda: b"no archive at all"],
    ids=["outside", "link", "none"],
)
def test_an_archive_that_leaves_its_folder_is_refused(
    bucket: Bucket, tmp_path: Path, make: Callable[[], bytes]
) -> None:
    bucket.body = make()
    folder = tmp_path / "model"
    folder.mkdir()
    assert bucket.run(folder).returncode == fetch_model.NO_ARCHIVE
    assert not (tmp_path / "outside").exists()
