"""What is installed is found; what was removed is not; what cannot be read is said."""

from __future__ import annotations

import io

import pytest

from modelway.core.findings import Package
from modelway.errors import NotEvaluated
from modelway.scanners.builtin.archive import read_archive
from modelway.scanners.builtin.inventory import Inventory, take_inventory
from tests.scanners.images import BASE, DEBIAN, SITE, Files, digest, docker_archive, layer, python


def inventory(*layers: Files) -> Inventory:
    """Of an image with these layers."""
    body = docker_archive([layer(one) for one in layers])
    return take_inventory(read_archive(io.BytesIO(body), platform="linux/amd64").layers)


def names(*layers: Files) -> list[str]:
    """Python packages as ``name==version``."""
    found = inventory(DEBIAN, *layers).packages
    return [f"{p.name}=={p.version}" for p in found if p.ecosystem == "pypi"]


FLASK = python("Flask", "2.0.0")
META = next(iter(FLASK))
FOLDER = META.rpartition("/")[0]


def test_packages_and_where_they_come_from() -> None:
    found = inventory(DEBIAN, FLASK)
    assert found.distro == "Debian:12"
    assert found.packages == (
        Package(
            ecosystem="deb",
            name="bash",
            version="5.2.15-2+b13",
            source_name="bash",
            source_version="5.2.15-2",
            path="/var/lib/dpkg/status",
            layer=f"sha256:{digest(layer(DEBIAN))}",
        ),
        Package(
            ecosystem="deb",
            name="libc6",
            version="2.36-9+deb12u1",
            source_name="glibc",
            source_version="2.36-9+deb12u1",
            path="/var/lib/dpkg/status",
            layer=f"sha256:{digest(layer(DEBIAN))}",
        ),
        Package(
            ecosystem="pypi",
            name="flask",
            version="2.0.0",
            path=f"/{META}",
            layer=f"sha256:{digest(layer(FLASK))}",
        ),
    )


@pytest.mark.parametrize(
    "above",
    [
        {f"{FOLDER}/.wh.METADATA": b""},
        {f"{SITE}/.wh.Flask-2.0.0.dist-info": b""},
        {"opt/.wh.venv": b""},
        {".wh.opt": b""},
        {f"{SITE}/.wh..wh..opq": b""},
        {"opt/venv/.wh..wh..opq": b""},
        {f"./{FOLDER}/.wh.METADATA": b""},
    ],
)
def test_whiteouts_hide_what_is_below(above: Files) -> None:
    assert names(FLASK, above) == []


@pytest.mark.parametrize(
    "above",
    [
        {"opt/.wh.ven": b""},
        {"opt/venv/lib/.wh.python3.1": b""},
        {".wh..wh.plnk": b""},
        {"etc/.wh..wh..opq": b""},
        {f"{SITE}/.wh.flask-2.0.0.dist-info": b""},
    ],
)
def test_whiteouts_hide_nothing_else(above: Files) -> None:
    assert names(FLASK, above) == ["flask==2.0.0"]


def test_whiteouts_do_not_hide_their_own_layer() -> None:
    newer = python("Flask", "3.0.0")
    assert names(FLASK, {**newer, f"{SITE}/.wh..wh..opq": b""}) == ["flask==3.0.0"]
    assert names(FLASK, {f"{SITE}/.wh.Flask-2.0.0.dist-info": b"", **newer}) == ["flask==3.0.0"]


def test_what_comes_back_after_a_whiteout_is_there() -> None:
    assert names(FLASK, {".wh.opt": b""}, FLASK) == ["flask==2.0.0"]


def test_a_later_status_replaces_the_earlier() -> None:
    newer = {"var/lib/dpkg/status": b"Package: a\nStatus: install ok installed\nVersion: 2\n"}
    assert [p.name for p in inventory(DEBIAN, newer).packages] == ["a"]


def test_distroless_status_is_read() -> None:
    found = inventory({**BASE, "var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2024a-0\n"})
    assert [(p.name, p.source_name) for p in found.packages] == [("tzdata", "tzdata")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a/b.egg-info": b"Name: Old_Style\nVersion: 1\n"}, ["old-style==1"]),
        ({"a/b.egg-info/PKG-INFO": b"Name: x.y\r\nVersion: 1\r\n\r\nName: z"}, ["x-y==1"]),
        ({f"{FOLDER}/METADATA": b"nothing of use"}, ["flask==2.0.0"]),
        ({f"{FOLDER}/METADATA": b"NAME:  Flask \nVERSION: 9\n"}, ["flask==9"]),
        ({"x.dist-info/METADATA": b"Name: a\nVersion: 1\n" + b"x" * 200_000}, ["a==1"]),
        ({f"{FOLDER}/METADATA": "-> /somewhere/else"}, ["flask==2.0.0"]),
        (
            {**python("a", "1", "store"), "b/a-1.dist-info/METADATA": "=> store/a-1.dist-info/METADATA"},
            ["a==1"] * 2,
        ),
        ({"METADATA": b"Name: a\nVersion: 1\n", "a/METADATA": b"Name: a\nVersion: 1\n"}, []),
    ],
)
def test_forms_of_python_metadata(files: Files, expected: list[str]) -> None:
    assert names(files) == expected


