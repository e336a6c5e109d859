"""What was found, as SARIF 2.1.0 that GitHub's code scanning takes.

Sources: docs.oasis-open.org/sarif/sarif/v2.1.0; docs.github.com "SARIF support for code scanning" and
"SARIF results exceed limits". GitHub refuses a file over its limits whole, so the least of what would be too
much is left out, and the file says how much that was. An upload is never the gate.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from modelway import __version__
from modelway.core import told
from modelway.core.finding_json import filled
from modelway.core.findings import BroughtBy, Finding, Place, Severity
from modelway.core.json import Json, JsonObject, canonical, sha256
from modelway.core.markup import text
from modelway.core.merge import Merged
from modelway.core.policy import Judged, Ruling, Verdict
from modelway.core.waivers import KNOWN_EXPLOITED

MEDIA_TYPE = "application/sarif+json"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RESULTS = 25_000
"""GitHub takes so many of a run, and shows the worst 5,000."""
BYTES = 10 << 20
"""Of the file, compressed with gzip."""
_TEXT = 1_000
"""Characters GitHub takes of a rule's descriptions are 1,024."""
_LEVELS = {Ruling.STOPS: "error", Ruling.WAIVED: "error", Ruling.PASSES: "note"}
_ORDER = tuple(_LEVELS)
_SCORES = {
    Severity.CRITICAL: (9.1, 10.0),
    Severity.HIGH: (7.0, 8.9),
    Severity.MEDIUM: (4.0, 6.9),
    Severity.LOW: (0.1, 3.9),
}
"""What GitHub calls by the same word as the policy: ``security-severity`` over 9.0 is critical, and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a file of results is about."""

    model: str
    config: str
    """Path of the model's config: where findings are shown that no other line brings."""
    dockerfile: str = ""
    """Path of the Dockerfile, where the repository has one."""


