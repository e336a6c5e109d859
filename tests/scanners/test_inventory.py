"""What is installed is found; what was removed is not; what cannot be read is said."""

from __future__ import annotations

import io
import json

import pytest

from modelway.core.findings import Package
from modelway.errors import NotEvaluated
from modelway.scanners.builtin.archive import read_archive
from modelway.scanners.builtin.installed import Inventory
from modelway.scanners.builtin.inventory import take_inventory
from tests.scanners.images import BASE, DEBIAN, SITE, Files, digest, docker_archive, layer, python
from tests.scanners.rpms import database, installed
from tests.scanners.test_apk import DATABASE as APK_DATABASE


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
    [one] = inventory({**DEBIAN, **FLASK}, {"var/lib/dpkg/.wh.status": b""}).unread
    assert one.area == "packages:deb"
    assert "Debian:12, but its package database" in one.what


@pytest.mark.parametrize(
    ("path", "manager"),
    [
        ("usr/lib/sysimage/rpm/Packages.db", "rpm"),
        ("var/lib/rpm/Packages", "rpm"),
        ("var/lib/rpmmanifest/container-manifest-2", "rpm"),
        ("var/lib/pacman/local/bash-5/desc", "pacman"),
    ],
)
def test_package_managers_it_cannot_read_are_said(path: str, manager: str) -> None:
    [one] = inventory(DEBIAN, {path: b"x" * 1000}).unread
    assert one.area == f"packages:{manager}"
    assert "scan.scanners" in one.cure
    assert not inventory({path: b"x"}).packages
    assert names({path: b"x"}, {f".wh.{path.partition('/')[0]}": b"", **DEBIAN, **FLASK}) == ["flask==2.0.0"]


ALPINE: Files = {
    "etc/os-release": b'ID=alpine\nVERSION_ID=3.18.4\nPRETTY_NAME="Alpine Linux v3.18"\n',
    "lib/apk/db/installed": APK_DATABASE.encode(),
}
DNF = f"/{SITE}/dnf-4.14.0.dist-info/"
RPMS = [
    installed("openssl-libs", "3.0.7", "24.el9", epoch=[1], source="openssl-3.0.7-24.el9.src.rpm"),
    installed("python3-dnf", "4.14.0", files=["METADATA"], numbers=[0], folders=[DNF]),
]
ALMA_RELEASE = b'ID="almalinux"\nVERSION_ID="9.4"\n'
ALMA: Files = {"etc/os-release": ALMA_RELEASE, "var/lib/rpm/rpmdb.sqlite": database(RPMS)}


def test_alpines_packages_and_whose_python_it_is() -> None:
    urllib3 = "usr/lib/python3.11/site-packages/urllib3-1.26.17.dist-info/METADATA"
    found = inventory(ALPINE, {urllib3: b"Name: urllib3\nVersion: 1.26.17\n"})
    assert found.distro == "Alpine:v3.18"
    assert [(p.ecosystem, p.name, p.version, p.source_name, p.owner) for p in found.packages] == [
        ("apk", "libcrypto3", "3.1.4-r1", "openssl", ""),
        ("apk", "py3-urllib3", "1.26.17-r0", "py3-urllib3", ""),
        ("pypi", "urllib3", "1.26.17", "", "py3-urllib3"),
    ]
    assert found.packages[0].licences == ("Apache-2.0",)


def test_rpms_packages_and_whose_python_it_is() -> None:
    found = inventory(ALMA, {**python("dnf", "4.14.0"), **FLASK})
    assert found.distro == "AlmaLinux:9"
    assert [(p.ecosystem, p.name, p.version, p.source_name, p.owner) for p in found.packages] == [
        ("pypi", "dnf", "4.14.0", "", "python3-dnf"),
        ("pypi", "flask", "2.0.0", "", ""),
        ("rpm", "openssl-libs", "1:3.0.7-24.el9", "openssl", ""),
        ("rpm", "python3-dnf", "4.14.0-1.el9", "python3-dnf", ""),
    ]


@pytest.mark.parametrize("other", [b"", b"nothing", b"SQLite format 3\0" + bytes(4000)])
def test_a_broken_rpm_database_is_not_a_pass(other: bytes) -> None:
    with pytest.raises(NotEvaluated):
        inventory({**ALMA, "var/lib/rpm/rpmdb.sqlite": other})


def test_an_rpm_database_that_was_not_finished_is_not_a_pass() -> None:
    [one] = inventory(ALMA, {"var/lib/rpm/rpmdb.sqlite-wal": b"x"}).unread
    assert "has not finished writing" in one.what
    assert not inventory(ALMA, {"var/lib/rpm/rpmdb.sqlite-wal": b""}).unread


def test_a_link_to_something_else_is_no_package_database() -> None:
    for path in ("var/lib/rpm/rpmdb.sqlite", "opt/conda/conda-meta/a.json"):
        with pytest.raises(NotEvaluated):
            inventory({**ALMA, path: "-> /etc/os-release"})


