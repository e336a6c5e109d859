"""SARIF as GitHub takes it: within its limits, on lines of the repository, equal from release to release."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelway.core import sarif
from modelway.core.findings import Finding, Rating, Severity
from modelway.core.merge import Merged
from modelway.core.policy import Judged, Ruling, Verdict, judge
from modelway.core.scan_spec import Policy, ScanSpec
from tests.reports import NOW, finding, package, report
from tests.scanned import REASON, UNREAD, WAIVER, judged, scanned

ABOUT = sarif.About(model="iris", config="model-configs/iris.yaml", dockerfile="examples/iris/Dockerfile")


def run(outcome: tuple[Merged, Verdict] | None = None, about: sarif.About = ABOUT) -> dict[str, Any]:
    """The only run of the file."""
    log = json.loads(sarif.sarif(about, *(outcome or scanned())))
    assert log["version"] == "2.1.0"
    [only] = log["runs"]
    return dict(only)


def results(of: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["ruleId"]: one for one in of["results"]}


def place(result: dict[str, Any]) -> tuple[str, int]:
    where = result["locations"][0]["physicalLocation"]
    return where["artifactLocation"]["uri"], where["region"]["startLine"]


def test_a_result_is_on_the_line_that_brings_it_else_in_the_dockerfile() -> None:
    found = results(run())
    assert place(found["CVE-2023-30861"]) == ("examples/a%20b/requirements.txt", 3)
    assert place(found["DL3002"]) == ("examples/iris/Dockerfile", 7)
    assert place(found["aws-access-key"]) == ("examples/iris/Dockerfile", 1)
    without = results(run(about=replace(ABOUT, dockerfile="")))
    assert place(without["aws-access-key"]) == ("model-configs/iris.yaml", 1)
    inside = found["CVE-2023-30861"]["locations"][0]["logicalLocations"]
    assert inside == [{"name": "flask", "fullyQualifiedName": "/site/flask/METADATA", "kind": "module"}]


def test_what_stops_is_an_error_what_passes_a_note_and_a_waiver_a_suppression() -> None:
    found = results(run())
    assert [found[name]["level"] for name in ("CVE-2023-30861", "CVE-2023-45853", "CVE-2023-2")] == [
        "error",
        "error",
        "note",
    ]
    [suppression] = found["CVE-2023-45853"]["suppressions"]
    assert suppression["justification"] == f"waived until 2026-07-01 (ml-platform): {REASON}"
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["properties"] == {
        "expires": "2026-07-01",
        "owner": "ml-platform",
        "ticket": "SEC-1",
    }
    assert [name for name, one in found.items() if "suppressions" in one] == ["CVE-2023-45853"]


@pytest.mark.parametrize(
    ("severity", "score", "number"),
    [
        ("critical", 9.8, "9.8"),
        ("critical", 9.0, "9.1"),  # GitHub's critical is over 9.0
        ("critical", 5.0, "9.1"),  # the policy's word counts, not a score that says less
        ("high", 8.1, "8.1"),
        ("high", None, "7.0"),
        ("medium", 5.5, "5.5"),
        ("low", 9.8, "0.1"),
    ],
)
def test_githubs_severity_is_the_policys(severity: str, score: float | None, number: str) -> None:
    rating = Rating(source="nvd", severity=Severity(severity), score=score)
    found = replace(finding(severity=severity), ratings=(rating,))
    [rule] = run(scanned(found, spec=ScanSpec(floors={})))["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == number


def test_a_fingerprint_outlives_versions_lines_and_severities() -> None:
    def prints(found: Finding) -> str:
        return str(run(scanned(found))["results"][0]["partialFingerprints"]["modelwayFinding/v1"])

    old, new = finding(), finding(of=package(version="2.0.1"), severity="critical")
    assert prints(old) == prints(new)
    assert prints(old) != prints(finding("CVE-1"))
    assert prints(old) != prints(finding(of=package("jinja2")))
    other = run(scanned(old), replace(ABOUT, model="other"))["results"][0]["partialFingerprints"]
    assert other["modelwayFinding/v1"] != prints(old)


def test_a_rule_is_told_once_by_its_worst_finding() -> None:
    made = run(scanned(finding(severity="low"), finding(of=package("jinja2"), severity="critical")))
    [rule] = made["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == "9.1"
    assert [one["ruleIndex"] for one in made["results"]] == [0, 0]


def test_what_is_wrong_with_the_scan_itself_is_said() -> None:
    broken = judged(replace(report(finding()), unread=(UNREAD,)))
    assert run()["invocations"][0]["executionSuccessful"] is True
    invocation = run(broken)["invocations"][0]
    assert invocation["executionSuccessful"] is False
    told = [one["message"]["text"] for one in invocation["toolExecutionNotifications"]]
    assert told[0] == "packages:rpm: the database cannot be read"
    merged = judged(report(finding()))[0]
    later = judge(merged, Policy(spec=ScanSpec(waivers=(WAIVER,))), NOW + timedelta(days=90))
    told = [
        one["message"]["text"] for one in run((merged, later))["invocations"][0]["toolExecutionNotifications"]
    ]
    assert told[0] == "the waiver of CVE-2023-45853 expired on 2026-07-01"


def many(number: int) -> tuple[Merged, Verdict]:
    """So many findings that pass, and after them one that stops."""
    merged, verdict = scanned(finding(severity="low"))
    [one] = verdict.judged
    each = [replace(one, finding=replace(one.finding, id=f"CVE-2026-{n}")) for n in range(number)]
    last = Judged(finding=finding("CVE-1"), ruling=Ruling.STOPS, why="high", severity=Severity.HIGH)
    return merged, replace(verdict, judged=(*each, last))


def test_no_more_results_than_github_takes_and_the_least_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sarif.RESULTS == 25_000
    monkeypatch.setattr(sarif, "RESULTS", 100)
    made = run(many(100))
    assert len(made["results"]) == len(made["tool"]["driver"]["rules"]) == 100
    assert made["results"][0]["ruleId"] == "CVE-1"
    told = made["invocations"][0]["toolExecutionNotifications"][-1]
    assert told["message"]["text"].startswith("1 findings are left out here")


def test_the_file_is_never_too_large_for_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit that few findings reach; texts that do not compress."""
    monkeypatch.setattr(sarif, "BYTES", 20_000)
    merged, verdict = many(300)
    noise = random.Random(1)  # noqa: S311 - no secret, only texts that do not compress
    each = [
        replace(one, finding=replace(one.finding, title=f"{noise.getrandbits(800):x}"))
        for one in verdict.judged
    ]
    text = sarif.sarif(ABOUT, merged, replace(verdict, judged=tuple(each)))
    assert len(gzip.compress(text.encode())) <= 20_000
    assert 1 < len(json.loads(text)["runs"][0]["results"]) < 300


def test_long_texts_are_cut_where_github_cuts_them_and_tags_are_few() -> None:
    long = replace(finding(), title="x" * 5_000, urls=tuple(f"https://e.org/{n}" for n in range(500)))
    [rule] = run(scanned(long))["tool"]["driver"]["rules"]
    assert max(len(rule[key]["text"]) for key in ("shortDescription", "fullDescription", "help")) <= 1_024
    assert len(rule["properties"]["tags"]) <= 10
