"""Whatever is put into an image or damaged: a report or ``NotEvaluated``, soon, in little memory.

Longer: ``HYPOTHESIS_PROFILE=nightly scripts/run test tests/scanners/test_fuzz.py`` (5,000 examples each).
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.json import Json
from modelway.core.report import Report
from modelway.errors import NotEvaluated
from modelway.scanners.builtin import Builtin
from modelway.scanners.builtin.archive import read_archive
from modelway.scanners.builtin.index_writer import write_index
from modelway.scanners.builtin.osv import parse
from modelway.scanners.builtin.stream import Limits
from tests.scanners.images import (
    DEBIAN,
    OS_RELEASE,
    STATUS,
    Files,
    digest,
    docker_archive,
    layer,
    oci_archive,
    python,
)
from tests.scanners.rpms import database, installed
from tests.scanners.test_apk import DATABASE as APK_DATABASE

REHEARSAL = Path(__file__).parents[2] / "scripts/modelway/rehearsal/advisories"
VULNERABLE = "CVE-2025-43859"
BAD = [layer(DEBIAN), layer(python("h11", "0.14.0"))]
SITE = "opt/lib/python3.11/site-packages"
PATHS = [
    "etc/os-release",
    "usr/lib/os-release",
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d/a",
    "var/lib/dpkg/info/python3-h11.list",
    "lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/rpmdb.sqlite-wal",
    "var/lib/rpm/Packages",
    "opt/conda/conda-meta/a.json",
    f"{SITE}/h11-0.14.0.dist-info/METADATA",
    f"{SITE}/h11.egg-info",
    f"{SITE}/.wh.h11-0.14.0.dist-info",
    ".wh.opt",
    "opt/.wh..wh..opq",
    ".wh..wh..opq",
    ".wh.",
    "a//b/./c/../METADATA",
    "./etc/os-release",
    "/etc/os-release",
    "../etc/os-release",
    "",
    ".",
    "x" * 3000,
    "\udcff\x1b[2J/METADATA",
]
CONTENTS: list[bytes | str | None] = [
    b"",
    b"\0" * 600,
    OS_RELEASE,
    b"ID=alpine\nVERSION_ID=3.18.4\n",
    b"ID=almalinux\nVERSION_ID=9.4\n",
    STATUS.encode(),
    APK_DATABASE.encode(),
    database([installed("a", "1")]),
    b"Name: h11\nVersion: 0.14.0\n",
    b'{"name": "numpy", "version": "1.0"}',
    b"[" * 5000,
    None,
]


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Builtin:
    """The scanner with the rehearsal's advisories."""
    path = tmp_path_factory.mktemp("index") / "advisories.sqlite"
    records = [parse(file.read_bytes()) for file in sorted(REHEARSAL.glob("*.json"))]
    write_index(path, [("x", records)], now=datetime(2026, 6, 15, tzinfo=UTC))
    return Builtin(path)


def scan(scanner: Builtin, body: bytes) -> Report:
    """A report of an archive."""
    return scanner.scan(io.BytesIO(body), platform="linux/amd64")


contents = st.one_of(
    st.sampled_from(CONTENTS),
    st.builds("{} {}".format, st.sampled_from(["->", "=>"]), st.sampled_from([*PATHS, "/a", "../../b"])),
    st.binary(max_size=300),
)
layers_of_anything = st.lists(
    st.dictionaries(st.sampled_from(PATHS), contents, max_size=8), min_size=1, max_size=4
)


@given(
    layers_of_anything,
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    st.sampled_from(["docker", "oci"]),
)
def test_any_files_in_any_layers_are_reported_or_not_evaluated(
    scanner: Builtin, layers: Sequence[Files], form: int, wrap: str
) -> None:
    """Links in circles, whiteouts of everything, databases where others are expected; twice the same."""
    bodies = [layer(one, form=form) for one in layers]
    body = oci_archive(bodies, manifest_json=False) if wrap == "oci" else docker_archive(bodies)
    with suppress(NotEvaluated):
        first = scan(scanner, body)
        assert scan(scanner, body) == first
        assert first.packages or first.unread


