"""What the page of evidence shows of releases, beside what ``tests/commands/test_evidence.py`` asks of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from modelway.core.analysis import Sample
from modelway.core.counts import Counts, counted
from modelway.core.dossier import Answer, Dossier, Release, Said
from modelway.core.dossier_page import page
from modelway.core.dossier_text import text
from modelway.core.evidence import Document, Provenance, Source, provenance_of
from modelway.core.findings import Severity
from modelway.core.image import Digest
from modelway.core.merge import merge
from modelway.core.verdict import Comparison, EnvironmentVerdict, verdict_of
from tests.reports import finding, package, report

COMPARED = Comparison(
    percent=10,
    candidate=Sample(requests=120, errors=3, latency_p95=0.0124),
    baseline=Sample(requests=1080, errors=0, latency_p95=None),
)
VERDICT = EnvironmentVerdict(
    model="iris",
    environment="production",
    account="222222222222",
    region="eu-west-1",
    target="lambda",
    version="0123456789ab",
    artifact=None,
    contract="c",
    attempt=1,
    began="2026-06-15T12:00:00Z",
    passed="2026-06-15T12:10:00Z",
    comparison=COMPARED,
)


def release(number: int, findings: Counts | None) -> Release:
    """One that passed."""
    document = Document(
        name="report",
        media_type="x",
        digest=Digest(f"sha256:{number:064}"),
        notes=findings.notes() if findings else {},
    )
    provenance = Provenance(
        model="iris",
        config="iris.yaml",
        strategy="byoc",
        inputs="i",
        source=Source(repository="https://github.com/o/r", commit="f" * 40, ref="refs/tags/v1"),
        documents=(document,),
        built=f"2026-06-1{number}T11:00:00Z",
    )
    said = Said(verdict=VERDICT, by="production", trusted=True)
    image = Digest(f"sha256:{number:064}")
    return Release(image=image, provenance=provenance, verdicts=(said,), findings=findings)


def dossier(*releases: Release) -> Dossier:
    """Of one model."""
    answer = Answer(environment="production", ok=True, reason="it does")
    return Dossier(model="iris", owner="o", repository="r", places=(), releases=releases, answer=answer)


WORSE = Counts(packages=140, by_severity={"critical": 2, "low": 7}, as_of="2026-06-12")
BETTER = Counts(packages=141, by_severity={}, as_of="2026-06-14")


def test_findings_are_shown_over_releases_and_nothing_is_made_of_one():
    told = dossier(release(2, BETTER), release(1, WORSE), release(0, None))
    shown = page(told, datetime(2026, 6, 15, tzinfo=UTC))
    table = shown.partition("Findings over releases")[2].partition("</table>")[0]
    assert [table.index(one) for one in ("nothing found", "2 critical, 7 low", "not known")] == sorted(
        table.index(one) for one in ("nothing found", "2 critical, 7 low", "not known")
    )
    alone = page(dossier(release(1, WORSE), release(0, None)), datetime(2026, 6, 15, tzinfo=UTC))
    assert "Findings over releases" not in alone


def test_the_timeline_goes_from_the_commit_to_production_with_what_the_canary_took():
    shown = page(dossier(release(1, WORSE)), datetime(2026, 6, 15, tzinfo=UTC))
    marks = [
        "f" * 40,
        "Built by",
        "Its traffic began to move in production",
        "Passed in production",
        "12.4 ms",
    ]
    assert [shown.index(one) for one in marks] == sorted(shown.index(one) for one in marks)
    words = (
        "at 10 % of the traffic: 120 requests, 3 failed, 95 % within 12.4 ms; the version in service: 1080"
    )
    assert words in shown
    assert words in text(dossier(release(1, WORSE)))


def test_an_attempt_that_passed_twice_began_once():
    again = replace(VERDICT, contract="d", passed="2026-06-16T12:10:00Z")
    said = tuple(Said(verdict=one, by="production", trusted=True) for one in (again, VERDICT))
    shown = page(dossier(replace(release(1, None), verdicts=said)), datetime(2026, 6, 17, tzinfo=UTC))
    assert shown.count("Its traffic began to move in production") == 1
    assert shown.count("Passed in production") == 2


def test_what_is_not_an_environment_s_word_says_nothing_of_when_its_traffic_moved():
    stranger = Said(verdict=replace(VERDICT, version="feedfeedfeed"), by="nobody", trusted=False)
    told = replace(release(1, None), verdicts=(*release(1, None).verdicts, stranger))
    shown = page(dossier(told), datetime(2026, 6, 17, tzinfo=UTC))
    assert shown.count("Its traffic began to move in production") == 1
    assert "feedfeedfeed" not in shown
    assert "not its own word" in shown


def test_no_text_turns_the_page_s_writing_around():
    """Whoever may push could have what follows, as that it is not the environment's word, read backwards."""
    tricks = Said(verdict=replace(VERDICT, glass="a\u202eb\u2066c\x1b[31md\x00e"), by="x", trusted=False)
    told = replace(release(1, None), verdicts=(tricks,))
    shown = page(dossier(told), datetime(2026, 6, 17, tzinfo=UTC))
    assert "Break-glass: abcde" in shown


def test_what_nobody_trusts_makes_no_release_the_newest():
    old, new = release(1, None), release(2, None)
    late = Said(verdict=replace(VERDICT, passed="9999-01-01T00:00:00Z"), by="nobody", trusted=False)
    assert replace(old, verdicts=(late, *old.verdicts)).newest <= new.newest


def test_a_comparison_is_part_of_what_the_environment_signs():
    assert verdict_of(VERDICT.predicate()) == VERDICT


def test_a_verdict_from_before_there_were_comparisons_is_still_read():
    said = {key: value for key, value in VERDICT.predicate().items() if key != "comparison"}
    assert verdict_of(said).comparison is None


def test_numbers_travel_with_the_provenance():
    built = release(1, WORSE).provenance
    assert built
    assert [Counts.of(one.notes) for one in provenance_of(built.predicate()).documents] == [WORSE]


@given(st.lists(st.sampled_from([*Severity]), max_size=6))
def test_counts_are_of_what_was_found_together(severities: list[Severity]):
    found = [finding(f"CVE-{n}", severity=severity) for n, severity in enumerate(severities)]
    counts = counted(merge([report(*found), report(*found)]))
    assert sum(counts.by_severity.values()) == len(severities)
    assert list(counts.by_severity) == [str(one) for one in Severity if one in severities]
    assert Counts.of(counts.notes()) == counts


def test_notes_of_somebody_else_are_no_counts():
    assert Counts.of({"packages": "many"}) is None
    assert Counts.of({}) is None
    assert counted(merge([report(finding(of=package("flask")))])).packages == len(
        merge([report(finding(of=package("flask")))]).packages
    )