def test_two_package_databases_are_not_a_pass() -> None:
    [one] = inventory(DEBIAN, {"var/lib/rpm/rpmdb.sqlite": database(RPMS)}).unread
    assert (one.area, "nobody knows whose" in one.what) == ("packages:rpm", True)


def test_condas_packages_are_listed_beside_pythons() -> None:
    note = {"name": "numpy", "version": "1.26.4", "build": "py311", "license": "BSD-3-Clause", "files": ["x"]}
    found = inventory(DEBIAN, {"opt/conda/conda-meta/numpy-1.26.4-py311.json": json.dumps(note).encode()})
    [one] = [p for p in found.packages if p.ecosystem == "conda"]
    assert (one.name, one.version, one.licences) == ("numpy", "1.26.4", ("BSD-3-Clause",))
    with pytest.raises(NotEvaluated):
        inventory(DEBIAN, {"opt/conda/conda-meta/numpy-1.26.4-py311.json": b"{}"})


def test_a_package_is_of_the_layer_since_which_it_has_been_there() -> None:
    def status(*versions: str) -> Files:
        text = "".join(
            f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n\n"
            for name, version in (one.split("=") for one in versions)
        )
        return {"var/lib/dpkg/status": text.encode()}

    layers = [{**BASE, **status("a=1", "b=1")}, status("a=1", "b=2")]
    layers += [status("a=1", "b=2", "c=1"), status("a=1", "c=1")]
    diff = [f"sha256:{digest(layer(one))}" for one in layers]
    assert {p.name: p.layer for p in inventory(*layers).packages} == {"a": diff[0], "c": diff[2]}
    found = {p.name: p.layer for p in inventory(*layers[:3]).packages}
    assert found == {"a": diff[0], "b": diff[1], "c": diff[2]}
    again = [layers[0], {"var/lib/.wh.dpkg": b""}, {**status("a=1")}]
    assert inventory(*again).packages[0].layer == f"sha256:{digest(layer(again[2]))}"


@pytest.mark.parametrize(
    ("header", "licences"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: whatever\n", ("MIT OR Apache-2.0",)),
        ("License: x\nClassifier: License :: OSI Approved :: BSD License\n", ("BSD License",)),
        (
            "Classifier: License :: OSI Approved\nClassifier: License :: OSI Approved :: MIT License\n",
            ("MIT License",),
        ),
        ("License: BSD 3-Clause\n", ("BSD 3-Clause",)),
        ("License: UNKNOWN\n", ()),
        (f"License: {'all of the text ' * 20}\n", ()),
        ("License: Copyright\n        of many lines\n", ("Copyright of many lines",)),
        ("Classifier: Topic :: License :: MIT\n", ()),
    ],
)
def test_licences(header: str, licences: tuple[str, ...]) -> None:
    found = inventory(DEBIAN, {META: f"Name: flask\nVersion: 1\n{header}\nLicense: not this\n".encode()})
    assert [p.licences for p in found.packages if p.ecosystem == "pypi"] == [licences]


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
    ("release", "distro"),
    [
        ("ID=alpine\nVERSION_ID=3.20.0\n", "Alpine:v3.20"),
        ("ID=wolfi\nVERSION_ID=20230201\n", "Wolfi"),
        ("ID=chainguard\nVERSION_ID=20230214\n", "Chainguard"),
        ('ID="rocky"\nVERSION_ID="9.3"\n', "Rocky Linux:9"),
        ('ID="rhel"\nVERSION_ID="9.4"\n', "Red Hat:enterprise_linux:9"),
        ('ID="amzn"\nVERSION_ID="2023"\n', "Amazon Linux:2023"),
    ],
)
def test_distributions_with_other_package_managers(release: str, distro: str) -> None:
    layers = {**ALPINE} if "VERSION_ID=" + '"' not in release else {**ALMA}
    assert inventory({**layers, "etc/os-release": release.encode()}).distro == distro


def test_alpines_development_branch_has_no_advisories() -> None:
    release = b"ID=alpine\nVERSION_ID=3.23_alpha20250612\n"
    [one] = inventory({**ALPINE, "etc/os-release": release}).unread
    assert "distribution cannot be told" in one.what


@pytest.mark.parametrize(
    "release", ["", "ID=debian\n", "ID=raspbian\nVERSION_ID=12\n", "ID=ubuntu\nVERSION_ID=x\n"]
)
def test_a_distribution_that_cannot_be_told_is_not_a_pass(release: str) -> None:
    [one] = inventory({**DEBIAN, "usr/lib/os-release": release.encode()}).unread
    assert one.area == "packages:deb"
    assert "distribution cannot be told" in one.what


def test_a_broken_package_database_is_not_a_pass() -> None:
    with pytest.raises(NotEvaluated) as caught:
        inventory({**DEBIAN, "var/lib/dpkg/status": b"Package: a\nVersion: 1\n\n\x1b[2Jgarbage"})
    assert "\x1b" not in str(caught.value)
