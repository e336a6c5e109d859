"""The scan's part of the gate: what is attached to a digest, judged by the policy and advisories of today.

A stored pass is never trusted: the packages the report lists are asked about again, without the image.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from modelway.core import pending
from modelway.core.config import ModelConfig
from modelway.core.image import Digest
from modelway.core.json import canonical
from modelway.core.manifest import Manifest
from modelway.core.merge import Merged, merge
from modelway.core.policy import Verdict, judge
from modelway.core.report import Database, Report
from modelway.core.report_json import report_json, report_of
from modelway.core.scan_spec import Policy
from modelway.core.verdict_json import verdict_json
from modelway.errors import Blocked, NotAllowed, NotEvaluated
from modelway.ports import World

_BUILTIN = "builtin"
_SHOWN = 20
_KEPT = 0.9
"""Of the advisories about an ecosystem; withdrawn ones are few."""
AGAIN = "scripts/run scan CONFIG && scripts/run push CONFIG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Stored reports and what the policy of today says of them."""

    merged: Merged
    verdict: Verdict
    policy: Policy
    words: str
    """Which advisories and which policy it was judged by."""
    pending: str = ""
    """What the checkout's own policy would change, and does not yet."""


def document(reports: Sequence[Report], verdict: Verdict, policy: Policy) -> bytes:
    """Reports and verdict, as they are attached."""
    body = [report_json(report) for report in reports]
    return canonical({"reports": body, "verdict": verdict_json(verdict, policy)}).encode()


def reports_of(body: bytes) -> tuple[Report, ...]:
    """Read an attached document, one report a scanner; one that cannot be read is not a pass."""
    try:
        return tuple(report_of(one) for one in json.loads(body)["reports"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        what = "a scan report attached to the image cannot be read"
        raise NotEvaluated(what, seen=repr(error), cure="Scan and push again.") from error


def stored(documents: Collection[bytes], subject: Digest | None) -> tuple[Report, ...]:
    """The newest reports about an image, by its config's digest; none where nobody scanned it."""
    for body in documents:
        reports = reports_of(body)
        if reports and all(report.subject == subject for report in reports):
            return reports
    return ()


def judged(
    world: World, config: ModelConfig, reports: Sequence[Report], environment: str | None
) -> Judgement:
    """Judge stored reports as of now, without the image."""
    governing = world.rules(config)
    policy, today = governing.rules.policy(environment), world.clock.now()
    fresh = tuple(_fresh(world, report) for report in reports)
    merged = merge(fresh)
    verdict = judge(merged, policy, today)
    other = judge(merged, governing.other.policy(environment), today) if governing.other else None
    again = any(now.fingerprint != then.fingerprint for now, then in zip(fresh, reports, strict=True))
    with_what = "the advisories of today" if again else "the advisories it was scanned with"
    return Judgement(
        merged=merged,
        verdict=verdict,
        policy=policy,
        words=f"{with_what}, by the policy of {policy.source}",
        pending=pending.words(verdict, other, policy.source),
    )


def scanned(policy: Policy, manifest: Manifest, documents: Collection[bytes]) -> tuple[Report, ...]:
    """The stored reports the policy asks for, about this very image; raises what is missing.

    Nothing where it asks for no scan.
    """
    if not policy.spec.scanners:
        return ()
    reports = stored(documents, manifest.config)
    if not reports:
        what = f"no scan report is attached to {manifest.digest}"
        seen = f"{len(documents)} documents are about other images."
        raise NotAllowed(what, seen=seen, cure=f"Scan and push it: {AGAIN}")
    missing = set(policy.spec.scanners) - {report.scanner for report in reports}
    if missing:
        what = f"{manifest.digest} was not scanned by {', '.join(sorted(missing))}"
        raise NotEvaluated(what, cure=f"Scan and push it: {AGAIN}")
    return reports


def passing(
    world: World, config: ModelConfig, environment: str, digest: Digest, reports: Sequence[Report]
) -> str:
    """Why today's policy and advisories let an image in by its stored reports; raises what they forbid."""
    if not reports:
        return "the config asks for no scan"
    found = judged(world, config, reports, environment)
    refuse(found, str(digest))
    verdict = found.verdict
    counts = f"{len(verdict.below)} findings below the limit, {len(verdict.waived)} waived"
    return f"the scan passes with {found.words}: {counts}"


def refuse(found: Judgement, what: str) -> None:
    """Raise what a verdict demands; nothing for a pass."""
    verdict = found.verdict
    if verdict.blocking or verdict.expired:
        blocking = [f"{b.finding.id} in {b.finding.thing}: {b.why}" for b in verdict.blocking]
        more = [f"and {len(blocking) - _SHOWN} more"] if len(blocking) > _SHOWN else []
        expired = [f"the waiver of {w.id} expired on {w.expires}" for w in verdict.expired]
        raise Blocked(
            f"the policy of {found.policy.source} refuses {what}",
            seen="\n".join([*blocking[:_SHOWN], *more, *expired]),
            cure=found.pending or "Fix or waive them in the config; `scripts/run scan CONFIG` shows how.",
        )
    if verdict.unread:
        raise NotEvaluated(
            f"not everything in {what} could be scanned",
            seen="\n".join(f"{one.area}: {one.what}" for one in verdict.unread),
            cure="List a scanner that reads it; scan and push again.",
        )
    if verdict.stale:
        cure = "`scripts/run scan-db update` where this runs, or scan with newer advisories and push again."
        raise NotEvaluated(verdict.stale, cure=cure)


def _fresh(world: World, report: Report) -> Report:
    """The report with the advisories of this machine, where they are not older than its own.

    An index that knows less must not make findings disappear.
    """
    if report.scanner != _BUILTIN or report.database is None:
        return report
    try:
        here = world.advisories(None)
        about = here.about()
    except NotEvaluated:
        return report
    then = report.database
    if about.as_of is None or then.as_of is None or about.as_of < then.as_of:
        return report
    return report if _shrunk(then, about, report.distro) else here.match(report)


def _shrunk(then: Database, now: Database, distro: str) -> bool:
    """Whether today's advisories are a selection: OSV's grow from day to day."""
    counts = dict(now.ecosystems)
    asked = [(name, count) for name, count in then.ecosystems if name == "PyPI" or name.startswith(distro)]
    return any(counts.get(name, 0) < count * _KEPT for name, count in asked)
