"""Versions compare as rpm compares them, and its database is read as it is written."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.scanners.builtin import rpm
from tests.scanners.rpms import database, header, installed

ALL = re.compile(rb"METADATA\Z")
PAIRS = 4000
RPM, RPMBUILD = shutil.which("rpm"), shutil.which("rpmbuild")
needs_rpm = pytest.mark.skipif(RPM is None, reason="needs rpm to compare with (Debian: apt-get install rpm)")


def packages(*headers: bytes) -> list[rpm.Installed]:
    """What is read of a database of these headers."""
    return list(rpm.installed(database(headers), ALL))


def _random(rng: random.Random) -> str:
    """A version, often with what makes comparison hard."""
    epoch = f"{rng.randrange(3)}:" if rng.random() < 0.2 else ""
    release = f"-{''.join(rng.choices('0019abZ.+~^_', k=rng.randrange(1, 5)))}" if rng.random() < 0.5 else ""
    return f"{epoch}{rng.randrange(12)}{''.join(rng.choices('0019abZ.+~^_', k=rng.randrange(6)))}{release}"


@needs_rpm
def test_order_is_rpms(tmp_path: Path) -> None:
    assert RPM
    rng = random.Random(20260101)  # noqa: S311  (cases, not secrets)
    pairs = [(_random(rng), _random(rng)) for _ in range(PAIRS)]
    script = tmp_path / "order.lua"
    listed = ",".join(f'{{"{a}","{b}"}}' for a, b in pairs)
    script.write_text(f"for _,p in ipairs({{{listed}}}) do print(rpm.vercmp(p[1], p[2]) .. ';') end")
    said = subprocess.run(
        [RPM, "--eval", f"%{{lua:dofile('{script}')}}"], capture_output=True, text=True, check=True
    ).stdout.split(";")[:-1]
    assert len(said) == PAIRS
    keys = [(rpm.key(a), rpm.key(b)) for a, b in pairs]
    wrong = [
        pair for pair, (a, b), order in zip(pairs, keys, said, strict=True) if (a > b) - (a < b) != int(order)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("smaller", "greater"),
    [
        ("1.0~rc1", "1.0"),
        ("1.0", "1.0^git1"),
        ("1.0^git1", "1.0.1"),
        ("9", "10"),
        ("1.a", "1.1"),
        ("10:0", "11:0"),
        ("5.0-1.el9", "5.0-1.el9_2"),
        ("1.0", "1.0-1"),
    ],
)
def test_known_order(smaller: str, greater: str) -> None:
    assert rpm.key(smaller) < rpm.key(greater)


@pytest.mark.parametrize(("a", "b"), [("1.0", "0:1.0"), ("1.0", "1_0"), ("001", "1"), ("1.0.", "1.0")])
def test_equal(a: str, b: str) -> None:
    assert rpm.key(a) == rpm.key(b)


@given(st.text(max_size=400))
def test_any_text_is_a_version_or_unreadable(text: str) -> None:
    with suppress(rpm.Unreadable):
        assert rpm.key(text) == rpm.key(text)


def test_a_database_lists_its_packages() -> None:
    found = packages(
        installed("bash", "5.1.8", "9.el9", licence="GPLv3+", source="bash-5.1.8-9.el9.src.rpm"),
        installed("openssl-libs", "3.0.7", "24.el9", epoch=[1], source="openssl-3.0.7-24.el9.src.rpm"),
        installed("gpg-pubkey", "5a6340b3", "6229229e"),
    )
    assert found == [
        rpm.Installed(name="bash", version="5.1.8-9.el9", source="bash", licence="GPLv3+", files=()),
        rpm.Installed(name="openssl-libs", version="1:3.0.7-24.el9", source="openssl", licence="", files=()),
    ]


def test_files_are_put_together_from_names_and_folders() -> None:
    folders = ["/usr/bin/", "/usr/lib/python3.9/site-packages/dnf-4.dist-info/"]
    [one] = packages(installed("a", "1", files=["dnf", "METADATA"], numbers=[0, 1], folders=folders))
    assert one.files == ("usr/lib/python3.9/site-packages/dnf-4.dist-info/METADATA",)


def test_what_is_kept_of_a_layer_is_read_again() -> None:
    found = packages(installed("a", "1", licence="MIT"), installed("b", "2"))
    assert list(rpm.unpacked(rpm.packed(found))) == found


@pytest.mark.parametrize("rows", [b"", b"Package: a\n", b"{}", b"[1]", b'[["a", "1"]]'])
def test_what_was_never_kept_is_refused(rows: bytes) -> None:
    """A link in the image can make another file stand where the database was."""
    with pytest.raises(rpm.Unreadable):
        list(rpm.unpacked(rows))


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"1234567",
        header({1000: "a", 1001: "1"}),
        installed("a", "1") + b"\0",
        installed("a", "1")[:-1],
        installed("a", "1")[:-1] + b"x",
        installed("a", "1", files=["x"], numbers=[3], folders=["/"]),
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
    ],
)
def test_a_header_rpm_would_not_write_is_refused(blob: bytes) -> None:
    with pytest.raises(rpm.Unreadable):
        packages(blob)


def test_a_database_cannot_run_anything() -> None:
    """A view in place of the table is SQL of whoever made the image."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE VIEW Packages AS SELECT zeroblob(1000000) AS blob FROM sqlite_master")
        body = db.serialize()
    with pytest.raises(rpm.Unreadable, match="SQLite says"):
        list(rpm.installed(body, ALL))


