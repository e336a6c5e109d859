"""`evidence` for 50 releases of a model, their registry on this machine: whole processes, with imports.

In seconds of processors, the best of five: on a busy machine those on the wall say nothing.
"""

from __future__ import annotations

import json
import sys

from child import ran
from cloud import SCRIPT
from kept import CONFIG, kept
from measure import verdict

RELEASES, ROUNDS = 50, 5
_REGISTRY = frozenset({"ecr", "ecr-registry"})
"""ECR's API, and its registry's own interface."""


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    with kept(RELEASES) as there:
        script = [SCRIPT, "evidence", str(CONFIG), "--format", "json"]
        ran(script)
        before = there.last()
        told = ran(script)
        calls = there.calls(before)
        best = min((ran(script) for _ in range(ROUNDS)), key=lambda one: one.processor)
    document = json.loads(told.output)
    asked = [one for one in calls if one["service"] in _REGISTRY]
    complete = [one for one in document["releases"] if one["provenance"] and len(one["verdicts"]) == 2]  # noqa: PLR2004 - staging and production
    kinds = sorted({f"{one['service']} {one['operation']}" for one in asked})
    print(f"{len(document['releases'])} releases, {len(asked)} calls to the registry: {', '.join(kinds)}")
    print(f"best of {ROUNDS}: {best.seconds:.2f} s on the wall, {best.processor:.2f} s of processors")
    claims = [
        verdict(f"evidence of {RELEASES} releases", best.processor, at_most=3, unit="s"),
        verdict("calls to the registry for each release", len(asked) / RELEASES, at_most=3, unit="calls"),
        verdict("releases without all their evidence", RELEASES - len(complete), at_most=0, unit="x"),
    ]
    return 0 if all(claims) else 1


if __name__ == "__main__":
    sys.exit(main())
