"""Versions compare as dpkg compares them, and its status is read as it is written."""

from __future__ import annotations

import random
import shutil
import subprocess
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.scanners.builtin import dpkg
from tests.scanners.images import STATUS

PAIRS = 2000
DPKG = shutil.which("dpkg")
INSTALLED = ("2.36-9+deb12u3", "1:2.38.1-5+deb12u3", "5.2.15-2+b13", "252.39-1~deb12u2", "1:1.2.13.dfsg-1")


def _random(rng: random.Random) -> str:
    """A version dpkg accepts, often with what makes comparison hard."""
    if rng.random() < 0.3:
        base = list(rng.choice(INSTALLED))
        base[rng.randrange(len(base) - 1) + 1] = rng.choice("0123456789abz.+~")
        version = "".join(base)
        return version if version.count(":") < 2 and not version.endswith("-") else rng.choice(INSTALLED)
    epoch = f"{rng.randrange(3)}:" if rng.random() < 0.2 else ""
    upstream = str(rng.randrange(12)) + "".join(rng.choices("0019abzZ.+~-", k=rng.randrange(7)))
    revision = "".join(rng.choices("0019ab.+~", k=rng.randrange(1, 4))) if rng.random() < 0.6 else ""
    return f"{epoch}{upstream.rstrip('-')}" + (f"-{revision}" if revision else "")


@pytest.mark.skipif(DPKG is None, reason="needs dpkg to compare with: a Debian or Ubuntu machine has it")
def test_order_is_dpkgs() -> None:
    assert DPKG
    rng = random.Random(20260101)  # noqa: S311  (cases, not secrets)
    wrong, compared = [], 0
    for _ in range(PAIRS):
        a, b = _random(rng), _random(rng)
        said = subprocess.run([DPKG, "--compare-versions", a, "lt", b], capture_output=True, check=False)
        if said.returncode > 1 or said.stderr:
            continue
        compared += 1
        if (dpkg.key(a) < dpkg.key(b)) != (said.returncode == 0):
            wrong.append((a, b))
    assert wrong == []
    assert compared > PAIRS * 0.8


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="needs a Debian machine's own packages")
def test_order_of_what_is_installed_is_dpkgs() -> None:
    assert DPKG
    listed = subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n"], capture_output=True, check=True)
    found = sorted({*listed.stdout.decode().split()})
    rng = random.Random(20260102)  # noqa: S311  (cases, not secrets)
    for a, b in ((rng.choice(found), rng.choice(found)) for _ in range(300)):
        said = subprocess.run([DPKG, "--compare-versions", a, "lt", b], check=False)
        assert (dpkg.key(a) < dpkg.key(b)) == (said.returncode == 0), (a, b)


@pytest.mark.parametrize(
    ("smaller", "greater"),
    [
        ("1.0~rc1", "1.0"),
        ("1.0~~", "1.0~"),
        ("1.0", "1.0+b1"),
        ("9", "10"),
        ("2:1", "10:0"),
        ("1.0-1", "1.0-1+deb12u1"),
        ("1.0a", "1.0+"),
        ("1.0-1~deb12u1", "1.0-1"),
    ],
)
def test_known_order(smaller: str, greater: str) -> None:
    assert dpkg.key(smaller) < dpkg.key(greater)


@pytest.mark.parametrize(("a", "b"), [("1.0", "0:1.0"), ("1.0-0", "1.0"), ("01", "1"), ("1.0", "1.00")])
def test_equal(a: str, b: str) -> None:
    assert dpkg.key(a) == dpkg.key(b)


@given(st.text(max_size=400))
def test_any_text_is_a_version_or_unreadable(text: str) -> None:
    with suppress(dpkg.Unreadable):
        assert dpkg.key(text) == dpkg.key(text)


def test_status_lists_what_has_files() -> None:
    found = [(one.name, one.version, one.source, one.source_version) for one in dpkg.installed(STATUS)]
    assert found == [
        ("libc6", "2.36-9+deb12u1", "glibc", "2.36-9+deb12u1"),
        ("bash", "5.2.15-2+b13", "bash", "5.2.15-2"),
    ]


@pytest.mark.parametrize("state", ["unpacked", "half-configured", "half-installed", "triggers-pending"])
def test_a_package_that_is_not_configured_has_files_too(state: str) -> None:
    [one] = dpkg.installed(f"Package: a\nStatus: install ok {state}\nVersion: 1\n")
    assert one.name == "a"


@pytest.mark.parametrize(
    "paragraph", ["Package: a\n", "Version: 1\n", "nonsense\n", "Package:\nVersion: 1\n"]
)
def test_a_paragraph_dpkg_would_not_write_is_refused(paragraph: str) -> None:
    with pytest.raises(dpkg.Unreadable):
        list(dpkg.installed(paragraph))