def test_metadata_that_names_nothing_is_noted() -> None:
    found = inventory(DEBIAN, {"x.dist-info/METADATA": b"\xff\x1b[31m"})
    assert found.notes == ("/x.dist-info/METADATA does not say which package it is.",)


def test_python_packages_of_debian_are_debians() -> None:
    path = "usr/lib/python3/dist-packages/urllib3-1.26.12.dist-info/METADATA"
    listed = {"var/lib/dpkg/info/python3-urllib3.list": f"/.\n/usr\n/{path}\n".encode()}
    metadata = python("urllib3", "1.26.12", "usr/lib/python3/dist-packages")
    [package] = [p for p in inventory(DEBIAN, {**listed, **metadata}).packages if p.ecosystem == "pypi"]
    assert package.owner == "python3-urllib3"


def test_an_image_with_nothing_to_scan_is_not_a_pass() -> None:
    with pytest.raises(NotEvaluated, match="Nothing was scanned"):
        inventory({"app": b"binary"})


def test_a_scratch_image_without_layers_is_not_a_pass() -> None:
    with pytest.raises(NotEvaluated, match="Nothing was scanned"):
        take_inventory([])


def test_python_without_a_distribution_is_scanned_and_noted() -> None:
    found = inventory(FLASK)
    assert found.distro == ""
    assert "only Python packages" in found.notes[0]


def test_a_distribution_without_its_package_database_is_not_a_pass() -> None:
    with pytest.raises(NotEvaluated, match="Debian:12, but its package database is not there"):
        inventory({**DEBIAN, **FLASK}, {"var/lib/dpkg/.wh.status": b""})


@pytest.mark.parametrize(
    ("path", "manager"),
    [
        ("var/lib/rpm/rpmdb.sqlite", "rpm"),
        ("usr/lib/sysimage/rpm/Packages.db", "rpm"),
        ("lib/apk/db/installed", "apk"),
        ("opt/conda/conda-meta/openssl-3.0.json", "conda"),
        ("var/lib/pacman/local/bash-5/desc", "pacman"),
    ],
)
def test_package_managers_it_cannot_read_are_said(path: str, manager: str) -> None:
    with pytest.raises(NotEvaluated, match=f"has {manager} packages") as caught:
        inventory(DEBIAN, {path: b"x" * 1000})
    assert "scan.scanners" in caught.value.cure
    assert names({path: b"x"}, {f".wh.{path.partition('/')[0]}": b"", **DEBIAN, **FLASK}) == ["flask==2.0.0"]


@pytest.mark.parametrize(
    ("release", "distro"),
    [
        ("ID=debian\nVERSION_ID=12\n", "Debian:12"),
        ("ID=debian\nVERSION_CODENAME=trixie\n", "Debian:13"),
        ('ID=ubuntu\nVERSION_ID="22.04"\nVERSION="22.04.4 LTS (Jammy)"\n', "Ubuntu:22.04:LTS"),
        ('ID=ubuntu\nVERSION_ID="23.10"\nVERSION="23.10 (Mantic)"\n', "Ubuntu:23.10"),
    ],
)
def test_distributions(release: str, distro: str) -> None:
    assert inventory({**DEBIAN, "usr/lib/os-release": release.encode()}).distro == distro


@pytest.mark.parametrize(
    "release", ["", "ID=debian\n", "ID=raspbian\nVERSION_ID=12\n", "ID=ubuntu\nVERSION_ID=x\n"]
)
def test_a_distribution_that_cannot_be_told_is_not_a_pass(release: str) -> None:
    with pytest.raises(NotEvaluated, match="distribution cannot be told"):
        inventory({**DEBIAN, "usr/lib/os-release": release.encode()})


def test_a_broken_package_database_is_not_a_pass() -> None:
    with pytest.raises(NotEvaluated) as caught:
        inventory({**DEBIAN, "var/lib/dpkg/status": b"Package: a\nVersion: 1\n\n\x1b[2Jgarbage"})
    assert "\x1b" not in str(caught.value)
