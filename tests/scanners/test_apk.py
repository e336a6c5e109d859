"""Versions compare as apk compares them, and its database is read as it is written.

The pairs are from apk-tools' own test data (test/version.data, gitlab.alpinelinux.org/alpine/apk-tools).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.scanners.builtin import apk

APK = shutil.which("apk")
PUBLISHED = """
2.34 > 0.1.0_alpha; 0.1.0_alpha = 0.1.0_alpha; 0.1.0_alpha < 0.1.3_alpha; 0.1.0_alpha2 > 0.1.0_alpha
0.1.0_alpha < 2.2.39-r1; 1.0.4-r3 < 1.0.4-r4; 1.0.4-r4 < 1.6; 0.7-r1 < 1.0.0; 1.1 > 1.1_alpha1
1.3_alpha8 > 0.6.0; 4.8-r1 > 3.10.18-r1; 2.3.0b-r1 < 2.3.0b-r2; 0.12.3 > 0.12; 0.12 < 0.13_beta1
0.13_beta4 < 0.13_beta5; 0.9.13 > 0.0.16; 0.2.0-r1 < 3.1_p16; 3.1_p16 < 3.1_p17; 3.1_p17 > 1.06-r6
1.06-r6 < 006; 006 > 1.0.0; 1.2.2-r1 > 1.2.2; 9.3.4-r2 > 9.3.4; 1.2.1-r1 < 1.2.2.1; 2.59 < 20050718-r1
2.01.01_alpha10 > 0.94; 1.0 > 0.99.3.20040818; 0.13 < 0.90.1-r1; 0.90.1-r1 > 0.10.2; 1.39 > 1.00_beta2
2.8.9-r1 > 2.8.9; 1.02 < 1.03-r1; 4.2.52_p2-r1 < 4.2.52_p4-r2; 1.02.07 < 1.02.10-r1; 2.0.5-r1 < 4.5
2.18.3-r10 > 1.05-r18; 1.05-r18 < 1.05-r19; 3.0.20060720 < 20060720; 2.5.1-r8 < 2.5.1a-r1
2.1.9.200602141850 > 1.6; 20040401 > 2.0.0_rc3-r1; 3.0.0-r2 < 021109-r3; 021109-r3 < 20060512
3.9_pre20060124 > 0.01; 0.06 < 1.1.7; 1.1.7 < 6b-r7; 6b-r7 > 1.12-r7; 0.10.0 < 0.10.1_rc1
0.10.1_rc1 > 0.9.11; 1.0.2 > 1.0.1; 1.1a < 1.3a; 0.15.1b-r2 > 0.15.1b; 2.1_pre20 < 2.1_pre26
2.10.1 > 02.08.01b; 02.08.01b < 4.77; 1.6d > 1.2.07.8; 1.2.07.8 < 1.2.12.04; 1.2.12.04 < 1.2.12.05
0.1_pre20060810 < 0.1_pre20060817; 0.59s-r11 < 0.65; 4.3_p2-r1 < 4.3_p2-r5; 4.3_p2-r5 < 4.4_p1-r6
4.5_p1-r1 > 4.5_p1; 0.9.8c-r1 < 0.9.8d; 2.2.3-r2 < 013; 013 < 014-r1; 014-r1 > 1.3.1-r1; 5b-r9 > 2.2.10
1.8.5 < 1.8.5_p2; 0.98 < 1.00; 1.00 < 4.1.4-r1; 1.7 < 1.7b; 2.9.11_pre20051101-r3 > 2.9.11_pre20051101
1.3.2-r3 < 1.6.8_p12-r1; 1.6.8_p12-r1 > 1.6.8_p9-r2; 0.9.28-r2 < 0.9.28.1; 0.9.28.1 < 087-r1
087-r1 < 103; 104-r11 > 104-r9; 2.12r-r4 < 2.12r-r5; 7.0.17 < 7.0.174; 1.3-r0 < 1.3.1-r0
1.3_pre1-r1 < 1.3.2; 1.0_p10-r0 > 1.0_p9-r0; 0.1.0_alpha_pre2 < 0.1.0_alpha
1.0.0_pre20191002222144-r0 < 1.0.0_pre20210530193627-r0
"""
CASES = [tuple(pair.split()) for pair in re.split(r"[;\n]", PUBLISHED) if pair.strip()]
DATABASE = """C:Q1abc=
P:libcrypto3
V:3.1.4-r1
A:x86_64
L:Apache-2.0
o:openssl
F:lib
R:libcrypto.so.3
Z:Q1x=

P:py3-urllib3
V:1.26.17-r0
o:py3-urllib3
F:usr/lib/python3.11/site-packages/urllib3-1.26.17.dist-info
R:METADATA
R:RECORD

"""


def sign(smaller: str, greater: str) -> str:
    """How two versions compare."""
    a, b = apk.key(smaller), apk.key(greater)
    return "<" if a < b else ">" if a > b else "="


@pytest.mark.parametrize(("a", "expected", "b"), CASES)
def test_published_order(a: str, expected: str, b: str) -> None:
    assert sign(a, b) == expected


@pytest.mark.skipif(APK is None, reason="needs apk to compare with: an Alpine machine has it")
def test_order_is_apks() -> None:
    assert APK
    for a, _, b in CASES:
        said = subprocess.run([APK, "version", "-t", a, b], capture_output=True, text=True, check=True)
        assert sign(a, b) == said.stdout.strip(), (a, b)


@pytest.mark.parametrize("version", ["", "a", "1.0bc", "1.0_foo", "1.0-1", "1.0-r", "1..0", "1.0 ", "1.٣"])
def test_what_apk_would_not_accept(version: str) -> None:
    with pytest.raises(apk.Unreadable):
        apk.key(version)


@given(st.text(alphabet="0123456789abrc._-~p", max_size=40))
def test_any_text_is_a_version_or_unreadable(text: str) -> None:
    with suppress(apk.Unreadable):
        assert apk.key(text) == apk.key(text)


def test_the_database_lists_packages_with_their_origin() -> None:
    found = [(one.name, one.version, one.origin, one.licence) for one in apk.installed(DATABASE)]
    assert found == [
        ("libcrypto3", "3.1.4-r1", "openssl", "Apache-2.0"),
        ("py3-urllib3", "1.26.17-r0", "py3-urllib3", ""),
    ]


def test_what_is_kept_of_a_layer_names_pythons_files_only() -> None:
    kept = apk.shortened(DATABASE.encode(), re.compile(rb"/METADATA\Z"))
    first, second = apk.installed(kept.decode())
    assert first.files == ()
    assert second.files == ("usr/lib/python3.11/site-packages/urllib3-1.26.17.dist-info/METADATA",)


@pytest.mark.parametrize("entry", ["P:a\n", "V:1\n", "nonsense\n", "P:\nV:1\n"])
def test_an_entry_apk_would_not_write_is_refused(entry: str) -> None:
    with pytest.raises(apk.Unreadable):
        list(apk.installed(entry))
