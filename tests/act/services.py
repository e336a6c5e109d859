"""What a workflow reaches beside AWS: OSV's export with one advisory, and GitHub."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PULL = 7
LOGIN = "github-actions[bot]"
APPROVER = "octocat"


def advisories(ecosystem: str) -> bytes:
    """OSV's all.zip with one record: every brittle below 2.0 is vulnerable, as of today."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    record = {
        "schema_version": "1.6.0",
        "id": f"TEST-{ecosystem}-1",
        "modified": now,
        "published": now,
        "summary": "it breaks",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI" if ecosystem == "PyPI" else "Debian:12", "name": "brittle"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
            }
        ],
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{record['id']}.json", json.dumps(record))
    return packed.getvalue()


@dataclass
class Services:
    """A server on loopback that is both."""

    address: str = ""
    comments: list[dict[str, object]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: dict[str, object]) -> tuple[int, bytes]:
        path = path.partition("?")[0]
        if path.endswith("/all.zip"):
            return 200, advisories(path.split("/")[1])
        match method, path:
            case "POST", "/graphql":
                return _json({"data": {"viewer": {"login": LOGIN}}})
            case "GET", _ if path.endswith(f"/issues/{PULL}/comments"):
                return _json(self.comments)
            case "POST", _ if path.endswith(f"/issues/{PULL}/comments"):
                self.comments.append({"id": 1, "user": {"login": LOGIN}, "body": body["body"]})
                return _json({"html_url": "https://github.com/acme/models/pull/7#1"}, 201)
            case "PATCH", _ if path.endswith("/issues/comments/1"):
                self.comments[0]["body"] = body["body"]
                return _json({"html_url": "https://github.com/acme/models/pull/7#1"})
            case "GET", _ if path.endswith("/approvals"):
                review = {"state": "approved", "user": {"login": APPROVER}}
                return _json([{**review, "environments": [{"name": "production"}]}])
            case "GET", _ if "/actions/runs/" in path:
                return _json({"html_url": f"https://github.com{path}", "actor": {"login": LOGIN}})
            case _:
                return _json({"message": "Not Found"}, 404)


def _json(document: object, status: int = 200) -> tuple[int, bytes]:
    return status, json.dumps(document).encode()


@contextmanager
def serve() -> Iterator[Services]:
    """Serve until the end of the block."""
    services = Services()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            status, text = services.answer(
                self.command, self.path, json.loads(self.rfile.read(size)) if size else {}
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _any  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        services.address = f"http://127.0.0.1:{server.server_port}"
        yield services
        server.shutdown()
        thread.join()