def test_a_database_that_never_ends_is_left() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(
            "CREATE VIEW Packages AS WITH RECURSIVE n(blob) AS (SELECT 1 UNION ALL SELECT blob + 1 FROM n)"
            " SELECT blob FROM n WHERE blob < 0"
        )
        body = db.serialize()
    with pytest.raises(rpm.Unreadable, match="SQLite says"):
        list(rpm.installed(body, ALL))


@given(st.data())
def test_damage_is_refused_or_read(data: st.DataObject) -> None:
    body = bytearray(database([installed("bash", "5.1", licence="GPL"), installed("b", "2", epoch=[3])]))
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with suppress(rpm.Unreadable):
        list(rpm.installed(bytes(body), ALL))


@pytest.mark.skipif(RPMBUILD is None, reason="needs rpmbuild to make a package (Debian: apt-get install rpm)")
def test_a_database_rpm_itself_wrote_is_read(tmp_path: Path) -> None:
    assert RPM
    assert RPMBUILD
    site = "/usr/lib/python3.9/site-packages/hello-1.2.dist-info"
    spec = tmp_path / "hello.spec"
    spec.write_text(
        "Name: hello-lib\nEpoch: 2\nVersion: 1.2.3~rc1\nRelease: 4.amzn2023\nSummary: x\nLicense: MIT\n"
        f"BuildArch: noarch\n%description\nx\n%install\nmkdir -p %{{buildroot}}{site}\n"
        f"echo x > %{{buildroot}}{site}/METADATA\n%files\n{site}/METADATA\n",
        encoding="utf-8",
    )

    def run(*argv: str) -> None:
        own = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        subprocess.run(argv, capture_output=True, check=True, env=own)

    run(RPMBUILD, "--define", f"_topdir {tmp_path}/top", "-bb", str(spec))
    [built] = (tmp_path / "top").rglob("*.rpm")
    dbpath = ["--dbpath", f"{tmp_path}/db"]
    run(RPM, *dbpath, "--initdb")
    run(RPM, *dbpath, "-i", "--justdb", "--nodeps", str(built))
    [one] = rpm.installed((tmp_path / "db" / "rpmdb.sqlite").read_bytes(), ALL)
    assert one == rpm.Installed(
        name="hello-lib",
        version="2:1.2.3~rc1-4.amzn2023",
        source="hello-lib",
        licence="MIT",
        files=(f"{site[1:]}/METADATA",),
    )
