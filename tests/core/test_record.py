"""Records survive the tags they are kept in."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.analysis import Sample
from modelway.core.record import (
    Analysed,
    Attempt,
    Checked,
    Failed,
    Glass,
    Inconclusive,
    Named,
    Passed,
    Record,
    Reinstated,
    Withdrawn,
)
from modelway.core.record_tags import changed_tags, from_tags, to_tags
from modelway.core.version import VersionId

TAG_SIGNS = " _.:/=+-@"
BARE = Record(id=VersionId("0123456789ab"), digest="sha256:" + "1" * 64)
MARKS = (
    Attempt(number=2, at="2026-01-02T03:04:05.000006Z", pointer="2026-01-01T00:00:00+00:00"),
    Attempt(number=1, at="2026-01-02T03:04:05.000006Z"),
    Checked(contract="abc"),
    Passed(contract="abc", attempt=2, at="2026-01-02T03:04:05.000006Z"),
    Failed(attempt=2, reason="it did not answer"),
    Analysed(attempt=2, percent=10),
    Analysed(
        attempt=2,
        percent=10,
        samples=(
            Sample(requests=523, errors=1, latency_p95=0.012345),
            Sample(requests=1034, errors=0, latency_p95=None),
        ),
    ),
    Inconclusive(attempt=2, reason="it answered 3 requests"),
    Withdrawn(reason="wrong for setosa"),
    Reinstated(reason="it was the data"),
    Named(release="1.4.0"),
)


def fits(text: str) -> bool:
    """Whether SageMaker, ECS and Lambda take it (botocore: TagValue): letters and numbers of any script."""
    told = (one in TAG_SIGNS or unicodedata.category(one)[0] in "LN" for one in text)
    return len(text.encode("utf-16-le")) <= 2 * 256 and all(told)


@given(st.lists(st.sampled_from(MARKS), max_size=6))
def test_marks_made_one_by_one_in_tags_are_the_record(marks):
    record, tags = BARE, to_tags(BARE)
    for mark in marks:
        record = record.with_mark(mark)
        changed, removed = changed_tags(mark)
        tags = {k: v for k, v in (tags | changed).items() if k not in removed}
    assert from_tags(BARE.id, tags) == record
    assert from_tags(BARE.id, to_tags(record)) == record


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.none() | st.floats(0, 1e4))
def test_what_was_compared_is_a_tag_value_too(requests, errors, latency):
    side = Sample(requests=requests, errors=errors, latency_p95=latency)
    mark = Analysed(attempt=99, percent=100, samples=(side, side))
    assert fits(mark.text())
    read = Analysed.parse(mark.text()).samples
    assert read
    assert (read[0].requests, read[1].errors) == (requests, errors)
    assert (read[0].latency_p95 is None) == (latency is None)


@given(st.text(), st.integers(1, 99))
def test_any_reason_becomes_a_tag_value_every_platform_takes(reason, attempt):
    kinds = (Failed(attempt=attempt, reason=reason), Inconclusive(attempt=attempt, reason=reason))
    for mark in (*kinds, Withdrawn(reason=reason)):
        assert fits(mark.text())


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("INC-7: für alle zu langsam", "INC-7: für alle zu langsam"),
        ("fu\u0308r alle", "für alle"),
        ("旧版本不再回答任何请求", "旧版本不再回答任何请求"),
        ("Версия не отвечает!", "Версия не отвечает"),
        ("🔥🔥🔥", "-"),
    ],
)
def test_a_reason_in_any_script_is_kept(reason: str, kept: str):
    """Of a glass broken for a reason in Chinese, the mark said nothing but a hyphen."""
    assert Glass(reason=reason).text() == kept


def test_tags_of_somebody_else_are_no_record():
    assert from_tags(BARE.id, {"owner": "team"}) is None


@pytest.mark.parametrize(
    ("attempt", "failed", "bad"),
    [(None, None, False), (2, None, False), (2, 1, False), (2, 2, True), (None, 0, True)],
)
def test_only_the_last_attempt_counts_as_how_it_ended(attempt, failed, bad):
    record = BARE
    if attempt is not None:
        record = record.with_mark(Attempt(number=attempt, at="2026-01-02T03:04:05.000006Z"))
    if failed is not None:
        record = record.with_mark(Failed(attempt=failed, reason="no"))
    assert record.ended_badly is bad


def test_a_reason_without_the_characters_tags_forbid_reads_on():
    assert (
        Failed(attempt=1, reason="production, with 100 % of it, fails").text()
        == "1 production with 100 of it fails"
    )