def sarif(about: About, merged: Merged, verdict: Verdict) -> str:
    """The file's text: every finding, worst first, as many as GitHub takes."""
    judged = sorted(verdict.judged, key=lambda one: _ORDER.index(one.ruling))[:RESULTS]
    while True:
        body = canonical(_log(about, merged, verdict, judged))
        if len(gzip.compress(body.encode(), 6)) <= BYTES or not judged:
            return body
        judged = judged[: len(judged) * 3 // 4]


def _log(about: About, merged: Merged, verdict: Verdict, judged: Sequence[Judged]) -> JsonObject:
    rules = {rule: number for number, rule in enumerate(dict.fromkeys(map(_rule_id, judged)))}
    worst: dict[str, Judged] = {}
    for one in judged:
        known = worst.setdefault(_rule_id(one), one)
        if one.severity.rank > known.severity.rank:
            worst[_rule_id(one)] = one
    run: dict[str, Json] = {
        "tool": {
            "driver": {
                "name": "modelway",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(worst[rule]) for rule in rules],
            }
        },
        "automationDetails": {"id": f"modelway/{about.model}/"},
        "invocations": [_invocation(verdict, len(verdict.judged) - len(judged))],
        "results": [_result(one, rules, about) for one in judged],
        "columnKind": "utf16CodeUnits",
        "properties": {
            "image": str(merged.subject),
            "platform": merged.platform,
            "scanners": [report.scanner for report in merged.reports],
            "ok": verdict.ok,
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(verdict: Verdict, left_out: int) -> JsonObject:
    """What is wrong with the scan itself: nobody may take a list for whole that is not."""
    said = [
        *((f"{one.area}: {one.what}", "error") for one in verdict.unread),
        *((f"the waiver of {one.id} expired on {one.expires}", "error") for one in verdict.expired),
        *((f"the waiver of {one.id} matches nothing", "warning") for one in verdict.unused),
        (verdict.stale, "error"),
        (verdict.ageing, "warning"),
        (f"{left_out} findings are left out here: GitHub takes no more" if left_out else "", "warning"),
    ]
    notes: list[Json] = [{"level": level, "message": {"text": words}} for words, level in said if words]
    return filled(
        {
            "executionSuccessful": not (verdict.unread or verdict.stale),
            "toolExecutionNotifications": notes,
        },
        always=("executionSuccessful",),
    )


def _rule_id(one: Judged) -> str:
    return one.finding.id


def _rule(one: Judged) -> JsonObject:
    """The vulnerability, or what the scanner looks for; told from its worst finding."""
    finding = one.finding
    title = (finding.title or finding.id)[:_TEXT]
    tags = ["security", str(finding.kind)]
    tags += [KNOWN_EXPLOITED] if finding.exploited else []
    tags += ["malicious"] if finding.malicious else []
    score = _score(one)
    return filled(
        {
            "id": finding.id,
            "name": "".join(word.capitalize() for word in str(finding.kind).split("_")),
            "shortDescription": {"text": title},
            "fullDescription": {"text": title},
            "help": _help(finding),
            "helpUri": next((url for url in finding.urls if url.startswith("https://")), ""),
            "defaultConfiguration": {"level": _LEVELS[one.ruling]},
            "properties": filled({"tags": [*tags], "security-severity": score, "precision": "high"}),
        }
    )


def _score(one: Judged) -> str:
    """A number GitHub calls by the policy's word: a rating's score where one fits, else the word's least."""
    bounds = _SCORES.get(one.severity)
    if bounds is None:
        return ""
    least, most = bounds
    scores = (rating.score for rating in one.finding.ratings if rating.score is not None)
    return f"{max((score for score in scores if least <= score <= most), default=least):.1f}"


def _help(finding: Finding) -> JsonObject:
    """What it is called elsewhere, and where to read of it."""
    lines = [
        f"Also known as {', '.join(finding.aliases)}." if finding.aliases else "",
        finding.remark,
        *finding.urls[:10],
    ]
    plain = "\n".join(line for line in lines if line) or finding.title or finding.id
    return {
        "text": plain[:_TEXT],
        "markdown": "\n\n".join(text(line) for line in lines if line)[:_TEXT] or plain,
    }


def _result(one: Judged, rules: dict[str, int], about: About) -> JsonObject:
    finding = one.finding
    return filled(
        {
            "ruleId": _rule_id(one),
            "ruleIndex": rules[_rule_id(one)],
            "level": _LEVELS[one.ruling],
            "message": {"text": f"{told.sentence(one)}{_brought(finding)}"},
            "locations": [_location(finding, about)],
            "partialFingerprints": {"modelwayFinding/v1": _fingerprint(about, finding)},
            "suppressions": list(_suppressions(one)),
            "properties": told.told(one).json,
        },
        always=("ruleIndex",),
    )


def _brought(finding: Finding) -> str:
    origin = told.origin(finding)
    return f". Brought by {origin}" if finding.brought_by or (finding.package and origin) else ""


def _location(finding: Finding, about: About) -> JsonObject:
    """The line of the repository that brings it, and its place in the image beside it.

    GitHub takes no result without a place in the repository, and can show it nowhere else.
    """
    line = _line(finding, about)
    inside = finding.path or finding.thing
    region: dict[str, Json] = {"startLine": max(line.line, 1)}
    if line.text:
        region["snippet"] = {"text": line.text}
    return filled(
        {
            "physicalLocation": {
                "artifactLocation": {"uri": quote(line.file), "uriBaseId": "%SRCROOT%"},
                "region": region,
            },
            "logicalLocations": list(_inside(finding, inside)),
            "message": {"text": told.origin(finding)} if told.origin(finding) else None,
        }
    )


def _inside(finding: Finding, path: str) -> Iterator[JsonObject]:
    if path:
        kind = "module" if finding.package else "resource"
        yield {"name": finding.thing, "fullyQualifiedName": path, "kind": kind}


def _line(finding: Finding, about: About) -> BroughtBy:
    if finding.brought_by:
        return finding.brought_by
    place = finding.location
    if place and place.place is Place.REPOSITORY:
        return BroughtBy(file=place.file, line=place.line, text="")
    return BroughtBy(file=about.dockerfile or about.config, line=1, text="")


def _fingerprint(about: About, finding: Finding) -> str:
    """Equal for the same finding in every version of the package, and wherever the line has moved to."""
    package = finding.package
    of = package.ecosystem if package else str(finding.kind)
    secret = finding.evidence.fingerprint if finding.evidence else ""
    return sha256([about.model, finding.id, of, finding.thing, finding.path, secret])


def _suppressions(one: Judged) -> Iterable[JsonObject]:
    """The waiver that accepts it."""
    waiver = one.waiver
    if waiver is None or one.ruling is not Ruling.WAIVED:
        return
    named = {
        "expires": str(waiver.expires),
        "owner": waiver.owner,
        "approver": waiver.approver,
        "ticket": waiver.ticket,
    }
    yield {
        "kind": "external",
        "status": "accepted",
        "justification": told.why(one),
        "properties": filled(named),
    }
