"""Base scores are those FIRST publishes (CVSS v3.1 examples; v2 guide, section 3.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.findings import Severity
from modelway.scanners.builtin.cvss import base_score, word


@pytest.mark.parametrize(
    ("vector", "score", "said"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, Severity.CRITICAL),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, Severity.CRITICAL),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5, Severity.HIGH),  # Heartbleed
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1, Severity.LOW),  # POODLE
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N", 4.3, Severity.MEDIUM),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4, Severity.MEDIUM),
        ("CVSS:3.0/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.2, Severity.MEDIUM),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N", 3.7, Severity.LOW),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0, Severity.NEGLIGIBLE),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", 9.8, Severity.CRITICAL),
        ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8, Severity.HIGH),  # CVE-2002-0392
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0, Severity.CRITICAL),  # CVE-2003-0818
        ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2, Severity.MEDIUM),  # CVE-2003-0062
        ("AV:N/AC:L/Au:N/C:N/I:N/A:N", 0.0, Severity.NEGLIGIBLE),
    ],
)
def test_known_scores(vector: str, score: float, said: Severity) -> None:
    assert base_score(vector) == score
    assert word(score) is said


@pytest.mark.parametrize(
    "vector",
    [
        "",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
        "CVSS:3.1/AV:N",
        "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:X/C:H/I:H/A:H",
        "medium",
    ],
)
def test_what_cannot_be_scored_is_unknown(vector: str) -> None:
    assert base_score(vector) is None


PARTS = st.sampled_from(
    ["CVSS:3.1", "AV:N", "AC:L", "PR:N", "UI:N", "S:U", "S:C", "C:H", "I:N", "A:L", "Au:N", "x"]
)


@given(st.lists(PARTS, max_size=12).map("/".join))
def test_a_score_is_between_zero_and_ten(vector: str) -> None:
    score = base_score(vector)
    assert score is None or 0 <= score <= 10
