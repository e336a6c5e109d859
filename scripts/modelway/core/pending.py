"""What a checkout's own policy would change, and that it does not count yet."""

from __future__ import annotations

from modelway.core.findings import Finding
from modelway.core.policy import Ruling, Verdict

_SHOWN = 10


def words(verdict: Verdict, checkout: Verdict | None, source: str) -> str:
    """Which waivers and which looser rules wait for their merge; empty where none would change anything.

    ``source`` is where the policy that counts was read from, the branch first.
    """
    if checkout is None:
        return ""
    branch = source.partition(" ")[0]
    theirs = {_key(one.finding): one.ruling for one in checkout.judged}
    changed = [(one.finding.id, theirs.get(_key(one.finding))) for one in verdict.blocking]
    waived = dict.fromkeys(id_ for id_, ruling in changed if ruling is Ruling.WAIVED)
    passed = dict.fromkeys(id_ for id_, ruling in changed if ruling is Ruling.PASSES)
    ended = [one.id for one in verdict.expired if one not in checkout.expired]
    parts = (
        f"the waiver of {_listed([*waived])}" if waived else "",
        f"the looser rule for {_listed([*passed])}" if passed else "",
        f"what replaces the expired waiver of {_listed(ended)}" if ended else "",
    )
    told = ", ".join(filter(None, parts))
    if not told:
        return ""
    return f"{told} stands in this checkout only: it takes effect once it is merged into {branch}"


def _key(finding: Finding) -> tuple[str, str, str, str]:
    return str(finding.kind), finding.id, finding.thing, finding.path


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
