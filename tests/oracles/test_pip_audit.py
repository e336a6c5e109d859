"""The findings in Python packages are pip-audit's, fed the same advisories by an OSV of our own.

The endpoint evaluates ranges by itself, with ``packaging`` and twenty lines that share nothing with the
matcher. What pip-audit does by itself: joining aliases, passing over withdrawn records, fixed versions.
Its own limits are taken into account: it compares a record's package name as it is written.
"""

from __future__ import annotations

import json
import subprocess
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from modelway.core.findings import Package
from modelway.scanners.builtin.index import open_index
from modelway.scanners.builtin.index_writer import write_index
from modelway.scanners.builtin.installed import Inventory
from modelway.scanners.builtin.match import match
from modelway.scanners.builtin.osv import parse
from tests.oracles.conftest import Oracle

REHEARSAL = Path(__file__).parents[2] / "scripts/modelway/rehearsal/advisories"
SHARED = Path(__file__).parents[3] / "shared/data/osv/PyPI/all.zip"
REQUIREMENTS = """
flask==2.0.0 werkzeug==2.0.0 jinja2==3.0.0 pillow==9.0.0 numpy==1.19.0
scikit-learn==0.22 requests==2.25.1 urllib3==1.26.4 certifi==2021.5.30 gunicorn==20.1.0
joblib==1.1.0 transformers==4.30.0 h11==0.14.0 pyyaml==5.3 lxml==4.6.2
cryptography==3.3 django==3.2 tensorflow==2.5.0 aiohttp==3.7.0 idna==3.3
tornado==6.1 paramiko==2.4.0 sqlalchemy==1.2.0 click==8.0.0 six==1.16.0
"""
INSTALLED = REQUIREMENTS.split()
Record = dict[str, Any]


def _affects(record: Record, name: str, version: Version) -> bool:
    """Whether a record is about a version: OSV's own pseudo code, for well-formed records."""
    for affected in record.get("affected", []):
        package = affected.get("package", {})
        if package.get("ecosystem") != "PyPI" or canonicalize_name(package.get("name", "")) != name:
            continue
        if str(version) in affected.get("versions", []):
            return True
        for one in affected.get("ranges", []):
            if one["type"] == "ECOSYSTEM" and _within(one["events"], version):
                return True
    return False


def _within(events: Sequence[dict[str, str]], version: Version) -> bool:
    """Whether the events, in order of versions, end with the version affected."""
    bad = False
    for event in sorted(events, key=lambda e: Version(next(iter(e.values())))):
        [(kind, text)] = event.items()
        if kind == "introduced" and version >= Version(text):
            bad = True
        elif (kind == "fixed" and version >= Version(text)) or (
            kind == "last_affected" and version > Version(text)
        ):
            bad = False
    return bad


@contextmanager
def endpoint(records: Sequence[Record]) -> Iterator[str]:
    """An OSV API on loopback that knows these records."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name, version = canonicalize_name(asked["package"]["name"]), Version(asked["version"])
            body = json.dumps({"vulns": [one for one in records if _affects(one, name, version)]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _comparable(record: Record) -> bool:
    """Whether packaging reads every version in its ranges, and pip-audit its times."""
    try:
        for affected in record.get("affected", []):
            for one in affected.get("ranges", []):
                for event in one["events"] if one["type"] == "ECOSYSTEM" else ():
                    Version(next(iter(event.values())))
    except InvalidVersion:
        return False
    return str(record.get("published", "")).endswith("Z")


def _bodies(which: str) -> list[bytes]:
    if which == "rehearsal":
        return [path.read_bytes() for path in sorted(REHEARSAL.glob("*.json"))]
    if not SHARED.is_file():
        pytest.skip("needs the 2,661 records of ../shared/data/osv/PyPI")
    with zipfile.ZipFile(SHARED) as archive:
        return [archive.read(name) for name in sorted(archive.namelist())]


@pytest.mark.parametrize("which", ["rehearsal", "shared"])
def test_findings_are_pip_audits(oracle: Oracle, tmp_path: Path, which: str) -> None:
    bodies = [body for body in _bodies(which) if _comparable(json.loads(body))]
    program = oracle("pip-audit", "pip-audit==2.10.1")
    (tmp_path / "requirements.txt").write_text("\n".join(INSTALLED))
    with endpoint([json.loads(body) for body in bodies]) as url:
        options = [
            "--no-deps",
            "--disable-pip",
            "-s",
            "osv",
            "--osv-url",
            url,
            "-f",
            "json",
            "--progress-spinner",
        ]
        said = subprocess.run(
            [program, "-r", tmp_path / "requirements.txt", *options, "off"],
            capture_output=True,
            text=True,
            check=False,
        )
    theirs = {
        (canonicalize_name(one["name"]), frozenset([vuln["id"], *vuln["aliases"]]))
        for one in json.loads(said.stdout)["dependencies"]
        for vuln in one["vulns"]
    }
    ours = {(one.package.name, one.names) for one in _ours(bodies, tmp_path) if one.package}
    assert len(theirs) > (3 if which == "rehearsal" else 50)
    assert ours == theirs


def _ours(bodies: Sequence[bytes], folder: Path) -> Sequence[Any]:
    """The builtin scanner's findings in the same packages."""
    path = folder / "index.sqlite"
    write_index(path, [("x", map(parse, bodies))], now=datetime(2026, 11, 1, tzinfo=UTC))
    packages = tuple(
        Package(ecosystem="pypi", name=name, version=version, path=f"/{name}")
        for name, version in (one.split("==") for one in INSTALLED)
    )
    with open_index(path) as index:
        return match(Inventory(distro="", packages=packages), index).findings
