"""Every format tells the same findings in the same words: table, summary, JSON, SARIF, CycloneDX, issue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modelway.core import cyclonedx, markup, rescan, sarif, told
from modelway.core.image import Digest
from modelway.core.json import JsonObject, canonical
from modelway.core.preview_scan import scan
from modelway.core.rescan import Again
from modelway.core.scan_spec import Policy
from modelway.core.verdict_json import verdict_json
from modelway.ports import Run, World
from modelway.scan_outcome import show
from modelway.scanning import Scanned
from tests.fakes import FakeClock, FakeReporter
from tests.reports import NOW, SUBJECT
from tests.scanned import FINDINGS, REASON, SPEC, scanned

Words = set[tuple[str, ...]]
ABOUT = sarif.About(model="iris", config="model-configs/iris.yaml", dockerfile="examples/iris/Dockerfile")
MERGED, VERDICT = scanned()
WANTED: Words = {(str(one.ruling), *told.told(one).cells) for one in VERDICT.judged}


def words(one: JsonObject) -> tuple[str, ...]:
    """A finding of a document."""
    keys = ("ruling", "severity", "id", "package", "installed", "fix", "brought_by", "why")
    return tuple(str(one[key]) for key in keys)


def document() -> JsonObject:
    """What ``scan --format json`` prints of the verdict."""
    return {"verdict": verdict_json(VERDICT, Policy(spec=SPEC))}


def in_json() -> Words:
    verdict: Any = json.loads(canonical(document()))["verdict"]
    return {words(one) for kind in ("blocking", "waived", "below") for one in verdict[kind]}


def in_sarif() -> Words:
    run = json.loads(sarif.sarif(ABOUT, MERGED, VERDICT))["runs"][0]
    for one in run["results"]:
        assert one["properties"]["why"] in one["message"]["text"]
    return {words(one["properties"]) for one in run["results"]}


def in_cyclonedx() -> Words:
    bare = cyclonedx.sbom(MERGED, name="iris")
    found: Any = json.loads(canonical(cyclonedx.with_findings(bare, MERGED, VERDICT)))
    said = [
        dict.fromkeys(("installed", "fix", "brought_by"), "")
        | {each["name"].removeprefix("modelway:finding:"): each["value"] for each in one["properties"]}
        for one in found["vulnerabilities"]
    ]
    return {words(one) for one in said}


def shown(*, every: bool) -> FakeReporter:
    """What ``scan`` tells people."""
    reporter, nothing = FakeReporter(), None
    world = World(
        **dict.fromkeys(World.__dataclass_fields__, nothing)  # type: ignore[arg-type]  # nothing else is asked
        | {"reporter": reporter, "clock": FakeClock(NOW), "run": Run(root=Path(), workspace=Path())}
    )
    outcome = Scanned(
        reports=MERGED.reports, merged=MERGED, verdict=VERDICT, policy=Policy(spec=SPEC), files=(Path("r"),)
    )
    show(world, outcome, every=every)
    return reporter


def test_every_document_tells_the_same_findings_in_the_same_words() -> None:
    assert len(WANTED) == len(FINDINGS)
    assert in_json() == WANTED
    assert in_sarif() == WANTED
    assert in_cyclonedx() == WANTED


def test_the_table_tells_them_too_and_the_summary_what_the_table_leaves_out() -> None:
    ((_, columns, rows),) = shown(every=True).tables
    assert tuple(columns) == told.COLUMNS
    assert {tuple(row) for row in rows} == {cells for _, *cells_ in WANTED if (cells := tuple(cells_))}
    reporter = shown(every=False)
    ((_, _, rows),) = reporter.tables
    below = {tuple(told.told(one).cells) for one in VERDICT.below}
    assert {tuple(row) for row in rows} | below == {tuple(cells) for _, *cells in WANTED}
    assert below
    for one in below:
        assert markup.table(told.COLUMNS, [one]).splitlines()[-1] in "\n".join(reporter.summaries)


def test_the_pull_requests_comment_and_the_issue_tell_what_stops_in_the_same_words() -> None:
    part = scan("blocked", document(), None, "")
    again = Again(environment="production", version="1" * 12, image=Digest(str(SUBJECT)), verdict=VERDICT)
    issue = rescan.issue("iris", "iris.yaml", [again], NOW.date())
    for one in VERDICT.blocking:
        row = markup.table(told.COLUMNS, [told.told(one).cells]).splitlines()[-1].removeprefix("|")
        assert row in part.detail
        assert row in issue
    for one in VERDICT.waived:
        assert markup.text(told.why(one)) in part.detail


def test_a_waived_finding_says_until_when_for_whom_and_why() -> None:
    [one] = VERDICT.waived
    assert told.why(one) == f"waived until 2026-07-01 (ml-platform): {REASON}"
    assert (told.told(one).fix, told.told(one).origin) == ("no fix", "/site/zlib1g/METADATA")


def test_what_no_version_could_mend_has_no_fix_to_tell() -> None:
    secret = next(one for one in VERDICT.judged if one.finding.id == "aws-access-key")
    assert told.told(secret).fix == ""
    assert "which a later layer deletes" in told.sentence(secret)