@given(st.data())
@pytest.mark.parametrize("form", ["docker", "oci"])
def test_no_damage_makes_a_fail_a_pass(scanner: Builtin, form: str, data: st.DataObject) -> None:
    """However bytes are flipped, cut or moved: the vulnerability is found, or nothing is said to be clean."""
    whole = docker_archive(BAD) if form == "docker" else oci_archive(BAD, manifest_json=False)
    body = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["set", "cut", "zero", "move"])):
            case "set":
                body[at] = data.draw(st.integers(0, 255))
            case "cut":
                del body[at : at + data.draw(st.sampled_from([1, 512, 1024, 4096]))]
            case "zero":
                body[at : at + 512] = bytes(min(512, len(body) - at))
            case _:
                piece = body[at : at + 512]
                del body[at : at + 512]
                body += piece
        if not body:
            return
    with suppress(NotEvaluated):
        report = scan(scanner, bytes(body))
        assert VULNERABLE in {one.id for one in report.findings} or report.unread


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from([f"sha256:{'0' * 64}", "../x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _replaced(value: Json, path: list[int], new: Json) -> Json:
    """A document with one of its parts replaced."""
    if path and value and isinstance(value, dict):
        key = list(value)[path[0] % len(value)]
        return {**value, key: _replaced(value[key], path[1:], new)}
    if path and value and isinstance(value, list):
        at = path[0] % len(value)
        return [*value[:at], _replaced(value[at], path[1:], new), *value[at + 1 :]]
    return new


@given(
    st.sampled_from(["manifest", "config", "listing"]), st.lists(st.integers(0, 9), max_size=4), json_values
)
def test_any_manifest_and_config_are_reported_or_not_evaluated(
    scanner: Builtin, which: str, path: list[int], new: Json
) -> None:
    """Well-formed JSON of the wrong shape, under its right digest."""
    about: Json = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(one)}" for one in BAD]},
        "history": [{"created_by": "RUN x"}, {"empty_layer": True}, {"created_by": "COPY y /"}],
    }
    config = json.dumps(_replaced(about, path, new) if which == "config" else about).encode()
    manifest: Json = {
        "schemaVersion": 2,
        "config": {"digest": f"sha256:{digest(config)}"},
        "layers": [{"digest": f"sha256:{digest(one)}"} for one in BAD],
    }
    body = json.dumps(_replaced(manifest, path, new) if which == "manifest" else manifest).encode()
    listing: Json = {"manifests": [{"digest": f"sha256:{digest(body)}"}]}
    index = json.dumps(_replaced(listing, path, new) if which == "listing" else listing).encode()
    blobs = {f"blobs/sha256/{digest(one)}": one for one in (*BAD, config, body)}
    with suppress(NotEvaluated):
        report = scan(scanner, layer({**blobs, "index.json": index}))
        assert VULNERABLE in {one.id for one in report.findings}


@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=20))
def test_a_damaged_index_is_read_or_not_evaluated(
    scanner: Builtin, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    body = bytearray(scanner.database.read_bytes())
    for at, value in changes:
        body[at % len(body)] = value
    damaged = tmp_path_factory.mktemp("damaged") / "advisories.sqlite"
    damaged.write_bytes(body)
    with suppress(NotEvaluated):
        scan(Builtin(damaged), docker_archive(BAD))


def test_a_bomb_is_refused_in_little_memory() -> None:
    """256 MiB of zeros in a quarter of a megabyte: read piece by piece, and refused at its limit."""
    bomb = gzip.compress(layer({**DEBIAN, "zeros": bytes(256 << 20)}), compresslevel=9)
    body = layer({f"blobs/sha256/{digest(bomb)}": bomb})
    tracemalloc.start()
    try:
        with pytest.raises(NotEvaluated):
            read_archive(io.BytesIO(body), platform="linux/amd64", limits=Limits(unpacked=128 << 20))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [1 << 33, (1 << 63) - 1])
def test_a_header_that_promises_more_than_there_is_costs_nothing(size: int) -> None:
    header = tarfile.TarInfo("var/lib/dpkg/status")
    header.size = size
    small = header.tobuf(tarfile.GNU_FORMAT) + b"Package: a\n"
    tracemalloc.start()
    try:
        with pytest.raises(NotEvaluated):
            read_archive(io.BytesIO(layer({"x/layer.tar": small})), platform="linux/amd64")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_links_in_a_circle_are_nothing_to_scan(scanner: Builtin) -> None:
    circle: Files = {"etc/os-release": "-> /usr/lib/os-release", "usr/lib/os-release": "-> /etc/os-release"}
    hard: Files = {"var/lib/dpkg/status": "=> var/lib/dpkg/status"}
    with pytest.raises(NotEvaluated):
        scan(scanner, docker_archive([layer({**circle, **hard})]))
