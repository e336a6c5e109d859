"""A verdict as JSON; findings by id and package, as the report has them whole."""

from __future__ import annotations

from modelway.core import told
from modelway.core.finding_json import filled
from modelway.core.json import Json, JsonObject
from modelway.core.policy import Judged, Verdict
from modelway.core.report_json import unread_json
from modelway.core.scan_spec import Policy, Waiver


def verdict_json(verdict: Verdict, policy: Policy) -> JsonObject:
    """A verdict and where the policy came from."""
    return {
        "ok": verdict.ok,
        "environment": policy.environment,
        "policy": policy.source,
        "stale": verdict.stale,
        "ageing": verdict.ageing,
        "unread": [unread_json(one) for one in verdict.unread],
        "blocking": [judged_json(one) for one in verdict.blocking],
        "waived": [judged_json(one) for one in verdict.waived],
        "below": [judged_json(one) for one in verdict.below],
        "expired": [waiver_json(one) for one in verdict.expired],
        "unused": [waiver_json(one) for one in verdict.unused],
    }


def waiver_json(waiver: Waiver) -> JsonObject:
    """A waiver."""
    return filled(
        {
            "id": waiver.id,
            "package": waiver.package,
            "path": waiver.path,
            "fingerprint": waiver.fingerprint,
            "reason": waiver.reason,
            "expires": str(waiver.expires),
            "environments": list(waiver.environments),
            "until_fixed": waiver.until_fixed,
            "owner": waiver.owner,
            "approver": waiver.approver,
            "ticket": waiver.ticket,
        }
    )


def judged_json(one: Judged) -> JsonObject:
    """A finding and what becomes of it, in the words of ``core.told``."""
    finding = one.finding
    named: dict[str, Json] = {
        **told.told(one).json,
        "kind": str(finding.kind),
        "aliases": list(finding.aliases),
        "fixed_in": finding.fixed_in,
        "title": finding.title,
        "path": finding.path,
        "sources": list(finding.sources),
    }
    waiver: dict[str, Json] = {**waiver_json(one.waiver)} if one.waiver else {}
    for key in ("id", "package", "path"):
        waiver.pop(key, None)
    return {**named, **waiver}
